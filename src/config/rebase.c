/*
 * Relative paths of a file that lies elsewhere: what `include:` and `extends:` bring in means the
 * neighbours of its own file, as in Compose. In: a canonical tree and the way from the project's
 * folder to the file's. Out: a tree of its own whose paths start at the project's folder. Which
 * values are paths of this machine, the schema says.
 */
#include <string.h>

#include "base/os.h"
#include "config/rules.h"

struct rebase {
	struct arena *a;
	const char *way;
};

static bool is_relative(const char *s)
{
	return s && *s && !strchr("/~$", *s) && !strstr(s, "://") && !starts_with(s, "git@");
}

/* With ./ in front, so that a mount's source stays a path and becomes no volume. */
static const char *moved(struct rebase *r, const char *path)
{
	const char *whole = path_normal(r->a, path_join(r->a, r->way, path));

	return *whole == '/' || *whole == '.' ? whole : arena_printf(r->a, "./%s", whole);
}

static void move_text(struct rebase *r, struct node *n)
{
	if (n->kind != NODE_STR || !is_relative(n->text))
		return;
	n->text = moved(r, n->text);
	n->len = strlen(n->text);
}

static void move_keys(struct rebase *r, struct node *n)
{
	struct node *fresh = node_map(r->a, n->place);
	const struct node_pair *pair;

	node_each_pair(n, i, pair)
	{
		const char *key = is_relative(pair->key) ? moved(r, pair->key) : pair->key;
		map_put(r->a, fresh, key, pair->key_place, pair->value);
	}
	n->map = fresh->map;
}

static void walk(struct rebase *r, struct node *n, const struct field *f);

static void walk_map(struct rebase *r, struct node *n, const struct field *f)
{
	const char *type = node_text(node_get(n, "type"));
	bool elsewhere =
		type && !streq(type, "bind"); /* a mount of a volume: its source is a name */
	const struct node_pair *pair;

	node_each_pair(n, i, pair)
	{
		const struct field *inside = field_under(f, pair->key);
		if (inside && !(elsewhere && inside->flags & FIELD_LOCAL))
			walk(r, pair->value, inside);
	}
	if (f->map && f->map->key_format == F_PATH)
		move_keys(r, n);
}

static void walk(struct rebase *r, struct node *n, const struct field *f)
{
	struct node *item;

	if (n->kind == NODE_MAP)
		walk_map(r, n, f);
	if (f->flags & FIELD_LOCAL)
		move_text(r, n);
	node_each_item(n, i, item)
	{
		if (f->flags & FIELD_LOCAL)
			move_text(r, item);
		if (f->item)
			walk(r, item, f->item);
	}
}

struct node *rebase_pass(
	struct arena *a, const struct node *n, const struct field *f, const char *way)
{
	struct rebase r = { a, way };
	struct node *own = node_deep(a, n);

	walk(&r, own, f);
	return own;
}
