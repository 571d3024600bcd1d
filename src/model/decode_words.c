/*
 * What leans on finished services: up's defaults, routes, hooks, commands, certificates, includes.
 */
#include "decode.h"

#include <string.h>

static enum stage_when when_read(const char *word)
{
	return streq(word, "on_change")      ? STAGE_ON_CHANGE
	       : streq(word, "before_start") ? STAGE_BEFORE_START
					     : STAGE_NEVER;
}

static void up_read(struct decode *c)
{
	const struct node *n = node_get(c->tree, "up"), *list = node_get(n, "services");
	struct up_defaults *up = &c->p->up;
	strs_read(c, list, &up->services);
	up->watch = truth(node_get(n, "watch"), true);
	up->recreate_data = streq(text_at(n, "data"), "recreate");
	up->recreate_containers = streq(text_at(n, "containers"), "recreate");
	up->lint = when_read(text_at(n, "lint"));
	up->test = when_read(text_at(n, "test"));
	for (size_t i = 0; i < up->services.count; i++) {
		const struct node *item = list->kind == NODE_LIST ? list->list.items[i] : list;
		if (!project_service(c->p, up->services.items[i]))
			say_unknown(c, item->place, path_item(c, "up.services", i), "service",
				up->services.items[i], node_get(c->tree, "services"));
	}
}

/* A service that a field names; NULL after an error, or when the field is absent. */
static const struct service *service_at(
	struct decode *c, const struct node *n, const char *key, const char *name, const char *path)
{
	const struct service *s = project_service(c->p, name);
	if (name && !s)
		say_unknown(c, place_at(n, key, n->place), path_of(c, path, key), "service", name,
			node_get(c->tree, "services"));
	return s;
}

static void route_port(
	struct decode *c, struct route *r, const struct node *n, const char *name, const char *path)
{
	const struct port *port = service_port(r->to, name);
	int64_t number;
	if (port)
		r->port = port->target;
	else if (name && parse_int(name, &number) && number >= 1 && number <= 65535)
		r->port = (int)number;
	if (r->port)
		return;
	struct diag *d = say(c, SEV_ERROR, place_at(n, "to", n->place), path_of(c, path, "to"),
		name ? "%s has no port \"%s\"" : "%s has no port%s", r->to->name, name ? name : "");
	const char **names = arena_array(c->a, const char *, r->to->ports.count + 1);
	size_t count = 0;
	for (size_t i = 0; i < r->to->ports.count; i++) {
		if (r->to->ports.items[i].name)
			names[count++] = r->to->ports.items[i].name;
	}
	const char *near = name ? nearest_name(name, names, count) : NULL;
	d->hint = near ? arena_printf(c->a, "did you mean \"%s:%s\"?", r->to->name, near)
		       : arena_printf(c->a,
				 "write the number, as in %s:8000, or name it under ports:",
				 r->to->name);
}

static void route_read(struct decode *c, const struct node *n, const char *path)
{
	static const struct slot slots[] = {
		{ "host", SLOT_TEXT, offsetof(struct route, public_host) },
		{ "path", SLOT_TEXT, offsetof(struct route, path) },
		{ "strip", SLOT_TRUTH, offsetof(struct route, strip) },
		{ "via", SLOT_TEXT, offsetof(struct route, via_name) },
	};
	struct route r = { .path = "/", .node = n, .place = n->place };
	const char *to = text_at(n, "to");
	slots_read(c, n, slots, countof(slots), &r);
	r.host = host_here(c, r.public_host);
	if (!r.host || !to)
		return;
	if (*r.path != '/')
		say(c, SEV_ERROR, place_at(n, "path", n->place), path_of(c, path, "path"),
			"the path of a route begins with /");
	size_t len = strcspn(to, ":");
	r.to_name = arena_strndup(c->a, to, len);
	r.to = service_at(c, n, "to", r.to_name, path);
	r.via = service_at(c, n, "via", r.via_name, path);
	if (r.to)
		route_port(c, &r, n, to[len] ? to + len + 1 : NULL, path);
	*list_push(c->a, &c->p->routes) = r;
}

static void hook_read(struct decode *c, const char *event, const struct node *n, const char *path)
{
	struct hook h = { .event = event, .place = n->place, .service = text_at(n, "service") };
	const char *inside = text_at(n, "exec"), *host = text_at(n, "exec-host");
	if (n->kind != NODE_MAP)
		return;
	h.host = host != NULL;
	h.command = host ? host : inside;
	service_at(c, n, "service", h.service, path);
	if (!host == !inside)
		say(c, SEV_ERROR, n->place, path, "a hook has either exec or exec-host");
	else if (inside && !h.service)
		say(c, SEV_ERROR, n->place, path, "exec needs the service to run in")->hint =
			"add service: NAME, or use exec-host to run it on the host";
	else
		*list_push(c->a, &c->p->hooks) = h;
}

static void command_read(struct decode *c, const struct node_pair *pair)
{
	const struct node *n = pair->value;
	const char *path = path_of(c, "commands", pair->key);
	struct command cmd = { .name = pair->key, .run = text_at(n, "run") };
	cmd.place = pair->key_place.file ? pair->key_place : n->place;
	cmd.description = text_at(n, "description");
	cmd.service = text_at(n, "service");
	service_at(c, n, "service", cmd.service, path);
	if (cmd.run)
		*list_push(c->a, &c->p->commands) = cmd;
}

/* Strings of sorted list, each once. */
static void unique(struct strs *l)
{
	size_t kept = 0;
	strs_sort(l);
	for (size_t i = 0; i < l->count; i++) {
		if (!kept || !streq(l->items[kept - 1], l->items[i]))
			l->items[kept++] = l->items[i];
	}
	l->count = kept;
}

static void certs_read(struct decode *c)
{
	struct project *p = c->p;
	strs_read(c, node_get(node_get(c->tree, "certs"), "hosts"), &p->public_hosts);
	for (size_t i = 0; i < p->routes.count; i++)
		strs_add(c->a, &p->public_hosts, p->routes.items[i].public_host);
	unique(&p->public_hosts);
	for (size_t i = 0; i < p->public_hosts.count; i++)
		strs_add(c->a, &p->cert_hosts, host_here(c, p->public_hosts.items[i]));
	unique(&p->cert_hosts);
}

static void includes_read(struct decode *c)
{
	struct node *item;
	node_each_item(node_get(c->tree, "include"), i, item)
	{
		strs_read(
			c, item->kind == NODE_MAP ? node_get(item, "path") : item, &c->p->includes);
	}
}

static void parity_read(struct decode *c)
{
	struct node *item;
	node_each_item(node_get(node_get(c->tree, "parity"), "allow"), i, item)
	{
		if (node_text(item))
			*list_push(c->a, &c->p->parity) =
				(struct allowance){ node_text(item), item->place };
	}
}

void decode_words(struct decode *c)
{
	struct node *item;
	const struct node_pair *pair;
	up_read(c);
	node_each_item(node_get(c->tree, "routes"), i, item)
	{
		if (item->kind == NODE_MAP)
			route_read(c, item, path_item(c, "routes", i));
	}
	node_each_entry(node_get(c->tree, "hooks"), i, pair)
	{
		const char *path = path_of(c, "hooks", pair->key);
		node_each_item(pair->value, k, item)
			hook_read(c, pair->key, item, path_item(c, path, k));
	}
	node_each_entry(node_get(c->tree, "commands"), i, pair) command_read(c, pair);
	names_index(c->a, &c->p->command_names, c->p->commands.items, c->p->commands.count,
		sizeof(struct command));
	certs_read(c);
	includes_read(c);
	parity_read(c);
}
