/*
 * Helpers of the short forms: text split outside of ${...}, nodes made from parts of a scalar.
 * In: text and the node it came from. Out: pieces and nodes that keep that node's place.
 */
#include "config/canonical.h"

#include <ctype.h>
#include <string.h>

#include "base/map.h"

/* Length of what must not be split at s[i]: ${...}, $$, or one character. */
static size_t unit_length(const char *s, size_t len, size_t i)
{
	int open = 0;

	if (s[i] != '$' || i + 1 >= len || (s[i + 1] != '{' && s[i + 1] != '$'))
		return 1;
	if (s[i + 1] == '$')
		return 2;
	for (size_t j = i; j < len; j++) {
		if (s[j] == '$' && j + 1 < len && s[j + 1] == '$')
			j++;
		else if (s[j] == '{')
			open++;
		else if (s[j] == '}' && --open == 0)
			return j + 1 - i;
	}
	return len - i; /* never closed: substitution will say so */
}

size_t find_piece_end(const char *s, size_t len, char sep)
{
	size_t i = 0;

	if (!memchr(s, '$', len)) {
		const char *at = memchr(s, sep, len);
		return at ? (size_t)(at - s) : len;
	}
	while (i < len && s[i] != sep)
		i += unit_length(s, len, i);
	return i;
}

size_t find_last(const char *s, size_t len, char sep)
{
	size_t found = len;

	for (size_t i = 0; i < len;) {
		size_t end = i + find_piece_end(s + i, len - i, sep);
		if (end < len)
			found = end;
		i = end + 1;
	}
	return found;
}

size_t split_pieces(const char *s, size_t len, char sep, struct piece *out, size_t max)
{
	size_t count = 0;

	for (size_t start = 0; start <= len;) {
		size_t n = find_piece_end(s + start, len - start, sep);
		if (count < max)
			out[count] = (struct piece){ s + start, n };
		count++;
		start += n + 1;
	}
	return count;
}

bool piece_is_open(const struct canonical *c, struct piece p)
{
	return !c->after && p.len && memchr(p.s, '$', p.len);
}

bool node_is_open(const struct canonical *c, const struct node *n)
{
	return n && n->kind == NODE_STR && piece_is_open(c, (struct piece){ n->text, n->len });
}

void canonical_error(
	struct canonical *c, const struct node *n, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct diag *d = diag_add(c->d, SEV_ERROR, n->place, "%s", arena_vprintf(c->a, fmt, ap));
	va_end(ap);
	d->path = trail_text(c->d->arena, c->at);
	d->hint = hint;
}

struct node *text_node(struct canonical *c, struct piece p, const struct node *from)
{
	struct node *n = node_strn(c->a, p.s, p.len, from->place);

	n->quoted = true;
	n->substituted = from->substituted;
	n->secret = from->secret;
	return n;
}

void put_node(struct canonical *c, struct node *map, const char *key, struct node *value)
{
	map_put(c->a, map, key, value->place, value);
}

struct node *brief_map(struct canonical *c, const struct node *from)
{
	struct node *map = node_map(c->a, from->place);

	map->brief = true;
	map->tag = from->tag;
	node_reserve(c->a, map, 4); /* what most short forms say */
	return map;
}

struct node *list_like(struct canonical *c, const struct node *from)
{
	struct node *list = node_list(c->a, from->place);

	list->tag = from->tag;
	list->replaced = from->replaced;
	return list;
}

void gather_add(struct gather *g, struct node *item)
{
	const struct node *from = g->from->kind == NODE_LIST ? g->from : NULL;

	if (!g->list && from && g->same < from->list.count && from->list.items[g->same] == item) {
		g->same++;
		return;
	}
	if (!g->list) {
		g->list = list_like(g->c, g->from);
		node_reserve(g->c->a, g->list, g->same + 2);
		for (size_t i = 0; i < g->same; i++)
			list_add(g->c->a, g->list, from->list.items[i]);
	}
	list_add(g->c->a, g->list, item);
}

struct node *gather_done(struct gather *g)
{
	if (g->list)
		return g->list;
	if (g->from->kind == NODE_LIST && g->same == g->from->list.count)
		return g->from;
	struct node *list = list_like(g->c, g->from);
	for (size_t i = 0; i < g->same; i++)
		list_add(g->c->a, list, g->from->list.items[i]);
	return list;
}

struct node *as_list(struct canonical *c, struct node *n)
{
	if (!node_is_scalar(n))
		return n;
	struct node *list = list_like(c, n);
	node_reserve(c->a, list, 1);
	list_add(c->a, list, n);
	return list;
}

static struct node *drop_holes(struct canonical *c, const struct node *from)
{
	struct node *list = list_like(c, from), *item;

	node_each_item(from, i, item)
	{
		if (item)
			list_add(c->a, list, item);
	}
	return list;
}

struct node *unify(struct canonical *c, struct node *list, const struct field *f)
{
	cleanup_map struct map seen = MAP_INIT;
	struct node *out = list, *item;

	if (node_count(list) < 2)
		return list;
	node_each_item(list, i, item)
	{
		const char *id = item->tag ? NULL : item_identity(c->a, f, item);
		struct node **first = id ? map_get(&seen, id) : NULL;
		if (!id)
			continue;
		if (!first) {
			map_set(&seen, id, &list->list.items[i]);
			continue;
		}
		if (out == list)
			out = node_copy(c->a, list);
		out->list.items[first - list->list.items] = item;
		out->list.items[i] = NULL;
	}
	return out == list ? list : drop_holes(c, out);
}
