/*
 * What fields say together: services that have nothing to run, ports that two want, copies that
 * cannot be, modules without a place for their sources. In: the resolved project; out: diagnostics.
 */
#include "decode.h"

#include <stdlib.h>
#include <string.h>

static char *service_path(struct decode *c, const struct service *s, const char *key)
{
	char *path = path_of(c, "services", s->name);
	return *key ? path_of(c, path, key) : path;
}

static struct place place_of(const struct service *s, const char *key)
{
	return place_at(s->node, key, s->place);
}

static void runs_something(struct decode *c, const struct service *s)
{
	if (s->where == RUN_HOST || s->left_out)
		return; /* decode_host.c looked after its command */
	if (s->image || s->image_name || s->build || node_get(s->node, "provider"))
		return;
	struct diag *d = say(c, SEV_ERROR, s->place, service_path(c, s, ""),
		"%s has nothing to run: neither image nor build", s->name);
	d->hint = "name a rung of images: or an image of a registry, extend a template, or "
		  "`run: host` with a command";
}

static void module_has_place(struct decode *c, const struct service *s)
{
	if (!s->develop || s->working_dir || s->where == RUN_HOST)
		return;
	struct diag *d = say(c, SEV_ERROR, s->develop->place, service_path(c, s, "develop"),
		"%s has a source but no working_dir to mirror it into", s->name);
	d->hint = arena_printf(c->a, "add working_dir: /srv/%s", s->name);
}

static void module_has_absolute_place(struct decode *c, const struct service *s)
{
	if (s->develop && s->working_dir && *s->working_dir != '/' && s->where != RUN_HOST)
		say(c, SEV_ERROR, place_of(s, "working_dir"), service_path(c, s, "working_dir"),
			"the working_dir of a module is an absolute path");
}

static void job_is_single(struct decode *c, const struct service *s)
{
	if (s->kind == KIND_JOB && s->replicas > 1)
		say(c, SEV_ERROR, s->place, service_path(c, s, ""),
			"%s is a job and cannot have %d copies", s->name, s->replicas);
	if (s->kind == KIND_JOB && s->restart_policy)
		say(c, SEV_ERROR, place_of(s, "restart"), service_path(c, s, "restart"),
			"%s is a job and must not be restarted when it ends", s->name)
			->hint = "remove restart, or kind: job";
}

static void waits_for_an_end(struct decode *c, const struct service *s)
{
	for (size_t i = 0; i < s->needs.count; i++) {
		const struct need *n = &s->needs.items[i];
		if (n->condition == COND_COMPLETED && n->service->kind != KIND_JOB)
			say(c, SEV_ERROR, n->place, service_path(c, s, "depends_on"),
				"%s waits for %s to end, which is not a job", s->name, n->name)
				->hint = arena_printf(
				c->a, "%s has a restart policy or kind: service", n->name);
		if (n->condition == COND_HEALTHY && n->service->kind == KIND_JOB)
			say(c, SEV_ERROR, n->place, service_path(c, s, "depends_on"),
				"%s waits for the job %s to be healthy", s->name, n->name)
				->hint = "wait with condition: service_completed_successfully";
	}
}

static void copies_fit(struct decode *c, const struct service *s)
{
	const struct node *name = node_get(s->node, "container_name");
	if (name)
		say(c, s->replicas > 1 ? SEV_ERROR : SEV_WARNING, name->place,
			service_path(c, s, "container_name"), "%s",
			s->replicas > 1 ? "copies cannot share one container_name"
					: "container_name stops a second copy of this project")
			->hint = "leave it out: `devenv shell` and `logs` take the service's name";
	for (size_t i = 0; s->replicas > 1 && i < s->ports.count; i++) {
		const struct port *p = &s->ports.items[i];
		if (p->how == PUB_FIXED)
			say(c, SEV_ERROR, p->place, service_path(c, s, "ports"),
				"%d copies of %s cannot share port %d", s->replicas, s->name,
				p->published)
				->hint = "published: auto gives each its own";
	}
}

static void keys_known(struct decode *c, const struct service *s, const char *key, const char *what)
{
	const struct node *known = node_get(c->tree, key);
	const struct node_pair *pair;
	node_each_pair(node_get(s->node, key), i, pair)
	{
		struct place at = pair->key_place.file ? pair->key_place : pair->value->place;
		if (!streq(pair->key, "default") && !node_pair(known, pair->key))
			say_unknown(c, at, service_path(c, s, key), what, pair->key, known);
	}
}

static void configs_known(struct decode *c, const struct service *s)
{
	const struct node *known = node_get(c->tree, "configs");
	struct node *item;
	node_each_item(node_get(s->node, "configs"), i, item)
	{
		const char *source =
			node_is_scalar(item) ? node_text(item) : text_at(item, "source");
		if (source && !node_pair(known, source))
			say_unknown(c, place_at(item, "source", item->place),
				service_path(c, s, "configs"), "config", source, known);
	}
}

/* Fixed ports of all services, brought side by side by sorting. */
struct claim {
	const struct service *service;
	const struct port *port;
};

static int by_port(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	if (x->port->published != y->port->published)
		return x->port->published < y->port->published ? -1 : 1;
	int order = strcmp(x->port->protocol, y->port->protocol);
	if (order)
		return order;
	return x->service->order < y->service->order ? -1 : x->service->order > y->service->order;
}

static bool never_together(const struct service *a, const struct service *b)
{
	if (!a->profiles.count || !b->profiles.count)
		return false;
	for (size_t i = 0; i < a->profiles.count; i++) {
		if (strs_has(&b->profiles, a->profiles.items[i]))
			return false;
	}
	return true;
}

static const char *address_of(const struct port *p)
{
	bool any = !p->host_ip || streq(p->host_ip, "0.0.0.0") || streq(p->host_ip, "::");
	return any ? "127.0.0.1" : p->host_ip;
}

static void claim_check(struct decode *c, const struct claim *first, const struct claim *second)
{
	if (never_together(first->service, second->service) ||
		!streq(address_of(first->port), address_of(second->port)))
		return;
	struct diag *d = say(c, SEV_ERROR, second->port->place,
		service_path(c, second->service, "ports"), "port %d is published by both %s and %s",
		second->port->published, first->service->name, second->service->name);
	d->other = first->port->place;
	d->other_label = arena_printf(c->a, "%s publishes it here", first->service->name);
	d->hint = "published: auto finds a free one and keeps it";
}

static void ports_differ(struct decode *c)
{
	LIST_OF(struct claim) claims = { 0 };
	for (size_t i = 0; i < c->p->services.count; i++) {
		const struct service *s = &c->p->services.items[i];
		for (size_t k = 0; k < s->ports.count; k++) {
			if (s->ports.items[k].how == PUB_FIXED)
				*list_push(c->a, &claims) = (struct claim){ s, &s->ports.items[k] };
		}
	}
	if (claims.count)
		qsort(claims.items, claims.count, sizeof(*claims.items), by_port);
	for (size_t i = 1; i < claims.count; i++) {
		const struct port *a = claims.items[i - 1].port, *b = claims.items[i].port;
		if (a->published == b->published && streq(a->protocol, b->protocol))
			claim_check(c, &claims.items[i - 1], &claims.items[i]);
	}
}

/* The engine has one of each name; which service is up first must not decide who gets it. */
static void containers_differ(struct decode *c)
{
	cleanup_map struct map seen = MAP_INIT;
	for (size_t i = 0; i < c->p->services.count; i++) {
		const struct service *s = &c->p->services.items[i];
		struct node *n = node_get(s->node, "container_name");
		struct node *first = node_text(n) ? map_get(&seen, node_text(n)) : NULL;
		if (node_text(n) && !first)
			map_set(&seen, node_text(n), n);
		if (!first)
			continue;
		struct diag *d = say(c, SEV_ERROR, n->place,
			arena_printf(c->a, "services.%s.container_name", s->name),
			"two services have a container of the name %s", node_text(n));
		d->other = first->place;
		d->other_label = "the first one";
	}
}

static void routes_differ(struct decode *c)
{
	cleanup_map struct map seen = MAP_INIT;
	for (size_t i = 0; i < c->p->routes.count; i++) {
		const struct route *r = &c->p->routes.items[i];
		char *key = arena_printf(c->a, "%s%s", r->host, r->path);
		const struct route *first = map_get(&seen, key);
		if (!first) {
			map_set(&seen, key, (void *)r);
			continue;
		}
		struct diag *d = say(c, SEV_ERROR, r->place, path_item(c, "routes", i),
			"two routes for %s", key);
		d->other = first->place;
		d->other_label = "the first one";
	}
}

static void rotations_known(struct decode *c)
{
	for (size_t i = 0; i < c->p->secrets.count; i++) {
		const struct secret *s = &c->p->secrets.items[i];
		const char *service = text_at(s->on_rotate, "service");
		if (service && !project_service(c->p, service))
			say_unknown(c, node_get(s->on_rotate, "service")->place,
				arena_printf(c->a, "secrets.%s.on_rotate.service", s->name),
				"service", service, node_get(c->tree, "services"));
	}
}

static bool loads_into(const struct service *s, const struct volume *v)
{
	for (size_t i = 0; s->load.command.count && i < s->mounts.count; i++)
		if (s->mounts.items[i].kind == MOUNT_VOLUME &&
			streq(s->mounts.items[i].source, v->name))
			return true;
	return false;
}

/* A dump needs somebody who can read it. */
static void dumps_are_loaded(struct decode *c)
{
	for (size_t i = 0; i < c->p->volumes.count; i++) {
		const struct volume *v = &c->p->volumes.items[i];
		bool any = !v->initial || !v->dump;
		for (size_t k = 0; !any && k < c->p->services.count; k++)
			any = loads_into(&c->p->services.items[k], v);
		if (any)
			continue;
		say(c, SEV_ERROR, v->initial_place,
			arena_printf(c->a, "volumes.%s.initial", v->name),
			"no service that mounts %s says how a dump is loaded", v->name)
			->hint = "give that service `load:`, or a template that has it (postgres, "
				 "mariadb, redis)";
	}
}

void check_rules(struct decode *c)
{
	static void (*const rules[])(struct decode *, const struct service *) = { runs_something,
		module_has_place, module_has_absolute_place, job_is_single, waits_for_an_end,
		copies_fit, configs_known };
	for (size_t i = 0; i < c->p->services.count; i++) {
		const struct service *s = &c->p->services.items[i];
		for (size_t k = 0; k < countof(rules); k++)
			rules[k](c, s);
		keys_known(c, s, "networks", "network");
	}
	ports_differ(c);
	containers_differ(c);
	routes_differ(c);
	rotations_known(c);
	dumps_are_loaded(c);
	check_hosts(c);
}
