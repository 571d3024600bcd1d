/*
 * Sends the requests of a trace and looks at what else it asks for, one probe at a time. What is to
 * be sent, and what answers mean, is others' affair: text of others comes back raw.
 */
#ifndef RUN_TRACE_TRACE_H
#define RUN_TRACE_TRACE_H

#include "model/trace.h"
#include "run/engine/engine.h"
#include "run/io/http.h"
#include "run/files/places.h"

struct tracer {
	struct arena *arena;   /* of all that is noted */
	struct engine *engine; /* NULL: none answers; containers are not looked at then */
	struct loop *loop;
	const struct places *places;
	const struct world *world;
	const struct trace_plan *plan;
	struct trace_seen *seen; /* noted into */
	int64_t began_ms;        /* since 1970: older lines of logs are not read */
	struct http *http;       /* connections of its own; tracer_begin() makes it */
};

/* 0, or -1 with err: libcurl is missing. */
int tracer_begin(struct tracer *x, struct err *e);
void tracer_end(struct tracer *x);
/* Never fails for what the request meets: that is noted. -1: interrupted. */
int tracer_probe(struct tracer *x, enum trace_probe probe, struct err *e);

/* ---- inside: trace_send.c, trace_look.c ---- */
void tracer_send(struct tracer *x, enum trace_probe probe);
void tracer_follow(struct tracer *x);
/* Where a Location leads from an absolute URL, without its fragment; NULL: to another scheme. */
const char *tracer_target(struct arena *a, const char *base, const char *location);
void tracer_listen(struct tracer *x);
void tracer_try_needs(struct tracer *x);
void tracer_logs(struct tracer *x);
void tracer_resolve(struct tracer *x);

#endif
