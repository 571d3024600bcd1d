/* Short forms to canonical ones: what the files canonical*.c share. */
#ifndef CONFIG_CANONICAL_H
#define CONFIG_CANONICAL_H

#include "config/rules.h"

struct canonical {
	struct arena *a;
	struct diags *d;
	const struct trail *at; /* the value whose form is being changed */
	size_t ports_left;      /* of CONFIG_MAX_PORTS */
	bool after;             /* second time: only what ${...} brought is looked at */
};

/* A stretch of text between separators. */
struct piece {
	const char *s;
	size_t len;
};

/*
 * Splits at sep, never inside ${...}: ${A:-b}:80 has two pieces at ':'. Stores at most max pieces
 * and returns how many there are.
 */
size_t split_pieces(const char *s, size_t len, char sep, struct piece *out, size_t max);
/* Offset of the first (last) such separator; len when there is none. */
size_t find_piece_end(const char *s, size_t len, char sep);
size_t find_last(const char *s, size_t len, char sep);
/* Holds ${...} or $NAME that is still to be filled in? */
bool piece_is_open(const struct canonical *c, struct piece p);
bool node_is_open(const struct canonical *c, const struct node *n);

/* One diagnostic about n, with the path of the value whose form is being changed. */
void canonical_error(struct canonical *c, const struct node *n, const char *hint, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

struct node *text_node(struct canonical *c, struct piece p, const struct node *from);
void put_node(struct canonical *c, struct node *map, const char *key, struct node *value);
struct node *brief_map(
	struct canonical *c, const struct node *from); /* empty; from's place and tag */
struct node *list_like(
	struct canonical *c, const struct node *from); /* empty; from's place and tag */
/* A list in the making: the old one as long as nothing changes. */
struct gather {
	struct canonical *c;
	struct node *from; /* what was there: a list, or anything else */
	struct node *list; /* NULL: the first `same` items of from */
	size_t same;
};
void gather_add(struct gather *g, struct node *item);
struct node *gather_done(struct gather *g);

/* A scalar as a list of one; lists, maps and nulls as they are. */
struct node *as_list(struct canonical *c, struct node *n);
/* Of several items with one identity the last stays, at the first one's place in the row. */
struct node *unify(struct canonical *c, struct node *list, const struct field *f);

typedef struct node *form_fn(struct canonical *c, struct node *n, const struct field *f);
form_fn form_ports, form_volumes, form_env, form_keys, form_depends, form_extra_hosts;

#endif
