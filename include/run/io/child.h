/* One child that runs while others do: the asynchronous half of spawn_run(). */
#ifndef RUN_IO_CHILD_H
#define RUN_IO_CHILD_H

#include "base/diag.h"
#include "run/io/loop.h"
#include "run/io/spawn.h"

struct child; /* heap; lives until child_free */

/*
 * Starts it; everything that s points to must stay until child_done. NULL with err when it cannot
 * be run (not found, no permission, no such directory).
 */
struct child *child_start(struct loop *l, const struct spawn *s, struct err *e);
bool child_done(
	const struct child *c); /* has exited and its output was read; turn the loop until then */
bool child_timed_out(const struct child *c);
int child_status(const struct child *c); /* exit status, or 128+n by signal n */
/* To the whole process group; the first call also arms KILL after CHILD_GRACE_MS. */
void child_signal(struct child *c, int signum);
void child_free(struct child *c); /* one that still runs is killed */

enum { CHILD_GRACE_MS = 5000 };

#endif
