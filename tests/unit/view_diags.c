/* Room view: diagnostics. Guards: the caret stands under the place whatever the line holds, hostile
 * text cannot steer the terminal, JSON carries the same data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <string.h>

#include "base/text.h"
#include "doc/json.h"
#include "view/view.h"

static const char *line_of(void *ctx, const char *file, int line, size_t *len)
{
	const char *const *lines = ctx;
	if (!streq(file, "f.yml") || !lines)
		return NULL;
	*len = strlen(lines[line - 1]);
	return lines[line - 1];
}

static struct place at(int line, int col)
{
	return (struct place){ "f.yml", "f.yml", line, col };
}

static void shows(
	const struct diags *d, struct style st, const char *const *lines, const char *want)
{
	cleanup_buf struct buf out = BUF_INIT;
	view_diags(&out, d, st, line_of, (void *)lines);
	assert_string_equal(buf_str(&out), want);
}

static void caret_and_second_place(void **state)
{
	(void)state;
	static const char *const lines[] = { "a: 1\n", "", "", "", "", "", "", "", "",
		"  \"a\": 2" };
	struct arena a = ARENA_INIT;
	struct diags d = DIAGS_INIT(&a);
	struct diag *g = diag_add(&d, SEV_ERROR, at(10, 3), "the key \"a\" appears twice");
	g->other = at(1, 1);
	g->other_label = "first defined here";
	g->hint = "keep one";
	diag_add(&d, SEV_WARNING, (struct place){ .layer = "--set" }, "odd")->path = "a.b";
	shows(&d, (struct style){ 0 }, lines,
		"f.yml:10:3: error: the key \"a\" appears twice\n"
		"    |\n"
		" 10 |   \"a\": 2\n"
		"    |   ^~~\n"
		"f.yml:1:1: note: first defined here\n"
		"    |\n"
		"  1 | a: 1\n"
		"    | -\n"
		"    = help: keep one\n"
		"\n"
		"--set: warning: odd\n"
		"    = at: a.b\n"
		"\n"
		"1 error, 1 warning\n");
	arena_release(&a);
}

static void caret_under_wide_and_tabs(void **state)
{
	(void)state;
	setlocale(LC_ALL, "C.UTF-8");
	static const char *const lines[] = { "\xe6\x97\xa5\xe6\x9c\xac: bad", "\ta:\tbad: x",
		"x: \x1b[2Jbad" };
	static const int columns[] = { 5, 5, 8 };
	static const char *const want[] = {
		"   |\n 1 | \xe6\x97\xa5\xe6\x9c\xac: bad\n   |       ^~~\n",
		"   |\n 2 |         a:      bad: x\n   |                 ^~~\n",
		"   |\n 3 | x: \\x1b[2Jbad\n   |           ^~~\n",
	};
	for (int i = 0; i < 3; i++) {
		struct arena a = ARENA_INIT;
		struct diags d = DIAGS_INIT(&a);
		diag_add(&d, SEV_NOTE, at(i + 1, columns[i]), "m");
		shows(&d, (struct style){ 0 }, lines,
			arena_printf(&a, "f.yml:%d:%d: note: m\n%s\n1 note\n", i + 1, columns[i],
				want[i]));
		arena_release(&a);
	}
}

/* A line of a megabyte is cut around its place; places beyond the line are survived. */
static void long_lines_are_cut(void **state)
{
	(void)state;
	static char line[100001];
	memset(line, 'x', sizeof(line) - 1);
	line[70000] = ' ';
	const char *const lines[] = { line, "" };
	static const struct place places[] = { { "f.yml", 0, 1, 70002 }, { "f.yml", 0, 1, 1 },
		{ "f.yml", 0, 1, 2000000 }, { "f.yml", 0, 2, 7 }, { "f.yml", 0, 1, 0 } };
	for (size_t i = 0; i < countof(places); i++) {
		struct arena a = ARENA_INIT;
		struct diags d = DIAGS_INIT(&a);
		cleanup_buf struct buf out = BUF_INIT;
		diag_add(&d, SEV_ERROR, places[i], "m");
		view_diags(&out, &d, (struct style){ .width = 80 }, line_of, (void *)lines);
		for (const char *p = out.data; *p; p += strcspn(p, "\n") + 1)
			assert_true(strcspn(p, "\n") <= 80);
		arena_release(&a);
	}
}

static void hostile_text_is_visible(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct diags d = DIAGS_INIT(&a);
	struct diag *g = diag_add(&d, SEV_ERROR, (struct place){ "a\x1b]0;x\ab", "tpl\x1b", 3, 1 },
		"x\x1b[31m\nfake:1:1: error");
	g->hint = "\x1b[0m";
	shows(&d, (struct style){ 0 }, NULL,
		"a\\x1b]0;x\\x07b:3:1: error: x\\x1b[31m\\nfake:1:1: error\n"
		"   = from: tpl\\x1b\n   = help: \\x1b[0m\n\n1 error\n");
	arena_release(&a);
}

static void colour_only_when_asked(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct diags d = DIAGS_INIT(&a);
	static const char *const lines[] = { "x" };
	diag_add(&d, SEV_ERROR, at(1, 1), "m");
	struct buf plain = BUF_INIT, colour = BUF_INIT;
	view_diags(&plain, &d, (struct style){ 0 }, line_of, (void *)lines);
	view_diags(&colour, &d, (struct style){ .colour = true }, line_of, (void *)lines);
	assert_null(strchr(plain.data, '\x1b'));
	assert_non_null(strstr(colour.data, "\x1b[1;31m"));
	buf_release(&plain);
	buf_release(&colour);
	arena_release(&a);
}

static void many_are_counted(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct diags d = DIAGS_INIT(&a);
	cleanup_buf struct buf out = BUF_INIT;
	for (int i = 0; i < DIAGS_MAX + 5; i++)
		diag_add(&d, SEV_ERROR, at(0, 0), "m");
	view_diags(&out, &d, (struct style){ 0 }, NULL, NULL);
	assert_true(buf_ends_with(&out, "\n5 more not shown\n105 errors\n"));
	arena_release(&a);
}

static void json_has_the_same(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct diags d = DIAGS_INIT(&a);
	cleanup_buf struct buf out = BUF_INIT;
	struct diag *g = diag_add(&d, SEV_ERROR, at(3, 5), "m");
	g->path = "a.b";
	g->hint = "h";
	g->other = at(1, 2);
	g->other_label = "l";
	json_write(&out, view_diags_json(&a, &d), 0);
	assert_string_equal(out.data,
		"[{\"severity\": \"error\", \"file\": \"f.yml\", \"line\": 3, \"column\": 5, "
		"\"layer\": \"f.yml\", "
		"\"path\": \"a.b\", \"message\": \"m\", \"hint\": \"h\", \"other\": {\"file\": "
		"\"f.yml\", "
		"\"line\": 1, \"column\": 2, \"layer\": \"f.yml\", \"label\": \"l\"}}]");
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caret_and_second_place),
		cmocka_unit_test(caret_under_wide_and_tabs),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(hostile_text_is_visible),
		cmocka_unit_test(colour_only_when_asked),
		cmocka_unit_test(many_are_counted),
		cmocka_unit_test(json_has_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
