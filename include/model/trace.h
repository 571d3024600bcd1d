/*
 * One request followed through the stages of its route: what is to be sent where, what was seen,
 * what it means. planner/trace.h makes and judges it, run/trace.h sends, view shows. Times are in
 * microseconds; all strings live in the arena of the command.
 */
#ifndef MODEL_TRACE_H
#define MODEL_TRACE_H

#include "model/world.h"

enum trace_stage { /* outermost first */
	TRACE_NAME,
	TRACE_TCP,
	TRACE_TLS,
	TRACE_PROXY,    /* which location took it, and the answer through it */
	TRACE_UPSTREAM, /* as the proxy resolved it for this request */
	TRACE_CONNECT,
	TRACE_SERVICE, /* the same request straight at the service */
	TRACE_NEEDS,   /* what the service depends on */
	TRACE_STAGES,
};

struct trace_header {
	const char *name, *value;
};
typedef LIST_OF(struct trace_header) trace_headers;

struct trace_ask {          /* as it was typed */
	const char *method; /* NULL: GET, with data POST */
	const char *target; /* "/path?query" or a URL */
	trace_headers headers;
	const char *data; /* NULL: none */
	size_t data_len;
	const char *id; /* to be used unless a header X-Request-Id says another */
	enum trace_stage from;
	int64_t timeout_ms; /* of each single request */
};

struct trace_need { /* one of what the service depends on, its own needs included */
	const struct service *service;
	struct place place;  /* of the depends_on */
	const char *address; /* where it should listen, as this host reaches it; NULL: nowhere */
	int port;
};

struct trace_plan {
	const char *method, *scheme, *host, *path, *url, *id; /* path: with its query */
	int port;
	bool by_name; /* url as it stands; else the published address is taken for the host */
	trace_headers headers;
	const char *data; /* NULL: none */
	size_t data_len;
	enum trace_stage from;
	int64_t timeout_ms;
	const struct service *via; /* NULL: straight at a published port */
	const struct route *route; /* NULL: none leads anywhere, or there is no proxy */
	const char *location;      /* what nginx compares: "/api/", "= /api" */
	const struct service *to;  /* NULL: no route takes it */
	struct place place;        /* of the route, or of the port */
	const char *upstream;      /* "api:8000", as the proxy's configuration says it */
	int to_port;               /* where it listens in its container or on this host */
	struct strs addresses;     /* of its running copies, as this host reaches them */
	trace_headers to_headers;  /* as the proxy hands them on */
	const char *to_path, *to_scheme;
	int published;          /* its port on 127.0.0.1; 0: none */
	const char *other_path; /* as if `strip` said the opposite; NULL: the same */
	LIST_OF(struct trace_need) needs;
};

enum trace_failure {
	TRACE_ANSWERED,
	TRACE_NO_NAME,
	TRACE_NO_CONNECTION,
	TRACE_BAD_CERTIFICATE,
	TRACE_NO_TLS,
	TRACE_SILENT, /* connected, but no answer in time */
	TRACE_BROKEN, /* what came is no HTTP, or was cut short */
};

struct trace_answer {
	bool sent;
	enum trace_failure failure;
	const char *why;     /* of a failure */
	bool refused;        /* of TRACE_NO_CONNECTION: somebody is there, and listens not */
	int status;          /* 0: none came */
	const char *address; /* connected to; NULL: to none */
	int port;
	int64_t name_us, connect_us, tls_us, first_us,
		total_us; /* since the start; 0: not reached */
	trace_headers headers;
	const char *body;
	size_t body_len;
};

struct trace_certificate { /* the one that was shown */
	bool known;
	struct strs names;
	int64_t not_before, not_after; /* seconds since 1970 */
	bool ours;                     /* signed by the local authority */
};

struct trace_hop { /* of redirects, from the first answer on */
	const char *url;
	int status;
};

struct trace_listener {
	bool loopback;
	int port;
};

struct trace_proxied { /* what the proxy's log says of the request */
	bool found;
	int status;
	const char *upstream; /* "172.18.0.3:8000"; NULL: none was reached for */
	const char *error;    /* its line about it, or NULL */
};

struct trace_line {
	const char *service, *text;
};

enum trace_probe { /* what can be looked at, each at most once */
	TRACE_SEND_ROUTE,
	TRACE_SEND_UNVERIFIED, /* the same, whatever the certificate */
	TRACE_FOLLOW,          /* redirects */
	TRACE_SEND_SERVICE,
	TRACE_SEND_PUBLISHED, /* the same at its published port, where its address swallows it */
	TRACE_LISTEN,         /* what the service listens on */
	TRACE_SERVICE_TLS,    /* does it speak TLS on that port? */
	TRACE_SERVICE_HOST,   /* the same request under its own name */
	TRACE_SERVICE_PATH,   /* the same request with other_path */
	TRACE_TRY_NEEDS,
	TRACE_READ_LOGS,
	TRACE_RESOLVE, /* the upstream's name, inside the proxy */
	TRACE_PROBES,  /* nothing more */
};

struct trace_seen {
	unsigned done;                /* bits 1 << enum trace_probe */
	struct trace_answer route;    /* as the last one sent: unverified where need be */
	struct trace_answer verified; /* what TRACE_SEND_ROUTE came to, when that was not it */
	struct trace_answer service, tls, other_host, other_path;
	struct trace_certificate certificate;
	LIST_OF(struct trace_hop) hops;
	bool loop;           /* they lead back to where they were */
	const char *sockets; /* its /proc/net/tcp and tcp6; NULL: not to be had */
	LIST_OF(struct trace_listener) listeners; /* read from that */
	struct trace_proxied proxied;
	struct strs resolved; /* by TRACE_RESOLVE */
	bool *reached;        /* of each of the plan's needs: it accepts connections */
	LIST_OF(struct trace_line)
	lines; /* of proxy and service, about the request once digested */
};

enum trace_cause {
	CAUSE_NONE,
	CAUSE_NAME,
	CAUSE_PROXY_DOWN,
	CAUSE_EXPIRED,
	CAUSE_CERTIFICATE_NAME,
	CAUSE_AUTHORITY,
	CAUSE_TLS,
	CAUSE_NO_ROUTE,
	CAUSE_MAPPING,
	CAUSE_BODY_LIMIT,
	CAUSE_STALE_UPSTREAM,
	CAUSE_SERVICE_DOWN,
	CAUSE_LOOPBACK,
	CAUSE_WRONG_PORT,
	CAUSE_NOT_LISTENING,
	CAUSE_UNREACHABLE,
	CAUSE_TIMEOUT,
	CAUSE_UPSTREAM_TLS,
	CAUSE_NOT_HTTP,
	CAUSE_DEPENDENCY_DOWN,
	CAUSE_REDIRECT_LOOP,
	CAUSE_HOST,
	CAUSE_SERVICE_ERROR,
	CAUSE_PROXY_ERROR,
	TRACE_CAUSES,
};

enum trace_mark { TRACE_GOOD, TRACE_BAD, TRACE_UNKNOWN };

struct trace_row { /* a stage as it came out */
	enum trace_mark mark;
	const char *where, *says;
	int status;    /* 0: no answer belongs to it */
	int64_t bytes; /* of the body; -1: none */
	int64_t us;    /* -1: not measured */
};

struct trace_difference { /* between the answer through the route and the service's own */
	const char *what, *route, *service; /* NULL: absent there */
};

struct trace {
	struct trace_plan plan;
	struct trace_seen seen;
	struct trace_row rows[TRACE_STAGES];
	enum trace_cause cause;
	enum trace_stage stage; /* where, unless CAUSE_NONE */
	const char *text, *hint;
	struct place place; /* the configuration that asked for it */
	LIST_OF(struct trace_difference) differences;
};

const char *trace_stage_name(enum trace_stage s);
const char *trace_cause_name(enum trace_cause c);
/* The value of a header, whatever the case of its name; NULL: absent. */
const char *trace_header(const trace_headers *h, const char *name);

#endif
