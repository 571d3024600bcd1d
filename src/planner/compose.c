/*
 * The generated compose file as a tree: services that were made one by one, the networks, volumes
 * and configs that they use, the raw `compose:` block on top of all.
 */
#include "parts.h"

#include <string.h>

void compose_put(struct make *m, struct node *map, const char *key, struct node *n)
{
	map_put(m->a, map, key, n->place, n);
}

void compose_put_text(struct make *m, struct node *map, const char *key, const char *text)
{
	struct node *n = node_str(m->a, text, map->place);
	n->quoted = true; /* text it is, and text it stays */
	compose_put(m, map, key, n);
}

void compose_put_bool(struct make *m, struct node *map, const char *key, bool value)
{
	compose_put(m, map, key, node_bool(m->a, value, map->place));
}

void compose_add_text(struct make *m, struct node *list, const char *text)
{
	list_add(m->a, list, node_str(m->a, text, list->place));
}

struct node *compose_carry(struct make *m, const struct unit *u, const struct node *n)
{
	struct node *out, *item;
	const struct node_pair *pair;
	if (n->kind == NODE_STR) {
		const char *text = compose_text(m, u, n->text, n->place);
		if (text == n->text)
			return node_copy(m->a, n);
		out = node_str(m->a, text, n->place);
		out->quoted = n->quoted;
		return out;
	}
	if (n->kind != NODE_LIST && n->kind != NODE_MAP)
		return node_copy(m->a, n);
	out = n->kind == NODE_LIST ? node_list(m->a, n->place) : node_map(m->a, n->place);
	node_each_item(n, i, item) list_add(m->a, out, compose_carry(m, u, item));
	node_each_pair(n, i, pair)
	{
		if (!starts_with(pair->key, "x-"))
			compose_put(m, out, pair->key, compose_carry(m, u, pair->value));
	}
	return out;
}

struct node *compose_merge(struct make *m, struct node *low, const struct node *high)
{
	const struct node_pair *pair;
	if (low->kind != NODE_MAP || high->kind != NODE_MAP)
		return node_deep(m->a, high);
	node_each_pair(high, i, pair)
	{
		struct node *old = node_get(low, pair->key);
		compose_put(m, low, pair->key,
			old ? compose_merge(m, old, pair->value) : node_deep(m->a, pair->value));
	}
	return low;
}

/* Names that services' lists or maps under `key` use; field NULL: the keys, else that of each item.
 */
static void collect(struct make *m, const char *key, const char *field, struct map *used)
{
	const struct node_pair *pair;
	struct node *item;
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct node *n = node_get(m->units[i].node, key);
		node_each_pair(n, k, pair) map_set(used, pair->key, (void *)"");
		node_each_item(n, k, item)
		{
			const char *name = item->kind == NODE_MAP ? node_text(node_get(item, field))
								  : node_text(item);
			if (name)
				map_set(used, name, (void *)"");
		}
	}
}

/* Entries of a top-level section that are used, as written. */
static void put_section(struct make *m, struct node *top, const char *key, const char *field)
{
	cleanup_map struct map used = MAP_INIT;
	const struct node_pair *pair;
	struct node *section = node_map(m->a, top->place);
	collect(m, key, field, &used);
	node_each_pair(node_get(m->p->tree, key), i, pair)
	{
		if (map_has(&used, pair->key))
			compose_put(m, section, pair->key, compose_carry(m, NULL, pair->value));
	}
	if (node_count(section))
		compose_put(m, top, key, section);
}

/* A secret that a build reads is a file of its own, which no container mounts. */
static void put_build_secret(struct make *m, struct node *top, const struct node *item)
{
	const char *source =
		node_text(item) ? node_text(item) : node_text(node_get(item, "source"));
	struct node *section = node_get(top, "secrets"), *entry = node_map(m->a, item->place);
	if (!source || node_get(section, source))
		return;
	if (!project_secret(m->p, source)) {
		complain(m, item->place, "unknown secret \"%s\"", source)->hint =
			"declare it under `secrets:`";
		return;
	}
	section = section ? section : node_map(m->a, top->place);
	compose_put_text(m, entry, "file",
		generated_path(m, arena_printf(m->a, "build-secrets/%s", source)));
	compose_put(m, section, source, entry);
	compose_put(m, top, "secrets", section);
}

static void put_build_secrets(struct make *m, struct node *top)
{
	const struct node *item;
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct node *build = node_get(m->units[i].node, "build");
		node_each_item(node_get(build, "secrets"), k, item)
		{
			put_build_secret(m, top, item);
		}
	}
}

static void label(struct make *m, struct node *entry, const char *kind)
{
	struct node *labels = node_get(entry, "labels");
	labels = labels && labels->kind == NODE_MAP ? labels : node_map(m->a, entry->place);
	compose_put_text(m, labels, "devenv.workspace", m->p->workspace);
	compose_put_text(m, labels, "devenv.root", compose_text(m, NULL, m->p->dir, entry->place));
	if (kind)
		compose_put_text(m, labels, "devenv.kind", kind);
	compose_put(m, entry, "labels", labels);
}

static bool joins_default(const struct node *service)
{
	return service && !node_get(service, "networks") && !node_get(service, "network_mode");
}

static void put_networks(struct make *m, struct node *top)
{
	bool by_default = false;
	struct node *networks, *entry;
	const struct node_pair *pair;
	put_section(m, top, "networks", NULL);
	networks = node_get(top, "networks");
	for (size_t i = 0; i < m->p->services.count; i++) {
		by_default |= joins_default(m->units[i].node);
		by_default |= node_pair(node_get(m->units[i].node, "networks"), "default") != NULL;
	}
	if (!networks)
		networks = node_map(m->a, top->place);
	const struct node *own = node_get(node_get(m->p->tree, "networks"), "default");
	if (by_default)
		compose_put(m, networks, "default",
			own && own->kind == NODE_MAP ? compose_carry(m, NULL, own)
						     : node_map(m->a, top->place));
	node_each_pair(networks, i, pair)
	{
		entry = pair->value->kind == NODE_MAP ? pair->value : node_map(m->a, top->place);
		if (!node_get(entry, "external"))
			label(m, entry, NULL);
		networks->map.items[i].value = entry;
	}
	if (node_count(networks))
		compose_put(m, top, "networks", networks);
}

const char *plan_volume_name(
	struct arena *a, const struct project *p, const struct world *w, const struct volume *v)
{
	const struct volume_record *r = world_volume(w, v->name);
	const char *own = node_text(node_get(v->node, "name"));
	if (v->external)
		return NULL;
	if (r)
		return r->engine;
	return own ? own : arena_printf(a, "%s_%s", p->workspace, v->name);
}

static struct node *volume_entry(struct make *m, const struct volume *v)
{
	static const char *const kinds[] = {
		[VOLUME_DATA] = "data", [VOLUME_CACHE] = "cache", [VOLUME_SCRATCH] = "scratch"
	};
	struct node *entry = v->node && v->node->kind == NODE_MAP ? compose_carry(m, NULL, v->node)
								  : node_map(m->a, v->place);
	static const char *const ours[] = { "kind", "per", "initial" };
	for (size_t i = 0; i < countof(ours); i++)
		map_drop(entry, ours[i]);
	if (v->external)
		return entry;
	if (!node_get(entry, "name") || world_volume(m->w, v->name))
		compose_put_text(m, entry, "name", plan_volume_name(m->a, m->p, m->w, v));
	label(m, entry, kinds[v->kind]);
	return entry;
}

static void put_shared(struct make *m, struct node *volumes)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct unit *u = &m->units[i];
		for (size_t k = 0; u->node && k < u->shared.count; k++) {
			struct node *entry = node_map(m->a, u->service->place);
			compose_put_bool(m, entry, "external", true);
			compose_put_text(m, entry, "name", u->shared.items[k].name);
			compose_put(m, volumes, u->shared.items[k].name, entry);
		}
	}
}

static void put_volumes(struct make *m, struct node *top)
{
	cleanup_map struct map used = MAP_INIT;
	struct node *volumes = node_map(m->a, top->place);
	collect(m, "volumes", "source", &used);
	for (size_t i = 0; i < m->p->volumes.count; i++) {
		const struct volume *v = &m->p->volumes.items[i];
		if (map_has(&used, v->name))
			compose_put(m, volumes, v->name, volume_entry(m, v));
	}
	put_shared(m, volumes);
	if (node_count(volumes))
		compose_put(m, top, "volumes", volumes);
}

struct node *compose_node(struct make *m)
{
	struct place none = { 0 };
	struct node *top = node_map(m->a, none), *services = node_map(m->a, none);
	const struct node *raw = node_get(m->p->tree, "compose");
	compose_put_text(m, top, "name", m->p->workspace);
	node_reserve(m->a, services, m->p->services.count);
	for (size_t i = 0; i < m->p->services.count; i++) {
		if (m->units[i].node)
			compose_put(m, services, m->units[i].service->name, m->units[i].node);
	}
	compose_put(m, top, "services", services);
	put_networks(m, top);
	put_volumes(m, top);
	put_section(m, top, "secrets", "source");
	put_build_secrets(m, top);
	put_section(m, top, "configs", "source");
	put_section(m, top, "models", NULL);
	return raw && raw->kind == NODE_MAP ? compose_merge(m, top, compose_carry(m, NULL, raw))
					    : top;
}
