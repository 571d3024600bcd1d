/*
 * The decisions of the develop loop, as a value: when a run of a group of modules (those that share
 * work) begins, is cancelled, or is followed by another. Pure: time comes in with each event.
 *
 * A change while nothing runs begins a run. One while stages run cancels them, one during what
 * follows their success (a restart) lets it end; either way exactly one further run comes after. A
 * change that was seen before a run began is covered by it.
 *
 * While changes storm (a checkout, an unpacked archive) nothing begins: it would be cancelled by
 * the next of them. Each cancelled run makes the next one wait for a longer calm. When
 * patience ends, a run begins all the same and is not cancelled: something may write for ever.
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
	SELF_RUNS = 5,     /* in a row, each caused only by what changed during the one before */
	SELF_PATIENT = 2,  /* so many of them, and runs are no more cancelled */
	MANY_FILES = 10,   /* changed since a run last came to its end: a person's tool */
	STORM_FILES = 100, /* no person saves so many */
	KNOWN_FILES =
		16, /* sets of files that are told from new ones: a few logs, written in turn */
};
#define SELF_WINDOW_NS (10 * 1000000000LL)
#define SELF_SLACK_NS (100 * 1000000LL) /* after a run: what it wrote last is still being told */
#define SELF_PROBE_NS (300 * 1000000LL) /* before the last of them: does somebody else write? */
#define CALM_NS (50 * 1000000LL)        /* the least; doubles with each run cancelled */
#define CALM_MAX_NS (1600 * 1000000LL)
#define PATIENCE_NS (2 * 1000000000LL) /* few files, again and again: a log */
#define STORM_PATIENCE_NS (30 * 1000000000LL)

struct turn_change {
	int64_t first_ns, last_ns; /* when it was seen, first and last */
	uint64_t files;            /* a digest of their names */
	unsigned count;            /* of them, at least */
	bool storm;                /* it goes on: another follows, or turn_calm() */
};

struct turn { /* zeroed: nothing ever ran */
	enum turn_phase phase;
	bool pending;   /* changed since the last run began */
	bool outside;   /* some of that was not made by the run itself */
	bool suspended; /* feeds itself */
	bool held;      /* nothing may begin */
	bool ran;
	int64_t began_ns, ended_ns;  /* of the last run */
	uint64_t files;              /* of what is pending */
	uint64_t known[KNOWN_FILES]; /* of the latest changes that were not the same, in turn */
	unsigned known_count;
	unsigned fed; /* runs in a row that fed themselves */
	int64_t fed_since_ns;
	uint64_t fed_files;
	bool fed_alike;            /* all by the same files */
	int64_t probe_until;       /* a run that is due waits to see who writes; 0: none does */
	bool storm;                /* the last change goes on */
	bool asked;                /* somebody waits for the next run */
	bool stubborn;             /* the run that began without a calm is not cancelled */
	int64_t first_ns, last_ns; /* of what is pending */
	unsigned changed, seen;    /* files since a run came to its end; of them, when it began */
	unsigned cancelled;        /* runs since then */
	int64_t calm_until; /* a run that is due waits for a calm, at most until then; 0: none does
			     */
};

enum turn_do { TURN_NOTHING, TURN_BEGIN, TURN_CANCEL, TURN_SUSPEND };

enum turn_do turn_changed(struct turn *t, const struct turn_change *c, int64_t now_ns);
enum turn_do turn_calm(struct turn *t, int64_t now_ns); /* the storm is over, nothing new came */
enum turn_do turn_asked(
	struct turn *t, int64_t now_ns); /* whatever changed, and suspended or not */
void turn_applies(struct turn *t);       /* all gates have passed */
enum turn_do turn_ended(struct turn *t, int64_t now_ns); /* nothing of the run is left */
int64_t turn_due(const struct turn *t); /* when to tick, if nothing happens; 0: never */
enum turn_do turn_tick(struct turn *t, int64_t now_ns);
enum turn_do turn_hold(struct turn *t, bool on, int64_t now_ns);
bool turn_covers(const struct turn *t, const struct turn_change *c); /* the last run saw it */

#endif
