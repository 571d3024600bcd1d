/* manifest.json: what devenv wrote last. Only told apart by it: what is ours, hence may be removed.
 */
#ifndef RUN_MANIFEST_H
#define RUN_MANIFEST_H

#include "base/buf.h"
#include "model/world.h"

enum { MANIFEST_MAX = 4 << 20 };

struct manifest {
	LIST_OF(struct seen_file) files;
	struct strs dirs;
};

/* A damaged one, or entries that could not be ours, are taken for absent: everything is written
 * anew. */
void manifest_parse(struct arena *a, const struct buf *text, struct manifest *out);
void manifest_text(const struct manifest *m, struct buf *out);

#endif
