/*
 * Steps of `up` for host services, and the end of what the configuration has no more: containers
 * and processes of services that are gone, of copies too many, of services that changed sides.
 */
#include "parts.h"

void plan_host_start(struct make *m, struct unit *u, struct step *after)
{
	const struct service *s = u->service;
	u->install = plan_host_install(m, u, after);
	struct step *gate = plan_first_stages(m, u, after);
	plan_displaced(m, u, gate);
	u->start = plan_add(m->plan, STEP_START, s->name, s->on_host->place, "%s", u->why);
	u->start->service = s;
	for (size_t i = 0; i < u->copies.count; i++) {
		if (u->copies.items[i].why)
			*list_push(m->a, &u->start->hosts) = u->copies.items[i].spec;
	}
	plan_need(m->plan, u->start, after);
	plan_need(m->plan, u->start, u->install);
	plan_need(m->plan, u->start, gate);
	for (size_t i = 0; i < u->displaced.count; i++)
		plan_need(m->plan, u->start, u->displaced.items[i]);
	await_needs(m, u->start, s);
}

/* NULL: it is none. */
static const char *why_orphan(struct make *m, const struct container *c)
{
	const struct service *s = project_service(m->p, c->service);
	if (c->one_off)
		return NULL;
	if (!s)
		return arena_printf(m->a, "the configuration has no service %s", c->service);
	if (!c->host)
		return s->where == RUN_HOST ? arena_printf(m->a, "%s runs on the host now", s->name)
					    : NULL;
	if (s->left_out)
		return arena_printf(m->a, "%s cannot run on the host any more", s->name);
	if (s->where == RUN_CONTAINER)
		return arena_printf(m->a, "%s runs in a container now", s->name);
	if (c->number > s->replicas)
		return arena_printf(m->a, "%s has %d %s now", s->name, s->replicas,
			s->replicas == 1 ? "copy" : "copies");
	return NULL;
}

bool any_orphan(struct make *m)
{
	for (size_t i = 0; i < m->w->containers.count; i++) {
		if (why_orphan(m, &m->w->containers.items[i]))
			return true;
	}
	return false;
}

static void plan_orphan(
	struct make *m, const struct container *c, const char *why, struct step *gate)
{
	const char *unit = c->host ? c->id : c->name;
	const struct service *s = project_service(m->p, c->service);
	const struct node *all = node_get(m->p->tree, "services");
	struct place at = s ? s->place : all ? all->place : (struct place){ 0 };
	struct step *stop = plan_add(m->plan, STEP_STOP, unit, at, "%s", why);
	struct step *remove = plan_add(m->plan, STEP_REMOVE, unit, at, "%s", why);
	strs_add(m->a, &stop->containers, c->id);
	strs_add(m->a, &remove->containers, c->id);
	plan_need(m->plan, stop, gate);
	plan_need(m->plan, remove, stop);
	if (s)
		*list_push(m->a, &unit_of(m, s)->displaced) = remove;
}

void plan_orphans(struct make *m)
{
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		const struct unit *u = unit_of(m, project_service(m->p, c->service));
		const char *why = why_orphan(m, c);
		if (why && !(u && is_started(u)))
			plan_orphan(m, c, why, NULL);
	}
}

void plan_displaced(struct make *m, struct unit *u, struct step *gate)
{
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		const char *why = why_orphan(m, c);
		if (why && streq(c->service, u->service->name))
			plan_orphan(m, c, why, gate);
	}
}
