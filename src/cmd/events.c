/*
 * events: what happens in this workspace, as it happens. Comes in: the engine's stream and the
 * journal that commands and the agent write. Goes out: a line or an object each, what is past in
 * order of time. An agent may come and go, the engine too; it ends by a signal, --until, or when
 * nobody reads.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/journaling.h"
#include "cmd/lifecycle.h"
#include "doc/json.h"
#include "run/engine/call.h"
#include "run/engine/engine_events.h"
#include "run/control/journal.h"

enum { TURN_MS = 40, RETRY_MS = 1000 };

struct events_opts {
	const char *since, *until;
};

static const struct opt events_options[] = {
	{ "since", 0, OPT_TEXT, "TIME",
		"begin with what happened from a time (2026-01-31T10:00:00) or so long ago (10m)",
		NULL, COMPLETE_NONE, offsetof(struct events_opts, since), false },
	{ "until", 0, OPT_TEXT, "TIME", "end at a time or so long ago", NULL, COMPLETE_NONE,
		offsetof(struct events_opts, until), false },
	{ 0 },
};

struct kept { /* of the past, to be sorted */
	struct happening h;
	size_t order;
};

struct feed {
	struct context *context;
	const struct strs *services;
	int64_t since_ns, until_ns; /* 0: none */
	int64_t begin_ns;           /* where the past ends and the present begins */
	struct journal *journal;
	struct engine_events *events;
	int64_t last_ns;  /* of the engine's last event */
	int64_t retry_at; /* monotonic ms */
	bool was_there;   /* the engine */
	bool past;        /* what comes is collected, and not yet shown */
	struct arena arena;
	struct {
		struct kept *items;
		size_t count, cap;
	} kept;
	struct buf out;
	bool gone; /* nobody reads */
};

/* ---- out ---- */

static void show(struct feed *s, const struct happening *h)
{
	struct context *c = s->context;
	if (!c->g.json) {
		view_happening(&s->out, h, c->out);
		return;
	}
	struct arena a = ARENA_INIT;
	json_write(&s->out, view_happening_json(&a, h), 0);
	buf_addc(&s->out, '\n');
	arena_release(&a);
}

static void put_out(struct feed *s)
{
	if (s->out.len && (!emit(&s->out) || fflush(stdout)))
		s->gone = true;
	buf_truncate(&s->out, 0);
}

static bool reader_gone(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };
	return poll(&p, 1, 0) > 0 && (p.revents & POLLERR);
}

static bool wanted(const struct feed *s, const struct happening *h)
{
	int64_t ns = h->time_ms * 1000000;
	return ns >= s->since_ns - 999999 && (!s->until_ns || ns <= s->until_ns) &&
	       (!s->services->count || (h->service && strs_has(s->services, h->service)));
}

static const char *own(struct feed *s, const char *text)
{
	return text ? arena_strdup(&s->arena, text) : NULL;
}

static void keep(struct feed *s, const struct happening *h)
{
	struct kept *k = list_push(&s->arena, &s->kept);
	*k = (struct kept){ .h = *h, .order = s->kept.count };
	k->h.service = own(s, h->service);
	k->h.name = own(s, h->name);
	k->h.state = own(s, h->state);
	k->h.text = own(s, h->text);
	k->h.where = own(s, h->where);
	k->h.id = own(s, h->id);
	k->h.cause = own(s, h->cause);
}

static void take(struct feed *s, const struct happening *h)
{
	if (!wanted(s, h))
		return;
	if (s->past)
		keep(s, h);
	else
		show(s, h);
}

/* ---- in ---- */

static void on_container(void *ctx, int64_t time_ns, const struct container *k, const char *note)
{
	struct feed *s = ctx;
	struct container with = *k;
	with.note = note;
	struct happening h = unit_happening(&s->context->project, &with);
	h.time_ms = time_ns / 1000000;
	s->last_ns = time_ns;
	take(s, &h);
}

static void read_journal(struct feed *s)
{
	struct happening h;
	for (bool more = true; more;) {
		struct arena a = ARENA_INIT;
		more = journal_next(s->journal, &a, &h);
		if (more)
			take(s, &h);
		arena_release(&a);
	}
}

static void tell_engine(struct feed *s, const char *state, const char *text)
{
	struct happening h = HAPPENING(HAPPENED_ENGINE);
	h.time_ms = clock_ms();
	h.state = state;
	h.text = text;
	take(s, &h);
}

/* 0; the engine may be absent, and is asked again. */
static void connect_engine(struct feed *s)
{
	struct context *c = s->context;
	struct err why = ERR_INIT;
	s->retry_at = now_ms() + RETRY_MS;
	c->engine = c->engine ? c->engine : engine_open(&why);
	if (c->engine)
		s->events = engine_events_begin(
			c->engine, c->project.workspace, s->last_ns + 1, 0, on_container, s, &why);
	if (s->events && s->was_there)
		tell_engine(s, "back", NULL);
	s->was_there = s->was_there || s->events;
}

static void drop_engine(struct feed *s)
{
	struct err why = ERR_INIT;
	engine_events_finish(s->events, &why);
	engine_events_free(s->events);
	s->events = NULL;
	engine_close(s->context->engine);
	s->context->engine = NULL;
	s->retry_at = now_ms() + RETRY_MS;
	tell_engine(s, "lost", why.text[0] ? why.text : "the engine ended its stream");
}

/* ---- the past ---- */

static int by_time(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;
	if (x->h.time_ms != y->h.time_ms)
		return x->h.time_ms < y->h.time_ms ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static int ask_engine(struct feed *s, int64_t until_ns)
{
	struct context *c = s->context;
	struct err why = ERR_INIT;
	c->engine = c->engine ? c->engine : engine_open(&why);
	struct engine_events *x =
		c->engine ? engine_events_begin(c->engine, c->project.workspace,
				    s->since_ns ? s->since_ns : 1, until_ns, on_container, s, &why)
			  : NULL;
	while (x && !engine_events_done(x) && !loop_interrupts(c->loop))
		engine_turn(c->engine, c->loop, 500);
	if (x && engine_events_done(x))
		engine_events_finish(x, &why);
	engine_events_free(x);
	if (why.code && project_runs(&c->project, RUN_CONTAINER))
		note(c, "note: no containers are shown: %s", why.text);
	return 0;
}

static void show_past(struct feed *s)
{
	bool ends = s->until_ns && s->until_ns < s->begin_ns;
	s->past = true;
	ask_engine(s, ends ? s->until_ns : s->begin_ns);
	read_journal(s);
	s->past = false;
	if (s->kept.count)
		qsort(s->kept.items, s->kept.count, sizeof(*s->kept.items), by_time);
	for (size_t i = 0; i < s->kept.count; i++)
		show(s, &s->kept.items[i].h);
	put_out(s);
	arena_release(&s->arena);
}

static void skip_past(struct feed *s)
{
	int64_t until = s->until_ns;
	s->until_ns = 1; /* nothing passes */
	read_journal(s);
	s->until_ns = until;
}

/* ---- the present ---- */

static bool is_over(const struct feed *s, int interrupts)
{
	return s->gone || loop_interrupts(s->context->loop) != interrupts ||
	       (s->until_ns && clock_ms() * 1000000 >= s->until_ns);
}

static void turn(struct feed *s)
{
	struct context *c = s->context;
	if (!s->events && now_ms() >= s->retry_at)
		connect_engine(s);
	engine_turn(c->engine, c->loop, TURN_MS);
	read_journal(s);
	if (s->events && engine_events_done(s->events))
		drop_engine(s);
	put_out(s);
	s->gone = s->gone || reader_gone();
}

static int run_events(struct context *c, const void *opts, const struct strs *args)
{
	const struct events_opts *o = opts;
	struct feed s = { .context = c, .services = args };
	int status = open_places(c);
	if (!status)
		status = check_services(c, args);
	if (!status && o->since && !parse_when(o->since, &s.since_ns))
		status = fail_with(
			c, ERR_USAGE, "--since takes a time or a duration, not \"%s\"", o->since);
	if (!status && o->until && !parse_when(o->until, &s.until_ns))
		status = fail_with(
			c, ERR_USAGE, "--until takes a time or a duration, not \"%s\"", o->until);
	if (status)
		return status;
	c->loop = loop_new();
	s.begin_ns = s.last_ns = clock_ms() * 1000000;
	s.journal = journal_open(&c->places);
	int interrupts = loop_interrupts(c->loop);
	if (s.since_ns || (s.until_ns && s.until_ns < s.begin_ns))
		show_past(&s);
	else
		skip_past(&s);
	s.last_ns = s.begin_ns;
	while (!is_over(&s, interrupts))
		turn(&s);
	engine_events_free(s.events);
	journal_close(s.journal);
	buf_release(&s.out);
	return loop_signal(c->loop) ? 128 + loop_signal(c->loop) : 0;
}

const struct cmd cmd_events = {
	.name = "events",
	.group = "daily",
	.args = "[SVC...]",
	.help = "what happens in this workspace, as it happens",
	.detail = "A line each: time, kind, what it is about, its state, and more. Containers are "
		  "the engine's word;\n"
		  "host services, stages, plans and their steps come from the journal that "
		  "commands and the agent write,\n"
		  "so it does not matter which of them come and go meanwhile. --since shows what "
		  "is kept of the past:\n"
		  "the last few hundred events of the engine, about 2 MiB of the journal. Ctrl-C "
		  "ends it.\n\n"
		  "With --json each is an object; see EVENTS in devenv(1).",
	.opts = events_options,
	.opts_size = sizeof(struct events_opts),
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_events,
};
