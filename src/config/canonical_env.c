/*
 * Lists that mean maps: K=V of environment and labels, names of networks and dependencies,
 * host:address pairs. Keys that were part of a list's item are marked brief: substitution reaches
 * them, as it does in Compose, while the keys of a map are never touched.
 */
#include "config/canonical.h"

#include <string.h>

/* Says what is wrong with an item that should be text; true when it is text. */
static bool is_text(struct canonical *c, const struct node *item, const char *example)
{
	if (node_is_scalar(item))
		return true;
	canonical_error(c, item, arena_printf(c->a, "write %s", example), "%s cannot stand here",
		node_kind_name(item->kind));
	return false;
}

static struct node *brief(struct node *n, const struct node *item)
{
	n->brief = true;
	n->tag = item->tag;
	return n;
}

static void add_assignment(struct canonical *c, struct node *map, const struct node *item)
{
	size_t end = find_piece_end(item->text, item->len, '=');

	if (!end) {
		canonical_error(c, item, "write NAME=value", "a name is missing before \"=\"");
		return;
	}
	struct piece rest = { item->text + end + 1, item->len - end - 1 };
	struct node *value =
		end < item->len ? text_node(c, rest, item) : node_null(c->a, item->place);
	map_put(c->a, map, arena_strndup(c->a, item->text, end), item->place, brief(value, item));
}

/* Names that only substitution made "K=V". */
static struct node *resplit(struct canonical *c, struct node *n)
{
	struct node *out = n;
	const struct node_pair *pair;

	node_each_pair(n, i, pair)
	{
		const char *sign = strchr(pair->key, '=');
		if (!sign || !pair->value->brief || pair->value->kind != NODE_NULL)
			continue;
		if (out == n)
			out = node_copy(c->a, n);
		struct node *item = node_str(c->a, pair->key, pair->key_place);
		map_drop(out, pair->key);
		add_assignment(c, out, item);
	}
	return out;
}

struct node *form_env(struct canonical *c, struct node *n, const struct field *f)
{
	struct node *item;

	(void)f;
	if (n->kind != NODE_LIST)
		return c->after ? resplit(c, n) : n;
	struct node *map = node_map(c->a, n->place);
	node_reserve(c->a, map, node_count(n));
	node_each_item(n, i, item)
	{
		if (is_text(c, item, "NAME=value, or a map in place of the list"))
			add_assignment(c, map, item);
	}
	return map;
}

typedef struct node *name_fn(struct canonical *c, const struct node *name);

/* [a, b] -> {a: ..., b: ...}; wanted says what an item should be. What is a map already stays. */
static struct node *by_names(
	struct canonical *c, struct node *n, const char *wanted, name_fn *value_of)
{
	struct node *list = as_list(c, n), *item;

	if (list->kind != NODE_LIST)
		return n;
	struct node *map = node_map(c->a, n->place);
	node_reserve(c->a, map, node_count(list));
	node_each_item(list, i, item)
	{
		if (is_text(c, item, wanted))
			map_put(c->a, map, node_text(item), item->place, value_of(c, item));
	}
	return map;
}

static struct node *nothing(struct canonical *c, const struct node *item)
{
	return brief(node_null(c->a, item->place), item);
}

static struct node *started(struct canonical *c, const struct node *item)
{
	struct node *map = brief_map(c, item);

	put_node(c, map, "condition", node_str(c->a, "service_started", item->place));
	put_node(c, map, "required", node_bool(c->a, true, item->place));
	return map;
}

struct node *form_keys(struct canonical *c, struct node *n, const struct field *f)
{
	(void)f;
	return by_names(c, n, "a name", nothing);
}

struct node *form_depends(struct canonical *c, struct node *n, const struct field *f)
{
	(void)f;
	return by_names(c, n, "the name of a service", started);
}

/* [::1] -> ::1 */
static struct piece unbracket(struct piece p)
{
	if (p.len > 1 && p.s[0] == '[' && p.s[p.len - 1] == ']')
		return (struct piece){ p.s + 1, p.len - 2 };
	return p;
}

static void add_host(struct canonical *c, struct node *map, const struct node *item)
{
	size_t end = find_piece_end(item->text, item->len, '=');

	if (end == item->len)
		end = find_piece_end(item->text, item->len, ':');
	if (!end || (end == item->len && !node_is_open(c, item))) {
		canonical_error(c, item, "write HOST=ADDRESS", "no host with an address");
		return;
	}
	const char *host = arena_strndup(c->a, item->text, end);
	struct node *list = node_get(map, host);
	if (!list) {
		list = brief(node_list(c->a, item->place), item);
		map_put(c->a, map, host, item->place, list);
	}
	struct piece rest = { item->text + end + 1, item->len - end - 1 };
	if (end < item->len)
		list_add(c->a, list, text_node(c, unbracket(rest), item));
}

/* Hosts whose address only substitution brought: their lists are still empty. */
static struct node *resplit_hosts(struct canonical *c, struct node *n)
{
	struct node *out = n;
	const struct node_pair *pair;

	node_each_pair(n, i, pair)
	{
		if (!pair->value->brief || node_count(pair->value))
			continue;
		if (out == n)
			out = node_copy(c->a, n);
		map_drop(out, pair->key);
		add_host(c, out, node_str(c->a, pair->key, pair->key_place));
	}
	return out;
}

static struct node *hosts_map(struct canonical *c, struct node *n)
{
	struct node *out = n;
	const struct node_pair *pair;

	node_each_pair(n, i, pair)
	{
		if (!node_is_scalar(pair->value))
			continue;
		if (out == n)
			out = node_copy(c->a, n);
		out->map.items[i].value = as_list(c, pair->value);
	}
	return c->after ? resplit_hosts(c, out) : out;
}

struct node *form_extra_hosts(struct canonical *c, struct node *n, const struct field *f)
{
	struct node *list = as_list(c, n), *item;

	(void)f;
	if (list->kind != NODE_LIST)
		return hosts_map(c, n);
	struct node *map = node_map(c->a, n->place);
	node_reserve(c->a, map, node_count(list));
	node_each_item(list, i, item)
	{
		if (is_text(c, item, "HOST=ADDRESS"))
			add_host(c, map, item);
	}
	return map;
}
