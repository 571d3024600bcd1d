/*
 * Room view: the grid of cells and its inks. Guards: wide and combining characters keep their
 * columns; SGR becomes pens and nothing else does; inks fit what a terminal has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <string.h>

#include "base/text.h"
#include "view/grid.h"

static const char *dump(struct grid *g, struct buf *b)
{
	buf_truncate(b, 0);
	grid_dump(b, g);
	return buf_str(b);
}

static void wide_characters_are_whole(void **state)
{
	struct grid g = { 0 };
	cleanup_buf struct buf b = BUF_INIT;
	(void)state;
	grid_size(&g, 6, 1);
	assert_int_equal(grid_text(&g, 0, 0, 6, PEN_PLAIN, "日本語学"), 6);
	assert_string_equal(dump(&g, &b), "日本語\n");
	grid_text(&g, 1, 0, 6, PEN_PLAIN, "x"); /* half of the first is gone: so is the rest */
	assert_string_equal(dump(&g, &b), " x本語\n");
	grid_text(&g, 2, 0, 6, PEN_PLAIN, "y");
	assert_string_equal(dump(&g, &b), " xy 語\n");
	assert_int_equal(grid_text(&g, 0, 0, 5, PEN_PLAIN, "abcd語"), 4);
	assert_string_equal(dump(&g, &b), "abcd語\n");
	grid_release(&g);
}

static void marks_combine(void **state)
{
	struct grid g = { 0 };
	cleanup_buf struct buf b = BUF_INIT, many = BUF_INIT;
	(void)state;
	grid_size(&g, 4, 1);
	assert_int_equal(grid_text(&g, 0, 0, 4, PEN_PLAIN, "e\xcc\x81x"), 2);
	assert_string_equal(dump(&g, &b), "e\xcc\x81x\n");
	buf_addc(&many, 'z');
	for (int i = 0; i < 100; i++)
		buf_adds(&many, "\xcc\x81");
	grid_text(&g, 0, 0, 4, PEN_PLAIN, buf_str(&many)); /* bounded */
	assert_true(strlen(g.cells[0].text) < sizeof(g.cells[0].text));
	grid_text(&g, 0, 0, 4, PEN_PLAIN, "\xcc\x81"); /* to nobody */
	grid_release(&g);
}

static void sgr_becomes_pens(void **state)
{
	static const struct {
		const char *sgr;
		int32_t fg, bg;
		uint8_t flags;
	} cases[] = { { "\033[31m", 1, -1, 0 }, { "\033[1;32m", 2, -1, PEN_BOLD },
		{ "\033[97;44m", 15, 4, 0 }, { "\033[38;5;208m", 208, -1, 0 },
		{ "\033[38;2;1;2;3m", INK_TRUE | 0x010203, -1, 0 },
		{ "\033[48;2;255;0;1;4m", -1, INK_TRUE | 0xff0001, PEN_UNDERLINE },
		{ "\033[31m\033[39m", -1, -1, 0 }, { "\033[7;2m\033[27m", -1, -1, PEN_DIM },
		{ "\033[1;31m\033[m", -1, -1, 0 }, { "\033[38;5m", -1, -1, 0 },
		{ "\033[38m\033[33m", 3, -1, 0 }, { "\033[55m\033[999999m", -1, -1, 0 } };
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct pen pen = PEN_PLAIN;
		const char *p = cases[i].sgr;
		size_t left = strlen(p), n;
		for (; left && (n = sgr_read(p, left, PEN_PLAIN, &pen)); left -= n)
			p += n;
		assert_int_equal(left, 0);
		assert_int_equal(pen.fg, cases[i].fg);
		assert_int_equal(pen.bg, cases[i].bg);
		assert_int_equal(pen.flags, cases[i].flags);
	}
	assert_int_equal(sgr_read("\033[2J", 4, PEN_PLAIN, NULL), 0);
	assert_int_equal(sgr_read("\033[31", 4, PEN_PLAIN, NULL), 0);
	assert_int_equal(sgr_read("x", 1, PEN_PLAIN, NULL), 0);
}

static void strip_leaves_the_text(void **state)
{
	static const char text[] = "a\033[31mb\033[0m\033c\033[";
	cleanup_buf struct buf b = BUF_INIT;
	(void)state;
	sgr_strip(&b, text, strlen(text));
	assert_string_equal(buf_str(&b), "ab\033c\033[");
}

static void text_is_folded_and_scrolled(void **state)
{
	static const char text[] = "ab\033[31mcd\033[0mef日gh";
	struct grid g = { 0 };
	cleanup_buf struct buf b = BUF_INIT;
	struct area at = { .width = 7, .rows = 2 };
	(void)state;
	grid_size(&g, 7, 3);
	assert_int_equal(sgr_rows(text, strlen(text), 7), 2); /* 日 does not fit in the first */
	grid_sgr(&g, &at, PEN_PLAIN, text, strlen(text), NULL, 0);
	assert_string_equal(dump(&g, &b), "abcdef\n日gh\n\n");
	assert_int_equal(g.cells[2].fg, 1);
	grid_clear(&g);
	at = (struct area){ .width = 7, .rows = 1, .skip = 3 };
	grid_sgr(&g, &at, PEN_PLAIN, text, strlen(text), NULL, 0);
	assert_string_equal(dump(&g, &b), "def日gh\n\n\n");
	grid_clear(&g);
	at = (struct area){ .y = -1, .width = 7, .rows = 2, .top = 0 };
	grid_sgr(&g, &at, PEN_PLAIN, text, strlen(text), NULL, 0);
	assert_string_equal(dump(&g, &b), "日gh\n\n\n");
	assert_int_equal(sgr_rows("", 0, 7), 1);
	grid_release(&g);
}

static void stretches_are_reversed(void **state)
{
	struct grid g = { 0 };
	struct area at = { .width = 8, .rows = 1 };
	struct stretch s = { 1, 3 };
	(void)state;
	grid_size(&g, 8, 1);
	grid_sgr(&g, &at, PEN_PLAIN, "a\033[31mbcd", 9, &s, 1);
	assert_int_equal(g.cells[0].flags, 0);
	assert_int_equal(g.cells[1].flags, PEN_REVERSE);
	assert_int_equal(g.cells[2].flags, PEN_REVERSE);
	assert_int_equal(g.cells[3].flags, 0);
	grid_release(&g);
}

static void tabs_go_to_their_stops(void **state)
{
	struct grid g = { 0 };
	struct area at = { .width = 20, .rows = 1 };
	cleanup_buf struct buf b = BUF_INIT;
	(void)state;
	grid_size(&g, 20, 1);
	grid_sgr(&g, &at, PEN_PLAIN, "a\tb\tc", 5, NULL, 0);
	assert_string_equal(dump(&g, &b), "a       b       c\n");
	grid_release(&g);
}

static void inks_fit_the_terminal(void **state)
{
	(void)state;
	assert_int_equal(ink_fit(3, 8), 3);
	assert_int_equal(ink_fit(3, 0), INK_DEFAULT);
	assert_int_equal(ink_fit(INK_DEFAULT, 256), INK_DEFAULT);
	assert_int_equal(ink_fit(9, 8), 1);
	assert_int_equal(ink_fit(9, 16), 9);
	assert_int_equal(ink_fit(208, 256), 208);
	assert_int_equal(ink_fit(196, 8), 1);         /* red */
	assert_int_equal(ink_fit(INK_TRUE, 256), 16); /* black of the cube */
	assert_int_equal(ink_fit(INK_TRUE | 0xff0000, 256), 196);
	assert_int_equal(ink_fit(INK_TRUE | 0x808080, 256), 244);
	assert_int_equal(ink_fit(INK_TRUE | 0x123456, 1 << 24), INK_TRUE | 0x123456);
	assert_int_equal(ink_fit(196, 1 << 24), INK_TRUE | 0xff0000);
	assert_int_equal(ink_fit(3, 1 << 24), 3);
	for (int32_t i = 0; i < 256; i++)
		for (int colours = 8; colours <= 256; colours *= 2)
			assert_in_range(ink_fit(i, colours), 0, colours - 1);
}

int main(void)
{
	setlocale(LC_ALL, "");
	const struct CMUnitTest tests[] = { cmocka_unit_test(wide_characters_are_whole),
		cmocka_unit_test(marks_combine), cmocka_unit_test(sgr_becomes_pens),
		cmocka_unit_test(strip_leaves_the_text),
		cmocka_unit_test(text_is_folded_and_scrolled),
		cmocka_unit_test(stretches_are_reversed), cmocka_unit_test(tabs_go_to_their_stops),
		cmocka_unit_test(inks_fit_the_terminal) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
