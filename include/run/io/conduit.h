/*
 * Bytes from one thread to another, in order and in constant memory: blocks that one side fills and
 * the other takes whole, so that neither wakes the other for a few bytes and nothing passes through
 * the kernel. Each side is one thread's.
 */
#ifndef RUN_IO_CONDUIT_H
#define RUN_IO_CONDUIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/diag.h"

struct conduit;

/* The giver. Waits while all blocks are full; false: the taker has gone. */
bool conduit_put(void *conduit, const char *data, size_t len);
/* The taker. Bytes at *data, which are there until the next call; 0: that was all; -1: the giver
 * failed. Waits. Not together with conduit_pull(). */
ssize_t conduit_take(struct conduit *c, const char **data);
/* The same into a buffer: at most `size` bytes; HTTP_GIVE_UP: the giver failed. */
size_t conduit_pull(void *conduit, char *into, size_t size);

struct conduit_side {
	int (*run)(void *ctx, struct conduit *c, struct err *e);
	void *ctx;
};
/*
 * Runs `here` in this thread and `there` in one of its own, which sees no signals, until both have
 * returned. One that returns 0 has given or taken all; one that fails ends the other. What failed
 * first is told.
 */
int conduit_run(const struct conduit_side *here, const struct conduit_side *there, bool gives_here,
	struct err *e);

#endif
