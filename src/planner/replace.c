/*
 * Who is replaced copy by copy while the others serve, rather than all at once: services of several
 * copies, and those that say `deploy.update_config.order: start-first`, where old and new can be
 * there side by side. Comes in: units with their fates, the compose tree, the world. Goes out:
 * which containers give way, how many are to be made, the step that puts these in their place.
 */
#include "parts.h"

static bool is_current(const struct make *m, const struct unit *u, const struct container *c)
{
	return streq(c->hash, u->digest) && !asked_anew(m, u) && c->state != UNIT_DEAD &&
	       c->state != UNIT_REMOVING;
}

static bool shares_namespaces(const struct make *m, const struct service *s)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct service *other = m->units[i].service;
		if (lives_in(s, other) || lives_in(other, s))
			return true;
	}
	return false;
}

static const struct volume *exclusive_volume(const struct make *m, const struct service *s)
{
	for (size_t i = 0; i < s->mounts.count; i++) {
		const struct mount *mount = &s->mounts.items[i];
		const struct volume *v =
			mount->kind == MOUNT_VOLUME ? project_volume(m->p, mount->source) : NULL;
		if (v && v->kind == VOLUME_DATA && !mount->read_only)
			return v;
	}
	return NULL;
}

static bool publishes(const struct node *ports)
{
	const struct node *item;
	node_each_item(ports, i, item)
	{
		if (!node_get(item, "target") || node_get(item, "published"))
			return true;
	}
	return false;
}

/* What there can be one of; NULL: two of it can run side by side. */
static const char *why_alone(struct make *m, const struct unit *u)
{
	const struct service *s = u->service;
	const struct volume *v = exclusive_volume(m, s);
	if (shares_namespaces(m, s))
		return "it shares namespaces with another service";
	if (node_get(u->node, "container_name"))
		return "it has a container_name";
	if (has_fixed_address(u->node))
		return "it has a fixed address";
	if (s->replicas == 1 && publishes(node_get(u->node, "ports")))
		return "it publishes a port of this machine";
	if (s->replicas == 1 && v)
		return arena_printf(m->a, "two cannot write its data (volume %s)", v->name);
	return NULL;
}

/* The copies that give way, those that serve nobody first; the others that are wanted stay. */
static void sort_copies(struct make *m, struct unit *u)
{
	struct strs running = { 0 };
	int current = 0;
	bool serves = false;
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		if (c->one_off || c->host || !streq(c->service, u->service->name))
			continue;
		u->there++;
		serves |= c->state == UNIT_RUNNING;
		if (is_current(m, u, c) && current < u->service->replicas)
			current++;
		else
			strs_add(m->a, c->state == UNIT_RUNNING ? &running : &u->old, c->id);
	}
	u->missing = u->service->replicas - current;
	for (size_t i = 0; i < running.count; i++)
		strs_add(m->a, &u->old, running.items[i]);
	u->rolled = serves && u->old.count;
}

void decide_replacement(struct make *m, struct unit *u)
{
	const struct service *s = u->service;
	if (u->fate != FATE_CREATE || s->kind == KIND_JOB || !s->replicas)
		return;
	if (s->replicas == 1 && !s->start_first)
		return;
	const char *alone = why_alone(m, u);
	sort_copies(m, u);
	if (alone && u->rolled && s->start_first)
		strs_add(m->a, &m->plan->notes,
			arena_printf(m->a, "%s is stopped before its new container starts: %s",
				s->name, alone));
	u->rolled = u->rolled && !alone;
}

/* Beside those that are there, none of which Compose is to touch. */
void replacement_words(struct make *m, struct step *s, const struct unit *u)
{
	const char *const words[] = { "--no-recreate", "--scale",
		arena_printf(m->a, "%s=%d", u->service->name, u->there + u->missing), NULL };
	step_words(m, s, words);
}

static bool leads_to(const struct make *m, const struct service *via, const struct service *to)
{
	for (size_t i = 0; i < m->p->routes.count; i++) {
		const struct route *r = &m->p->routes.items[i];
		if (r->via == via && r->to == to && via != to)
			return true;
	}
	return false;
}

void plan_replacement(struct make *m, struct step *start, const struct unit *u)
{
	start->replaces = u->old;
	start->start_first = u->service->start_first;
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		const struct service *via = project_service(m->p, c->service);
		if (via && !c->one_off && !c->host && c->state == UNIT_RUNNING &&
			leads_to(m, via, u->service))
			strs_add(m->a, &start->proxies, c->id);
	}
}
