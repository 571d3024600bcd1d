/*
 * One layer's values, each brought from its short form to the canonical one, so that list and map
 * notation meet on equal terms. In: a tree as written and the schema. Out: the same meaning in
 * Compose's long forms. Runs before merging and, for what ${...} brought, once more after.
 * Knows the forms that the schema can name, not which keys bear them.
 */
#include "config/canonical.h"

static struct node *form_none(struct canonical *c, struct node *n, const struct field *f)
{
	(void)c, (void)f;
	return n;
}

static struct node *form_list(struct canonical *c, struct node *n, const struct field *f)
{
	(void)f;
	return as_list(c, n);
}

/* A scalar becomes {key: scalar}. */
static struct node *wrap(struct canonical *c, struct node *n, const char *key)
{
	if (!node_is_scalar(n))
		return n;
	struct node *map = node_map(c->a, n->place);
	put_node(c, map, key, n);
	return map;
}

static struct node *form_build(struct canonical *c, struct node *n, const struct field *f)
{
	(void)f;
	return wrap(c, n, "context");
}

static struct node *form_extends(struct canonical *c, struct node *n, const struct field *f)
{
	(void)f;
	return wrap(c, n, "service");
}

typedef struct node *item_fn(struct canonical *c, struct node *item);

/* Each item through fn; the list is copied only when one of them changed. */
static struct node *each_item(struct canonical *c, struct node *n, item_fn *fn)
{
	struct node *list = as_list(c, n), *item;

	if (list->kind != NODE_LIST)
		return n;
	node_each_item(list, i, item)
	{
		struct node *now = fn(c, item);
		if (now == item)
			continue;
		now->tag = item->tag;
		if (list == n)
			list = node_copy(c->a, n);
		list->list.items[i] = now;
	}
	return list;
}

static struct node *grant_item(struct canonical *c, struct node *item)
{
	return wrap(c, item, "source");
}

static struct node *form_secrets(struct canonical *c, struct node *n, const struct field *f)
{
	struct node *list = each_item(c, n, grant_item);
	return list->kind == NODE_LIST ? unify(c, list, f) : list;
}

static struct node *env_file_item(struct canonical *c, struct node *item)
{
	struct node *map = wrap(c, item, "path");

	if (map->kind != NODE_MAP || node_get(map, "required"))
		return map;
	if (map == item)
		map = node_copy(c->a, item);
	put_node(c, map, "required", node_bool(c->a, true, item->place));
	return map;
}

static struct node *form_env_file(struct canonical *c, struct node *n, const struct field *f)
{
	(void)f;
	return each_item(c, n, env_file_item);
}

static struct node *include_item(struct canonical *c, struct node *item)
{
	struct node *map = wrap(c, item, "path");
	const struct node_pair *path = node_pair(map, "path");

	if (!path || !node_is_scalar(path->value))
		return map;
	if (map == item)
		map = node_copy(c->a, item);
	map_put(c->a, map, path->key, path->key_place, as_list(c, path->value));
	return map;
}

static struct node *form_include(struct canonical *c, struct node *n, const struct field *f)
{
	(void)f;
	return each_item(c, n, include_item);
}

static struct node *both_limits(struct canonical *c, struct node *n)
{
	if (!node_is_scalar(n))
		return n;
	struct node *map = node_map(c->a, n->place);
	put_node(c, map, "soft", n);
	put_node(c, map, "hard", n);
	map->tag = n->tag;
	return map;
}

static struct node *form_ulimits(struct canonical *c, struct node *n, const struct field *f)
{
	struct node *out = n;
	const struct node_pair *pair;

	(void)f;
	node_each_pair(n, i, pair)
	{
		struct node *now = both_limits(c, pair->value);
		if (now == pair->value)
			continue;
		if (out == n)
			out = node_copy(c->a, n);
		out->map.items[i].value = now;
	}
	return out;
}

static form_fn *const forms[] = {
	[FORM_NONE] = form_none,
	[FORM_LIST] = form_list,
	[FORM_ENV] = form_env,
	[FORM_KEYS] = form_keys,
	[FORM_DEPENDS] = form_depends,
	[FORM_PORTS] = form_ports,
	[FORM_VOLUMES] = form_volumes,
	[FORM_BUILD] = form_build,
	[FORM_SECRETS] = form_secrets,
	[FORM_ENV_FILE] = form_env_file,
	[FORM_EXTRA_HOSTS] = form_extra_hosts,
	[FORM_ULIMITS] = form_ulimits,
	[FORM_COMMAND] = form_none,
	[FORM_EXTENDS] = form_extends,
	[FORM_INCLUDE] = form_include,
};

static struct node *walk(
	struct canonical *c, struct node *n, const struct field *f, const struct trail *t);

/*
 * The first time the tree is a layer's own and changed in place (a node that an alias shares is
 * simply canonical at its second visit); after the merge it shares nodes with the layers.
 */
static struct node *writable(struct canonical *c, struct node *out, const struct node *n)
{
	return c->after && out == n ? node_copy(c->a, n) : out;
}

static struct node *walk_map(
	struct canonical *c, struct node *n, const struct field *f, const struct trail *t)
{
	struct node *out = n;
	const struct node_pair *pair;

	node_each_pair(n, i, pair)
	{
		const struct field *child = field_under(f, pair->key);
		if (!child)
			continue;
		struct trail at = trail_key(t, pair->key);
		struct node *now = walk(c, pair->value, child, &at);
		if (now == pair->value)
			continue;
		out = writable(c, out, n);
		out->map.items[i].value = now;
	}
	return out;
}

static struct node *walk_list(
	struct canonical *c, struct node *n, const struct field *f, const struct trail *t)
{
	struct node *out = n, *item;

	if (!f->item || (f->item->form == FORM_NONE && !f->item->map && !f->item->item))
		return n;
	node_each_item(n, i, item)
	{
		struct trail at = trail_item(t, i);
		struct node *now = walk(c, item, f->item, &at);
		if (now == item)
			continue;
		out = writable(c, out, n);
		out->list.items[i] = now;
	}
	return out;
}

static struct node *walk(
	struct canonical *c, struct node *n, const struct field *f, const struct trail *t)
{
	if (n->tag == TAG_RESET || (f->form == FORM_NONE && node_is_scalar(n)) ||
		trail_too_deep(t, n, c->d))
		return n;
	c->at = t;
	struct node *out = forms[f->form](c, n, f);
	if (out != n)
		out->tag = n->tag;
	if (out->kind == NODE_MAP && f->form != FORM_ENV)
		return walk_map(c, out, f, t);
	return out->kind == NODE_LIST ? walk_list(c, out, f, t) : out;
}

struct node *canonical_pass(
	struct arena *a, struct node *n, const struct schema *s, bool after, struct diags *d)
{
	struct canonical c = { .a = a, .d = d, .ports_left = CONFIG_MAX_PORTS, .after = after };
	struct field root = { .types = T_MAP, .map = s };

	return n ? walk(&c, n, &root, NULL) : NULL;
}

struct node *config_canonical(
	struct arena *a, struct node *n, const struct schema *s, struct diags *d)
{
	return canonical_pass(a, n, s, false, d);
}
