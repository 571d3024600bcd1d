/* The health of all routes: what `trace --all` shares with ci. */
#ifndef CMD_TRACES_H
#define CMD_TRACES_H

#include "cmd/context.h"
#include "model/trace.h"

struct traced {
	const struct trace **items;
	size_t count, cap;
};
/* One request along each route; the world was looked at. 0 or the exit status after an error. */
int trace_routes(struct context *c, struct trace_ask *ask, struct traced *out);

#endif
