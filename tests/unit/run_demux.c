/* Streams of the engine: frames, times, lines, headers. Guards: any split of the bytes gives the
 * same lines; nothing grows without bound; what is no such stream is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/io/demux.h"
#include "run/engine/call.h"
#include "run/io/wire.h"

static void frame(struct buf *b, int stream, const char *data, size_t len)
{
	char head[8] = { (char)stream, 0, 0, 0, (char)(len >> 24), (char)(len >> 16),
		(char)(len >> 8), (char)len };
	buf_add(b, head, 8);
	buf_add(b, data, len);
}

static void note(void *ctx, enum stream s, int64_t time_ns, const char *line, size_t len)
{
	char stamp[STAMP_LEN + 1];
	stamp_write(stamp, time_ns);
	buf_addf(ctx, "%d %s %.*s|\n", s, stamp, (int)len, line);
}

#define T0 "2026-11-21T05:42:55.000000001Z "
#define T1 "2026-11-21T05:42:55.100000000Z "

static void lines_survive_any_split(void **state)
{
	cleanup_buf struct buf in = BUF_INIT;
	static const char wanted[] = "1 2026-11-21T05:42:55.000000001Z first|\n"
				     "2 2026-11-21T05:42:55.100000000Z oops|\n"
				     "1 2026-11-21T05:42:55.100000000Z a long line|\n"
				     "1 2026-11-21T05:42:55.000000001Z |\n"
				     "1 2026-11-21T05:42:55.100000000Z torn|\n";
	(void)state;
	frame(&in, 1, T0 "first\r\n", 38);
	frame(&in, 1, T0 "a long ", 38);
	frame(&in, 2, T1 "oops\n", 36);
	frame(&in, 1, T1 "line\n", 36);
	frame(&in, 1, T0 "\n", 32);
	frame(&in, 1, "", 0);
	frame(&in, 1, T1 "torn", 35);
	for (size_t step = 1; step <= in.len; step++) {
		cleanup_buf struct buf out = BUF_INIT;
		struct stamped s;
		stamped_init(&s, note, &out);
		for (size_t at = 0; at < in.len; at += step)
			assert_int_equal(stamped_feed(&s, in.data + at,
						 at + step < in.len ? step : in.len - at),
				0);
		stamped_end(&s);
		assert_string_equal(buf_str(&out), wanted);
	}
}

static void terminals_send_raw_lines(void **state)
{
	static const char in[] = T0 "one\r\n" T1 "two\r\n";
	(void)state;
	for (size_t step = 1; step <= sizeof(in) - 1; step++) {
		cleanup_buf struct buf out = BUF_INIT;
		struct stamped s;
		stamped_init(&s, note, &out);
		for (size_t at = 0; at < sizeof(in) - 1; at += step)
			stamped_feed(&s, in + at,
				at + step < sizeof(in) - 1 ? step : sizeof(in) - 1 - at);
		stamped_end(&s);
		assert_string_equal(buf_str(&out), "1 2026-11-21T05:42:55.000000001Z one|\n"
						   "1 2026-11-21T05:42:55.100000000Z two|\n");
	}
}

static void count_longest(void *ctx, enum stream s, int64_t time_ns, const char *line, size_t len)
{
	(void)s, (void)time_ns, (void)line;
	size_t *longest = ctx;
	*longest = len > *longest ? len : *longest;
}

static void a_line_without_end_is_cut(void **state)
{
	static char data[16384];
	size_t longest = 0;
	struct stamped s;
	char head[8] = { 1, 0, 0, 0, 0x7f, 0, 0, 0 };
	(void)state;
	stamped_init(&s, count_longest, &longest);
	stamped_feed(&s, head, 8);
	memset(data, 'x', sizeof(data));
	for (int i = 0; i < 1000; i++)
		stamped_feed(&s, data, sizeof(data));
	assert_int_equal(longest, LINE_MAX_BYTES);
	assert_in_range(s.parts[0].lines.rest.cap, 0, 4 * LINE_MAX_BYTES);
	stamped_end(&s);
}

static void ignore(void *ctx, enum stream s, const char *data, size_t len, bool start)
{
	(void)ctx, (void)s, (void)data, (void)len, (void)start;
}

static void what_is_no_stream_is_refused(void **state)
{
	struct demux d = { .mode = DEMUX_FRAMES, .fn = ignore };
	(void)state;
	assert_int_equal(demux_feed(&d, "\x09\0\0\0\0\0\0\x01x", 9), -1);
	d = (struct demux){ .mode = DEMUX_FRAMES, .fn = ignore };
	assert_int_equal(demux_feed(&d, "\x01\0\x01\0\0\0\0\x01x", 9), -1);
}

static void times_go_both_ways(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} known[] = { { "1970-01-01T00:00:00.000000000Z", 0 },
		{ "2000-02-29T23:59:59.999999999Z", 951868799999999999 },
		{ "2026-11-21T05:42:55.000000001Z", 1795239775000000001 } };
	static const char *const bad[] = { "2026-13-21T05:42:55.000000001Z",
		"2026-11-21 05:42:55.000000001Z", "2026-11-21T05:42:55.00000000",
		"not a time at all, not a time!" };
	char out[STAMP_LEN + 1];
	(void)state;
	for (size_t i = 0; i < countof(known); i++) {
		assert_int_equal(stamp_read(known[i].text, STAMP_LEN), known[i].ns);
		stamp_write(out, known[i].ns);
		assert_string_equal(out, known[i].text);
	}
	for (size_t i = 0; i < countof(bad); i++)
		assert_int_equal(stamp_read(bad[i], strlen(bad[i])), -1);
}

static void headers_are_parsed_bounded(void **state)
{
	static const char good[] =
		"HTTP/1.1 101 UPGRADED\r\nContent-Type: x\r\nContent-Length: 12\r\n\r\nrest";
	static const char *const bad[] = { "SSH-2.0", "HTTP/2 200\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n" };
	struct wire_head h;
	(void)state;
	for (size_t n = 0; n < sizeof(good) - 1 - 4; n++)
		assert_int_equal(wire_parse(good, n, &h), 0);
	assert_int_equal(wire_parse(good, sizeof(good) - 1, &h), 1);
	assert_int_equal(h.status, 101);
	assert_int_equal(h.body_length, 12);
	assert_true(h.upgraded);
	assert_int_equal(h.length, sizeof(good) - 1 - 4);
	for (size_t i = 0; i < countof(bad); i++)
		assert_int_equal(wire_parse(bad[i], strlen(bad[i]), &h), -1);
	char *long_one = xcalloc(1, WIRE_MAX_HEADER + 1);
	memset(long_one, 'x', WIRE_MAX_HEADER);
	memcpy(long_one, "HTTP/1.1 200 OK\r\n", 17);
	assert_int_equal(wire_parse(long_one, WIRE_MAX_HEADER, &h), -1);
	xfree(long_one);
}

static void states_are_read(void **state)
{
	static const struct {
		const char *status;
		enum health health;
		int exit_code;
		int64_t uptime;
	} known[] = {
		{ "Up Less than a second", HEALTH_NONE, 0, 0 },
		{ "Up 1 second (health: starting)", HEALTH_STARTING, 0, 1 },
		{ "Up About a minute (unhealthy)", HEALTH_UNHEALTHY, 0, 60 },
		{ "Up 3 minutes (healthy)", HEALTH_HEALTHY, 0, 180 },
		{ "Up 2 hours (Paused)", HEALTH_NONE, 0, 5400 },
		{ "Up 5 days", HEALTH_NONE, 0, 432000 },
		{ "Exited (137) 2 hours ago", HEALTH_NONE, 137, -1 },
		{ "Restarting (1) 5 seconds ago", HEALTH_NONE, 1, -1 },
		{ "Created", HEALTH_NONE, 0, -1 },
		{ "Up forever", HEALTH_NONE, 0, -1 },
		{ "", HEALTH_NONE, 0, -1 },
	};
	(void)state;
	for (size_t i = 0; i < countof(known); i++) {
		struct container c = { 0 };
		status_read(known[i].status, &c);
		assert_int_equal(c.health, known[i].health);
		assert_int_equal(c.exit_code, known[i].exit_code);
		assert_int_equal(c.uptime_s, known[i].uptime);
	}
}

/* ---- chunks ---- */

static bool keep_body(void *ctx, const char *data, size_t len)
{
	struct buf *b = ctx;
	buf_add(b, data, len);
	return !memchr(data, '!', len);
}

/* The same whatever the portions. */
static enum wire_fed unchunk(const char *text, size_t len, size_t portion, struct buf *out)
{
	struct wire_chunks w = { 0 };
	enum wire_fed fed = WIRE_MORE;
	buf_truncate(out, 0);
	for (size_t at = 0; at < len && fed == WIRE_MORE; at += portion)
		fed = wire_chunks_feed(
			&w, text + at, len - at < portion ? len - at : portion, keep_body, out);
	return fed;
}

static void a_body_in_chunks(void **state)
{
	static const struct {
		const char *text;
		enum wire_fed fed;
		const char *body;
	} cases[] = {
		{ "5\r\nhello\r\n1;x=y\r\n \r\n6\r\nworld\n\r\n0\r\n\r\n", WIRE_WHOLE,
			"hello world\n" },
		{ "0005\nhello\n0\nTrailer: x\n\nmore", WIRE_WHOLE, "hello" },
		{ "A\r\n0123456789\r\n", WIRE_MORE, "0123456789" },
		{ "a\r\n01234", WIRE_MORE, "01234" },
		{ "0\r\nTrailer", WIRE_MORE, "" },
		{ "2\r\nx!\r\n", WIRE_STOPPED, "x!" },
		{ "\r\n", WIRE_BROKEN, "" },
		{ "-5\r\nhello\r\n", WIRE_BROKEN, "" },
		{ "5\r\nhello world\r\n", WIRE_BROKEN, "hello" },
		{ "ffffffffffffffffff\r\n", WIRE_BROKEN, "" },
		{ "hello", WIRE_BROKEN, "" },
	};
	cleanup_buf struct buf out = BUF_INIT;
	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		for (size_t portion = 1; portion < 80; portion += 13) {
			size_t len = strlen(cases[i].text);
			assert_int_equal(unchunk(cases[i].text, len, portion, &out), cases[i].fed);
			assert_string_equal(buf_str(&out), cases[i].body);
		}
	/* Nothing between two chunks is without end. */
	cleanup_buf struct buf long_one = BUF_INIT;
	buf_adds(&long_one, "1;");
	for (int i = 0; i < WIRE_MAX_HEADER; i++)
		buf_addc(&long_one, 'x');
	assert_int_equal(unchunk(long_one.data, long_one.len, 1000, &out), WIRE_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_in_chunks),
		cmocka_unit_test(lines_survive_any_split),
		cmocka_unit_test(terminals_send_raw_lines),
		cmocka_unit_test(a_line_without_end_is_cut),
		cmocka_unit_test(what_is_no_stream_is_refused),
		cmocka_unit_test(times_go_both_ways),
		cmocka_unit_test(headers_are_parsed_bounded),
		cmocka_unit_test(states_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
