/*
 * Ports of the generated compose file: in the long form, on this machine's own address and with the
 * number that was allocated, whatever notation asked for them; on all addresses only where
 * consented.
 */
#include "parts.h"

#include <string.h>

static bool is_loopback(const char *ip)
{
	return ip && (starts_with(ip, "127.") || streq(ip, "::1"));
}

static const char *address(const struct port *p)
{
	if (p->lan)
		return p->host_ip;
	return is_loopback(p->host_ip) ? p->host_ip : "127.0.0.1";
}

static struct node *port_entry(struct make *m, const struct unit *u, const struct port *p)
{
	struct node *n = node_map(m->a, p->place);
	int published = published_port(m->w, u->service, p);
	compose_put(m, n, "target", node_int(m->a, p->target, p->place));
	if (published)
		compose_put_text(m, n, "published", arena_printf(m->a, "%d", published));
	if (address(p))
		compose_put_text(m, n, "host_ip", address(p));
	compose_put_text(m, n, "protocol", p->protocol);
	return n;
}

/* In another's network there is nothing to publish. */
static bool own_network(const struct service *s)
{
	return !node_get(s->node, "network_mode") ||
	       streq(node_text(node_get(s->node, "network_mode")), "bridge");
}

void compose_ports(struct make *m, struct unit *u)
{
	struct node *list = node_list(m->a, u->service->place);
	for (size_t i = 0; i < u->service->ports.count; i++) {
		if (u->service->ports.items[i].how != PUB_NONE)
			list_add(m->a, list, port_entry(m, u, &u->service->ports.items[i]));
	}
	if (node_count(list) && own_network(u->service))
		compose_put(m, u->node, "ports", list);
}
