/*
 * Where changes come from: one back end per way of learning of them. A back end watches single
 * directories (never what is below) and tells what happened to the names in them; which directories
 * those are, and what a change means, is others' business (watch_root.c, watch_gather.c).
 */
#ifndef RUN_WATCH_WATCH_BACKEND_H
#define RUN_WATCH_WATCH_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/watch/watch.h"

enum watch_what {
	WATCH_CREATED,
	WATCH_MODIFIED, /* written to; a close may follow */
	WATCH_CLOSED,   /* by one who had it open for writing, changed or not */
	WATCH_ARRIVED,  /* renamed to this name, or found: it may have replaced another */
	WATCH_LEFT,     /* deleted or renamed away */
	WATCH_SPOT_GONE /* the directory itself was deleted, renamed or unmounted; name "" */
};

struct watch_event {
	enum watch_what what;
	const char *name; /* in the directory; borrowed for the call */
	bool directory;   /* the name is, or was, one */
	bool renamed;     /* LEFT: it lives on elsewhere, with all that is in it */
	int64_t at_ns;    /* CLOCK_MONOTONIC, when it was read */
};

/* What a directory is watched for: only the coming and going of names, of a directory above a root
 * (which the path may name through links), or all. Below a root no link is followed. */
enum watch_where { WATCH_ABOVE, WATCH_ROOT, WATCH_BELOW };

/* A directory that is watched; part of what its owner keeps of it. */
struct watch_spot {
	void (*fn)(struct watch_spot *s, const struct watch_event *ev);
	struct watch_backend *backend; /* NULL: not watched */
	struct watch_spot *next;       /* the back end's own list */
	int id;                        /* inotify's watch descriptor */
	struct polled *polled;         /* polling: what was seen last */
};

struct watch_sink {
	void (*begin)(void *ctx); /* what comes is read now */
	void (*lost)(void *ctx);  /* the kernel dropped events: all may have changed */
	void (*round)(void *ctx); /* all that was there to be read has been told */
	void *ctx;
};

struct watch_backend {
	const struct watch_backend_ops *ops;
	struct loop *loop;
	struct watch_sink sink;
	size_t held;          /* directories of the kernel's or polled */
	unsigned long events; /* read so far */
};

struct watch_backend_ops {
	const char *name;
	/* From now on every change of a name in path is told. Watching a spot again is allowed: it
	 * then stands for what the path names now. 0, or an errno. */
	int (*add)(struct watch_backend *b, struct watch_spot *s, const char *path,
		enum watch_where where);
	void (*drop)(struct watch_spot *s);     /* allowed in the spot's own and any other's fn */
	void (*drain)(struct watch_backend *b); /* tells what is there to be read, then round() */
	void (*free)(struct watch_backend *b);
};

/* NULL with *why, an errno. */
struct watch_backend *watch_inotify_new(struct loop *l, struct watch_sink sink, int *why);
struct watch_backend *watch_poll_new(struct loop *l, struct watch_sink sink, int64_t every_ms);
/* False when events of files do not come from path's file system, though the kernel takes the
 * watch: *kind then says what it is ("nfs"). */
bool watch_fs_tells(const char *path, const char **kind);
/* Makes a file in dir and looks whether that is told. True too where no file can be made. */
bool watch_self_test(const char *dir);
struct watch_limit { /* for the note about a limit that was met */
	const char *sysctl;
	long value; /* -1: unknown */
};
struct watch_limit watch_limit(int why);

/* For tests: what a machine may be like. All zero: as it is. */
struct watch_trouble {
	int no_events;      /* the errno that inotify_init1 would give */
	size_t max_watches; /* ENOSPC beyond */
	const char *silent; /* the kind of every file system, whose changes are not told */
	bool deaf;          /* the self-test fails */
	int64_t poll_ms;    /* instead of WATCH_POLL_MS */
};
struct watcher *watcher_new_in(struct loop *l, const char *project, watch_note_fn *note, void *ctx,
	const struct watch_trouble *t, struct err *e);

#endif
