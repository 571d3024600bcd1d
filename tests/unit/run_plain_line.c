/* Room run: which lines need no shell. Guards: whatever a shell would change goes through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run/io/plain_line.h"

static const char *words_of(struct arena *a, const char *line)
{
	struct strs argv = { 0 }, out = { 0 };
	strs_add(a, &argv, "/bin/sh");
	strs_add(a, &argv, "-c");
	strs_add(a, &argv, line);
	return plain_line(a, &argv, &out) ? strs_join(a, &out, "|") : NULL;
}

static void words_alone_need_none(void **state)
{
	static const char *const lines[][2] = {
		{ "make", "make" },
		{ "  make -C sub  CFLAGS=-O2\tall ", "make|-C|sub|CFLAGS=-O2|all" },
		{ "./gradlew :app:test --info", "./gradlew|:app:test|--info" },
		{ "python3 -m pytest a/b.py::c,d", "python3|-m|pytest|a/b.py::c,d" },
		{ "echoes a@b 50%", "echoes|a@b|50%" },
	};
	struct arena a = ARENA_INIT;
	(void)state;
	for (size_t i = 0; i < countof(lines); i++) {
		const char *got = words_of(&a, lines[i][0]);
		assert_non_null(got);
		assert_string_equal(got, lines[i][1]);
	}
	arena_release(&a);
}

static void the_rest_is_the_shells(void **state)
{
	static const char *const lines[] = { "", "  ", "make && make test", "make; true", "a|b",
		"a >b", "a <b", "make $X", "ls *.c", "ls a?c", "ls [ab]", "a {b,c}", "a ~", "a ~/b",
		"a 'b'", "a \"b\"", "a b\\c", "a #b", "a !b", "a `b`", "a\nb", "a &", "(a)",
		"X=1 make", "cd sub", "echo a", "exit", "test -e a", "[ a ]", ". ./env", ":",
		"true", "exec make", "if a", "kill 1", "a ^b", "a\001b", "m\303\244ke" };
	struct arena a = ARENA_INIT;
	(void)state;
	for (size_t i = 0; i < countof(lines); i++) {
		const char *got = words_of(&a, lines[i]);
		if (got)
			fail_msg("%s is no plain line: %s", lines[i], got);
	}
	arena_release(&a);
}

static void only_lines_of_the_shell(void **state)
{
	struct strs argv = { 0 }, out = { 0 };
	struct arena a = ARENA_INIT;
	(void)state;
	strs_add(&a, &argv, "/bin/bash");
	strs_add(&a, &argv, "-c");
	strs_add(&a, &argv, "make");
	assert_false(plain_line(&a, &argv, &out));
	argv.items[0] = "/bin/sh";
	assert_true(plain_line(&a, &argv, &out));
	argv.items[1] = "-ec";
	assert_false(plain_line(&a, &argv, &out));
	strs_add(&a, &argv, "make");
	assert_false(plain_line(&a, &argv, &out));
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_alone_need_none),
		cmocka_unit_test(the_rest_is_the_shells),
		cmocka_unit_test(only_lines_of_the_shell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
