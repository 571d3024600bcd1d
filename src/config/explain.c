/*
 * What each layer says about one path, low to high. In: the loaded configuration, the schema and a
 * written path. Out: a row of says. An index means the item of the merged tree: other layers are
 * asked for the same thing, wherever it stands in their lists.
 */
#include "base/map.h"
#include "config/rules.h"

struct look {
	struct arena *a;
	const struct node *here;   /* in the layer */
	const struct node *merged; /* in the result */
	const struct field *f;
};

static const struct node *same_item(struct look *k, const struct node *wanted, size_t index)
{
	struct node *item;
	const char *id = wanted ? item_identity(k->a, k->f, wanted) : NULL;
	const char *alias = wanted ? item_alias(k->f, wanted) : NULL;

	if (!k->f || k->f->merge != MERGE_BY_KEY) {
		node_each_item(k->here, i, item)
		{
			if (wanted && node_equal(item, wanted))
				return item;
		}
		return !wanted && index < node_count(k->here) ? k->here->list.items[index] : NULL;
	}
	node_each_item(k->here, i, item)
	{
		const char *other = item_identity(k->a, k->f, item);
		const char *name = item_alias(k->f, item);
		if ((id && streq(id, other)) || (alias && streq(alias, name)))
			return item;
	}
	return NULL;
}

static void step_into(struct look *k, const struct path_step *step)
{
	if (step->key) {
		k->here = node_get(k->here, step->key);
		k->merged = node_get(k->merged, step->key);
		k->f = field_under(k->f, step->key);
		return;
	}
	const struct node *wanted = NULL;
	if (k->merged && k->merged->kind == NODE_LIST && step->index < k->merged->list.count)
		wanted = k->merged->list.items[step->index];
	k->here = k->here && k->here->kind == NODE_LIST ? same_item(k, wanted, step->index) : NULL;
	k->merged = wanted;
	k->f = k->f ? k->f->item : NULL;
}

/* What the layer says: at the path, or by a tag further up. */
static const struct node *look_up(struct look *k, const struct path_steps *path)
{
	const struct node *tagged = NULL;

	for (size_t i = 0; i < path->count && k->here; i++) {
		if (k->here->tag)
			tagged = k->here;
		step_into(k, &path->items[i]);
	}
	return k->here ? k->here : tagged;
}

void config_explain(struct arena *a, const struct config *c, const struct schema *s,
	const char *path, struct says *out)
{
	struct path_steps steps = { 0 };
	struct field root = { .types = T_MAP, .map = s, .flags = FIELD_COMPOSE };
	const struct node *low = NULL;

	*out = (struct says){ 0 };
	if (!path_parse(a, path, &steps))
		return;
	for (size_t i = 0; i < c->layers.count; i++) {
		struct look k = { a, c->layers.items[i].tree, c->tree, &root };
		const struct node *value = k.here ? look_up(&k, &steps) : NULL;
		if (!value)
			continue;
		*list_push(a, out) =
			(struct say){ &c->layers.items[i], value, merge_word(k.f, low, value) };
		if (value->kind != NODE_NULL || value->tag)
			low = value->tag == TAG_RESET ? NULL : value;
	}
}
