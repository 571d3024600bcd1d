/*
 * One copy of a host service as a machine: a table of phase and event. Pure: what it decides is
 * done by host_unit.c. Times are of any one clock, in ms.
 */
#ifndef RUN_HOST_UNIT_MACHINE_H
#define RUN_HOST_UNIT_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

enum unit_phase {
	PHASE_IDLE, /* no process: not started yet, ended, or stopped */
	PHASE_RUNNING,
	PHASE_STOPPING, /* told to end, its leader is there yet */
	PHASE_CLEARING, /* its leader has ended, others of it may be left */
	PHASE_WAITING,  /* for the moment of its restart */
	PHASE_DEAD,     /* given up */
	PHASES,
};
enum unit_event {
	EVENT_START,   /* by somebody, perhaps with a new spec */
	EVENT_RESTART, /* by somebody */
	EVENT_STOP,
	EVENT_EXIT,  /* the leader has ended, or could not be started */
	EVENT_CLEAR, /* nothing of it is left */
	EVENT_DUE,   /* the moment that was waited for */
	EVENTS,
};
enum unit_action {
	ACT_NONE,
	ACT_SPAWN,
	ACT_TELL,   /* the stop signal, KILL when the grace is over */
	ACT_HASTEN, /* a grace that may be shorter than the one it has */
	ACT_KILL,   /* all of it */
	ACT_SWEEP,  /* look what is left, end it, say EVENT_CLEAR */
	ACT_WAIT,   /* delay_ms, then EVENT_DUE */
	ACT_REST,   /* it has ended: nothing more to do */
};
enum unit_intent { INTENT_POLICY, INTENT_STAY, INTENT_START }; /* when nothing is left of it */

struct unit_policy {
	bool on_success, on_failure; /* is it restarted then */
	unsigned max;                /* restarts in a row */
};

struct unit_machine {
	enum unit_phase phase;
	enum unit_intent intent;
	unsigned row;     /* restarts in a row */
	int64_t began;    /* the present or last run */
	int64_t delay_ms; /* of ACT_WAIT */
	bool succeeded;   /* the last run: set before EVENT_EXIT */
};

enum unit_action unit_next(
	struct unit_machine *m, const struct unit_policy *p, enum unit_event e, int64_t now);

#endif
