/* The inside of the supervisor, for its own files. */
#ifndef RUN_HOST_SUPERVISOR_H
#define RUN_HOST_SUPERVISOR_H

#include "run/host/host_unit.h"
#include "run/host/reaper.h"

struct guard_slot { /* heap: a guard, there or lost */
	struct supervisor *owner;
	struct guard_slot *older;
	struct guard *guard;
	struct poller *gone;
	bool lost;
};

struct supervisor {
	struct hosts hosts; /* first: hosts_ops get a pointer to it */
	struct loop *loop;
	const struct places *places;
	supervise_fn *fn;
	void *ctx;
	struct unit_owner owner;
	struct host_unit **units;
	size_t count;
	unsigned starts;          /* so far: the order of stopping */
	struct guard_slot *slot;  /* in use; NULL: none yet, or the last was lost */
	struct guard_slot *slots; /* all, the newest first */
	struct host_run_once *runs;
	struct reaper *reaper;
	struct ticker *sweep, *next_stop;
	int64_t told_ms; /* when the last service was told to stop */
	int stopping;    /* all are: how often that was asked */
	bool closing;
};

pid_t host_run_pid(const struct host_run_once *r); /* 0: it has ended */
struct host_run_once *host_run_next(const struct host_run_once *r);

#endif
