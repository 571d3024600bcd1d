/*
 * Which services a run is about, and which stand in the generated compose file: the named ones or
 * the default set with what they need; and all that no profile holds back or that has a container.
 */
#include "parts.h"

#include <string.h>

static bool held_back(const struct make *m, const struct service *s)
{
	for (size_t i = 0; i < s->profiles.count; i++) {
		if (strs_has(&m->req->profiles, s->profiles.items[i]))
			return false;
	}
	return s->profiles.count > 0;
}

static void ask(struct make *m, const char *name)
{
	const struct service *s = project_service(m->p, name);
	if (!s) {
		complain(m, (struct place){ 0 }, "there is no service \"%s\"", name);
		return;
	}
	unit_of(m, s)->chosen = unit_of(m, s)->asked = true;
}

static void ask_all(struct make *m, const struct strs *names)
{
	for (size_t i = 0; i < names->count; i++)
		ask(m, names->items[i]);
}

static void ask_unheld(struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		u->chosen = u->asked = !held_back(m, u->service);
	}
}

/* Services stand after what they need, so one pass from the end follows every chain. */
static void choose_needs(struct make *m)
{
	for (size_t i = m->p->services.count; i-- > 0;) {
		const struct service *s = m->units[i].service;
		for (size_t k = 0; m->units[i].chosen && k < s->needs.count; k++)
			unit_of(m, s->needs.items[k].service)->chosen = true;
	}
}

static void mark_present(struct make *m)
{
	for (size_t i = 0; i < m->w->containers.count; i++) {
		struct unit *u =
			unit_of(m, project_service(m->p, m->w->containers.items[i].service));
		if (u)
			u->present = true;
	}
	for (size_t i = m->p->services.count; i-- > 0;) {
		struct unit *u = &m->units[i];
		u->present |= u->chosen || !held_back(m, u->service);
		for (size_t k = 0; u->present && k < u->service->needs.count; k++)
			unit_of(m, u->service->needs.items[k].service)->present = true;
		u->present &= u->service->where == RUN_CONTAINER;
	}
}

void select_units(struct make *m)
{
	bool starts = m->req->goal == GOAL_UP || m->req->goal == GOAL_RECREATE ||
		      m->req->goal == GOAL_GENERATE;
	if (m->req->services.count)
		ask_all(m, &m->req->services);
	else if (starts && m->p->up.services.count)
		ask_all(m, &m->p->up.services);
	else
		ask_unheld(m);
	if (starts && !m->req->no_deps)
		choose_needs(m);
	mark_present(m);
}

void choose(struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct unit *u = &m->units[i];
		if (!u->chosen || u->service->where != RUN_CONTAINER)
			continue;
		*list_push(m->a, &m->plan->chosen) = (struct chosen){
			.service = u->service,
			.image_tag = u->image,
			.hash = u->digest,
			.asked = u->asked,
			.changed = u->fate == FATE_CREATE,
			.why = u->why,
			.binds = u->binds,
		};
	}
}

bool lives_in(const struct service *s, const struct service *host)
{
	static const char *const keys[] = { "network_mode", "pid", "ipc" };
	static const char prefix[] = "service:";
	for (size_t i = 0; i < countof(keys); i++) {
		const char *text = node_text(node_get(s->node, keys[i]));
		if (text && starts_with(text, prefix) && streq(text + strlen(prefix), host->name))
			return true;
	}
	return false;
}
