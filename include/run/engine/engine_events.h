/*
 * What the engine says happens to the containers of a workspace. What is asked of the engine by
 * devenv itself all the time (execs, probes) is left out.
 */
#ifndef RUN_ENGINE_ENGINE_EVENTS_H
#define RUN_ENGINE_ENGINE_EVENTS_H

#include "run/engine/engine.h"

/* c: service, number, id, one_off, state, health and exit_code as they are from then on. note: what
 * else is to be said, or NULL. Borrowed for the call. */
typedef void engine_event_fn(
	void *ctx, int64_t time_ns, const struct container *c, const char *note);

struct engine_events; /* heap */
/* From since_ns (0: from now) up to until_ns (0: without end; in the past: what the engine kept).
 */
struct engine_events *engine_events_begin(struct engine *g, const char *workspace, int64_t since_ns,
	int64_t until_ns, engine_event_fn *fn, void *ctx, struct err *e);
bool engine_events_done(const struct engine_events *x); /* turn the engine between calls */
int engine_events_finish(struct engine_events *x, struct err *e);
void engine_events_free(struct engine_events *x);

/* One object of the stream. False: nothing that is worth telling. */
bool engine_event_read(
	const struct node *n, int64_t *time_ns, struct container *c, const char **note);

#endif
