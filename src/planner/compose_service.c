/*
 * One service of the generated compose file. Comes in: its merged node. Goes out: all of Compose's
 * keys carried through, ours turned into what Compose knows, the raw `compose:` block merged last.
 */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/os.h"
#include "doc/json.h"

typedef void key_fn(struct make *m, struct unit *u, const struct node *value);

static void put_healthcheck(struct make *m, struct unit *u, const struct node *value)
{
	static const char *const keys[] = { "test", "interval", "timeout", "retries",
		"start_period", "start_interval", "disable" };
	struct node *out = node_map(m->a, value->place);
	if (!node_get(value, "test") && !node_get(value, "disable"))
		return;
	/* Ours are asked from outside; a template's test must not stay behind. */
	if (u->service->check.kind != CHECK_EXEC && u->service->check.kind != CHECK_NONE)
		return;
	for (size_t i = 0; i < countof(keys); i++) {
		const struct node *n = node_get(value, keys[i]);
		if (n && n->kind != NODE_NULL)
			compose_put(m, out, keys[i], compose_carry(m, u, n));
	}
	compose_put(m, u->node, "healthcheck", out);
}

/* "host:address" is understood by every version. */
static void put_extra_hosts(struct make *m, struct unit *u, const struct node *value)
{
	struct node *out = node_list(m->a, value->place), *item;
	const struct node_pair *pair;
	node_each_pair(value, i, pair)
	{
		if (node_is_scalar(pair->value))
			compose_add_text(m, out,
				arena_printf(m->a, "%s:%s", pair->key,
					compose_text(
						m, u, node_text(pair->value), pair->value->place)));
		node_each_item(pair->value, k, item) compose_add_text(m, out,
			arena_printf(m->a, "%s:%s", pair->key,
				compose_text(m, u, node_text(item), item->place)));
	}
	compose_put(m, u->node, "extra_hosts", out);
}

static void put_build(struct make *m, struct unit *u, const struct node *value)
{
	struct node *out = compose_carry(m, u, value);
	const char *context = build_context(m->a, m->p, u->service);
	if (context)
		compose_put_text(m, out, "context", compose_text(m, u, context, value->place));
	compose_put(m, u->node, "build", out);
}

/* Those that a cluster keeps; ours are mounted. */
static void put_secrets(struct make *m, struct unit *u, const struct node *value)
{
	struct node *out = node_list(m->a, value->place), *item;
	node_each_item(value, i, item)
	{
		const char *source = node_is_scalar(item) ? node_text(item)
							  : node_text(node_get(item, "source"));
		if (source && !project_secret(m->p, source))
			list_add(m->a, out, compose_carry(m, u, item));
	}
	if (node_count(out))
		compose_put(m, u->node, "secrets", out);
}

static void ignore(struct make *m, struct unit *u, const struct node *value)
{
	(void)m, (void)u, (void)value;
}

/* Keys that are not carried as they stand. Sorted, for look-up. */
static const struct key {
	const char *name;
	key_fn *put;
} keys[] = {
	{ "bind", ignore },
	{ "build", put_build },
	{ "client", ignore },
	{ "compose", ignore },
	{ "depends_on", ignore }, /* devenv itself orders the start */
	{ "develop", ignore },
	{ "dump", ignore },
	{ "env_file", ignore },
	{ "environment", ignore },
	{ "extends", ignore },
	{ "extra_hosts", put_extra_hosts },
	{ "healthcheck", put_healthcheck },
	{ "host", ignore },
	{ "image", ignore },
	{ "kind", ignore },
	{ "labels", ignore },
	{ "load", ignore },
	{ "ports", ignore },
	{ "profiles", ignore },
	{ "release", ignore },
	{ "run", ignore },
	{ "secrets", put_secrets },
	{ "success_exit_codes", ignore },
	{ "volumes", ignore },
};

static int by_name(const void *key, const void *item)
{
	return strcmp(key, ((const struct key *)item)->name);
}

static void put_keys(struct make *m, struct unit *u)
{
	const struct node_pair *pair;
	node_each_pair(u->service->node, i, pair)
	{
		const struct key *k =
			bsearch(pair->key, keys, countof(keys), sizeof(*keys), by_name);
		if (pair->value->kind == NODE_NULL || starts_with(pair->key, "x-"))
			continue;
		if (k)
			k->put(m, u, pair->value);
		else
			compose_put(m, u->node, pair->key, compose_carry(m, u, pair->value));
	}
}

static void put_image(struct make *m, struct unit *u)
{
	const struct service *s = u->service;
	u->image = s->image_name ? locked_name(m, s->image_name) : NULL;
	if (u->rung)
		u->image = u->release ? u->release->tag : u->rung->tag;
	else if (s->build && !u->image)
		u->image = arena_printf(m->a, "%s-%s", m->p->workspace, s->name);
	if (u->image)
		compose_put_text(m, u->node, "image", compose_text(m, u, u->image, s->place));
	if (u->rung && !node_get(s->node, "pull_policy"))
		compose_put_text(m, u->node, "pull_policy", "never");
}

static void put_labels(struct make *m, struct unit *u)
{
	const vars *l = &u->service->labels;
	struct node *out = node_map(m->a, u->service->place);
	for (size_t i = 0; i < l->count; i++)
		compose_put_text(m, out, l->items[i].name,
			compose_text(m, u, l->items[i].value ? l->items[i].value : "",
				l->items[i].place));
	compose_put(m, u->node, "labels", out);
}

static void put_own_labels(struct make *m, struct unit *u)
{
	struct node *labels = node_get(u->node, "labels");
	if (!labels || labels->kind != NODE_MAP)
		return; /* the raw block made something else of it */
	compose_put_text(m, labels, "devenv.workspace", m->p->workspace);
	compose_put_text(
		m, labels, "devenv.root", compose_text(m, NULL, m->p->dir, u->service->place));
	compose_put_text(m, labels, "devenv.service", u->service->name);
	compose_put_text(m, labels, "devenv.version", m->req->version ? m->req->version : "");
	compose_put_text(m, labels, "devenv.hash", u->digest);
	compose_put_text(m, labels, "devenv.inputs", u->inputs);
}

static bool speaks_of_host(const struct node *n)
{
	const struct node *item;
	const struct node_pair *pair;
	if (n && n->kind == NODE_STR && strstr(n->text, host_gateway))
		return true;
	node_each_item(n, i, item)
	{
		if (speaks_of_host(item))
			return true;
	}
	node_each_pair(n, i, pair)
	{
		if (speaks_of_host(pair->value))
			return true;
	}
	return false;
}

static bool reaches_host(const struct unit *u)
{
	for (size_t i = 0; i < u->service->needs.count; i++) {
		if (u->service->needs.items[i].service->where == RUN_HOST)
			return true;
	}
	for (size_t i = 0; i < u->secret_env.count; i++) {
		const char *text = u->secret_env.items[i].text;
		if (text && strstr(text, host_gateway))
			return true;
	}
	return (u->routes && strstr(u->routes, host_gateway)) || speaks_of_host(u->node);
}

/* Whoever reaches a service on the host needs its name, which Linux's engine does not give. */
static void put_host_gateway(struct make *m, struct unit *u)
{
	const char *mode = node_text(node_get(u->service->node, "network_mode"));
	struct node *list = node_get(u->node, "extra_hosts");
	if (node_get(node_get(u->service->node, "extra_hosts"), host_gateway) ||
		(mode && !streq(mode, "bridge")) || !reaches_host(u))
		return;
	if (!list || list->kind != NODE_LIST)
		list = node_list(m->a, u->service->place);
	compose_add_text(m, list, arena_printf(m->a, "%s:host-gateway", host_gateway));
	compose_put(m, u->node, "extra_hosts", list);
}

void compose_unit(struct make *m, struct unit *u)
{
	const struct node *raw = node_get(u->service->node, "compose");
	u->node = node_map(m->a, u->service->place);
	put_image(m, u);
	put_keys(m, u);
	shared_volumes(m, u);
	compose_environment(m, u);
	compose_ports(m, u);
	compose_mounts(m, u);
	compose_defaults(m, u);
	put_labels(m, u);
	put_host_gateway(m, u);
	if (raw && raw->kind == NODE_MAP)
		u->node = compose_merge(m, u->node, compose_carry(m, u, raw));
	unit_hash(m, u);
	put_own_labels(m, u);
}
