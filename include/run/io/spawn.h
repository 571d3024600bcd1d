/* Children with argv, never a shell of our own. */
#ifndef RUN_IO_SPAWN_H
#define RUN_IO_SPAWN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/text.h"
#include "run/io/loop.h"

struct spawn {
	const char *const *argv; /* NULL-terminated; argv[0] looked up in PATH */
	const char *dir;
	const char *const *env;  /* NULL: clean_environment(); else the whole environment */
	const struct buf *input; /* standard input, or NULL for /dev/null */
	struct buf *out, *err;   /* captured when not NULL; err NULL: joined into out */
	void (*line)(
		void *ctx, const char *line, size_t len); /* each line of both streams, when set */
	void *ctx;
	bool interactive;   /* inherit terminal and streams */
	int64_t timeout_ms; /* TERM, then KILL to the whole process group; 0: none */
};
/* Runs to the end. 0 and *status (exit status, or 128+n by signal); -1 when it could not be run or
 * ran out of time. */
int spawn_run(struct loop *l, const struct spawn *s, int *status, struct err *e);
/* Our environment without COMPOSE_* and other variables that would change what our children mean.
 */
char **clean_environment(struct arena *a, const struct strs *extra);

#endif
