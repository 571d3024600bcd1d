/* The generated files: written, compared, removed. */
#ifndef RUN_APPLY_H
#define RUN_APPLY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/text.h"
#include "model/plan.h"
#include "run/files/places.h"
#include "run/secrets/vault.h"

struct applied {
	size_t written, removed, unchanged;
	struct strs changed; /* paths written or removed, relative to generated */
};
/*
 * Writes what differs, removes what is stale, manifest last. Refuses links in .devenv's own path.
 * dry: touches nothing, only reports what would change.
 */
int apply_files(struct arena *a, const struct plan *p, const struct places *pl, struct vault *v,
	bool dry, struct applied *out, struct err *e);
/*
 * The plan's files into a directory of the user's choice, with a manifest beside them. Refuses to
 * write over files that are not devenv's; removes those that it wrote, that nobody changed since,
 * and that are no longer wanted. dry: as above.
 */
int output_files(struct arena *a, const struct plan *p, const char *dir, bool dry,
	struct applied *out, struct err *e);
/* Content of one file as it would be written (secrets opened): for `generate --diff`, which hides
 * secret ones. */
int apply_content(struct arena *a, const struct out_file *f, const struct plan *p, struct vault *v,
	struct buf *out, struct err *e);

#endif
