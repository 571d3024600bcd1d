/* Room view: modules and what their stages wrote. Guards: a stage's state can be read without
 * colour; a tool's output cannot steer the terminal, whatever it holds; only names that the caller
 * vouches for become links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "doc/json.h"
#include "view/view.h"

static const struct style plain = { 0 };
static const struct style full = { .colour = true, .links = true };

static struct module_state api(void)
{
	return (struct module_state){
		.service = "api",
		.cause = "api/app.py",
		.more = 2,
		.runs = 3,
		.began_ms = 10000,
		.took_ms = 2400,
		.stages = {
			[STAGE_COMPILE] = { .state = STAGE_PASSED, .duration_ms = 1200 },
			[STAGE_LINT] = { .state = STAGE_WARNED, .status = 1, .duration_ms = 300 },
			[STAGE_TEST] = { .state = STAGE_FAILED, .status = 2, .duration_ms = 900 },
			[STAGE_SUCCESS] = { .state = STAGE_SKIPPED, .command = "restart" },
		},
	};
}

static void every_state_has_a_sign_without_colour(void **state)
{
	(void)state;
	struct module_state m = api();
	cleanup_buf struct buf out = BUF_INIT;
	view_module_line(&out, &m, plain);
	assert_string_equal(buf_str(&out),
		"+ compile 1.2 s  ! lint warned 300 ms  x test FAILED (status 2) 900 ms  "
		"- restart skipped  api/app.py (+2 more)  2.4 s");
	for (int s = STAGE_OFF; s <= STAGE_CANCELLED; s++)
		for (int other = STAGE_OFF; other < s; other++) {
			cleanup_buf struct buf a = BUF_INIT, b = BUF_INIT;
			struct module_state x = { .service = "m" }, y = { .service = "m" };
			x.stages[STAGE_LINT].state = (enum stage_state)s;
			y.stages[STAGE_LINT].state = (enum stage_state)other;
			view_module_line(&a, &x, plain);
			view_module_line(&b, &y, plain);
			assert_string_not_equal(buf_str(&a), buf_str(&b));
		}
}

static void names_align_and_are_cleaned(void **state)
{
	(void)state;
	struct module_state two[] = { api(),
		{ .service = "worker\033[2J", .suspended = true, .why = "it feeds itself" } };
	struct module_states list = { two, 2, 2 };
	cleanup_buf struct buf out = BUF_INIT;
	view_modules(&out, &list, 16000, plain);
	assert_string_equal(buf_str(&out),
		"api            + compile 1.2 s  ! lint warned 300 ms  x test FAILED (status 2) "
		"900 ms  - restart skipped  api/app.py (+2 more)  2.4 s  6 s ago\n"
		"worker\\x1b[2J  no stages  suspended: it feeds itself\n");
}

static void marks_are_short(void **state)
{
	(void)state;
	struct module_state m = api();
	cleanup_buf struct buf out = BUF_INIT;
	view_module_marks(&out, &m, plain);
	assert_string_equal(buf_str(&out), "api +!x-");
}

static void json_carries_the_same(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct module_state m = api();
	m.stages[STAGE_TEST].output = "no\033]0;x\007";
	struct module_states list = { &m, 1, 1 };
	cleanup_buf struct buf out = BUF_INIT;
	json_write(&out, view_modules_json(&a, &list), 0);
	assert_non_null(strstr(
		buf_str(&out), "{\"stage\": \"test\", \"state\": \"failed\", \"status\": 2"));
	assert_non_null(strstr(buf_str(&out), "\"cause\": \"api/app.py\", \"more\": 2"));
	assert_null(strchr(buf_str(&out), '\033'));
	assert_null(strstr(buf_str(&out), "\\u001b"));
	arena_release(&a);
}

/* Names that begin with "src/" are files of the project. */
static bool below_src(void *ctx, const char *name, size_t len, struct buf *out)
{
	(void)ctx;
	if (len < 5 || memcmp(name, "src/", 4) != 0)
		return false;
	buf_adds(out, "/p r/");
	buf_add(out, name, len);
	return true;
}

static const struct stage_text text = { .host = "box", .link = below_src };

static void writes(const char *in, struct style st, const char *want)
{
	cleanup_buf struct buf out = BUF_INIT;
	view_stage_output(&out, &text, in, strlen(in), st);
	assert_string_equal(buf_str(&out), want);
}

#define LINK(path, shown) "\033]8;;file://box/p%20r/" path "\033\\" shown "\033]8;;\033\\"

static void names_of_files_become_links(void **state)
{
	(void)state;
	writes("src/a.c:12:3: error: no\n", full,
		LINK("src/a.c", "src/a.c:12:3") ": error: no\033[0m\n");
	writes("src/a.ts(4,7): bad\n", full, LINK("src/a.ts", "src/a.ts(4,7)") ": bad\033[0m\n");
	writes("  File \"src/a.py\", line 9, in f\n", full,
		"  " LINK("src/a.py", "File \"src/a.py\", line 9") ", in f\033[0m\n");
	writes("(src/a.c:1)\n", full, "(" LINK("src/a.c", "src/a.c:1") ")\033[0m\n");
	writes("other/a.c:12:3 at 10:20:30 src/a.c\n", full,
		"other/a.c:12:3 at 10:20:30 src/a.c\n");
	writes("src/a.c:12:3: error\n", plain, "src/a.c:12:3: error\n");
}

static void colours_around_a_name_stay(void **state)
{
	(void)state;
	writes("\033[01m\033[Ksrc/a.c:12:3:\033[m\033[K x\n", full,
		"\033[01m" LINK("src/a.c", "src/a.c:12:3") ":\033[m x\033[0m\n");
	writes("\033[1msrc/a.c:2\033[m\n", plain, "\\x1b[1msrc/a.c:2\\x1b[m\n");
}

static void overwritten_lines_show_what_was_left(void **state)
{
	(void)state;
	writes("10%\r50%\r100%\r\n", plain, "100%\n");
	writes("last without newline", plain, "last without newline\n");
	writes("", plain, "");
}

/* After what may stand (SGR, our own links) is taken out, no control byte is left. */
static bool harmless(const char *s)
{
	static const char ours[] = "\033]8;;";
	while (*s) {
		if (starts_with(s, "\033[")) {
			s += 2;
			while (*s == ';' || (*s >= '0' && *s <= '9'))
				s++;
			if (*s++ != 'm')
				return false;
		} else if (starts_with(s, ours)) {
			const char *end = strstr(s, "\033\\");
			for (const char *p = s + sizeof(ours) - 1; end && p < end; p++)
				if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
					return false;
			if (!end)
				return false;
			s = end + 2;
		} else if (((unsigned char)*s < 0x20 && *s != '\n' && *s != '\t') || *s == 0x7f) {
			return false;
		} else {
			s++;
		}
	}
	return true;
}

static void hostile_sequences_are_shown_not_obeyed(void **state)
{
	(void)state;
	static const char *const hostile[] = {
		"\033[2J\033[H",
		"\033]0;title\007",
		"\033]8;;http://evil\033\\x\033]8;;\033\\",
		"\033[31",
		"\033[31;",
		"\033[?25l",
		"\033[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1m",
		"\033[38:2::1:2:3m",
		"\033Pq\033\\",
		"\033c",
		"\233"
		"31m",
		"\302\233"
		"31m",
		"\b\b\b",
		"\033\033[31m",
		"src/\033[31m\033]52;c;AAAA\007a.c:1:2",
		"\033[31\033m",
		"src/a.c:1\033\\\033]8;;x\033\\",
		"\342\200\256src/a.c:1",
		"\033[;m\033[m\033[0;;1m",
		"src/\001.c:12",
		"\033[K\033[2K\033[1K",
		"\033[31\nm",
	};
	for (size_t i = 0; i < countof(hostile); i++) {
		cleanup_buf struct buf out = BUF_INIT;
		view_stage_output(&out, &text, hostile[i], strlen(hostile[i]), full);
		if (!harmless(buf_str(&out)))
			fail_msg("passed through: case %zu", i);
	}
}

static void random_bytes_are_harmless(void **state)
{
	(void)state;
	static const char alphabet[] =
		"\033\033[[;;019mMKHJ]8\\\007\r\n\b\302\233\342\200\256src/a.c:1(),";
	unsigned seed = 12345;
	for (int round = 0; round < 20000; round++) {
		char in[40];
		size_t len = 0;
		cleanup_buf struct buf out = BUF_INIT;
		for (; len < sizeof(in); len++) {
			seed = seed * 1103515245u + 12345u;
			in[len] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		view_stage_output(&out, &text, in, len, full);
		assert_true(harmless(buf_str(&out)));
		assert_true(utf8_valid(buf_str(&out), out.len, NULL));
	}
}

int main(void)
{
	setlocale(LC_ALL, "C.UTF-8");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_has_a_sign_without_colour),
		cmocka_unit_test(names_align_and_are_cleaned),
		cmocka_unit_test(marks_are_short),
		cmocka_unit_test(json_carries_the_same),
		cmocka_unit_test(names_of_files_become_links),
		cmocka_unit_test(colours_around_a_name_stay),
		cmocka_unit_test(overwritten_lines_show_what_was_left),
		cmocka_unit_test(hostile_sequences_are_shown_not_obeyed),
		cmocka_unit_test(random_bytes_are_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
