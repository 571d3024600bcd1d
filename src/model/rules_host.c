/*
 * What the fields of host services say together, and whether --host finds anything to run. In: the
 * resolved project; out: diagnostics.
 */
#include "decode.h"

#include <string.h>

static void notifies(struct decode *c, const struct service *s)
{
	if (s->check.kind != CHECK_NOTIFY || s->where == RUN_HOST || s->left_out)
		return;
	say(c, SEV_ERROR, s->check.place,
		arena_printf(c->a, "services.%s.healthcheck.notify", s->name),
		"%s runs in a container, which cannot notify", s->name)
		->hint = "use http, tcp, log or test; notify is for `run: host`";
}

/* Namespaces of a container cannot be shared with a process of the host. */
static void shares_nothing(struct decode *c, const struct service *s)
{
	static const char *const keys[] = { "network_mode", "pid", "ipc" };
	static const char prefix[] = "service:";
	for (size_t i = 0; i < countof(keys); i++) {
		const char *text = text_at(s->node, keys[i]);
		const struct service *other = text && starts_with(text, prefix)
						      ? project_service(c->p, text + strlen(prefix))
						      : NULL;
		if (!other || other->where != RUN_HOST || s->where == RUN_HOST || s->left_out)
			continue;
		say(c, SEV_ERROR, node_get(s->node, keys[i])->place,
			arena_printf(c->a, "services.%s.%s", s->name, keys[i]),
			"%s runs on the host and has no namespaces to share", other->name);
	}
}

static void routes_through_containers(struct decode *c)
{
	for (size_t i = 0; i < c->p->routes.count; i++) {
		const struct route *r = &c->p->routes.items[i];
		if (!r->via || r->via->where != RUN_HOST || c->req->host)
			continue;
		say(c, SEV_ERROR, place_at(r->node, "via", r->place), path_item(c, "routes", i),
			"a route leads through a container; %s runs on the host", r->via->name)
			->hint = "via: a service that extends the nginx template";
	}
}

static void something_runs(struct decode *c)
{
	for (size_t i = 0; i < c->p->services.count; i++) {
		if (c->p->services.items[i].where == RUN_HOST)
			return;
	}
	const struct node *services = node_get(c->tree, "services");
	say(c, SEV_ERROR, services ? services->place : (struct place){ 0 }, "services",
		"no service of this project can run on the host")
		->hint = "say how under one of them: host: { command: ... }";
}

void check_hosts(struct decode *c)
{
	for (size_t i = 0; i < c->p->services.count; i++) {
		notifies(c, &c->p->services.items[i]);
		shares_nothing(c, &c->p->services.items[i]);
	}
	routes_through_containers(c);
	if (c->req->host && !c->d->errors)
		something_runs(c);
}
