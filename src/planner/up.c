/*
 * From what is there to what is configured: write, build, install, create, start in order of
 * dependency, wait until ready. Comes in: units with their fates. Goes out: steps; none when all is
 * as it should be.
 */
#include "parts.h"

#include <string.h>

enum { CREATE_MS = 30 * 60 * 1000, BUILD_MS = 60 * 60 * 1000 };

static bool any_work(const struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		if (m->units[i].fate != FATE_KEEP)
			return true;
	}
	return false;
}

static struct step *compose_build(struct make *m, struct unit *u, struct step *after)
{
	struct step *s = exec_step(m, arena_printf(m->a, "compose build %s", u->service->name),
		u->service->name, u->service->place, BUILD_MS, "%s", u->why);
	compose_words(m, s, true);
	step_words(m, s, (const char *const[]){ "build", u->service->name, NULL });
	plan_need(m->plan, s, after);
	return s;
}

/* Why of the one step that creates many: each with its own. */
static const char *whys(struct make *m)
{
	struct strs list = { 0 };
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct unit *u = &m->units[i];
		if (u->fate == FATE_CREATE)
			strs_add(m->a, &list,
				arena_printf(m->a, "%s: %s", u->service->name, u->why));
	}
	return strs_join(m->a, &list, "; ");
}

static bool created(const struct unit *u)
{
	return u->fate == FATE_CREATE;
}

/* Ids of the containers that are replaced: their logs are kept first. */
static void replaced(struct make *m, struct step *create)
{
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		const struct unit *u = unit_of(m, project_service(m->p, c->service));
		if (u && created(u) && !c->one_off && !c->host)
			strs_add(m->a, &create->containers, c->id);
	}
}

static bool forced(const struct make *m)
{
	return m->forced || m->req->recreate || m->req->goal == GOAL_RECREATE ||
	       m->p->up.recreate_containers;
}

/* Everything that must be there before containers can be made. */
static void before_create(struct make *m, struct step *after, struct step_list *needs)
{
	*list_push(m->a, needs) = after;
	*list_push(m->a, needs) = plan_images(m, after);
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (created(u) && u->service->build && !u->rung)
			*list_push(m->a, needs) = compose_build(m, u, after);
		else if (created(u))
			*list_push(m->a, needs) = build_step(m, u->rung);
	}
	plan_volumes(m, needs);
	*list_push(m->a, needs) = m->mount_points;
}

static struct step *plan_create(struct make *m, struct step *after)
{
	struct step_list needs = { 0 };
	const struct unit *first = NULL;
	for (size_t i = 0; i < m->p->services.count && !first; i++)
		first = created(&m->units[i]) ? &m->units[i] : NULL;
	if (!first)
		return NULL;
	before_create(m, after, &needs);
	struct step *s = exec_step(
		m, "create containers", NULL, first->service->place, CREATE_MS, "%s", whys(m));
	compose_words(m, s, true);
	step_words(m, s, (const char *const[]){ "up", "--no-start", "--no-build", NULL });
	if (forced(m))
		step_word(m, s, "--force-recreate");
	for (size_t i = 0; i < m->p->services.count; i++) {
		if (created(&m->units[i]))
			step_word(m, s, m->units[i].service->name);
	}
	for (size_t i = 0; i < needs.count; i++)
		plan_need(m->plan, s, needs.items[i]);
	replaced(m, s);
	return s;
}

/* A container that was ready once had its dependencies. */
static bool needs_install(const struct make *m, const struct unit *u)
{
	const struct unit_record *r = world_record(m->w, u->service->name);
	const struct container *c = own_container(m, u);
	if (u->fate == FATE_START)
		return !r || !c || !r->ready_at || !streq(r->container, c->id);
	return u->fate == FATE_CREATE;
}

/* Dependencies are filled beside the making of containers; only their own start waits for them. */
static void plan_installs(struct make *m, struct step *after)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (!u->shared.count || !needs_install(m, u))
			continue;
		u->install = plan_install(m, u);
		plan_need(m->plan, u->install, after);
		plan_need(m->plan, u->install, build_step(m, u->rung));
		plan_need(m->plan, u->install, m->mount_points);
		for (size_t k = 0; k < u->shared.count; k++)
			plan_need(m->plan, u->install,
				plan_find(m->plan, STEP_EXEC, u->shared.items[k].name));
	}
}

static void plan_start(struct make *m, struct unit *u, struct step *create, struct step *after)
{
	const struct service *s = u->service;
	const struct container *c = own_container(m, u);
	struct step *stop = NULL;
	bool stale = c && c->state == UNIT_RUNNING && stale_mount(m, u, c);
	if (u->fate == FATE_START && c && (c->state == UNIT_PAUSED || stale)) {
		stop = plan_add(m->plan, STEP_STOP, s->name, s->place, "%s",
			stale ? u->why : "it is paused");
		stop->service = s;
		plan_need(m->plan, stop, after);
	}
	u->start = plan_add(m->plan, STEP_START, s->name, s->place, "%s", u->why);
	u->start->service = s;
	plan_need(m->plan, u->start, after);
	plan_need(m->plan, u->start, stop);
	plan_need(m->plan, u->start, m->mount_points);
	plan_need(m->plan, u->start, u->fate == FATE_CREATE ? create : NULL);
	plan_need(m->plan, u->start, u->install);
	for (size_t i = 0; i < u->displaced.count; i++)
		plan_need(m->plan, u->start, u->displaced.items[i]);
	plan_need(m->plan, u->start, plan_first_stages(m, u, create, after));
	await_needs(m, u->start, s);
}

static void plan_ready(struct make *m, struct unit *u, struct step *after)
{
	const struct service *s = u->service;
	u->ready = plan_add(m->plan, STEP_READY, s->name,
		s->check.place.file ? s->check.place : s->place, "%s",
		u->start ? "started" : u->why);
	u->ready->service = s;
	u->ready->timeout_ms = s->check.deadline_ms;
	plan_need(m->plan, u->ready, u->start ? u->start : after);
}

static void plan_units(struct make *m, struct step *create, struct step *after)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		bool works = u->fate != FATE_KEEP && u->service->replicas;
		if (works && u->fate != FATE_READY && u->hosted)
			plan_host_start(m, u, after);
		else if (works && u->fate != FATE_READY)
			plan_start(m, u, create, after);
		if (works)
			plan_ready(m, u, after);
		pass_gates(m, u);
	}
}

/* All that was planned so far comes before the hooks that end a run. */
static void plan_end(struct make *m)
{
	size_t count = m->plan->steps.count, first = count;
	plan_hooks(m, "post-up", NULL);
	if (m->plan->steps.count == first)
		return;
	for (size_t i = 0; i < count; i++)
		plan_need(m->plan, m->plan->steps.items[first], m->plan->steps.items[i]);
}

void plan_up(struct make *m)
{
	decide(m);
	if (!any_work(m) && !any_orphan(m))
		return;
	struct step *write = plan_write(m, "the complete set, before anything is started");
	struct step *after = plan_hooks(m, "pre-up", write);
	plan_orphans(m);
	plan_mount_points(m);
	struct step *create = plan_create(m, after);
	plan_installs(m, after);
	plan_units(m, create, after);
	plan_followers(m);
	plan_end(m);
}

static bool is_down(const struct make *m, const struct unit *u)
{
	const struct container *c = own_container(m, u);
	return u->asked && u->service->develop && !(c && c->state == UNIT_RUNNING);
}

void plan_prepare(struct make *m)
{
	struct step_list needs = { 0 };
	bool any = false;
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (!is_down(m, u))
			continue;
		any = true;
		u->fate = u->hosted ? FATE_KEEP : FATE_CREATE;
		u->why = "a stage of it is run in a container of its own";
		if (u->rung)
			m->rungs[u->rung - m->rungs].wanted = true;
	}
	if (!any)
		return;
	struct step *write = plan_write(m, "the complete set, before any stage is run");
	plan_mount_points(m);
	before_create(m, write, &needs);
	plan_installs(m, write);
}

void plan_build(struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct unit *u = &m->units[i];
		if (u->chosen && u->rung)
			m->rungs[u->rung - m->rungs].wanted = true;
	}
	plan_images(m, NULL);
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		const struct container *c = own_container(m, u);
		bool current = c && streq(c->hash, u->digest) && !m->req->build;
		if (!u->chosen || u->hosted || u->rung || !u->service->build || current)
			continue;
		u->why = c ? "its context or configuration may have changed" : "container absent";
		struct step *write = plan_find(m->plan, STEP_WRITE, NULL);
		compose_build(m, u, write ? write : plan_write(m, "for docker compose build"));
	}
}

void plan_generate(struct make *m)
{
	plan_write(m, "the complete set");
}
