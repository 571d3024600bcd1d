/*
 * What the manifest of a cache (`devenv cache save`) may say, whoever wrote it. The parts are
 * bundle.h's: images, dependencies, caches.
 */
#ifndef RUN_DATA_CACHE_FILE_H
#define RUN_DATA_CACHE_FILE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"
#include "doc/node.h"

enum { CACHE_FORMAT = 1 };

/*
 * manifest: as bundle_read() gave it. machine: of the engine, "linux/amd64". 0, or -1 with why
 * nothing is taken from it: of another format or machine, a volume that is no cache, or one that
 * would hold more than its part can.
 */
int cache_check(const struct node *manifest, const char *machine, struct err *e);
bool cache_part_has_images(const struct node *part); /* else a volume */
int cache_refuse(struct err *e, const char *why);    /* -1 */

/* image_list.c: the names that a load of its images would give or move. */
int images_list(struct arena *a, const char *path, struct strs *names, struct err *e);

#endif
