/*
 * Room run, changes gathered into a batch, with a clock of the test's own. Guards: a batch that
 * ends in quiet ends it all; one that meets the limit says so, and is followed by another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run/watch/watch_gather.h"

#define MS 1000000LL
#define QUIET (20 * MS)
#define LIMIT (1000 * MS)

static void left(struct gather *g, const char *path, int64_t at)
{
	gather_change(
		g, path, &(struct watch_change){ .path = path, .what = WATCH_LEFT, .at_ns = at });
}

static bool take(struct gather *g, int64_t now, struct watch_batch *b, struct arena *a)
{
	assert_true(gather_due(g) <= now);
	return gather_take(g, now, a, b);
}

static void quiet_ends_it(void **state)
{
	struct gather g = { .project = "/", .quiet_ns = QUIET, .limit_ns = LIMIT };
	struct arena a = ARENA_INIT;
	struct watch_batch b;
	(void)state;
	left(&g, "a", 1000 * MS);
	left(&g, "b", 1010 * MS);
	assert_int_equal(gather_due(&g), 1010 * MS + QUIET);
	assert_true(take(&g, 1030 * MS, &b, &a));
	assert_int_equal(b.paths.count, 2);
	assert_false(b.storm);
	assert_int_equal(gather_due(&g), INT64_MAX);
	gather_release(&g);
	arena_release(&a);
}

static int64_t storm(struct gather *g, int64_t from)
{
	int64_t at = from;
	for (; at < from + LIMIT; at += 10 * MS)
		left(g, "a", at);
	return at - 10 * MS;
}

static void a_storm_is_followed_by_its_end(void **state)
{
	struct gather g = { .project = "/", .quiet_ns = QUIET, .limit_ns = LIMIT };
	struct arena a = ARENA_INIT;
	struct watch_batch b;
	int64_t now = 0;
	(void)state;
	for (int i = 1; i <= 3; i++) {
		int64_t last = storm(&g, now + MS);
		now = now + MS + LIMIT;
		assert_true(take(&g, now, &b, &a));
		assert_true(b.storm);
		assert_int_equal(b.paths.count, 1);
		assert_int_equal(gather_due(&g), last + QUIET);
	}
	assert_true(take(&g, now + QUIET, &b, &a)); /* nothing came any more */
	assert_false(b.storm);
	assert_int_equal(b.paths.count + b.more, 0);
	assert_int_equal(gather_due(&g), INT64_MAX);
	gather_release(&g);
	arena_release(&a);
}

static void what_comes_and_goes_is_no_storm(void **state)
{
	struct gather g = { .project = "/", .quiet_ns = QUIET, .limit_ns = LIMIT };
	struct arena a = ARENA_INIT;
	struct watch_batch b;
	(void)state;
	for (int64_t at = MS; at < MS + LIMIT; at += 10 * MS) {
		struct watch_change c = { .path = "t", .what = WATCH_CREATED, .at_ns = at };
		gather_change(&g, "t", &c);
		left(&g, "t", at + MS);
	}
	assert_false(take(&g, MS + LIMIT, &b, &a));
	assert_int_equal(gather_due(&g), INT64_MAX);
	gather_release(&g);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quiet_ends_it),
		cmocka_unit_test(a_storm_is_followed_by_its_end),
		cmocka_unit_test(what_comes_and_goes_is_no_storm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
