/* Room doc: YAML. Guards: budgets stop hostile text at once, faults name their true place and
 * cause, what is written reads back equal and means the same to readers of YAML 1.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "base/text.h"
#include "doc/yaml.h"

struct read {
	struct arena a;
	struct diags d;
	struct node *n;
	bool empty;
	int64_t ms;
};

static struct read *read_bytes(const char *text, size_t len)
{
	struct read *r = xcalloc(1, sizeof(*r));
	r->d.arena = &r->a;
	int64_t start = now_ms();
	r->n = yaml_read(&r->a, text, len, "f.yml", "f.yml", &r->d, &r->empty);
	r->ms = now_ms() - start;
	return r;
}

static struct read *read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

static void done(struct read *r)
{
	arena_release(&r->a);
	xfree(r);
}

/* Reads text that must be refused with one error at a place, whose message holds a part. */
static void refused_bytes(const char *text, size_t len, int line, int col, const char *part)
{
	struct read *r = read_bytes(text, len);
	assert_null(r->n);
	assert_int_equal(r->d.errors, 1);
	const struct diag *g = &r->d.items[0];
	if (!strstr(g->message, part) || g->place.line != line || g->place.col != col)
		fail_msg("%d:%d: %s (wanted %d:%d: %s) for %.60s", g->place.line, g->place.col,
			g->message, line, col, part, text);
	done(r);
}

static void faults_have_place_and_cause(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int line, col;
		const char *part;
	} cases[] = {
		{ "&a [*a]", 1, 5, "refers to itself" },
		{ "a: &a {b: *a}", 1, 11, "refers to itself" },
		{ "a: 1\n\"a\": 2\n", 2, 1, "\"a\" appears twice" },
		{ "b:\n  - {c: 1, 'c': 2}\n", 2, 12, "\"c\" appears twice" },
		{ "image: \"x\\0y\"\n", 1, 8, "NUL" },
		{ "\"x\\0y\": 1\n", 1, 1, "NUL" },
		{ "a:\n\tb: 1\n", 2, 1, "tab" },
		{ "a:\n  b: 1\n\tc: 2\n", 3, 1, "tab" },
		{ "a:\n  - x\n\t- y\n", 3, 1, "tab" },
		{ "a: 1\n---\nb: 2\n", 2, 1, "second document" },
		{ "a: !!python/object:x {}\n", 1, 4, "unknown tag !!python/object:x" },
		{ "a: !include x\n", 1, 4, "unknown tag !include" },
		{ "a: !!int x\n", 1, 4, "!!int does not fit a string" },
		{ "a: b: c\n", 1, 5, "second ': '" },
		{ "a: [1, 2\nb: 3\n", 2, 2, "expected ',' or ']'" },
		{ "a: \"abc\nb: 3\n", 1, 4, "never closed" },
		{ "a: 1\nb\nc: 2\n", 2, 1, "no ':' after this key" },
		{ "a:\n  b: 1\n c: 2\n", 3, 2, "belongs to no map" },
		{ "a: *.py\n", 1, 4, "'*' refers to an anchor" },
		{ "a: @x\n", 1, 4, "cannot start with '@'" },
		{ "a: {{ x }}\n", 1, 5, "a key must be text, got a map" },
		{ "a: \"b\" c\n", 1, 8, "nothing may follow the value" },
		{ "a: \"\\q\"\n", 1, 5, "unknown escape" },
		{ "a: |x\n b\n", 1, 5, "'|'" },
		{ "a: &foo 1\nb: *fop\n", 2, 4, "no anchor &fop" },
		{ "- a\nb: c\n", 2, 1, "no item of the list" },
		{ "{<<: 3}", 1, 2, "'<<' takes a map" },
		{ "a: &a {}\nb: {<<: [*a, 1]}\n", 2, 14, "'<<' takes a map" },
		{ "a: &a {}\nb: {<<: *a, <<: *a}\n", 2, 13, "appears twice" },
		{ "? \n: x\n", 1, 2, "a key is missing" },
		{ "a: 1\nb: \xff\n", 2, 4, "not valid UTF-8" },
		{ "a: \xc0\xaf\n", 1, 4, "not valid UTF-8" },
		{ "\xc3\xa4: \xed\xa0\x80\n", 1, 4, "not valid UTF-8" },
		{ "a: \x1b[2J\n", 1, 4, "control character" },
		{ "\xc3\xa4\xc3\xb6: @\n", 1, 5, "cannot start with '@'" },
	};
	for (size_t i = 0; i < countof(cases); i++)
		refused_bytes(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].col,
			cases[i].part);
	refused_bytes("a: 1\nb: x\0y\n", 12, 2, 5, "NUL byte");
	refused_bytes("\xff\xfe"
		      "a\0",
		4, 0, 0, "UTF-16");
	refused_bytes("a\0:\0", 4, 0, 0, "UTF-16");
}

static void duplicates_name_both_places(void **state)
{
	(void)state;
	struct read *r = read_text("x:\n  aa: 1\n  b: 2\n  aa: 3\n");
	assert_int_equal(r->d.items[0].other.line, 2);
	assert_int_equal(r->d.items[0].other.col, 3);
	assert_string_equal(r->d.items[0].other_label, "first defined here");
	done(r);
}

/* A text of n times part, after head. */
static void hostile(const char *head, const char *part, size_t n, const char *message)
{
	cleanup_buf struct buf b = BUF_INIT;
	buf_adds(&b, head);
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s", part);
	struct read *r = read_bytes(b.data, b.len);
	assert_null(r->n);
	assert_int_equal(r->d.errors, 1);
	if (!strstr(r->d.items[0].message, message) || r->ms > 200 || r->a.total > 1 << 20)
		fail_msg("%s: %s after %d ms, %zu bytes", part, r->d.items[0].message, (int)r->ms,
			r->a.total);
	done(r);
}

static void budgets_stop_at_once(void **state)
{
	(void)state;
	hostile("", "[", 100000, "64 levels");
	hostile("", "- ", 100000, "64 levels");
	hostile("", "[\n", 100000, "64 levels");
	hostile("", "{", 100000, "a key must be text");
	hostile("", "{a: ", 100000, "64 levels");
	hostile("", "&a [", 50000, "64 levels");
	hostile("", "? ", 100000, "a key must be text");
	hostile("- &a x\n", "- *a\n", 1001, "1000 aliases");
	hostile("", "%TAG !a! b\n", 90000, "%TAG");
	hostile("a: ", "x", YAML_MAX_BYTES, "1 MiB");
}

static void bombs_are_counted(void **state)
{
	(void)state;
	cleanup_buf struct buf b = BUF_INIT;
	buf_adds(&b, "a: &a [x,x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c <= 'i'; c++)
		buf_addf(&b, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c - 1, c - 1,
			c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	struct read *r = read_bytes(b.data, b.len);
	assert_null(r->n);
	assert_non_null(strstr(r->d.items[0].message, "100000"));
	assert_true(r->ms < 100);
	done(r);
}

/* Depth counts through aliases: a tree that is walked by recursion stays within 64 levels. */
static void aliases_add_depth(void **state)
{
	(void)state;
	cleanup_buf struct buf b = BUF_INIT;
	buf_adds(&b, "- &a0 []\n");
	for (int i = 1; i < 64; i++)
		buf_addf(&b, "- &a%d [*a%d]\n", i, i - 1);
	struct read *r = read_bytes(b.data, b.len);
	assert_null(r->n);
	assert_non_null(strstr(r->d.items[0].message, "64 levels"));
	done(r);
}

static void nothing_is_no_error(void **state)
{
	(void)state;
	static const char *const cases[] = { "", "# x\n", "---\n", "\n\n", "\xef\xbb\xbf",
		"--- # x\n..." };
	for (size_t i = 0; i < countof(cases); i++) {
		struct read *r = read_text(cases[i]);
		assert_null(r->n);
		assert_true(r->empty);
		assert_int_equal(r->d.count, 0);
		done(r);
	}
	struct read *r = read_text("\xef\xbb\xbf"
				   "a: 1\r\nb: 2\r\n");
	assert_int_equal(node_get(r->n, "b")->integer, 2);
	assert_int_equal(node_get(r->n, "a")->place.col, 4);
	done(r);
}

static void merges_and_anchors(void **state)
{
	(void)state;
	struct read *r = read_text("x: &x {a: 1, b: 2}\n"
				   "y: &y {b: 3, c: 4}\n"
				   "z:\n  <<: [*x, *y]\n  c: 9\n"
				   "w: {<<: *x}\n"
				   "q: {'<<': 1}\n"
				   "k: &x v\n*x : *x\n");
	assert_non_null(r->n);
	assert_int_equal(node_path(r->n, "z.a")->integer, 1);
	assert_int_equal(node_path(r->n, "z.b")->integer, 2);
	assert_int_equal(node_path(r->n, "z.c")->integer, 9);
	assert_int_equal(node_count(node_get(r->n, "z")), 3);
	assert_int_equal(node_path(r->n, "z.a")->place.line, 1);
	assert_int_equal(node_path(r->n, "w.b")->integer, 2);
	assert_int_equal(node_path(r->n, "q.<<")->integer, 1);
	assert_string_equal(node_text(node_get(r->n, "v")), "v");
	done(r);
}

static void tags_and_quotes(void **state)
{
	(void)state;
	struct read *r = read_text("a: !reset\nb: !override [1]\nc: !!str 1\nd: '1'\ne: ! 1\n"
				   "f: |\n  1\ng: !!float 1\n8080: x\n");
	assert_int_equal(node_get(r->n, "a")->tag, TAG_RESET);
	assert_int_equal(node_get(r->n, "a")->kind, NODE_NULL);
	assert_int_equal(node_get(r->n, "b")->tag, TAG_OVERRIDE);
	static const char *const strings[] = { "c", "d", "e", "f" };
	for (size_t i = 0; i < countof(strings); i++) {
		assert_int_equal(node_get(r->n, strings[i])->kind, NODE_STR);
		assert_true(node_get(r->n, strings[i])->quoted);
	}
	assert_int_equal(node_get(r->n, "g")->kind, NODE_FLOAT);
	assert_non_null(node_get(r->n, "8080"));
	assert_false(node_get(r->n, "8080")->quoted);
	done(r);
}

static void round_trip(const struct node *n)
{
	cleanup_buf struct buf out = BUF_INIT;
	yaml_write(&out, n, NULL, NULL);
	struct read *r = read_bytes(out.data, out.len);
	if (!r->n || !node_equal(r->n, n))
		fail_msg("does not come back:\n%s%s", out.data,
			r->d.count ? r->d.items[0].message : "");
	done(r);
}

static const struct place nowhere;

/* Strings of characters that matter, in every position that a string can have. */
static void strings_come_back(void **state)
{
	(void)state;
	static const char *const parts[] = { "a", "1", " ", "\n", "\t", ":", "#", "-", "'", "\"",
		"\\", "{", "]", ",", "&", "*", "!", "|", ">", "%", "@", "`", "?", "~", "=", "<<",
		"0x", "e", ".", "_", "\r", "\x1b", "\xc3\xa4", "\xe2\x80\xa8", "\xc2\x85",
		"\xef\xbb\xbf", "\xf0\x9f\x98\x80", "null", "yes", "---", "$", "\x7f" };
	srand(1);
	for (int i = 0; i < 4000; i++) {
		struct arena a = ARENA_INIT;
		struct buf b = BUF_INIT;
		for (int k = rand() % 7; k >= 0; k--)
			buf_adds(&b, parts[(size_t)rand() % countof(parts)]);
		struct node *s = node_strn(&a, b.data, b.len, nowhere), *l = node_list(&a, nowhere);
		struct node *m = node_map(&a, nowhere), *inner = node_list(&a, nowhere);
		list_add(&a, inner, s);
		list_add(&a, l, inner);
		list_add(&a, l, s);
		list_add(&a, l, m);
		map_put(&a, m, b.data, nowhere, s);
		map_put(&a, m, "last", nowhere, l->list.items[0]);
		round_trip(l);
		round_trip(s);
		arena_release(&a);
		buf_release(&b);
	}
}

static void written(const char *in, const char *want)
{
	struct read *r = read_text(in);
	struct buf out = BUF_INIT;
	assert_non_null(r->n);
	yaml_write(&out, r->n, NULL, NULL);
	assert_string_equal(buf_str(&out), want);
	buf_release(&out);
	done(r);
}

static void writes_as_people_do(void **state)
{
	(void)state;
	written("{a: {b: [1, {c: d, e: []}, [x]]}, f: {}}",
		"a:\n  b:\n    - 1\n    - c: d\n      e: []\n    - - x\nf: {}\n");
	written("a: \"x\\ny\\n\"\nb: \"x\\ny\"\nc: \"x\\n\\n\"\n",
		"a: |\n  x\n  y\nb: |-\n  x\n  y\nc: |+\n  x\n\n");
	written("a: !reset\nb: !override [1]\n", "a: !reset null\nb: !override\n  - 1\n");
	written("a: 1.10\nb: 0x1F\nc: ~\nd: True\n", "a: 1.10\nb: 0x1F\nc: null\nd: true\n");
	written("['5432:5432', 127.0.0.1, 1.2.3, 'no', '0b1', '1_000', '12:30', '010', '1e3', y]",
		"- \"5432:5432\"\n- 127.0.0.1\n- 1.2.3\n- \"no\"\n- \"0b1\"\n- \"1_000\"\n- "
		"\"12:30\"\n"
		"- \"010\"\n- \"1e3\"\n- \"y\"\n");
	written("['2001-12-14', --flag, '-', 'a: b', 'a #b', 'C:\\x', \"it's\", '*', '']",
		"- \"2001-12-14\"\n- --flag\n- \"-\"\n- \"a: b\"\n- \"a #b\"\n- C:\\x\n- it's\n- "
		"\"*\"\n- \"\"\n");
}

static const char *note(void *ctx, const struct node *n)
{
	struct arena *a = ctx;
	return n->kind == NODE_MAP ? NULL : arena_printf(a, "f.yml:%d\nx", n->place.line);
}

static void notes_stand_behind(void **state)
{
	(void)state;
	struct read *r = read_text("a: 1\nb: [x]\nc: \"x\\ny\"\nd:\n  e: f\n");
	struct buf out = BUF_INIT;
	yaml_write(&out, r->n, note, &r->a);
	assert_string_equal(out.data, "a: 1  # f.yml:1 x\nb:  # f.yml:2 x\n  - x  # f.yml:2 x\n"
				      "c: |-  # f.yml:3 x\n  x\n  y\nd:\n  e: f  # f.yml:5 x\n");
	buf_release(&out);
	done(r);
}

static void long_keys_come_back(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct node *m = node_map(&a, nowhere), *outer = node_map(&a, nowhere);
	char key[3000];
	memset(key, 'k', sizeof(key));
	key[sizeof(key) - 1] = '\0';
	map_put(&a, m, key, nowhere, node_int(&a, 1, nowhere));
	map_put(&a, m, key + 2000, nowhere, node_list(&a, nowhere));
	map_put(&a, outer, "x", nowhere, m);
	round_trip(outer);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_have_place_and_cause),
		cmocka_unit_test(duplicates_name_both_places),
		cmocka_unit_test(budgets_stop_at_once),
		cmocka_unit_test(bombs_are_counted),
		cmocka_unit_test(aliases_add_depth),
		cmocka_unit_test(nothing_is_no_error),
		cmocka_unit_test(merges_and_anchors),
		cmocka_unit_test(tags_and_quotes),
		cmocka_unit_test(strings_come_back),
		cmocka_unit_test(writes_as_people_do),
		cmocka_unit_test(notes_stand_behind),
		cmocka_unit_test(long_keys_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
