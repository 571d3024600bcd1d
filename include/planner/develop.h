/*
 * The decisions of the develop loop, as a value: when a run of a group of modules (those that share
 * work) begins, is cancelled, or is followed by another. Pure: time comes in with each event.
 *
 * A change while nothing runs begins a run. One while stages run cancels them, one during what
 * follows their success (a restart) lets it end; either way exactly one further run comes after. A
 * change that was seen before a run began is covered by it.
 */
#ifndef PLANNER_DEVELOP_H
#define PLANNER_DEVELOP_H

#include <stdbool.h>
#include <stdint.h>

enum turn_phase {
	TURN_IDLE,
	TURN_CHECKING,  /* compile, lint, test: may be cancelled */
	TURN_CANCELLED, /* told to end, not ended yet */
	TURN_APPLYING,  /* restart and what follows: never cancelled */
};

enum {
	SELF_RUNS = 5,    /* in a row, each caused only by what changed during the one before */
	SELF_PATIENT = 2, /* so many of them, and runs are no more cancelled */
};
#define SELF_WINDOW_NS (10 * 1000000000LL)
#define SELF_SLACK_NS (100 * 1000000LL) /* after a run: what it wrote last is still being told */
#define SELF_PROBE_NS (300 * 1000000LL) /* before the last of them: does somebody else write? */

struct turn_change {
	int64_t first_ns, last_ns; /* when it was seen, first and last */
	uint64_t files;            /* a digest of their names */
};

struct turn { /* zeroed: nothing ever ran */
	enum turn_phase phase;
	bool pending;   /* changed since the last run began */
	bool outside;   /* some of that was not made by the run itself */
	bool suspended; /* feeds itself */
	bool held;      /* nothing may begin */
	bool ran;
	int64_t began_ns, ended_ns; /* of the last run */
	uint64_t files;             /* of what is pending */
	unsigned fed;               /* runs in a row that fed themselves */
	int64_t fed_since_ns;
	uint64_t fed_files;
	bool fed_alike;      /* all by the same files */
	int64_t probe_until; /* a run that is due waits to see who writes; 0: none does */
};

enum turn_do { TURN_NOTHING, TURN_BEGIN, TURN_CANCEL, TURN_SUSPEND };

enum turn_do turn_changed(struct turn *t, const struct turn_change *c, int64_t now_ns);
enum turn_do turn_asked(
	struct turn *t, int64_t now_ns); /* whatever changed, and suspended or not */
void turn_applies(struct turn *t);       /* all gates have passed */
enum turn_do turn_ended(struct turn *t, int64_t now_ns); /* nothing of the run is left */
enum turn_do turn_tick(struct turn *t, int64_t now_ns);  /* when probe_until has come */
enum turn_do turn_hold(struct turn *t, bool on, int64_t now_ns);
bool turn_covers(const struct turn *t, const struct turn_change *c); /* the last run saw it */

#endif
