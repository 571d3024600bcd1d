/*
 * Stopping, removing and restarting, those who depend first. Volumes of data go only when asked,
 * scratch always; what many workspaces share stays.
 */
#include "parts.h"

#include <string.h>

static bool stops_all(const struct make *m)
{
	return !m->req->services.count;
}

static bool is_meant(const struct make *m, const struct container *c)
{
	return stops_all(m) || strs_has(&m->req->services, c->service);
}

static bool is_up(const struct container *c)
{
	return c->state != UNIT_CREATED && c->state != UNIT_EXITED && c->state != UNIT_DEAD &&
	       c->state != UNIT_REMOVING && c->state != UNIT_ABSENT;
}

static int64_t grace(const struct make *m, const struct service *s)
{
	int64_t ms = m->req->timeout_ms >= 0 ? m->req->timeout_ms : s ? s->stop_grace_ms : 10000;
	return ms > 0 ? ms : 1;
}

/* Containers of one service, or one container that belongs to none. */
struct group {
	const struct service *service;
	const char *unit;
	struct strs running, all;
	struct step *stop, *remove;
};

struct groups {
	struct group *items;
	size_t count, cap;
};

static void add_container(struct make *m, struct group *g, const struct container *c)
{
	strs_add(m->a, &g->all, c->id);
	if (is_up(c))
		strs_add(m->a, &g->running, c->id);
}

static void gather_service(struct make *m, struct groups *list, const struct service *s)
{
	struct group g = { .service = s, .unit = s->name };
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		bool same = c->host == (s->where == RUN_HOST);
		if (!c->one_off && same && streq(c->service, s->name) && is_meant(m, c))
			add_container(m, &g, c);
	}
	if (g.all.count)
		*list_push(m->a, list) = g;
}

/* Of a service that runs elsewhere now. */
static bool changed_sides(const struct make *m, const struct container *c)
{
	const struct service *s = project_service(m->p, c->service);
	return s && c->host != (s->where == RUN_HOST);
}

/* Orphans and one-off containers. */
static void gather_others(struct make *m, struct groups *list)
{
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		struct group g = { .unit = c->host ? c->id : c->name };
		bool known = project_service(m->p, c->service) && !changed_sides(m, c);
		if ((!c->one_off && known) || !is_meant(m, c))
			continue;
		add_container(m, &g, c);
		*list_push(m->a, list) = g;
	}
}

/* Dependents first; what belongs to no service before all. */
static struct groups gather(struct make *m)
{
	struct groups list = { 0 };
	if (m->req->goal != GOAL_RESTART)
		gather_others(m, &list);
	for (size_t i = m->p->services.count; i-- > 0;)
		gather_service(m, &list, &m->p->services.items[i]);
	return list;
}

/* Tells what u needs that u stops first; or, where it does not run, those who need u. */
static void pass_stop(struct make *m, const struct unit *u)
{
	for (size_t i = 0; i < u->service->needs.count; i++) {
		struct unit *needed = unit_of(m, u->service->needs.items[i].service);
		if (u->stop)
			*list_push(m->a, &needed->gates) = u->stop;
		for (size_t k = 0; !u->stop && k < u->gates.count; k++)
			*list_push(m->a, &needed->gates) = u->gates.items[k];
	}
}

static void pass_stops(struct make *m, const struct group *g)
{
	struct unit *u = unit_of(m, g->service);
	u->stop = g->stop;
	for (size_t i = 0; g->stop && i < u->gates.count; i++)
		plan_need(m->plan, g->stop, u->gates.items[i]);
}

static struct group *group_of(const struct groups *list, const struct service *s)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].service == s)
			return &list->items[i];
	}
	return NULL;
}

/* From those that nobody needs to those that need nobody. */
static void order_stops(struct make *m, const struct groups *list)
{
	for (size_t i = m->p->services.count; i-- > 0;) {
		const struct group *g = group_of(list, m->units[i].service);
		if (g)
			pass_stops(m, g);
		pass_stop(m, &m->units[i]);
	}
}

static void stop_groups(struct make *m, struct groups *list, struct step *after, const char *why)
{
	for (size_t i = 0; i < list->count; i++) {
		struct group *g = &list->items[i];
		if (!g->running.count)
			continue;
		g->stop = plan_add(m->plan, STEP_STOP, g->unit,
			g->service ? g->service->place : (struct place){ 0 }, "%s", why);
		g->stop->service = g->service;
		g->stop->containers = g->running;
		g->stop->was_running = true;
		g->stop->timeout_ms = grace(m, g->service);
		plan_need(m->plan, g->stop, after);
	}
	order_stops(m, list);
}

static void remove_groups(struct make *m, struct groups *list, struct step *after)
{
	for (size_t i = 0; i < list->count; i++) {
		struct group *g = &list->items[i];
		g->remove = plan_add(m->plan, STEP_REMOVE, g->unit,
			g->service ? g->service->place : (struct place){ 0 }, "asked for");
		g->remove->service = g->service;
		g->remove->containers = g->all;
		g->remove->was_running = g->running.count > 0;
		plan_need(m->plan, g->remove, after);
		plan_need(m->plan, g->remove, g->stop);
	}
}

static bool volume_seen(const struct make *m, const char *name)
{
	return !m->w->volumes_known || strs_has(&m->w->volumes, name);
}

static void drop(struct make *m, enum step_kind kind, const char *name, struct place at,
	const char *why, const struct groups *list)
{
	struct step *s = plan_add(m->plan, kind, name, at, "%s", why);
	for (size_t i = 0; i < list->count; i++)
		plan_need(m->plan, s, list->items[i].remove);
}

static void drop_volumes(struct make *m, const struct groups *list)
{
	for (size_t i = 0; i < m->p->volumes.count; i++) {
		const struct volume *v = &m->p->volumes.items[i];
		bool scratch = v->kind == VOLUME_SCRATCH;
		const char *name = plan_volume_name(m->a, m->p, m->w, v);
		if (name && (scratch || m->req->volumes) && volume_seen(m, name))
			drop(m, STEP_DROP_VOLUME, name, v->place,
				scratch ? "scratch goes with the run" : "asked for", list);
	}
}

static bool is_dropped(const struct make *m, const char *volume)
{
	return plan_find(m->plan, STEP_DROP_VOLUME, volume) != NULL;
}

/* Declared external since: it is not ours any more. */
static bool given_away(const struct make *m, const char *volume)
{
	for (size_t i = 0; i < m->p->volumes.count; i++) {
		const struct volume *v = &m->p->volumes.items[i];
		const char *own = node_text(node_get(v->node, "name"));
		if (v->external && (streq(volume, own ? own : v->name) ||
					   streq(volume, arena_printf(m->a, "%s_%s",
								 m->p->workspace, v->name))))
			return true;
	}
	return false;
}

/* Volumes of this workspace that the configuration has no more, and data of other branches. */
static void drop_old_volumes(struct make *m, const struct groups *list)
{
	const char *prefix = arena_printf(m->a, "%s_", m->p->workspace);
	for (size_t i = 0; m->req->volumes && i < m->w->volumes.count; i++) {
		const char *name = m->w->volumes.items[i];
		if (starts_with(name, prefix) && !is_dropped(m, name) && !given_away(m, name))
			drop(m, STEP_DROP_VOLUME, name, (struct place){ 0 }, "asked for", list);
	}
}

/* Not asked yet, the engine may have one; the next plan knows. */
static void drop_networks(struct make *m, const struct groups *list)
{
	struct strs names = m->w->networks;
	bool asked = m->w->images_known || m->w->volumes_known || names.count;
	if (!asked)
		strs_add(m->a, &names, arena_printf(m->a, "%s_default", m->p->workspace));
	for (size_t i = 0; i < names.count; i++)
		drop(m, STEP_DROP_NETWORK, names.items[i], (struct place){ 0 },
			"no container is left on it", list);
}

static void end_with_hooks(struct make *m, const char *event)
{
	size_t count = m->plan->steps.count;
	plan_hooks(m, event, NULL);
	for (size_t i = 0; m->plan->steps.count > count && i < count; i++)
		plan_need(m->plan, m->plan->steps.items[count], m->plan->steps.items[i]);
}

/* Nothing here ever was the engine's. */
static bool only_processes(const struct make *m)
{
	bool any = false;
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct service *s = &m->p->services.items[i];
		if (s->where == RUN_CONTAINER && !s->left_out)
			return false;
		any |= s->where == RUN_HOST;
	}
	for (size_t i = 0; i < m->w->containers.count; i++)
		any &= m->w->containers.items[i].host;
	return any && !m->w->volumes_known && !m->w->networks.count;
}

static void take_down(struct make *m, struct groups *list)
{
	struct step *hook = list->count ? plan_hooks(m, "pre-stop", NULL) : NULL;
	hook = list->count ? plan_hooks(m, "pre-down", hook) : NULL;
	stop_groups(m, list, hook, "asked for");
	remove_groups(m, list, hook);
	if (stops_all(m) && !only_processes(m)) {
		drop_networks(m, list);
		drop_volumes(m, list);
		drop_old_volumes(m, list);
	}
	if (list->count)
		end_with_hooks(m, "post-down");
}

static bool any_running(const struct groups *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].running.count)
			return true;
	}
	return false;
}

static void stop(struct make *m, struct groups *list)
{
	if (!any_running(list))
		return;
	stop_groups(m, list, plan_hooks(m, "pre-stop", NULL), "asked for");
	end_with_hooks(m, "post-stop");
}

static void start_again(struct make *m, const struct group *g)
{
	struct unit *u = unit_of(m, g->service);
	u->start = plan_add(m->plan, STEP_START, g->unit, g->service->place, "asked for");
	u->start->service = g->service;
	u->start->containers = g->all;
	plan_need(m->plan, u->start, g->stop);
	await_needs(m, u->start, g->service);
	u->ready = plan_add(m->plan, STEP_READY, g->unit, g->service->place, "started");
	u->ready->service = g->service;
	u->ready->timeout_ms = g->service->check.deadline_ms;
	plan_need(m->plan, u->ready, u->start);
}

/* Those who need a service have stopped before it stops, so before it starts. */
static void restart(struct make *m, struct groups *list)
{
	stop_groups(m, list, NULL, "asked for");
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		const struct group *g = group_of(list, u->service);
		u->gates = (struct step_list){ 0 };
		if (g && (u->service->kind == KIND_SERVICE || !stops_all(m)))
			start_again(m, g);
		pass_gates(m, u);
	}
	plan_followers(m);
}

void plan_down(struct make *m)
{
	struct groups list = gather(m);
	if (m->req->goal == GOAL_DOWN)
		take_down(m, &list);
	else if (m->req->goal == GOAL_STOP)
		stop(m, &list);
	else
		restart(m, &list);
}
