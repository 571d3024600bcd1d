/*
 * Ports that running containers publish, ours or not. Comes in: an open engine. Goes out: a list,
 * for ports.c, which must neither take such a port nor name docker-proxy as its holder.
 */
#include "run/engine/call.h"
#include "run/engine/published.h"

static void add_container(struct arena *a, const struct node *c, struct published_ports *out)
{
	const struct node *names = node_get(c, "Names"), *port;
	const char *name = NULL;
	if (node_count(names) && names->kind == NODE_LIST)
		name = node_text(names->list.items[0]);
	node_each_item(node_get(c, "Ports"), i, port)
	{
		const struct node *number = node_get(port, "PublicPort");
		const char *protocol = node_text(node_get(port, "Type"));
		if (number && number->kind == NODE_INT && protocol)
			*list_push(a, out) = (struct published_port){ .port = (int)number->integer,
				.protocol = protocol,
				.container = name ? name + (*name == '/') : "without a name",
				.project = node_text(
					node_path(c, "Labels.\"com.docker.compose.project\"")) };
	}
}

int engine_published(struct engine *g, struct arena *a, struct published_ports *out, struct err *e)
{
	struct node *list, *c;
	if (engine_get(g, a, &list, e, "/containers/json"))
		return -1;
	node_each_item(list, i, c)
	{
		add_container(a, c, out);
	}
	return 0;
}
