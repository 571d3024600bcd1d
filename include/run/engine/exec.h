/* Commands in containers. */
#ifndef RUN_ENGINE_EXEC_H
#define RUN_ENGINE_EXEC_H

#include "run/engine/engine.h"

struct exec_request {
	const char *container; /* id */
	const char *const *argv;
	const char *user, *dir;
	const struct strs *env;
	bool tty, stdin_open;
	int lifeline; /* engine_exec(): when this descriptor ends, so has the container; 0: none */
	/* engine_run_begin(): each line of both streams as it comes, instead of the whole at the
	 * end. */
	void (*line)(void *ctx, const char *line, size_t len);
	void *ctx;
};
int engine_exec(
	struct engine *g, struct loop *l, const struct exec_request *r, int *status, struct err *e);
int engine_exec_capture(struct engine *g, const struct exec_request *r, struct buf *out,
	int *status, int64_t timeout_ms, struct err *e);
int engine_attach(
	struct engine *g, struct loop *l, const char *id, bool tty, int *status, struct err *e);

#endif
