/*
 * Sessions of tmux: words that no parser of tmux's may read otherwise, groups by the graph, what a
 * layout's panes inherit.
 */
#include "planner.h"

#include "planner/session.h"

static const struct session *made(struct bench *b, const char *yaml, const char *layout)
{
	static const char *const self[] = { "devenv", "-C", "/srv/shop" };
	struct session_request r = { .layout = layout, .shell = "/bin/zsh" };
	bench_open(b, yaml);
	struct session *s = arena_new(&b->arena, struct session);
	for (size_t i = 0; i < countof(self); i++)
		strs_add(&b->arena, &r.self, self[i]);
	b->result = session_make(&b->arena, &b->project, &b->world, &r, s, &b->diags);
	return s;
}

static const char *words(struct bench *b, const struct session *s, size_t window, size_t pane)
{
	return strs_join(&b->arena, &s->windows.items[window].panes.items[pane].argv, "|");
}

static void assert_quoted(const char *word, const char *want)
{
	cleanup_buf struct buf b = BUF_INIT;
	tmux_quote(&b, word);
	assert_string_equal(buf_str(&b), want);
}

static void quoting(void **state)
{
	(void)state;
	assert_quoted("", "''");
	assert_quoted("a b;c #{d} $e ~", "'a b;c #{d} $e ~'");
	assert_quoted("it's", "'it'\\''s'");
	assert_quoted("\"\\", "'\"\\'");
	assert_quoted("a\n  b\t\x1b", "'a'\"\\012\"'  b'\"\\011\"''\"\\033\"''");
}

/* A title with line breaks, escapes and formats stays one line of plain text. */
static void hostile_titles(void **state)
{
	struct bench b = { 0 };
	cleanup_buf struct buf script = BUF_INIT;
	(void)state;
	const struct session *s = made(&b,
		"services: { api: { image: x } }\n"
		"layouts: { one: { windows: [{ name: \"w\\e[2J#(x)\", panes: "
		"[{ logs: api, title: \"a\\e]0;b\\a #(touch x)\\nkill-server\" }] }] } }\n",
		"one");
	assert_int_equal(b.result, 0);
	assert_null(strpbrk(s->windows.items[0].panes.items[0].title, "\x1b\a\n"));
	session_script(&script, s);
	assert_null(strchr(buf_str(&script), '\x1b'));
	assert_non_null(strstr(buf_str(&script), "##(touch x)'"));
	assert_null(strstr(buf_str(&script), "\nkill-server"));
	assert_null(strstr(buf_str(&script), " #(touch"));
	bench_close(&b);
}

static const char layouts[] =
	"services: { api: { image: x }, db: { image: x, client: [psql] } }\n"
	"commands: { seed: { run: x } }\n"
	"layouts:\n"
	"  one:\n"
	"    root: top\n"
	"    environment: { A: \"1\", B: \"1\" }\n"
	"    shell_command_before: [first]\n"
	"    windows:\n"
	"      - root: sub\n"
	"        environment: { B: \"2\" }\n"
	"        pre: second\n"
	"        panes:\n"
	"          - { command: [a, b c], root: /abs, environment: { C: \"3\" } }\n"
	"          - { logs: [api, db], focus: true }\n"
	"          - ~\n"
	"  two: { windows: [{ panes: [~] }, { focus: true, panes: [htop, { run: seed x }, { "
	"attach: "
	"api }] }] }\n";

static void inheritance(void **state)
{
	struct bench b = { 0 };
	(void)state;
	const struct session *s = made(&b, layouts, "one");
	const struct session_window *w = &s->windows.items[0];
	assert_int_equal(b.result, 0);
	assert_true(s->host);
	assert_string_equal(words(&b, s, 0, 0),
		"env|A=1|B=1|B=2|C=3|/bin/sh|-c|first\nsecond\nexec \"$@\"|sh|a|b c");
	assert_string_equal(w->panes.items[0].dir, "/abs");
	assert_string_equal(words(&b, s, 0, 1),
		"env|A=1|B=1|B=2|devenv|-C|/srv/shop|logs|--follow|--tail|200|api|db");
	assert_string_equal(w->panes.items[1].dir, "/srv/shop/top/sub");
	assert_string_equal(w->panes.items[1].service, "api");
	assert_string_equal(words(&b, s, 0, 2),
		"env|A=1|B=1|B=2|/bin/sh|-c|first\nsecond\nexec \"$@\"|sh|/bin/zsh");
	assert_int_equal(w->focus, 1);
	assert_string_equal(w->name, "a");
	bench_close(&b);
}

static void bare(void **state)
{
	struct bench b = { 0 };
	(void)state;
	const struct session *s = made(&b, layouts, "two");
	assert_int_equal(b.result, 0);
	assert_int_equal(s->focus, 1);
	assert_int_equal(s->windows.items[0].panes.items[0].argv.count, 0);
	assert_string_equal(s->windows.items[0].name, "shell");
	assert_string_equal(words(&b, s, 1, 0), "/bin/sh|-c|htop");
	assert_string_equal(words(&b, s, 1, 1), "devenv|-C|/srv/shop|seed|x");
	assert_string_equal(words(&b, s, 1, 2), "devenv|-C|/srv/shop|attach|api");
	assert_null(s->windows.items[1].panes.items[1].service);
	bench_close(&b);
}

/* No host commands, no consent. */
static void by_graph(void **state)
{
	struct bench b = { 0 };
	(void)state;
	const struct session *s = made(&b, layouts, "auto");
	assert_int_equal(b.result, 0);
	assert_false(s->host);
	assert_string_equal(s->name, "shop");
	assert_int_equal(s->windows.count, 2);
	assert_string_equal(s->windows.items[0].name, "api");
	assert_string_equal(words(&b, s, 1, 0), "devenv|-C|/srv/shop|attach|--client|db");
	bench_close(&b);
}

/* Forty rows of two services, each needing both of the next row: 2^40 ways through. */
static void many_ways(void **state)
{
	enum { ROWS = 40 };
	struct bench b = { 0 };
	cleanup_buf struct buf yaml = BUF_INIT;
	(void)state;
	buf_adds(&yaml, "services:\n");
	for (int i = 0; i < ROWS; i++)
		for (int k = 0; k < 2; k++) {
			buf_addf(&yaml, "  s%d-%d: { image: x", i, k);
			if (i + 1 < ROWS)
				buf_addf(&yaml, ", depends_on: [s%d-0, s%d-1]", i + 1, i + 1);
			buf_adds(&yaml, " }\n");
		}
	const struct session *s = made(&b, buf_str(&yaml), NULL);
	assert_int_equal(b.result, 0);
	size_t panes = 0;
	for (size_t i = 0; i < s->windows.count; i++)
		panes += s->windows.items[i].panes.count;
	assert_int_equal(s->windows.count, 2);
	assert_int_equal(panes, 2 * ROWS);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoting),
		cmocka_unit_test(hostile_titles),
		cmocka_unit_test(inheritance),
		cmocka_unit_test(bare),
		cmocka_unit_test(by_graph),
		cmocka_unit_test(many_ways),
	};
	return cmocka_run_group_tests_name("planner: session", tests, NULL, NULL);
}
