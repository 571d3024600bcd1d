/*
 * What a container gets when its service says nothing about it: no new privileges, no capabilities,
 * a limit of processes, an init, rotated logs.
 *
 * Capabilities are dropped only where the image is ours. The entry points of official database
 * images begin as root and need CHOWN, SETUID, SETGID, DAC_OVERRIDE and FOWNER; what another image
 * needs is not known here, so it keeps the engine's own set unless the service says `cap_drop`.
 */
#include "parts.h"

static bool truth_of(const struct node *n)
{
	return n && streq(node_text(n), "true");
}

static void put_list(struct make *m, struct unit *u, const char *key, const char *item)
{
	struct node *list = node_list(m->a, u->service->place);
	if (node_pair(u->service->node, key))
		return;
	compose_add_text(m, list, item);
	compose_put(m, u->node, key, list);
}

/* Compose refuses two limits that differ, and takes the one that is not written for 0. */
static void put_pids_limit(struct make *m, struct unit *u)
{
	struct node *limits =
		node_get(node_get(node_get(u->node, "deploy"), "resources"), "limits");
	if (node_get(u->node, "pids_limit") || node_get(limits, "pids"))
		return;
	struct node *limit = node_int(m->a, 512, u->service->place);
	if (limits && limits->kind == NODE_MAP)
		compose_put(m, limits, "pids", limit);
	else
		compose_put(m, u->node, "pids_limit", limit);
}

static void put_logging(struct make *m, struct unit *u)
{
	struct node *logging = node_map(m->a, u->service->place);
	struct node *options = node_map(m->a, u->service->place);
	compose_put_text(m, logging, "driver", "json-file");
	compose_put_text(m, options, "max-size", "10m");
	compose_put_text(m, options, "max-file", "3");
	compose_put(m, logging, "options", options);
	compose_put(m, u->node, "logging", logging);
}

void compose_defaults(struct make *m, struct unit *u)
{
	const struct node *n = u->service->node;
	bool privileged = truth_of(node_get(n, "privileged"));
	if (node_get(n, "provider"))
		return;
	if (!privileged)
		put_list(m, u, "security_opt", "no-new-privileges:true");
	if (!privileged && u->rung)
		put_list(m, u, "cap_drop", "ALL");
	put_pids_limit(m, u);
	if (!node_pair(n, "init"))
		compose_put_bool(m, u->node, "init", true);
	if (!node_pair(n, "logging"))
		put_logging(m, u);
}
