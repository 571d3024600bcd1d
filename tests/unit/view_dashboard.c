/*
 * Room view: the dashboard. Guards: screens at several sizes as they were blessed (BLESS=1 writes
 * them anew); each key and click does what the help says; any size is drawn; colour is never the
 * only sign.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>

#include "base/os.h"
#include "dashboard_scene.h"

/* ---- golden screens ---- */

static void check(struct scene *s, const char *name)
{
	char path[200];
	struct err e = ERR_INIT;
	cleanup_buf struct buf want = BUF_INIT, got = BUF_INIT;
	snprintf(path, sizeof(path), "tests/unit/screens/%s.txt", name);
	dashboard_draw(&s->d, &s->grid);
	grid_dump(&got, &s->grid);
	buf_adds(&got, "---- pens\n");
	grid_dump_pens(&got, &s->grid);
	if (getenv("BLESS"))
		assert_int_equal(file_write(path, got.data, got.len, 0644, false, &e), 0);
	assert_int_equal(file_read(path, 1 << 20, &want, &e), 0);
	assert_string_equal(buf_str(&want), buf_str(&got));
}

static void golden_screens(void **state)
{
	static const struct {
		const char *name;
		int width, height;
		const char *keys;
	} cases[] = { { "logs-80x24", 80, 24, "" }, { "logs-140x30", 140, 30, "j" },
		{ "narrow-50x14", 50, 14, "" }, { "least-40x10", 40, 10, "" },
		{ "too-small", 39, 10, "" }, { "graph-80x24", 80, 24, "3" },
		{ "stages-80x24", 80, 24, "2" }, { "help-80x40", 80, 40, "?" },
		{ "palette-80x24", 80, 24, ":re" }, { "confirm-80x24", 80, 24, "js" },
		{ "search-80x24", 80, 24, "/ne 1" }, { "output-80x24", 80, 24, "4" } };
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct scene *s = open_scene(cases[i].width, cases[i].height);
		log_lines(s, 1, 40);
		log_line(s, "\033[31mred\033[0m and \xe6\x97\xa5\xe6\x9c\xac wide");
		dashboard_log(&s->d, true, "to standard error", 17);
		keys(s, cases[i].keys);
		check(s, cases[i].name);
		close_scene(s);
	}
}

static void without_colour_and_unicode(void **state)
{
	struct scene *s = open_scene(120, 24);
	(void)state;
	s->d.colour = s->d.unicode = false;
	look(s);
	dashboard_log(&s->d, true, "to standard error", 17);
	check(s, "plain-120x24");
	for (const char *p = screen(s); *p; p++)
		assert_true((unsigned char)*p < 0x80);
	for (int i = 0; i < s->grid.width * s->grid.height; i++)
		assert_int_equal(s->grid.cells[i].fg, INK_DEFAULT);
	close_scene(s);
}

/* ---- keys ---- */

static void actions_are_intents(void **state)
{
	static const struct {
		const char *keys, *words;
		enum dash_want want;
	} cases[] = { { "r", "restart web", DASH_RUN }, { "jr", "restart api", DASH_RUN },
		{ "Ry", "recreate web", DASH_RUN }, { "sy", "stop web", DASH_RUN },
		{ "sn", "", DASH_NOTHING }, { ":stop (\ry", "stop", DASH_RUN },
		{ ":stop (\rn", "", DASH_NOTHING }, { ":stop db\ry", "stop db", DASH_RUN },
		{ "u", "up -d web", DASH_RUN }, { "U", "up -d", DASH_RUN },
		{ "e", "shell web", DASH_INSIDE },
		{ "t", "trace https://shop.localhost/", DASH_RUN }, { "o", "open web", DASH_RUN },
		{ "jo", "", DASH_NOTHING }, { "jjjjjr", "", DASH_NOTHING },
		{ "D", "", DASH_NOTHING }, { "x", "", DASH_NOTHING }, { "q", "", DASH_QUIT },
		{ "\x0c", "", DASH_REDRAW }, { "z", "", DASH_NOTHING } };
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct scene *s = open_scene(80, 24);
		keys(s, cases[i].keys);
		assert_int_equal(s->intent.want, cases[i].want);
		assert_string_equal(words(s), cases[i].words);
		close_scene(s);
	}
}

static void one_command_at_a_time(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	keys(s, "r");
	dashboard_run(&s->d, "devenv restart web");
	SEES(s, "[4 Output]");
	SEES(s, "$ devenv restart web");
	keys(s, "r");
	assert_int_equal(s->intent.want, DASH_NOTHING);
	SEES(s, "still runs: x ends it");
	keys(s, "x");
	assert_int_equal(s->intent.want, DASH_CANCEL);
	keys(s, "e");
	assert_int_equal(s->intent.want, DASH_INSIDE);
	dashboard_output(&s->d, "stopped\033[2J", 11);
	SEES(s, "stopped\\x1b[2J");
	dashboard_ran(&s->d, 3);
	SEES(s, "devenv restart web: exit status 3");
	keys(s, "r");
	assert_int_equal(s->intent.want, DASH_RUN);
	close_scene(s);
}

static void the_palette_finds_by_words(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	keys(s, ":");
	SEES(s, "> restart web");
	keys(s, "rest db");
	SEES(s, "> restart db");
	key(s, DASH_KEY_ENTER);
	assert_string_equal(words(s), "restart db");
	assert_string_equal(dashboard_selected(&s->d)->name, "db");
	keys(s, ":nothing such");
	SEES(s, "nothing fits");
	key(s, DASH_KEY_ENTER);
	assert_int_equal(s->intent.want, DASH_NOTHING);
	keys(s, ":graph");
	key(s, DASH_KEY_ENTER);
	SEES(s, "[3 Graph]");
	keys(s, ":logs mail");
	key(s, DASH_KEY_ENTER);
	SEES(s, "[1 Logs]");
	assert_string_equal(dashboard_selected(&s->d)->name, "mail");
	keys(s, ":test");
	SEES(s, "> test api"); /* the one that is a module */
	key(s, DASH_KEY_ESCAPE);
	SEES_NOT(s, "Commands");
	close_scene(s);
}

static void the_palette_moves_and_stays_in_sight(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	keys(s, ":");
	for (int i = 0; i < 30; i++)
		key(s, DASH_KEY_DOWN);
	SEES(s, "\xe2\x94\x82> ");
	key(s, DASH_KEY_UP);
	for (int i = 0; i < 29; i++)
		key(s, DASH_KEY_UP);
	SEES(s, "> restart web");
	close_scene(s);
}

static void the_selection_survives_a_look(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	keys(s, "jj");
	assert_string_equal(dashboard_selected(&s->d)->name, "db");
	look(s);
	assert_string_equal(dashboard_selected(&s->d)->name, "db");
	keys(s, "jjjjjjjjjjj");
	assert_string_equal(dashboard_selected(&s->d)->name, "gone");
	s->world.containers.count--;
	look(s);
	assert_string_equal(dashboard_selected(&s->d)->name, "web");
	keys(s, "kkk");
	assert_string_equal(dashboard_selected(&s->d)->name, "web");
	close_scene(s);
}

static void requests_are_shown_from_the_first_on(void **state)
{
	struct scene *s = open_scene(110, 24);
	(void)state;
	for (int i = 0; i < 5; i++)
		dashboard_requests(&s->d, "web", 0);
	assert_null(strstr(screen(s), "requests"));
	dashboard_requests(&s->d, "web", 40);
	dashboard_requests(&s->d, "web", 12);
	check(s, "requests-110x24");
	close_scene(s);
}

static void no_services_at_all(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	s->project.services.count = s->project.routes.count = 0;
	s->world.containers.count = 0;
	look(s);
	SEES(s, "no services in this project");
	keys(s, "jkreso:");
	key(s, DASH_KEY_ENTER);
	screen(s);
	close_scene(s);
}

/* ---- the mouse, the size ---- */

static void the_mouse(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	log_lines(s, 1, 100);
	input(s, (struct dash_input){ .kind = DASH_CLICK, .x = 5, .y = 4 });
	assert_string_equal(dashboard_selected(&s->d)->name, "db");
	input(s, (struct dash_input){ .kind = DASH_WHEEL_DOWN, .x = 5, .y = 4 });
	assert_string_equal(dashboard_selected(&s->d)->name, "seed");
	input(s, (struct dash_input){ .kind = DASH_WHEEL_UP, .x = 5, .y = 20 });
	SEES(s, "paused");
	int tabs = 0;
	while (!strstr(row(s, tabs), "1 Logs"))
		tabs++;
	const char *line = row(s, tabs);
	int x = (int)text_width(
		arena_strndup(&s->arena, line, (size_t)(strstr(line, "3 Graph") - line)));
	input(s, (struct dash_input){ .kind = DASH_CLICK, .x = x, .y = tabs });
	SEES(s, "[3 Graph]");
	input(s, (struct dash_input){ .kind = DASH_CLICK, .x = 79, .y = 23 });
	keys(s, ":");
	input(s, (struct dash_input){ .kind = DASH_CLICK, .x = 20, .y = 5 });
	assert_string_equal(words(s), "");
	assert_int_equal(s->d.prompt, PROMPT_CONFIRM);
	close_scene(s);
}

static void any_size(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	log_lines(s, 1, 50);
	for (int width = 1; width < 150; width += 7)
		for (int height = 1; height < 40; height += 3) {
			dashboard_resize(&s->d, width, height);
			key(s, height % 2 ? DASH_KEY_PAGE_UP : 'G');
			keys(s, width % 2 ? ":" : "/");
			screen(s);
			key(s, DASH_KEY_ESCAPE);
			assert_int_equal(s->grid.width, width);
		}
	dashboard_resize(&s->d, 80, 24);
	SEES(s, "STATE");
	close_scene(s);
}

static void nothing_new_needs_no_frame(void **state)
{
	struct scene *s = open_scene(80, 24);
	(void)state;
	screen(s);
	assert_false(s->d.dirty);
	dashboard_tick(&s->d, 2000);
	assert_false(s->d.dirty);
	dashboard_say(&s->d, "a word");
	assert_true(s->d.dirty);
	SEES(s, "a word");
	dashboard_tick(&s->d, 9000);
	assert_true(s->d.dirty);
	SEES_NOT(s, "a word");
	close_scene(s);
}

int main(void)
{
	setlocale(LC_ALL, "");
	const struct CMUnitTest tests[] = { cmocka_unit_test(golden_screens),
		cmocka_unit_test(without_colour_and_unicode), cmocka_unit_test(actions_are_intents),
		cmocka_unit_test(one_command_at_a_time),
		cmocka_unit_test(the_palette_finds_by_words),
		cmocka_unit_test(the_palette_moves_and_stays_in_sight),
		cmocka_unit_test(the_selection_survives_a_look),
		cmocka_unit_test(requests_are_shown_from_the_first_on),
		cmocka_unit_test(no_services_at_all), cmocka_unit_test(the_mouse),
		cmocka_unit_test(any_size), cmocka_unit_test(nothing_new_needs_no_frame) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
