/*
 * The supervisor of host services: children of this process, kept by a guardian so that none
 * survives. One thread, one loop; it never blocks and never lets a child wait for its output.
 *
 * States of a copy: starting -> running -> (exited | restarting -> running | dead); stopping on the
 * way down. "dead": given up after restart_max failures in a row; a run of STEADY_MS ends a row.
 * Backoff between restarts: at once the first time, then 0.1 s doubling to 30 s.
 */
#ifndef RUN_HOST_SUPERVISE_H
#define RUN_HOST_SUPERVISE_H

#include "run/host/hosts.h"
#include "run/io/loop.h"
#include "run/files/places.h"

enum {
	SUPERVISE_RESTARTS = 10,     /* in a row, by default, before it is given up */
	SUPERVISE_STEADY_MS = 10000, /* a run of so long was a success */
	SUPERVISE_BACKOFF_MS = 100,
	SUPERVISE_BACKOFF_MAX_MS = 30000,
	SUPERVISE_RING = 64 * 1024, /* bytes of the last output kept in memory, per copy */
};

struct supervisor; /* heap */

/* A change of a copy's state, after it happened. */
typedef void supervise_fn(void *ctx, const struct container *unit);

/* Logs go to pl->logs. Makes no process before the first start. */
struct supervisor *supervisor_new(
	struct loop *l, const struct places *pl, supervise_fn *fn, void *ctx, struct err *e);
struct hosts *supervisor_hosts(struct supervisor *s);
/* Makes the guardian now, ahead of a first start that is about to be asked for. */
void supervisor_prepare(struct supervisor *s);
/* Stops all, in the reverse order of their starts; the n-th call escalates. */
void supervisor_stop(struct supervisor *s, int times);
size_t supervisor_running(const struct supervisor *s); /* copies that have a process */
size_t supervisor_units(const struct supervisor *s);   /* copies, whether they have one or not */
/* "pid namespace", "cgroup", "subreaper"; NULL before the first start. */
const char *supervisor_guard(const struct supervisor *s);
/* The last output of a copy, oldest first; dropped: bytes that the ring or a slow disk lost. */
void supervisor_output(
	const struct supervisor *s, const char *id, struct buf *out, uint64_t *dropped);
void supervisor_free(struct supervisor *s); /* kills what is left */

/*
 * Kills what an agent of this workspace left behind when it was killed and neither a PID namespace
 * nor a cgroup ended it: processes whose environment carries the workspace's mark. The number of
 * them; notes what they were.
 */
int supervise_reconcile(const struct places *pl, const char *workspace, struct strs *ended,
	struct arena *a, struct err *e);

/* A command that runs once under the same guard: stages of host services. Both streams go to line.
 */
struct host_run_once; /* heap */
struct host_run_once *supervisor_run(struct supervisor *s, const struct host_launch *l,
	void (*line)(void *ctx, const char *line, size_t len), void *ctx, struct err *e);
bool host_run_done(const struct host_run_once *r);
int host_run_status(const struct host_run_once *r);
void host_run_signal(struct host_run_once *r, int signum); /* the whole group */
void host_run_free(struct host_run_once *r);               /* kills what still runs */

#endif
