/*
 * Layers in, one merged and substituted tree out. Knows how values meet, not what they mean: the
 * schema is passed in. Reads the named files; no other effects.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/text.h"
#include "doc/node.h"
#include "doc/schema.h"

struct layer {
	const char *name;  /* "default", "fact", "template postgres", "devenv.yml", "--set", ... */
	const char *file;  /* as shown to the user; NULL when no file */
	struct node *tree; /* NULL: an empty overlay */
};

struct layers {
	struct layer *items; /* low to high */
	size_t count, cap;
};

/* Reads YAML from embedded or overriding template folders; NULL when there is no such template. */
typedef struct node *template_fn(void *ctx, struct arena *a, const char *template, struct diags *d);
/* The value of a variable of ${...}; NULL: unset. Names with a dot are asked too; see reference_fn.
 */
typedef const char *lookup_fn(void *ctx, const char *name);

struct config_request {
	const char *dir;               /* absolute: where relative names start */
	struct strs files;             /* -f FILE...; none: discovered in dir */
	const char *environment;       /* "dev", "ci", "prod", ... */
	bool implied;                  /* by the command: no file of it need be there */
	struct strs sets;              /* --set a.b=value, in order */
	struct node *defaults, *facts; /* lowest layers; may be NULL */
	const char *user_file;         /* ~/.config/devenv/config.yml or NULL */
	const struct schema *schema;   /* of the whole file: merge rules and short forms */
	template_fn *template_layer;
	void *template_ctx;
	const struct strs *template_names; /* for "nearest name" */
	lookup_fn *lookup; /* environment and facts; what it knows wins over `vars:` */
	void *lookup_ctx;
	/*
	 * Prefixes of references that stay text: "secret.", "service."; NULL-terminated. Text that
	 * only looks like one (escaped, or a variable's value) is left as $${...}: whoever opens
	 * kept references passes over those and drops one sign.
	 */
	const char *const *kept;
};

struct config {
	struct node
		*tree; /* merged, substituted, canonical; NULL after errors that leave nothing */
	struct layers layers; /* as read (canonical, not substituted), low to high */
	struct strs files;    /* every file that was read, for consent and for watching; absolute */
	const char *dir;      /* of the first file: where relative paths of the tree start */
};

/*
 * Loads everything. Diagnostics into d; 0 when none is an error.
 * Order (low to high): defaults, facts, templates, user_file, include files in order, devenv.yml,
 * devenv.ENV.yml, devenv.d/ *.ENV.yml, devenv.local.yml and devenv.ENV.local.yml, --set.
 */
int config_load(
	struct arena *a, const struct config_request *req, struct config *out, struct diags *d);

/* The building blocks, for tests and fuzzers. */
struct node *config_canonical(
	struct arena *a, struct node *n, const struct schema *s, struct diags *d);
struct node *config_merge(struct arena *a, struct node *low, struct node *high,
	const struct schema *s, struct diags *d);
int config_substitute(
	struct arena *a, struct node **n, const struct config_request *req, struct diags *d);

/* Each layer's say about a path, low to high: for `config --explain`. */
struct say {
	const struct layer *layer;
	const struct node *value; /* what this layer says; NULL value node: it says null */
	const char *rule; /* how it meets the one below: "replaces", "merges by key", "appends",
			     "resets" */
};
struct says {
	struct say *items;
	size_t count, cap;
};
void config_explain(struct arena *a, const struct config *c, const struct schema *s,
	const char *path, struct says *out);
/* Name of the discovered base file in dir or one of its parents (up to the file system's root);
 * NULL. */
char *config_find_root(struct arena *a, const char *start);

#endif
