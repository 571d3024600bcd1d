/*
 * Room run, the watcher with the kernel's events. Guards: each way in which editors and tools save
 * becomes one batch that names what was saved; what comes and goes is no change; new directories
 * lose nothing; ignore rules; roots that go and come back (FAULTS section 2, rows E04 to E11).
 */
#include <sched.h>
#include <sys/mount.h>

#include "watch_test.h"

/* FAULTS E04 */
static void plain_saves(void **state)
{
	struct scene s;
	put_file(*state, in_project(*state, "src/f"), "one\n");
	watch_project(&s, *state);
	becomes(&s, "echo two >src/f", "src/f");
	becomes(&s, "echo three >>src/f", "src/f");
	becomes(&s, "sed -i s/t/T/ src/f", "src/f");
	becomes(&s, "cp src/f src/g", "src/g");
	becomes(&s, "echo x >src/.t && mv src/.t src/f", "src/f");
	becomes(&s, "ln src/f src/t2 && rm src/g && ln src/t2 src/g && rm src/t2", "src/g");
	becomes(&s, "rm src/g", "src/g");
	becomes(&s, "ln -s f src/link", "src/link");
	sh(&s, "touch src/f; : >>src/f; cat src/f >/dev/null; chmod 600 src/f");
	stay_quiet(&s, 200);
	sh(&s, "echo >src/4913; rm src/4913; touch src/q; rm src/q; mkdir src/d; rmdir src/d");
	stay_quiet(&s, 200);
	close_scene(&s);
}

/* FAULTS E04 */
static void editors_saves(void **state)
{
	struct scene s;
	put_file(*state, in_project(*state, "f.py"), "one\n");
	watch_project(&s, *state);
	/* vim with a backup that goes, with one that stays, and by renaming */
	becomes(&s, ": >4913 && rm 4913 && mv f.py f.py~ && echo 2 >f.py && rm f.py~", "f.py");
	becomes(&s, "rm -f f.py.bak; mv f.py f.py~ && echo 3 >f.py", "f.py");
	/* emacs: a lock, an auto-save file, a backup */
	becomes(&s,
		"ln -s me@host:1 '.#f.py'; echo >'#f.py#'; mv f.py f.py~; echo 4 >f.py; "
		"rm '.#f.py' '#f.py#'",
		"f.py");
	/* JetBrains: safe write */
	becomes(&s,
		"echo 5 >f.py___jb_tmp___; mv f.py f.py___jb_old___; "
		"mv f.py___jb_tmp___ f.py; rm f.py___jb_old___",
		"f.py");
	/* rsync, and a backup name that no list knows */
	becomes(&s, "echo 6 >.f.py.XyZaBc && mv .f.py.XyZaBc f.py", "f.py");
	becomes(&s, "mv f.py f.old && echo 7 >f.py && rm f.old", "f.py");
	/* opening alone */
	sh(&s, "echo >.f.py.swp; ln -s a@b '.#f.py'; echo >.f.py.swx");
	stay_quiet(&s, 200);
	close_scene(&s);
}

/* The tools themselves, as they save. FAULTS E04. */
static void real_tools(void **state)
{
	static const char *const ways[] = { "set nobackup nowritebackup", "set writebackup",
		"set backup backupcopy=no", "set backup backupcopy=yes", "set noswapfile" };
	struct scene s;
	struct home *h = *state;
	put_file(h, in_project(h, "src/f.c"), "one\n");
	open_scene(&s, h, &(struct watch_trouble){ 0 });
	sh(&s, "git -c init.defaultBranch=main init -q; git config user.name t; git config "
	       "user.email t@t; git add -A; git commit -qm one; git checkout -qb other; "
	       "echo other >src/f.c; echo new >src/g.c; git add -A; git commit -qm two");
	add_rule(&s, &(struct watch_rule_set){ .path = h->project.dir, .git = true }, 1);
	becomes(&s, "git checkout -q main", "src/f.c src/g.c");
	becomes(&s, "git status >/dev/null; git checkout -q other", "src/f.c src/g.c");
	becomes(&s, "git mv src/g.c src/h.c", "src/g.c src/h.c");
	becomes(&s, "git checkout -q HEAD -- src/g.c", "src/g.c");
	becomes(&s, "patch -s src/f.c <<'.'\n--- a\n+++ b\n@@ -1 +1 @@\n-other\n+more\n.\n",
		"src/f.c");
	for (size_t i = 0; i < countof(ways); i++)
		becomes(&s,
			arena_printf(&h->a, "vim -es -u NONE -c '%s' -c '%%s/$/x/' -c wq src/f.c",
				ways[i]),
			"src/f.c");
	close_scene(&s);
}

/* FAULTS E11 */
static void new_directories_lose_nothing(void **state)
{
	struct scene s;
	watch_project(&s, *state);
	becomes(&s, "mkdir -p a/b/c && touch a/b/c/f", "a/b/c/f");
	becomes(&s, "cp -r a z", "z/b/c/f");
	becomes(&s, "mv z y", "y/b/c/f z");
	becomes(&s, "echo >y/b/c/f", "y/b/c/f");
	becomes(&s, "rm -r y", "y/b/c/f");
	becomes(&s, "mkdir e", "e");
	becomes(&s, "mv a ../out", "a");
	sh(&s, "echo >../out/b/c/f");
	stay_quiet(&s, 100);
	close_scene(&s);
}

static void rules_of_git_live(void **state)
{
	struct scene s;
	struct home *h = *state;
	struct watch_facts f;
	put_file(h, in_project(h, ".gitignore"), "build/\n*.o\n");
	put_file(h, in_project(h, "build/deep/x"), "x");
	put_file(h, in_project(h, "src/f"), "x");
	open_scene(&s, h, &(struct watch_trouble){ 0 });
	sh(&s, "git -c init.defaultBranch=main init -q; echo x >kept.o; git add -f kept.o");
	add_rule(&s, &(struct watch_rule_set){ .path = h->project.dir, .git = true }, 1);
	watcher_facts(s.w, &f);
	assert_int_equal(f.directories, 3); /* the project, src, and what is above */
	sh(&s, "echo >build/y; echo >build/deep/x; echo >src/f.o; echo >.git/x; mkdir .devenv; "
	       "echo >.devenv/x");
	stay_quiet(&s, 150);
	becomes(&s, "echo y >kept.o", "kept.o");
	becomes(&s, "echo '*.o' >.gitignore", ".gitignore build/deep/x build/y");
	becomes(&s, "echo z >build/deep/x", "build/deep/x");
	becomes(&s, "echo build >>.gitignore", ".gitignore");
	sh(&s, "echo z >build/deep/x");
	stay_quiet(&s, 100);
	sh(&s, "echo '*.log' >>.git/info/exclude; echo >src/a.log");
	stay_quiet(&s, 100);
	close_scene(&s);
}

static void rules_of_the_module(void **state)
{
	struct scene s;
	struct home *h = *state;
	struct arena *a = &h->a;
	struct watch_rule_set rules[] = { { .path = in_project(h, "api") },
		{ .path = in_project(h, "lib/one.h") } };
	strs_add(a, &rules[0].include, "*.py");
	strs_add(a, &rules[0].include, "static/");
	strs_add(a, &rules[0].ignore, "/gen/");
	strs_add(a, &rules[0].ignore, "*_pb.py");
	strs_add(a, &rules[0].ignore, "!x.py~");
	put_file(h, in_project(h, "api/static/css/a.css"), "x");
	put_file(h, in_project(h, "api/gen/g.py"), "x");
	put_file(h, in_project(h, "api/sub/gen/g.py"), "x");
	put_file(h, in_project(h, "lib/one.h"), "x");
	put_file(h, in_project(h, "lib/two.h"), "x");
	open_scene(&s, h, &(struct watch_trouble){ 0 });
	add_rule(&s, rules, countof(rules));
	sh(&s, "echo >api/README; echo >api/gen/g.py; echo >api/z_pb.py; echo >lib/two.h; mkdir e");
	stay_quiet(&s, 150);
	becomes(&s, "echo >api/m.py; echo >api/README", "api/m.py");
	becomes(&s, "echo >api/sub/gen/g.py; echo >api/static/css/a.css",
		"api/static/css/a.css api/sub/gen/g.py");
	becomes(&s, "echo >lib/t; mv lib/t lib/one.h", "lib/one.h");
	becomes(&s, "mv api/sub api/gone", "api/gone/gen/g.py api/sub");
	close_scene(&s);
}

static void two_modules_share(void **state)
{
	struct scene s, t;
	struct home *h = *state;
	struct watch_facts one, two;
	struct watch_rule_set rule = { .path = h->project.dir };
	put_file(h, in_project(h, "a/b/f"), "x");
	open_scene(&s, h, &(struct watch_trouble){ 0 });
	s.x = add_rule(&s, &rule, 1);
	watcher_facts(s.w, &one);
	t = s;
	struct watch_request r = {
		.name = "web", .rules = &rule, .count = 1, .fn = on_batch, .ctx = &t
	};
	t.x = watch_add(s.w, &r, &h->e);
	watcher_facts(s.w, &two);
	assert_int_equal(one.directories, two.directories);
	becomes(&s, "echo y >a/b/f", "a/b/f");
	assert_true(t.batches > 0);
	watch_remove(s.w, s.x);
	scene_clear(&t);
	becomes(&t, "rm a/b/f", "a/b/f");
	watch_remove(s.w, t.x);
	watcher_facts(s.w, &two);
	assert_int_equal(two.directories, 0);
	close_scene(&s);
}

static void held_back_while_paused(void **state)
{
	struct scene s;
	watch_project(&s, *state);
	watch_pause(s.x, true);
	sh(&s, "echo >f");
	stay_quiet(&s, 100);
	scene_clear(&s);
	watch_pause(s.x, false);
	settle_scene(&s);
	assert_int_equal(s.batches, 1);
	assert_string_equal(s.paths.items[0], "f");
	close_scene(&s);
}

/* A log that stays open holds nobody up, and counts once the limit is reached. FAULTS E05. */
static void writing_without_end(void **state)
{
	struct scene s;
	int64_t began, took;
	watch_project(&s, *state);
	int fd = open(in_project(*state, "log"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	scene_clear(&s);
	began = now_ms();
	assert_int_equal(write(fd, "x", 1), 1);
	settle_scene(&s);
	took = now_ms() - began;
	assert_string_equal(s.paths.items[0], "log");
	assert_true(took >= WATCH_GATHER_MS);
	assert_int_equal(write(fd, "x", 1), 1);
	becomes(&s, "echo >f", "f");
	close(fd);
	close_scene(&s);
}

static void without_quiet_time_at_once(void **state)
{
	struct scene s;
	struct home *h = *state;
	put_file(h, in_project(h, "f"), "x");
	open_scene(&s, h, &(struct watch_trouble){ 0 });
	s.quiet_ms = 0;
	add_rule(&s, &(struct watch_rule_set){ .path = h->project.dir }, 1);
	becomes(&s, "echo y >f", "f");
	sh(&s, "echo y >t; mv t f; echo y >t");
	settle_scene(&s);
	assert_true(strs_has(&s.paths, "f"));
	close_scene(&s);
}

/* FAULTS E09 */
static void what_is_not_followed(void **state)
{
	struct scene s;
	struct watch_facts f;
	watch_project(&s, *state);
	sh(&s, "mkdir ../out; echo >../out/f; mkdir d");
	settle_scene(&s);
	becomes(&s, "ln -s . d/loop; ln -s ../../out d/away", "d/away d/loop");
	sh(&s, "echo >../out/f; mkfifo d/pipe; rm d/pipe; mkfifo p");
	stay_quiet(&s, 150);
	sh(&s, "rm p");
	stay_quiet(&s, 100);
	watcher_facts(s.w, &f);
	assert_int_equal(f.directories, 3);
	close_scene(&s);
}

/* FAULTS E10 */
static void roots_go_and_come_back(void **state)
{
	struct scene s;
	struct home *h = *state;
	struct watch_facts f;
	put_file(h, in_project(h, "one/api/f"), "x");
	open_scene(&s, h, &(struct watch_trouble){ 0 });
	add_rule(&s, &(struct watch_rule_set){ .path = in_project(h, "one/api") }, 1);
	static const char *const goings[] = { "rm -r one/api", "rm -r one", "mv one two",
		"mv one/api away", "rm -r one; echo >one; rm one", "rm -r one; ln -s two one" };
	static const char *const comings[] = { "mkdir one/api", "mkdir -p one/api", "mv two one",
		"mv away one/api", "mkdir -p one/api", "rm one; mkdir -p one/api" };
	for (size_t i = 0; i < countof(goings); i++) {
		scene_clear(&s);
		sh(&s, goings[i]);
		settle_scene(&s);
		assert_true(s.everything);
		stay_quiet(&s, 50);
		scene_clear(&s);
		sh(&s, comings[i]);
		settle_scene(&s);
		assert_true(s.everything);
		becomes(&s, "echo x >one/api/f", "one/api/f");
	}
	sh(&s, "rm -r one; mkdir -p one/api");
	settle_scene(&s);
	becomes(&s, "echo x >one/api/g", "one/api/g");
	watcher_facts(s.w, &f);
	assert_int_equal(f.directories, 3);
	close_scene(&s);
}

static void a_missing_path_is_an_error(void **state)
{
	struct scene s;
	struct home *h = *state;
	open_scene(&s, h, &(struct watch_trouble){ 0 });
	struct watch_rule_set rule = { .path = in_project(h, "absent") };
	struct watch_request r = { .name = "api", .rules = &rule, .count = 1, .fn = on_batch };
	assert_null(watch_add(s.w, &r, &h->e));
	assert_non_null(strstr(h->e.text, "absent"));
	close_scene(&s);
}

/* In a child with powers of its own: the status tells. 77: it may not. */
static void in_child(void (*fn)(struct home *h), struct home *h)
{
	pid_t pid = fork();
	if (!pid) {
		fn(h);
		_exit(0);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void mount_and_watch(struct home *h)
{
	struct scene s;
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("tmpfs", in_project(h, "m"), "tmpfs", 0, NULL))
		_exit(77);
	watch_project(&s, h);
	if (!noted(&s, "1 mount point") || s.notes.count != 1)
		_exit(1);
	scene_clear(&s);
	sh(&s, "echo >m/f; echo >f");
	settle_scene(&s);
	_exit(s.paths.count == 1 ? 0 : 2);
}

/* FAULTS E09 */
static void mount_points_are_not_entered(void **state)
{
	struct home *h = *state;
	put_file(h, in_project(h, "m/f"), "x");
	in_child(mount_and_watch, h);
}

static void watch_as_nobody(struct home *h)
{
	struct scene s;
	if (setgid(65534) || setuid(65534))
		_exit(77);
	watch_project(&s, h);
	if (!noted(&s, "2 directories below") || s.notes.count != 1)
		_exit(1);
	_exit(0);
}

/* FAULTS E09 */
static void unreadable_directories_are_noted_once(void **state)
{
	struct home *h = *state;
	put_file(h, in_project(h, "a/f"), "x");
	put_file(h, in_project(h, "b/f"), "x");
	chmod(h->dir, 0755);
	chmod(in_project(h, "a"), 0700);
	chmod(in_project(h, "b"), 0700);
	in_child(watch_as_nobody, h);
}

/* A root inside a repository obeys the rules above it, as they are now. */
static void rules_above_the_root(void **state)
{
	struct scene s;
	struct home *h = *state;
	put_file(h, in_project(h, "api/f"), "x");
	open_scene(&s, h, &(struct watch_trouble){ 0 });
	sh(&s, "git -c init.defaultBranch=main init -q; echo '/api/*.log' >.gitignore; "
	       "git config core.excludesFile '~/mine'; echo '*.mine' >~/mine");
	add_rule(&s, &(struct watch_rule_set){ .path = in_project(h, "api"), .git = true }, 1);
	sh(&s, "echo >api/a.log; echo >api/b.mine");
	stay_quiet(&s, 100);
	sh(&s, "echo >.gitignore; echo >~/mine");
	becomes(&s, "echo x >api/a.log; echo x >api/b.mine", "api/a.log api/b.mine");
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(plain_saves),
		test(editors_saves),
		test(real_tools),
		test(new_directories_lose_nothing),
		test(rules_of_git_live),
		test(rules_of_the_module),
		test(two_modules_share),
		test(held_back_while_paused),
		test(writing_without_end),
		test(without_quiet_time_at_once),
		test(what_is_not_followed),
		test(roots_go_and_come_back),
		test(a_missing_path_is_an_error),
		test(mount_points_are_not_entered),
		test(unreadable_directories_are_noted_once),
		test(rules_above_the_root),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
