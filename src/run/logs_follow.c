/*
 * What comes while following. Comes in: a query, the containers as last seen. Goes out: lines as
 * the engine sends them, of containers made or started again meanwhile too. Ends on an interrupt
 * or when nothing that was asked for is left.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run/control.h"
#include "run/logs_host.h"
#include "run/loop.h"
#include "run/socket.h"

enum { LOOK_MS = 500, TAIL_MS = 50, EMPTY_LOOKS = 6 };

struct followed { /* one copy of a service */
	struct followed *next;
	struct follow *owner;
	char service[300], id[80], name[256];
	int number;
	struct container container; /* strings are those above */
	struct log_stream *stream;
	int64_t last_ns;
};

struct follow {
	struct engine *engine;
	const struct log_marks *marks;
	struct log_filter filter;
	log_fn *fn;
	void *ctx;
	struct followed *units;
	int empty; /* looks in a row that saw nothing alive */
	const struct places *places;
	struct log_tails *tails; /* of host services */
	struct arena arena;
	struct strs of_engine; /* services that had a container */
};

static void on_line(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	struct followed *u = ctx;
	struct follow *f = u->owner;
	if (time_ns <= u->last_ns)
		return;
	u->last_ns = time_ns;
	if (log_filter_line(&f->filter, time_ns, line, len))
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

/* As long as there is one, a host service may say something. */
static bool agent_lives(const struct places *pl)
{
	struct err ignored = ERR_INIT;
	struct arena a = ARENA_INIT;
	int fd = socket_connect(control_path(&a, pl), 0, &ignored);
	if (fd >= 0)
		close(fd);
	arena_release(&a);
	return fd >= 0;
}

/* Streams for what runs and has none yet. */
static int adopt(struct follow *f, const struct world *w, struct err *e)
{
	bool any = false;
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *c = &w->containers.items[i];
		if (c->host || c->one_off || !log_filter_service(&f->filter, c->service))
			continue;
		if (!strs_has(&f->of_engine, c->service))
			strs_add(&f->arena, &f->of_engine, arena_strdup(&f->arena, c->service));
		any |= alive(c) || c->state == UNIT_CREATED;
		if (c->state == UNIT_CREATED)
			continue;
		struct followed *u = unit_of(f, c);
		/* One that has ended is read once more: it may have said something since. */
		if (!u->stream && (alive(c) || !streq(u->id, c->id)) && begin(u, c, e))
			return -1;
	}
	any |= agent_lives(f->places);
	log_tails_scan(f->tails, &f->of_engine);
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

static int look_again(struct follow *f, const char *workspace, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct world now = { 0 };
	int rc = f->engine ? engine_look(f->engine, &a, workspace, &now, e) : 0;
	if (!rc)
		rc = adopt(f, &now, e);
	arena_release(&a);
	return rc;
}

static void follow_release(struct follow *f)
{
	while (f->units) {
		struct followed *u = f->units;
		f->units = u->next;
		log_stream_free(u->stream);
		xfree(u);
	}
	log_tails_free(f->tails);
	log_filter_release(&f->filter);
	arena_release(&f->arena);
}

int logs_follow(struct engine *g, struct loop *l, const struct places *pl, const struct world *w,
	const struct log_query *q, const struct log_marks *marks, log_fn *fn, void *ctx,
	struct err *e)
{
	struct follow f = { .engine = g, .marks = marks, .fn = fn, .ctx = ctx, .places = pl };
	int before = loop_interrupts(l);
	if (log_filter_init(&f.filter, q, e))
		return -1;
	f.tails = log_tails_new(pl->logs, marks, &f.filter, fn, ctx);
	int rc = adopt(&f, w, e);
	int64_t next = now_ms() + LOOK_MS;
	while (!rc && loop_interrupts(l) == before) {
		engine_turn(g, l, log_tails_read(f.tails) ? 0 : TAIL_MS);
		rc = reap(&f, e);
		if (rc || now_ms() < next)
			continue;
		next = now_ms() + LOOK_MS;
		rc = look_again(&f, path_base(pl->state), e);
		if (f.empty >= EMPTY_LOOKS && !streaming(&f))
			break;
	}
	follow_release(&f);
	return rc;
}
