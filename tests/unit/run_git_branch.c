/*
 * Room run, branches. Guards: the branch of a checkout and what it was made from, as git's reflogs
 * tell it, in work trees too; a branch that is gone is known to be.
 */
#include "run/files/git_branch.h"

#include "run/io/spawn.h"
#include "run_test.h"

static void sh(struct home *h, const char *line)
{
	struct loop *l = loop_new();
	const char *argv[] = { "/bin/sh", "-ec", line, NULL };
	struct buf out = BUF_INIT;
	int status = -1;
	assert_int_equal(
		spawn_run(l, &(struct spawn){ .argv = argv, .dir = h->project.dir, .out = &out },
			&status, &h->e),
		0);
	if (status)
		fail_msg("%s: %s", line, buf_str(&out));
	buf_release(&out);
	loop_free(l);
}

static void repository(struct home *h)
{
	sh(h, "git -c init.defaultBranch=main init -q; git config user.name t; git config "
	      "user.email t@t; echo a >a; git add a; git commit -qm a");
}

static const char *parents(struct home *h, const char *dir)
{
	struct checkout b;
	git_branch_look(&h->a, dir, &b);
	return strs_join(&h->a, &b.parents, " ");
}

static void a_checkout_is_on_a_branch_or_none(void **state)
{
	struct home *h = *state;
	struct checkout b;
	git_branch_look(&h->a, h->project.dir, &b);
	assert_false(b.repository);
	assert_null(b.branch);
	repository(h);
	sh(h, "mkdir -p deep/er");
	assert_string_equal(git_branch_name(&h->a, in_project(h, "deep/er")), "main");
	sh(h, "git checkout -q --detach");
	git_branch_look(&h->a, h->project.dir, &b);
	assert_true(b.repository);
	assert_null(b.branch);
}

static void parents_are_told_nearest_first(void **state)
{
	struct home *h = *state;
	repository(h);
	assert_string_equal(parents(h, h->project.dir), "");
	sh(h, "git checkout -qb feature/x");
	assert_string_equal(parents(h, h->project.dir), "main");
	sh(h, "git checkout -qb feature/y; git checkout -q main; git checkout -q feature/y");
	assert_string_equal(parents(h, h->project.dir), "feature/x main");
	sh(h, "git branch z feature/x; git checkout -q z");
	assert_string_equal(parents(h, h->project.dir), "feature/x main");
	sh(h, "git checkout -q main; git checkout -qb w refs/heads/z");
	assert_string_equal(parents(h, h->project.dir), "z feature/x main");
}

static void a_remote_branch_stands_for_the_local_one(void **state)
{
	struct home *h = *state;
	repository(h);
	sh(h, "git update-ref refs/remotes/origin/next HEAD; git branch --no-track t origin/next; "
	      "git checkout -q t");
	assert_string_equal(parents(h, h->project.dir), "next");
}

static void a_work_tree_has_a_branch_of_its_own(void **state)
{
	struct home *h = *state;
	repository(h);
	sh(h, "git worktree add -q -b side ../side");
	assert_string_equal(git_branch_name(&h->a, in_home(h, "side")), "side");
	assert_string_equal(git_branch_name(&h->a, h->project.dir), "main");
	assert_true(git_branch_exists(&h->a, in_home(h, "side"), "main"));
}

static void a_branch_that_is_gone_is_known_to_be(void **state)
{
	struct home *h = *state;
	assert_true(git_branch_exists(&h->a, h->project.dir, "x")); /* nobody can tell */
	repository(h);
	sh(h, "git branch a/b; git branch a/bc");
	assert_true(git_branch_exists(&h->a, h->project.dir, "a/b"));
	sh(h, "git pack-refs --all");
	assert_true(git_branch_exists(&h->a, h->project.dir, "a/b"));
	assert_false(git_branch_exists(&h->a, h->project.dir, "b"));
	sh(h, "git branch -qD a/b");
	assert_false(git_branch_exists(&h->a, h->project.dir, "a/b"));
	assert_true(git_branch_exists(&h->a, h->project.dir, "a/bc"));
	assert_true(git_branch_exists(&h->a, h->project.dir, "main"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_checkout_is_on_a_branch_or_none, home_setup, home_teardown),
		cmocka_unit_test_setup_teardown(
			parents_are_told_nearest_first, home_setup, home_teardown),
		cmocka_unit_test_setup_teardown(
			a_remote_branch_stands_for_the_local_one, home_setup, home_teardown),
		cmocka_unit_test_setup_teardown(
			a_work_tree_has_a_branch_of_its_own, home_setup, home_teardown),
		cmocka_unit_test_setup_teardown(
			a_branch_that_is_gone_is_known_to_be, home_setup, home_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
