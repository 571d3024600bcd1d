/* engine_clone.c: a command in a container that is made as another one is. Runs beside others. */
#ifndef RUN_ENGINE_ENGINE_CLONE_H
#define RUN_ENGINE_ENGINE_CLONE_H

#include "run/engine/call.h"

struct clone_request {
	const char *like;        /* id of the other one, in whatever state */
	const char *name;        /* of the new one; nothing may have it */
	const char *const *argv; /* NULL-terminated */
	void (*line)(void *ctx, const char *line, size_t len); /* each line of both streams */
	void *ctx;
};

struct engine_clone; /* heap */

struct engine_clone *engine_clone_begin(struct engine *g, const struct clone_request *r);
bool engine_clone_done(struct engine_clone *x); /* moves it on; turn the engine between calls */
/* What is not started yet will not be; who has started ends when the container is removed. */
void engine_clone_cancel(struct engine_clone *x);
/* 0 and *status, or -1. The container is still there: whoever named it removes it. */
int engine_clone_finish(struct engine_clone *x, int *status, struct err *e);
void engine_clone_free(struct engine_clone *x);

#endif
