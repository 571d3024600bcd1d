/*
 * The watcher. Comes in: rules of modules, the loop's time. Goes out: batches of changed paths, and
 * notes about what cannot be watched as it should. Chooses the back end of each directory.
 */
#include "run/watch/watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "base/os.h"
#include "run/watch/watch_backend.h"
#include "run/watch/watch_gather.h"

enum { MS = 1000000 };

struct watched_rule {
	struct watch *watch;
	struct watch_tree *tree;
	const char *shown; /* the root as paths begin with it: relative to the project, "" for it */
	bool silent;       /* its file system does not tell changes */
};

struct watch {
	struct watcher *watcher;
	struct watch *next;
	const char *name;
	struct watched_rule *rules;
	size_t count;
	struct gather gather;
	bool paused;
	watch_fn *fn;
	void *ctx;
	struct arena arena;
};

struct watcher {
	struct loop *loop;
	const char *project;
	watch_note_fn *note;
	void *ctx;
	struct watch *watches;
	struct watch_backend *events, *polling; /* NULL: none; polling is made when first needed */
	struct watch_trouble trouble;
	size_t refused; /* directories that met the kernel's limit since last asked */
	bool refused_said;
	char backend[64]; /* of watcher_facts() */
	unsigned long overflows, rescans;
	uv_timer_t *timer;
	bool giving;
	struct strs said; /* notes */
	struct arena arena;
};

static void note(struct watcher *w, const char *text)
{
	if (!w->note || strs_has(&w->said, text))
		return;
	strs_add(&w->arena, &w->said, arena_strdup(&w->arena, text));
	w->note(w->ctx, text);
}

static void tell_refused(struct watcher *w)
{
	if (!w->refused)
		return;
	struct watch_limit limit = watch_limit(ENOSPC);
	struct arena a = ARENA_INIT;
	if (!w->refused_said)
		note(w, arena_printf(&a,
				"the kernel watches no more directories: %s is %ld, %ld would do; "
				"%zu directories are looked through every %d ms instead "
				"(sudo sysctl %s=%ld)",
				limit.sysctl, limit.value, limit.value + (long)w->refused,
				w->refused, WATCH_POLL_MS, limit.sysctl,
				limit.value + (long)w->refused));
	w->refused_said = true;
	w->refused = 0;
	arena_release(&a);
}

/* ---- Time. ---- */

static void on_timer(uv_timer_t *timer);

static int64_t next_moment(const struct watcher *w)
{
	int64_t due = INT64_MAX;
	for (const struct watch *x = w->watches; x; x = x->next) {
		int64_t d = x->paused ? INT64_MAX : gather_due(&x->gather);
		due = d < due ? d : due;
	}
	return due;
}

static void set_timer(struct watcher *w)
{
	int64_t due = next_moment(w), now = (int64_t)uv_hrtime();
	if (due == INT64_MAX) {
		uv_timer_stop(w->timer);
		return;
	}
	uv_update_time(loop_uv(w->loop));
	uv_timer_start(w->timer, on_timer, due > now ? (uint64_t)(due - now) / MS : 0, 0);
}

/* A loop counts in whole milliseconds. One that is rounded up would come late by half of one. */
static void sleep_the_rest(const struct watcher *w)
{
	int64_t due = next_moment(w), left = due - (int64_t)uv_hrtime();
	if (due != INT64_MAX && left > 0 && left < MS)
		nanosleep(&(struct timespec){ .tv_nsec = left }, NULL);
}

static void give(struct watch *x, int64_t now)
{
	struct arena a = ARENA_INIT;
	struct watch_batch b;
	if (gather_take(&x->gather, now, &a, &b))
		x->fn(x->ctx, &b);
	arena_release(&a);
}

/* A callback may remove its own watch or another, so each looks from the first again. */
static struct watch *next_due(struct watcher *w, int64_t now)
{
	struct watch *x = w->watches;
	while (x && (x->paused || gather_due(&x->gather) > now))
		x = x->next;
	return x;
}

/* Scans wait until a batch is due: a checkout that changes rules or overflows the queue again and
 * again costs one of them, not one a round. */
static void settle(struct watch *x, int64_t now)
{
	int64_t due = gather_due(&x->gather);
	for (size_t i = 0; i < x->count; i++)
		watch_tree_settle(x->rules[i].tree, due == INT64_MAX || due <= now);
}

static void give_due(struct watcher *w)
{
	int64_t now = (int64_t)uv_hrtime();
	if (w->giving)
		return;
	w->giving = true;
	for (struct watch *x; (x = next_due(w, now));) {
		settle(x, now);
		if (gather_due(&x->gather) <= now)
			give(x, now);
	}
	w->giving = false;
	set_timer(w);
}

static void settle_all(struct watcher *w)
{
	int64_t now = (int64_t)uv_hrtime();
	for (struct watch *x = w->watches; x; x = x->next)
		settle(x, now);
	tell_refused(w);
}

/* What is queued comes into the batch, or makes it wait: nothing older than it is left behind. */
static void on_timer(uv_timer_t *timer)
{
	struct watcher *w = timer->data;
	sleep_the_rest(w);
	if (w->events)
		w->events->ops->drain(w->events);
	else
		give_due(w);
	loop_stir(w->loop);
}

/* ---- What back ends and trees say. ---- */

static void on_round(void *ctx)
{
	struct watcher *w = ctx;
	settle_all(w);
	give_due(w);
}

static void on_lost(void *ctx)
{
	struct watcher *w = ctx;
	w->overflows++;
	for (struct watch *x = w->watches; x; x = x->next) {
		w->rescans += !x->gather.everything;
		gather_everything(&x->gather, (int64_t)uv_hrtime());
		for (size_t i = 0; i < x->count; i++)
			watch_tree_lost(x->rules[i].tree);
	}
}

static void on_begin(void *ctx)
{
	settle_all(ctx);
}

static struct watch_sink sink_of(struct watcher *w)
{
	return (struct watch_sink){
		.begin = on_begin, .lost = on_lost, .round = on_round, .ctx = w
	};
}

static void on_change(void *ctx, const struct watch_change *c)
{
	struct watched_rule *r = ctx;
	struct watch_change now = *c;
	char path[8192];
	if (!now.at_ns)
		now.at_ns = (int64_t)uv_hrtime();
	snprintf(path, sizeof(path), "%s%s%s", r->shown, *r->shown && *c->path ? "/" : "", c->path);
	gather_change(&r->watch->gather, path, &now);
}

static void on_all(void *ctx)
{
	struct watched_rule *r = ctx;
	gather_everything(&r->watch->gather, (int64_t)uv_hrtime());
}

static void on_note(void *ctx, const char *text)
{
	struct watched_rule *r = ctx;
	struct arena a = ARENA_INIT;
	note(r->watch->watcher, arena_printf(&a, "%s: %s", r->watch->name, text));
	arena_release(&a);
}

static struct watch_backend *polling(struct watcher *w)
{
	if (!w->polling)
		w->polling = watch_poll_new(w->loop, sink_of(w),
			w->trouble.poll_ms ? w->trouble.poll_ms : WATCH_POLL_MS);
	return w->polling;
}

static bool fs_tells(const struct watcher *w, const char *path, const char **kind)
{
	*kind = w->trouble.silent;
	return !*kind && watch_fs_tells(path, kind);
}

static void note_silent(struct watcher *w, const char *path, const char *kind)
{
	struct arena a = ARENA_INIT;
	note(w, arena_printf(&a,
			"the kernel does not tell what others change on this file system (%s): %s "
			"is "
			"looked through every %d ms instead",
			kind, path, WATCH_POLL_MS));
	arena_release(&a);
}

static bool refused(int why)
{
	return why == ENOSPC || why == ENOMEM || why == EMFILE;
}

/* The file system is asked once for each root: no other is entered below it. */
static int attach(void *ctx, struct watch_spot *s, const char *path, enum watch_where where)
{
	struct watched_rule *r = ctx;
	struct watcher *w = r->watch->watcher;
	bool silent = r->silent;
	int why = ENOSPC;
	const char *kind = "";
	if (w->events && where != WATCH_BELOW)
		silent = !fs_tells(w, path, &kind);
	if (where == WATCH_ROOT)
		r->silent = silent;
	if (where == WATCH_ROOT && silent && w->events)
		note_silent(w, path, kind);
	if (!w->events || silent)
		return polling(w)->ops->add(polling(w), s, path, where);
	if (s->backend || !w->trouble.max_watches || w->events->held < w->trouble.max_watches)
		why = w->events->ops->add(w->events, s, path, where);
	if (!refused(why))
		return why;
	w->refused++;
	return polling(w)->ops->add(polling(w), s, path, where);
}

/* ---- The door. ---- */

static void no_events(struct watcher *w, int why)
{
	struct watch_limit limit = watch_limit(why);
	struct arena a = ARENA_INIT;
	note(w, why == EMFILE
			? arena_printf(&a,
				  "the kernel has no more inotify instances for you (%s is %ld): "
				  "files "
				  "are looked through every %d ms instead (sudo sysctl %s=%ld)",
				  limit.sysctl, limit.value, WATCH_POLL_MS, limit.sysctl,
				  2 * limit.value)
			: arena_printf(&a,
				  "the kernel tells no changes of files (%s): they are looked "
				  "through every %d ms instead",
				  strerror(why), WATCH_POLL_MS));
	arena_release(&a);
}

static bool self_test(struct watcher *w)
{
	struct arena a = ARENA_INIT;
	const char *dir = path_join(&a, w->project, ".devenv");
	bool told = !w->trouble.deaf && (!dir_exists(dir) || watch_self_test(dir));
	arena_release(&a);
	return told;
}

static void open_events(struct watcher *w)
{
	int why = w->trouble.no_events;
	if (!why)
		w->events = watch_inotify_new(w->loop, sink_of(w), &why);
	if (!w->events) {
		no_events(w, why);
		return;
	}
	if (self_test(w))
		return;
	w->events->ops->free(w->events);
	w->events = NULL;
	no_events(w, ENOTSUP);
}

struct watcher *watcher_new_in(struct loop *l, const char *project, watch_note_fn *note_fn,
	void *ctx, const struct watch_trouble *t, struct err *e)
{
	struct watcher *w = xcalloc(1, sizeof(*w));
	(void)e;
	w->loop = l;
	w->project = arena_strdup(&w->arena, project);
	w->note = note_fn;
	w->ctx = ctx;
	w->trouble = *t;
	w->timer = xcalloc(1, sizeof(*w->timer));
	uv_timer_init(loop_uv(l), w->timer);
	w->timer->data = w;
	open_events(w);
	return w;
}

struct watcher *watcher_new(
	struct loop *l, const char *project, watch_note_fn *note_fn, void *ctx, struct err *e)
{
	return watcher_new_in(l, project, note_fn, ctx, &(struct watch_trouble){ 0 }, e);
}

static void on_closed(uv_handle_t *h)
{
	xfree(h);
}

void watcher_free(struct watcher *w)
{
	if (!w)
		return;
	while (w->watches)
		watch_remove(w, w->watches);
	if (w->events)
		w->events->ops->free(w->events);
	if (w->polling)
		w->polling->ops->free(w->polling);
	uv_close((uv_handle_t *)w->timer, on_closed);
	arena_release(&w->arena);
	xfree(w);
}

static const char *shown_root(struct watch *x, const struct watch_rule_set *rule)
{
	const char *project = x->watcher->project;
	const char *dir = dir_exists(rule->path) ? rule->path : path_dir(&x->arena, rule->path);
	if (!path_inside(project, dir))
		return arena_strdup(&x->arena, dir);
	const char *rest = dir + strlen(project);
	return arena_strdup(&x->arena, rest + (*rest == '/'));
}

struct watch *watch_add(struct watcher *w, const struct watch_request *r, struct err *e)
{
	static const struct watch_tree_ops ops = {
		.change = on_change, .all = on_all, .note = on_note, .attach = attach
	};
	struct watch *x = xcalloc(1, sizeof(*x));
	x->watcher = w;
	x->name = arena_strdup(&x->arena, r->name);
	x->fn = r->fn;
	x->ctx = r->ctx;
	x->gather = (struct gather){ .project = w->project,
		.quiet_ns = r->quiet_ms * 1000000,
		.limit_ns = (int64_t)WATCH_GATHER_MS * 1000000 };
	x->rules = arena_array(&x->arena, struct watched_rule, r->count);
	x->next = w->watches;
	w->watches = x;
	for (; x->count < r->count; x->count++) {
		struct watched_rule *one = &x->rules[x->count];
		one->watch = x;
		one->shown = shown_root(x, &r->rules[x->count]);
		one->tree = watch_tree_new(&r->rules[x->count], w->project, &ops, one, e);
		if (!one->tree) {
			watch_remove(w, x);
			return NULL;
		}
	}
	tell_refused(w);
	return x;
}

void watch_remove(struct watcher *w, struct watch *x)
{
	struct watch **at = &w->watches;
	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	for (size_t i = 0; i < x->count; i++)
		watch_tree_free(x->rules[i].tree);
	gather_release(&x->gather);
	arena_release(&x->arena);
	xfree(x);
}

void watch_pause(struct watch *x, bool on)
{
	x->paused = on;
	set_timer(x->watcher);
}

bool watch_gathers(const struct watch *x)
{
	return !x->paused && x->gather.first_ns;
}

void watcher_facts(const struct watcher *w, struct watch_facts *out)
{
	size_t polled = w->polling ? w->polling->held : 0;
	struct watcher *own = (struct watcher *)w;
	*out = (struct watch_facts){ .directories = w->events ? w->events->held : 0,
		.polled = polled,
		.events =
			(w->events ? w->events->events : 0) + (w->polling ? w->polling->events : 0),
		.overflows = w->overflows,
		.rescans = w->rescans };
	snprintf(own->backend, sizeof(own->backend), "%s",
		w->events ? w->events->ops->name : "polling");
	if (w->events && polled)
		snprintf(own->backend, sizeof(own->backend), "%s, polling %zu %s",
			w->events->ops->name, polled, polled == 1 ? "directory" : "directories");
	out->backend = w->backend;
}
