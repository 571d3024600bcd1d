/*
 * Room view: the dashboard. Guards: screens at several sizes as they were blessed (BLESS=1 writes
 * them anew); each key does what the help says; a flood stays bounded; what is hostile is shown,
 * not obeyed; colour is never the only sign.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "view/dashboard.h"

struct scene {
	struct arena arena;
	struct project project;
	struct world world;
	struct module_states modules;
	struct dashboard d;
	struct grid grid;
	struct dash_intent intent; /* of the last key */
};

static struct service *service(struct scene *s, const char *name)
{
	struct service *v = list_push(&s->arena, &s->project.services);
	*v = (struct service){ .name = name, .replicas = 1, .image_name = "debian" };
	return v;
}

static struct container *container(struct scene *s, const char *name, enum unit_state state)
{
	struct container *c = list_push(&s->arena, &s->world.containers);
	*c = (struct container){ .id = name,
		.name = name,
		.service = name,
		.number = 1,
		.state = state,
		.uptime_s = state == UNIT_RUNNING ? 75 : -1 };
	return c;
}

static void look(struct scene *s)
{
	dashboard_look(&s->d, &s->project, &s->world, &s->modules);
}

static void fill(struct scene *s)
{
	s->project = (struct project){ .name = "shop", .workspace = "shop-1" };
	service(s, "web");
	service(s, "api");
	service(s, "db");
	service(s, "seed");
	service(s, "mail");
	struct service *all = s->project.services.items;
	all[3].kind = KIND_JOB;
	*list_push(&s->arena, &all[0].needs) =
		(struct need){ .name = "api", .service = &all[1], .required = true };
	*list_push(&s->arena, &all[1].needs) = (struct need){
		.name = "db", .service = &all[2], .condition = COND_HEALTHY, .required = true
	};
	*list_push(&s->arena, &s->project.routes) = (struct route){
		.host = "shop.localhost", .path = "/", .to_name = "web", .to = &all[0], .port = 80
	};
	struct container *web = container(s, "web", UNIT_RUNNING);
	*list_push(&s->arena, &web->ports) = (struct seen_port){
		.target = 80, .published = 8080, .protocol = "tcp", .host_ip = "127.0.0.1"
	};
	container(s, "api", UNIT_RUNNING)->health = HEALTH_UNHEALTHY;
	container(s, "db", UNIT_RUNNING)->health = HEALTH_HEALTHY;
	s->world.containers.items[2].restarts = 2;
	s->world.containers.items[2].uptime_s = 5 * 3600;
	container(s, "seed", UNIT_EXITED);
	container(s, "mail", UNIT_EXITED)->exit_code = 3;
	container(s, "gone", UNIT_RUNNING);
	struct module_state *m = list_push(&s->arena, &s->modules);
	*m = (struct module_state){ .service = "api", .cause = "api/main.c", .runs = 1 };
	m->stages[STAGE_COMPILE].state = STAGE_PASSED;
	m->stages[STAGE_TEST].state = STAGE_FAILED;
}

static const char *const commands[] = { "restart", "recreate", "stop", "up", "shell", "trace",
	"open", "compile", "lint", "test", "plan" };

static struct scene *open_scene(int width, int height)
{
	struct scene *s = xcalloc(1, sizeof(*s));
	dashboard_init(&s->d, width, height);
	s->d.unicode = s->d.colour = true;
	for (size_t i = 0; i < countof(commands); i++)
		strs_add(&s->arena, &s->d.commands, commands[i]);
	dashboard_tick(&s->d, 1000);
	fill(s);
	look(s);
	for (int i = 0; i < 20; i++) {
		dashboard_usage(&s->d, "web", i * 10, (i + 1) * 1000000);
		dashboard_usage(&s->d, "api", 1005, 1500000000);
	}
	s->d.agent = "watch on  lint off  test on";
	return s;
}

static void close_scene(struct scene *s)
{
	dashboard_release(&s->d);
	grid_release(&s->grid);
	arena_release(&s->arena);
	xfree(s);
}

static void input(struct scene *s, struct dash_input in)
{
	s->intent = dashboard_input(&s->d, &in);
}

static void key(struct scene *s, uint32_t k)
{
	input(s, (struct dash_input){ .kind = DASH_KEY, .key = k });
}

static void keys(struct scene *s, const char *text)
{
	for (; *text; text++)
		key(s, *text == '\r' ? DASH_KEY_ENTER : (unsigned char)*text);
}

static const char *words(struct scene *s)
{
	return strs_join(&s->arena, &s->intent.words, " ");
}

static const char *screen(struct scene *s)
{
	cleanup_buf struct buf b = BUF_INIT;
	dashboard_draw(&s->d, &s->grid);
	grid_dump(&b, &s->grid);
	return arena_strdup(&s->arena, buf_str(&b));
}

static const char *row(struct scene *s, int y)
{
	const char *p = screen(s);
	while (y-- > 0)
		p = strchr(p, '\n') + 1;
	return arena_strndup(&s->arena, p, strcspn(p, "\n"));
}

#define SEES(s, text) assert_non_null(strstr(screen(s), text))
#define SEES_NOT(s, text) assert_null(strstr(screen(s), text))

static void log_line(struct scene *s, const char *text)
{
	dashboard_log(&s->d, false, text, strlen(text));
}

static void log_lines(struct scene *s, int from, int to)
{
	char text[40];
	for (int i = from; i <= to; i++) {
		snprintf(text, sizeof(text), "line %d", i);
		log_line(s, text);
	}
}

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
	SEES(s, "is no expression");
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
		cmocka_unit_test(no_services_at_all), cmocka_unit_test(search_filter_pause_wrap),
		cmocka_unit_test(a_pause_holds_a_page_that_is_not_full),

		cmocka_unit_test(next_and_before), cmocka_unit_test(scrolling_stays_where_it_is),
		cmocka_unit_test(long_lines), cmocka_unit_test(a_flood_is_bounded),
		cmocka_unit_test(hostile_lines), cmocka_unit_test(the_mouse),
		cmocka_unit_test(any_size), cmocka_unit_test(nothing_new_needs_no_frame) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
