/* A build context as a list: what docker build would be sent of a directory, in a fixed order. */
#ifndef RUN_FILES_CONTEXT_H
#define RUN_FILES_CONTEXT_H

#include "model/plan.h"

enum { CONTEXT_MAX_BYTES = 1 << 30, CONTEXT_MAX_FILES = 500000 };

enum context_kind { CONTEXT_DIR, CONTEXT_FILE, CONTEXT_LINK };

struct context_entry {
	const char *path; /* in the context, no slash at either end */
	enum context_kind kind;
	mode_t mode;        /* 0755 or 0644, or as the build asks */
	const char *source; /* absolute path of a file's bytes; NULL: data */
	const char *target; /* of a link, as it stands on disk */
	const void *data;
	size_t len; /* bytes, of files */
};

struct context {
	LIST_OF(struct context_entry) entries; /* sorted by path once context_sort() was called */
	size_t bytes;
};

/*
 * Adds what is in dir (below prefix, "" for the root) but what its .dockerignore excludes; where
 * there is none, what .gitignore does, and .git. A .devenv directory is never part of an image.
 * always: a path that no rule excludes (the Dockerfile), or NULL.
 */
int context_add_dir(struct arena *a, struct context *c, const char *dir, const char *prefix,
	const char *always, struct err *e);
/* Adds a file or a directory of the disk; mode 0: as it is. */
int context_add_path(
	struct arena *a, struct context *c, const struct context_file *f, struct err *e);
void context_sort(struct context *c); /* by path; of two with one path the later added stays */
int context_open(const struct context_entry *entry,
	struct err *e); /* descriptor of a CONTEXT_FILE with a source */

/* .dockerignore, with Docker's rules: anchored, `!`, `*` `?` `[...]`, `**`, a directory takes what
 * is below. */
struct ignore_rules;
struct ignore_rules *ignore_parse(struct arena *a, const char *text, size_t len);
bool ignore_match(const struct ignore_rules *r, const char *path);
bool ignore_exceptions(const struct ignore_rules *r); /* has a `!` rule */

/* .gitignore by libgit2; files that git tracks are never ignored. *out NULL: no repository here. */
struct git_ignores;
int git_ignores_open(const char *dir, struct git_ignores **out, struct err *e);
bool git_ignores_match(struct git_ignores *g, const char *path, bool directory);
void git_ignores_close(struct git_ignores *g);

#endif
