/*
 * A command in a container whose input and output are streams of ours: dumps, as large as they may
 * be. Blocks until the command has ended; memory is constant.
 */
#ifndef RUN_ENGINE_EXEC_STREAM_H
#define RUN_ENGINE_EXEC_STREAM_H

#include "run/engine/call.h"

struct exec_stream {
	/* Input: bytes put into `to`, 0 at the end, -1 with err. NULL: the command has none. */
	ssize_t (*pull)(void *ctx, char *to, size_t size, struct err *e);
	/* pull is called when this one can be read, so what it reads ahead may wait for the next
	 * portion; -1: at any time. */
	int pull_fd;
	/*
	 * Text around the input; NULL: none. Where the input fails or is interrupted, the command
	 * gets its end without `behind`.
	 */
	const char *before, *behind;
	/* Each piece of output; -1 with err: nothing more is wanted. */
	int (*push)(void *ctx, enum stream s, const char *data, size_t len, struct err *e);
	void *ctx;
};

/*
 * r: container, argv, user, dir and env count. 0 and *status, the command's (128+n when devenv was
 * interrupted); -1: pull or push failed, with their error, or the engine did.
 */
int engine_exec_stream(struct engine *g, struct loop *l, const struct exec_request *r,
	const struct exec_stream *s, int *status, struct err *e);

#endif
