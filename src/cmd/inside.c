/*
 * shell, exec, run, attach and the project's own commands: into the containers and back with the
 * child's status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/lifecycle.h"
#include "run/apply.h"
#include "run/engine/exec.h"
#include "run/host/hosts.h"
#include "run/logs/logs.h"
#include "run/perform.h"
#include "run/io/spawn.h"

enum { CANNOT_RUN = 126 }; /* what is there is not a program, or there is none */

struct inside_opts {
	bool root, no_tty, detach, keep, client;
	const char *user, *workdir;
	struct strs env;
	int index;
};

#define INSIDE(field) offsetof(struct inside_opts, field)
#define USER_OPTIONS                                                                               \
	{ "user", 'u', OPT_TEXT, "USER", "as this user of the container", NULL, COMPLETE_NONE,     \
		INSIDE(user), false },                                                             \
		{ "root", 0, OPT_FLAG, NULL, "as root", NULL, COMPLETE_NONE, INSIDE(root),         \
			false },                                                                   \
		{ "workdir", 'w', OPT_TEXT, "DIR", "in this directory of the container", NULL,     \
			COMPLETE_NONE, INSIDE(workdir), false },                                   \
		{ "environment", 'e', OPT_LIST, "NAME=VALUE", "set a variable; repeatable", NULL,  \
			COMPLETE_NONE, INSIDE(env), false },                                       \
		{ "no-tty", 'T', OPT_FLAG, NULL, "without a terminal", NULL, COMPLETE_NONE,        \
			INSIDE(no_tty), false },                                                   \
	{                                                                                          \
		"index", 0, OPT_INT, "N", "which copy of a service with several", NULL,            \
			COMPLETE_NONE, INSIDE(index), false                                        \
	}

static const struct opt exec_options[] = { USER_OPTIONS, { 0 } };
static const struct opt attach_options[] = {
	{ "client", 0, OPT_FLAG, NULL,
		"the service's own client (psql, redis-cli) instead of its process", NULL,
		COMPLETE_NONE, INSIDE(client), false },
	{ "no-tty", 'T', OPT_FLAG, NULL, "without a terminal", NULL, COMPLETE_NONE, INSIDE(no_tty),
		false },
	{ "index", 0, OPT_INT, "N", "which copy of a service with several", NULL, COMPLETE_NONE,
		INSIDE(index), false },
	{ 0 },
};

const struct container *running_copy(struct context *c, const char *service, int index)
{
	for (size_t i = 0; i < c->world.containers.count; i++) {
		const struct container *k = &c->world.containers.items[i];
		if (!k->one_off && streq(k->service, service) && k->number == (index ? index : 1) &&
			k->state == UNIT_RUNNING)
			return k;
	}
	const struct container *k = world_container(&c->world, service);
	err_set(&c->error, ERR_FAILED, "%s is not running (%s)", service,
		unit_state_name(k ? k->state : UNIT_ABSENT));
	err_hint(&c->error, "start it with `devenv up -d %s`", service);
	fail(c);
	return NULL;
}

static bool use_tty(const struct inside_opts *o)
{
	return !o->no_tty && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* Beside the service's process: its directory, its environment. */
static int run_beside(struct context *c, const struct inside_opts *o, const char *dir,
	const char *const *env, const char *const *argv)
{
	struct strs all = { 0 };
	int child = 0;
	for (size_t i = 0; env[i]; i++)
		strs_add(&c->arena, &all, env[i]);
	for (size_t i = 0; i < o->env.count; i++) /* the last of a name counts */
		strs_add(&c->arena, &all, o->env.items[i]);
	strs_add(&c->arena, &all, NULL);
	struct spawn sp = { .argv = argv,
		.dir = o->workdir ? path_join(&c->arena, dir, o->workdir) : dir,
		.env = all.items,
		.interactive = true };
	c->loop = c->loop ? c->loop : loop_new();
	return spawn_run(c->loop, &sp, &child, &c->error) ? fail(c) : child;
}

static int exec_on_host(struct context *c, const struct container *k, const struct inside_opts *o,
	const char *const *argv)
{
	struct host_launch l;
	if (o->user || o->root)
		return fail_with(c, ERR_USAGE,
			"%s runs on this host, as you: there is no other user", k->service);
	if (c->hosts->ops->launched(c->hosts, &c->arena, k->id, &l, &c->error))
		return fail(c);
	return run_beside(c, o, l.spec->dir, l.env, argv);
}

static int exec_in(struct context *c, const struct service *s, const struct inside_opts *o,
	const char *const *argv)
{
	const struct container *k = running_copy(c, s->name, o->index);
	int status = 0;
	if (!k)
		return c->error.code;
	if (k->host)
		return exec_on_host(c, k, o, argv);
	struct exec_request r = {
		.container = k->id,
		.argv = argv,
		.user = o->root ? "0" : o->user,
		.dir = o->workdir,
		.env = &o->env,
		.tty = use_tty(o),
		.stdin_open = true,
	};
	c->loop = c->loop ? c->loop : loop_new();
	if (engine_exec(c->engine, c->loop, &r, &status, &c->error))
		return fail(c);
	return status;
}

static int look_at(struct context *c, const char *name, const struct service **s)
{
	int status = look(c);
	if (status)
		return status;
	*s = named_service(c, name);
	return *s ? 0 : ERR_USAGE;
}

static const char *const *argv_of(struct context *c, const struct strs *args, size_t from)
{
	struct strs l = { 0 };
	for (size_t i = from; i < args->count; i++)
		strs_add(&c->arena, &l, args->items[i]);
	strs_add(&c->arena, &l, NULL);
	return l.items;
}

static int run_exec(struct context *c, const void *opts, const struct strs *args)
{
	const struct service *s;
	if (args->count < 2)
		return fail_with(c, ERR_USAGE, "exec needs a command: devenv exec %s -- COMMAND",
			args->items[0]);
	int status = look_at(c, args->items[0], &s);
	return status ? status : exec_in(c, s, opts, argv_of(c, args, 1));
}

/* Where the developer stands: -C, else the current folder. */
static const char *standing_in(struct context *c)
{
	const char *here = path_real(&c->arena, c->g.dir ? c->g.dir : ".");
	return here ? here : "";
}

/* The module whose sources hold that folder, of several the nearest. */
static const struct service *module_around(struct context *c, const char *here)
{
	const struct service *found = NULL;
	for (size_t i = 0; i < c->project.services.count; i++) {
		const struct service *s = &c->project.services.items[i];
		const char *source = s->develop ? s->develop->source : NULL;
		if (source && path_inside(source, here) &&
			(!found || strlen(source) > strlen(found->develop->source)))
			found = s;
	}
	return found;
}

/* That one, else the first module, else the first service. */
static const char *service_here(struct context *c)
{
	const struct service *found = module_around(c, standing_in(c));
	for (size_t i = 0; !found && i < c->project.services.count; i++) {
		const struct service *s = &c->project.services.items[i];
		if (s->develop && s->kind == KIND_SERVICE)
			found = s;
	}
	if (!found && c->project.services.count)
		found = &c->project.services.items[0];
	return found ? found->name : NULL;
}

static int run_shell(struct context *c, const void *opts, const struct strs *args)
{
	static const char *const shell[] = { "/bin/sh", "-c",
		"if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi", NULL };
	const struct service *s;
	int status = load_project(c);
	if (status)
		return status;
	const char *name = args->count ? args->items[0] : service_here(c);
	if (!name)
		return fail_with(c, ERR_FAILED, "this project has no services");
	status = look_at(c, name, &s);
	status = status ? status : exec_in(c, s, opts, shell);
	if (status == CANNOT_RUN && !c->error.code)
		note(c, "help: if %s has no shell, `devenv debug %s` brings one along", name, name);
	return status;
}

static const struct opt run_options[] = {
	{ "user", 'u', OPT_TEXT, "USER", "as this user of the container", NULL, COMPLETE_NONE,
		INSIDE(user), false },
	{ "workdir", 'w', OPT_TEXT, "DIR", "in this directory of the container", NULL,
		COMPLETE_NONE, INSIDE(workdir), false },
	{ "environment", 'e', OPT_LIST, "NAME=VALUE", "set a variable; repeatable", NULL,
		COMPLETE_NONE, INSIDE(env), false },
	{ "no-tty", 'T', OPT_FLAG, NULL, "without a terminal", NULL, COMPLETE_NONE, INSIDE(no_tty),
		false },
	{ "keep", 0, OPT_FLAG, NULL, "keep the container when the command has ended", NULL,
		COMPLETE_NONE, INSIDE(keep), false },
	{ 0 },
};

/* `docker compose run` of the generated file: the service's own mounts, network and environment. */
static struct strs compose_run(struct context *c, const struct service *s,
	const struct inside_opts *o, const struct strs *args)
{
	struct arena *a = &c->arena;
	struct strs v = { 0 };
	const char *head[] = { "docker", "compose", "-p", c->project.workspace, "-f",
		path_join(a, c->places.generated, plan_run_file(&c->project)),
		"--project-directory", c->project.dir, "--env-file", "/dev/null", "run",
		"--no-deps", "--quiet-pull" };
	for (size_t i = 0; i < countof(head); i++)
		strs_add(a, &v, head[i]);
	if (!o->keep)
		strs_add(a, &v, "--rm");
	if (!use_tty(o))
		strs_add(a, &v, "-T");
	if (o->user)
		strs_add(a, &v, arena_printf(a, "--user=%s", o->user));
	if (o->workdir)
		strs_add(a, &v, arena_printf(a, "--workdir=%s", o->workdir));
	for (size_t i = 0; i < o->env.count; i++)
		strs_add(a, &v, arena_printf(a, "--env=%s", o->env.items[i]));
	strs_add(a, &v, s->name);
	for (size_t i = 1; i < args->count; i++)
		strs_add(a, &v, args->items[i]);
	strs_add(a, &v, NULL);
	return v;
}

/* How the service would be started now, whether it runs or not. */
static const struct host_spec *spec_of(struct context *c)
{
	for (size_t i = 0; i < c->plan.chosen.count; i++)
		if (c->plan.chosen.items[i].spec)
			return c->plan.chosen.items[i].spec;
	return NULL;
}

/* Files, images and dependencies are there afterwards, and others may act again. */
static int prepare_run(struct context *c, const struct service *s)
{
	struct prepare p = {
		.request = { .goal = GOAL_RUN, .timeout_ms = -1 },
		.engine = true,
		.write = true,
	};
	struct applied done = { 0 };
	strs_add(&c->arena, &p.request.services, s->name);
	int status = prepare(c, &p);
	if (status || c->g.dry_run)
		return status;
	if (c->plan.steps.count)
		status = carry_out(c);
	if (!status &&
		apply_files(&c->arena, &c->plan, &c->places, c->vault, false, &done, &c->error))
		status = fail(c);
	return status;
}

static int run_host_service(
	struct context *c, const struct inside_opts *o, const char *name, const struct strs *args)
{
	const struct host_spec *spec = spec_of(c);
	if (!spec)
		return fail_with(c, ERR_FAILED, "%s has no command", name);
	const char *const *env = host_launch_environment(
		&c->arena, clean_environment(&c->arena, NULL), spec, &c->plan, c->vault, &c->error);
	if (!env)
		return fail(c);
	lock_drop(&c->lock);
	return run_beside(c, o, spec->dir, env,
		argv_of(c, args->count > 1 ? args : &spec->argv, args->count > 1 ? 1 : 0));
}

static int run_run(struct context *c, const void *opts, const struct strs *args)
{
	const struct inside_opts *o = opts;
	int status = load_project(c);
	const struct service *s = status ? NULL : named_service(c, args->items[0]);
	if (!s)
		return status ? status : ERR_USAGE;
	status = prepare_run(c, s);
	if (status || c->g.dry_run)
		return status;
	if (s->where == RUN_HOST)
		return run_host_service(c, o, s->name, args);
	lock_drop(&c->lock);
	struct strs argv = compose_run(c, s, o, args);
	struct spawn sp = { .argv = argv.items, .dir = c->project.dir, .interactive = true };
	int child = 0;
	c->loop = c->loop ? c->loop : loop_new();
	return spawn_run(c->loop, &sp, &child, &c->error) ? fail(c) : child;
}

/* Its input is nobody's; what it prints is in its log. */
static int attach_on_host(struct context *c, const struct container *k)
{
	struct log_printer printer = log_printer_of(c, false);
	struct log_query q = { .tail = 10, .follow = true, .pause = log_flush };
	printer.style.no_prefix = printer.style.raw = true;
	strs_add(&c->arena, &q.services, k->service);
	int bad = logs_read(
		c->engine, c->loop, &c->places, &c->world, &q, log_print, &printer, &c->error);
	log_printer_release(&printer);
	return bad ? fail(c) : 0;
}

static int run_attach(struct context *c, const void *opts, const struct strs *args)
{
	const struct inside_opts *o = opts;
	const struct service *s;
	int status = look_at(c, args->items[0], &s);
	if (status)
		return status;
	if (o->client && !s->client.count)
		return fail_with(c, ERR_FAILED,
			"%s names no client (its template, or `client:`, would)", s->name);
	if (o->client)
		return exec_in(c, s, o, argv_of(c, &s->client, 0));
	const struct container *k = running_copy(c, s->name, o->index);
	if (!k)
		return c->error.code;
	c->loop = loop_new();
	if (k->host)
		return attach_on_host(c, k);
	int child = 0;
	return engine_attach(c->engine, c->loop, k->id, s->tty && use_tty(o), &child, &c->error)
		       ? fail(c)
		       : child;
}

/* On the host it needs the consent that prepare() asks for; `"$@"` carries further arguments. */
static int run_on_host(struct context *c, const struct command *cmd, const struct strs *args)
{
	struct strs v = { 0 };
	struct prepare p = { .request = { .goal = GOAL_GENERATE }, .write = true };
	int status = prepare(c, &p);
	if (status)
		return status;
	lock_drop(&c->lock);
	const char *head[] = { "/bin/sh", "-c", arena_printf(&c->arena, "%s \"$@\"", cmd->run),
		cmd->name };
	for (size_t i = 0; i < countof(head); i++)
		strs_add(&c->arena, &v, head[i]);
	for (size_t i = 0; i < args->count; i++)
		strs_add(&c->arena, &v, args->items[i]);
	strs_add(&c->arena, &v, NULL);
	struct spawn sp = { .argv = v.items, .dir = c->project.dir, .interactive = true };
	int child = 0;
	c->loop = c->loop ? c->loop : loop_new();
	return spawn_run(c->loop, &sp, &child, &c->error) ? fail(c) : child;
}

static int run_in_service(struct context *c, const struct command *cmd, const struct strs *args)
{
	const struct service *s;
	struct inside_opts o = { 0 };
	struct strs v = { 0 };
	int status = look_at(c, cmd->service, &s);
	if (status)
		return status;
	const char *head[] = { "/bin/sh", "-c", arena_printf(&c->arena, "%s \"$@\"", cmd->run),
		cmd->name };
	for (size_t i = 0; i < countof(head); i++)
		strs_add(&c->arena, &v, head[i]);
	for (size_t i = 0; i < args->count; i++)
		strs_add(&c->arena, &v, args->items[i]);
	return exec_in(c, s, &o, argv_of(c, &v, 0));
}

bool project_command_run(struct context *c, const char *name, const struct strs *args, int *status)
{
	struct err quiet = ERR_INIT;
	struct arena probe = ARENA_INIT;
	char *here = path_real(&probe, c->g.dir ? c->g.dir : ".");
	bool project = here && (c->g.files.count || config_find_root(&probe, here));
	arena_release(&probe);
	(void)quiet;
	if (!project)
		return false;
	*status = load_project(c);
	if (*status)
		return true;
	const struct command *cmd = project_command(&c->project, name);
	if (cmd)
		*status = cmd->service ? run_in_service(c, cmd, args) : run_on_host(c, cmd, args);
	return cmd != NULL;
}

const struct cmd cmd_shell = {
	.name = "shell",
	.alias = "sh",
	.group = "inside",
	.args = "[SVC]",
	.help = "a shell in a running container: bash where there is one, else sh",
	.detail = "Without SVC: in the module whose folder you stand in, else in the first module.",
	.opts = exec_options,
	.opts_size = sizeof(struct inside_opts),
	.max_args = 1,
	.complete = COMPLETE_SERVICE,
	.run = run_shell,
};

const struct cmd cmd_exec = {
	.name = "exec",
	.group = "inside",
	.args = "SVC [--] COMMAND [ARG...]",
	.help = "run a command in a running container, with its exit status",
	.opts = exec_options,
	.opts_size = sizeof(struct inside_opts),
	.min_args = 1,
	.max_args = -1,
	.passthrough = true,
	.complete = COMPLETE_SERVICE,
	.run = run_exec,
};

const struct cmd cmd_run = {
	.name = "run",
	.group = "inside",
	.args = "SVC [--] [COMMAND [ARG...]]",
	.help = "run a command in a new container of a service, removed when it ends",
	.opts = run_options,
	.opts_size = sizeof(struct inside_opts),
	.min_args = 1,
	.max_args = -1,
	.passthrough = true,
	.complete = COMPLETE_SERVICE,
	.run = run_run,
};

const struct cmd cmd_attach = {
	.name = "attach",
	.group = "inside",
	.args = "SVC",
	.help = "join a service's own process: what it prints, and its input when it reads any",
	.opts = attach_options,
	.opts_size = sizeof(struct inside_opts),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_SERVICE,
	.run = run_attach,
};
