/*
 * What an image contains, read without running it: a container of it is created, never started, its
 * files are read through the engine, and it is removed whatever happens. What was read once is kept
 * by the image's id, which never stands for anything else.
 */
#ifndef RUN_ENGINE_IMAGE_FACTS_H
#define RUN_ENGINE_IMAGE_FACTS_H

#include "model/parity.h"
#include "run/engine/engine.h"

struct image_ask {
	const char *reference;   /* a tag or a registry's name; nothing is pulled */
	struct strs trees;       /* directories whose files matter besides its own; sorted */
	struct strs dirs;        /* directories whose mode and owner matter; sorted */
	const char *workspace;   /* whose container it is while it is there */
	bool id_alone;           /* nothing else is of interest */
	struct image_facts *out; /* id NULL when the engine has no such image */
};

/*
 * Some at once. cache: a directory that may be made. Signals that would end the process wait until
 * the containers are removed, which they then are at once.
 *
 * Facts by group: os, packages, users, groups, locale, timezone, directories, files (below
 * trees and the image's working directory), environment, ports, volumes, labels, and entrypoint,
 * command, user, working_dir, stop_signal, healthcheck, architecture, which have one value.
 */
int image_facts_read(struct engine *g, struct arena *a, const char *cache,
	const struct image_ask *asks, size_t count, struct err *e);

/* ---- image_texts.c: what files and the engine's answer say. ---- */
void facts_of_config(struct arena *a, const struct node *inspect, struct image_facts *out);
void facts_of_release(struct arena *a, const char *text, struct image_facts *out); /* os-release */
void facts_of_accounts(/* passwd, group */
	struct arena *a, const char *group, const char *text, struct image_facts *out);
void facts_of_locale(struct arena *a, const char *text, struct image_facts *out);
void facts_of_dpkg(struct arena *a, const char *text, struct image_facts *out);
void facts_of_apk(struct arena *a, const char *text, struct image_facts *out);
void image_fact(struct arena *a, struct image_facts *out, const char *group, const char *name,
	const char *value);

/* ---- image_tree.c: one archive of the engine's, as it comes. ---- */
struct image_tree; /* heap */
struct image_path {
	const char *path; /* absolute; of a file or a directory */
	bool files; /* digests of the files in it are wanted, else directories' owners alone */
	bool alone; /* it, and not what is in it */
};
struct image_tree *image_tree_new(
	struct arena *a, const struct image_path *path, struct image_facts *out);
bool image_tree_feed(void *tree, const char *data, size_t len); /* false: enough */
/* Says in out->unread what it could not take of what was there. Frees. */
void image_tree_end(struct image_tree *t, bool there);

/* ---- image_cache.c ---- */
bool image_cache_load(struct arena *a, const char *dir, const char *id, const struct image_ask *ask,
	struct image_facts *out);
/* What cannot be kept is read again: no error. */
void image_cache_save(
	struct arena *a, const char *dir, const struct image_ask *ask, const struct image_facts *f);

#endif
