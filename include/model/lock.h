/*
 * devenv.lock: what the project's images are made of, to the digest and the version. Committed
 * beside devenv.yml, one line per thing, so that it is read in a diff and merged by git. All
 * strings live in the arena they were read into.
 */
#ifndef MODEL_LOCK_H
#define MODEL_LOCK_H

#include "base/buf.h"
#include "base/text.h"
#include "doc/node.h"

#define LOCK_FILE "devenv.lock"
enum { LOCK_VERSION = 1 };

struct locked_image {       /* one of a registry, or of this engine alone */
	const char *name;   /* as written in the configuration: "debian:bookworm-slim" */
	const char *digest; /* "sha256:..."; of a local one its id */
	bool local;         /* it has no digest: other machines cannot have the same */
	struct place place;
};

struct deb_package {
	const char *name; /* "tini"; of a foreign architecture "libc6:i386" */
	const char *version;
	const char *needs; /* as dpkg has it: Depends and Pre-Depends; NULL: none, or not known */
	const char *provides;
	struct place place;
};
struct packages { /* sorted by name */
	struct deb_package *items;
	size_t count, cap;
};

struct locked_rung {
	const char *name;
	const char *inputs;       /* what was resolved: see planner/lock.h */
	struct packages packages; /* declared ones and all that came with them */
	struct packages others;   /* from run lines or an own Dockerfile: noted, not enforced */
	struct place place;
};

struct lockfile {
	struct {
		struct locked_image *items;
		size_t count, cap;
	} images; /* sorted by name */
	struct {
		struct locked_rung *items;
		size_t count, cap;
	} rungs; /* sorted by name */
};

struct lock_change {           /* one line of what differs between two locks */
	const char *part;      /* the rung; "" of registry images */
	const char *name;      /* "" of the rung as a whole */
	const char *old, *now; /* versions; NULL: it came, it went */
};
struct lock_changes {
	struct lock_change *items;
	size_t count, cap;
};

/* 0, or -1 with diagnostics of that file: it is repository's text, so all of it is checked. */
int lockfile_read(struct arena *a, const char *text, size_t len, const char *file,
	struct lockfile *out, struct diags *d);
/* The same bytes for the same content. */
void lockfile_write(struct buf *out, const struct lockfile *l);

/* NULL when l is NULL or has none of that name. */
const struct locked_image *locked_image(const struct lockfile *l, const char *name);
const struct locked_rung *locked_rung(const struct lockfile *l, const char *name);
const struct deb_package *package_find(const struct packages *l, const char *name);
void packages_sort(struct packages *l);
void lockfile_sort(struct lockfile *l);
/* "debian:bookworm-slim" -> "debian@sha256:..."; of a local one the name as it is. */
const char *locked_reference(struct arena *a, const struct locked_image *i);

#endif
