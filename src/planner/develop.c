/*
 * When modules run: a state and an event in, what to do out. Knows no files, no processes and no
 * clock. A group that feeds itself (its run changes what it watches) is found out by counting.
 */
#include "planner/develop.h"

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

static enum turn_do begin(struct turn *t, int64_t now_ns)
{
	if (t->held || t->phase != TURN_IDLE || !t->pending || probes(t, now_ns))
		return TURN_NOTHING;
	t->probe_until = 0;
	count_fed(t, now_ns);
	t->pending = t->outside = false;
	t->files = 0;
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
	if (t->phase != TURN_CHECKING || t->fed >= SELF_PATIENT)
		return TURN_NOTHING;
	t->phase = TURN_CANCELLED;
	return TURN_CANCEL;
}

enum turn_do turn_changed(struct turn *t, const struct turn_change *c, int64_t now_ns)
{
	bool own = made_by_run(t, c);
	if (t->suspended && own)
		return TURN_NOTHING;
	t->suspended = false;
	t->pending = true;
	t->outside |= !own;
	t->files += c->files;
	return t->phase == TURN_IDLE ? begin(t, now_ns) : interrupt(t);
}

enum turn_do turn_asked(struct turn *t, int64_t now_ns)
{
	t->suspended = false;
	t->pending = t->outside = true;
	return t->phase == TURN_IDLE ? begin(t, now_ns) : TURN_NOTHING;
}

void turn_applies(struct turn *t)
{
	if (t->phase == TURN_CHECKING)
		t->phase = TURN_APPLYING;
}

enum turn_do turn_ended(struct turn *t, int64_t now_ns)
{
	t->phase = TURN_IDLE;
	t->ended_ns = now_ns;
	return begin(t, now_ns);
}

enum turn_do turn_tick(struct turn *t, int64_t now_ns)
{
	return t->probe_until && now_ns >= t->probe_until ? begin(t, now_ns) : TURN_NOTHING;
}

enum turn_do turn_hold(struct turn *t, bool on, int64_t now_ns)
{
	t->held = on;
	return begin(t, now_ns);
}
