/*
 * One process under a guard with its two streams on the loop. It leads a session of its own. Its
 * end is seen by its pidfd, never by the end of its output: others may hold that open, or it closes
 * it.
 */
#ifndef RUN_HOST_HOST_PROCESS_H
#define RUN_HOST_HOST_PROCESS_H

#include "run/host/guardian.h"
#include "run/io/poller.h"
#include "run/io/stream.h"

struct host_process_ops {
	void (*output)(void *ctx, enum stream s, const char *data, size_t len);
	void (*exited)(void *ctx, int status); /* reaped, and all that it wrote was given out */
};

struct host_process; /* heap */
/* label: "api.1". l's out and err are ours. NULL with err: nothing runs. */
struct host_process *host_process_start(struct loop *loop, struct guard *g,
	const struct guard_launch *l, const struct host_process_ops *ops, void *ctx, struct err *e);
/* The same in two steps, so that several come to be beside each other: what l points to stays until
 * host_process_begun(), which must be next and frees one that failed; errno says why, too. */
struct host_process *host_process_begin(struct loop *loop, struct guard *g,
	const struct guard_launch *l, const struct host_process_ops *ops, void *ctx, struct err *e);
int host_process_begun(struct host_process *p, struct err *e);
pid_t host_process_pid(const struct host_process *p);
bool host_process_exited(const struct host_process *p);
bool host_process_open(const struct host_process *p);         /* a stream may bring more yet */
void host_process_pause(struct host_process *p, bool on);     /* reading; the child may wait */
void host_process_drain(struct host_process *p);              /* what is there now, paused or not */
void host_process_signal(struct host_process *p, int signum); /* its process group */
void host_process_free(struct host_process *p); /* one that runs is killed and waited for */

#endif
