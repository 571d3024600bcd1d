/*
 * Two layers become one. In: canonical trees, low and high, and the schema's rules. Out: a tree
 * whose nodes know what they replaced. !reset and !override stay in the result until the sweep, so
 * that merging may be done in any grouping. Knows rules, not keys.
 */
#include "config/rules.h"

#include <string.h>

#include "base/map.h"
#include "doc/json.h"

/* Free-form values (carried, unknown): Compose's general rule, maps deep and lists appended. */
static enum merge_rule rule_of(const struct field *f)
{
	return f ? f->merge : MERGE_UNIQUE;
}

/* A field of our own that the schema names: there even an empty list or map is an answer. */
static bool is_own(const struct field *f)
{
	return f && f->name && !(f->flags & FIELD_COMPOSE);
}

static struct node *over(struct merge *m, const struct node *low, const struct node *high)
{
	struct node *n = node_copy(m->a, high);

	n->replaced = low;
	return n;
}

static struct diag *say(struct merge *m, enum severity s, const struct node *at,
	const struct trail *t, const char *text)
{
	struct diag *d = diag_add(m->d, s, at->place, "%s", text);

	d->path = trail_text(m->d->arena, t);
	return d;
}

static struct node *null_over(struct merge *m, struct node *low, struct node *high,
	const struct field *f, const struct trail *t)
{
	if (low->kind == NODE_NULL || (f && (f->types & T_NULL) && low->kind != NODE_MAP))
		return over(m, low, high);
	if (f && (f->types & T_NULL))
		return low;
	struct diag *d = say(m, SEV_WARNING, high, t, "null changes nothing here");
	d->hint = "write `!reset null` to drop what the layer below says";
	d->other = low->place;
	d->other_label = "which stays";
	return low;
}

static bool is_container(const struct node *n)
{
	return n->kind == NODE_LIST || n->kind == NODE_MAP;
}

/* A list or map meets something else: only a field that takes both kinds lets the later one win. */
static struct node *meet_other(struct merge *m, struct node *low, struct node *high,
	const struct field *f, const struct trail *t)
{
	bool both = f && (f->types & (1u << low->kind)) && (f->types & (1u << high->kind));

	if (!both && is_container(low) && is_container(high)) {
		const char *text = arena_printf(m->a, "%s cannot be merged with %s",
			node_kind_name(high->kind), node_kind_name(low->kind));
		struct diag *d = say(m, SEV_ERROR, high, t, text);
		d->other = low->place;
		d->other_label = "what it meets";
		d->hint = "use one notation, or put `!override` before the later value";
	}
	return over(m, low, high);
}

static struct node *merge_maps(struct merge *m, struct node *low, struct node *high,
	const struct field *f, const struct trail *t)
{
	struct node *out = node_copy(m->a, low);
	const struct node_pair *pair;

	out->place = high->place;
	out->replaced = low;
	out->brief = low->brief && high->brief;
	node_each_pair(high, i, pair)
	{
		struct trail at = trail_key(t, pair->key);
		struct node *was = node_get(low, pair->key), *now = pair->value;
		if (was && is_extension(pair->key))
			now = over(m, was, now);
		else if (was)
			now = merge_nodes(m, was, now, field_under(f, pair->key), &at);
		if (now != was)
			map_put(m->a, out, pair->key, pair->key_place, now);
	}
	return out;
}

/* What two items have in common when they are the same value: "3000" and 3000 are. */
static const char *item_text(struct merge *m, const struct node *n)
{
	if (node_is_scalar(n))
		return node_text(n);
	cleanup_buf struct buf text = BUF_INIT;
	buf_addc(&text, '\n'); /* no scalar on one line looks like this */
	json_write(&text, n, 0);
	return arena_strndup(m->a, text.data, text.len);
}

enum { FEW = 16 }; /* items that are compared one by one; above, by a table */

static bool has_item(const struct node *list, const struct node *wanted)
{
	const char *text = node_text(wanted);
	struct node *item;

	node_each_item(list, i, item)
	{
		const char *other = node_text(item);
		if (text && other ? !strcmp(text, other) : node_equal(item, wanted))
			return true;
	}
	return false;
}

static void append_unique(
	struct merge *m, struct node *out, const struct node *from, struct map *seen, bool few)
{
	struct node *item;

	node_each_item(from, i, item)
	{
		const char *text = few ? NULL : item_text(m, item);
		if (few ? has_item(out, item) : map_has(seen, text))
			continue;
		if (text)
			map_set(seen, text, item);
		list_add(m->a, out, item);
	}
}

static struct node *join_lists(
	struct merge *m, const struct node *low, const struct node *high, bool unique)
{
	struct node *out = node_list(m->a, high->place), *item;
	cleanup_map struct map seen = MAP_INIT;

	node_reserve(m->a, out, node_count(low) + node_count(high));
	out->replaced = low;
	if (unique) {
		bool few = node_count(low) + node_count(high) <= FEW;
		append_unique(m, out, low, &seen, few);
		append_unique(m, out, high, &seen, few);
		return out;
	}
	node_each_item(low, i, item) list_add(m->a, out, item);
	node_each_item(high, i, item) list_add(m->a, out, item);
	return out;
}

/* [] or {} on top: for Compose's fields nothing, as Compose has it, but not silently. */
static struct node *empty_over(struct merge *m, struct node *low, struct node *high,
	const struct field *f, const struct trail *t)
{
	if (is_own(f))
		return over(m, low, high);
	if (low->kind == NODE_LIST && node_count(low)) {
		struct diag *d = say(
			m, SEV_WARNING, high, t, "an empty list adds nothing here, as in Compose");
		d->hint = "write `!reset []` to drop what the layer below says";
		d->other = low->place;
		d->other_label = "which stays";
	}
	return low;
}

static struct node *merge_lists(struct merge *m, struct node *low, struct node *high,
	const struct field *f, const struct trail *t)
{
	switch (rule_of(f)) {
	case MERGE_BY_KEY:
		return merge_by_key(m, low, high, f, t);
	case MERGE_APPEND:
		return join_lists(m, low, high, false);
	case MERGE_UNIQUE:
		return join_lists(m, low, high, true);
	default:
		return over(m, low, high);
	}
}

/* The free-form notations of Compose that have two kinds: K=V lists and maps, one word or several.
 */
static struct node *carried_like(struct merge *m, struct node *n, enum node_kind other)
{
	struct node *out = n, *item;

	if (other == NODE_LIST && node_is_scalar(n)) {
		out = node_list(m->a, n->place);
		list_add(m->a, out, n);
	} else if (other == NODE_MAP && n->kind == NODE_LIST) {
		out = node_map(m->a, n->place);
		node_each_item(n, i, item)
		{
			const char *text = node_text(item), *sign = text ? strchr(text, '=') : NULL;
			if (!sign)
				return n;
			map_put(m->a, out, arena_strndup(m->a, text, (size_t)(sign - text)),
				item->place, node_str(m->a, sign + 1, item->place));
		}
	}
	return out;
}

/* Options of one driver mean nothing to another. */
static bool is_other_driver(const struct field *f, const struct node *low, const struct node *high)
{
	const char *a = node_text(node_get(low, "driver")),
		   *b = node_text(node_get(high, "driver"));

	return rule_of(f) == MERGE_DRIVER && a && b && strcmp(a, b);
}

static struct node *meet(struct merge *m, struct node *low, struct node *high,
	const struct field *f, const struct trail *t)
{
	if (rule_of(f) == MERGE_REPLACE || (f && f->form == FORM_EXTENDS) ||
		is_other_driver(f, low, high))
		return over(m, low, high);
	if (!f && low->kind != high->kind) {
		low = carried_like(m, low, high->kind);
		high = carried_like(m, high, low->kind);
	}
	if (!is_container(low) && !is_container(high))
		return over(m, low, high);
	if (low->kind != high->kind)
		return meet_other(m, low, high, f, t);
	if (!node_count(high) && (high->kind == NODE_MAP || rule_of(f) != MERGE_DEFAULT))
		return empty_over(m, low, high, f, t);
	return high->kind == NODE_MAP ? merge_maps(m, low, high, f, t)
				      : merge_lists(m, low, high, f, t);
}

struct node *merge_nodes(struct merge *m, struct node *low, struct node *high,
	const struct field *f, const struct trail *t)
{
	if (trail_too_deep(t, high, m->d))
		return low;
	if (high->tag)
		return over(m, low, high);
	if (low->tag == TAG_RESET) {
		struct node *out = over(m, low, high);
		out->tag = TAG_OVERRIDE; /* what is further below stays dropped */
		return out;
	}
	if (high->kind == NODE_NULL)
		return null_over(m, low, high, f, t);
	if (low->kind == NODE_NULL && low->tag == TAG_NONE)
		return over(m, low, high);
	struct node *out = meet(m, low, high, f, t);
	if (out != low)
		out->tag = low->tag;
	return out;
}

struct node *merge_pass(struct arena *a, struct node *low, struct node *high, const struct field *f,
	const struct trail *t, struct diags *d)
{
	struct merge m = { .a = a, .d = d };

	if (!low || !high)
		return low ? low : high;
	return merge_nodes(&m, low, high, f, t);
}

struct node *config_merge(struct arena *a, struct node *low, struct node *high,
	const struct schema *s, struct diags *d)
{
	struct field root = { .types = T_MAP, .map = s, .flags = FIELD_COMPOSE };
	struct node *n = merge_pass(a, low, high, &root, NULL, d);

	return n ? merge_sweep(a, n) : NULL;
}

const char *merge_word(const struct field *f, const struct node *low, const struct node *high)
{
	if (high->tag)
		return high->tag == TAG_RESET ? "resets" : "overrides";
	if (!low)
		return "sets";
	if (high->kind == NODE_NULL)
		return f && (f->types & T_NULL) && low->kind != NODE_MAP ? "clears"
									 : "changes nothing";
	if (low->kind != high->kind || rule_of(f) == MERGE_REPLACE)
		return "replaces";
	if (high->kind == NODE_MAP)
		return "merges by key";
	if (high->kind != NODE_LIST || rule_of(f) == MERGE_DEFAULT)
		return "replaces";
	return rule_of(f) == MERGE_BY_KEY ? "merges by key" : "appends";
}
