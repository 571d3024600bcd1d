/*
 * Traces as values. Guards: the location and the path that nginx would choose, what is sent to
 * whom, what is looked at next, and for every set of observations one stage and one cause.
 */
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

static void see(struct bench *b, const char *service, enum unit_state state, const char *ip)
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

static void open_shop(struct bench *b)
{
	bench_open(b, shop);
	see(b, "edge", UNIT_RUNNING, "10.0.0.2");
	see(b, "web", UNIT_RUNNING, "10.0.0.3");
	see(b, "api", UNIT_RUNNING, "10.0.0.4");
	see(b, "db", UNIT_RUNNING, "10.0.0.5");
	see(b, "here", UNIT_RUNNING, NULL);
}

static void plan(struct bench *b, const char *target, struct trace_plan *out)
{
	struct trace_ask ask = { .target = target, .id = "id1", .timeout_ms = 1000 };
	struct err e = ERR_INIT;
	b->result = trace_make(&b->arena, &b->project, &b->world, &ask, out, &e);
}

/* ---- what nginx does with a path ---- */

static void paths(void **state)
{
	static const struct {
		const char *path, *plain;
	} cases[] = {
		{ "/", "/" },
		{ "/a/b?c=/d#e", "/a/b" },
		{ "//a///b/", "/a/b/" },
		{ "/a/./b/../c", "/a/c" },
		{ "/a/..", "/" },
		{ "/a/.", "/a/" },
		{ "/%61%2Fb", "/a/b" },
		{ "/..", NULL },
		{ "/%2e%2e/x", NULL },
		{ "/%zz", NULL },
		{ "/%00", NULL },
		{ "/%", NULL },
	};
	struct arena a = ARENA_INIT;
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		const char *got = trace_path(&a, cases[i].path);
		if (!streq(got, cases[i].plain))
			fail_msg("%s: %s", cases[i].path, got);
	}
	arena_release(&a);
}

static void locations(void **state)
{
	static const struct {
		const char *url, *location, *upstream, *path;
	} cases[] = {
		{ "https://shop.localhost/", "/", "web:3000", "/" },
		{ "https://shop.localhost/apix?q", "/", "web:3000", "/apix?q" },
		{ "https://shop.localhost/api", "= /api", "api:8000", "/" },
		{ "https://shop.localhost/api/", "/api/", "api:8000", "/" },
		{ "https://shop.localhost/api/a%20b?q=%20", "/api/", "api:8000", "/a%20b?q=%20" },
		{ "https://shop.localhost/x/../api//b", "/api/", "api:8000", "/b" },
		{ "https://shop.localhost/api/raw/c", "/api/raw/", "api:8000", "/api/raw/c" },
		{ "https://shop.localhost/api/raws", "/api/", "api:8000", "/raws" },
		{ "https://a.shop.localhost/api", "/", "plain:9000", "/api" },
		{ "https://shop.localhost/here", "= /here", "host.docker.internal:7001", "/here" },
		{ "https://SHOP.localhost:8443/x", "/", "web:3000", "/x" },
		{ "https://other.localhost:8443/x", NULL, NULL, "/x" },
	};
	struct bench b;
	(void)state;
	open_shop(&b);
	for (size_t i = 0; i < countof(cases); i++) {
		struct trace_plan p;
		plan(&b, cases[i].url, &p);
		assert_int_equal(b.result, 0);
		if (!streq(p.location, cases[i].location) ||
			!streq(p.upstream, cases[i].upstream) || !streq(p.to_path, cases[i].path))
			fail_msg("%s: %s %s %s", cases[i].url, p.location, p.upstream, p.to_path);
		assert_string_equal(p.via->name, "edge");
		assert_int_equal(p.port, 8443);
	}
	bench_close(&b);
}

static void what_is_sent(void **state)
{
	struct trace_header own[] = { { "x-request-id", "mine" }, { "Accept", "a/b" } };
	struct trace_ask ask = { .target = "/api/x", .id = "id1", .data = "a=1", .data_len = 3 };
	struct trace_plan p;
	struct bench b;
	struct err e = ERR_INIT;
	(void)state;
	open_shop(&b);
	ask.headers.items = own;
	ask.headers.count = countof(own);
	assert_int_equal(trace_make(&b.arena, &b.project, &b.world, &ask, &p, &e), 0);
	assert_string_equal(p.method, "POST");
	assert_string_equal(p.url, "https://shop.localhost:8443/api/x");
	assert_string_equal(p.id, "mine");
	assert_string_equal(trace_header(&p.headers, "X-REQUEST-ID"), "mine");
	assert_null(trace_header(&p.headers, "Host"));
	assert_string_equal(trace_header(&p.to_headers, "Host"), "shop.localhost:8443");
	assert_string_equal(trace_header(&p.to_headers, "X-Forwarded-Proto"), "https");
	assert_string_equal(trace_header(&p.to_headers, "X-Forwarded-Prefix"), "/api");
	assert_string_equal(trace_header(&p.to_headers, "Accept"), "a/b");
	assert_string_equal(p.to_path, "/x");
	assert_string_equal(p.other_path, "/api/x");
	assert_string_equal(p.addresses.items[0], "10.0.0.4");
	assert_int_equal(p.to_port, 8000);
	assert_int_equal(p.needs.count, 1);
	assert_string_equal(p.needs.items[0].address, "10.0.0.5");
	assert_int_equal(p.needs.items[0].place.line, NEED_LINE);
	assert_int_equal(p.place.line, STRIP_LINE);
	/* An id that could break a log's line is not taken over. */
	own[0].value = "a\" b";
	assert_int_equal(trace_make(&b.arena, &b.project, &b.world, &ask, &p, &e), 0);
	assert_string_equal(p.id, "id1");
	bench_close(&b);
}

static void other_targets(void **state)
{
	static const char *const bad[] = { "x", "ftp://shop.localhost/", "https:///x",
		"https://a@shop.localhost/", "https://shop.localhost:0/", "/a b", "/a\nb",
		"http://127.0.0.1:1/", "https://elsewhere.example/" };
	struct trace_plan p;
	struct bench b;
	(void)state;
	open_shop(&b);
	plan(&b, "http://127.0.0.1:9001/x", &p);
	assert_int_equal(b.result, 0);
	assert_null(p.via);
	assert_string_equal(p.to->name, "plain");
	assert_int_equal(p.to_port, 9000);
	plan(&b, "http://127.0.0.1:7001/x", &p);
	assert_int_equal(b.result, 0);
	assert_string_equal(p.addresses.items[0], "127.0.0.1");
	assert_int_equal(p.to_port, 7001);
	for (size_t i = 0; i < countof(bad); i++) {
		plan(&b, bad[i], &p);
		if (!b.result)
			fail_msg("%s was taken", bad[i]);
	}
	bench_close(&b);
}

static void all_routes(void **state)
{
	struct strs urls = { 0 };
	struct bench b;
	(void)state;
	open_shop(&b);
	trace_all(&b.arena, &b.project, &b.world, &urls);
	assert_string_equal(strs_join(&b.arena, &urls, " "),
		"https://shop.localhost:8443/ https://shop.localhost:8443/api/healthz "
		"https://shop.localhost:8443/api/raw https://shop.localhost:8443/here");
	bench_close(&b);
}

/* ---- what is looked at next ---- */

static const char *probes(struct bench *b, const struct trace_plan *p, struct trace_seen *s)
{
	struct strs list = { 0 };
	s->done = 0;
	for (enum trace_probe n; (n = trace_next(p, s)) < TRACE_PROBES; s->done |= 1U << n)
		strs_add(&b->arena, &list, arena_printf(&b->arena, "%d", (int)n));
	return strs_join(&b->arena, &list, " ");
}

static void next_probes(void **state)
{
	struct trace_seen good = { .route = { .sent = true, .status = 200, .address = "a" },
		.service = { .sent = true, .status = 200, .address = "b" } };
	struct trace_plan p;
	struct bench b;
	(void)state;
	open_shop(&b);
	plan(&b, "/api/x", &p);
	struct trace_seen s = good;
	const char *usual = arena_printf(&b.arena, "%d %d %d %d", TRACE_SEND_ROUTE,
		TRACE_SEND_SERVICE, TRACE_TRY_NEEDS, TRACE_READ_LOGS);
	assert_string_equal(probes(&b, &p, &s), usual);
	s.route.status = 502; /* nothing in the log: who is the upstream? */
	assert_non_null(strstr(probes(&b, &p, &s), arena_printf(&b.arena, " %d", TRACE_RESOLVE)));
	s.proxied.upstream = "10.0.0.4:8000";
	assert_string_equal(probes(&b, &p, &s), usual);
	p.method = "POST"; /* what may change something is not repeated */
	s.service.status = 404;
	assert_string_equal(probes(&b, &p, &s), usual);
	p.method = "GET";
	assert_string_not_equal(probes(&b, &p, &s), usual);
	p.from = TRACE_SERVICE;
	s = good;
	assert_string_equal(
		probes(&b, &p, &s), arena_printf(&b.arena, "%d %d %d", TRACE_SEND_SERVICE,
					    TRACE_TRY_NEEDS, TRACE_READ_LOGS));
	p.from = TRACE_NEEDS;
	s = (struct trace_seen){ 0 };
	assert_string_equal(probes(&b, &p, &s), arena_printf(&b.arena, "%d", TRACE_TRY_NEEDS));
	bench_close(&b);
}

/* ---- causes ---- */

enum { NOW = 1000000 };

static const char head_of_sockets[] =
	"  sl  local_address rem_address   st tx_queue rx_queue\n"
	"   0: 0B00007F:A98D 00000000:0000 0A 00000000:00000000 00:00000000\n";
static const char on_loopback[] =
	"   1: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000\n"
	"   2: 00000000:0050 0100007F:1F40 01 00000000:00000000 00:00000000\n";
static const char on_loopback_6[] = "   1: 00000000000000000000000001000000:1F40 "
				    "00000000000000000000000000000000:0000 0A 0:0\n";
static const char on_other[] = "   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:0\n";

struct story {
	const char *name;
	int route, service; /* statuses; 0: the failure */
	enum trace_failure route_failure, service_failure;
	const char *upstream, *sockets;
	int other_host, other_path;
	bool verified_bad, tls_spoken, loop, api_stopped, db_stopped, db_refuses;
	int64_t not_after;
	const char *certificate_name;
	enum trace_stage stage;
	enum trace_cause cause;
	int line;
};

static const struct story stories[] = {
	{ .name = "sound", .route = 200, .service = 200, .cause = CAUSE_NONE },
	{ .name = "its own affair",
		.route = 404,
		.service = 404,
		.upstream = "10.0.0.4:8000",
		.cause = CAUSE_NONE },
	{ .name = "no name",
		.route_failure = TRACE_NO_NAME,
		.service = 200,
		.stage = TRACE_NAME,
		.cause = CAUSE_NAME },
	{ .name = "no proxy",
		.route_failure = TRACE_NO_CONNECTION,
		.service = 200,
		.stage = TRACE_TCP,
		.cause = CAUSE_PROXY_DOWN,
		.line = 2 },
	{ .name = "expired",
		.route = 200,
		.service = 200,
		.verified_bad = true,
		.not_after = NOW - 1,
		.certificate_name = "shop.localhost",
		.stage = TRACE_TLS,
		.cause = CAUSE_EXPIRED },
	{ .name = "another name",
		.route = 200,
		.service = 200,
		.verified_bad = true,
		.not_after = NOW + 1,
		.certificate_name = "*.shop.localhost",
		.stage = TRACE_TLS,
		.cause = CAUSE_CERTIFICATE_NAME },
	{ .name = "a stranger's",
		.route = 200,
		.service = 200,
		.verified_bad = true,
		.not_after = NOW + 1,
		.certificate_name = "*.localhost",
		.stage = TRACE_TLS,
		.cause = CAUSE_AUTHORITY },
	{ .name = "no TLS",
		.route_failure = TRACE_NO_TLS,
		.service = 200,
		.stage = TRACE_TLS,
		.cause = CAUSE_TLS },
	{ .name = "413 of the proxy",
		.route = 413,
		.service = 200,
		.stage = TRACE_PROXY,
		.cause = CAUSE_BODY_LIMIT,
		.line = 2 },
	{ .name = "413 of the service",
		.route = 413,
		.service = 413,
		.stage = TRACE_SERVICE,
		.cause = CAUSE_BODY_LIMIT,
		.line = API_LINE },
	{ .name = "stopped",
		.route = 502,
		.api_stopped = true,
		.stage = TRACE_UPSTREAM,
		.cause = CAUSE_SERVICE_DOWN,
		.line = API_LINE },
	{ .name = "stale",
		.route = 502,
		.service = 200,
		.upstream = "10.0.0.9:8000",
		.stage = TRACE_UPSTREAM,
		.cause = CAUSE_STALE_UPSTREAM,
		.line = 2 },
	{ .name = "stale, of several tries",
		.route = 502,
		.service = 200,
		.upstream = "10.0.0.4:8000, 10.0.0.9:8000",
		.stage = TRACE_UPSTREAM,
		.cause = CAUSE_STALE_UPSTREAM,
		.line = 2 },
	{ .name = "to another service",
		.route = 200,
		.service = 200,
		.upstream = "10.0.0.3:3000",
		.stage = TRACE_PROXY,
		.cause = CAUSE_MAPPING,
		.line = STRIP_LINE },
	{ .name = "an old mapping",
		.route = 404,
		.service = 200,
		.upstream = "-",
		.stage = TRACE_PROXY,
		.cause = CAUSE_MAPPING,
		.line = STRIP_LINE },
	{ .name = "loopback",
		.route = 502,
		.service_failure = TRACE_NO_CONNECTION,
		.sockets = on_loopback,
		.stage = TRACE_CONNECT,
		.cause = CAUSE_LOOPBACK,
		.line = COMMAND_LINE },
	{ .name = "loopback of IPv6",
		.route = 502,
		.service_failure = TRACE_NO_CONNECTION,
		.sockets = on_loopback_6,
		.stage = TRACE_CONNECT,
		.cause = CAUSE_LOOPBACK,
		.line = COMMAND_LINE },
	{ .name = "wrong port",
		.route = 502,
		.service_failure = TRACE_NO_CONNECTION,
		.sockets = on_other,
		.stage = TRACE_CONNECT,
		.cause = CAUSE_WRONG_PORT,
		.line = STRIP_LINE },
	{ .name = "no port",
		.route = 502,
		.service_failure = TRACE_NO_CONNECTION,
		.sockets = "",
		.stage = TRACE_CONNECT,
		.cause = CAUSE_NOT_LISTENING,
		.line = COMMAND_LINE },
	{ .name = "unknown sockets",
		.route = 502,
		.service_failure = TRACE_NO_CONNECTION,
		.stage = TRACE_CONNECT,
		.cause = CAUSE_UNREACHABLE },
	{ .name = "out of reach from here, and well",
		.route = 200,
		.service_failure = TRACE_NO_CONNECTION,
		.cause = CAUSE_NONE },
	{ .name = "database stopped",
		.route = 503,
		.service = 503,
		.db_stopped = true,
		.stage = TRACE_NEEDS,
		.cause = CAUSE_DEPENDENCY_DOWN,
		.line = NEED_LINE },
	{ .name = "database refuses",
		.route = 500,
		.service = 500,
		.db_refuses = true,
		.stage = TRACE_NEEDS,
		.cause = CAUSE_DEPENDENCY_DOWN,
		.line = NEED_LINE },
	{ .name = "database stopped, nobody minds",
		.route = 200,
		.service = 200,
		.db_stopped = true,
		.cause = CAUSE_NONE },
	{ .name = "TLS upstream",
		.route = 502,
		.service_failure = TRACE_BROKEN,
		.tls_spoken = true,
		.stage = TRACE_SERVICE,
		.cause = CAUSE_UPSTREAM_TLS,
		.line = STRIP_LINE },
	{ .name = "TLS upstream that says so",
		.route = 400,
		.service = 400,
		.tls_spoken = true,
		.stage = TRACE_SERVICE,
		.cause = CAUSE_UPSTREAM_TLS },
	{ .name = "no HTTP",
		.route = 502,
		.service_failure = TRACE_BROKEN,
		.stage = TRACE_SERVICE,
		.cause = CAUSE_NOT_HTTP },
	{ .name = "slow",
		.route_failure = TRACE_SILENT,
		.service_failure = TRACE_SILENT,
		.stage = TRACE_SERVICE,
		.cause = CAUSE_TIMEOUT,
		.line = API_LINE },
	{ .name = "slow through the proxy",
		.route = 504,
		.service = 200,
		.stage = TRACE_PROXY,
		.cause = CAUSE_TIMEOUT },
	{ .name = "loop",
		.route = 302,
		.service = 302,
		.loop = true,
		.stage = TRACE_SERVICE,
		.cause = CAUSE_REDIRECT_LOOP,
		.line = API_LINE },
	{ .name = "loop of the proxy",
		.route = 302,
		.service = 200,
		.loop = true,
		.stage = TRACE_PROXY,
		.cause = CAUSE_REDIRECT_LOOP,
		.line = 2 },
	{ .name = "host",
		.route = 400,
		.service = 400,
		.other_host = 200,
		.stage = TRACE_SERVICE,
		.cause = CAUSE_HOST,
		.line = COMMAND_LINE },
	{ .name = "prefix",
		.route = 404,
		.service = 404,
		.other_path = 200,
		.upstream = "10.0.0.4:8000",
		.stage = TRACE_PROXY,
		.cause = CAUSE_MAPPING,
		.line = STRIP_LINE },
	{ .name = "500",
		.route = 500,
		.service = 500,
		.stage = TRACE_SERVICE,
		.cause = CAUSE_SERVICE_ERROR,
		.line = API_LINE },
	{ .name = "only the proxy",
		.route = 502,
		.service = 200,
		.upstream = "10.0.0.4:8000",
		.stage = TRACE_PROXY,
		.cause = CAUSE_PROXY_ERROR,
		.line = 2 },
};

static struct trace_answer answer(int status, enum trace_failure failure)
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

static void tell_logs(struct bench *b, const struct story *y, struct trace *t)
{
	if (!y->upstream)
		return;
	*list_push(&b->arena, &t->seen.lines) = (struct trace_line){ "edge",
		arena_printf(&b->arena, "id=id1 status=%d upstream=\"%s\" upstream_status=\"1\"",
			y->route, y->upstream) };
	trace_digest(&b->arena, &t->plan, TRACE_READ_LOGS, &t->seen);
}

static void tell(struct bench *b, const struct story *y, struct trace *t)
{
	struct trace_seen *s = &t->seen;
	s->route = answer(y->route, y->route_failure);
	if (!y->api_stopped)
		s->service = answer(y->service, y->service_failure);
	if (y->verified_bad)
		s->verified = answer(0, TRACE_BAD_CERTIFICATE);
	s->certificate = (struct trace_certificate){ .known = y->certificate_name != NULL,
		.not_after = y->not_after };
	if (y->certificate_name)
		strs_add(&b->arena, &s->certificate.names, y->certificate_name);
	if (y->tls_spoken)
		s->tls = (struct trace_answer){ .sent = true, .tls_us = 1, .status = 200 };
	if (y->other_host)
		s->other_host = answer(y->other_host, TRACE_ANSWERED);
	if (y->other_path)
		s->other_path = answer(y->other_path, TRACE_ANSWERED);
	if (y->sockets)
		s->sockets = arena_printf(&b->arena, "%s%s", head_of_sockets, y->sockets);
	s->loop = y->loop;
	s->reached = arena_array(&b->arena, bool, 1);
	s->reached[0] = !y->db_stopped && !y->db_refuses;
	trace_digest(&b->arena, &t->plan, TRACE_LISTEN, s);
	tell_logs(b, y, t);
}

static void check_story(const struct story *y)
{
	struct trace t = { .cause = CAUSE_NONE };
	struct bench b;
	open_shop(&b);
	if (y->api_stopped)
		bench_seen(&b, "api")->state = UNIT_EXITED;
	if (y->db_stopped)
		bench_seen(&b, "db")->state = UNIT_EXITED;
	plan(&b, "/api/x", &t.plan);
	assert_int_equal(b.result, 0);
	tell(&b, y, &t);
	trace_judge(&b.arena, &b.project, &b.world, NOW, &t);
	if (t.cause != y->cause || (y->cause && t.stage != y->stage))
		fail_msg("%s: %s at %s: %s", y->name, trace_cause_name(t.cause),
			trace_stage_name(t.stage), t.text);
	if (y->cause) {
		assert_non_null(t.text);
		assert_int_equal(t.rows[t.stage].mark, TRACE_BAD);
	}
	if (y->line && t.place.line != y->line)
		fail_msg("%s: line %d, not %d", y->name, t.place.line, y->line);
	bench_close(&b);
}

static void causes(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(stories); i++)
		check_story(&stories[i]);
}

static void no_route(void **state)
{
	struct trace t = { .cause = CAUSE_NONE };
	struct bench b;
	(void)state;
	open_shop(&b);
	plan(&b, "https://other.localhost:8443/x", &t.plan);
	t.seen.route = answer(404, TRACE_ANSWERED);
	trace_judge(&b.arena, &b.project, &b.world, NOW, &t);
	assert_int_equal(t.cause, CAUSE_NO_ROUTE);
	assert_int_equal(t.stage, TRACE_PROXY);
	bench_close(&b);
}

static void on_the_host(void **state)
{
	struct trace t = { .cause = CAUSE_NONE };
	struct bench b;
	(void)state;
	open_shop(&b);
	plan(&b, "/here", &t.plan);
	t.seen.route = answer(502, TRACE_ANSWERED);
	t.seen.service = answer(200, TRACE_ANSWERED);
	t.seen.proxied = (struct trace_proxied){ .found = true, .upstream = "172.17.0.1:7001" };
	trace_judge(&b.arena, &b.project, &b.world, NOW, &t);
	assert_int_equal(t.cause, CAUSE_LOOPBACK);
	assert_int_equal(t.stage, TRACE_UPSTREAM);
	bench_close(&b);
}

/* ---- texts of others, and differences ---- */

static void log_lines(void **state)
{
	static const char error[] =
		"2026/01/01 [error] 9#9: *5 connect() failed (111: Connection refused), client: a, "
		"server: b, request: \"GET /api/x HTTP/1.1\", upstream: \"http://10.0.0.7:8000/x\"";
	struct trace_line lines[] = { { "edge", error }, { "edge", "id=other status=200" },
		{ "api", "[id1] GET /x" }, { "api", "another" } };
	struct trace_seen s = { 0 };
	struct trace_plan p;
	struct bench b;
	(void)state;
	open_shop(&b);
	plan(&b, "/api/x", &p);
	s.lines.items = lines;
	s.lines.count = countof(lines);
	trace_digest(&b.arena, &p, TRACE_READ_LOGS, &s);
	assert_int_equal(s.lines.count, 2);
	assert_string_equal(s.proxied.error, error);
	assert_string_equal(s.proxied.upstream, "10.0.0.7:8000");
	assert_false(s.proxied.found);
	bench_close(&b);
}

static void differences(void **state)
{
	struct trace_header route[] = { { "Server", "nginx" }, { "Vary", "Accept" }, { "A", "1" } };
	struct trace_header service[] = { { "Server", "py" }, { "a", "1" }, { "B", "2" } };
	struct trace t = { .cause = CAUSE_NONE };
	struct bench b;
	(void)state;
	open_shop(&b);
	plan(&b, "/api/x", &t.plan);
	t.seen.route = answer(200, TRACE_ANSWERED);
	t.seen.service = answer(200, TRACE_ANSWERED);
	t.seen.route.headers.items = route;
	t.seen.service.headers.items = service;
	t.seen.route.headers.count = t.seen.service.headers.count = 3;
	t.seen.route.body = "x";
	t.seen.service.body = "y";
	t.seen.route.body_len = t.seen.service.body_len = 1;
	trace_judge(&b.arena, &b.project, &b.world, NOW, &t);
	assert_int_equal(t.differences.count, 3);
	assert_string_equal(t.differences.items[0].what, "Vary");
	assert_null(t.differences.items[0].service);
	assert_string_equal(t.differences.items[1].what, "B");
	assert_string_equal(t.differences.items[2].what, "body");
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(locations),
		cmocka_unit_test(what_is_sent),
		cmocka_unit_test(other_targets),
		cmocka_unit_test(all_routes),
		cmocka_unit_test(next_probes),
		cmocka_unit_test(causes),
		cmocka_unit_test(no_route),
		cmocka_unit_test(on_the_host),
		cmocka_unit_test(log_lines),
		cmocka_unit_test(differences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
