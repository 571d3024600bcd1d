/*
 * What comes while following. Comes in: a query, the containers as last seen. Goes out: lines as
 * the engine sends them, of containers made or started again meanwhile too. Ends on an interrupt
 * or when nothing that was asked for is left. Host services come from the files that the agent
 * writes.
 */
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "run/logs/log_file.h"
#include "run/io/loop.h"

enum { LOOK_MS = 500, EMPTY_LOOKS = 6, TAIL_MS = 20 };

struct followed { /* one copy of a service */
	struct followed *next;
	struct follow *owner;
	char service[300], id[80], name[256];
	int number;
	struct container container; /* strings are those above */
	struct log_stream *stream;
	int64_t last_ns;
	struct log_past past[2]; /* of its two streams */
	struct log_waiting waiting;
};

struct follow {
	struct engine *engine;
	const struct log_marks *marks;
	struct log_filter filter;
	log_fn *fn;
	void *ctx;
	struct followed *units;
	struct log_tail *tail;
	bool more; /* in those files, already */
	int empty; /* looks in a row that saw nothing alive */
};

static void on_line(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	struct followed *u = ctx;
	struct follow *f = u->owner;
	if (time_ns <= u->last_ns)
		return;
	u->last_ns = time_ns;
	bool wanted = log_filter_line(&f->filter, &u->past[s == STREAM_STDERR], time_ns, line, len);
	if (f->filter.request_len && !wanted)
		log_waiting_keep(&u->waiting, s, time_ns, line, len);
	if (f->filter.request_len && wanted) {
		log_join_note(&f->filter, service, time_ns, line, len);
		log_waiting_give(&u->waiting, &f->filter, service, number, f->fn, f->ctx);
	}
	if (wanted)
		f->fn(f->ctx, service, number, s, time_ns, line, len);
}

/* Where the history of the copy has ended. */
static int64_t last_shown(const struct follow *f, const struct container *c)
{
	for (size_t i = 0; i < f->marks->count; i++)
		if (f->marks->items[i].number == c->number &&
			streq(f->marks->items[i].service, c->service))
			return f->marks->items[i].last_ns;
	return 0;
}

static struct followed *unit_of(struct follow *f, const struct container *c)
{
	for (struct followed *u = f->units; u; u = u->next)
		if (u->number == c->number && streq(u->service, c->service))
			return u;
	struct followed *u = xcalloc(1, sizeof(*u));
	u->owner = f;
	u->number = c->number;
	snprintf(u->service, sizeof(u->service), "%s", c->service);
	u->past[0].service = u->past[1].service = u->service;
	u->last_ns = last_shown(f, c);
	u->next = f->units;
	f->units = u;
	return u;
}

static int begin(struct followed *u, const struct container *c, struct err *e)
{
	snprintf(u->id, sizeof(u->id), "%s", c->id);
	snprintf(u->name, sizeof(u->name), "%s", c->name);
	u->container = (struct container){
		.id = u->id, .name = u->name, .service = u->service, .number = u->number
	};
	struct log_stream_request r = {
		.container = &u->container,
		.follow = true,
		.since_ns = u->last_ns,
		.known = true,
		.tail = -1,
		.fn = on_line,
		.ctx = u,
	};
	u->stream = log_stream_begin(u->owner->engine, &r, e);
	return u->stream ? 0 : -1;
}

static bool alive(const struct container *c)
{
	return c->state == UNIT_RUNNING || c->state == UNIT_RESTARTING || c->state == UNIT_PAUSED;
}

/* Streams for what runs and has none yet. */
static int adopt(struct follow *f, const struct world *w, struct err *e)
{
	bool any = false;
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *c = &w->containers.items[i];
		if (c->host || c->one_off || !log_filter_service(&f->filter, c->service))
			continue;
		any |= alive(c) || c->state == UNIT_CREATED;
		if (c->state == UNIT_CREATED)
			continue;
		struct followed *u = unit_of(f, c);
		/* One that has ended is read once more: it may have said something since. */
		if (!u->stream && (alive(c) || !streq(u->id, c->id)) && begin(u, c, e))
			return -1;
	}
	f->empty = any ? 0 : f->empty + 1;
	return 0;
}

/* The container may have gone while its stream ended: only a lost engine is an error. */
static int reap(struct follow *f, struct err *e)
{
	for (struct followed *u = f->units; u; u = u->next) {
		struct err one = ERR_INIT;
		if (!u->stream || !log_stream_done(u->stream))
			continue;
		int rc = log_stream_finish(u->stream, &one);
		log_stream_free(u->stream);
		u->stream = NULL;
		if (rc && one.code == ERR_ENGINE) {
			*e = one;
			return -1;
		}
	}
	return 0;
}

static bool streaming(const struct follow *f)
{
	for (const struct followed *u = f->units; u; u = u->next)
		if (u->stream)
			return true;
	return false;
}

/* Nothing that was asked for is left, and has not been for a while. */
static bool over(const struct follow *f)
{
	return f->empty >= EMPTY_LOOKS && !streaming(f) && !log_tail_alive(f->tail);
}

static int look_again(struct follow *f, const char *workspace, struct err *e)
{
	if (!f->engine) {
		f->empty++;
		return 0;
	}
	struct arena a = ARENA_INIT;
	struct world now = { 0 };
	int rc = engine_look(f->engine, &a, workspace, &now, e);
	if (!rc)
		rc = adopt(f, &now, e);
	arena_release(&a);
	return rc;
}

/* Files are looked at every so often; the engine's streams wake us up. */
static void turn(const struct follow *f, struct loop *l)
{
	int wait = f->more ? 0 : log_tail_alive(f->tail) ? TAIL_MS : LOOK_MS;
	if (f->engine)
		engine_turn(f->engine, l, wait);
	else
		loop_turn(l, wait);
}

static bool any_host(const struct log_marks *marks)
{
	for (size_t i = 0; i < marks->count; i++)
		if (marks->items[i].host)
			return true;
	return false;
}

static void follow_release(struct follow *f)
{
	while (f->units) {
		struct followed *u = f->units;
		f->units = u->next;
		log_stream_free(u->stream);
		log_waiting_release(&u->waiting);
		xfree(u);
	}
	log_tail_free(f->tail);
	log_filter_release(&f->filter);
}

int logs_follow(struct engine *g, struct loop *l, const struct places *pl, const struct world *w,
	const struct log_query *q, const struct log_marks *marks, log_fn *fn, void *ctx,
	struct err *e)
{
	struct follow f = { .engine = g, .marks = marks, .fn = fn, .ctx = ctx };
	int before = loop_interrupts(l);
	if (log_filter_init(&f.filter, q, e))
		return -1;
	f.tail = log_tail_new(pl->logs, marks, &f.filter, fn, ctx);
	int rc = g ? adopt(&f, w, e) : 0;
	if (!g && !any_host(marks)) /* nobody writes */
		f.empty = EMPTY_LOOKS;
	int64_t next = now_ms() + LOOK_MS;
	while (!rc && loop_interrupts(l) == before && !over(&f)) {
		turn(&f, l);
		f.more = log_tail_turn(f.tail);
		if (q->pause)
			q->pause(ctx);
		rc = reap(&f, e);
		if (rc || now_ms() < next)
			continue;
		next = now_ms() + LOOK_MS;
		rc = look_again(&f, path_base(pl->state), e);
	}
	follow_release(&f);
	return rc;
}
