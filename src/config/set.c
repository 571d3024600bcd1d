/*
 * --set a.b=value: each one a layer on top. In: the words and, for list indices, the tree so far.
 * Out: the tree with them. A value is YAML (a scalar or flow notation). Knows no keys.
 */
#include <string.h>

#include "config/rules.h"
#include "doc/yaml.h"

static const char layer_name[] = "--set";

struct setting {
	struct path_steps path;
	struct node *value;
	const char *text;
	bool indexed;
};

static struct diag *refuse(struct load *l, const char *text, const char *why)
{
	struct diag *d = diag_add(
		l->d, SEV_ERROR, (struct place){ .layer = layer_name }, "%s: %s", text, why);

	d->hint = "write --set services.api.environment.LOG_LEVEL=debug";
	return d;
}

/* The sign between path and value; one inside of a quoted key does not count. */
static const char *find_sign(const char *s)
{
	bool quoted = false;

	for (; *s && (quoted || *s != '='); s++) {
		if (*s == '\\' && quoted && s[1])
			s++;
		else if (*s == '"')
			quoted = !quoted;
	}
	return *s ? s : NULL;
}

static bool parse_setting(struct load *l, const char *text, struct setting *out)
{
	const char *sign = find_sign(text);
	bool empty = false;

	*out = (struct setting){ .text = text };
	if (!sign ||
		!path_parse(l->a, arena_strndup(l->a, text, (size_t)(sign - text)), &out->path) ||
		!out->path.items[0].key) {
		refuse(l, text, "no PATH=VALUE");
		return false;
	}
	for (size_t i = 0; i < out->path.count; i++)
		out->indexed = out->indexed || !out->path.items[i].key;
	out->value = yaml_read(l->a, sign + 1, strlen(sign + 1), NULL, layer_name, l->d, &empty);
	if (!out->value && empty)
		out->value = node_str(
			l->a, "", (struct place){ .layer = layer_name, .line = 1, .col = 1 });
	return out->value != NULL;
}

static struct node *build(struct load *l, const struct setting *s, size_t at, struct node *now,
	const struct field *f);

/* The list that is there, as a whole, with one item changed. */
static struct node *build_item(
	struct load *l, const struct setting *s, size_t at, struct node *now, const struct field *f)
{
	size_t index = s->path.items[at].index;
	struct node *out = now && now->kind == NODE_LIST ? node_copy(l->a, now) : NULL;

	if (!out || index > out->list.count) {
		refuse(l, s->text, arena_printf(l->a, "there is no item [%zu]", index))->hint =
			"`devenv config PATH` shows the list";
		return NULL;
	}
	struct node *old = index < out->list.count ? out->list.items[index] : NULL;
	struct node *item = build(l, s, at + 1, old, f ? f->item : NULL);
	if (!item)
		return NULL;
	if (old && at + 1 < s->path.count)
		item = merge_pass(l->a, old, item, f ? f->item : NULL, NULL, l->d);
	if (old)
		out->list.items[index] = item;
	else
		list_add(l->a, out, item);
	out->tag = TAG_OVERRIDE;
	out->place = s->value->place;
	return out;
}

/* What the layer says from step `at` on; NULL: refused. */
static struct node *build(
	struct load *l, const struct setting *s, size_t at, struct node *now, const struct field *f)
{
	if (at == s->path.count)
		return s->value;
	const char *key = s->path.items[at].key;
	if (!key)
		return build_item(l, s, at, now, f);
	struct node *value = build(l, s, at + 1, node_get(now, key), field_under(f, key));
	if (!value)
		return NULL;
	struct node *map = node_map(l->a, s->value->place);
	map_put(l->a, map, key, s->value->place, value);
	return map;
}

static struct node *apply(struct load *l, struct node *tree, bool indexed)
{
	for (size_t i = 0; i < l->req->sets.count; i++) {
		struct setting s;
		const char *text = l->req->sets.items[i];
		bool has_index = memchr(text, '[', strcspn(text, "=")) != NULL;
		if (has_index != indexed || !parse_setting(l, text, &s))
			continue;
		struct node *layer = build(l, &s, 0, tree, &l->root);
		if (layer && !indexed)
			layer = canonical_pass(l->a, layer, l->req->schema, false, l->d);
		if (!layer)
			continue;
		load_add(&l->sets, l->a, layer_name, NULL, layer);
		tree = merge_pass(l->a, tree, layer, &l->root, NULL, l->d);
	}
	return tree;
}

struct node *set_plain(struct load *l, struct node *tree)
{
	return apply(l, tree, false);
}

struct node *set_indexed(struct load *l, struct node *tree)
{
	return apply(l, tree, true);
}
