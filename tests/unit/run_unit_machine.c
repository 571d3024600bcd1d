/* The machine of a host service held against a small model of it, over random schedules: never two
 * processes, the last word counts, backoff doubles, what is given up stays so. FAULTS F13; the
 * second half drives real processes. */
#include "run_supervise_test.h"

#include "run/host/unit_machine.h"

/* ---- the pure machine ---- */

enum wish { WANT_NONE, WANT_UP, WANT_DOWN }; /* what somebody asked for last */

struct model { /* written from the promise, not from the table */
	bool process, rest, due, told;
	enum wish wish;
	unsigned row;
	int64_t began, due_at;
};

static unsigned seed;

static unsigned roll(unsigned sides)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % sides;
}

static int64_t expected_delay(unsigned row)
{
	int64_t ms = row == 0 ? 0 : 100ll << (row - 1 < 12 ? row - 1 : 12);
	return ms < 30000 ? ms : 30000;
}

/* What may come at this point of the model. */
static bool possible(const struct model *m, enum unit_event e)
{
	switch (e) {
	case EVENT_EXIT:
		return m->process;
	case EVENT_CLEAR:
		return m->rest;
	case EVENT_DUE:
		return m->due || m->told;
	default:
		return true;
	}
}

static void check_spawn(struct model *m, int64_t now)
{
	assert_false(m->process);
	assert_false(m->rest);
	assert_int_not_equal(m->wish, WANT_DOWN);
	m->process = true;
	m->due = m->told = false;
	m->began = now;
	m->wish = WANT_NONE;
}

static void after_clear(struct model *m, const struct unit_policy *p, struct unit_machine *u,
	enum unit_action a, int64_t now)
{
	bool again = u->succeeded ? p->on_success : p->on_failure;
	m->rest = false;
	m->told = false;
	if (m->wish == WANT_UP) {
		m->row = 0;
		assert_int_equal(a, ACT_SPAWN);
		check_spawn(m, now);
	} else if (m->wish == WANT_DOWN || !again) {
		m->row = m->wish == WANT_DOWN ? 0 : m->row;
		assert_int_equal(a, ACT_REST);
		assert_int_equal(u->phase, PHASE_IDLE);
	} else {
		m->row = now - m->began >= SUPERVISE_STEADY_MS ? 0 : m->row;
		if (m->row >= p->max) {
			assert_int_equal(u->phase, PHASE_DEAD);
			return;
		}
		int64_t delay = expected_delay(m->row++);
		assert_int_equal(a, delay ? ACT_WAIT : ACT_SPAWN);
		assert_int_equal(u->delay_ms, delay);
		m->due = delay > 0;
		if (!delay)
			check_spawn(m, now);
	}
}

static void asked(struct model *m, enum unit_event e, enum unit_action a, int64_t now)
{
	bool up = e != EVENT_STOP;
	bool busy = m->process || m->rest;
	m->row = up ? 0 : m->row;
	m->wish = busy ? (up ? WANT_UP : WANT_DOWN) : WANT_NONE;
	if (!busy && up) {
		assert_int_equal(a, ACT_SPAWN);
		check_spawn(m, now);
	} else if (!busy) {
		m->due = false;
	} else if (m->process && !m->told) {
		assert_int_equal(a, ACT_TELL);
		m->told = true;
	} else {
		assert_int_not_equal(a, ACT_SPAWN);
		m->told |= a == ACT_HASTEN;
	}
}

static void one_step(
	struct model *m, struct unit_machine *u, const struct unit_policy *p, int64_t now)
{
	/* What happens by itself is frequent, so that long rows of crashes come. */
	enum unit_event e = (enum unit_event)(roll(20) ? EVENT_EXIT + roll(3) : roll(3));
	if (!possible(m, e))
		return;
	bool was_process = m->process;
	u->succeeded = e == EVENT_EXIT ? roll(2) : u->succeeded;
	enum unit_action a = unit_next(u, p, e, now);
	switch (e) {
	case EVENT_EXIT:
		assert_int_equal(a, ACT_SWEEP);
		m->process = false;
		m->rest = true;
		break;
	case EVENT_CLEAR:
		after_clear(m, p, u, a, now);
		break;
	case EVENT_DUE:
		assert_int_equal(a, m->due ? ACT_SPAWN : ACT_KILL);
		if (m->due)
			check_spawn(m, now);
		break;
	default:
		asked(m, e, a, now);
	}
	assert_true(m->process || !was_process || e == EVENT_EXIT);
}

/* FAULTS F13 */
static void machine_and_model_agree(void **state)
{
	(void)state;
	for (seed = 1; seed < 400; seed += 7) {
		unsigned first = seed;
		struct unit_policy p = { roll(2), roll(2), roll(16) };
		struct unit_machine u = { 0 };
		struct model m = { 0 };
		int64_t now = 1000;
		for (int i = 0; i < 2000; i++) {
			now += roll(4) ? roll(300) : roll(20000);
			one_step(&m, &u, &p, now);
		}
		seed = first;
	}
}

/* ---- real processes ---- */

static int processes_of(const char *mark)
{
	return alive(mark);
}

enum { UNITS = 3, STEPS = 4000 };

static void random_act(struct stage_set *t, const char *script)
{
	int number = (int)roll(UNITS) + 1;
	const char *id = host_id(&t->h->a, "api", number);
	struct container c = look(t, id);
	switch (roll(6)) {
	case 0:
	case 1:
		assert_int_equal(start(t, (struct spec_of){ .script = script,
						  .number = number,
						  .restart = RESTART_ALWAYS,
						  .grace_ms = 50,
						  .restart_max = 1000 }),
			0);
		break;
	case 2:
		t->hosts->ops->stop(t->hosts, id, -1, roll(2), &t->e);
		break;
	case 3:
		t->hosts->ops->restart(t->hosts, id, &t->e);
		break;
	case 4:
		if (c.pid)
			kill(c.pid, SIGKILL);
		break;
	default:
		loop_turn(t->loop, (int)roll(8));
	}
	loop_turn(t->loop, 0);
}

/* Each copy has at most one process, at every moment; stopped for good, none. */
static void never_two_of_one(void **state)
{
	struct stage_set *t = *state;
	char mark[40];
	seed = 42;
	snprintf(mark, sizeof(mark), "2000%d.5", (int)getpid());
	const char *script = arena_printf(&t->h->a, "exec sleep %s", mark);
	int64_t end = now_ms() + 8000;
	for (int i = 0; i < STEPS && now_ms() < end; i++) {
		random_act(t, script);
		assert_true(supervisor_running(t->s) <= UNITS);
		if (i % 50 == 0)
			assert_true(processes_of(mark) <= UNITS);
	}
	for (int i = 1; i <= UNITS; i++)
		t->hosts->ops->stop(t->hosts, host_id(&t->h->a, "api", i), -1, true, &t->e);
	eventually(t, supervisor_running(t->s) == 0);
	for (int i = 1; i <= UNITS; i++)
		eventually(t, is_in(t, host_id(&t->h->a, "api", i), UNIT_ABSENT));
	assert_int_equal(processes_of(mark), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machine_and_model_agree),
		case_of(never_two_of_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
