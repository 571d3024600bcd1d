/*
 * The foreground of `up`. Comes in: services that are up, their agent. Goes out: logs and results
 * as they come, then the orderly stop. Logs are read by one call that turns the loop; the agent's
 * events and the keys are served by hooks on that loop.
 */
#include "cmd/foreground.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/agent_client.h"
#include "foreground_parts.h"
#include "run/logs/logs.h"

enum { IDLE_MS = 1000 };

static void on_log(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	struct foreground *f = ctx;
	if (time_ns > f->read_ns)
		f->read_ns = time_ns;
	if (!filter_passes(f, line, len))
		return;
	buf_truncate(&f->printer.out, 0);
	log_format(&f->printer, service, number, s, time_ns, line, len);
	show_lines(f, &f->printer.out);
}

static void drop_agent(struct foreground *f)
{
	loop_hook_free(f->agent_hook);
	f->agent_hook = NULL;
	f->agent = NULL;
	leave_agent(f->context);
}

/* Without it and without containers there is nothing left that could say something. */
static void agent_gone(struct foreground *f)
{
	f->failed = !f->results.ended;
	if (f->failed)
		show_say(f, "the agent has ended unexpectedly, and with it what it ran on this "
			    "host");
	drop_agent(f);
	if (!f->context->engine)
		foreground_end(f, ENDING_GONE);
	show_footer(f);
}

void on_agent(void *foreground)
{
	struct foreground *f = foreground;
	struct node *event = NULL;
	int rc = 0;
	while (f->agent) {
		struct arena a = ARENA_INIT;
		cleanup_buf struct buf out = BUF_INIT;
		rc = control_next(f->agent, &a, &event, 0);
		if (rc > 0)
			results_event(&f->results, event, &out);
		show_lines(f, &out);
		arena_release(&a);
		if (rc <= 0)
			break;
	}
	if (rc < 0)
		agent_gone(f);
	show_footer(f);
}

/* ---- following ---- */

/* From what was read last; at first, first words are worth reading. */
static int follow_once(struct foreground *f)
{
	int64_t began_ns = f->context->began_ms * 1000000;
	struct context *c = f->context;
	struct log_query q = { .services = f->names,
		.tail = -1,
		.since_ns = f->read_ns ? f->read_ns + 1 : began_ns,
		.follow = true };
	return logs_read(c->engine, c->loop, &c->places, &c->world, &q, on_log, f, &c->error);
}

/* Containers as they are now; an engine that does not answer is noticed by the next reading. */
static void look_quietly(struct context *c)
{
	struct arena a = ARENA_INIT;
	struct world now = { 0 };
	struct err ignored = ERR_INIT;
	if (c->engine && !engine_look(c->engine, &a, c->project.workspace, &now, &ignored)) {
		arena_release(&a);
		c->world.containers.count = 0;
		engine_look(c->engine, &c->arena, c->project.workspace, &c->world, &ignored);
		return;
	}
	arena_release(&a);
}

/*
 * Until an interrupt. When nothing is left whose output could be read, a watched module may still
 * come back: a compile error keeps its process from starting, not its developer from saving.
 */
static int follow(struct foreground *f)
{
	struct loop *l = f->context->loop;
	int before = loop_interrupts(l);
	while (loop_interrupts(l) == before) {
		if (follow_once(f))
			return -1;
		if (loop_interrupts(l) != before || !f->agent || !f->results.modules.count)
			break;
		loop_turn(l, IDLE_MS);
		look_quietly(f->context);
	}
	return 0;
}

/* ---- stopping ---- */

/*
 * First Ctrl-C: in order, saying who is awaited. The ones after it are seen by perform(), which
 * escalates.
 */
static int stop_all(struct context *c, const struct strs *services)
{
	struct plan_request stop = { .goal = GOAL_STOP, .services = *services, .timeout_ms = -1 };
	fputs("\nStopping (Ctrl-C again to kill)\n", stderr);
	loop_rearm(c->loop);
	int status = look_again(c);
	if (!status)
		status = make_plan(c, &stop);
	return status ? status : carry_out(c);
}

static int detach(struct foreground *f)
{
	struct context *c = f->context;
	int status = f->agent ? own_agent(c, false) : 0;
	if (status)
		return status;
	note(c, "Detached; `devenv up` comes back to it, `devenv down` ends it.");
	return 0;
}

static int stop(struct foreground *f, const struct strs *services)
{
	struct context *c = f->context;
	int by = f->quit ? 0 : loop_signal(c->loop);
	int status = take_lock(c);
	status = status ? status : stop_all(c, services);
	/* Of an agent that runs for others, too, only what this command asked for has ended. */
	int ended = f->agent && !services->count ? end_agent(c) : 0;
	status = status ? status : ended;
	return status ? status : by ? 128 + by : 0;
}

/* ---- all of it ---- */

static void introduce(struct foreground *f)
{
	struct arena a = ARENA_INIT;
	struct module_states list = { 0 };
	cleanup_buf struct buf out = BUF_INIT;
	results_modules(&f->results, &a, &list);
	for (size_t i = 0; i < list.count && !out.len; i++)
		if (list.items[i].cause)
			view_modules(&out, &list, clock_ms(), f->results.style);
	show_lines(f, &out);
	arena_release(&a);
}

static int begin(struct foreground *f, struct control_client *agent, const struct strs *services)
{
	struct context *c = f->context;
	for (size_t i = 0; i < c->plan.chosen.count; i++)
		strs_add(&c->arena, &f->names, c->plan.chosen.items[i].service->name);
	f->printer = log_printer_of(c, true);
	if (results_begin(
		    &f->results, c, agent, services->count ? &f->names : NULL, c->out, &c->error))
		return fail(c);
	f->results.units = true;
	f->printer.style.prefix_width = f->results.width;
	int status = agent ? own_agent(c, true) : 0;
	if (status)
		return status;
	f->agent = agent;
	note(c, "\nFollowing logs; Ctrl-C stops everything.");
	show_open(f);
	if (agent)
		f->agent_hook = loop_on_readable(c->loop, control_fd(agent), on_agent, f);
	introduce(f);
	if (agent)
		on_agent(f); /* what came while the answers were awaited */
	return 0;
}

static void release(struct foreground *f)
{
	restart_release(&f->restart);
	show_close(f);
	loop_hook_free(f->agent_hook);
	f->agent_hook = NULL;
	results_release(&f->results);
	keys_release(&f->keys);
	buf_truncate(&f->printer.out, 0);
	log_printer_release(&f->printer);
	if (f->filtering)
		regfree(&f->filter);
}

int foreground_run(struct context *c, struct control_client *agent, const struct strs *services)
{
	struct foreground f = { .context = c };
	int status = begin(&f, agent, services), bad = 0;
	if (!status) {
		lock_drop(&c->lock); /* others may look and act; stopping takes it again */
		c->locked = false;
		bad = follow(&f);
	}
	release(&f);
	if (status)
		return status;
	if (bad)
		return fail(c);
	if (f.ending == ENDING_DETACH)
		return detach(&f);
	if (f.ending == ENDING_GONE || !loop_signal(c->loop))
		return f.failed ? ERR_FAILED : 0; /* all have stopped */
	return stop(&f, services);
}
