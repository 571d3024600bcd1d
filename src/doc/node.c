/*
 * The tree: makers, lists, maps and their look-up, copies, equality.
 * Comes in: values and the places that wrote them. Goes out: nodes in the caller's arena.
 * Knows neither files nor which keys exist.
 */
#include "doc/node.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"

enum { LINEAR_UP_TO = 8 }; /* pairs that are searched one by one; above, by hash */

static struct node *node_new(struct arena *a, enum node_kind kind, struct place at)
{
	struct node *n = arena_new(a, struct node);
	n->kind = kind;
	n->place = at;
	return n;
}

static void text_set(struct node *n, const char *text)
{
	n->text = text;
	n->len = strlen(text);
}

struct node *node_null(struct arena *a, struct place at)
{
	return node_new(a, NODE_NULL, at);
}

struct node *node_bool(struct arena *a, bool v, struct place at)
{
	struct node *n = node_new(a, NODE_BOOL, at);
	n->boolean = v;
	text_set(n, v ? "true" : "false");
	return n;
}

struct node *node_int(struct arena *a, int64_t v, struct place at)
{
	struct node *n = node_new(a, NODE_INT, at);
	n->integer = v;
	text_set(n, arena_printf(a, "%lld", (long long)v));
	return n;
}

void float_text(char out[static 32], double v)
{
	if (!isfinite(v)) {
		snprintf(out, 32, "%s", isnan(v) ? ".nan" : v < 0 ? "-.inf" : ".inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, 29, "%.*g", digits, v);
		if (strtod(out, NULL) == v)
			break;
	}
	if (!strpbrk(out, ".e"))
		memcpy(out + strlen(out), ".0", 3);
}

struct node *node_float(struct arena *a, double v, const char *text, struct place at)
{
	struct node *n = node_new(a, NODE_FLOAT, at);
	char shortest[32];
	if (!text)
		float_text(shortest, v);
	n->real = v;
	text_set(n, arena_strdup(a, text ? text : shortest));
	return n;
}

struct node *node_strn(struct arena *a, const char *s, size_t len, struct place at)
{
	struct node *n = node_new(a, NODE_STR, at);
	n->text = arena_strndup(a, s, len);
	n->len = len;
	return n;
}

struct node *node_str(struct arena *a, const char *s, struct place at)
{
	return node_strn(a, s, strlen(s), at);
}

struct node *node_strf(struct arena *a, struct place at, const char *fmt, ...)
{
	struct node *n = node_new(a, NODE_STR, at);
	va_list ap;
	va_start(ap, fmt);
	text_set(n, arena_vprintf(a, fmt, ap));
	va_end(ap);
	return n;
}

struct node *node_list(struct arena *a, struct place at)
{
	return node_new(a, NODE_LIST, at);
}

struct node *node_map(struct arena *a, struct place at)
{
	return node_new(a, NODE_MAP, at);
}

void list_add(struct arena *a, struct node *list, struct node *item)
{
	if (list->kind != NODE_LIST)
		bug("list_add on %s", node_kind_name(list->kind));
	*list_push(a, &list->list) = item;
}

/* The slot that holds key or the free one where it belongs. */
static size_t slot_of(const struct node *map, const char *key)
{
	size_t mask = map->map.slot_count - 1, i = hash_bytes(key, strlen(key)) & mask;
	while (map->map.slots[i] && strcmp(map->map.items[map->map.slots[i] - 1].key, key))
		i = (i + 1) & mask;
	return i;
}

static void slots_fill(struct node *map)
{
	memset(map->map.slots, 0, map->map.slot_count * sizeof(*map->map.slots));
	for (size_t i = 0; i < map->map.count; i++)
		map->map.slots[slot_of(map, map->map.items[i].key)] = (uint32_t)i + 1;
}

/* Sees to it that a table for count pairs is there; small maps have none. */
static void slots_want(struct arena *a, struct node *map, size_t count)
{
	size_t want = map->map.slot_count ? map->map.slot_count : 32;
	if (count <= LINEAR_UP_TO)
		return;
	while (want * 3 < count * 4)
		want *= 2;
	if (want == map->map.slot_count)
		return;
	map->map.slots = arena_array(a, uint32_t, want);
	map->map.slot_count = want;
	slots_fill(map);
}

static struct node_pair *pair_find(const struct node *map, const char *key)
{
	if (map->map.slots) {
		uint32_t at = map->map.slots[slot_of(map, key)];
		return at ? &map->map.items[at - 1] : NULL;
	}
	for (size_t i = 0; i < map->map.count; i++)
		if (!strcmp(map->map.items[i].key, key))
			return &map->map.items[i];
	return NULL;
}

void node_reserve(struct arena *a, struct node *n, size_t count)
{
	if (n->kind == NODE_LIST && count > n->list.cap) {
		struct node **items = arena_array(a, struct node *, count);
		if (n->list.count)
			memcpy(items, n->list.items, n->list.count * sizeof(*items));
		n->list.items = items;
		n->list.cap = count;
	} else if (n->kind == NODE_MAP && count > n->map.cap) {
		struct node_pair *items = arena_array(a, struct node_pair, count);
		if (n->map.count)
			memcpy(items, n->map.items, n->map.count * sizeof(*items));
		n->map.items = items;
		n->map.cap = count;
		slots_want(a, n, count);
	}
}

struct node_pair *map_add(struct arena *a, struct node *map, const char *key,
	struct place key_place, struct node *value)
{
	if (map->kind != NODE_MAP)
		bug("map_add on %s", node_kind_name(map->kind));
	struct node_pair *there = pair_find(map, key);
	if (there)
		return there;
	slots_want(a, map, map->map.count + 1);
	*list_push(a, &map->map) = (struct node_pair){ key, key_place, value };
	if (map->map.slots)
		map->map.slots[slot_of(map, key)] = (uint32_t)map->map.count;
	return NULL;
}

void map_put(struct arena *a, struct node *map, const char *key, struct place key_place,
	struct node *value)
{
	struct node_pair *there = map_add(a, map, key, key_place, value);
	if (there)
		*there = (struct node_pair){ there->key, key_place, value };
}

bool map_drop(struct node *map, const char *key)
{
	struct node_pair *p = map && map->kind == NODE_MAP ? pair_find(map, key) : NULL;
	if (!p)
		return false;
	size_t after = map->map.count - 1 - (size_t)(p - map->map.items);
	memmove(p, p + 1, after * sizeof(*p));
	map->map.count--;
	if (map->map.slots)
		slots_fill(map);
	return true;
}

const struct node_pair *node_pair(const struct node *n, const char *key)
{
	return n && n->kind == NODE_MAP ? pair_find(n, key) : NULL;
}

struct node *node_get(const struct node *n, const char *key)
{
	const struct node_pair *p = node_pair(n, key);
	return p ? p->value : NULL;
}

struct node *node_copy(struct arena *a, const struct node *n)
{
	struct node *c = arena_copy(a, n, sizeof(*n));
	if (n->kind == NODE_LIST) {
		c->list.items =
			arena_copy(a, n->list.items, n->list.count * sizeof(*n->list.items));
		c->list.cap = n->list.count;
	} else if (n->kind == NODE_MAP) {
		c->map.items = arena_copy(a, n->map.items, n->map.count * sizeof(*n->map.items));
		c->map.cap = n->map.count;
		if (n->map.slots)
			c->map.slots = arena_copy(
				a, n->map.slots, n->map.slot_count * sizeof(*n->map.slots));
	}
	return c;
}

struct node *node_deep(struct arena *a, const struct node *n)
{
	struct node *c = node_copy(a, n);
	if (n->text) {
		c->text = arena_strndup(a, n->text, n->len);
	} else if (n->kind == NODE_LIST) {
		for (size_t i = 0; i < c->list.count; i++)
			c->list.items[i] = node_deep(a, c->list.items[i]);
	} else if (n->kind == NODE_MAP) {
		for (size_t i = 0; i < c->map.count; i++) {
			struct node_pair *p = &c->map.items[i];
			p->key = arena_strdup(a, p->key);
			p->value = node_deep(a, p->value);
		}
	}
	return c;
}

static bool lists_equal(const struct node *a, const struct node *b)
{
	if (a->list.count != b->list.count)
		return false;
	for (size_t i = 0; i < a->list.count; i++)
		if (!node_equal(a->list.items[i], b->list.items[i]))
			return false;
	return true;
}

static bool maps_equal(const struct node *a, const struct node *b)
{
	if (a->map.count != b->map.count)
		return false;
	for (size_t i = 0; i < a->map.count; i++) {
		const struct node_pair *p = pair_find(b, a->map.items[i].key);
		if (!p || !node_equal(a->map.items[i].value, p->value))
			return false;
	}
	return true;
}

bool node_equal(const struct node *a, const struct node *b)
{
	if (a == b || !a || !b || a->kind != b->kind)
		return a == b;
	switch (a->kind) {
	case NODE_NULL:
		return true;
	case NODE_BOOL:
		return a->boolean == b->boolean;
	case NODE_INT:
		return a->integer == b->integer;
	case NODE_FLOAT:
		return a->real == b->real || (isnan(a->real) && isnan(b->real));
	case NODE_STR:
		return a->len == b->len && !memcmp(a->text, b->text, a->len);
	case NODE_LIST:
		return lists_equal(a, b);
	case NODE_MAP:
		return maps_equal(a, b);
	}
	return false;
}

const char *node_text(const struct node *n)
{
	return n && node_is_scalar(n) ? n->text : NULL;
}

void node_texts(struct arena *a, const struct node *list, struct strs *out)
{
	const struct node *n;
	node_each_item(list, i, n)
	{
		if (node_text(n))
			strs_add(a, out, node_text(n));
	}
}

bool node_is_scalar(const struct node *n)
{
	return n && n->kind >= NODE_BOOL && n->kind <= NODE_STR;
}

const char *node_kind_name(enum node_kind k)
{
	static const char *const names[] = {
		[NODE_NULL] = "null",
		[NODE_BOOL] = "true or false",
		[NODE_INT] = "a whole number",
		[NODE_FLOAT] = "a number",
		[NODE_STR] = "a string",
		[NODE_LIST] = "a list",
		[NODE_MAP] = "a map",
	};
	return (size_t)k < countof(names) ? names[k] : "nothing";
}

size_t node_count(const struct node *n)
{
	if (!n)
		return 0;
	return n->kind == NODE_LIST ? n->list.count : n->kind == NODE_MAP ? n->map.count : 0;
}
