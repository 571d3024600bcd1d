/*
 * Making containers. Those that nothing serves yet, and those that no gate guards, are made by one
 * call of Compose. One that serves and is guarded (by the stages before its start, by an install)
 * has a call of its own, behind its gates and what it needs: until these have passed the last good
 * one keeps serving, and so do those that need it.
 */
#include "parts.h"

enum { CREATE_MS = 30 * 60 * 1000, BUILD_MS = 60 * 60 * 1000 };

static bool created(const struct unit *u)
{
	return u->fate == FATE_CREATE;
}

static bool together(const struct unit *u)
{
	return created(u) && !u->guarded;
}

/* ---- who is guarded ---- */

static bool serves(const struct make *m, const struct unit *u)
{
	const struct container *c = own_container(m, u);
	return c && c->state == UNIT_RUNNING;
}

static bool installs(const struct unit *u)
{
	return u->service->develop && u->service->develop->deps.install;
}

static bool needs_guarded(const struct make *m, const struct unit *u)
{
	for (size_t i = 0; i < u->service->needs.count; i++) {
		if (unit_of(m, u->service->needs.items[i].service)->guarded)
			return true;
	}
	return false;
}

static void guard(struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		decide_replacement(m, u);
		u->guarded =
			u->rolled ||
			(created(u) && u->service->replicas && serves(m, u) &&
				(has_gates(m, u->service) || installs(u) || needs_guarded(m, u)));
	}
}

/* ---- what must be there before ---- */

struct step *plan_compose_build(struct make *m, struct unit *u, struct step *after)
{
	struct step *s = exec_step(m, arena_printf(m->a, "compose build %s", u->service->name),
		u->service->name, u->service->place, BUILD_MS, "%s", u->why);
	compose_words(m, s, true);
	step_words(m, s, (const char *const[]){ "build", u->service->name, NULL });
	plan_need(m->plan, s, after);
	return s;
}

static void plan_images_of(struct make *m, struct step *after)
{
	m->built = plan_images(m, after);
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (created(u) && u->service->build && !u->rung)
			u->built = plan_compose_build(m, u, after);
		else if (created(u))
			u->built = image_step(m, u);
	}
}

void plan_before_create(struct make *m, struct step *after)
{
	plan_images_of(m, after);
	plan_volumes(m);
	plan_marked_volumes(m);
}

static void await_parts(struct make *m, struct step *s, const struct unit *u)
{
	plan_need(m->plan, s, m->built);
	plan_need(m->plan, s, u->built);
	for (size_t k = 0; k < u->shared.count; k++)
		plan_need(m->plan, s, plan_find(m->plan, STEP_EXEC, u->shared.items[k].name));
	await_marked_volumes(m, s, u);
	plan_need(m->plan, s, m->mount_points);
	await_clones(m, s, u->service);
}

/* ---- making ---- */

static bool forced(const struct make *m)
{
	return m->forced || m->req->recreate || m->req->goal == GOAL_RECREATE ||
	       m->p->up.recreate_containers;
}

static void up_words(struct make *m, struct step *s)
{
	compose_words(m, s, true);
	step_words(
		m, s, (const char *const[]){ "up", "--no-start", "--no-build", "--no-deps", NULL });
}

static void create_words(struct make *m, struct step *s)
{
	up_words(m, s);
	if (forced(m))
		step_word(m, s, "--force-recreate");
}

/* Logs of the containers that it replaces are kept first. */
static void create_one(struct make *m, struct step *s, const struct unit *u)
{
	step_word(m, s, u->service->name);
	await_parts(m, s, u);
	for (size_t i = 0; !u->rolled && i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		if (!c->one_off && !c->host && streq(c->service, u->service->name))
			strs_add(m->a, &s->containers, c->id);
	}
}

/* Why of the one step that creates many: each with its own. */
static const char *whys(struct make *m)
{
	struct strs list = { 0 };
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct unit *u = &m->units[i];
		if (together(u))
			strs_add(m->a, &list,
				arena_printf(m->a, "%s: %s", u->service->name, u->why));
	}
	return strs_join(m->a, &list, "; ");
}

static void create_together(struct make *m, struct step *after)
{
	const struct unit *first = NULL;
	for (size_t i = 0; i < m->p->services.count && !first; i++)
		first = together(&m->units[i]) ? &m->units[i] : NULL;
	if (!first)
		return;
	m->create = exec_step(
		m, "create containers", NULL, first->service->place, CREATE_MS, "%s", whys(m));
	create_words(m, m->create);
	plan_need(m->plan, m->create, after);
	for (size_t i = 0; i < m->p->services.count; i++) {
		if (together(&m->units[i]))
			create_one(m, m->create, &m->units[i]);
	}
}

void plan_create(struct make *m, struct step *after)
{
	guard(m);
	plan_before_create(m, after);
	plan_clones(m, after);
	create_together(m, after);
}

struct step *plan_create_guarded(
	struct make *m, struct unit *u, struct step *gate, struct step *after)
{
	const struct service *s = u->service;
	if (u->rolled && !u->missing) /* an earlier run made them */
		return NULL;
	struct step *step = exec_step(m, arena_printf(m->a, "create %s", s->name), s->name,
		s->place, CREATE_MS, "%s", u->why);
	if (u->rolled)
		up_words(m, step), replacement_words(m, step, u);
	else
		create_words(m, step);
	create_one(m, step, u);
	plan_need(m->plan, step, after);
	plan_need(m->plan, step, m->create);
	plan_need(m->plan, step, u->install);
	plan_need(m->plan, step, gate);
	await_needs(m, step, s);
	return step;
}
