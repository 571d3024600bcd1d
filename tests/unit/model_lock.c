/*
 * devenv.lock as text: what is written is read back, in any order, and nothing but names, versions
 * and digests comes in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/lock.h"

#define DIGEST "sha256:809dd194a756ef62b6711c24e157b8ff3010ed4277816f21d9196e819696366e"

static const char text[] = "version: 1\n"
			   "images:\n"
			   "  redis:7: " DIGEST "\n"
			   "  debian:bookworm-slim: local:" DIGEST "\n"
			   "rungs:\n"
			   "  tool:\n"
			   "    inputs: 69acfe7a1521fcbf\n"
			   "    packages: { libjq1: 1.6-2, jq: 1.6-2 }\n"
			   "    others: { zsh: \"20240101\" }\n"
			   "  base: { inputs: f6d1abbe7af00d9f }\n";

struct bench {
	struct arena arena;
	struct diags diags;
	struct lockfile lock;
};

static int read_text(struct bench *b, const char *s)
{
	memset(b, 0, sizeof(*b));
	b->diags.arena = &b->arena;
	return lockfile_read(&b->arena, s, strlen(s), "devenv.lock", &b->lock, &b->diags);
}

static void comes_back(void **state)
{
	struct bench b, again;
	cleanup_buf struct buf out = BUF_INIT, twice = BUF_INIT;
	(void)state;
	assert_int_equal(read_text(&b, text), 0);
	const struct locked_rung *tool = locked_rung(&b.lock, "tool");
	assert_string_equal(b.lock.rungs.items[0].name, "base");
	assert_int_equal(tool->packages.count, 2);
	assert_string_equal(tool->packages.items[0].name, "jq");
	assert_string_equal(package_find(&tool->others, "zsh")->version, "20240101");
	assert_null(package_find(&tool->packages, "zsh"));
	assert_true(locked_image(&b.lock, "debian:bookworm-slim")->local);
	lockfile_write(&out, &b.lock);
	assert_int_equal(read_text(&again, out.data), 0);
	lockfile_write(&twice, &again.lock);
	assert_string_equal(out.data, twice.data);
	arena_release(&b.arena);
	arena_release(&again.arena);
}

/* One line per thing: what git merges and people read. */
static void one_line_per_thing(void **state)
{
	struct bench b;
	cleanup_buf struct buf out = BUF_INIT;
	(void)state;
	assert_int_equal(read_text(&b, text), 0);
	lockfile_write(&out, &b.lock);
	assert_non_null(strstr(out.data, "\n      jq: 1.6-2\n      libjq1: 1.6-2\n"));
	assert_non_null(strstr(out.data, "\n  redis:7: " DIGEST "\n"));
	arena_release(&b.arena);
}

static void references(void **state)
{
	static const struct {
		const char *name, *reference;
	} cases[] = {
		{ "debian:bookworm-slim", "debian@" DIGEST },
		{ "redis", "redis@" DIGEST },
		{ "localhost:5000/a/b:1", "localhost:5000/a/b@" DIGEST },
		{ "localhost:5000/a/b", "localhost:5000/a/b@" DIGEST },
	};
	struct arena a = ARENA_INIT;
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct locked_image k = { .name = cases[i].name, .digest = DIGEST };
		assert_string_equal(locked_reference(&a, &k), cases[i].reference);
		k.local = true;
		assert_string_equal(locked_reference(&a, &k), cases[i].name);
	}
	arena_release(&a);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *says;
		int line;
	} cases[] = {
		{ "", "empty", 0 },
		{ "[1]\n", "expected a mapping", 1 },
		{ "images: {}\n", "version of a lock file", 1 },
		{ "version: 2\n", "this devenv reads 1", 1 },
		{ "version: 1\nrungs:\n<<<<<<< ours\n  a: {}\n", "conflict of a merge", 3 },
		{ "version: 1\nimages:\n  a: sha256:12\n", "is no digest", 3 },
		{ "version: 1\nimages:\n  \"a\\nRUN x\": " DIGEST "\n", "name of an image", 3 },
		{ "version: 1\nrungs:\n  a:\n    packages: {}\n", "hash of inputs", 3 },
		{ "version: 1\nrungs:\n  a:\n    inputs: 69acfe7a1521fcbf\n    packages:\n"
		  "      -o: 1\n",
			"name of a package", 6 },
		{ "version: 1\nrungs:\n  a:\n    inputs: 69acfe7a1521fcbf\n    packages:\n"
		  "      b: 1 2\n",
			"version of a package", 6 },
	};
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct bench b;
		assert_int_equal(read_text(&b, cases[i].text), -1);
		assert_non_null(strstr(b.diags.items[0].message, cases[i].says));
		assert_int_equal(b.diags.items[0].place.line, cases[i].line);
		arena_release(&b.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(one_line_per_thing),
		cmocka_unit_test(references),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
