/* A shop with containers, and traces through it: for the tests of the trace's planner. */
#ifndef TEST_PLANNER_TRACE_H
#define TEST_PLANNER_TRACE_H

#include "planner.h"

#include "planner/trace.h"

static const char shop[] = /* lines are counted from 1 */
	"services:\n"
	"  edge: { image: x, ports: { https: { target: 443, published: 8443 }, http: { target: 80, "
	"published: 8080 } } }\n"
	"  web: { image: x, ports: { http: { target: 3000 } } }\n"
	"  api:\n"
	"    image: x\n"
	"    command: serve\n"
	"    ports: { http: { target: 8000 } }\n"
	"    healthcheck: { http: /healthz, port: http }\n"
	"    depends_on:\n"
	"      db: { condition: service_started }\n"
	"  db: { image: x, ports: { sql: { target: 5432 } } }\n"
	"  plain: { image: x, ports: { http: { target: 9000, published: 9001 } } }\n"
	"  here: { run: host, command: x, ports: { http: { target: 7000, published: 7001 } } }\n"
	"routes:\n"
	"  - { host: shop.localhost, path: /, to: web:http, via: edge }\n"
	"  - { host: shop.localhost, path: /api, to: api:http, via: edge, strip: true }\n"
	"  - { host: shop.localhost, path: /api/raw, to: api:http, via: edge }\n"
	"  - { host: shop.localhost, path: /here, to: here:http, via: edge }\n"
	"  - { host: \"*.shop.localhost\", path: /, to: plain:http, via: edge }\n";

enum { API_LINE = 4, COMMAND_LINE = 6, NEED_LINE = 10, STRIP_LINE = 16 };

static inline void see(struct bench *b, const char *service, enum unit_state state, const char *ip)
{
	*list_push(&b->arena, &b->world.containers) = (struct container){
		.id = service,
		.name = service,
		.service = service,
		.number = 1,
		.state = state,
		.ip = ip,
		.exit_code = 3,
		.host = streq(service, "here"),
	};
}

static inline void open_shop(struct bench *b)
{
	bench_open(b, shop);
	see(b, "edge", UNIT_RUNNING, "10.0.0.2");
	see(b, "web", UNIT_RUNNING, "10.0.0.3");
	see(b, "api", UNIT_RUNNING, "10.0.0.4");
	see(b, "db", UNIT_RUNNING, "10.0.0.5");
	see(b, "here", UNIT_RUNNING, NULL);
}

static inline void plan(struct bench *b, const char *target, struct trace_plan *out)
{
	struct trace_ask ask = { .target = target, .id = "id1", .timeout_ms = 1000 };
	struct err e = ERR_INIT;
	b->result = trace_make(&b->arena, &b->project, &b->world, &ask, out, &e);
}

static inline struct trace_answer answer(int status, enum trace_failure failure)
{
	bool connected = !failure || failure == TRACE_SILENT || failure == TRACE_BROKEN;
	return (struct trace_answer){
		.sent = true,
		.status = status,
		.failure = failure,
		.why = failure ? "it failed" : "",
		.address = connected ? "10.9.9.9" : NULL,
	};
}

#endif
