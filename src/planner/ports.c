/*
 * Ports as others see them: which must be allocated before `up`, what a service's port is published
 * as, and the URLs to show afterwards.
 */
#include "parts.h"

#include <string.h>

const char *host_port_owner(struct arena *a, const struct service *s, int number)
{
	return number == 1 ? s->name : arena_printf(a, "%s.%d", s->name, number);
}

/* On the host a port is its target, unless it is published otherwise. */
static int host_port_wanted(const struct port *p, int number)
{
	if (number > 1 || p->how == PUB_AUTO)
		return 0;
	return p->how == PUB_FIXED ? p->published : p->target;
}

/* What was given is that of another wish, once the configuration names another port. */
static bool stands(const struct allocation *al, const struct port *p)
{
	return al && (p->how != PUB_FIXED || al->published == p->published ||
			     al->moved_from == p->published);
}

int host_port(const struct world *w, const struct service *s, const struct port *p, int number)
{
	struct arena a = ARENA_INIT;
	const struct allocation *al =
		world_allocation(w, host_port_owner(&a, s, number), p->target, p->protocol);
	arena_release(&a);
	bool keeps = number > 1 ? al != NULL : stands(al, p);
	return keeps ? al->published : host_port_wanted(p, number);
}

int published_port(const struct world *w, const struct service *s, const struct port *p)
{
	if (s->where == RUN_HOST)
		return host_port(w, s, p, 1);
	const struct allocation *al = world_allocation(w, s->name, p->target, p->protocol);
	if (p->how == PUB_NONE || s->replicas > 1)
		return 0;
	if (stands(al, p))
		return al->published;
	return p->how == PUB_FIXED ? p->published : 0;
}

/* Copies of a service get ports from the engine, each its own. */
static bool wants_port(const struct service *s, const struct port *p)
{
	return p->how != PUB_NONE && s->replicas == 1 && s->where == RUN_CONTAINER;
}

static void unit_ports(struct arena *a, const struct unit *u, struct port_wishes *out)
{
	const struct service *s = u->service;
	int copies = u->hosted ? s->replicas : 1;
	for (int number = 1; number <= copies; number++) {
		for (size_t k = 0; k < s->ports.count; k++) {
			const struct port *p = &s->ports.items[k];
			if (u->hosted)
				*list_push(a, out) =
					(struct port_wish){ s, p, host_port_owner(a, s, number),
						host_port_wanted(p, number) };
			else if (wants_port(s, p))
				*list_push(a, out) = (struct port_wish){ s, p, s->name,
					p->how == PUB_FIXED ? p->published : 0 };
		}
	}
}

void plan_ports(struct arena *a, const struct project *p, const struct plan_request *req,
	struct port_wishes *out)
{
	struct world nothing = { .engine = false };
	struct diags unheard = DIAGS_INIT(a);
	struct make m;
	make_init(&m, a, p, &nothing, &unheard);
	m.req = req;
	select_units(&m);
	for (size_t i = 0; i < p->services.count; i++) {
		if (m.units[i].present || m.units[i].hosted)
			unit_ports(a, &m.units[i], out);
	}
	make_release(&m);
}

static const struct {
	const char *name; /* of a port */
	int target;       /* or its number */
	const char *scheme;
} schemes[] = {
	{ "http", 80, "http" },
	{ "https", 443, "https" },
	{ "postgres", 5432, "postgresql" },
	{ "mysql", 3306, "mysql" },
	{ "mariadb", 3306, "mysql" },
	{ "redis", 6379, "redis" },
	{ "amqp", 5672, "amqp" },
	{ "smtp", 1025, "smtp" },
};

const char *url_scheme(const struct service *s, const struct port *p)
{
	for (size_t i = 0; i < countof(schemes); i++) {
		if (streq(p->name, schemes[i].name) || (!p->name && p->target == schemes[i].target))
			return schemes[i].scheme;
	}
	return s->check.kind == CHECK_HTTP && s->check.port == p->target && s->check.tls ? "https"
											 : "http";
}

static const struct port *port_with_target(const struct service *s, int target)
{
	for (size_t i = 0; s && i < s->ports.count; i++) {
		if (s->ports.items[i].target == target)
			return &s->ports.items[i];
	}
	return NULL;
}

static void route_url(
	struct arena *a, const struct world *w, const struct route *r, struct urls *out)
{
	const struct port *https = port_with_target(r->via, 443);
	int port = https ? published_port(w, r->via, https) : 0;
	if (!port || strchr(r->host, '*') || r->via->left_out || r->to->left_out)
		return;
	const char *number = port == 443 ? "" : arena_printf(a, ":%d", port);
	*list_push(a, out) = (struct url){
		.service = r->to,
		.via = r->via,
		.url = arena_printf(a, "https://%s%s%s", r->host, number, r->path),
		.place = r->place,
	};
}

static bool leads_through(const struct project *p, const struct service *s)
{
	for (size_t i = 0; i < p->routes.count; i++) {
		if (p->routes.items[i].via == s)
			return true;
	}
	return false;
}

static void port_urls(
	struct arena *a, const struct world *w, const struct service *s, struct urls *out)
{
	for (size_t i = 0; i < s->ports.count; i++) {
		const struct port *p = &s->ports.items[i];
		int port = published_port(w, s, p);
		if (port && streq(p->protocol, "tcp"))
			*list_push(a, out) = (struct url){
				.service = s,
				.url = arena_printf(a, "%s://127.0.0.1:%d", url_scheme(s, p), port),
				.place = p->place,
			};
	}
}

void plan_urls(struct arena *a, const struct project *p, const struct world *w, struct urls *out)
{
	for (size_t i = 0; i < p->routes.count; i++)
		route_url(a, w, &p->routes.items[i], out);
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		if (world_container(w, s->name) && !leads_through(p, s))
			port_urls(a, w, s, out);
	}
}
