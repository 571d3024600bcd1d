/* Room doc: JSON. Guards: integers stay exact, depth is bounded, duplicates are refused, whatever a
 * string holds is written as valid JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "doc/json.h"

static struct node *read_text(struct arena *a, const char *text, struct err *e)
{
	return json_read(a, text, strlen(text), "answer", e);
}

static void reads_exactly(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct node *n =
		read_text(&a, "{\"a\": [9007199254740993, -1, 1.0, \"x\\u00e4\", null, true]}", &e);
	assert_true(node_path(n, "a[0]")->integer == 9007199254740993);
	assert_int_equal(node_path(n, "a[1]")->integer, -1);
	assert_int_equal(node_path(n, "a[2]")->kind, NODE_FLOAT);
	assert_string_equal(node_text(node_path(n, "a[3]")), "x\xc3\xa4");
	assert_int_equal(node_path(n, "a[4]")->kind, NODE_NULL);
	assert_true(node_path(n, "a[5]")->boolean);
	assert_string_equal(node_path(n, "a[5]")->place.file, "answer");
	arena_release(&a);
}

/* Engines answer with 2^64-1 for "no limit": the rest of the answer must not be lost. */
static void unsigned_integers_pass(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct node *n = read_text(&a, "{\"limit\": 18446744073709551615, \"n\": 12}", &e);
	assert_int_equal(node_get(n, "limit")->kind, NODE_FLOAT);
	assert_int_equal(node_get(n, "n")->kind, NODE_INT);
	assert_int_equal(node_get(n, "n")->integer, 12);
	arena_release(&a);
}

static void refuses(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "", "line 1" },
		{ "{\"a\": 1, \"a\": 2}", "duplicate" },
		{ "[1,\n 2,\n x]", "line 3" },
		{ "[1] x", "line 1" },
		{ "\"\\u0000\"", "line 1" },
		{ "\"\xff\"", "line 1" },
		{ "{", "line 1" },
		{ "[1e999]", "line 1" },
	};
	struct arena a = ARENA_INIT;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err e = ERR_INIT;
		assert_null(read_text(&a, cases[i][0], &e));
		assert_int_equal(e.code, ERR_FAILED);
		assert_non_null(strstr(e.text, "answer: "));
		if (!strstr(e.text, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], e.text);
	}
	arena_release(&a);
}

static void depth_is_bounded(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	char text[100001];
	memset(text, '[', sizeof(text));
	assert_null(json_read(&a, text, sizeof(text), "answer", &e));
	assert_non_null(strstr(e.text, "64 levels"));
	memset(text + 64, ']', 64);
	assert_non_null(json_read(&a, text, 128, "answer", &e));
	assert_non_null(read_text(&a,
		"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"",
		&e));
	arena_release(&a);
}

static void writes(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct node *n = read_text(&a,
		"{\"a\":[1,2.5,-1e3,\"q\\\"\\\\\\n\\u001b\"],\"b\":{},\"c\":[],\"d\":{\"e\":null}}",
		&e);
	struct buf out = BUF_INIT;
	json_write(&out, n, 0);
	assert_string_equal(out.data,
		"{\"a\": [1, 2.5, -1000.0, \"q\\\"\\\\\\n\\u001b\"], \"b\": {}, "
		"\"c\": [], \"d\": {\"e\": null}}");
	buf_truncate(&out, 0);
	json_write(&out, node_get(n, "d"), 2);
	assert_string_equal(out.data, "{\n  \"e\": null\n}");
	buf_truncate(&out, 0);
	json_quote(&out, "a\xff\xc3\xa4\xc3", 5);
	assert_string_equal(out.data, "\"a\\ufffd\xc3\xa4\\ufffd\"");
	buf_release(&out);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_exactly),
		cmocka_unit_test(unsigned_integers_pass),
		cmocka_unit_test(refuses),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(writes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
