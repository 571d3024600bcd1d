/*
 * One run of a command: the configuration's generation and the parts of the world, each opened on
 * first use. Decides nothing about what is to be done.
 */
#include "cmd/context.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/schema.h"
#include "run/probe.h"
#include "run/trust.h"
#include "run/data/volume_map.h"
#include "run/control/control.h"

enum { RUN_ID_MAX = 16 };

static const char *const kept_references[] = { "secret.", "service.", NULL };

static int find_root(struct context *c)
{
	char here[4096];
	const char *start = c->g.dir ? c->g.dir : getcwd(here, sizeof(here));
	char *real = start ? path_real(&c->arena, start) : NULL;
	if (!real)
		return fail_with(c, ERR_USAGE, "there is no directory %s", start ? start : ".");
	if (!dir_exists(real))
		return fail_with(c, ERR_USAGE, "%s is not a directory", start);
	c->root = real;
	if (!c->g.files.count) {
		char *root = config_find_root(&c->arena, real);
		c->root = root ? path_dir(&c->arena, root) : real;
	}
	return 0;
}

static const char *user_file(struct context *c)
{
	char *dir = xdg_dir(&c->arena, XDG_CONFIG);
	char *file = dir ? path_join(&c->arena, dir, "config.yml") : NULL;
	return file && file_exists(file) ? file : NULL;
}

/* -p is the last word on the name, also in what `config` shows. */
static void name_by_option(struct context *c)
{
	struct place at = { .layer = "-p" };
	if (!c->g.project || !c->config.tree || c->config.tree->kind != NODE_MAP)
		return;
	struct node *name = node_str(&c->arena, c->g.project, at);
	name->replaced = node_get(c->config.tree, "name");
	map_put(&c->arena, c->config.tree, "name", at, name);
}

/* What a `devenv ci` starts is told in which run it is. It becomes a part of names and paths. */
static const char *run_id(const char *said)
{
	size_t len = said ? strspn(said, "0123456789abcdef") : 0;
	return len && len <= RUN_ID_MAX && !said[len] ? said : NULL;
}

int load_config(struct context *c)
{
	if (c->config.tree)
		return 0;
	if (find_root(c))
		return ERR_USAGE;
	const char *named = getenv("DEVENV_ENV");
	c->environment = c->g.environment ? c->g.environment : named && *named ? named : "dev";
	c->run = c->run ? c->run : run_id(getenv("DEVENV_RUN"));
	struct strs names = { 0 };
	template_names(&c->arena, &names);
	struct config_request req = {
		.dir = c->root,
		.files = c->g.files,
		.environment = c->environment,
		.implied = c->implied || c->run,
		.sets = c->g.sets,
		.defaults = schema_defaults(&c->arena),
		.facts = facts_layer(&c->arena, c->root),
		.user_file = user_file(c),
		.schema = &schema_devenv,
		.template_layer = template_layer,
		.template_names = &names,
		.lookup = fact_lookup,
		.lookup_ctx = c,
		.kept = kept_references,
	};
	int bad = config_load(&c->arena, &req, &c->config, &c->diags);
	if (c->config.dir)
		c->root = c->config.dir;
	name_by_option(c);
	lap(c, "configuration", false);
	if (trust_owner_check(&c->config.files, &c->error))
		return fail(c);
	return bad || !c->config.tree ? ERR_CONFIG : 0;
}

static void decode(struct context *c)
{
	struct project_request req = { .dir = c->root,
		.environment = c->environment,
		.name = c->g.project,
		.host = c->host,
		.tools = c->tools,
		.frozen = c->g.frozen,
		.home = getenv("HOME"),
		.run = c->run,
		.state = c->run ? xdg_dir(&c->arena, XDG_STATE) : NULL };
	c->project = (struct project){ 0 };
	project_decode(&c->arena, c->config.tree, &req, &c->project, &c->diags);
}

static int find_places(struct context *c)
{
	if (c->places.state)
		return 0;
	return places_of_project(&c->arena, &c->project, &c->places, &c->error);
}

bool can_move_to_host(const struct context *c)
{
	for (size_t i = 0; i < c->project.services.count; i++)
		if (c->project.services.items[i].on_host &&
			c->project.services.items[i].where == RUN_CONTAINER)
			return true;
	return false;
}

/* What was brought up with --host stays there for all commands, as long as its agent runs. */
static void decode_as_it_runs(struct context *c)
{
	decode(c);
	if (c->diags.errors || c->host || c->sought || !can_move_to_host(c) || find_places(c))
		return;
	if (agent_runs_host(c))
		decode(c);
}

int load_project_quietly(struct context *c)
{
	if (load_config(c))
		return c->error.code ? (int)c->error.code : ERR_CONFIG;
	schema_check(&c->arena, &schema_devenv, c->config.tree, &c->diags);
	if (!c->diags.errors)
		decode_as_it_runs(c);
	return c->diags.errors ? ERR_CONFIG : 0;
}

int load_project(struct context *c)
{
	if (c->have_project)
		return 0;
	int bad = load_project_quietly(c);
	if (bad && c->error.code)
		return c->error.code;
	lap(c, "project", false);
	int status = report(c);
	c->have_project = !bad && !status;
	return status;
}

int open_places(struct context *c)
{
	int status = load_project(c);
	if (status || c->have_places)
		return status;
	if (find_places(c))
		return fail(c);
	c->have_places = true;
	if (probe_local(&c->arena, &c->project, &c->places, &c->world, &c->error))
		return fail(c);
	status = load_lock(c);
	lap(c, "state", false);
	return status;
}

int open_engine(struct context *c)
{
	if (!c->engine)
		c->engine = engine_open(&c->error);
	return c->engine ? 0 : fail(c);
}

/* Was anything of this workspace seen ready in a container, which may be there still? */
static bool had_containers(const struct context *c)
{
	for (size_t i = 0; i < c->world.records.count; i++) {
		const char *id = c->world.records.items[i].container;
		if (id && *id && !starts_with(id, "host:"))
			return true;
	}
	return false;
}

/* A project that lives on the host alone needs no engine, and does not wait for one. */
static int look_at_engine(struct context *c)
{
	if (!project_runs(&c->project, RUN_CONTAINER) && project_runs(&c->project, RUN_HOST) &&
		!had_containers(c))
		return 0;
	if (!c->engine)
		c->engine = engine_open(&c->engine_error);
	int bad = !c->engine || engine_look(c->engine, &c->arena, c->project.workspace, &c->world,
					&c->engine_error);
	lap(c, "engine", true);
	if (!bad)
		return 0;
	if (can_move_to_host(c)) {
		const char *hint = arena_strdup(&c->arena, c->engine_error.hint);
		err_hint(&c->engine_error,
			"%s%s`devenv up --host` brings up what has a host command", hint,
			*hint ? "; " : "");
	}
	engine_close(c->engine);
	c->engine = NULL;
	return -1;
}

int need_engine(struct context *c)
{
	if (c->engine)
		return 0;
	if (!c->engine_error.code)
		return open_engine(c);
	c->error = c->engine_error;
	return fail(c);
}

int look(struct context *c)
{
	int status = open_places(c);
	if (status || c->looked)
		return status;
	int bad = look_at_engine(c);
	status = find_agent(c);
	if (!status && bad && !c->agent && !project_runs(&c->project, RUN_HOST))
		status = need_engine(c);
	c->looked = !status;
	return status;
}

enum { LOCK_WAIT_MS = 5000, LOCK_WAIT_AGENT_MS = 60000 };

/* What an agent brings up by itself, nobody sees who asks for something else meanwhile. */
static int take_turn(struct context *c, const char *path)
{
	if (lock_take(&c->lock, path, LOCK_WAIT_MS, &c->error) == 0)
		return 0;
	if (c->error.code != ERR_BUSY || !c->agent)
		return -1;
	note(c, "What was saved is being brought up; waiting for the end of it.");
	c->error = (struct err)ERR_INIT;
	return lock_take(&c->lock, path, LOCK_WAIT_AGENT_MS, &c->error);
}

int take_lock(struct context *c)
{
	int status = open_places(c);
	if (status || c->locked)
		return status;
	if (dir_make(c->places.state, 0700, &c->error) ||
		take_turn(c, path_join(&c->arena, c->places.state, "lock")))
		return fail(c);
	dir_sweep(c->places.state);
	c->locked = true;
	/* Whoever had the lock may have let other volumes serve since it was read. */
	return volume_map_load(&c->arena, &c->places, &c->world, &c->error) ? fail(c) : 0;
}

void context_release(struct context *c)
{
	lock_drop(&c->lock);
	control_disconnect(c->agent);
	if (c->summoned >= 0)
		close(c->summoned);
	vault_close(c->vault);
	engine_close(c->engine);
	loop_free(c->loop);
	map_release(&c->world.inputs);
	arena_release(&c->arena);
}

static int64_t clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void lap(struct context *c, const char *what, bool waiting)
{
	int64_t now = clock_us();
	if (!c->lap_us) { /* the first lap begins with the process's own CPU time */
		struct timespec cpu;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
		c->lap_us = now - (int64_t)cpu.tv_sec * 1000000 - cpu.tv_nsec / 1000;
	}
	for (size_t i = 0; i < c->timing_count; i++) {
		struct timing *t = &c->timings[i];
		if (t->waiting != waiting || !streq(t->what, what))
			continue;
		t->us += now - c->lap_us;
		c->lap_us = now;
		return;
	}
	if (c->timing_count < countof(c->timings))
		c->timings[c->timing_count++] = (struct timing){ what, now - c->lap_us, waiting };
	c->lap_us = now;
}
