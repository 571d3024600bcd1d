/*
 * watch: the develop loop's results alone. Joins the agent of this workspace, or brings the
 * environment up to get one; leaving stops nothing.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/agent_client.h"
#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "cmd/results.h"
#include "doc/json.h"
#include "run/io/child.h"
#include "run/io/detach.h"
#include "run/io/hooks.h"

extern char **environ;

enum { TURN_MS = 60000 };

struct watching {
	struct context *context;
	struct control_client *agent;
	struct results results;
	bool gone; /* the agent, or the reader of our output */
};

/* ---- as JSON: the events, with modules as `status --json` shows them ---- */

static struct node *event_json(struct arena *a, const struct node *event)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no);
	const struct node_pair *pair = NULL;
	map_put(a, n, "version", no, node_int(a, 1, no));
	map_put(a, n, "time", no, node_str(a, view_time(a, clock_ms()), no));
	node_each_pair(event, i, pair)
	{
		struct node *value = pair->value;
		if (streq(pair->key, "module")) {
			struct module_state m = { 0 };
			module_from_node(a, value, &m);
			value = view_module_json(a, &m);
		}
		map_put(a, n, pair->key, no, value);
	}
	return n;
}

static bool about_others(const struct watching *w, const struct node *event)
{
	const struct strs *only = w->results.services;
	const struct node *module = node_get(event, "module");
	const char *service = node_text(node_get(module ? module : event, "service"));
	return only && only->count && service && !strs_has(only, service);
}

static void add_json(struct watching *w, struct arena *a, const struct node *event, struct buf *out)
{
	if (about_others(w, event))
		return;
	json_write(out, event_json(a, event), 0);
	buf_addc(out, '\n');
}

/* ---- events ---- */

static void put(struct watching *w, const struct buf *out)
{
	if (out->len && (!emit(out) || fflush(stdout)))
		w->gone = true;
}

static void on_agent(void *ctx)
{
	struct watching *w = ctx;
	int rc = 1;
	while (rc > 0 && !w->gone) {
		struct arena a = ARENA_INIT;
		struct node *event = NULL;
		cleanup_buf struct buf out = BUF_INIT, ignored = BUF_INIT;
		rc = control_next(w->agent, &a, &event, 0);
		if (rc > 0)
			results_event(&w->results, event, w->context->g.json ? &ignored : &out);
		if (rc > 0 && w->context->g.json)
			add_json(w, &a, event, &out);
		put(w, &out);
		arena_release(&a);
	}
	w->gone = w->gone || rc < 0;
}

static void introduce(struct watching *w)
{
	struct arena a = ARENA_INIT;
	struct module_states list = { 0 };
	struct place no = { 0 };
	cleanup_buf struct buf out = BUF_INIT;
	results_modules(&w->results, &a, &list);
	if (w->context->g.json) {
		struct node *n = node_map(&a, no);
		map_put(&a, n, "version", no, node_int(&a, 1, no));
		map_put(&a, n, "time", no, node_str(&a, view_time(&a, clock_ms()), no));
		map_put(&a, n, "event", no, node_str(&a, "modules", no));
		map_put(&a, n, "modules", no, view_modules_json(&a, &list));
		json_write(&out, n, 0);
		buf_addc(&out, '\n');
	} else {
		view_modules(&out, &list, clock_ms(), w->context->out);
		cleanup_buf struct buf switches = BUF_INIT;
		results_switches(&w->results, &switches);
		results_say(&w->results, &out, "%s; Ctrl-C leaves, nothing is stopped",
			buf_str(&switches));
	}
	put(w, &out);
	arena_release(&a);
}

/* ---- joining ---- */

static struct control_client *find(struct context *c)
{
	c->error = (struct err)ERR_INIT;
	return control_connect(control_path(&c->arena, &c->places), &c->error);
}

/* As `up` does it, with all that it says and asks. */
static int bring_up(struct context *c, const struct strs *services)
{
	struct strs argv = self_argv(c, own_program());
	int status = 0;
	strs_add(&c->arena, &argv, "up");
	strs_add(&c->arena, &argv, "-d");
	strs_add(&c->arena, &argv, "--watch");
	for (size_t i = 0; i < services->count; i++)
		strs_add(&c->arena, &argv, services->items[i]);
	strs_add(&c->arena, &argv, NULL);
	struct spawn s = {
		.argv = argv.items, .env = (const char *const *)environ, .interactive = true
	};
	return spawn_run(c->loop, &s, &status, &c->error) ? fail(c) : status;
}

static bool has_modules(const struct context *c)
{
	for (size_t i = 0; i < c->project.services.count; i++)
		if (c->project.services.items[i].develop)
			return true;
	return false;
}

static int nothing_to_watch(struct context *c)
{
	err_set(&c->error, ERR_FAILED, "there is nothing to watch: no service has develop:");
	err_hint(&c->error, "give the service whose code is here `develop: {source: .}`");
	return fail(c);
}

static int join(struct watching *w, const struct strs *services)
{
	struct context *c = w->context;
	w->agent = find(c);
	if (w->agent || c->error.code)
		return w->agent ? 0 : fail(c);
	int status = bring_up(c, services);
	if (status)
		return status;
	w->agent = find(c);
	if (!w->agent && !c->error.code)
		err_set(&c->error, ERR_FAILED, "nothing is watched in this environment");
	return w->agent ? 0 : fail(c);
}

/* Somebody has to watch; what is switched off by configuration is not meant by this command. */
static int switch_on(struct watching *w)
{
	struct arena a = ARENA_INIT;
	struct place no = { 0 };
	struct node *n = agent_request(&a, "set");
	map_put(&a, n, "watch", no, node_bool(&a, true, no));
	bool done = w->results.watch || control_ask(w->agent, &a, n, &w->context->error);
	w->results.watch = w->results.watch || done;
	arena_release(&a);
	return done ? 0 : fail(w->context);
}

static int follow(struct watching *w)
{
	struct loop *l = w->context->loop;
	int before = loop_interrupts(l);
	struct loop_hook *hook = loop_on_readable(l, control_fd(w->agent), on_agent, w);
	on_agent(w); /* what came while the answers were awaited */
	while (!w->gone && loop_interrupts(l) == before)
		loop_turn(l, TURN_MS);
	loop_hook_free(hook);
	if (!w->gone || w->results.ended || ferror(stdout))
		return 0;
	return fail_with(w->context, ERR_FAILED, "the agent has ended unexpectedly");
}

static int run_watch(struct context *c, const void *opts, const struct strs *args)
{
	(void)opts;
	struct watching w = { .context = c };
	int status = open_places(c);
	if (!status)
		status = check_services(c, args);
	if (!status && !has_modules(c))
		status = nothing_to_watch(c);
	if (status)
		return status;
	c->loop = loop_new();
	status = join(&w, args);
	if (!status && results_begin(&w.results, c, w.agent, args, c->out, &c->error))
		status = fail(c);
	if (!status)
		status = switch_on(&w);
	if (!status) {
		introduce(&w);
		status = follow(&w);
	}
	results_release(&w.results);
	control_disconnect(w.agent);
	return status;
}

const struct cmd cmd_watch = {
	.name = "watch",
	.group = "daily",
	.args = "[SVC...]",
	.help = "show what saved files lead to: compile, lint, test, restart",
	.detail =
		"Joins the environment of this workspace and shows the results of its develop "
		"loop, or brings it up\n"
		"first (as `up -d --watch` does). Ctrl-C leaves; nothing is stopped.\n\n"
		"With --json each event is a line: \"modules\" at first, then \"module\" with the "
		"state of every stage,\n"
		"\"output\" with what a stage writes, \"note\", \"config\", \"switches\", "
		"\"dropped\" and \"bye\".",
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_watch,
};
