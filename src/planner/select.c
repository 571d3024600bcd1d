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

static bool starts(const struct make *m)
{
	return m->req->goal == GOAL_UP || m->req->goal == GOAL_RECREATE ||
	       m->req->goal == GOAL_GENERATE || m->req->goal == GOAL_CREATE;
}

static void ask(struct make *m, const char *name)
{
	const struct service *s = project_service(m->p, name);
	if (!s) {
		complain(m, (struct place){ 0 }, "there is no service \"%s\"", name);
		return;
	}
	if (s->left_out && (starts(m) || m->req->goal == GOAL_RUN)) {
		complain(m, s->place, "%s cannot run on the host", name)->hint =
			"say how under it, as in host: { command: ... }, or leave out --host";
		return;
	}
	unit_of(m, s)->chosen = unit_of(m, s)->asked = true;
}

/* What the configuration names, but for what --host leaves out. */
static void ask_default(struct make *m, const struct strs *names)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct service *s = project_service(m->p, names->items[i]);
		if (!s || !s->left_out)
			ask(m, names->items[i]);
	}
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
		u->chosen = u->asked = !held_back(m, u->service) && !u->service->left_out;
	}
}

static void choose_need(struct make *m, const struct service *s, const struct need *n)
{
	if (!n->service->left_out) {
		unit_of(m, n->service)->chosen = true;
		return;
	}
	if (n->required)
		complain(m, n->place, "%s needs %s, which cannot run on the host", s->name, n->name)
			->hint = arena_printf(m->a,
			"say how under %s, as in host: { command: ... }, need it with required: "
			"false, or leave out --host",
			n->name);
}

/* Services stand after what they need, so one pass from the end follows every chain. */
static void choose_needs(struct make *m)
{
	for (size_t i = m->p->services.count; i-- > 0;) {
		const struct service *s = m->units[i].service;
		for (size_t k = 0; m->units[i].chosen && k < s->needs.count; k++)
			choose_need(m, s, &s->needs.items[k]);
	}
}

static void tell_left_out(struct make *m)
{
	struct strs names = { 0 };
	for (size_t i = 0; m->plan && i < m->p->services.count; i++) {
		const struct service *s = &m->p->services.items[i];
		if (s->left_out && !held_back(m, s))
			strs_add(m->a, &names, s->name);
	}
	if (names.count)
		strs_add(m->a, &m->plan->notes,
			arena_printf(m->a, "left out, they have no host command: %s",
				strs_join(m->a, &names, ", ")));
}

/* Those that have a container, or a process for a host service. */
static void mark_seen(struct make *m)
{
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		struct unit *u = unit_of(m, project_service(m->p, c->service));
		if (u && c->host == (u->service->where == RUN_HOST))
			u->present = true;
	}
}

static void mark_present(struct make *m)
{
	mark_seen(m);
	for (size_t i = m->p->services.count; i-- > 0;) {
		struct unit *u = &m->units[i];
		u->present |= u->chosen || (!held_back(m, u->service) && !u->service->left_out);
		for (size_t k = 0; u->present && k < u->service->needs.count; k++) {
			const struct service *needed = u->service->needs.items[k].service;
			unit_of(m, needed)->present |= !needed->left_out;
		}
		u->hosted = u->present && u->service->where == RUN_HOST;
		u->present &= u->service->where == RUN_CONTAINER;
	}
}

void select_units(struct make *m)
{
	if (m->req->services.count)
		ask_all(m, &m->req->services);
	else if (starts(m) && m->p->up.services.count)
		ask_default(m, &m->p->up.services);
	else if (!m->req->images.count)
		ask_unheld(m);
	if (starts(m) && !m->req->no_deps)
		choose_needs(m);
	if (starts(m) && !m->req->services.count)
		tell_left_out(m);
	mark_present(m);
}

void choose(struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct unit *u = &m->units[i];
		if (!u->chosen)
			continue;
		*list_push(m->a, &m->plan->chosen) = (struct chosen){
			.service = u->service,
			.image_tag = u->image,
			.hash = u->digest,
			.asked = u->asked,
			.changed = made_anew(u),
			.why = u->why,
			.binds = u->binds,
			.spec = u->copies.count ? u->copies.items[0].spec : NULL,
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
