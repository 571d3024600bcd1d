/*
 * Callbacks on a loop, for those who wait in somebody else's turn: whoever turns the loop serves
 * them. A hook is freed before its loop; freeing it inside its own callback is fine.
 */
#ifndef RUN_IO_HOOKS_H
#define RUN_IO_HOOKS_H

#include "run/io/loop.h"

struct loop_hook; /* heap */
typedef void loop_fn(void *ctx);

/*
 * Each time fd can be read, or its other end has gone. fd becomes not blocking and stays the
 * caller's, who frees the hook before closing it. NULL: such a descriptor cannot be waited for (a
 * file).
 */
struct loop_hook *loop_on_readable(struct loop *l, int fd, loop_fn *fn, void *ctx);
struct loop_hook *loop_every(struct loop *l, int ms, loop_fn *fn, void *ctx);
struct loop_hook *loop_on_signal(struct loop *l, int signum, loop_fn *fn, void *ctx);
void loop_hook_free(struct loop_hook *h); /* NULL is fine */

#endif
