/*
 * When modules run: a state and an event in, what to do out. Knows no files, no processes and no
 * clock. A group that feeds itself (its run changes what it watches) is found out by counting.
 */
#include "planner/develop.h"

#include <limits.h>
#include <stddef.h>

/* Was it made by the run that goes on, or by the one that has just ended? */
static bool made_by_run(const struct turn *t, const struct turn_change *c)
{
	if (!t->ran || c->first_ns < t->began_ns)
		return false;
	return t->phase != TURN_IDLE || c->last_ns <= t->ended_ns + SELF_SLACK_NS;
}

bool turn_covers(const struct turn *t, const struct turn_change *c)
{
	return t->ran && c->last_ns < t->began_ns;
}

static void count_fed(struct turn *t, int64_t now_ns)
{
	if (t->outside) {
		t->fed = 0;
		return;
	}
	if (!t->fed++) {
		t->fed_since_ns = now_ns;
		t->fed_files = t->files;
		t->fed_alike = true;
	}
	t->fed_alike = t->fed_alike && t->files == t->fed_files;
}

/*
 * Who saves all the time looks like a loop. Before the run that would settle it nothing runs for a
 * while: what changes then was changed by somebody else.
 */
static bool probes(struct turn *t, int64_t now_ns)
{
	if (t->fed != SELF_RUNS - 2 || t->outside) {
		t->probe_until = 0;
		return false;
	}
	if (!t->probe_until)
		t->probe_until = now_ns + SELF_PROBE_NS;
	return now_ns < t->probe_until;
}

/* For how long nothing may have changed. Two saves in a row are a person's and wait for nothing but
 * the watcher's own quiet time. */
static int64_t calm_ns(const struct turn *t)
{
	unsigned size = t->changed >= STORM_FILES ? 4 : t->changed >= MANY_FILES ? 2 : 0;
	unsigned level = t->cancelled + size;
	int64_t out = CALM_NS;
	if (level < 2)
		return 0;
	while (level-- > 2 && out < CALM_MAX_NS)
		out *= 2;
	return out < CALM_MAX_NS ? out : CALM_MAX_NS;
}

static int64_t patience_ends(const struct turn *t)
{
	int64_t from = t->first_ns > t->ended_ns ? t->first_ns : t->ended_ns;
	return from + (t->changed >= STORM_FILES ? STORM_PATIENCE_NS : PATIENCE_NS);
}

/* What would begin now would be cancelled by what changes next. */
static bool waits_for_calm(struct turn *t, int64_t now_ns)
{
	int64_t calm = t->last_ns + calm_ns(t), end = patience_ends(t);
	bool settled = !t->storm && now_ns >= calm;
	t->calm_until = 0;
	if (t->asked || settled || now_ns >= end) {
		t->stubborn = !t->asked && !settled;
		return false;
	}
	t->calm_until = t->storm || calm > end ? end : calm;
	return true;
}

static void take_pending(struct turn *t)
{
	t->pending = t->outside = t->asked = false;
	t->files = 0;
	t->seen = t->changed;
	t->first_ns = t->probe_until = t->calm_until = 0;
}

static enum turn_do begin(struct turn *t, int64_t now_ns)
{
	if (t->held || t->phase != TURN_IDLE || !t->pending)
		return TURN_NOTHING;
	if (waits_for_calm(t, now_ns) || probes(t, now_ns))
		return TURN_NOTHING;
	count_fed(t, now_ns);
	take_pending(t);
	if (t->fed >= SELF_RUNS && (t->fed_alike || now_ns - t->fed_since_ns <= SELF_WINDOW_NS)) {
		t->fed = 0;
		t->suspended = true;
		return TURN_SUSPEND;
	}
	t->ran = true;
	t->phase = TURN_CHECKING;
	t->began_ns = now_ns;
	return TURN_BEGIN;
}

static enum turn_do interrupt(struct turn *t)
{
	if (t->phase != TURN_CHECKING || t->fed >= SELF_PATIENT || t->stubborn)
		return TURN_NOTHING;
	t->phase = TURN_CANCELLED;
	t->cancelled++;
	return TURN_CANCEL;
}

static bool is_known(struct turn *t, uint64_t files)
{
	for (unsigned i = 0; i < t->known_count && i < KNOWN_FILES; i++) {
		if (t->known[i] == files)
			return true;
	}
	t->known[t->known_count++ % KNOWN_FILES] = files;
	return false;
}

/* The same few files again and again, in whatever order, are no storm, but logs. */
static void note_change(struct turn *t, const struct turn_change *c)
{
	if (!is_known(t, c->files) || c->count >= STORM_FILES)
		t->changed += c->count < UINT_MAX - t->changed ? c->count : 0;
	if (!t->first_ns)
		t->first_ns = c->first_ns;
	t->last_ns = c->last_ns;
	t->files += c->files;
}

enum turn_do turn_changed(struct turn *t, const struct turn_change *c, int64_t now_ns)
{
	bool own = made_by_run(t, c);
	t->storm = c->storm;
	if (t->suspended && own)
		return TURN_NOTHING;
	t->suspended = false;
	t->pending = true;
	t->outside |= !own;
	note_change(t, c);
	return t->phase == TURN_IDLE ? begin(t, now_ns) : interrupt(t);
}

enum turn_do turn_calm(struct turn *t, int64_t now_ns)
{
	t->storm = false;
	return begin(t, now_ns);
}

enum turn_do turn_asked(struct turn *t, int64_t now_ns)
{
	t->suspended = false;
	t->pending = t->outside = t->asked = true;
	return t->phase == TURN_IDLE ? begin(t, now_ns) : TURN_NOTHING;
}

void turn_applies(struct turn *t)
{
	if (t->phase == TURN_CHECKING)
		t->phase = TURN_APPLYING;
}

enum turn_do turn_ended(struct turn *t, int64_t now_ns)
{
	if (t->phase != TURN_CANCELLED) {
		t->cancelled = 0;
		t->changed -= t->seen;
	}
	t->seen = 0;
	t->stubborn = false;
	t->phase = TURN_IDLE;
	t->ended_ns = now_ns;
	return begin(t, now_ns);
}

int64_t turn_due(const struct turn *t)
{
	if (t->held || t->phase != TURN_IDLE)
		return 0;
	return t->calm_until ? t->calm_until : t->probe_until;
}

enum turn_do turn_tick(struct turn *t, int64_t now_ns)
{
	int64_t due = turn_due(t);
	return due && now_ns >= due ? begin(t, now_ns) : TURN_NOTHING;
}

enum turn_do turn_hold(struct turn *t, bool on, int64_t now_ns)
{
	t->held = on;
	return begin(t, now_ns);
}
