/* Under a subreaper orphans become children of ours: somebody must wait for them. */
#ifndef RUN_HOST_REAPER_H
#define RUN_HOST_REAPER_H

#include <stdbool.h>

#include "run/io/loop.h"

struct reaper; /* heap */

/* From now on every dead child that has no process handle on the loop and no pidfd reader that
 * would take it soon is waited for. known: children that somebody else waits for. */
struct reaper *reaper_new(struct loop *l, bool (*known)(void *ctx, int pid), void *ctx);
void reaper_free(struct reaper *r);

#endif
