/*
 * What a trace looks at next: a table of probes, each with the question that asks for it. Comes in:
 * what was seen so far. Goes out: one probe. Requests that might change something are not repeated
 * beyond the route's and the service's own.
 */
#include "planner/trace.h"

bool trace_safe(const struct trace_plan *p)
{
	return streq(p->method, "GET") || streq(p->method, "HEAD") || streq(p->method, "OPTIONS");
}

static bool wants_route(const struct trace_plan *p, const struct trace_seen *s)
{
	(void)s;
	return p->from < TRACE_PROXY;
}

static bool wants_unverified(const struct trace_plan *p, const struct trace_seen *s)
{
	return p->from == TRACE_PROXY || s->route.failure == TRACE_BAD_CERTIFICATE;
}

static bool wants_redirects(const struct trace_plan *p, const struct trace_seen *s)
{
	return trace_safe(p) && s->route.status >= 300 && s->route.status < 400 &&
	       trace_header(&s->route.headers, "Location");
}

static bool wants_service(const struct trace_plan *p, const struct trace_seen *s)
{
	(void)s;
	return p->to && p->addresses.count && p->from <= TRACE_SERVICE;
}

static bool wants_published(const struct trace_plan *p, const struct trace_seen *s)
{
	return s->service.failure == TRACE_NO_CONNECTION && !s->service.refused && p->published;
}

static bool wants_listeners(const struct trace_plan *p, const struct trace_seen *s)
{
	return s->service.failure == TRACE_NO_CONNECTION && p->to->where == RUN_CONTAINER;
}

static bool wants_tls(const struct trace_plan *p, const struct trace_seen *s)
{
	if (!streq(p->to_scheme, "http"))
		return false;
	return s->service.failure == TRACE_BROKEN || s->service.failure == TRACE_SILENT ||
	       s->service.status == 400;
}

/* Statuses by which servers refuse a name that they do not know. */
static bool wants_other_host(const struct trace_plan *p, const struct trace_seen *s)
{
	int status = s->service.status;
	return trace_safe(p) && (status == 400 || status == 403 || status == 404 || status == 421);
}

static bool wants_other_path(const struct trace_plan *p, const struct trace_seen *s)
{
	return trace_safe(p) && p->other_path && s->service.status == 404;
}

static bool wants_needs(const struct trace_plan *p, const struct trace_seen *s)
{
	(void)s;
	return p->needs.count > 0;
}

static bool wants_logs(const struct trace_plan *p, const struct trace_seen *s)
{
	(void)p;
	return s->route.address || s->service.address;
}

/* Where the proxy's log does not say it, and it matters or is what was asked for. */
static bool wants_name(const struct trace_plan *p, const struct trace_seen *s)
{
	bool bad = s->route.status >= 500 || s->route.failure == TRACE_SILENT;
	return (bad || p->from == TRACE_UPSTREAM) && p->via && p->upstream && !s->proxied.upstream;
}

static bool (*const wants[TRACE_PROBES])(const struct trace_plan *, const struct trace_seen *) = {
	[TRACE_SEND_ROUTE] = wants_route,
	[TRACE_SEND_UNVERIFIED] = wants_unverified,
	[TRACE_FOLLOW] = wants_redirects,
	[TRACE_SEND_SERVICE] = wants_service,
	[TRACE_SEND_PUBLISHED] = wants_published,
	[TRACE_LISTEN] = wants_listeners,
	[TRACE_SERVICE_TLS] = wants_tls,
	[TRACE_SERVICE_HOST] = wants_other_host,
	[TRACE_SERVICE_PATH] = wants_other_path,
	[TRACE_TRY_NEEDS] = wants_needs,
	[TRACE_READ_LOGS] = wants_logs,
	[TRACE_RESOLVE] = wants_name,
};

enum trace_probe trace_next(const struct trace_plan *p, const struct trace_seen *s)
{
	for (unsigned i = 0; i < TRACE_PROBES; i++) {
		if (!(s->done & 1U << i) && wants[i](p, s))
			return (enum trace_probe)i;
	}
	return TRACE_PROBES;
}
