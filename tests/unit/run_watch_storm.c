/*
 * Room run, the watcher under abuse. Guards invariant 7 of the design: no change is lost; after
 * quiet, whoever acted on the last batch saw the final state (FAULTS section 2, E01, E02, E05).
 * Random operations from fixed seeds, checkouts of thousands of files, a queue that overflows.
 */
#include <dirent.h>
#include <errno.h>

#include "watch_test.h"

#ifndef STORM_FILES
#define STORM_FILES 1000
#define STORM_ROUNDS 4
#define SEEDS 6
#endif

struct storm {
	struct scene s; /* first: what a batch gets as its ctx */
	uint64_t seen;  /* state of the tree when the last batch was given out */
};

/* The state of a tree as one number: names, kinds, contents. */
static uint64_t state_of(const char *dir)
{
	uint64_t sum = 0;
	char data[256];
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		struct arena a = ARENA_INIT;
		if (e->d_name[0] == '.')
			continue;
		char *path = path_join(&a, dir, e->d_name);
		int fd = e->d_type == DT_REG ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		ssize_t got = fd < 0 ? 0 : read(fd, data, sizeof(data));
		char *text = arena_printf(&a, "%s %d ", path, e->d_type);
		sum += hash_bytes(text, strlen(text)) *
		       (hash_bytes(data, got > 0 ? (size_t)got : 0) | 1);
		if (e->d_type == DT_DIR)
			sum += state_of(path);
		if (fd >= 0)
			close(fd);
		arena_release(&a);
	}
	if (d)
		closedir(d);
	return sum;
}

static void on_storm(void *ctx, const struct watch_batch *b)
{
	struct storm *st = ctx;
	on_batch(&st->s, b);
	st->seen = state_of(st->s.h->project.dir);
}

static void open_storm(struct storm *st, struct home *h, struct watch_trouble trouble)
{
	open_scene(&st->s, h, &trouble);
	struct watch_rule_set rule = { .path = h->project.dir, .git = true };
	struct watch_request r = { .name = "api",
		.rules = &rule,
		.count = 1,
		.quiet_ms = WATCH_QUIET_MS,
		.fn = on_storm,
		.ctx = st };
	st->seen = state_of(h->project.dir);
	assert_non_null(st->s.x = watch_add(st->s.w, &r, &h->e));
}

/* Turns until the one who acts on batches has seen what is there now. */
static void wait_seen(struct storm *st, const char *what, unsigned number)
{
	uint64_t now = state_of(st->s.h->project.dir);
	int64_t end = now_ms() + 3 * PATIENCE_MS;
	while (st->seen != now && now_ms() < end)
		loop_turn(st->s.l, 50);
	if (st->seen != now)
		fail_msg("%s %u: the last of %u batches did not see the final state", what, number,
			st->s.batches);
}

static void turn_until_ended(struct storm *st, pid_t pid)
{
	int status;
	while (waitpid(pid, &status, WNOHANG) == 0)
		loop_turn(st->s.l, 20);
	assert_int_equal(status, 0);
}

/* ---- Random operations, by a child. ---- */

static unsigned seed;

static unsigned any(unsigned n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* "a", "b/c", "d/a/b": few names, so that they meet. */
static const char *any_path(struct arena *a)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f.c", "g.o", "tmp" };
	char *path = arena_strdup(a, names[any(countof(names))]);
	for (unsigned depth = any(4); depth--;)
		path = arena_printf(a, "%s/%s", names[any(5)], path);
	return path;
}

static void write_some(const char *path, int flags)
{
	char text[32];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
	if (fd < 0)
		return;
	for (unsigned n = 1 + any(3); n--;) {
		snprintf(text, sizeof(text), "%.*s%u", (int)any(9), "xxxxxxxxx", seed);
		if (write(fd, text, strlen(text)) < 0)
			break;
		if (!any(50))
			usleep(any(3000));
	}
	close(fd);
}

static void operate(struct arena *a)
{
	struct err e;
	const char *one = any_path(a), *two = any_path(a);
	switch (any(10)) {
	case 0:
		dir_make(one, 0755, &e);
		break;
	case 1:
		dir_make(one, 0755, &e);
		write_some(arena_printf(a, "%s/new", one), O_TRUNC);
		break;
	case 2:
		tree_remove(one, &e);
		break;
	case 3:
	case 4:
		rename(one, two);
		break;
	case 5:
		if (symlink(two, one) && !any(2))
			unlink(one);
		break;
	case 6:
		if (link(one, two) && !any(2))
			unlink(two);
		break;
	case 7:
		write_some(one, O_APPEND);
		break;
	default:
		write_some(arena_printf(a, "%s.tmp", one), O_TRUNC);
		rename(arena_printf(a, "%s.tmp", one), one);
	}
}

static pid_t operate_child(struct home *h, unsigned number, unsigned count)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	if (chdir(h->project.dir))
		_exit(1);
	seed = number * 7919;
	for (unsigned i = 0; i < count; i++) {
		struct arena a = ARENA_INIT;
		operate(&a);
		if (!any(30))
			usleep(any(30000));
		arena_release(&a);
	}
	_exit(0);
}

static void random_operations(struct home *h, struct watch_trouble trouble, unsigned count)
{
	struct storm st = { 0 };
	open_storm(&st, h, trouble);
	for (unsigned i = 1; i <= SEEDS; i++) {
		turn_until_ended(&st, operate_child(h, i, count));
		wait_seen(&st, "seed", i);
	}
	close_scene(&st.s);
}

static void random_operations_told(void **state)
{
	random_operations(*state, (struct watch_trouble){ 0 }, 600);
}

static void random_operations_polled(void **state)
{
	random_operations(
		*state, (struct watch_trouble){ .no_events = EMFILE, .poll_ms = 20 }, 300);
}

static void random_operations_half_polled(void **state)
{
	random_operations(*state, (struct watch_trouble){ .max_watches = 5, .poll_ms = 20 }, 300);
}

/* ---- Many files at once. ---- */

static void make_branches(struct scene *s)
{
	sh(s, arena_printf(&s->h->a,
		      "git -c init.defaultBranch=one init -q; git config user.name t; "
		      "git config user.email t@t; git config gc.auto 0; "
		      "for d in 1 2 3 4 5 6 7 8 9; do mkdir -p s/$d; done; "
		      "seq %d | awk '{ print $1 >\"s/\" ($1 %% 9 + 1) \"/f\" $1 }'; "
		      "git add -A; git commit -qm one; git checkout -qb two; "
		      "seq %d | awk '{ print \"two\" $1 >\"s/\" ($1 %% 9 + 1) \"/f\" $1 }'; "
		      "git rm -rqf s/3; git add -A; git commit -qm two",
		      STORM_FILES, STORM_FILES));
}

static pid_t checkout(struct home *h, unsigned round)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	if (!chdir(h->project.dir))
		execlp("git", "git", "checkout", "-q", round % 2 ? "one" : "two", (char *)NULL);
	_exit(127);
}

/* FAULTS E01 */
static void checkouts(void **state)
{
	struct home *h = *state;
	struct storm st = { .s.h = h };
	make_branches(&st.s);
	open_storm(&st, h, (struct watch_trouble){ 0 });
	for (unsigned i = 1; i <= STORM_ROUNDS; i++) {
		scene_clear(&st.s);
		turn_until_ended(&st, checkout(h, i));
		wait_seen(&st, "checkout", i);
		assert_true(st.s.everything || st.s.paths.count + st.s.more >= STORM_FILES / 2);
	}
	close_scene(&st.s);
}

static void make_files(struct home *h, const char *dir, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct arena a = ARENA_INIT;
		write_some(arena_printf(&a, "%s/%s/f%u", h->project.dir, dir, i), 0);
		arena_release(&a);
	}
}

/* Nobody reads while it happens: what stopping the process with SIGSTOP comes to. FAULTS E02. */
static void overflows(void **state)
{
	struct home *h = *state;
	struct storm st = { .s.h = h };
	struct watch_facts f;
	sh(&st.s, "mkdir a b c");
	open_storm(&st, h, (struct watch_trouble){ 0 });
	for (unsigned i = 0; i < 2; i++) {
		scene_clear(&st.s);
		make_files(h, i ? "a" : "b", 6000);
		sh(&st.s, arena_printf(&h->a, "mkdir -p c/%u/d; echo >c/%u/d/f", i, i));
		wait_seen(&st, "overflow", i);
		assert_true(st.s.everything);
	}
	watcher_facts(st.s.w, &f);
	assert_true(f.overflows >= 2);
	close_scene(&st.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(random_operations_told),
		test(random_operations_polled),
		test(random_operations_half_polled),
		test(checkouts),
		test(overflows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
