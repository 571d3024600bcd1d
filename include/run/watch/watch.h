/*
 * Changes of files, one watcher for all modules, in the one thread of a loop. The kernel's events
 * come from a back end (watch_linux.c: inotify(7); watch_poll.c: stat in turns, for file systems
 * without events and for what the kernel's limits leave out); watch.c filters by the ignore rules,
 * gathers until quiet, and gives each watcher's changes out as one batch.
 *
 * No change is lost: a batch that was given out names everything that happened before it, and what
 * happens while it is worked on comes with the next. When the kernel dropped events, `everything`.
 */
#ifndef RUN_WATCH_WATCH_H
#define RUN_WATCH_WATCH_H

#include "base/diag.h"
#include "base/text.h"
#include "run/io/loop.h"

enum {
	WATCH_QUIET_MS = 20,    /* default quiet time */
	WATCH_GATHER_MS = 1000, /* changes that never pause are given out after so long */
	WATCH_NAMES = 64,       /* paths that a batch names; the rest is counted */
	WATCH_POLL_MS = 500,
};

struct watch_batch {
	struct strs paths; /* relative to the project, sorted, at most WATCH_NAMES; borrowed */
	size_t more;       /* that are not named */
	bool everything;   /* events were lost, or a root came back: all may have changed */
	bool storm; /* the changes did not pause: another batch follows, an empty one if they end */
	int64_t first_ns, last_ns; /* CLOCK_MONOTONIC, when the first and last event was read */
};
/* May add and remove watches, this one too, but not free the watcher. */
typedef void watch_fn(void *ctx, const struct watch_batch *b);
/* What a developer must know once: limits, directories that are left out, polling and why. One
 * sentence without a newline. */
typedef void watch_note_fn(void *ctx, const char *text);

struct watch_rule_set {              /* strings are copied */
	const char *path;            /* absolute directory or file */
	struct strs include, ignore; /* as struct watch_rule */
	bool git;                    /* what git ignores is left out (default for sources) */
};
struct watch_request {
	const char *name; /* for notes: the module */
	const struct watch_rule_set *rules;
	size_t count;
	int64_t quiet_ms; /* 0: each event is given out at once */
	watch_fn *fn;
	void *ctx;
};

struct watcher; /* heap: all that is watched in a workspace */
struct watch;   /* one module's */

/* project: absolute, real. note may be NULL. NULL with err: there are neither events nor polling.
 */
struct watcher *watcher_new(
	struct loop *l, const char *project, watch_note_fn *note, void *ctx, struct err *e);
void watcher_free(struct watcher *w);
/*
 * Watches, then scans, so that nothing falls between. Returns when every directory is watched.
 * Roots that overlap (two modules with one source) share the kernel's watches. NULL with err when a
 * rule's path is not there.
 */
struct watch *watch_add(struct watcher *w, const struct watch_request *r, struct err *e);
void watch_remove(struct watcher *w, struct watch *x);
/* on: changes that come now are held back; off: what changed meanwhile is given out. */
void watch_pause(struct watch *x, bool on);
/* Something changed, and its batch is due soon. */
bool watch_gathers(const struct watch *x);

struct watch_facts {                /* for status, doctor and tests */
	size_t directories, polled; /* kernel watches held (those above roots, too); polled */
	unsigned long events, overflows, rescans;
	const char *backend; /* "inotify", "polling", "inotify, polling 3 directories" */
};
void watcher_facts(const struct watcher *w, struct watch_facts *out);

#endif
