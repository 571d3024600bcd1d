/*
 * What a view that stays sees of containers. Comes in: an engine that may be slow. Goes out: the
 * last picture. At most one list, one inspection and one question for statistics are under way.
 */
#include "run/sight.h"

#include <stdio.h>
#include <string.h>

#include "doc/json.h"
#include "run/io/demux.h"
#include "run/engine/call.h"
#include "run/engine/engine_changes.h"
#include "run/tmux.h"
#include "run/host/usage.h"

enum { AGAIN_MS = 2000, HURRY_MS = 150, ID = 72 };

struct seen { /* what is known of a container or process beyond the list */
	struct seen *next;
	char id[ID + 32];
	bool listed, inspected, asks; /* asks: only the engine can tell what it takes */
	pid_t pid;
	int64_t started; /* seconds since 1970; 0: unknown */
	unsigned restarts;
	int64_t list_uptime; /* as the list last told */
	struct usage_place place;
	struct usage last, fresh; /* fresh: told by the engine */
	int64_t last_ms, fresh_ms, asked_ms;
	int cpu; /* the last rate */
};

struct sight {
	struct engine *engine;
	char *workspace;
	struct arena arena; /* of the containers */
	struct world world;
	struct seen *known;
	struct engine_call *list, *inspection, *statistics;
	char inspected[ID + 32], asked[ID + 32]; /* whom they are about */
	struct engine_changes *changes;          /* its events: look when there are some */
	int64_t next_look, next_measure, next_listen, looked;
	bool hurry;
	char trouble[200];
};

struct sight *sight_new(struct engine *g, const char *workspace)
{
	struct sight *s = xcalloc(1, sizeof(*s));
	s->engine = g;
	s->workspace = xstrdup(workspace);
	return s;
}

void sight_free(struct sight *s)
{
	if (!s)
		return;
	engine_changes_free(s->changes);
	engine_call_free(s->list);
	engine_call_free(s->inspection);
	engine_call_free(s->statistics);
	for (struct seen *k; (k = s->known);) {
		s->known = k->next;
		xfree(k);
	}
	arena_release(&s->arena);
	xfree(s->workspace);
	xfree(s);
}

static struct seen *known(const struct sight *s, const char *id)
{
	for (struct seen *k = s->known; k; k = k->next)
		if (streq(k->id, id))
			return k;
	return NULL;
}

static struct seen *know(struct sight *s, const char *id)
{
	struct seen *k = known(s, id);
	if (k || strlen(id) >= sizeof(k->id))
		return k;
	k = xcalloc(1, sizeof(*k));
	snprintf(k->id, sizeof(k->id), "%s", id);
	k->next = s->known;
	s->known = k;
	return k;
}

static void forget_gone(struct sight *s)
{
	for (struct seen **at = &s->known; *at;) {
		struct seen *k = *at;
		if (k->listed) {
			at = &k->next;
			continue;
		}
		*at = k->next;
		xfree(k);
	}
}

/* ---- the list ---- */

static struct engine_call *ask(struct sight *s, const char *path)
{
	struct err ignored = ERR_INIT;
	struct engine_ask a = { .path = path };
	return engine_begin(s->engine, &a, &ignored);
}

static void begin_list(struct sight *s)
{
	struct arena a = ARENA_INIT;
	s->hurry = false;
	s->list = ask(s, engine_look_path(&a, s->workspace));
	arena_release(&a);
}

/* It was started again where the list's time goes backwards or its state is another. */
static void compare(struct sight *s, const struct container *c)
{
	struct seen *k = know(s, c->id);
	if (!k)
		return;
	k->listed = true;
	if (c->uptime_s < k->list_uptime || (c->state == UNIT_RUNNING && k->pid <= 0))
		k->inspected = false;
	k->list_uptime = c->uptime_s;
}

static void take_list(struct sight *s)
{
	struct arena fresh = ARENA_INIT;
	struct world w = { 0 };
	struct err e = ERR_INIT;
	if (engine_finish(s->list, &e) ||
		engine_read_containers(s->engine, &fresh, engine_answer(s->list), &w, &e)) {
		snprintf(s->trouble, sizeof(s->trouble), "%.190s", e.text);
		arena_release(&fresh);
		return;
	}
	arena_release(&s->arena);
	s->arena = fresh;
	s->world = w;
	s->trouble[0] = '\0';
	for (struct seen *k = s->known; k; k = k->next)
		k->listed = starts_with(k->id, "host:");
	for (size_t i = 0; i < w.containers.count; i++)
		compare(s, &w.containers.items[i]);
	forget_gone(s);
}

/* ---- one container at length ---- */

static void begin_inspection(struct sight *s)
{
	char path[ID + 64];
	for (struct seen *k = s->known; k; k = k->next) {
		if (k->inspected || starts_with(k->id, "host:"))
			continue;
		k->inspected = true;
		snprintf(s->inspected, sizeof(s->inspected), "%s", k->id);
		snprintf(path, sizeof(path), "/containers/%s/json", k->id);
		s->inspection = ask(s, path);
		return;
	}
}

static int64_t whole(const struct node *n, const char *path)
{
	const struct node *v = node_path(n, path);
	return v && v->kind == NODE_INT ? v->integer : 0;
}

static struct node *answer_of(struct arena *a, struct engine_call *c)
{
	struct err ignored = ERR_INIT;
	const struct http_answer *ans = engine_answer(c);
	return engine_finish(c, &ignored)
		       ? NULL
		       : json_read(a, buf_str(&ans->body), ans->body.len, "answer", &ignored);
}

/* "2026-11-21T05:42:55.12Z" to whole seconds; 0: it is none. */
static int64_t seconds_of(const char *at)
{
	char stamp[STAMP_LEN + 1] = "0000-00-00T00:00:00.000000000Z";
	if (!at || strlen(at) < 20)
		return 0;
	memcpy(stamp, at, 19);
	int64_t ns = stamp_read(stamp, STAMP_LEN);
	return ns > 0 ? ns / 1000000000 : 0;
}

static void take_inspection(struct sight *s)
{
	struct arena a = ARENA_INIT;
	const struct node *n = answer_of(&a, s->inspection);
	struct seen *k = known(s, s->inspected);
	if (n && k) {
		k->pid = (pid_t)whole(n, "State.Pid");
		k->restarts = (unsigned)whole(n, "RestartCount");
		k->started = seconds_of(node_text(node_path(n, "State.StartedAt")));
		k->asks = k->pid > 0 && !usage_find(k->pid, k->id, &k->place);
		k->last_ms = 0;
	}
	arena_release(&a);
}

/* ---- statistics by the engine ---- */

/* Who was not asked for the longest is next. */
static void begin_statistics(struct sight *s, int64_t now)
{
	char path[ID + 80];
	struct seen *oldest = NULL;
	for (struct seen *k = s->known; k; k = k->next)
		if (k->asks && k->pid > 0 && now - k->asked_ms >= SIGHT_MEASURE_MS &&
			(!oldest || k->asked_ms < oldest->asked_ms))
			oldest = k;
	if (!oldest)
		return;
	oldest->asked_ms = now;
	snprintf(s->asked, sizeof(s->asked), "%s", oldest->id);
	snprintf(path, sizeof(path), "/containers/%s/stats?stream=0&one-shot=1", oldest->id);
	s->statistics = ask(s, path);
}

static void take_statistics(struct sight *s)
{
	struct arena a = ARENA_INIT;
	const struct node *n = answer_of(&a, s->statistics);
	struct seen *k = known(s, s->asked);
	if (n && k) {
		int64_t cached = whole(n, "memory_stats.stats.inactive_file");
		cached = cached ? cached : whole(n, "memory_stats.stats.total_inactive_file");
		k->fresh.cpu_us = whole(n, "cpu_stats.cpu_usage.total_usage") / 1000;
		k->fresh.memory = whole(n, "memory_stats.usage") - cached;
		k->fresh_ms = now_ms();
	}
	arena_release(&a);
}

/* True: it is done and was taken. */
static bool settle(struct sight *s, struct engine_call **call, void (*take)(struct sight *))
{
	if (!*call || !engine_done(*call))
		return false;
	take(s);
	engine_call_free(*call);
	*call = NULL;
	return true;
}

/* An engine that went away is listened to again when it is back. */
static void listen(struct sight *s, int64_t now)
{
	struct err ignored = ERR_INIT;
	bool lost = false;
	if (!s->changes && now >= s->next_listen) {
		s->next_listen = now + AGAIN_MS;
		s->changes = engine_changes_begin(s->engine, s->workspace, &ignored);
	}
	if (!s->changes)
		return;
	s->hurry |= engine_changes_wait(s->changes, NULL, 0, &lost);
	if (!lost)
		return;
	engine_changes_free(s->changes);
	s->changes = NULL;
}

static bool is_due(const struct sight *s, int64_t now)
{
	return now >= s->next_look || (s->hurry && now >= s->looked + HURRY_MS);
}

bool sight_turn(struct sight *s, int64_t now_ms)
{
	if (!s->engine)
		return false;
	bool fresh = settle(s, &s->list, take_list);
	if (fresh)
		s->next_look = now_ms + (s->trouble[0] ? AGAIN_MS : SIGHT_LOOK_MS);
	fresh |= settle(s, &s->inspection, take_inspection);
	settle(s, &s->statistics, take_statistics);
	listen(s, now_ms);
	if (!s->list && is_due(s, now_ms)) {
		s->looked = now_ms;
		s->next_look = now_ms + AGAIN_MS;
		begin_list(s);
	}
	if (!s->inspection)
		begin_inspection(s);
	if (!s->statistics)
		begin_statistics(s, now_ms);
	return fresh;
}

void sight_wait(struct sight *s, struct loop *l, int max_ms)
{
	if (s->engine)
		engine_turn(s->engine, l, max_ms);
	else
		loop_turn(l, max_ms);
}

void sight_hurry(struct sight *s)
{
	s->hurry = true;
}

const char *sight_trouble(const struct sight *s)
{
	return s->trouble[0] ? s->trouble : NULL;
}

/* ---- telling ---- */

void sight_tell(const struct sight *s, struct arena *a, struct world *w)
{
	w->engine = s->world.engine;
	for (size_t i = 0; i < s->world.containers.count; i++) {
		const struct container *from = &s->world.containers.items[i];
		const struct seen *k = known(s, from->id);
		struct container *c = list_push(a, &w->containers);
		*c = *from;
		if (!k)
			continue;
		c->restarts = k->restarts;
		int64_t exact = clock_ms() / 1000 - k->started;
		/* The list is rounded down: what is far from it is of another run. */
		if (c->uptime_s >= 0 && k->started && exact >= c->uptime_s)
			c->uptime_s = exact;
	}
}

/* What a copy has taken, and when that was so; false: it is not known. */
static bool usage_of(
	const struct seen *k, const struct container *c, struct usage *out, int64_t *at)
{
	if (c->host)
		return usage_tree(c->pid, out);
	if (!k->asks)
		return usage_read(&k->place, out);
	*out = k->fresh;
	*at = k->fresh_ms;
	return k->fresh_ms > 0;
}

static bool measure(
	struct sight *s, const struct container *c, int64_t now, int *cpu, int64_t *memory)
{
	struct usage u = { 0 };
	int64_t at = now;
	struct seen *k = c->state == UNIT_RUNNING ? know(s, c->id) : NULL;
	if (!k || !usage_of(k, c, &u, &at))
		return false;
	k->listed = true;
	/* A child that ended takes its account along: time goes on, the sum does not. */
	if (k->last_ms && at > k->last_ms)
		k->cpu = u.cpu_us < k->last.cpu_us
				 ? 0
				 : (int)((u.cpu_us - k->last.cpu_us) / (at - k->last_ms));
	k->last_ms = at;
	k->last = u;
	*cpu += k->cpu;
	*memory += u.memory;
	return true;
}

static bool told_before(const struct world *w, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (streq(w->containers.items[k].service, w->containers.items[i].service))
			return true;
	return false;
}

void sight_measure(struct sight *s, const struct world *w, int64_t now_ms, sight_fn *fn, void *ctx)
{
	if (now_ms < s->next_measure)
		return;
	s->next_measure = now_ms + SIGHT_MEASURE_MS;
	for (size_t i = 0; i < w->containers.count; i++) {
		const char *service = w->containers.items[i].service;
		bool any = false;
		int cpu = 0;
		int64_t memory = 0;
		if (told_before(w, i))
			continue;
		for (size_t k = i; k < w->containers.count; k++)
			if (streq(w->containers.items[k].service, service) &&
				!w->containers.items[k].one_off)
				any |= measure(s, &w->containers.items[k], now_ms, &cpu, &memory);
		if (any)
			fn(ctx, service, cpu, memory);
	}
}
