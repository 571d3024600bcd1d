/*
 * Lists whose items have an identity. In: two lists of one field. Out: one, in the lower list's
 * order, new items behind. Mounts and grants are replaced as in Compose; a port, whose identity is
 * its target, takes over what the overlay does not say: moving a host port is one line.
 */
#include "config/rules.h"

#include <stdint.h>
#include <string.h>

#include "base/map.h"

struct entry { /* one item from below */
	const char *id, *alias;
	bool met; /* the upper list spoke about it, or about an item of the same identity */
	bool kept;
};

struct by_key {
	struct merge *m;
	const struct field *f;
	const struct trail *t;
	struct node *out;      /* the items from below first */
	struct entry *entries; /* of those */
	size_t low;
	struct map ids,
		aliases; /* -> index + 1 of the first such entry; only when there are many */
};

enum { FEW = 16 };

static void note(struct map *m, const char *key, size_t index)
{
	if (key && !map_has(m, key))
		map_set(m, key, (void *)(uintptr_t)(index + 1));
}

static void take_low(struct by_key *k, const struct node *low)
{
	struct node *item;

	k->low = low->list.count;
	k->entries = arena_array(k->m->a, struct entry, k->low + 1);
	node_each_item(low, i, item)
	{
		struct entry *e = &k->entries[i];
		e->id = item_identity(k->m->a, k->f, item);
		e->alias = k->f->form == FORM_VOLUMES ? node_text(node_get(item, "source"))
						      : item_alias(k->f, item);
		e->kept = true;
		list_add(k->m->a, k->out, item);
		if (k->low <= FEW)
			continue;
		note(&k->ids, e->id, i);
		note(&k->aliases, e->alias, i);
	}
}

/* Index + 1 of the first entry of that identity (or alias); 0: none. */
static size_t find_entry(const struct by_key *k, const char *name, bool alias)
{
	if (!name)
		return 0;
	if (k->low > FEW)
		return (size_t)(uintptr_t)map_get(alias ? &k->aliases : &k->ids, name);
	for (size_t i = 0; i < k->low; i++) {
		const char *other = alias ? k->entries[i].alias : k->entries[i].id;
		if (other && !strcmp(other, name))
			return i + 1;
	}
	return 0;
}

static bool is_replaced_whole(const struct field *f)
{
	return f->form == FORM_VOLUMES || f->form == FORM_SECRETS;
}

static struct node *join_items(struct by_key *k, struct node *low, struct node *high, size_t index)
{
	struct field item = { .types = T_ANY,
		.map = k->f->item ? k->f->item->map : NULL,
		.flags = FIELD_COMPOSE,
		.merge = is_replaced_whole(k->f) ? MERGE_REPLACE : MERGE_DEFAULT };
	struct trail at = trail_item(k->t, index);

	return merge_nodes(k->m, low, high, &item, &at);
}

/* What the upper list says the first time takes the entry's place; what it says again is one more.
 */
static void take_high(struct by_key *k, struct node *item)
{
	size_t at = find_entry(k, item_alias(k->f, item), true);

	if (!at)
		at = find_entry(k, item_identity(k->m->a, k->f, item), false);
	if (!at || k->entries[at - 1].met) {
		list_add(k->m->a, k->out, item);
		return;
	}
	k->entries[at - 1].met = true;
	k->out->list.items[at - 1] = join_items(k, k->out->list.items[at - 1], item, at - 1);
}

/* Further items from below of an identity that was spoken about give way, as a group. */
static void drop_spoken(struct by_key *k)
{
	size_t to = 0;

	for (size_t i = 0; i < k->low; i++) {
		const struct entry *e = &k->entries[i];
		size_t first = e->met ? 0 : find_entry(k, e->id, false);
		if (first && first != i + 1 && k->entries[first - 1].met)
			k->entries[i].kept = false;
	}
	for (size_t i = 0; i < k->out->list.count; i++)
		if (i >= k->low || k->entries[i].kept)
			k->out->list.items[to++] = k->out->list.items[i];
	k->out->list.count = to;
}

struct node *merge_by_key(struct merge *m, const struct node *low, const struct node *high,
	const struct field *f, const struct trail *t)
{
	struct by_key k = { .m = m, .f = f, .t = t, .out = node_list(m->a, high->place) };
	struct node *item;

	k.out->replaced = low;
	node_reserve(m->a, k.out, node_count(low) + node_count(high));
	take_low(&k, low);
	node_each_item(high, i, item) take_high(&k, item);
	drop_spoken(&k);
	map_release(&k.ids);
	map_release(&k.aliases);
	return k.out;
}

static struct node *sweep(struct arena *a, struct node *n, int depth);

/* !reset and !override have done their work: the former's paths go, the latter's mark. */
static struct node *sweep_map(struct arena *a, struct node *n, int depth)
{
	struct node *out = n;
	size_t to = 0;
	bool dropped = false;

	for (size_t i = 0; i < n->map.count; i++) {
		struct node_pair pair = n->map.items[i];
		struct node *now =
			pair.value->tag == TAG_RESET ? NULL : sweep(a, pair.value, depth);
		if (now == pair.value && out == n) {
			to++;
			continue;
		}
		if (out == n)
			out = node_copy(a, n);
		dropped = dropped || !now;
		pair.value = now;
		if (now)
			out->map.items[to++] = pair;
	}
	out->map.count = to;
	if (!dropped)
		return out;
	struct node *fresh = node_copy(a, out); /* with a look-up table of its own */
	fresh->map.items = NULL;
	fresh->map.slots = NULL;
	fresh->map.count = fresh->map.cap = fresh->map.slot_count = 0;
	for (size_t i = 0; i < to; i++)
		map_put(a, fresh, out->map.items[i].key, out->map.items[i].key_place,
			out->map.items[i].value);
	return fresh;
}

static struct node *sweep_list(struct arena *a, struct node *n, int depth)
{
	struct node *out = n;
	size_t to = 0;

	for (size_t i = 0; i < n->list.count; i++) {
		struct node *item = n->list.items[i];
		struct node *now = item->tag == TAG_RESET ? NULL : sweep(a, item, depth);
		if (now == item && out == n) {
			to++;
			continue;
		}
		if (out == n)
			out = node_copy(a, n);
		if (now)
			out->list.items[to++] = now;
	}
	out->list.count = to;
	return out;
}

static struct node *sweep(struct arena *a, struct node *n, int depth)
{
	struct node *out = n;

	if (depth > CONFIG_MAX_DEPTH)
		return n; /* substitution will complain */
	if (n->kind == NODE_MAP)
		out = sweep_map(a, n, depth + 1);
	else if (n->kind == NODE_LIST)
		out = sweep_list(a, n, depth + 1);
	if (!out->tag)
		return out;
	if (out == n)
		out = node_copy(a, n);
	out->tag = TAG_NONE;
	return out;
}

struct node *merge_sweep(struct arena *a, struct node *n)
{
	return sweep(a, n, 0);
}
