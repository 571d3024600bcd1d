/*
 * down, stop, restart, recreate: the ways back. Each is one goal for the planner; what would lose
 * data is asked for first.
 */
#include "cmd/agent_client.h"
#include "cmd/commands.h"
#include "cmd/data.h"
#include "cmd/lifecycle.h"
#include "run/data/initial.h"
#include "run/registry.h"
#include "run/data/volume_map.h"

struct down_opts {
	bool volumes, no_snapshot, build, no_deps;
	int timeout;
};

#define DOWN(field) offsetof(struct down_opts, field)
#define TIMEOUT                                                                                    \
	{                                                                                          \
		"timeout", 't', OPT_INT, "SECONDS",                                                \
			"wait so long for a container to stop before killing it", NULL,            \
			COMPLETE_NONE, DOWN(timeout), false                                        \
	}

static const struct opt down_options[] = {
	{ "volumes", 'v', OPT_FLAG, NULL, "remove data volumes, too (asks first)", NULL,
		COMPLETE_NONE, DOWN(volumes), false },
	{ "no-snapshot", 0, OPT_FLAG, NULL, "with -v: do not keep a snapshot of the data", NULL,
		COMPLETE_NONE, DOWN(no_snapshot), false },
	TIMEOUT,
	{ 0 },
};
static const struct opt stop_options[] = { TIMEOUT, { 0 } };
static const struct opt recreate_options[] = {
	TIMEOUT,
	{ "build", 0, OPT_FLAG, NULL, "build images even where the engine has them", NULL,
		COMPLETE_NONE, DOWN(build), false },
	{ "no-deps", 0, OPT_FLAG, NULL, "leave alone what the named services need", NULL,
		COMPLETE_NONE, DOWN(no_deps), false },
	{ 0 },
};

static const char *known_name(struct context *c)
{
	struct workspace_entries all = { 0 };
	struct err ignored = ERR_INIT;
	if (registry_list(&c->arena, &all, &ignored))
		return NULL;
	for (size_t i = 0; i < all.count; i++)
		if (streq(all.items[i].dir, c->root))
			return all.items[i].name;
	return NULL;
}

/*
 * A configuration that cannot be read must not keep what runs from being stopped: the workspace is
 * known by its folder, and its containers by their labels. The status of load_project() when not.
 */
static int load_or_remember(struct context *c)
{
	struct place at = { .layer = "registry" };
	int status = load_project(c);
	if (status != ERR_CONFIG || !c->root)
		return status;
	struct project_request req = {
		.dir = c->root, .environment = c->environment, .name = known_name(c)
	};
	if (!req.name)
		return status;
	note(c, "note: the configuration cannot be read; going by what runs");
	c->diags.errors = 0;
	c->config.tree = node_map(&c->arena, at);
	map_put(&c->arena, c->config.tree, "name", at, node_str(&c->arena, req.name, at));
	c->have_project = !project_decode(&c->arena, c->config.tree, &req, &c->project, &c->diags);
	return c->have_project ? 0 : status;
}

/* Where no engine answers, what is only the engine's is left to the next time. */
static void leave_engine_out(struct context *c)
{
	size_t kept = 0;
	for (size_t i = 0; i < c->plan.steps.count; i++) {
		struct step *s = c->plan.steps.items[i];
		bool drops = s->kind == STEP_DROP_NETWORK || s->kind == STEP_DROP_VOLUME;
		if (c->engine || !drops)
			c->plan.steps.items[kept++] = s;
	}
	c->plan.steps.count = kept;
}

/* All is stopped then, and the plan to remove it is made again. */
static int save_before(struct context *c, const struct plan_request *r, bool no_snapshot)
{
	int status = data_before_loss(c, no_snapshot);
	status = status ? status : look_again(c);
	return status ? status : make_plan(c, r);
}

/* The agent goes with the last of what it looked after; so does what a killed one left. */
static int leave_nothing(struct context *c)
{
	int status = c->agent ? end_agent(c) : reconcile(c);
	if (!status && c->engine_error.code)
		status = need_engine(c); /* containers may still be there */
	return status;
}

static int run_goal(
	struct context *c, enum goal goal, const struct down_opts *o, const struct strs *args)
{
	struct prepare p = {
		.request = { .goal = goal,
			.services = *args,
			.volumes = o->volumes,
			.build = o->build,
			.no_deps = o->no_deps,
			.timeout_ms = o->timeout ? (int64_t)o->timeout * 1000 : -1 },
		.engine = true,
	};
	bool whole = (goal == GOAL_DOWN || goal == GOAL_STOP) && !args->count;
	int status = whole && !o->volumes ? load_or_remember(c) : load_project(c);
	if (!status && !c->g.dry_run)
		status = take_lock(c); /* what is seen before that may be another's half-way */
	p.write = goal == GOAL_RECREATE;
	status = status ? status : prepare(c, &p);
	if (status)
		return status;
	if (c->g.dry_run)
		return show_plan(c);
	if (goal == GOAL_DOWN && o->volumes)
		status = save_before(c, &p.request, o->no_snapshot);
	if (status)
		return status;
	leave_engine_out(c);
	bool work = c->plan.steps.count > 0;
	status = work ? carry_out(c) : 0;
	status = status ? status : data_resumed(c, args);
	if (!status && goal == GOAL_DOWN && o->volumes && c->engine)
		status = volume_map_forget(&c->places, &c->world, &c->error) ||
					 initial_forget(&c->places, &c->error)
				 ? fail(c)
				 : 0;
	if (!work && !(whole && c->agent))
		note(c, "Nothing to do.");
	return whole && !status ? leave_nothing(c) : status;
}

static int run_down(struct context *c, const void *opts, const struct strs *args)
{
	return run_goal(c, GOAL_DOWN, opts, args);
}

static int run_stop(struct context *c, const void *opts, const struct strs *args)
{
	return run_goal(c, GOAL_STOP, opts, args);
}

static int run_restart(struct context *c, const void *opts, const struct strs *args)
{
	return run_goal(c, GOAL_RESTART, opts, args);
}

static int run_recreate(struct context *c, const void *opts, const struct strs *args)
{
	return run_goal(c, GOAL_RECREATE, opts, args);
}

const struct cmd cmd_down = {
	.name = "down",
	.group = "daily",
	.help = "stop and remove containers and networks; data volumes stay unless -v",
	.detail = "Acts only on what bears this workspace's label. Logs and data volumes stay; "
		  "with -v the\n"
		  "data volumes go, too, after a question; what they held is kept as a snapshot.",
	.opts = down_options,
	.opts_size = sizeof(struct down_opts),
	.run = run_down,
};

const struct cmd cmd_stop = {
	.name = "stop",
	.group = "daily",
	.args = "[SVC...]",
	.help = "stop services in reverse order of dependency, keeping their containers",
	.opts = stop_options,
	.opts_size = sizeof(struct down_opts),
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_stop,
};

const struct cmd cmd_restart = {
	.name = "restart",
	.group = "daily",
	.args = "[SVC...]",
	.help = "stop and start services, waiting until they are ready again",
	.opts = stop_options,
	.opts_size = sizeof(struct down_opts),
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_restart,
};

const struct cmd cmd_recreate = {
	.name = "recreate",
	.group = "daily",
	.args = "[SVC...]",
	.help = "make containers anew, keeping their volumes",
	.opts = recreate_options,
	.opts_size = sizeof(struct down_opts),
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_recreate,
};
