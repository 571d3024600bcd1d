/*
 * Who is to blame in a trace: for every set of observations one stage, one cause and the line that
 * asked for it.
 */
#include "planner_trace.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(causes),
		cmocka_unit_test(no_route),
		cmocka_unit_test(on_the_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
