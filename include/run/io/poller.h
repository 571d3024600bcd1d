/* Descriptors, moments and background work on the loop, for those who keep many of them: each frees
 * itself when the loop has let go of it. */
#ifndef RUN_IO_POLLER_H
#define RUN_IO_POLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "run/io/loop.h"

typedef void poller_fn(void *ctx);

struct poller; /* heap: one descriptor that is waited upon for reading */
struct poller *poller_new(struct loop *l, int fd, poller_fn *fn, void *ctx); /* takes fd over */
void poller_pause(struct poller *p, bool on);
int poller_fd(const struct poller *p);
void poller_free(struct poller *p); /* closes the descriptor */

struct ticker; /* heap: one moment to come */
struct ticker *ticker_new(struct loop *l, poller_fn *fn, void *ctx);
void ticker_set(struct ticker *t, int64_t in_ms); /* <0: no more */
void ticker_free(struct ticker *t);

/* work runs in a thread of libuv's pool, then done in the loop's. False: it could not be queued. */
bool work_start(struct loop *l, poller_fn *work, poller_fn *done, void *ctx);

#endif
