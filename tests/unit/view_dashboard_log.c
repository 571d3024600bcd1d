/*
 * Room view: the dashboard's panes. Guards: search, filter, pause and scrolling; a flood stays
 * bounded; what is hostile is shown, not obeyed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>

#include "dashboard_scene.h"

/* ---- the log ---- */

static void search_filter_pause_wrap(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	log_lines(s, 1, 100);
	SEES(s, "line 100");
	keys(s, "/LINE 4$");
	key(s, DASH_KEY_ENTER);
	SEES(s, "not found: LINE 4$");
	keys(s, "/line 4$");
	key(s, DASH_KEY_ENTER);
	SEES(s, "line 4\n");
	SEES(s, "search: line 4$");
	SEES(s, "paused +0");
	key(s, DASH_KEY_ESCAPE);
	key(s, DASH_KEY_ESCAPE);
	SEES_NOT(s, "search:");
	SEES(s, "line 100");
	keys(s, "f7");
	key(s, DASH_KEY_ENTER);
	SEES(s, "filter: 7");
	SEES(s, "line 97\n");
	SEES_NOT(s, "line 100");
	log_lines(s, 101, 107);
	SEES(s, "line 107\n");
	SEES_NOT(s, "line 106");
	key(s, DASH_KEY_ESCAPE);
	SEES(s, "line 106");
	keys(s, " ");
	log_lines(s, 108, 110);
	SEES(s, "paused +3");
	SEES_NOT(s, "line 108");
	keys(s, " ");
	SEES(s, "line 110");
	keys(s, "f[");
	key(s, DASH_KEY_ENTER);
	SEES(s, "is not a regular expression");
	close_scene(s);
}

static void a_pause_holds_a_page_that_is_not_full(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	log_lines(s, 1, 3);
	keys(s, " ");
	log_lines(s, 4, 5);
	SEES_NOT(s, "line 4");
	SEES(s, "paused +2");
	key(s, DASH_KEY_PAGE_DOWN);
	SEES(s, "line 5");
	SEES_NOT(s, "paused");
	close_scene(s);
}

static void next_and_before(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	log_lines(s, 1, 300);
	keys(s, "/0$");
	key(s, DASH_KEY_ENTER);
	SEES(s, "line 300");
	keys(s, "nnnn"); /* up: 290, 280, 270, 260 */
	SEES(s, "line 260");
	SEES_NOT(s, "line 250");
	keys(s, "N");
	SEES(s, "line 270");
	close_scene(s);
}

static void scrolling_stays_where_it_is(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	log_lines(s, 1, 100);
	key(s, DASH_KEY_HOME);
	SEES(s, "line 1\n");
	log_lines(s, 101, 200);
	SEES(s, "line 1\n");
	SEES(s, "paused +100");
	key(s, DASH_KEY_PAGE_DOWN);
	SEES_NOT(s, "line 1\n");
	key(s, DASH_KEY_PAGE_UP);
	SEES(s, "line 1\n");
	for (int i = 0; i < 30; i++)
		key(s, DASH_KEY_PAGE_DOWN);
	SEES_NOT(s, "paused"); /* at the end it follows again */
	log_lines(s, 201, 201);
	SEES(s, "line 201");
	keys(s, "[");
	SEES(s, "paused");
	keys(s, "G");
	SEES_NOT(s, "paused");
	close_scene(s);
}

static void long_lines(void **state)
{
	struct scene *s = open_scene(80, 24);
	char text[200];
	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + 195,
		"E\xc3\xa9"
		"d.",
		5);
	dashboard_log(&s->d, false, text, sizeof(text));
	SEES(s, "E\xc3\xa9"
		"d."); /* folded over three rows */
	keys(s, "w");
	SEES_NOT(s, "E\xc3\xa9"
		    "d.");
	for (int i = 0; i < 8; i++)
		key(s, DASH_KEY_RIGHT);
	SEES(s, "E\xc3\xa9"
		"d.");
	SEES(s, "column 129");
	for (int i = 0; i < 20; i++)
		key(s, DASH_KEY_LEFT);
	SEES_NOT(s, "column");
	close_scene(s);
}

static void a_flood_is_bounded(void **state)
{
	struct scene *s = open_scene(80, 24);
	char *big = xmalloc(1 << 20);
	(void)state;
	memset(big, 'y', 1 << 20);
	log_lines(s, 1, 100000);
	assert_true(s->d.panes[DASH_LOGS].count <= DASH_ROWS);
	for (int i = 0; i < 2000; i++)
		dashboard_log(&s->d, false, big, 1 << 20);
	assert_true(s->d.panes[DASH_LOGS].bytes <= DASH_BYTES);
	SEES(s, "more bytes");
	dashboard_log_skip(&s->d);
	SEES(s, "`devenv logs` has it all");
	SEES(s, "a sample");
	dashboard_tick(&s->d, 10000);
	SEES_NOT(s, "a sample");
	dashboard_log_clear(&s->d);
	SEES(s, "nothing was written yet");
	xfree(big);
	close_scene(s);
}

static void hostile_lines(void **state)
{
	static const char bytes[] = "\033]0;title\007\033[2J\xff\xe2\x80\xae"
				    "end\r";
	struct scene *s = open_scene(80, 24);
	(void)state;
	dashboard_log(&s->d, false, bytes, sizeof(bytes) - 1);
	SEES(s, "\\x1b]0;title\\x07\\x1b[2J\\xff\\u202eend");
	for (const char *p = screen(s); *p; p++)
		assert_true(*p != '\033' && *p != '\007' && *p != '\r');
	close_scene(s);
}

int main(void)
{
	setlocale(LC_ALL, "");
	const struct CMUnitTest tests[] = { cmocka_unit_test(search_filter_pause_wrap),
		cmocka_unit_test(a_pause_holds_a_page_that_is_not_full),
		cmocka_unit_test(next_and_before), cmocka_unit_test(scrolling_stays_where_it_is),
		cmocka_unit_test(long_lines), cmocka_unit_test(a_flood_is_bounded),
		cmocka_unit_test(hostile_lines) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
