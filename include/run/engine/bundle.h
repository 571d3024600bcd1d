/*
 * One file that carries others: a manifest in front, then parts, each with its length and SHA-256.
 * It is a plain tar archive of plain files. What is read is believed only when all of it is as the
 * manifest says: nothing missing, nothing else, nothing behind.
 */
#ifndef RUN_ENGINE_BUNDLE_H
#define RUN_ENGINE_BUNDLE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "doc/node.h"

#define BUNDLE_MANIFEST "manifest.json"

/*
 * DIR/manifest.json and the parts that it lists, in its order, as the file at path: replaced whole
 * or not at all. *size: its bytes.
 */
int bundle_write(struct arena *a, const char *path, const char *dir, const struct node *manifest,
	int64_t *size, struct err *e);
/*
 * The parts into dir, which is there and empty; their names are those of plain files in it.
 * manifest.parts: [{file, bytes, sha256}, ...], whatever else they say.
 */
int bundle_read(
	struct arena *a, const char *path, const char *dir, struct node **manifest, struct err *e);

#endif
