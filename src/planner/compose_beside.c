/*
 * A container beside the one that serves (a stage before a start, `run`) is made by Compose of the
 * same service, and must not be taken for it: not have its fixed address, which is in use, nor
 * answer to its host name, which Compose makes a name on the network. Comes in: the compose tree.
 * Goes out: a second compose file without these, where there are any.
 */
#include "parts.h"

static const char *const of_service[] = { "mac_address", "hostname" };
static const char *const of_endpoint[] = { "ipv4_address", "ipv6_address", "link_local_ips",
	"mac_address" };

static bool has_any(const struct node *map, const char *const *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (node_get(map, keys[i]))
			return true;
	}
	return false;
}

static void drop_all(struct node *map, const char *const *keys, size_t count)
{
	for (size_t i = 0; map->kind == NODE_MAP && i < count; i++)
		map_drop(map, keys[i]);
}

bool has_fixed_address(const struct node *service)
{
	const struct node_pair *endpoint;
	node_each_pair(node_get(service, "networks"), i, endpoint)
	{
		if (has_any(endpoint->value, of_endpoint, countof(of_endpoint)))
			return true;
	}
	return node_get(service, "mac_address") != NULL;
}

static bool is_fixed(const struct node *service)
{
	return has_fixed_address(service) || has_any(service, of_service, countof(of_service));
}

static bool any_fixed(const struct project *p)
{
	const struct node *raw = node_path(p->tree, "compose.services");
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		if (is_fixed(s->node) || is_fixed(node_get(s->node, "compose")) ||
			is_fixed(node_get(raw, s->name)))
			return true;
	}
	return false;
}

const char *plan_run_file(const struct project *p)
{
	return any_fixed(p) ? "compose.run.yml" : "compose.yml";
}

struct node *compose_beside(struct make *m, const struct node *compose)
{
	struct node *out = node_deep(m->a, compose);
	const struct node_pair *service, *endpoint;
	if (!any_fixed(m->p))
		return NULL;
	node_each_pair(node_get(out, "services"), i, service)
	{
		drop_all(service->value, of_service, countof(of_service));
		node_each_pair(node_get(service->value, "networks"), k, endpoint)
		{
			drop_all(endpoint->value, of_endpoint, countof(of_endpoint));
		}
	}
	return out;
}
