/* Room doc: the tree. Guards: keys are found however many there are, copies do not share what is
 * changed, paths reach what they name, plain scalars mean what YAML 1.2 says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "doc/node.h"

static const struct place at = { "f", "f", 1, 1 };

static void maps_keep_order_and_find(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct node *m = node_map(&a, at);
	for (int i = 0; i < 1000; i++)
		map_put(&a, m, arena_printf(&a, "k%d", i), at, node_int(&a, i, at));
	map_put(&a, m, "k500", at, node_int(&a, -1, at));
	assert_int_equal(node_count(m), 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(
			node_get(m, arena_printf(&a, "k%d", i))->integer, i == 500 ? -1 : i);
	assert_string_equal(m->map.items[500].key, "k500");
	assert_true(map_drop(m, "k3"));
	assert_false(map_drop(m, "k3"));
	assert_null(node_get(m, "k3"));
	assert_string_equal(m->map.items[3].key, "k4");
	assert_int_equal(node_get(m, "k999")->integer, 999);
	struct node_pair *there = map_add(&a, m, "k7", at, node_null(&a, at));
	assert_int_equal(there->value->integer, 7);
	assert_null(map_add(&a, m, "new", at, node_null(&a, at)));
	arena_release(&a);
}

static void copies_are_their_own(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	for (int n = 2; n <= 40; n += 19) {
		struct node *m = node_map(&a, at);
		for (int i = 0; i < n; i++)
			map_put(&a, m, arena_printf(&a, "k%d", i), at, node_list(&a, at));
		struct node *c = node_copy(&a, m), *d = node_deep(&a, m);
		map_put(&a, c, "more", at, node_null(&a, at));
		map_drop(c, "k0");
		assert_non_null(node_get(m, "k0"));
		assert_null(node_get(m, "more"));
		assert_ptr_equal(node_get(c, "k1"), node_get(m, "k1"));
		assert_ptr_not_equal(node_get(d, "k1"), node_get(m, "k1"));
		assert_true(node_equal(d, m));
		assert_false(node_equal(c, m));
	}
	arena_release(&a);
}

static void paths_reach(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct node *root = node_map(&a, at), *list = node_list(&a, at), *labels = node_map(&a, at);
	list_add(&a, list, node_int(&a, 1, at));
	list_add(&a, list, labels);
	map_put(&a, labels, "a.b\"c", at, node_int(&a, 2, at));
	map_put(&a, root, "list", at, list);
	assert_ptr_equal(node_path(root, ""), root);
	assert_int_equal(node_path(root, "list[0]")->integer, 1);
	const char *path = path_key(&a, path_index(&a, path_key(&a, NULL, "list"), 1), "a.b\"c");
	assert_string_equal(path, "list[1].\"a.b\\\"c\"");
	assert_int_equal(node_path(root, path)->integer, 2);
	static const char *const bad[] = { "list[2]", "list[", "list[x]", "list[0", "list]",
		".list", "list.", "list..x", "\"list", "list[99999999999]", "nope", "list.0" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_null(node_path(root, bad[i]));
	arena_release(&a);
}

static void plain_scalars(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum node_kind kind;
		double value;
	} cases[] = {
		{ "", NODE_NULL, 0 },
		{ "~", NODE_NULL, 0 },
		{ "null", NODE_NULL, 0 },
		{ "nUll", NODE_STR, 0 },
		{ "true", NODE_BOOL, 1 },
		{ "FALSE", NODE_BOOL, 0 },
		{ "yes", NODE_STR, 0 },
		{ "no", NODE_STR, 0 },
		{ "on", NODE_STR, 0 },
		{ "0", NODE_INT, 0 },
		{ "-12", NODE_INT, -12 },
		{ "+12", NODE_INT, 12 },
		{ "010", NODE_INT, 10 },
		{ "0o17", NODE_INT, 15 },
		{ "0xfF", NODE_INT, 255 },
		{ "0b1", NODE_STR, 0 },
		{ "1_000", NODE_STR, 0 },
		{ "22:22", NODE_STR, 0 },
		{ "0o8", NODE_STR, 0 },
		{ "1.5", NODE_FLOAT, 1.5 },
		{ ".5", NODE_FLOAT, .5 },
		{ "1.", NODE_FLOAT, 1 },
		{ "1e3", NODE_FLOAT, 1000 },
		{ "-1.5E-1", NODE_FLOAT, -.15 },
		{ ".", NODE_STR, 0 },
		{ "-", NODE_STR, 0 },
		{ "+", NODE_STR, 0 },
		{ "1e", NODE_STR, 0 },
		{ "-.inf", NODE_FLOAT, -HUGE_VAL },
		{ ".Inf", NODE_FLOAT, HUGE_VAL },
		{ "inf", NODE_STR, 0 },
		{ "1.2.3", NODE_STR, 0 },
		{ "2001-01-01", NODE_STR, 0 },
		{ "9223372036854775807", NODE_INT, 9223372036854775807.0 },
		{ "1000000000000000000000000000000", NODE_FLOAT, 1e30 },
	};
	struct arena a = ARENA_INIT;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct node *n = node_plain(&a, cases[i].text, strlen(cases[i].text), at);
		if (n->kind != cases[i].kind)
			fail_msg("%s is %s", cases[i].text, node_kind_name(n->kind));
		if (n->kind == NODE_INT)
			assert_true((double)n->integer == cases[i].value);
		if (n->kind == NODE_FLOAT)
			assert_true(n->real == cases[i].value);
		if (n->kind == NODE_BOOL)
			assert_true(n->boolean == (cases[i].value != 0));
		if (n->kind != NODE_NULL)
			assert_string_equal(node_text(n), cases[i].text);
	}
	assert_true(isnan(node_plain(&a, ".nan", 4, at)->real));
	arena_release(&a);
}

static void floats_are_short(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} cases[] = { { 0.1, "0.1" }, { 1, "1.0" }, { 1e30, "1e+30" },
		{ 1.0 / 3, "0.3333333333333333" }, { -HUGE_VAL, "-.inf" }, { NAN, ".nan" },
		{ -0.0, "-0.0" } };
	char text[32];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		float_text(text, cases[i].value);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_keep_order_and_find),
		cmocka_unit_test(copies_are_their_own),
		cmocka_unit_test(paths_reach),
		cmocka_unit_test(plain_scalars),
		cmocka_unit_test(floats_are_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
