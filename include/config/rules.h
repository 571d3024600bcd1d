/*
 * What the files of this room share: where a walk stands in the tree, which field of the schema
 * describes a value, and the passes that config_load() strings together.
 */
#ifndef CONFIG_RULES_H
#define CONFIG_RULES_H

#include "config/config.h"

enum {
	CONFIG_MAX_DEPTH = 200,       /* of a tree, aliases expanded; deeper is a diagnostic */
	CONFIG_MAX_PORTS = 20000,     /* that ranges of one canonicalisation may become */
	CONFIG_MAX_OUTPUT = 8 << 20,  /* bytes that substitution may write */
	CONFIG_MAX_REFERENCES = 1000, /* of vars: to one another, in a row */
	CONFIG_MAX_NESTING = 64,      /* ${A:-${B:-...}} */
	CONFIG_MAX_INCLUDES = 100,    /* files in a row */
	CONFIG_MAX_EXTENDS = 2000,    /* services in a row */
	CONFIG_MAX_EXPANSIONS = 2000, /* both together */
};

/* The way from the root to a value, as a chain on the stack. */
struct trail {
	const struct trail *up; /* NULL: the root */
	const char *key;        /* of a map; NULL: an item of a list */
	size_t index;           /* of a list */
	int depth;
};

static inline struct trail trail_key(const struct trail *up, const char *key)
{
	return (struct trail){ .up = up, .key = key, .depth = up ? up->depth + 1 : 1 };
}

static inline struct trail trail_item(const struct trail *up, size_t index)
{
	return (struct trail){ .up = up, .index = index, .depth = up ? up->depth + 1 : 1 };
}

/* "services.api.ports[0]"; a key that holds dots or brackets is quoted. "" for the root. */
const char *trail_text(struct arena *a, const struct trail *t);
bool trail_too_deep(const struct trail *t, const struct node *n, struct diags *d);

/* One step of a written path. */
struct path_step {
	const char *key; /* NULL: [index] */
	size_t index;
};
struct path_steps {
	struct path_step *items;
	size_t count, cap;
};
bool path_parse(struct arena *a, const char *text, struct path_steps *out); /* false: no path */

/* The field of a map's value under key; NULL: free-form (carried, unknown, x-). parent may be NULL.
 */
const struct field *field_under(const struct field *parent, const char *key);
bool is_extension(const char *key); /* x-... */
/*
 * What makes two items of a MERGE_BY_KEY list the same thing: "/srv" of a mount, "80/tcp" of a
 * port. NULL when the item has no identity (yet).
 */
const char *item_identity(struct arena *a, const struct field *f, const struct node *item);
/* A second way to mean an item: a port by its name, a mount without target by its source. NULL:
 * none. */
const char *item_alias(const struct field *f, const struct node *item);

/*
 * Passes. `after`: a second time, when ${...} was filled in; only what came from it is looked at,
 * and a dollar sign is just one.
 */
struct node *canonical_pass(
	struct arena *a, struct node *n, const struct schema *s, bool after, struct diags *d);
/* The word for how a value of this field meets the one below ("appends", ...). */
const char *merge_word(const struct field *f, const struct node *low, const struct node *high);
/* Two lists of a MERGE_BY_KEY field. */
struct merge {
	struct arena *a;
	struct diags *d;
};
struct node *merge_nodes(struct merge *m, struct node *low, struct node *high,
	const struct field *f, const struct trail *t);
struct node *merge_by_key(struct merge *m, const struct node *low, const struct node *high,
	const struct field *f, const struct trail *t);
/* Merges, leaving !reset and !override in place, so that the result may meet a layer below. */
struct node *merge_pass(struct arena *a, struct node *low, struct node *high, const struct field *f,
	const struct trail *t, struct diags *d);
struct node *merge_sweep(struct arena *a, struct node *n); /* acts on the tags that are left */
/* A copy whose relative paths, written way from here, start here; f describes n. */
struct node *rebase_pass(
	struct arena *a, const struct node *n, const struct field *f, const char *way);
/* ${...} in one node, with the variables of root; a diagnostic and NULL when it fails. */
struct node *substitute_node(struct arena *a, struct node *n, const struct node *root,
	const struct config_request *req, struct diags *d);

/* layer.c and extends.c */
struct load {
	struct arena *a;
	const struct config_request *req;
	struct config *out;
	struct diags *d;
	struct field root;          /* describes the whole file */
	struct layers shared;       /* what services are made from: templates, extended services */
	struct layers sets;         /* one per --set */
	const char *container;      /* top key whose entries can extend ("services"), or NULL */
	const struct schema *entry; /* schema of such an entry */
	const char *extends;        /* its key that says so */
};
/* Reads and canonicalises one file; NULL when it has nothing (or cannot be used: diagnostics). */
struct node *load_file(struct load *l, const char *path, const char *shown, const char *layer);
void load_add(
	struct layers *to, struct arena *a, const char *name, const char *file, struct node *tree);
/* The templates that user's services extend, merged; NULL: none. */
struct node *extend_templates(struct load *l, struct node *user);
/* Puts the services that others extend below them; returns the new tree. */
struct node *extend_services(struct load *l, struct node *tree);

/* The --set layers: words without list indices, and those with (which need the tree so far). */
struct node *set_plain(struct load *l, struct node *tree);
struct node *set_indexed(struct load *l, struct node *tree);

#endif
