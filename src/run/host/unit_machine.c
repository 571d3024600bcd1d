/*
 * The table. Comes in: phase, event, time. Goes out: the next phase and what is to be done. Knows
 * neither processes nor signals.
 */
#include "run/host/unit_machine.h"

#include "run/host/supervise.h"

enum { KEEP = -1 };       /* the intent it has */
enum { DECIDE = PHASES }; /* by intent and policy */

struct rule {
	int next, intent;
	enum unit_action action;
};

/* What is not listed cannot happen or changes nothing. */
static const struct rule rules[PHASES][EVENTS] = {
	[PHASE_IDLE] = {
		[EVENT_START] = { PHASE_RUNNING, INTENT_POLICY, ACT_SPAWN },
		[EVENT_RESTART] = { PHASE_RUNNING, INTENT_POLICY, ACT_SPAWN },
		[EVENT_STOP] = { PHASE_IDLE, INTENT_STAY, ACT_REST },
	},
	[PHASE_RUNNING] = {
		[EVENT_START] = { PHASE_STOPPING, INTENT_START, ACT_TELL },
		[EVENT_RESTART] = { PHASE_STOPPING, INTENT_START, ACT_TELL },
		[EVENT_STOP] = { PHASE_STOPPING, INTENT_STAY, ACT_TELL },
		[EVENT_EXIT] = { PHASE_CLEARING, INTENT_POLICY, ACT_SWEEP },
	},
	[PHASE_STOPPING] = {
		[EVENT_START] = { PHASE_STOPPING, INTENT_START, ACT_NONE },
		[EVENT_RESTART] = { PHASE_STOPPING, INTENT_START, ACT_NONE },
		[EVENT_STOP] = { PHASE_STOPPING, INTENT_STAY, ACT_HASTEN },
		[EVENT_EXIT] = { PHASE_CLEARING, KEEP, ACT_SWEEP },
		[EVENT_DUE] = { PHASE_STOPPING, KEEP, ACT_KILL },
	},
	[PHASE_CLEARING] = {
		[EVENT_START] = { PHASE_CLEARING, INTENT_START, ACT_NONE },
		[EVENT_RESTART] = { PHASE_CLEARING, INTENT_START, ACT_NONE },
		[EVENT_STOP] = { PHASE_CLEARING, INTENT_STAY, ACT_HASTEN },
		[EVENT_CLEAR] = { DECIDE, KEEP, ACT_NONE },
		[EVENT_DUE] = { PHASE_CLEARING, KEEP, ACT_KILL },
	},
	[PHASE_WAITING] = {
		[EVENT_START] = { PHASE_RUNNING, INTENT_POLICY, ACT_SPAWN },
		[EVENT_RESTART] = { PHASE_RUNNING, INTENT_POLICY, ACT_SPAWN },
		[EVENT_STOP] = { PHASE_IDLE, INTENT_STAY, ACT_REST },
		[EVENT_DUE] = { PHASE_RUNNING, INTENT_POLICY, ACT_SPAWN },
	},
	[PHASE_DEAD] = {
		[EVENT_START] = { PHASE_RUNNING, INTENT_POLICY, ACT_SPAWN },
		[EVENT_RESTART] = { PHASE_RUNNING, INTENT_POLICY, ACT_SPAWN },
		[EVENT_STOP] = { PHASE_IDLE, INTENT_STAY, ACT_REST },
	},
};

static bool is_listed(const struct rule *r)
{
	return r->next || r->intent || r->action;
}

/* At once the first time, then doubling. */
static int64_t backoff(unsigned row)
{
	int64_t ms = row ? SUPERVISE_BACKOFF_MS : 0;
	for (unsigned i = 1; i < row && ms < SUPERVISE_BACKOFF_MAX_MS; i++)
		ms *= 2;
	return ms < SUPERVISE_BACKOFF_MAX_MS ? ms : SUPERVISE_BACKOFF_MAX_MS;
}

static enum unit_action by_policy(struct unit_machine *m, const struct unit_policy *p, int64_t now)
{
	if (!(m->succeeded ? p->on_success : p->on_failure)) {
		m->phase = PHASE_IDLE;
		return ACT_REST;
	}
	if (now - m->began >= SUPERVISE_STEADY_MS)
		m->row = 0;
	if (m->row >= p->max) {
		m->phase = PHASE_DEAD;
		return ACT_REST;
	}
	m->delay_ms = backoff(m->row++);
	m->phase = m->delay_ms ? PHASE_WAITING : PHASE_RUNNING;
	return m->delay_ms ? ACT_WAIT : ACT_SPAWN;
}

static enum unit_action decide(struct unit_machine *m, const struct unit_policy *p, int64_t now)
{
	if (m->intent == INTENT_POLICY)
		return by_policy(m, p, now);
	bool again = m->intent == INTENT_START;
	m->phase = again ? PHASE_RUNNING : PHASE_IDLE;
	m->intent = INTENT_POLICY;
	m->row = 0;
	return again ? ACT_SPAWN : ACT_REST;
}

enum unit_action unit_next(
	struct unit_machine *m, const struct unit_policy *p, enum unit_event e, int64_t now)
{
	const struct rule *r = &rules[m->phase][e];
	if (!is_listed(r))
		return ACT_NONE;
	if (e == EVENT_START || e == EVENT_RESTART)
		m->row = 0; /* somebody has looked after it */
	if (r->intent != KEEP)
		m->intent = (enum unit_intent)r->intent;
	enum unit_action action = r->action;
	if (r->next == DECIDE)
		action = decide(m, p, now);
	else
		m->phase = (enum unit_phase)r->next;
	if (action == ACT_SPAWN)
		m->began = now;
	return action;
}
