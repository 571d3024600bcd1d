/* Inside the guard: one start on its way, and the threads that bear children beside each other. */
#ifndef RUN_GUARD_START_H
#define RUN_GUARD_START_H

#include "base/arena.h"
#include "run/host/guardian.h"

enum stage_of_start { AT_ENTER, AT_CLONE, AT_CGROUP, AT_DIR, AT_STREAMS, AT_EXEC };

struct guard_start { /* heap; what is run is shared with both processes on the way to a child */
	struct guard_start *next; /* in the queue */
	bool done;                /* under its lock */
	struct guard *guard;
	struct guard_launch plain;  /* as it was asked for */
	struct guard_launch launch; /* what is run */
	bool direct;                /* without plain's shell */
	bool refused;               /* error says why; nothing is run */
	struct err error;
	struct arena arena;
	char path[4096];
	char *const *env;
	int slots;           /* the first of three descriptors for its streams */
	int pidfd, cgroup;   /* -1: none */
	bool enters;         /* the child has the guard's mounts still before it */
	char *stack;         /* of the child, its upper end; above it that of the step before */
	volatile int failed; /* errno; 0: it runs */
	volatile enum stage_of_start at;
	volatile pid_t pid;
	uint64_t brand;
};

/* path: what would be run. */
int guard_find(const struct guard_launch *l, char *path, size_t size, struct err *e);

/* In any thread, one at a time in a lane: returns when the program runs, or failed says why not. */
void guard_start_run(struct guard *g, const struct guard_lane *lane, struct guard_start *s);

/* ---- guard_threads.c ---- */
void guard_threads_add(struct guard *g, struct guard_start *s);
void guard_threads_await(struct guard *g, struct guard_start *s); /* until it is done */

#endif
