/*
 * YAML in and out (libyaml's event API). YAML 1.2 core scalars, one document, duplicate keys are
 * errors, anchors, aliases and `<<` work, unknown tags are refused.
 */
#ifndef DOC_YAML_H
#define DOC_YAML_H

#include "base/buf.h"
#include "doc/node.h"

/* Budgets; what exceeds one is a diagnostic at its place. libyaml 0.2.5 itself has no limits. */
enum {
	YAML_MAX_BYTES = 1 << 20,
	YAML_MAX_DEPTH = 64,
	YAML_MAX_ALIASES = 1000,
	YAML_MAX_NODES = 100000, /* after alias expansion */
};

/*
 * Parses text; every place gets file and layer. NULL with diagnostics when it is not valid;
 * *empty (may be NULL) is set, without diagnostics, when there is no document at all.
 */
struct node *yaml_read(struct arena *a, const char *text, size_t len, const char *file,
	const char *layer, struct diags *d, bool *empty);

/* What is printed behind a value (a comment, without "# "), or NULL. For `config --origin`. */
typedef const char *yaml_note_fn(void *ctx, const struct node *n);

/*
 * Block style, two spaces, keys in order, strings quoted only where a YAML 1.1 or 1.2 reader
 * would take them for something else. Deterministic.
 */
void yaml_write(struct buf *out, const struct node *n, yaml_note_fn *note, void *ctx);

#endif
