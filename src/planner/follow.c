/*
 * Those who depend on what was made anew or started again: told to reload, restarted, or left
 * alone, as `on_restart` says. nginx, through which routes lead, reloads of itself.
 */
#include "parts.h"

static bool leads_through(const struct make *m, const struct service *s, const struct service *to)
{
	for (size_t i = 0; i < m->p->routes.count; i++) {
		const struct route *r = &m->p->routes.items[i];
		if (r->via == s && (!to || r->to == to))
			return true;
	}
	return false;
}

static enum on_restart answer(const struct make *m, const struct unit *u, const struct need *n)
{
	if (n->on_restart != FOLLOW_DEFAULT)
		return n->on_restart;
	return leads_through(m, u->service, NULL) ? FOLLOW_RELOAD : FOLLOW_IGNORE;
}

static struct step *start_of(const struct make *m, const struct service *s)
{
	const struct unit *u = unit_of(m, s);
	return u ? u->start : NULL;
}

static bool runs(const struct make *m, const struct unit *u)
{
	const struct container *c = own_container(m, u);
	return c && c->state == UNIT_RUNNING && u->service->kind == KIND_SERVICE;
}

static struct step *follow_step(struct make *m, struct unit *u, enum on_restart how,
	const struct service *cause, struct place at)
{
	struct step *s = plan_find(m->plan, STEP_RELOAD, u->service->name);
	if (!s) {
		s = plan_add(m->plan, STEP_RELOAD, u->service->name, at, "%s was started anew",
			cause->name);
		s->service = u->service;
		if (how == FOLLOW_RELOAD && leads_through(m, u->service, NULL))
			step_words(m, s, (const char *const[]){ "nginx", "-s", "reload", NULL });
		else if (how == FOLLOW_RELOAD && u->service->where == RUN_HOST)
			s->signal = "HUP";
		else if (how == FOLLOW_RELOAD)
			step_words(m, s,
				(const char *const[]){ "/bin/sh", "-c", "kill -HUP 1", NULL });
	} else if (how == FOLLOW_RESTART) {
		s->argv.count = 0;
		s->signal = NULL;
	}
	const struct unit *c = unit_of(m, cause);
	plan_need(m->plan, s, c->ready ? c->ready : c->start);
	return s;
}

static void await_restarted(struct make *m, struct unit *u, struct step *reload)
{
	if (!reload || reload->argv.count || reload->signal)
		return;
	struct step *ready =
		plan_add(m->plan, STEP_READY, u->service->name, u->service->place, "started again");
	ready->service = u->service;
	ready->timeout_ms = u->service->check.deadline_ms;
	plan_need(m->plan, ready, reload);
}

/* A service that is asked to restart is followed by its own dependents in turn. */
static void follow(struct make *m, struct unit *u)
{
	struct step *reload = NULL;
	for (size_t i = 0; i < u->service->needs.count; i++) {
		const struct need *n = &u->service->needs.items[i];
		enum on_restart how = answer(m, u, n);
		if (how != FOLLOW_IGNORE && start_of(m, n->service) &&
			n->service->kind == KIND_SERVICE)
			reload = follow_step(m, u, how, n->service, n->place);
	}
	for (size_t i = 0; i < m->p->routes.count; i++) {
		const struct route *r = &m->p->routes.items[i];
		if (r->via == u->service && r->to != u->service && start_of(m, r->to))
			reload = follow_step(m, u, FOLLOW_RELOAD, r->to, r->place);
	}
	await_restarted(m, u, reload);
	if (reload && !reload->argv.count && !reload->signal)
		u->start = reload;
}

void plan_followers(struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (!u->start && runs(m, u))
			follow(m, u);
	}
}
