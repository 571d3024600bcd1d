/*
 * Room run, the watcher where the kernel does not do all. Guards: limits of inotify (FAULTS section
 * 2, E03) and file systems without events (E12) become polling that is announced, lost events (E02)
 * a rescan; nothing is missed either way.
 */
#include <errno.h>
#include <sched.h>

#include "watch_test.h"

static void open_with(struct scene *s, struct home *h, struct watch_trouble trouble)
{
	trouble.poll_ms = 50;
	open_scene(s, h, &trouble);
	s->x = add_rule(s, &(struct watch_rule_set){ .path = h->project.dir, .git = true }, 1);
}

static const char *backend(struct scene *s)
{
	static struct watch_facts f;
	watcher_facts(s->w, &f);
	return f.backend;
}

/* After line the batches that come name at least this path. */
static void tells(struct scene *s, const char *line, const char *path)
{
	int64_t end = now_ms() + PATIENCE_MS;
	scene_clear(s);
	sh(s, line);
	while (!strs_has(&s->paths, path) && now_ms() < end)
		loop_turn(s->l, 10);
	if (!strs_has(&s->paths, path))
		fail_msg("%s: nothing of %s", line, path);
}

static void polled_as_told(struct scene *s)
{
	tells(s, "echo one >f", "f");
	tells(s, "echo longer >f", "f");
	tells(s, "echo other >t; mv t f", "f");
	tells(s, "mkdir -p a/b/c && touch a/b/c/f", "a/b/c/f");
	tells(s, "echo >a/b/c/f", "a/b/c/f");
	tells(s, "rm a/b/c/f", "a/b/c/f");
	tells(s, "mv a z", "a");
	tells(s, "touch z/b/c/g", "z/b/c/g");
	tells(s, "rm -r z; mkdir z; echo >z/n", "z/n");
	settle_scene(s);
	sh(s, "mkdir -p .devenv; echo >.devenv/x; mkfifo z/p");
	stay_quiet(s, 300);
}

/* FAULTS E03 */
static void no_instances(void **state)
{
	struct scene s;
	open_with(&s, *state, (struct watch_trouble){ .no_events = EMFILE });
	assert_string_equal(backend(&s), "polling");
	assert_true(noted(&s, "fs.inotify.max_user_instances"));
	polled_as_told(&s);
	close_scene(&s);
}

/* FAULTS E12 */
static void silent_file_system(void **state)
{
	struct scene s;
	open_with(&s, *state, (struct watch_trouble){ .silent = "9p" });
	assert_true(noted(&s, "(9p)"));
	assert_int_equal(s.notes.count, 1);
	polled_as_told(&s);
	close_scene(&s);
}

/* FAULTS E12 */
static void self_test_fails(void **state)
{
	struct scene s;
	open_with(&s, *state, (struct watch_trouble){ .deaf = true });
	assert_string_equal(backend(&s), "polling");
	assert_int_equal(s.notes.count, 1);
	tells(&s, "echo one >f", "f");
	close_scene(&s);
}

static void self_test_leaves_nothing(void **state)
{
	struct home *h = *state;
	struct scene s;
	mkdir(in_project(h, ".devenv"), 0700);
	open_with(&s, h, (struct watch_trouble){ 0 });
	assert_string_equal(backend(&s), "inotify");
	assert_int_equal(rmdir(in_project(h, ".devenv")), 0);
	close_scene(&s);
}

/* FAULTS E03 */
static void too_many_directories(void **state)
{
	struct scene s;
	struct home *h = *state;
	put_file(h, in_project(h, "a/f"), "x");
	put_file(h, in_project(h, "b/f"), "x");
	put_file(h, in_project(h, "c/f"), "x");
	open_with(&s, h, (struct watch_trouble){ .max_watches = 3 });
	assert_string_equal(backend(&s), "inotify, polling 2 directories");
	assert_true(noted(&s, "fs.inotify.max_user_watches"));
	assert_int_equal(s.notes.count, 1);
	tells(&s, "echo longer >a/f", "a/f");
	tells(&s, "echo longer >b/f", "b/f");
	tells(&s, "echo longer >c/f", "c/f");
	tells(&s, "mkdir c/d; echo >c/d/f", "c/d/f");
	tells(&s, "echo longer >c/d/f", "c/d/f");
	assert_int_equal(s.notes.count, 1);
	close_scene(&s);
}

static int limit_here(const char *watches)
{
	if (unshare(CLONE_NEWUSER))
		return -1;
	int fd = open("/proc/sys/user/max_inotify_watches", O_WRONLY | O_CLOEXEC);
	return fd < 0 || fd_write(fd, watches, strlen(watches)) ? -1 : close(fd);
}

/* The kernel's own refusal, in a user namespace that has a limit of its own. FAULTS E03. */
static void the_kernels_limit(void **state)
{
	struct home *h = *state;
	for (int i = 0; i < 20; i++)
		put_file(h, in_project(h, arena_printf(&h->a, "d%d/f", i)), "x");
	pid_t pid = fork();
	if (!pid) {
		struct scene s;
		if (limit_here("10"))
			_exit(77);
		open_with(&s, h, (struct watch_trouble){ 0 });
		_exit(streq(backend(&s), "inotify, polling 12 directories") ? 0 : 1);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* More than the kernel's queue holds, while nobody reads. FAULTS E02. */
static void events_are_lost(void **state)
{
	struct scene s;
	struct home *h = *state;
	struct watch_facts f;
	cleanup_buf struct buf text = BUF_INIT;
	sh(&(struct scene){ .h = h }, "mkdir a b");
	open_with(&s, h, (struct watch_trouble){ 0 });
	assert_int_equal(file_read("/proc/sys/fs/inotify/max_queued_events", 64, &text, &h->e), 0);
	sh(&s, arena_printf(&h->a,
		       "cd a; seq -f f%%.0f %ld | xargs touch; mkdir -p new/deep; echo >new/deep/f",
		       strtol(buf_str(&text), NULL, 10) + 1000));
	settle_scene(&s);
	watcher_facts(s.w, &f);
	assert_true(f.overflows > 0);
	assert_true(f.rescans > 0);
	assert_true(s.everything);
	tells(&s, "echo >a/new/deep/f", "a/new/deep/f");
	tells(&s, "echo >b/f", "b/f");
	close_scene(&s);
}

/* FAULTS E10 */
static void roots_come_back_to_polling(void **state)
{
	struct scene s;
	struct home *h = *state;
	put_file(h, in_project(h, "api/f"), "x");
	open_scene(&s, h, &(struct watch_trouble){ .no_events = EMFILE, .poll_ms = 20 });
	add_rule(&s, &(struct watch_rule_set){ .path = in_project(h, "api") }, 1);
	for (int i = 0; i < 3; i++) {
		scene_clear(&s);
		sh(&s, "mv api gone");
		settle_scene(&s);
		assert_true(s.everything);
		scene_clear(&s);
		sh(&s, "mkdir api");
		settle_scene(&s);
		assert_true(s.everything);
		tells(&s, "echo >api/f", "api/f");
		sh(&s, "rm -r gone");
	}
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(no_instances),
		test(silent_file_system),
		test(self_test_fails),
		test(self_test_leaves_nothing),
		test(too_many_directories),
		test(the_kernels_limit),
		test(events_are_lost),
		test(roots_come_back_to_polling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
