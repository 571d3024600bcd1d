/* Room view: keys and the pinned line. Guards: cursor keys and pastes do nothing by accident, a
 * typed line can be edited in whole characters, the pinned line never takes more than one row and
 * leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <string.h>

#include "base/text.h"
#include "view/footer.h"
#include "view/keys.h"

/* All bytes; the last intent that came. */
static enum intent type(struct keys *k, const char *bytes)
{
	enum intent last = INTENT_NONE;
	bool changed;
	for (; *bytes; bytes++) {
		enum intent i = keys_byte(k, (unsigned char)*bytes, &changed);
		last = i ? i : last;
	}
	return last;
}

static void each_key_has_its_intent(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		enum intent want;
	} cases[] = {
		{ "w", INTENT_WATCH },
		{ "l", INTENT_LINT },
		{ "t", INTENT_TEST },
		{ "d", INTENT_DETACH },
		{ "q", INTENT_QUIT },
		{ "?", INTENT_HELP },
		{ "\014", INTENT_REDRAW },
		{ "x", INTENT_NONE },
		{ "W", INTENT_NONE },
		{ "\n", INTENT_NONE },
		{ "r\n", INTENT_RESTART },
		{ "/a\r", INTENT_FILTER },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct keys k = { 0 };
		assert_int_equal(type(&k, cases[i].bytes), cases[i].want);
		keys_release(&k);
	}
}

static void sequences_of_other_keys_are_passed_over(void **state)
{
	(void)state;
	static const char *const cases[] = { "\033[D", "\033[1;5C", "\033Od", "\033[200~",
		"\033[15~", "\033[?1;2c", "\033[<0;10;10M" };
	for (size_t i = 0; i < countof(cases); i++) {
		struct keys k = { 0 };
		assert_int_equal(type(&k, cases[i]), INTENT_NONE);
		assert_int_equal(type(&k, "w"), INTENT_WATCH);
		keys_release(&k);
	}
}

static void a_line_is_edited_in_whole_characters(void **state)
{
	(void)state;
	static const struct {
		const char *bytes, *want;
	} cases[] = {
		{ "/abc\n", "abc" },
		{ "/ab\303\244\177\n", "ab" },
		{ "/\177\177x\n", "x" },
		{ "/one two\027three\n", "one three" },
		{ "/abc\025d\n", "d" },
		{ "/q?wlt\n", "q?wlt" },
		{ "/a\001\002b\n", "ab" },
		{ "/\n", "" },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		struct keys k = { 0 };
		assert_int_equal(type(&k, cases[i].bytes), INTENT_FILTER);
		assert_string_equal(buf_str(&k.line), cases[i].want);
		assert_int_equal(k.asking, INTENT_NONE);
		keys_release(&k);
	}
}

static void a_line_can_be_given_up(void **state)
{
	(void)state;
	struct keys k = { 0 };
	assert_int_equal(type(&k, "/abc\007"), INTENT_NONE);
	assert_int_equal(k.asking, INTENT_NONE);
	assert_int_equal(type(&k, "/abc\033"), INTENT_NONE);
	assert_int_equal(k.asking, INTENT_NONE);
	assert_int_equal(type(&k, "w"), INTENT_WATCH);
	keys_release(&k);
}

static void a_line_has_an_end(void **state)
{
	(void)state;
	struct keys k = { 0 };
	type(&k, "/");
	for (int i = 0; i < 5000; i++)
		type(&k, "x");
	assert_int_equal(k.line.len, PROMPT_MAX);
	keys_release(&k);
}

static void cuts(const char *text, size_t columns, const char *want)
{
	cleanup_buf struct buf out = BUF_INIT;
	text_cut(&out, text, columns);
	assert_string_equal(buf_str(&out), want);
}

static void text_is_cut_by_columns(void **state)
{
	(void)state;
	cuts("abcdef", 3, "abc");
	cuts("abc", 3, "abc");
	cuts("\033[31mabc\033[0mdef", 4, "\033[31mabc\033[0md");
	cuts("a\346\274\242b", 2, "a"); /* a wide character takes two */
	cuts("\303\244\303\266\303\274", 2, "\303\244\303\266");
	cuts("\033]8;;file://h/p\033\\ab\033]8;;\033\\c", 1,
		"\033]8;;file://h/p\033\\a\033]8;;\033\\");
	cuts("", 5, "");
}

static void draws(struct footer *f, const char *above, const char *line, int width, bool typing,
	const char *want)
{
	cleanup_buf struct buf out = BUF_INIT, lines = BUF_INIT;
	buf_adds(&lines, above);
	footer_draw(f, &out, &lines, line, width, typing);
	assert_string_equal(buf_str(&out), want);
}

static void the_line_stays_below(void **state)
{
	(void)state;
	struct footer f = { 0 };
	draws(&f, "", "status", 20, false, "status\033[0m\033[?25l");
	draws(&f, "one\n", "status", 20, false, "\r\033[Jone\nstatus\033[0m");
	draws(&f, "", "/x", 20, true, "\r\033[J/x\033[0m\033[?25h");
	draws(&f, "two\n", NULL, 20, false, "\r\033[Jtwo\n");
	draws(&f, "three\n", NULL, 20, false, "three\n");
}

static void a_hidden_cursor_comes_back(void **state)
{
	(void)state;
	struct footer f = { 0 };
	draws(&f, "", "status", 20, false, "status\033[0m\033[?25l");
	draws(&f, "", NULL, 20, false, "\r\033[J\033[?25h");
}

static void a_narrower_terminal_has_folded_the_line(void **state)
{
	(void)state;
	struct footer f = { 0 };
	draws(&f, "", "0123456789012345678", 20, false, "0123456789012345678\033[0m\033[?25l");
	draws(&f, "", "0123456789012345678", 8, false, "\033[2A\r\033[J0123456\033[0m");
	draws(&f, "", "0123456789012345678", 1, false, "\033[6A\r\033[J\033[0m");
}

int main(void)
{
	setlocale(LC_ALL, "C.UTF-8");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_key_has_its_intent),
		cmocka_unit_test(sequences_of_other_keys_are_passed_over),
		cmocka_unit_test(a_line_is_edited_in_whole_characters),
		cmocka_unit_test(a_line_can_be_given_up),
		cmocka_unit_test(a_line_has_an_end),
		cmocka_unit_test(text_is_cut_by_columns),
		cmocka_unit_test(the_line_stays_below),
		cmocka_unit_test(a_hidden_cursor_comes_back),
		cmocka_unit_test(a_narrower_terminal_has_folded_the_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
