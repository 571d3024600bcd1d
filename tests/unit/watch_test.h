/* What the tests of the watcher share: a tree of their own, and what its batches named. */
#ifndef UNIT_WATCH_TEST_H
#define UNIT_WATCH_TEST_H

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "run/io/child.h"
#include "run/watch/watch.h"
#include "run/watch/watch_backend.h"
#include "run_test.h"

enum { PATIENCE_MS = 10000 }; /* a machine under load is slow, not wrong */

struct scene {
	struct home *h;
	struct loop *l;
	struct watcher *w;
	struct watch *x;
	unsigned batches, everything;
	struct strs paths; /* of the last batch, then of all since scene_clear() */
	size_t more;
	struct strs notes;
	struct watch_batch last;
	int64_t quiet_ms;
};

static inline void on_batch(void *ctx, const struct watch_batch *b)
{
	struct scene *s = ctx;
	s->batches++;
	s->everything += b->everything;
	s->more += b->more;
	for (size_t i = 0; i < b->paths.count; i++)
		if (!strs_has(&s->paths, b->paths.items[i]))
			strs_add(&s->h->a, &s->paths, arena_strdup(&s->h->a, b->paths.items[i]));
	s->last = *b;
}

static inline void on_note(void *ctx, const char *text)
{
	struct scene *s = ctx;
	strs_add(&s->h->a, &s->notes, arena_strdup(&s->h->a, text));
}

static inline void sh(struct scene *s, const char *line)
{
	pid_t pid = fork();
	if (!pid) {
		if (chdir(s->h->project.dir))
			_exit(126);
		execl("/bin/sh", "sh", "-ec", line, (char *)NULL);
		_exit(127);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	if (status)
		fail_msg("%s: status %d", line, status);
}

static inline void open_scene(struct scene *s, struct home *h, const struct watch_trouble *trouble)
{
	*s = (struct scene){ .h = h, .quiet_ms = WATCH_QUIET_MS, .l = loop_new() };
	s->w = watcher_new_in(s->l, h->project.dir, on_note, s, trouble, &h->e);
	assert_non_null(s->w);
}

static inline struct watch *add_rule(struct scene *s, const struct watch_rule_set *rules, size_t n)
{
	struct watch_request r = { .name = "api",
		.rules = rules,
		.count = n,
		.quiet_ms = s->quiet_ms,
		.fn = on_batch,
		.ctx = s };
	struct watch *x = watch_add(s->w, &r, &s->h->e);
	if (!x)
		fail_msg("%s", s->h->e.text);
	return x;
}

static inline void watch_project(struct scene *s, struct home *h)
{
	open_scene(s, h, &(struct watch_trouble){ 0 });
	s->x = add_rule(s, &(struct watch_rule_set){ .path = h->project.dir, .git = true }, 1);
}

static inline void close_scene(struct scene *s)
{
	watcher_free(s->w);
	loop_free(s->l);
}

static inline void scene_clear(struct scene *s)
{
	s->batches = s->everything = 0;
	s->more = 0;
	s->paths = (struct strs){ 0 };
}

/* Turns the loop until a batch came, then until none came for five quiet times. */
static inline void settle_scene(struct scene *s)
{
	int64_t end = now_ms() + PATIENCE_MS, still = now_ms();
	unsigned seen = s->batches;
	while (now_ms() < end && (!s->batches || now_ms() - still < 5 * WATCH_QUIET_MS)) {
		loop_turn(s->l, 10);
		if (s->batches != seen)
			still = now_ms();
		seen = s->batches;
	}
}

/* Nothing comes, for longer than a batch would take. */
static inline void stay_quiet(struct scene *s, int64_t ms)
{
	int64_t end = now_ms() + ms;
	scene_clear(s);
	while (now_ms() < end)
		loop_turn(s->l, 10);
	if (s->batches)
		fail_msg("%u batches: %s", s->batches, strs_join(&s->h->a, &s->paths, " "));
}

/* After line is run exactly one batch names exactly these paths (apart by blanks, sorted). */
static inline void becomes(struct scene *s, const char *line, const char *paths)
{
	scene_clear(s);
	sh(s, line);
	settle_scene(s);
	strs_sort(&s->paths);
	const char *got = strs_join(&s->h->a, &s->paths, " ");
	if (s->batches != 1 || !streq(got, paths))
		fail_msg("%s: %u batches, not one: %s, not %s", line, s->batches, got, paths);
}

static inline bool noted(const struct scene *s, const char *part)
{
	for (size_t i = 0; i < s->notes.count; i++)
		if (strstr(s->notes.items[i], part))
			return true;
	return false;
}

#endif
