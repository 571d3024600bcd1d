/*
 * Traces as values. Guards: the location and the path that nginx would choose, what is sent to
 * whom, what is looked at next, what logs tell and how answers differ.
 */
#include "planner_trace.h"

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
	const char *published = arena_printf(&b.arena, " %d ", TRACE_SEND_PUBLISHED);
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
	s = good; /* an address that swallows packets: by its published port, if it has one */
	s.service = answer(0, TRACE_NO_CONNECTION);
	assert_null(strstr(probes(&b, &p, &s), published));
	p.published = 9001;
	assert_non_null(strstr(probes(&b, &p, &s), published));
	s.service.refused = true;
	assert_null(strstr(probes(&b, &p, &s), published));
	p.from = TRACE_SERVICE;
	s = good;
	assert_string_equal(
		probes(&b, &p, &s), arena_printf(&b.arena, "%d %d %d", TRACE_SEND_SERVICE,
					    TRACE_TRY_NEEDS, TRACE_READ_LOGS));
	p.from = TRACE_UPSTREAM;
	assert_non_null(strstr(probes(&b, &p, &s), arena_printf(&b.arena, " %d", TRACE_RESOLVE)));
	p.from = TRACE_NEEDS;
	s = (struct trace_seen){ 0 };
	assert_string_equal(probes(&b, &p, &s), arena_printf(&b.arena, "%d", TRACE_TRY_NEEDS));
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

/* Other requests for the same path have errors, too: the connection tells them apart. */
static void errors_by_connection(void **state)
{
	static const char mine[] = "2026/01/01 10:00:00 [error] 9#9: *5 timed out, request: \"GET "
				   "/api/x HTTP/1.1\"";
	struct trace_line lines[] = {
		{ "edge", "2026/01/01 10:00:00 [error] 9#9: *4 connect() failed, request: \"GET "
			  "/api/x HTTP/1.1\"" },
		{ "edge", mine },
		{ "edge", "2026/01/01 10:00:00 [warn] 9#9: *5 a response is buffered" },
		{ "edge", "id=id1 connection=5 method=GET uri=\"/api/x\" status=504" },
	};
	struct trace_seen s = { 0 };
	struct trace_plan p;
	struct bench b;
	(void)state;
	open_shop(&b);
	plan(&b, "/api/x", &p);
	s.lines.items = lines;
	s.lines.count = countof(lines);
	trace_digest(&b.arena, &p, TRACE_READ_LOGS, &s);
	assert_int_equal(s.lines.count, 3);
	assert_string_equal(s.lines.items[0].text, mine);
	assert_int_equal(s.proxied.status, 504);
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
	trace_judge(&b.arena, &b.project, &b.world, 0, &t);
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
		cmocka_unit_test(log_lines),
		cmocka_unit_test(errors_by_connection),
		cmocka_unit_test(differences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
