/*
 * Room run, the registry of workspaces. Guards: what is noted is listed, gone folders are told
 * apart, and forgetting reaches no other workspace.
 */
#include "base/os.h"
#include "run/files/places.h"
#include "run/registry.h"
#include "run_test.h"

static void workspaces_are_listed(void **state)
{
	struct home *h = *state;
	struct workspace_entries list = { 0 };
	struct places other;
	struct project p = h->project;
	assert_int_equal(registry_list(&h->a, &list, &h->e), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(registry_note(&h->places, &h->project, &h->e), 0);
	p.workspace = "blog-00000000";
	p.name = "blog \"x\"";
	p.dir = in_home(h, "gone");
	assert_int_equal(places_find(&h->a, p.dir, p.workspace, &other, &h->e), 0);
	assert_int_equal(registry_note(&other, &p, &h->e), 0);
	put_file(h, path_join(&h->a, path_dir(&h->a, other.state), "junk/workspace.json"), "{");
	assert_int_equal(registry_list(&h->a, &list, &h->e), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].id, "blog-00000000");
	assert_string_equal(list.items[0].name, "blog \"x\"");
	assert_true(list.items[0].gone);
	assert_string_equal(list.items[1].dir, h->project.dir);
	assert_false(list.items[1].gone);
	assert_int_equal(mode_of(h->places.state), 0700);
}

static void forgetting_stays_in_its_place(void **state)
{
	struct home *h = *state;
	static const char *const bad[] = { "", ".", "..", "../..", "a/b", ".ports.lock" };
	assert_int_equal(registry_note(&h->places, &h->project, &h->e), 0);
	for (size_t i = 0; i < countof(bad); i++)
		assert_int_equal(registry_forget(bad[i], &h->e), -1);
	assert_true(dir_exists(h->places.state));
	assert_int_equal(registry_forget(h->project.workspace, &h->e), 0);
	assert_false(dir_exists(h->places.state));
	assert_int_equal(registry_forget(h->project.workspace, &h->e), 0);
}

static void sudo_leaves_no_files_of_root(void **state)
{
	struct home *h = *state;
	struct places pl;
	if (geteuid())
		skip();
	assert_int_equal(chown(h->dir, 12345, 12345), 0);
	assert_int_equal(places_find(&h->a, h->project.dir, "x", &pl, &h->e), 0);
	setenv("SUDO_UID", "12345", 1);
	assert_int_equal(places_find(&h->a, h->project.dir, "x", &pl, &h->e), -1);
	assert_non_null(strstr(h->e.text, "uid 12345"));
	assert_int_equal(chown(h->dir, 0, 0), 0);
	assert_int_equal(places_find(&h->a, h->project.dir, "x", &pl, &h->e), 0);
	unsetenv("SUDO_UID");
	unsetenv("HOME");
	assert_int_equal(places_find(&h->a, h->project.dir, "x", &pl, &h->e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(workspaces_are_listed),
		test(forgetting_stays_in_its_place),
		test(sudo_leaves_no_files_of_root),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
