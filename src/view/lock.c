/*
 * What differs between two devenv.lock, as a table of old and new or as JSON. Comes in: the
 * differences. Goes out: text. Knows neither file.
 */
#include "view/view.h"

static const struct place nowhere;

void view_lock(struct buf *out, struct arena *a, const struct lock_changes *l, struct style st)
{
	static const char *const head[] = { "IMAGE", "WHAT", "LOCKED", "NOW" };
	struct table *t = table_new(a, head, countof(head));
	for (size_t i = 0; i < l->count; i++) {
		const struct lock_change *k = &l->items[i];
		bool whole = !*k->name, registry = !*k->part;
		table_row(t, (const char *const[]){ registry ? k->name : k->part,
				     registry ? "image"
				     : whole  ? "packages"
					      : k->name,
				     k->old ? k->old : "-", k->now ? k->now : "-" });
	}
	table_write(out, t, st);
}

static void put(struct arena *a, struct node *map, const char *key, const char *text)
{
	map_put(a, map, key, nowhere, text ? node_str(a, text, nowhere) : node_null(a, nowhere));
}

struct node *view_lock_json(struct arena *a, const struct lock_changes *l)
{
	struct node *list = node_list(a, nowhere);
	for (size_t i = 0; i < l->count; i++) {
		const struct lock_change *k = &l->items[i];
		struct node *n = node_map(a, nowhere);
		put(a, n, "image", *k->part ? k->part : k->name);
		put(a, n, "package", *k->part && *k->name ? k->name : NULL);
		put(a, n, "locked", k->old);
		put(a, n, "now", k->now);
		list_add(a, list, n);
	}
	return list;
}
