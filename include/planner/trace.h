/*
 * A request through its route: (project, world, request) -> what to send where; then, from what was
 * seen, what to look at next and at last which stage is to blame. Pure; nouns are model/trace.h's.
 */
#ifndef PLANNER_TRACE_H
#define PLANNER_TRACE_H

#include "model/trace.h"

/*
 * 0, or -1 with err: no route and no published port is meant by the target. A host that no route
 * names at a proxy's port is traced, too: to NULL.
 */
int trace_make(struct arena *a, const struct project *p, const struct world *w,
	const struct trace_ask *ask, struct trace_plan *out, struct err *e);
/* Targets for --all: each route's health path, else its own. */
void trace_all(struct arena *a, const struct project *p, const struct world *w, struct strs *urls);

/* Does its method promise to change nothing? */
bool trace_safe(const struct trace_plan *p);
/* What is still to be looked at; TRACE_PROBES: nothing. */
enum trace_probe trace_next(const struct trace_plan *p, const struct trace_seen *s);
/* Fills rows, cause and differences of a trace whose plan and seen are there. now: seconds since
 * 1970. */
void trace_judge(struct arena *a, const struct project *p, const struct world *w, int64_t now,
	struct trace *t);

/* ---- what nginx does with a path: trace_route.c ---- */
/* As nginx compares it: decoded, no dots, no double slashes, no query; NULL: a path it refuses. */
const char *trace_path(struct arena *a, const char *path);
/* Of those routes of a host the one whose location nginx takes for a normal path; NULL: none. */
const struct route *trace_match(struct arena *a, const struct project *p, const struct service *via,
	const char *host, const char *path, const char **location);
/* The path that the upstream sees; path with its query, as sent. */
const char *trace_upstream_path(
	struct arena *a, const struct route *r, const char *path, bool strip);

/* ---- texts of others: trace_read.c ---- */
/* Reads what a probe has brought as raw text: to be called after each. */
void trace_digest(
	struct arena *a, const struct trace_plan *p, enum trace_probe probe, struct trace_seen *s);

#endif
