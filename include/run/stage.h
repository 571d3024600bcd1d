/* Inside perform_stage.c: a running stage, and the places where one can run. */
#ifndef RUN_STAGE_H
#define RUN_STAGE_H

#include "run/engine/engine_clone.h"
#include "run/host/hosts.h"
#include "run/job.h"

enum stage_phase { STAGE_AWAITS_LOCK, STAGE_CLEANS, STAGE_RUNS, STAGE_ENDS, STAGE_SWEEPS };

struct stage_job {
	enum stage_phase phase;
	const struct place_ops *ops;
	struct lock lock;
	int64_t began, ending, asked; /* asked: when it was last told to end */
	bool late, stopped;
	int stops;
	struct tail tail;
	struct strs env;
	/* in the module's container */
	struct engine_run *run, *ender;
	/* in a container of its own, or on the host */
	struct child *child;
	struct spawn spawn;
	struct engine_clone *clone;
	struct engine_call *removal;
	/* on the host, in the agent: under its guard */
	struct host_run_once *once;
};

struct place_ops {
	int (*begin)(struct job *j);
	bool (*done)(struct job *j, int *status); /* job->error.code when it could not be run */
	void (*end)(struct job *j, bool hard);    /* may be asked more than once */
	bool removes; /* a container of its own is removed before, and after an early end */
	bool stays;   /* and after every other end */
};

/* Ends what a module's stages run in a container, with a moment after TERM unless hard. */
const char *const *stage_end_argv(struct arena *a, const char *service, bool hard);

/* stage_left.c: where the exec of a module's stage runs; NULL: none, or it was seen to end. */
void stage_left_note(const struct places *pl, const char *service, const char *container);
void stage_left_forget(const struct places *pl, const char *service);
const char *stage_left_in(struct arena *a, const struct places *pl, const char *service);

/* In the module's container by exec; in one of its own, which Compose makes from the file, or which
 * is made like the module's; on the host. */
extern const struct place_ops stage_inside, stage_apart, stage_alike, stage_on_host;

#endif
