/*
 * A run of its own beside the developer's workspace: the merged tree loses what there can be only
 * one of on a machine. Comes in: the tree, for a project with a run. Goes out: the same without
 * names of containers, networks and volumes, and with free ports on the loopback for fixed ones.
 * What is external stays: somebody else owns it.
 */
#include "decode.h"

static void free_port(struct decode *c, struct node *port)
{
	static const char *const bound[] = { "bind", "host_ip" };
	const struct node *published = node_get(port, "published");
	const char *text = published ? node_text(published) : NULL;
	bool hidden = text && (streq(text, "none") || streq(text, "false"));
	if (port->kind != NODE_MAP)
		return;
	for (size_t i = 0; i < countof(bound); i++)
		map_drop(port, bound[i]);
	if (text && !hidden)
		map_put(c->a, port, "published", published->place,
			node_str(c->a, "auto", published->place));
}

static void free_service(struct decode *c, struct node *service)
{
	static const char *const single[] = { "container_name", "bind" };
	struct node *raw = node_get(service, "compose"), *port;
	if (service->kind != NODE_MAP)
		return;
	for (size_t i = 0; i < countof(single); i++)
		map_drop(service, single[i]);
	if (raw && raw->kind == NODE_MAP)
		map_drop(raw, "container_name");
	if (streq(text_at(service, "run"), "host"))
		return; /* it listens where it listens, and moves when that is taken */
	node_each_item(node_get(service, "ports"), i, port) free_port(c, port);
}

static void free_names(struct decode *c, const char *section)
{
	const struct node_pair *pair;
	node_each_pair(node_get(c->tree, section), i, pair)
	{
		if (pair->value->kind == NODE_MAP && !node_get(pair->value, "external"))
			map_drop(pair->value, "name");
	}
}

void set_apart(struct decode *c)
{
	const struct node_pair *pair;
	if (!c->req->run)
		return;
	node_each_pair(node_get(c->tree, "services"), i, pair) free_service(c, pair->value);
	free_names(c, "volumes");
	free_names(c, "networks");
}
