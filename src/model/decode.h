/*
 * What the decoders of this room share: the context, reading of plain fields by table, and words
 * for what was found wrong. Types were checked by the schema before; decoders stay silent about
 * them and fall back to the default.
 */
#ifndef MODEL_DECODE_H
#define MODEL_DECODE_H

#include "base/map.h"
#include "model/project.h"

struct decode {
	struct arena *a;
	struct diags *d;
	struct project *p;
	const struct project_request *req;
	const struct node *tree;
};

/* Adds a diagnostic with a dotted path (arena or literal). */
struct diag *say(struct decode *c, enum severity s, struct place at, const char *path,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* "unknown WHAT "WORD"", with the nearest key of `known` (a map, or NULL) as hint. */
void say_unknown(struct decode *c, struct place at, const char *path, const char *what,
	const char *word, const struct node *known);
/* The key of `known` nearest to word, or NULL; NULL too once enough was said. */
const char *nearest_key(struct decode *c, const struct node *known, const char *word);
/* A dotted path; keys with dots are quoted. */
char *path_of(struct decode *c, const char *parent, const char *key);
char *path_item(struct decode *c, const char *parent, size_t index);

const char *text_at(const struct node *n, const char *key); /* NULL when absent or no scalar */
struct place place_at(const struct node *n, const char *key, struct place otherwise);
bool truth(const struct node *n, bool otherwise); /* true/false, Compose's quoted ones too */
bool integer(const struct node *n, int64_t *out); /* numbers and texts that read as one */
int64_t duration(const struct node *n, int64_t otherwise); /* ms */
bool from_template(const struct node *n);
const char *template_of(struct decode *c, struct place at); /* "postgres", or NULL */
char *project_path(struct decode *c, const char *path);     /* absolute and normal */

enum slot_kind { SLOT_TEXT, SLOT_TRUTH, SLOT_MS, SLOT_INT, SLOT_STRS, SLOT_VARS, SLOT_NODE };

struct slot { /* one key and where its value goes */
	const char *key;
	enum slot_kind kind;
	size_t offset;
};

/* Fills the members of *out whose keys n has; the others stay as they are. */
void slots_read(
	struct decode *c, const struct node *n, const struct slot *slots, size_t count, void *out);
void strs_read(struct decode *c, const struct node *n, struct strs *out); /* a list or one scalar */
void vars_read(struct decode *c, const struct node *n, vars *out);

/* The pairs of a map but those that begin with x-, which are nobody's. */
bool is_private(const char *key);
#define node_each_entry(n, i, pair)                                                                \
	node_each_pair(n, i, pair) if (is_private((pair)->key))                                    \
	{                                                                                          \
	}                                                                                          \
	else

/* A word and what it means; the last one has no word and is the default. */
struct word {
	const char *word;
	int means;
};
int meaning(const struct word *words, const char *word);

/* Directed graph of things by index, for orders and cycles (order.c). */
struct edge {
	size_t from, to;
	struct place place;
};
struct graph {
	size_t nodes;
	LIST_OF(struct edge) edges; /* grouped by from, ascending */
};
typedef void cycle_fn(void *ctx, const size_t *path, size_t len, const struct edge *closing);
/* Indices with targets before their sources, else as numbered. Each closing edge of a cycle is told
 * once. */
size_t *graph_order(struct arena *a, const struct graph *g, cycle_fn *fn, void *ctx);

/* "a -> b -> a"; items of the given size begin with their name. */
const char *cycle_text(
	struct arena *a, const void *items, size_t size, const size_t *path, size_t len);

/* The parts, one file each. */
void set_apart(struct decode *c);       /* apart.c: of a run, before all others */
void decode_images(struct decode *c);   /* decode_image.c */
void decode_services(struct decode *c); /* decode_service.c */
void decode_ports(struct decode *c, struct service *s, const char *path);   /* decode_ports.c */
void decode_check(struct decode *c, struct service *s, const char *path);   /* decode_check.c */
void decode_mounts(struct decode *c, struct service *s, const char *path);  /* decode_mounts.c */
void decode_develop(struct decode *c, struct service *s, const char *path); /* decode_develop.c */
const char *host_here(struct decode *c, const char *host); /* local_name.c; NULL of NULL */
void decode_release(struct decode *c, struct service *s, const char *path); /* decode_release.c */
/* Outside of development a release runs: no sources, no stages, no volume of dependencies. */
void leave_development(struct decode *c, struct service *s);
void decode_restart(struct decode *c, struct service *s, const char *path); /* decode_host.c */
void decode_host(struct decode *c, struct service *s, const char *path);    /* decode_host.c */
void decode_data(struct decode *c);      /* decode_data.c: volumes, caches, secrets */
void decode_words(struct decode *c);     /* decode_words.c: up, routes, hooks, commands, certs */
void decode_layouts(struct decode *c);   /* decode_layout.c */
void decode_debug(struct decode *c);     /* decode_debug.c */
void decode_ci(struct decode *c);        /* decode_ci.c */
void resolve_services(struct decode *c); /* resolve.c: needs, order, jobs */
void check_names(struct decode *c);      /* names.c: letters, collisions */
void check_references(struct decode *c); /* references.c: ${secret.X}, ${service.X.y} */
bool version_allowed(const char *range, const char *version); /* requires.c */
void check_requires(struct decode *c);
void check_rules(struct decode *c); /* rules.c: what fields say together */
void check_hosts(struct decode *c); /* rules_host.c: what runs on the host, and what cannot */

#endif
