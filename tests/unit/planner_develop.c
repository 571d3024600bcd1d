/*
 * The develop loop's decisions against a model of the world: never two runs at once, never a lost
 * change, exactly one more run after changes during a run. And groups that feed themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "planner/develop.h"

#define MS 1000000LL
#define SECOND 1000000000LL

static struct turn_change change_at(int64_t ns, uint64_t files)
{
	return (struct turn_change){ ns, ns, files, 1, false };
}

static enum turn_do save(struct turn *t, int64_t ns)
{
	struct turn_change c = change_at(ns, 1);
	return turn_changed(t, &c, ns);
}

static void one_change_one_run(void **state)
{
	struct turn t = { 0 };
	(void)state;
	assert_int_equal(save(&t, SECOND), TURN_BEGIN);
	turn_applies(&t);
	assert_int_equal(t.phase, TURN_APPLYING);
	assert_int_equal(turn_ended(&t, 2 * SECOND), TURN_NOTHING);
	assert_int_equal(t.phase, TURN_IDLE);
}

static void a_change_during_stages_cancels_them(void **state)
{
	struct turn t = { 0 };
	(void)state;
	save(&t, SECOND);
	assert_int_equal(save(&t, SECOND + MS), TURN_CANCEL);
	assert_int_equal(save(&t, SECOND + 2 * MS), TURN_NOTHING);
	turn_applies(&t); /* too late: it is cancelled */
	assert_int_equal(t.phase, TURN_CANCELLED);
	assert_int_equal(turn_ended(&t, SECOND + 3 * MS), TURN_BEGIN);
	assert_int_equal(turn_ended(&t, SECOND + 4 * MS), TURN_NOTHING);
}

static void a_restart_is_never_cancelled(void **state)
{
	struct turn t = { 0 };
	(void)state;
	save(&t, SECOND);
	turn_applies(&t);
	assert_int_equal(save(&t, SECOND + MS), TURN_NOTHING);
	assert_int_equal(save(&t, SECOND + 2 * MS), TURN_NOTHING);
	assert_int_equal(turn_ended(&t, SECOND + 3 * MS), TURN_BEGIN);
	assert_int_equal(turn_ended(&t, SECOND + 4 * MS), TURN_NOTHING);
}

/* A batch of so many files; nothing begins until the last one, a calm later. */
static enum turn_do storm(struct turn *t, int64_t ns, unsigned count)
{
	struct turn_change c = { ns - MS, ns, 1, count, true };
	return turn_changed(t, &c, ns);
}

static void a_storm_is_one_run_after_it(void **state)
{
	struct turn t = { 0 };
	int64_t now = 10 * SECOND;
	(void)state;
	save(&t, now);
	assert_int_equal(storm(&t, now += SECOND, 500), TURN_CANCEL);
	assert_int_equal(turn_ended(&t, now += MS), TURN_NOTHING);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(storm(&t, now += SECOND, 500), TURN_NOTHING);
		assert_int_equal(turn_tick(&t, now + MS), TURN_NOTHING);
	}
	assert_int_equal(turn_calm(&t, now + 20 * MS), TURN_NOTHING); /* or does it only breathe? */
	assert_int_equal(turn_due(&t), now + 8 * CALM_NS);
	assert_int_equal(turn_tick(&t, now + 8 * CALM_NS - 1), TURN_NOTHING);
	assert_int_equal(turn_tick(&t, now + 8 * CALM_NS), TURN_BEGIN);
	assert_int_equal(turn_due(&t), 0);
	assert_int_equal(turn_ended(&t, now + 3 * SECOND), TURN_NOTHING);
	assert_int_equal(save(&t, now + 5 * SECOND), TURN_BEGIN); /* as if nothing had been */
}

/* With pauses that are longer than the quiet time, and runs that begin in them. */
static void a_storm_that_breathes_makes_each_wait_longer(void **state)
{
	struct turn t = { 0 };
	int64_t now = 10 * SECOND, waited = 0;
	(void)state;
	save(&t, now);
	for (int i = 0; i < 2; i++) { /* two saves in a row are a person's */
		assert_int_equal(save(&t, now += 300 * MS), TURN_CANCEL);
		enum turn_do next = turn_ended(&t, now += MS);
		if (next == TURN_NOTHING)
			next = turn_tick(&t, turn_due(&t));
		assert_int_equal(next, TURN_BEGIN);
	}
	t = (struct turn){ 0 };
	save(&t, now += 10 * SECOND);
	for (int i = 0; i < 2; i++) {
		struct turn_change c = { now + SECOND, now + SECOND, 1, 1000, false };
		assert_int_equal(turn_changed(&t, &c, c.last_ns), TURN_CANCEL);
		assert_int_equal(turn_ended(&t, c.last_ns + MS), TURN_NOTHING);
		now = turn_due(&t);
		assert_true(now - c.last_ns > waited);
		waited = now - c.last_ns;
		assert_int_equal(turn_tick(&t, now), TURN_BEGIN);
	}
}

/* Something writes for ever: runs come all the same, and each comes to its end. */
static void patience_ends(void **state)
{
	struct turn t = { 0 };
	unsigned runs = 0, tail = 0;
	int64_t end = 0;
	(void)state;
	for (int64_t now = 10 * SECOND; now < 130 * SECOND; now += 50 * MS) {
		enum turn_do d = TURN_NOTHING;
		if (t.phase != TURN_IDLE && now >= end)
			d = turn_ended(&t, now);
		if (d == TURN_NOTHING)
			d = turn_tick(&t, now);
		if (d == TURN_NOTHING && now % SECOND == 0)
			d = storm(&t, now, 1);
		assert_in_range(d, TURN_NOTHING, TURN_BEGIN); /* no cancel, no suspension */
		if (d == TURN_BEGIN) {
			assert_true(now - t.ended_ns <= 2 * PATIENCE_NS || !t.ended_ns);
			end = now + 3 * SECOND;
			runs++;
		}
		tail = t.phase == TURN_IDLE ? tail + 1 : 0;
		assert_in_range(tail, 0, 2 * PATIENCE_NS / (50 * MS));
	}
	assert_in_range(runs, 15, 60);
}

/* Five logs, written in turn for minutes, are few files, and a run comes as soon as for one. */
static void a_few_logs_are_no_storm(void **state)
{
	struct turn t = { 0 };
	(void)state;
	for (int i = 0; i < 2000; i++) {
		int64_t now = 10 * SECOND + i * 50 * MS;
		struct turn_change c = { now, now, 1000 + (uint64_t)(i * 7 % 5), 1, true };
		turn_changed(&t, &c, now);
		assert_in_range(t.changed, 0, MANY_FILES);
		if (t.phase == TURN_IDLE)
			assert_true(turn_due(&t) <= now + 2 * PATIENCE_NS);
		else if (i % 20 == 0)
			turn_ended(&t, now);
	}
}

static void who_asks_does_not_wait(void **state)
{
	struct turn t = { 0 };
	(void)state;
	assert_int_equal(storm(&t, 10 * SECOND, 500), TURN_NOTHING);
	assert_int_equal(turn_asked(&t, 10 * SECOND + MS), TURN_BEGIN);
}

static void what_is_held_begins_later(void **state)
{
	struct turn t = { 0 };
	(void)state;
	assert_int_equal(turn_hold(&t, true, SECOND), TURN_NOTHING);
	assert_int_equal(save(&t, SECOND), TURN_NOTHING);
	assert_int_equal(turn_asked(&t, SECOND), TURN_NOTHING);
	assert_int_equal(turn_hold(&t, false, 2 * SECOND), TURN_BEGIN);
	assert_int_equal(turn_hold(&t, true, 2 * SECOND), TURN_NOTHING);
	save(&t, 3 * SECOND);
	assert_int_equal(turn_ended(&t, 3 * SECOND), TURN_NOTHING);
	assert_int_equal(turn_hold(&t, false, 4 * SECOND), TURN_BEGIN);
}

static void what_a_run_saw_is_covered(void **state)
{
	struct turn t = { 0 };
	struct turn_change early = change_at(SECOND - MS, 1), late = change_at(SECOND + MS, 1);
	(void)state;
	assert_false(turn_covers(&t, &early));
	save(&t, SECOND);
	assert_true(turn_covers(&t, &early));
	assert_false(turn_covers(&t, &late));
}

/* A run of so long, which changes a file before its end. Runs until nothing begins. */
static unsigned feed(struct turn *t, int64_t *now, int64_t lasts, bool alike)
{
	unsigned runs = 0;
	enum turn_do next = save(t, *now);
	while (next == TURN_BEGIN && runs < 100) {
		uint64_t files = alike ? 7 : 7 + runs;
		struct turn_change c = change_at(*now + lasts, files);
		runs++;
		*now += lasts;
		turn_changed(t, &c, *now);
		*now += MS;
		next = turn_ended(t, *now);
		while (next == TURN_NOTHING && turn_due(t)) {
			assert_in_range(turn_due(t) - *now, 1, SELF_PROBE_NS);
			next = turn_tick(t, *now = turn_due(t));
		}
	}
	assert_int_equal(next, TURN_SUSPEND);
	return runs;
}

static void what_feeds_itself_is_suspended(void **state)
{
	struct turn t = { 0 };
	int64_t now = SECOND;
	(void)state;
	assert_int_equal(feed(&t, &now, 100 * MS, false), SELF_RUNS);
	assert_true(t.suspended);
	struct turn_change late = change_at(t.ended_ns + MS, 7);
	late.first_ns = t.began_ns + MS;
	assert_int_equal(turn_changed(&t, &late, now), TURN_NOTHING);
	assert_int_equal(save(&t, now + SECOND), TURN_BEGIN); /* by somebody else */
	assert_false(t.suspended);

	t = (struct turn){ 0 };
	assert_int_equal(feed(&t, &now, 4 * SECOND, true), SELF_RUNS); /* slowly */
	assert_int_equal(turn_asked(&t, now), TURN_BEGIN);
}

/* Fifty saves a second, all the time: every one falls into a run, and none is lost. */
static void a_storm_of_saves_is_none(void **state)
{
	struct turn t = { 0 };
	unsigned runs = 0, unseen = 0;
	int64_t end = 0;
	(void)state;
	for (int64_t now = SECOND; now < 60 * SECOND; now += 20 * MS) {
		enum turn_do d = TURN_NOTHING;
		if (t.phase != TURN_IDLE && now >= end)
			d = turn_ended(&t, now);
		if (d == TURN_NOTHING)
			d = turn_tick(&t, now);
		for (int i = 0; i < 2; i++) {
			if (d == TURN_BEGIN)
				end = now + 500 * MS, runs++, unseen = 0;
			if (d == TURN_CANCEL)
				end = now + 10 * MS;
			assert_int_not_equal(d, TURN_SUSPEND);
			if (!i && now < 59 * SECOND)
				d = save(&t, now), unseen += d != TURN_BEGIN;
			else
				d = TURN_NOTHING;
		}
	}
	assert_in_range(runs, 20, 3000);
	assert_int_equal(unseen, 0);
	assert_int_equal(t.phase, TURN_IDLE);
}

/* Who saves again and again while stages run is no loop. */
static void an_eager_developer_is_none(void **state)
{
	struct turn t = { 0 };
	int64_t now = SECOND;
	(void)state;
	for (int i = 0; i < 50; i++) {
		enum turn_do d = save(&t, now);
		assert_int_equal(d, TURN_BEGIN);
		struct turn_change during = change_at(now + 500 * MS, (uint64_t)i);
		if (i % 2)
			turn_changed(&t, &during, during.first_ns);
		now += 3 * SECOND;
		if (turn_ended(&t, now) == TURN_BEGIN)
			turn_ended(&t, now += SECOND);
		assert_false(t.suspended);
		now += SECOND;
	}
}

/* ---- the model ---- */

struct model {
	struct turn turn;
	int64_t now;
	bool running;
	bool storm;             /* the watcher owes another batch */
	int64_t changed_at;     /* the last change */
	unsigned runs, changes; /* changes so far */
	unsigned seen;          /* of them, those that the last run began after */
	unsigned since;         /* runs begun since the last change during a run */
};

static void act(struct model *m, enum turn_do d)
{
	if (d == TURN_BEGIN) {
		assert_false(m->running);
		m->running = true;
		m->runs++;
		m->since++;
		m->seen = m->changes;
	}
	if (d == TURN_CANCEL)
		assert_true(m->running);
	if (d == TURN_SUSPEND)
		assert_true(m->turn.suspended && !m->running);
}

static void change(struct model *m, bool storms)
{
	struct turn_change c = { m->now, m->now, 1, (unsigned)rand() % 200, storms };
	m->changes++;
	m->since = 0;
	m->storm = storms;
	m->changed_at = m->now;
	act(m, turn_changed(&m->turn, &c, m->now));
}

/* Whatever happened: what is pending waits for something that is named, and not for ever. */
static void check_waiting(const struct model *m)
{
	const struct turn *t = &m->turn;
	if (!t->pending || t->held || t->phase != TURN_IDLE)
		return;
	assert_true(turn_due(t) > 0);
	assert_true(turn_due(t) <= m->now + STORM_PATIENCE_NS);
	if (!m->storm && !t->probe_until)
		assert_true(turn_due(t) <= m->changed_at + CALM_MAX_NS);
}

static void random_event(struct model *m)
{
	m->now += rand() % (200 * (int)MS);
	act(m, turn_tick(&m->turn, m->now));
	switch (rand() % 8) {
	case 0:
	case 1:
		change(m, false);
		break;
	case 6:
		change(m, true);
		break;
	case 7:
		m->storm = false;
		act(m, turn_calm(&m->turn, m->now));
		break;
	case 2:
		if (!m->running)
			break;
		m->running = false;
		act(m, turn_ended(&m->turn, m->now));
		break;
	case 3:
		turn_applies(&m->turn);
		break;
	case 4:
		act(m, turn_hold(&m->turn, rand() % 2, m->now));
		break;
	case 5:
		m->now += 20 * SECOND;
		break;
	}
	assert_int_equal(m->running, m->turn.phase != TURN_IDLE);
	check_waiting(m);
}

static void tick(struct model *m)
{
	for (int64_t due; !m->running && (due = turn_due(&m->turn));) {
		m->now = due > m->now ? due : m->now;
		act(m, turn_tick(&m->turn, m->now));
		assert_int_not_equal(turn_due(&m->turn), due);
	}
}

static void settle(struct model *m)
{
	act(m, turn_hold(&m->turn, false, m->now));
	act(m, turn_calm(&m->turn, m->now));
	tick(m);
	if (m->turn.suspended) { /* saves that fell into every single run; one outside heals */
		m->changes++;
		act(m, save(&m->turn, m->now));
	}
	for (int i = 0; m->running; i++) {
		assert_in_range(i, 0, 2);
		m->running = false;
		m->now += MS;
		act(m, turn_ended(&m->turn, m->now));
		tick(m);
	}
	assert_int_equal(m->seen, m->changes);
	assert_in_range(m->since, m->changes ? 1 : 0, 1);
}

static void no_change_is_lost_and_no_run_is_doubled(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 3000; seed++) {
		struct model m = { .now = SECOND };
		srand(seed);
		for (int i = 0; i < 60; i++)
			random_event(&m);
		settle(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_change_one_run),
		cmocka_unit_test(a_change_during_stages_cancels_them),
		cmocka_unit_test(a_restart_is_never_cancelled),
		cmocka_unit_test(a_storm_is_one_run_after_it),
		cmocka_unit_test(a_storm_that_breathes_makes_each_wait_longer),
		cmocka_unit_test(patience_ends),
		cmocka_unit_test(a_few_logs_are_no_storm),
		cmocka_unit_test(who_asks_does_not_wait),
		cmocka_unit_test(what_is_held_begins_later),
		cmocka_unit_test(what_a_run_saw_is_covered),
		cmocka_unit_test(what_feeds_itself_is_suspended),
		cmocka_unit_test(a_storm_of_saves_is_none),
		cmocka_unit_test(an_eager_developer_is_none),
		cmocka_unit_test(no_change_is_lost_and_no_run_is_doubled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
