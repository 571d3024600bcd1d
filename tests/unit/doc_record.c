/* Log lines as records: levels, times, messages, ids. Guards: what is plain is found, prose is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "doc/proxy_line.h"

static void levels_of_all_kinds_of_lines(void **state)
{
	static const struct {
		enum level level;
		const char *line;
	} cases[] = {
		{ LEVEL_INFO, "{\"level\": \"info\", \"msg\": \"x\"}" },
		{ LEVEL_ERROR, "{\"level\":50,\"time\":1700000000000,\"msg\":\"pino\"}" },
		{ LEVEL_WARN, "  {\"severity\":\"WARNING\",\"message\":\"stackdriver\"}" },
		{ LEVEL_DEBUG, "{\"lvl\":\"debug\",\"nested\":{\"level\":\"fatal\"}}" },
		{ LEVEL_NONE, "{\"msg\":\"an error\"}" },
		{ LEVEL_WARN, "time=2026-01-01 level=warning msg=\"a thing\"" },
		{ LEVEL_ERROR, "ts=1 severity=\"error\" x" },
		{ LEVEL_NONE, "sealevel=warn" },
		{ LEVEL_ERROR, "ERROR:root:python" },
		{ LEVEL_WARN, "2026-01-01 10:00:00,123 - app - WARNING - careful" },
		{ LEVEL_ERROR,
			"2026-01-01 10:00:00.000 UTC [31] ERROR:  relation \"x\" does not exist" },
		{ LEVEL_INFO, "2026-01-01 10:00:00.000 UTC [1] LOG:  database system is ready" },
		{ LEVEL_FATAL, "2026-01-01 10:00:00.000 UTC [9] FATAL:  no pg_hba.conf entry" },
		{ LEVEL_ERROR, "2026/01/01 10:00:00 [error] 12#12: *1 connect() failed" },
		{ LEVEL_FATAL, "2026/01/01 10:00:00 [emerg] 1#1: bind() failed" },
		{ LEVEL_NOTICE, "1:M 22 Nov 2026 06:43:46.123 * Ready to accept connections" },
		{ LEVEL_WARN, "1:M 22 Nov 2026 06:43:46.123 # Warning: no config file" },
		{ LEVEL_ERROR, "E1122 06:43:46.123456   1 file.go:10] klog" },
		{ LEVEL_ERROR, "error: it went wrong" },
		{ LEVEL_DEBUG, "[DEBUG] details" },
		{ LEVEL_NONE, "there was no error at all" },
		{ LEVEL_NONE, "GET /error HTTP/1.1 500" },
		{ LEVEL_NONE, "ERRORS are many" },
		{ LEVEL_NONE, "" },
		{ LEVEL_NONE, "    " },
		{ LEVEL_NONE, "{" },
	};
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		enum level got = line_level(cases[i].line, strlen(cases[i].line));
		if (got != cases[i].level)
			fail_msg("\"%s\": %s", cases[i].line, level_name(got));
	}
}

static struct record read_it(const char *line)
{
	struct record r;
	if (!record_read(&r, line, strlen(line)))
		fail_msg("no record: %s", line);
	return r;
}

static void expect_text(const struct record *r, int field, const char *wanted)
{
	cleanup_buf struct buf text = BUF_INIT;
	assert_int_not_equal(field, RECORD_NO_FIELD);
	record_text(&text, &r->fields[field]);
	assert_string_equal(buf_str(&text), wanted);
}

static void a_record_has_a_message_a_time_and_fields(void **state)
{
	(void)state;
	struct record r = read_it("{\"ts\": 1700000000.5, \"event\": \"placed\", \"order\": 7, "
				  "\"tags\": [\"a}\", {\"b\": \"]\"}], \"ok\": true }");
	assert_int_equal(r.count, 5);
	assert_true(record_time(&r) == 1700000000500000000);
	expect_text(&r, r.message, "placed");
	expect_text(&r, 2, "7");
	expect_text(&r, 3, "[\"a}\", {\"b\": \"]\"}]");
	r = read_it("{\"msg\":\"a \\\"b\\\"\\n\\tc \\u00e9\\ud83d\\ude00 \\ud83d \\/\"}");
	expect_text(&r, r.message, "a \"b\"\n\tc \u00e9\U0001F600 \uFFFD /");
	/* message is plainer than event */
	r = read_it("{\"event\":\"e\",\"message\":\"m\"}");
	expect_text(&r, r.message, "m");
	r = read_it("{}");
	assert_int_equal(r.message, RECORD_NO_FIELD);
	assert_true(record_time(&r) == -1);
}

static void times_are_read_in_many_forms(void **state)
{
	static const struct {
		const char *line;
		int64_t ms;
	} cases[] = {
		{ "{\"time\":\"2026-01-31T10:00:00Z\"}", 1769853600000 },
		{ "{\"time\":\"2026-01-31T10:00:00.250Z\"}", 1769853600250 },
		{ "{\"@timestamp\":\"2026-01-31 11:00:00,250+01:00\"}", 1769853600250 },
		{ "{\"timestamp\":\"2026-01-31T10:00:00.123456789\"}", 1769853600123 },
		{ "{\"time\":1769853600}", 1769853600000 },
		{ "{\"time\":1769853600250}", 1769853600250 },
		{ "{\"ts\":1769853600250000}", 1769853600250 },
		{ "{\"t\":1769853600250000000}", 1769853600250 },
		{ "{\"time\":17698536002500}", 17698536002 },
		{ "{\"time\":\"soon\"}", -1 },
		{ "{\"time\":\"2026-13-31T10:00:00Z\"}", -1 },
		{ "{\"time\":null}", -1 },
		{ "{\"time\":17}", -1 },
	};
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct record r = read_it(cases[i].line);
		int64_t got = record_time(&r);
		if ((got < 0 ? -1 : got / 1000000) != cases[i].ms)
			fail_msg("%s: %lld", cases[i].line, (long long)got);
	}
}

static void what_is_no_object_is_no_record(void **state)
{
	static const char *const lines[] = { "", "{", "{\"a\"", "{\"a\":", "{\"a\":1",
		"{\"a\":1} x", "[1]", "{\"a\":\"b}", "{\"a\":[}", "{a:1}", "{\"a\":1,}",
		"{\"a\":\"\\" };
	struct record r;
	(void)state;
	for (size_t i = 0; i < countof(lines); i++)
		if (record_read(&r, lines[i], strlen(lines[i])))
			fail_msg("taken: %s", lines[i]);
	cleanup_buf struct buf many = BUF_INIT;
	buf_adds(&many, "{\"a\":1");
	for (int i = 0; i < RECORD_FIELDS; i++)
		buf_addf(&many, ",\"f%d\":1", i);
	buf_adds(&many, "}");
	assert_false(record_read(&r, many.data, many.len));
}

static bool has(const char *line, const char *id)
{
	return line_has_id(line, strlen(line), id, strlen(id));
}

static void an_id_is_a_word_of_its_own(void **state)
{
	static const char trace[] = "4bf92f3577b34da6a3ce929d0e0e4736";
	(void)state;
	assert_true(has("{\"request_id\": \"id-7\", \"x\": 1}", "id-7"));
	assert_true(has("request_id=id-7 status=200", "id-7"));
	assert_true(has("took id-7", "id-7"));
	assert_false(has("request_id=id-77", "id-7"));
	assert_false(has("request_id=id-7-1", "id-7"));
	assert_false(has("grid-7", "id-7"));
	assert_true(has("request_id=id-77 for id-7", "id-7"));
	assert_true(
		has("traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", trace));
	assert_false(has("nothing", ""));
}

/* Of each text every line but the first goes on, and then the last does not. */
static void what_belongs_to_the_line_before(void **state)
{
	static const char *const texts[] = {
		"ERROR:root:no\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n"
		"    x()\nValueError: ERRORS are here\n\nDuring handling of the above exception, "
		"another exception occurred:\n\nTraceback (most recent call last):\n  File "
		"\"b.py\", line 2\npsycopg2.OperationalError: gone\nGET / 200",
		"ERROR failed\n\tat a.b.C.d(C.java:1)\nCaused by: java.io.IOException: x\n\tat "
		"a.b.E(E.java:2)\n\t... 12 more\njust a line",
		"Error: boom\n    at f (/a.js:1:2) {\n  code: 'X'\n}\nlistening on 3000",
		"panic: no\n\ngoroutine 1 [running]:\nmain.f(0x1)\n\t/a.go:3 +0x1\ncreated by "
		"main.g\n\t/a.go:9\nsaid (nothing) more",
		"2026-01-31 10:00:01.300 UTC [31] ERROR:  no\n2026-01-31 10:00:01.300 UTC [31] "
		"STATEMENT:  SELECT\n\t1\n2026-01-31 10:00:01.300 UTC [31] LOG:  done",
		"ERROR x\n  indented\nINFO: y",
		"ERROR x\n  indented\nlower: y",
		"ERROR x\nValueError: not behind anything",
	};
	(void)state;
	for (size_t i = 0; i < countof(texts); i++) {
		struct line_course c = { 0 };
		const char *line = texts[i], *nl;
		for (; (nl = strchr(line, '\n')); line = nl + 1)
			if (line_goes_on(&c, line, (size_t)(nl - line)) != (line != texts[i]))
				fail_msg("text %zu: %.*s", i, (int)(nl - line), line);
		if (line_goes_on(&c, line, strlen(line)))
			fail_msg("text %zu: %s", i, line);
	}
}

static bool of(const char *access, const char *error)
{
	struct proxy_access x;
	return proxy_access_read(&x, access, strlen(access)) &&
	       proxy_error_of(&x, error, strlen(error));
}

static void a_proxy_s_errors_are_found_by_their_connection(void **state)
{
	static const char access[] = "request_id=id-7 connection=12 method=GET uri=\"/a?b=1\" "
				     "status=502 duration=0.012";
	struct proxy_access x;
	(void)state;
	assert_true(proxy_access_read(&x, access, strlen(access)));
	assert_int_equal(x.took_ns, 12000000);
	assert_true(of(access, "2026/01/31 10:00:04 [error] 7#7: *12 refused, client: a, "
			       "request: \"GET /a?b=1 HTTP/1.1\", host: \"h\""));
	assert_true(of(access, "2026/01/31 10:00:04 [warn] 7#7: *12 client sent something odd"));
	assert_false(of(access, "2026/01/31 10:00:04 [error] 7#7: *12 refused, client: a, "
				"request: \"GET /a?b=12 HTTP/1.1\""));
	assert_false(of(access, "2026/01/31 10:00:04 [error] 7#7: *1 x"));
	assert_false(of(access, "2026/01/31 10:00:04 [error] 7#7: *123 x"));
	assert_false(of(access, "2026/01/31 10:00:04 [error] 7#7: *12"));
	assert_false(of(access, "something else: *12 x"));
	assert_false(of("connection=12x", "2026/01/31 10:00:04 [error] 7#7: *12 x"));
	assert_false(of("connection=", "2026/01/31 10:00:04 [error] 7#7: *12 x"));
	assert_false(of("connection=99999999999999999999", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_of_all_kinds_of_lines),
		cmocka_unit_test(a_record_has_a_message_a_time_and_fields),
		cmocka_unit_test(times_are_read_in_many_forms),
		cmocka_unit_test(what_is_no_object_is_no_record),
		cmocka_unit_test(an_id_is_a_word_of_its_own),
		cmocka_unit_test(what_belongs_to_the_line_before),
		cmocka_unit_test(a_proxy_s_errors_are_found_by_their_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
