/*
 * Room run, git. Guards: branch and commit as git tells them, worktrees told apart, and no failure
 * where there is no repository, a broken one or another owner's (FAULTS section 2, row 39).
 */
#include "run/files/git.h"
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
	put_file(h, in_home(h, "said"), buf_str(&out));
	buf_release(&out);
	loop_free(l);
}

static void repository(struct home *h)
{
	sh(h, "git -c init.defaultBranch=main init -q; git config user.name t; git config "
	      "user.email t@t; "
	      "echo a >a; git add a; git commit -qm a");
}

static void no_repository_is_no_failure(void **state)
{
	struct home *h = *state;
	struct git_facts g;
	bool ignored = false;
	assert_int_equal(git_look(&h->a, h->project.dir, &g, &h->e), 0);
	assert_null(g.branch);
	assert_null(g.commit);
	assert_int_equal(git_ignored(h->project.dir, "x", &ignored, &h->e), 0);
	assert_true(ignored); /* nothing would commit it */
	assert_int_equal(git_look(&h->a, in_home(h, "absent"), &g, &h->e), 0);
	put_file(h, in_project(h, ".git"), "gitdir: /nowhere\n");
	assert_int_equal(git_look(&h->a, h->project.dir, &g, &h->e), 0);
	assert_null(g.branch);
}

static void facts_are_those_of_git(void **state)
{
	struct home *h = *state;
	struct git_facts g;
	sh(h, "git -c init.defaultBranch=trunk init -q");
	assert_int_equal(git_look(&h->a, h->project.dir, &g, &h->e), 0);
	assert_string_equal(g.branch, "trunk"); /* unborn */
	assert_null(g.commit);
	sh(h, "rm -rf .git");
	repository(h);
	sh(h, "git checkout -qb feature/x; git rev-parse HEAD");
	const char *commit = arena_strndup(&h->a, get_file(h, in_home(h, "said")), 40);
	assert_int_equal(git_look(&h->a, h->project.dir, &g, &h->e), 0);
	assert_string_equal(g.branch, "feature/x");
	assert_string_equal(g.commit, commit);
	assert_false(g.worktree);
	sh(h, "git worktree add -q ../tree -b other");
	assert_int_equal(git_look(&h->a, in_home(h, "tree"), &g, &h->e), 0);
	assert_string_equal(g.branch, "other");
	assert_true(g.worktree);
	sh(h, "git checkout -q --detach");
	assert_int_equal(git_look(&h->a, h->project.dir, &g, &h->e), 0);
	assert_null(g.branch);
	assert_string_equal(g.commit, commit);
}

static void ignored_as_git_says(void **state)
{
	struct home *h = *state;
	bool ignored;
	repository(h);
	put_file(h, in_project(h, ".gitignore"), "*.local.yml\nbuild/\n");
	put_file(h, in_project(h, "build/x"), "x");
	sh(h, "echo t >t.local.yml; git add -f t.local.yml; mkdir sub");
	assert_int_equal(git_ignored(h->project.dir, "devenv.local.yml", &ignored, &h->e), 0);
	assert_true(ignored);
	assert_int_equal(git_ignored(h->project.dir, "devenv.yml", &ignored, &h->e), 0);
	assert_false(ignored);
	assert_int_equal(git_ignored(h->project.dir, "build/x", &ignored, &h->e), 0);
	assert_true(ignored);
	assert_int_equal(git_ignored(h->project.dir, "t.local.yml", &ignored, &h->e), 0);
	assert_false(ignored); /* tracked already: .gitignore does not hide it any more */
	assert_int_equal(git_ignored(in_project(h, "sub"), "x.local.yml", &ignored, &h->e), 0);
	assert_true(ignored);
}

static void another_owner_degrades(void **state)
{
	struct home *h = *state;
	struct git_facts g;
	if (geteuid())
		skip();
	repository(h);
	sh(h, "chown -R 12345:12345 .");
	assert_int_equal(git_look(&h->a, h->project.dir, &g, &h->e), 0);
	assert_null(g.branch);
}

/* What an image is labelled with: version from tags, no password in the address, dirt of the
 * project alone. */
static void what_is_built_from(void **state)
{
	struct home *h = *state;
	struct source_facts f;
	assert_int_equal(git_source(&h->a, h->project.dir, &f, &h->e), 0);
	assert_true(f.known);
	assert_null(f.commit);
	repository(h);
	sh(h, "git tag v1.2; git remote add origin https://me:pass@host.example/x/shop.git");
	assert_int_equal(git_source(&h->a, h->project.dir, &f, &h->e), 0);
	assert_string_equal(f.version, "v1.2");
	assert_string_equal(f.url, "https://host.example/x/shop.git");
	assert_int_equal(strlen(f.commit), 40);
	assert_true(f.time > 0);
	assert_false(f.dirty);
	sh(h, "mkdir sub; echo b >sub/b; git add sub; git commit -qm b; echo c >>a");
	assert_int_equal(git_source(&h->a, in_project(h, "sub"), &f, &h->e), 0);
	assert_false(f.dirty); /* what differs lies outside */
	assert_true(starts_with(f.version, "v1.2-1-g"));
	assert_int_equal(git_source(&h->a, h->project.dir, &f, &h->e), 0);
	assert_true(f.dirty);
	sh(h, "git checkout -q a; echo '*.o' >.gitignore; git add .gitignore; git commit -qm i; "
	      "echo o >x.o");
	assert_int_equal(git_source(&h->a, h->project.dir, &f, &h->e), 0);
	assert_false(f.dirty); /* ignored */
	sh(h, "echo new >new");
	assert_int_equal(git_source(&h->a, h->project.dir, &f, &h->e), 0);
	assert_true(f.dirty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(no_repository_is_no_failure),
		test(facts_are_those_of_git),
		test(what_is_built_from),
		test(ignored_as_git_says),
		test(another_owner_degrades),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
