/*
 * up: from whatever is there to what is configured, then the table of units and the URLs. In the
 * foreground it follows the logs and stops everything on Ctrl-C.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/agent_client.h"
#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/data.h"
#include "cmd/foreground.h"
#include "cmd/lifecycle.h"
#include "run/apply.h"
#include "run/host/hosts.h"
#include "run/perform.h"

#define UP(field) offsetof(struct up_opts, field)
static const struct opt up_options[] = {
	{ "detach", 'd', OPT_FLAG, NULL, "return when everything is ready", NULL, COMPLETE_NONE,
		UP(detach), false },
	{ "no-deps", 0, OPT_FLAG, NULL, "do not start what the named services need", NULL,
		COMPLETE_NONE, UP(no_deps), false },
	{ "force-recreate", 0, OPT_FLAG, NULL, "make all containers anew", NULL, COMPLETE_NONE,
		UP(force_recreate), false },
	{ "build", 0, OPT_FLAG, NULL, "build images even where the engine has them", NULL,
		COMPLETE_NONE, UP(build), false },
	{ "fresh", 0, OPT_LIST, "SVC",
		"begin anew with empty data volumes for SVC (asks first); repeatable", NULL,
		COMPLETE_SERVICE, UP(fresh), false },
	{ "copy", 0, OPT_LIST, "OLD:NEW",
		"let the volume NEW begin with a copy of the data of OLD, as it was called", NULL,
		COMPLETE_NONE, UP(copy), false },
	{ "no-snapshot", 0, OPT_FLAG, NULL, "keep no snapshot of data that is begun anew", NULL,
		COMPLETE_NONE, UP(no_snapshot), false },
	{ "no-hooks", 0, OPT_FLAG, NULL, "run no hooks", NULL, COMPLETE_NONE, UP(no_hooks), false },
	{ "strict-ports", 0, OPT_FLAG, NULL, "fail when a port is taken instead of moving it", NULL,
		COMPLETE_NONE, UP(strict_ports), false },
	{ "host", 0, OPT_FLAG, NULL,
		"run what has a host command on this host, and leave the rest out", NULL,
		COMPLETE_NONE, UP(host), false },
	{ "watch", 'w', OPT_FLAG, NULL, "run stages when files are saved, whatever up.watch says",
		NULL, COMPLETE_NONE, UP(watch), false },
	{ "no-watch", 0, OPT_FLAG, NULL, "watch no files", NULL, COMPLETE_NONE, UP(no_watch),
		false },
	{ "lint", 0, OPT_FLAG, NULL, "lint when files are saved", NULL, COMPLETE_NONE, UP(lint),
		false },
	{ "test", 0, OPT_FLAG, NULL, "test when files are saved", NULL, COMPLETE_NONE, UP(test),
		false },
	{ "timings", 0, OPT_FLAG, NULL, "show where the time went", NULL, COMPLETE_NONE,
		UP(timings), false },
	{ 0 },
};

static void print_state(struct context *c)
{
	if (c->g.json) {
		emit_node(view_status_json(&c->arena, &c->project, &c->world, &(struct strs){ 0 }));
		return;
	}
	cleanup_buf struct buf b = BUF_INIT;
	view_status(&b, &c->project, &c->world, &(struct strs){ 0 }, c->out);
	emit(&b);
	print_urls(c);
}

/* A gate that failed left the last good one alone: that is worth knowing beside the failure. */
static void tell_who_serves(struct context *c)
{
	struct strs old = { 0 };
	if (look_again(c))
		return;
	for (size_t i = 0; i < c->plan.chosen.count; i++) {
		const struct chosen *x = &c->plan.chosen.items[i];
		const struct container *k = world_container(&c->world, x->service->name);
		if (x->changed && k && k->state == UNIT_RUNNING && !streq(k->hash, x->hash))
			strs_add(&c->arena, &old, x->service->name);
	}
	if (old.count)
		note(c, "note: as before %s serving: %s", old.count > 1 ? "go on" : "goes on",
			strs_join(&c->arena, &old, ", "));
}

/* Nothing to do is only true when the generated files are as they should be, too. */
static int heal_files(struct context *c)
{
	struct applied done = { 0 };
	if (apply_files(&c->arena, &c->plan, &c->places, c->vault, false, &done, &c->error))
		return fail(c);
	lap(c, "files", false);
	return 0;
}

/* It takes a few milliseconds to start: they pass while the engine is asked. */
static int begin_agent(struct context *c, const struct up_opts *o)
{
	int status = open_places(c);
	if (status || c->g.dry_run || !wants_agent(c, o))
		return status;
	c->wants_agent = true;
	return summon_agent(c);
}

/* What a foreground started ends with it, also when it fails half-way or is killed. */
static int own_from_the_start(struct context *c, const struct up_opts *o)
{
	if (!c->agent || c->agent_config || o->detach || c->g.json)
		return 0;
	return own_agent(c, true);
}

/* Other volumes where they are to be fresh, archives into those that are new. */
static int begin_data(struct context *c, const struct up_opts *o, const struct plan_request *r)
{
	struct data_fresh f = {
		.services = o->fresh,
		.all = c->project.up.recreate_data && !o->fresh.count,
		.no_snapshot = o->no_snapshot,
	};
	int status = copy_along(c, &o->copy, o->no_snapshot, r);
	status = status ? status : data_make_fresh(c, &f, r);
	return status ? status : data_make_initial(c, r);
}

static int bring_up(struct context *c, const struct up_opts *o, const struct plan_request *r)
{
	bool again = false;
	int status = finish_rotations(c, &again);
	if (!status && again)
		status = make_plan(c, r);
	status = status ? status : own_from_the_start(c, o);
	if (status)
		return status;
	status = begin_data(c, o, r);
	if (status)
		return status;
	bool work = c->plan.steps.count > 0;
	for (size_t i = 0; i < c->plan.notes.count; i++)
		note(c, "note: %s", c->plan.notes.items[i]);
	status = work ? carry_out(c) : heal_files(c);
	if (status == ERR_FAILED)
		tell_who_serves(c);
	int noted = note_marks(c);
	status = status ? status : noted;
	status = !status && work ? check_survivors(c) : status;
	struct strs chosen = data_chosen(c);
	status = status || !chosen.count ? status : data_resumed(c, &chosen);
	return !status && c->world.volume_map.count ? data_settle(c) : status;
}

/*
 * A service that fails is no reason not to watch: the next save may mend it. An agent that has
 * nothing to do any more goes.
 */
static int hand_over(struct context *c, const struct up_opts *o, const struct strs *services)
{
	if (!c->agent)
		return 0;
	return c->wants_agent ? adopt(c, o, services) : end_agent(c);
}

static int run_up(struct context *c, const void *opts, const struct strs *args)
{
	const struct up_opts *o = opts;
	c->g.strict_ports = o->strict_ports;
	c->host = o->host;
	struct prepare p = {
		.request = { .goal = GOAL_UP,
			.services = *args,
			.no_deps = o->no_deps,
			.recreate = o->force_recreate,
			.build = o->build,
			.no_hooks = o->no_hooks,
			.timeout_ms = -1 },
		.engine = true,
		.write = true,
	};
	int status = begin_agent(c, o);
	status = status ? status : prepare(c, &p);
	if (!status && c->g.dry_run)
		return show_plan(c);
	if (status)
		return status;
	status = bring_up(c, o, &p.request);
	int handed = status == 0 || status == ERR_FAILED ? hand_over(c, o, args) : 0;
	status = status ? status : handed;
	if (!status)
		print_state(c);
	lap(c, "showing", false);
	if (o->timings)
		print_timings(c);
	if (status || o->detach || c->g.json)
		return status;
	if (!c->loop)
		c->loop = loop_new();
	fflush(stdout);
	return foreground_run(c, c->agent, args);
}

const struct cmd cmd_up = {
	.name = "up",
	.group = "daily",
	.args = "[SVC...]",
	.help = "bring the environment up: everything that is not as configured, and nothing else",
	.detail = "Reads the configuration, looks at the engine, builds the images that are "
		  "missing, installs\n"
		  "dependencies whose lock file changed, creates and starts the containers that "
		  "differ, in order\n"
		  "of dependency, and waits until each is ready. Without SVC: the services of "
		  "up.services, or all\n"
		  "that no profile holds back. What they need comes along.\n\n"
		  "Where there are modules to watch or services of this host to supervise, a small "
		  "agent stays\n"
		  "behind with -d; `devenv down` ends it.\n\n"
		  "In the foreground (without -d) it then follows the logs and the results of the "
		  "develop loop; ?\n"
		  "shows the keys. Ctrl-C stops everything in reverse order, a second Ctrl-C kills "
		  "what is left.",
	.opts = up_options,
	.opts_size = sizeof(struct up_opts),
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_up,
};
