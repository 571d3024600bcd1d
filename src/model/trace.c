/*
 * The words for stages and causes of a trace, as they are shown, typed and written into JSON; and
 * headers by name.
 */
#include "model/trace.h"

#include <strings.h>

static const char *const stage_names[] = {
	[TRACE_NAME] = "name",
	[TRACE_TCP] = "tcp",
	[TRACE_TLS] = "tls",
	[TRACE_PROXY] = "proxy",
	[TRACE_UPSTREAM] = "upstream",
	[TRACE_CONNECT] = "connect",
	[TRACE_SERVICE] = "service",
	[TRACE_NEEDS] = "needs",
};

static const char *const cause_names[] = {
	[CAUSE_NONE] = "none",
	[CAUSE_NAME] = "name",
	[CAUSE_PROXY_DOWN] = "proxy-down",
	[CAUSE_EXPIRED] = "certificate-expired",
	[CAUSE_CERTIFICATE_NAME] = "certificate-name",
	[CAUSE_AUTHORITY] = "certificate-authority",
	[CAUSE_TLS] = "tls",
	[CAUSE_NO_ROUTE] = "no-route",
	[CAUSE_MAPPING] = "wrong-mapping",
	[CAUSE_BODY_LIMIT] = "body-limit",
	[CAUSE_STALE_UPSTREAM] = "stale-upstream",
	[CAUSE_SERVICE_DOWN] = "service-down",
	[CAUSE_LOOPBACK] = "loopback-only",
	[CAUSE_WRONG_PORT] = "wrong-port",
	[CAUSE_NOT_LISTENING] = "not-listening",
	[CAUSE_UNREACHABLE] = "unreachable",
	[CAUSE_TIMEOUT] = "timeout",
	[CAUSE_UPSTREAM_TLS] = "upstream-tls",
	[CAUSE_NOT_HTTP] = "not-http",
	[CAUSE_DEPENDENCY_DOWN] = "dependency-down",
	[CAUSE_REDIRECT_LOOP] = "redirect-loop",
	[CAUSE_HOST] = "wrong-host",
	[CAUSE_SERVICE_ERROR] = "service-error",
	[CAUSE_PROXY_ERROR] = "proxy-error",
};

const char *trace_stage_name(enum trace_stage s)
{
	if ((size_t)s >= countof(stage_names))
		bug("no such stage of a trace: %d", (int)s);
	return stage_names[s];
}

const char *trace_cause_name(enum trace_cause c)
{
	if ((size_t)c >= countof(cause_names))
		bug("no such cause: %d", (int)c);
	return cause_names[c];
}

const char *trace_header(const trace_headers *h, const char *name)
{
	for (size_t i = 0; i < h->count; i++) {
		if (strcasecmp(h->items[i].name, name) == 0)
			return h->items[i].value;
	}
	return NULL;
}
