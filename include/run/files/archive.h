/* A build context as a tar (libarchive), and its hash. */
#ifndef RUN_FILES_ARCHIVE_H
#define RUN_FILES_ARCHIVE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "model/plan.h"

/* Packs a build context: deterministic (sorted, no owners, times 0), honouring .dockerignore and
 * .gitignore. */
int context_pack(struct arena *a, const struct build *b, struct buf *tar, struct err *e);
int context_hash(struct arena *a, const char *dir, char hex[65],
	struct err *e); /* of what context_pack would take from dir */

#endif
