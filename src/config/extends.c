/*
 * Compose's `extends: {service: S, file: F}`: S is merged below the service that says so. In: the
 * merged tree (and the files that are named). Out: a tree in which nothing extends a service any
 * more. Knows the words `service`, `file` and `template`; which key says extends, the schema tells.
 */
#include <string.h>

#include "base/map.h"
#include "base/os.h"
#include "config/rules.h"

enum state { STATE_NEW, STATE_BUSY, STATE_DONE };

struct pool {                 /* the services of one tree */
	const char *file;     /* real path; "" for the merged tree */
	const char *dir;      /* where its file: names start */
	struct node *root;    /* for vars: */
	struct node *entries; /* a map of our own, filled with resolved services */
	struct map states;    /* name -> enum state */
	struct pool *next;
};

struct extending {
	struct load *l;
	struct pool *pools;
	struct strs chain; /* "api", "other.yml: base" */
};

static struct node *resolve(
	struct extending *x, struct pool *p, const char *name, const struct node *at);

static struct pool *pool_new(
	struct extending *x, const char *file, const char *dir, struct node *root)
{
	struct pool *p = arena_new(x->l->a, struct pool);
	const struct node *entries = node_get(root, x->l->container);

	p->file = file;
	p->dir = dir;
	p->root = root;
	p->entries = entries && entries->kind == NODE_MAP ? node_copy(x->l->a, entries)
							  : node_map(x->l->a, (struct place){ 0 });
	p->next = x->pools;
	x->pools = p;
	return p;
}

/* The pool of a named file, read once; NULL when it cannot be. */
static struct pool *pool_of(struct extending *x, const struct pool *from, const struct node *name)
{
	const char *path = path_normal(x->l->a, path_join(x->l->a, from->dir, node_text(name)));
	const char *real = path_real(x->l->a, path);

	if (!real) {
		diag_add(x->l->d, SEV_ERROR, name->place, "%s: no such file", node_text(name));
		return NULL;
	}
	for (struct pool *p = x->pools; p; p = p->next)
		if (streq(p->file, real))
			return p;
	struct node *root = load_file(x->l, real, node_text(name), node_text(name));
	const char *dir = path_dir(x->l->a, path), *home = x->l->out->dir;
	size_t len = strlen(home);
	if (root && !streq(dir, home))
		root = rebase_pass(
			x->l->a, root, &x->l->root, path_inside(home, dir) ? dir + len + 1 : dir);
	return pool_new(x, real, home, root ? root : node_map(x->l->a, name->place));
}

static void say_cycle(struct extending *x, const struct node *at, const char *label)
{
	struct strs row = { 0 };

	for (size_t i = 0; i < x->chain.count; i++)
		if (row.count || streq(x->chain.items[i], label))
			strs_add(x->l->a, &row, x->chain.items[i]);
	strs_add(x->l->a, &row, label);
	diag_add(x->l->d, SEV_ERROR, at->place, "services extend one another: %s",
		strs_join(x->l->a, &row, " -> "));
}

static void say_unknown(
	struct extending *x, const struct pool *p, const struct node *at, const char *name)
{
	struct strs names = { 0 };
	const struct node_pair *pair;
	struct diag *d =
		diag_add(x->l->d, SEV_ERROR, at->place, "there is no service %s to extend", name);

	node_each_pair(p->entries, i, pair) strs_add(x->l->a, &names, pair->key);
	const char *near = nearest_name(name, names.items, names.count);
	if (near)
		d->hint = arena_printf(x->l->a, "did you mean %s?", near);
}

/* The entry without what was done; a template it came with stays known. */
static struct node *without_extends(struct extending *x, struct node *entry)
{
	const struct node_pair *said = node_pair(entry, x->l->extends);
	const struct node_pair *template = node_pair(said->value, "template");
	struct node *out = node_copy(x->l->a, entry);

	if (!template) {
		map_drop(out, x->l->extends);
		return out;
	}
	struct node *only = node_map(x->l->a, said->value->place);
	map_put(x->l->a, only, template->key, template->key_place, template->value);
	map_put(x->l->a, out, said->key, said->key_place, only);
	return out;
}

static void note_layer(struct extending *x, const char *name, const char *base, struct node *below)
{
	struct node *entries = node_map(x->l->a, below->place),
		    *tree = node_map(x->l->a, below->place);

	map_put(x->l->a, entries, name, below->place, below);
	map_put(x->l->a, tree, x->l->container, below->place, entries);
	load_add(&x->l->shared, x->l->a, arena_printf(x->l->a, "extends %s", base),
		below->place.file, tree);
}

/* The entry merged over what it extends; the entry itself when that cannot be found. */
static struct node *over_base(
	struct extending *x, struct pool *p, const char *name, struct node *entry)
{
	const struct node *said = node_get(entry, x->l->extends);
	struct node *service = node_get(said, "service"), *file = node_get(said, "file");

	if (!node_is_scalar(service) || (file && !node_is_scalar(file)))
		return entry;
	service = substitute_node(x->l->a, service, p->root, x->l->req, x->l->d);
	file = file ? substitute_node(x->l->a, file, p->root, x->l->req, x->l->d) : NULL;
	if (!service)
		return entry;
	struct pool *from = file ? pool_of(x, p, file) : p;
	struct node *below = from ? resolve(x, from, node_text(service), service) : NULL;
	if (!below)
		return entry;
	struct trail up = trail_key(NULL, x->l->container), at = trail_key(&up, name);
	const struct field *f = field_under(field_under(&x->l->root, x->l->container), name);
	if (!*p->file)
		note_layer(x, name, node_text(service), below);
	return merge_pass(x->l->a, below, without_extends(x, entry), f, &at, x->l->d);
}

static struct node *resolve(
	struct extending *x, struct pool *p, const char *name, const struct node *at)
{
	struct node *entry = node_get(p->entries, name);
	enum state state = (enum state)(uintptr_t)map_get(&p->states, name);
	const char *label =
		*p->file ? arena_printf(x->l->a, "%s: %s", path_base(p->file), name) : name;

	if (!entry) {
		say_unknown(x, p, at, name);
		return NULL;
	}
	if (state == STATE_DONE || !node_get(entry, x->l->extends))
		return entry;
	if (state == STATE_BUSY || x->chain.count >= CONFIG_MAX_EXTENDS) {
		say_cycle(x, at, label);
		return NULL;
	}
	map_set(&p->states, name, (void *)(uintptr_t)STATE_BUSY);
	strs_add(x->l->a, &x->chain, label);
	struct node *now = over_base(x, p, name, entry);
	x->chain.count--;
	if (now != entry)
		map_put(x->l->a, p->entries, name, node_pair(p->entries, name)->key_place, now);
	map_set(&p->states, name, (void *)(uintptr_t)STATE_DONE);
	return now;
}

struct node *extend_services(struct load *l, struct node *tree)
{
	struct extending x = { .l = l };
	const struct node_pair *there = l->container ? node_pair(tree, l->container) : NULL, *pair;

	if (!there || there->value->kind != NODE_MAP)
		return tree;
	struct pool *p = pool_new(&x, "", l->out->dir, tree);
	node_each_pair(there->value, i, pair) resolve(&x, p, pair->key, pair->value);
	tree = node_copy(l->a, tree);
	map_put(l->a, tree, there->key, there->key_place, p->entries);
	for (p = x.pools; p; p = p->next)
		map_release(&p->states);
	return tree;
}
