/* Room cmd: which file a name in a tool's output means. Guards: names of the container and of the
 * host lead to the same file; nothing outside of the project is linked to, whatever a link or a
 * path full of dots says; output without end does not ask the disk without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail /* a command's own */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/results.h"

struct ground {
	struct arena arena;
	struct project project;
	struct service service;
	struct develop develop;
	const char *outside;
};

static const char *at(struct ground *g, const char *dir, const char *name)
{
	return arena_printf(&g->arena, "%s/%s", dir, name);
}

static void put(const char *path)
{
	struct err e = ERR_INIT;
	assert_int_equal(file_write(path, "x", 1, 0644, false, &e), 0);
}

static int ground_up(void **state)
{
	struct ground *g = xcalloc(1, sizeof(*g));
	struct err e = ERR_INIT;
	char top[] = "/tmp/devenv-links-XXXXXX";
	assert_non_null(mkdtemp(top));
	const char *real = path_real(&g->arena, top);
	g->project.dir = at(g, real, "project");
	g->outside = at(g, real, "outside.c");
	const char *src = at(g, g->project.dir, "api/src");
	assert_int_equal(dir_make(src, 0755, &e), 0);
	put(at(g, src, "a.c"));
	put(at(g, g->project.dir, "top.c"));
	put(g->outside);
	assert_int_equal(symlink(g->outside, at(g, src, "out.c")), 0);
	g->develop.source = at(g, g->project.dir, "api");
	g->service =
		(struct service){ .name = "api", .develop = &g->develop, .working_dir = "/app" };
	struct mount *m = list_push(&g->arena, &g->service.mounts);
	*m = (struct mount){ .kind = MOUNT_BIND, .source = src, .target = "/mnt/src" };
	*state = g;
	return 0;
}

static int ground_down(void **state)
{
	struct ground *g = *state;
	struct err e = ERR_INIT;
	tree_remove(path_dir(&g->arena, g->project.dir), &e);
	arena_release(&g->arena);
	xfree(g);
	return 0;
}

/* want: relative to the project; NULL: no link. */
static void means(struct ground *g, const char *name, const char *want)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct link_scope scope = { &g->project, &g->service, 10 };
	bool found = link_to_file(&scope, name, strlen(name), &out);
	if (found != (want != NULL))
		print_error("%s: %s\n", name, found ? buf_str(&out) : "not found");
	assert_int_equal(found, want != NULL);
	if (want)
		assert_string_equal(buf_str(&out), at(g, g->project.dir, want));
}

static void names_of_both_sides_lead_to_the_file(void **state)
{
	struct ground *g = *state;
	means(g, "src/a.c", "api/src/a.c");
	means(g, "./src/a.c", "api/src/a.c");
	means(g, "api/src/a.c", "api/src/a.c");
	means(g, "top.c", "top.c");
	means(g, "/app/src/a.c", "api/src/a.c");
	means(g, "/mnt/src/a.c", "api/src/a.c");
	means(g, at(g, g->project.dir, "api/src/a.c"), "api/src/a.c");
}

static void what_is_outside_is_not_linked_to(void **state)
{
	struct ground *g = *state;
	static const char *const names[] = { "src", "src/none.c", "/etc/passwd", "../outside.c",
		"/app/../../outside.c", "src/out.c", "/application/src/a.c", "/app", "/" };
	for (size_t i = 0; i < countof(names); i++)
		means(g, names[i], NULL);
	means(g, g->outside, NULL);
}

static void looking_has_an_end(void **state)
{
	struct ground *g = *state;
	struct link_scope scope = { &g->project, &g->service, 3 };
	int found = 0;
	for (int i = 0; i < 10; i++) {
		cleanup_buf struct buf out = BUF_INIT;
		found += link_to_file(&scope, "top.c", 5, &out);
	}
	assert_int_equal(found, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			names_of_both_sides_lead_to_the_file, ground_up, ground_down),
		cmocka_unit_test_setup_teardown(
			what_is_outside_is_not_linked_to, ground_up, ground_down),
		cmocka_unit_test_setup_teardown(looking_has_an_end, ground_up, ground_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
