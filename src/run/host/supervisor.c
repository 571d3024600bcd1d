/*
 * The supervisor: all copies of host services of a workspace, under one guard. Comes in: what the
 * planner wants started and stopped. Goes out: processes, and what is seen of them. What one copy
 * does is host_unit.c's.
 */
#include "run/host/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "run/host/host_unit.h"
#include "run/host/reaper.h"
#include "run/host/supervisor.h"

enum { STOP_PATIENCE_MS = 200 }; /* before the next one is told, too */

/* ---- the guard ---- */

static void on_guard_gone(void *ctx)
{
	struct guard_slot *slot = ctx;
	struct supervisor *s = slot->owner;
	guard_end(slot->guard); /* a namespace is empty by now, the others are not */
	if (s->slot == slot)
		s->slot = NULL;
	poller_pause(slot->gone, true);
	slot->lost = true;
	ticker_set(s->sweep, 0);
}

static void slot_free(struct guard_slot *slot)
{
	if (!slot)
		return;
	poller_free(slot->gone);
	guard_free(slot->guard);
	xfree(slot);
}

static struct guard_slot *slot_new(struct supervisor *s, struct err *e)
{
	struct guard *g = guard_new(path_base(s->places->state), e);
	if (!g)
		return NULL;
	int fd = fcntl(g->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		err_errno(e, "watching the guardian");
		guard_free(g);
		return NULL;
	}
	struct guard_slot *slot = xcalloc(1, sizeof(*slot));
	slot->owner = s;
	slot->guard = g;
	slot->gone = poller_new(s->loop, fd, on_guard_gone, slot);
	slot->older = s->slots;
	s->slots = slot;
	return slot;
}

/* Children of ours that somebody here waits for. */
static bool is_known(void *ctx, int pid)
{
	const struct supervisor *s = ctx;
	for (size_t i = 0; i < s->count; i++) {
		const struct host_process *p = s->units[i]->process;
		if (p && !host_process_exited(p) && host_process_pid(p) == pid)
			return true;
	}
	for (const struct host_run_once *r = s->runs; r; r = host_run_next(r))
		if (host_run_pid(r) == pid)
			return true;
	for (const struct guard_slot *slot = s->slots; slot; slot = slot->older)
		if (slot->guard->pid == pid)
			return true;
	return false;
}

static struct guard *own_guard(void *ctx, struct err *e)
{
	struct supervisor *s = ctx;
	if (!s->slot)
		s->slot = slot_new(s, e);
	if (s->slot && s->slot->guard->kind == GUARD_SUBREAPER && !s->reaper)
		s->reaper = reaper_new(s->loop, is_known, s);
	return s->slot ? s->slot->guard : NULL;
}

/* A namespace whose first process is ending takes no one in any more, long before its end is seen.
 */
static bool guard_failed(void *ctx, struct guard *g, int error)
{
	struct supervisor *s = ctx;
	if ((error != ENOMEM && error != ESRCH && error != EINVAL) || !guard_ending(g))
		return false;
	if (s->slot && s->slot->guard == g)
		s->slot = NULL;
	return true;
}

/* ---- copies ---- */

static struct host_unit *find(const struct supervisor *s, const char *id)
{
	for (size_t i = 0; i < s->count; i++)
		if (streq(s->units[i]->id, id))
			return s->units[i];
	return NULL;
}

static struct host_unit *need(struct supervisor *s, const char *id, struct err *e)
{
	struct host_unit *u = find(s, id);
	if (!u)
		err_set(e, ERR_FAILED, "no host service is called %s",
			starts_with(id, "host:") ? id + 5 : id);
	return u;
}

static struct host_unit *add(struct supervisor *s, const char *id)
{
	s->units = xrealloc(s->units, (s->count + 1) * sizeof(*s->units));
	s->units[s->count] = host_unit_new(&s->owner, id);
	return s->units[s->count++];
}

static void drop(struct supervisor *s, struct host_unit *u)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->units[i] == u)
			s->units[i] = s->units[--s->count];
	host_unit_free(u);
}

static bool in_use(const struct supervisor *s, const struct guard_slot *slot)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->units[i]->guard == slot->guard)
			return true;
	return s->runs != NULL;
}

static void drop_lost_guards(struct supervisor *s)
{
	for (struct guard_slot **at = &s->slots; *at;) {
		struct guard_slot *slot = *at;
		if (!slot->lost || in_use(s, slot)) {
			at = &slot->older;
			continue;
		}
		*at = slot->older;
		slot_free(slot);
	}
}

/* Forgotten ones go at the next turn: they are in the middle of telling us. */
static void on_sweep(void *ctx)
{
	struct supervisor *s = ctx;
	drop_lost_guards(s);
	for (size_t i = 0; i < s->count;)
		if (s->units[i]->remove && !host_unit_active(s->units[i]))
			drop(s, s->units[i]);
		else
			i++;
}

static void changed(void *ctx, struct host_unit *u)
{
	struct supervisor *s = ctx;
	struct arena a = ARENA_INIT;
	struct container seen;
	if (s->closing)
		return;
	host_unit_look(u, &a, &seen);
	s->fn(s->ctx, &seen);
	arena_release(&a);
	if (u->remove && !host_unit_active(u))
		ticker_set(s->sweep, 0);
	if (s->stopping)
		ticker_set(s->next_stop, 0);
}

/* ---- as hosts ---- */

static struct supervisor *of(struct hosts *h)
{
	return (struct supervisor *)(void *)h;
}

struct begun {                  /* one start of several */
	struct host_unit *unit; /* NULL: it could not be run */
	bool fresh;             /* it was not there before */
};

static struct begun begin_start(struct supervisor *s, const struct host_launch *l, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *id = host_id(&a, l->spec->service, l->spec->number);
	struct begun b = { .unit = find(s, id) };
	b.fresh = !b.unit;
	if (b.fresh)
		b.unit = add(s, id);
	arena_release(&a);
	s->stopping = 0;
	b.unit->order = ++s->starts;
	if (!host_unit_start(b.unit, l, e))
		return b;
	if (b.fresh)
		drop(s, b.unit);
	b.unit = NULL;
	return b;
}

static int end_start(struct supervisor *s, struct begun b, struct err *e)
{
	if (!b.unit)
		return -1;
	int rc = host_unit_started(b.unit, e);
	if (rc && b.fresh)
		drop(s, b.unit);
	return rc;
}

static int do_start(struct hosts *h, const struct host_launch *l, struct err *e)
{
	return end_start(of(h), begin_start(of(h), l, e), e);
}

static void do_start_all(struct hosts *h, struct host_start *list, size_t count)
{
	struct begun *all = xcalloc(count, sizeof(*all));
	for (size_t i = 0; i < count; i++)
		all[i] = begin_start(of(h), &list[i].launch, &list[i].error);
	for (size_t i = 0; i < count; i++)
		list[i].failed = end_start(of(h), all[i], &list[i].error) != 0;
	xfree(all);
}

static int do_stop(struct hosts *h, const char *id, int64_t grace_ms, bool remove, struct err *e)
{
	struct host_unit *u = find(of(h), id);
	(void)e; /* what is not there has ended */
	if (u)
		host_unit_stop(u, grace_ms, remove);
	return 0;
}

static int do_restart(struct hosts *h, const char *id, struct err *e)
{
	struct host_unit *u = need(of(h), id, e);
	if (!u)
		return -1;
	of(h)->stopping = 0;
	host_unit_restart(u);
	return 0;
}

static int do_signal(struct hosts *h, const char *id, const char *signal, struct err *e)
{
	struct host_unit *u = need(of(h), id, e);
	return u ? host_unit_signal(u, signal, e) : -1;
}

static int do_look(struct hosts *h, struct arena *a, struct world *w, struct err *e)
{
	struct supervisor *s = of(h);
	(void)e;
	for (size_t i = 0; i < s->count; i++)
		if (!s->units[i]->remove || host_unit_active(s->units[i]))
			host_unit_look(s->units[i], a, list_push(a, &w->containers));
	w->agent.guard = supervisor_guard(s);
	return 0;
}

static struct host_run_once *do_run(struct hosts *h, const struct host_launch *l,
	void (*line)(void *ctx, const char *line, size_t len), void *ctx, struct err *e)
{
	return supervisor_run(of(h), l, line, ctx, e);
}

static int do_launched(
	struct hosts *h, struct arena *a, const char *id, struct host_launch *out, struct err *e)
{
	struct host_unit *u = need(of(h), id, e);
	if (!u)
		return -1;
	launched_tell(u->next ? u->next : u->launched, a, out);
	return 0;
}

static const struct hosts_ops ops = {
	.start = do_start,
	.start_all = do_start_all,
	.stop = do_stop,
	.restart = do_restart,
	.signal = do_signal,
	.run = do_run,
	.look = do_look,
	.launched = do_launched,
};

/* ---- stopping all ---- */

static struct host_unit *last_started(const struct supervisor *s)
{
	struct host_unit *last = NULL;
	for (size_t i = 0; i < s->count; i++) {
		struct host_unit *u = s->units[i];
		bool untold = host_unit_active(u) && u->machine.intent != INTENT_STAY;
		if (untold && (!last || u->order > last->order))
			last = u;
	}
	return last;
}

static bool one_is_ending(const struct supervisor *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (host_unit_active(s->units[i]) && s->units[i]->machine.intent == INTENT_STAY)
			return true;
	return false;
}

/* The copies of one service together; the next service when they have ended, or take too long. */
static void stop_service(struct supervisor *s, const struct host_unit *one)
{
	for (size_t i = 0; i < s->count; i++) {
		struct host_unit *u = s->units[i];
		if (host_unit_active(u) &&
			streq(u->launched->spec.service, one->launched->spec.service))
			host_unit_stop(u, -1, u->remove);
	}
	s->told_ms = now_ms();
}

static void on_next_stop(void *ctx)
{
	struct supervisor *s = ctx;
	if (!s->stopping)
		return;
	struct host_unit *u;
	while ((u = last_started(s)) &&
		(!one_is_ending(s) || now_ms() - s->told_ms >= STOP_PATIENCE_MS))
		stop_service(s, u);
	if (u)
		ticker_set(s->next_stop, STOP_PATIENCE_MS);
}

void supervisor_stop(struct supervisor *s, int times)
{
	s->stopping = times;
	if (times < 2) {
		on_next_stop(s);
		return;
	}
	for (size_t i = 0; i < s->count; i++)
		if (host_unit_active(s->units[i]))
			host_unit_stop(s->units[i], 0, s->units[i]->remove);
}

/* ---- itself ---- */

struct supervisor *supervisor_new(
	struct loop *l, const struct places *pl, supervise_fn *fn, void *ctx, struct err *e)
{
	struct supervisor *s = xcalloc(1, sizeof(*s));
	(void)e;
	s->hosts.ops = &ops;
	s->loop = l;
	s->places = pl;
	s->fn = fn;
	s->ctx = ctx;
	s->owner = (struct unit_owner){
		.loop = l,
		.places = pl,
		.guard = own_guard,
		.guard_failed = guard_failed,
		.changed = changed,
		.ctx = s,
	};
	s->sweep = ticker_new(l, on_sweep, s);
	s->next_stop = ticker_new(l, on_next_stop, s);
	return s;
}

struct hosts *supervisor_hosts(struct supervisor *s)
{
	return &s->hosts;
}

void supervisor_prepare(struct supervisor *s)
{
	struct err ignored = ERR_INIT; /* the start says it */
	own_guard(s, &ignored);
}

size_t supervisor_running(const struct supervisor *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->count; i++)
		n += s->units[i]->process != NULL;
	return n;
}

size_t supervisor_units(const struct supervisor *s)
{
	return s->count;
}

const char *supervisor_guard(const struct supervisor *s)
{
	return s->slots ? guard_name(s->slots->guard->kind) : NULL;
}

void supervisor_output(
	const struct supervisor *s, const char *id, struct buf *out, uint64_t *dropped)
{
	struct host_unit *u = find(s, id);
	*dropped = 0;
	if (u)
		host_unit_output(u, out, dropped);
}

void supervisor_free(struct supervisor *s)
{
	if (!s)
		return;
	s->closing = true;
	for (struct guard_slot *slot = s->slots; slot; slot = slot->older)
		guard_end(slot->guard);
	for (size_t i = 0; i < s->count; i++)
		host_unit_free(s->units[i]);
	for (struct guard_slot *slot; (slot = s->slots);) {
		s->slots = slot->older;
		slot_free(slot);
	}
	ticker_free(s->sweep);
	ticker_free(s->next_stop);
	reaper_free(s->reaper);
	xfree(s->units);
	xfree(s);
}
