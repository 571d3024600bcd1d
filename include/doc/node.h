/*
 * The tree: scalars, lists and maps, each with the place that wrote it and what it replaced.
 * A tree lives in one arena. Nodes are shared freely and treated as const once built; layers are
 * merged by making new nodes.
 */
#ifndef DOC_NODE_H
#define DOC_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"

enum node_kind { NODE_NULL, NODE_BOOL, NODE_INT, NODE_FLOAT, NODE_STR, NODE_LIST, NODE_MAP };

/* What `!reset` and `!override` ask of merging. */
enum node_tag { TAG_NONE, TAG_RESET, TAG_OVERRIDE };

struct node;

struct node_pair {
	const char *key;
	struct place key_place;
	struct node *value;
};

struct node {
	enum node_kind kind;
	enum node_tag tag;
	bool quoted;      /* a scalar written in quotes or as a block: never retyped */
	bool substituted; /* some of its text came from ${...} */
	bool brief;       /* was part of one scalar of a short form: "K=V", "8080:80", "src:dst" */
	bool secret;      /* text holds ${secret.X} or came from one: never shown */
	struct place place;          /* of the value's first character */
	const struct node *replaced; /* what the layer below said here; NULL: nothing */
	const char *text; /* scalars: as written (numbers too); length in len; no NUL inside */
	size_t len;
	union {
		bool boolean;
		int64_t integer;
		double real;
		struct {
			struct node **items;
			size_t count, cap;
		} list;
		struct {
			struct node_pair *items; /* in the order written */
			size_t count, cap;
			uint32_t *slots; /* look-up table once count is large; see node.c */
			size_t slot_count;
		} map;
	};
};

struct node *node_null(struct arena *a, struct place at);
struct node *node_bool(struct arena *a, bool v, struct place at);
struct node *node_int(struct arena *a, int64_t v, struct place at);
struct node *node_float(struct arena *a, double v, const char *text, struct place at);
struct node *node_str(struct arena *a, const char *s, struct place at);
struct node *node_strn(struct arena *a, const char *s, size_t len, struct place at);
struct node *node_strf(struct arena *a, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct node *node_list(struct arena *a, struct place at);
struct node *node_map(struct arena *a, struct place at);
/* YAML 1.2 core: null ~ true false, decimal/0o/0x integers, floats; everything else is a string. */
struct node *node_plain(struct arena *a, const char *s, size_t len, struct place at);
struct node *node_copy(struct arena *a, const struct node *n); /* shallow: same children */
struct node *node_deep(struct arena *a, const struct node *n);

void list_add(struct arena *a, struct node *list, struct node *item);
void map_put(struct arena *a, struct node *map, const char *key, struct place key_place,
	struct node *value); /* adds at the end or replaces in place */
/* Adds at the end unless the key is there already: then returns the pair that holds it, unchanged.
 */
struct node_pair *map_add(struct arena *a, struct node *map, const char *key,
	struct place key_place, struct node *value);
/* Room for count children in one piece: what is known to be large should say so first. */
void node_reserve(struct arena *a, struct node *n, size_t count);
bool map_drop(struct node *map, const char *key);

/* NULL when n is NULL, not a map, or has no such key. */
struct node *node_get(const struct node *n, const char *key);
const struct node_pair *node_pair(const struct node *n, const char *key);
/* By dotted path with [i] for lists: "services.api.ports[0]"; keys with dots are quoted: a."b.c".
 * NULL when absent or bad. */
struct node *node_path(const struct node *n, const char *path);
/* What was meant by a path that node_path() does not find: its first unknown key is replaced by the
 * nearest one there, and what stands behind it kept where that exists. NULL: nothing is near. */
const char *path_nearest(struct arena *a, const struct node *n, const char *path);
/* The shortest decimal that reads back as v and is taken for a float: "0.1", "1.0", "1e+30",
 * ".inf". */
void float_text(char out[static 32], double v);
/* The dotted path of a child, as node_path() reads it; path NULL or "" is the root. */
const char *path_key(struct arena *a, const char *path, const char *key);
const char *path_index(struct arena *a, const char *path, size_t index);
/* Scalar as text: what a reader would have written ("true", "8000", "abc"); NULL for lists, maps,
 * null. */
const char *node_text(const struct node *n);
/* Adds the texts of a list's items; what is no scalar is passed over. */
void node_texts(struct arena *a, const struct node *list, struct strs *out);
bool node_is_scalar(const struct node *n);
bool node_equal(const struct node *a, const struct node *b); /* values only; maps in any order */
const char *node_kind_name(enum node_kind k); /* "a string", "a list", ... for messages */
size_t node_count(const struct node *n);      /* items or pairs; 0 for others and NULL */

#define node_each_item(n, i, item)                                                                 \
	for (size_t i = 0; (n) && (n)->kind == NODE_LIST && i < (n)->list.count &&                 \
			   ((item) = (n)->list.items[i], 1);                                       \
		i++)
#define node_each_pair(n, i, pair)                                                                 \
	for (size_t i = 0; (n) && (n)->kind == NODE_MAP && i < (n)->map.count &&                   \
			   ((pair) = &(n)->map.items[i], 1);                                       \
		i++)

#endif
