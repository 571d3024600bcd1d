/*
 * From what is there to what is configured: write, build, install, create, start in order of
 * dependency, wait until ready. Comes in: units with their fates. Goes out: steps; none when all is
 * as it should be.
 */
#include "parts.h"

static bool any_work(const struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		if (m->units[i].fate != FATE_KEEP || loads_any(m, &m->units[i]))
			return true;
	}
	return false;
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
void plan_installs(struct make *m, struct step *after)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (!u->shared.count || !needs_install(m, u))
			continue;
		u->install = plan_install(m, u);
		plan_need(m->plan, u->install, after);
		plan_need(m->plan, u->install, u->built ? u->built : build_step(m, u->rung));
		plan_need(m->plan, u->install, m->mount_points);
		for (size_t k = 0; k < u->shared.count; k++)
			plan_need(m->plan, u->install,
				plan_find(m->plan, STEP_EXEC, u->shared.items[k].name));
	}
}

/* What runs now serves until the gates have passed. */
static struct step *stop_before(
	struct make *m, const struct unit *u, struct step *gate, struct step *after)
{
	const struct service *s = u->service;
	const struct container *c = own_container(m, u);
	bool stale = c && c->state == UNIT_RUNNING && stale_mount(m, u, c);
	if (u->fate != FATE_START || !c || (c->state != UNIT_PAUSED && !stale))
		return NULL;
	struct step *stop = plan_add(
		m->plan, STEP_STOP, s->name, s->place, "%s", stale ? u->why : "it is paused");
	stop->service = s;
	plan_need(m->plan, stop, after);
	plan_need(m->plan, stop, gate);
	return stop;
}

static void plan_start(struct make *m, struct unit *u, struct step *after)
{
	const struct service *s = u->service;
	struct step *gate = plan_first_stages(m, u, after);
	struct step *stop = stop_before(m, u, gate, after);
	struct step *create = u->fate == FATE_CREATE ? m->create : NULL;
	if (u->guarded)
		create = plan_create_guarded(m, u, gate, after);
	plan_displaced(m, u, gate);
	u->start = plan_add(m->plan, STEP_START, s->name, s->place, "%s", u->why);
	u->start->service = s;
	if (u->rolled)
		plan_replacement(m, u->start, u);
	plan_need(m->plan, u->start, after);
	plan_need(m->plan, u->start, stop);
	plan_need(m->plan, u->start, m->mount_points);
	plan_need(m->plan, u->start, create);
	plan_need(m->plan, u->start, u->install);
	for (size_t i = 0; i < u->displaced.count; i++)
		plan_need(m->plan, u->start, u->displaced.items[i]);
	plan_need(m->plan, u->start, gate);
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

bool is_started(const struct unit *u)
{
	return u->service->replicas && (u->fate == FATE_START || u->fate == FATE_CREATE);
}

static void plan_units(struct make *m, struct step *after)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		bool works = u->fate != FATE_KEEP && u->service->replicas;
		if (is_started(u) && u->hosted)
			plan_host_start(m, u, after);
		else if (is_started(u))
			plan_start(m, u, after);
		if (works)
			plan_ready(m, u, after);
		plan_loads(m, u);
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
	note_branches(m);
	if (!any_work(m) && !any_orphan(m))
		return;
	struct step *write = plan_write(m, "the complete set, before anything is started");
	struct step *after = plan_hooks(m, "pre-up", write);
	plan_orphans(m);
	plan_mount_points(m);
	plan_create(m, after);
	note_renamed(m);
	plan_installs(m, after);
	plan_units(m, after);
	plan_followers(m);
	plan_end(m);
}

static void want(struct make *m, const struct image *i)
{
	struct rung *r = rung_of(m, i);
	if (r && r->tag)
		r->wanted = true;
	else if (i)
		complain(m, i->place, "nothing stands on image %s: there is no reason to build it",
			i->name);
}

/* Hooks belong to what starts; jobs are no part of it either. */
void plan_made(struct make *m)
{
	decide(m);
	if (!any_work(m))
		return;
	struct step *write = plan_write(m, "the complete set, before anything is made");
	plan_mount_points(m);
	plan_create(m, write);
	plan_installs(m, write);
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (u->hosted && u->fate == FATE_START)
			u->install = plan_host_install(m, u, write);
	}
}

void plan_build(struct make *m)
{
	for (size_t i = 0; i < m->req->images.count; i++)
		want(m, project_image(m->p, m->req->images.items[i]));
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (u->chosen)
			want_image(m, u);
	}
	plan_images(m, NULL);
	names_note(m);
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		const struct container *c = own_container(m, u);
		bool current = c && streq(c->hash, u->digest) && !m->req->build;
		if (!u->chosen || u->hosted || u->rung || !u->service->build || current)
			continue;
		u->why = c ? "its context or configuration may have changed" : "container absent";
		struct step *write = plan_find(m->plan, STEP_WRITE, NULL);
		plan_compose_build(m, u, write ? write : plan_write(m, "for docker compose build"));
	}
}

void plan_generate(struct make *m)
{
	plan_write(m, "the complete set");
}
