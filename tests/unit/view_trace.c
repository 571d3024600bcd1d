/*
 * A trace as text, JSON and archive. Guards: who is to blame stands out with its line; text of
 * others is cleaned; credentials are in none of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "doc/json.h"
#include "view/trace.h"

static struct trace_header secrets[] = { { "Authorization", "Bearer hidden" },
	{ "cookie", "a=hidden" }, { "Accept", "*/*" } };
static struct trace_header answered[] = { { "Set-Cookie", "s=hidden" },
	{ "Content-Type", "text/plain" } };
static struct trace_difference differences[] = { { "status", "502", "200" },
	{ "Set-Cookie", NULL, "s=hidden" } };
static struct trace_line lines[] = { { "edge", "id=id1 \033[2Jstatus=502" } };
static struct trace_hop hops[] = { { "https://a.localhost/x", 302 } };

static struct trace sample(void)
{
	struct trace t = {
		.plan = { .method = "GET",
			.scheme = "https",
			.host = "a.localhost",
			.path = "/x",
			.to_path = "/x",
			.url = "https://a.localhost/x",
			.id = "id1",
			.to_port = 8000 },
		.cause = CAUSE_LOOPBACK,
		.stage = TRACE_CONNECT,
		.text = "api listens on 127.0.0.1:8000 only",
		.hint = "have it listen on 0.0.0.0",
		.place = { .file = "devenv.yml", .line = 12, .col = 5 },
	};
	static const char *addresses[] = { "10.0.0.4" };
	struct trace_answer a = { .sent = true,
		.status = 502,
		.address = "127.0.0.1",
		.name_us = 100,
		.connect_us = 300,
		.tls_us = 5300,
		.first_us = 8000,
		.total_us = 8100,
		.body = "no\n",
		.body_len = 3 };
	a.headers.items = answered;
	a.headers.count = countof(answered);
	t.plan.headers.items = t.plan.to_headers.items = secrets;
	t.plan.headers.count = t.plan.to_headers.count = countof(secrets);
	t.plan.addresses = (struct strs){ addresses, 1, 1 };
	t.seen.route = t.seen.service = a;
	t.seen.service.status = 200;
	t.seen.service.tls_us = 0;
	t.seen.lines.items = lines;
	t.seen.hops.items = hops;
	t.seen.lines.count = t.seen.hops.count = 1;
	t.differences.items = differences;
	t.differences.count = countof(differences);
	for (size_t i = 0; i < TRACE_STAGES; i++)
		t.rows[i] = (struct trace_row){ TRACE_GOOD, "there", "", 0, -1, -1 };
	t.rows[TRACE_PROXY] = (struct trace_row){ TRACE_BAD, "edge", "", 502, 150, 1200 };
	t.rows[TRACE_CONNECT] =
		(struct trace_row){ TRACE_BAD, "10.0.0.4:8000", "refused\a", 0, -1, -1 };
	t.rows[TRACE_NEEDS].where = NULL;
	return t;
}

static void as_text(void **state)
{
	static const char want[] = "GET https://a.localhost/x  id id1\n\n"
				   "STAGE       WHERE          TIME    RESULT\n"
				   "+ name      there\n"
				   "+ tcp       there\n"
				   "+ tls       there\n"
				   "x proxy     edge           1.2 ms  502, 150 bytes\n"
				   "+ upstream  there\n"
				   "x connect   10.0.0.4:8000          refused\\x07\n"
				   "+ service   there\n"
				   "\n"
				   "x connect: api listens on 127.0.0.1:8000 only (loopback-only)\n"
				   "  asked for by devenv.yml:12:5\n"
				   "  help: have it listen on 0.0.0.0\n"
				   "\nredirects\n"
				   "  302  https://a.localhost/x\n"
				   "\n"
				   "DIFFERS     THROUGH THE ROUTE  AT THE SERVICE\n"
				   "status      502                200\n"
				   "Set-Cookie  (absent)           ***\n"
				   "\nlog lines of this request\n"
				   "  edge | id=id1 \\x1b[2Jstatus=502\n";
	struct arena a = ARENA_INIT;
	struct trace t = sample();
	cleanup_buf struct buf out = BUF_INIT;
	(void)state;
	view_trace(&out, &a, &t, (struct style){ .width = 0 });
	assert_string_equal(buf_str(&out), want);
	arena_release(&a);
}

static void all_as_text(void **state)
{
	static const char want[] =
		"URL                      STATUS  TIME    STAGE    CAUSE\n"
		"x https://a.localhost/x  502     8.1 ms  connect  api listens on 127.0.0.1:8000 "
		"only (devenv.yml:12)\n"
		"+ https://a.localhost/x  none    8.1 ms\n";
	struct arena a = ARENA_INIT;
	struct trace bad = sample(), good = sample();
	const struct trace *const list[] = { &bad, &good };
	cleanup_buf struct buf out = BUF_INIT;
	(void)state;
	good.cause = CAUSE_NONE;
	good.seen.route.status = 0;
	view_traces(&out, &a, list, countof(list), (struct style){ .width = 0 });
	assert_string_equal(buf_str(&out), want);
	arena_release(&a);
}

static const char *text_at(const struct node *n, const char *path)
{
	return node_text(node_path(n, path));
}

static void as_json(void **state)
{
	struct arena a = ARENA_INIT;
	struct trace t = sample();
	cleanup_buf struct buf out = BUF_INIT;
	(void)state;
	const struct node *n = view_trace_json(&a, &t);
	assert_string_equal(text_at(n, "version"), "1");
	assert_string_equal(text_at(n, "cause"), "loopback-only");
	assert_string_equal(text_at(n, "stage"), "connect");
	assert_string_equal(text_at(n, "place.line"), "12");
	assert_string_equal(text_at(n, "stages[3].status"), "502");
	assert_string_equal(text_at(n, "stages[3].us"), "1200");
	assert_string_equal(text_at(n, "stages[5].state"), "bad");
	assert_string_equal(text_at(n, "service_times.total_us"), "8100");
	json_write(&out, n, 0);
	assert_null(strstr(buf_str(&out), "hidden"));
	assert_null(strstr(buf_str(&out), "u001b"));
	arena_release(&a);
}

static void as_archive(void **state)
{
	struct arena a = ARENA_INIT;
	struct trace t = sample();
	cleanup_buf struct buf out = BUF_INIT;
	(void)state;
	const struct node *n = view_trace_har(&a, &t, "1.0", 1500);
	assert_string_equal(text_at(n, "log.version"), "1.2");
	assert_string_equal(
		text_at(n, "log.entries[0].startedDateTime"), "1970-01-01T00:00:01.500Z");
	assert_string_equal(text_at(n, "log.entries[0].timings.ssl"), "5.000");
	assert_string_equal(text_at(n, "log.entries[0].timings.connect"), "5.200");
	assert_string_equal(text_at(n, "log.entries[0].timings.wait"), "2.700");
	assert_string_equal(text_at(n, "log.entries[0].response.content.text"), "no\n");
	assert_string_equal(text_at(n, "log.entries[1].request.url"), "http://10.0.0.4:8000/x");
	assert_string_equal(text_at(n, "log.entries[0].request.headers[0].value"), "***");
	json_write(&out, n, 0);
	assert_null(strstr(buf_str(&out), "hidden"));
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_text),
		cmocka_unit_test(all_as_text),
		cmocka_unit_test(as_json),
		cmocka_unit_test(as_archive),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
