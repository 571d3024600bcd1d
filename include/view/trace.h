/* A trace as text, as JSON (version 1, see devenv(1)) and as an HTTP archive. */
#ifndef VIEW_TRACE_H
#define VIEW_TRACE_H

#include "model/trace.h"
#include "view/view.h"

void view_trace(struct buf *out, struct arena *a, const struct trace *t, struct style st);
/* One row each. */
void view_traces(struct buf *out, struct arena *a, const struct trace *const *list, size_t count,
	struct style st);
struct node *view_trace_json(struct arena *a, const struct trace *t);
/* HAR 1.2 of the requests that were answered; began_ms: since 1970. */
struct node *view_trace_har(
	struct arena *a, const struct trace *t, const char *version, int64_t began_ms);
/* The value, or *** where it is a credential by the header's name. */
const char *view_header_value(const char *name, const char *value);

#endif
