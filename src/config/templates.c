/*
 * Service templates: each service that says `extends: {template: T}` gets its own copy of T below
 * everything the user wrote, `${template.service}` being the service's name. In: the user's merged
 * layers and a function that reads templates. Out: one tree of all copies, one layer for each.
 * Knows the words `template`, `service` and `description`.
 */
#include <string.h>

#include "base/map.h"
#include "config/rules.h"

struct copy { /* one template on its way into one service; up: the one that extends it */
	const struct copy *up;
	const char *name;
};

struct copies {
	struct load *l;
	struct map read;   /* name -> tree as read */
	struct node *tree; /* all copies together; its parts are ours to change */
};

static const char mark[] = "${template.service}";

static const char *named_text(struct arena *a, const char *text, const char *service)
{
	const char *at = strstr(text, mark);

	if (!at)
		return text;
	cleanup_buf struct buf out = BUF_INIT;
	for (; at; at = strstr(text, mark)) {
		buf_add(&out, text, (size_t)(at - text));
		buf_adds(&out, service);
		text = at + sizeof(mark) - 1;
	}
	buf_adds(&out, text);
	return arena_strdup(a, buf_str(&out));
}

/* The template's text with the service's name in it, in keys too. */
static struct node *named_copy(struct arena *a, const struct node *n, const char *service)
{
	const struct node_pair *pair;
	struct node *out, *item;

	if (n->kind == NODE_MAP) {
		out = node_map(a, n->place);
		out->tag = n->tag;
		node_each_pair(n, i, pair) map_put(a, out, named_text(a, pair->key, service),
			pair->key_place, named_copy(a, pair->value, service));
		return out;
	}
	out = node_copy(a, n);
	if (n->kind == NODE_LIST) {
		node_each_item(n, i, item) out->list.items[i] = named_copy(a, item, service);
	} else if (n->kind == NODE_STR) {
		out->text = named_text(a, n->text, service);
		out->len = strlen(out->text);
	}
	return out;
}

static struct node *read_template(struct copies *c, const struct node *at, const char *name)
{
	const struct config_request *req = c->l->req;
	struct node *n = map_get(&c->read, name);
	size_t errors = c->l->d->errors;

	if (n)
		return n;
	if (req->template_layer)
		n = req->template_layer(req->template_ctx, c->l->a, name, c->l->d);
	if (n && n->kind == NODE_MAP) {
		map_set(&c->read, name, n);
		return n;
	}
	if (c->l->d->errors != errors)
		return NULL;
	struct diag *d = diag_add(c->l->d, SEV_ERROR, at->place, "there is no template %s", name);
	const char *near = req->template_names ? nearest_name(name, req->template_names->items,
							 req->template_names->count)
					       : NULL;
	if (near)
		d->hint = arena_printf(c->l->a, "did you mean %s?", near);
	else if (req->template_names && req->template_names->count)
		d->hint = arena_printf(
			c->l->a, "there are: %s", strs_join(c->l->a, req->template_names, ", "));
	return NULL;
}

/* The template's fragment put where the service is. */
static struct node *as_layer(struct copies *c, const struct node *template, const char *service)
{
	struct arena *a = c->l->a;
	struct node *n = named_copy(a, template, service), *entries = NULL;
	const struct node_pair *fragment = node_pair(n, "service");

	map_drop(n, "description");
	if (fragment) {
		entries = node_get(n, c->l->container);
		entries = entries ? entries : node_map(a, fragment->value->place);
		map_put(a, entries, service, fragment->key_place, fragment->value);
		map_put(a, n, c->l->container, fragment->key_place, entries);
		map_drop(n, "service");
	}
	return canonical_pass(a, n, c->l->req->schema, false, c->l->d);
}

/* One part (images, volumes, ...): what an earlier copy said in the same words is left alone. */
static void add_part(struct copies *c, const struct node_pair *part)
{
	struct arena *a = c->l->a;
	struct node *to = node_get(c->tree, part->key);
	const struct field *f = field_under(&c->l->root, part->key);
	const struct node_pair *pair;
	struct trail at = trail_key(NULL, part->key);

	if (!to || to->kind != NODE_MAP || part->value->kind != NODE_MAP) {
		to = to ? merge_pass(a, to, part->value, f, &at, c->l->d)
			: node_copy(a, part->value);
		map_put(a, c->tree, part->key, part->key_place, to);
		return;
	}
	node_each_pair(part->value, i, pair)
	{
		struct trail own = trail_key(&at, pair->key);
		struct node *was = node_get(to, pair->key), *now = pair->value;
		if (was && node_equal(was, now))
			continue;
		if (was)
			now = merge_pass(a, was, now, field_under(f, pair->key), &own, c->l->d);
		map_put(a, to, pair->key, pair->key_place, now);
	}
}

static bool goes_round(
	struct load *l, const struct copy *up, const struct node *at, const char *name)
{
	const char *text = name;

	for (const struct copy *r = up; r; r = r->up) {
		text = arena_printf(l->a, "%s -> %s", r->name, text);
		if (!streq(r->name, name))
			continue;
		diag_add(l->d, SEV_ERROR, at->place, "templates extend one another: %s", text);
		return true;
	}
	return false;
}

static void add_copy(struct copies *c, const struct copy *up, const struct node *entry,
	const struct node *root, const char *service)
{
	struct node *said = node_get(node_get(entry, c->l->extends), "template");
	const struct node_pair *part;

	if (!node_is_scalar(said))
		return; /* the schema complains about other kinds */
	said = substitute_node(c->l->a, said, root, c->l->req, c->l->d);
	struct copy own = { up, node_text(said) };
	if (!said || goes_round(c->l, up, said, own.name))
		return;
	struct node *template = read_template(c, said, own.name);
	if (!template)
		return;
	struct node *layer = as_layer(c, template, service);
	add_copy(c, &own, node_get(node_get(layer, c->l->container), service), root, service);
	node_each_pair(layer, i, part) add_part(c, part);
	load_add(&c->l->shared, c->l->a, arena_printf(c->l->a, "template %s", own.name),
		layer->place.file, layer);
}

struct node *extend_templates(struct load *l, struct node *user)
{
	struct copies c = { .l = l, .tree = node_map(l->a, user->place) };
	const struct node *entries = l->container ? node_get(user, l->container) : NULL;
	const struct node_pair *pair;

	node_each_pair(entries, i, pair)
	{
		if (pair->value->tag != TAG_RESET)
			add_copy(&c, NULL, pair->value, user, pair->key);
	}
	map_release(&c.read);
	return node_count(c.tree) ? c.tree : NULL;
}
