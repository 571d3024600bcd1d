/* What the files that judge a trace share. */
#ifndef PLANNER_TRACE_PARTS_H
#define PLANNER_TRACE_PARTS_H

#include "planner/trace.h"

/* trace_rows.c */
void trace_rows(struct arena *a, const struct world *w, struct trace *t);
void trace_compare(struct arena *a, struct trace *t);
/* "running", "exited with status 3", "not there", ... */
const char *trace_state(struct arena *a, const struct world *w, const struct service *s);
const char *trace_day(struct arena *a, int64_t when);
/* Where the proxy went for this request, or its name's first address now; NULL: unknown. */
const char *trace_upstream(const struct trace_seen *s);
bool trace_need_good(
	const struct trace_plan *p, const struct trace_seen *s, const struct world *w, size_t need);
const char *trace_need_says(struct arena *a, const struct trace_plan *p, const struct trace_seen *s,
	const struct world *w, size_t need);

#endif
