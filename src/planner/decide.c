/*
 * The fate of each chosen unit: what its containers are, against what is wanted. Comes in: units
 * with their digests, the world. Goes out: kept, awaited, started or made anew, each with its why.
 */
#include "parts.h"

struct seen {                          /* the containers of one service */
	const struct container *first; /* number 1, else any */
	int fitting;                   /* of those that are wanted: made from what is wanted now */
	int running, total;
};

static bool is_up(const struct container *c)
{
	return c->state == UNIT_RUNNING || c->state == UNIT_STARTING || c->state == UNIT_RESTARTING;
}

static bool usable(const struct container *c)
{
	return c->state != UNIT_DEAD && c->state != UNIT_REMOVING;
}

static struct seen look_at(const struct make *m, const struct unit *u)
{
	struct seen seen = { NULL, 0, 0, 0 };
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		if (c->one_off || c->host || !streq(c->service, u->service->name))
			continue;
		seen.total++;
		seen.running += is_up(c);
		seen.fitting += usable(c) && streq(c->hash, u->digest);
		if (!seen.first || c->number == 1)
			seen.first = c;
	}
	return seen;
}

/* Its namespaces go with the container that they belong to. */
static const char *why_homeless(struct make *m, const struct unit *u)
{
	for (size_t i = 0; i < u->service->needs.count; i++) {
		const struct unit *host = unit_of(m, u->service->needs.items[i].service);
		if (host->fate == FATE_CREATE && lives_in(u->service, host->service))
			return arena_printf(m->a, "it shares namespaces of %s, which is made anew",
				host->service->name);
	}
	return NULL;
}

bool asked_anew(const struct make *m, const struct unit *u)
{
	bool all =
		m->req->goal == GOAL_RECREATE || m->req->recreate || m->p->up.recreate_containers;
	return all && u->asked;
}

bool made_anew(const struct unit *u)
{
	return u->fate == FATE_CREATE || u->anew;
}

const struct container *own_container(const struct make *m, const struct unit *u)
{
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		if (c->number == 1 && !c->one_off && streq(c->service, u->service->name) &&
			c->host == (u->service->where == RUN_HOST))
			return c;
	}
	return NULL;
}

static const char *why_create(struct make *m, const struct unit *u, const struct seen *seen)
{
	if (!seen->total)
		return u->service->replicas ? "container absent" : NULL;
	if (asked_anew(m, u))
		return "asked to be made anew";
	if (!usable(seen->first))
		return arena_printf(m->a, "container is %s", unit_state_name(seen->first->state));
	if (!streq(seen->first->hash, u->digest))
		return why_changed(m, u, seen->first);
	if (image_moved(m, u, seen->first)) {
		m->forced = true;
		return image_moved(m, u, seen->first);
	}
	if (seen->total != u->service->replicas)
		return arena_printf(
			m->a, "%d containers instead of %d", seen->total, u->service->replicas);
	return seen->fitting < seen->total ? "a copy differs" : NULL;
}

static const char *why_start(struct make *m, const struct container *c)
{
	if (c->state == UNIT_EXITED)
		return arena_printf(m->a, "it has stopped with status %d", c->exit_code);
	return arena_printf(m->a, "container is %s", unit_state_name(c->state));
}

static void decide_job(struct make *m, struct unit *u, const struct container *c)
{
	const struct unit_record *r = world_record(m->w, u->service->name);
	bool ended = c->state == UNIT_EXITED && c->exit_code == 0;
	if (is_up(c)) {
		u->fate = FATE_READY;
		u->why = "still at work";
	} else if (ended && r && streq(r->job_hash, u->digest)) {
		u->fate = FATE_KEEP;
	} else {
		u->fate = FATE_START;
		u->why = ended ? "its success was not seen" : why_start(m, c);
	}
}

const char *stale_mount(const struct make *m, const struct unit *u, const struct container *c)
{
	const struct unit_record *r = world_record(m->w, u->service->name);
	return r && streq(r->container, c->id) ? r->stale : NULL;
}

static void decide_service(
	struct make *m, struct unit *u, const struct container *c, const struct seen *seen)
{
	if (seen->running < seen->total) {
		u->fate = FATE_START;
		u->why = why_start(m, c);
	} else if (c->state == UNIT_RUNNING && stale_mount(m, u, c)) {
		u->fate = FATE_START;
		u->why = arena_printf(
			m->a, "%s was removed or replaced under it", stale_mount(m, u, c));
	} else if (c->state == UNIT_RESTARTING) {
		u->fate = FATE_READY;
		u->why = "restarting again and again";
	} else if (!world_seen_ready(m->w, c)) {
		u->fate = FATE_READY;
		u->why = c->health == HEALTH_UNHEALTHY ? "unhealthy" : "not seen ready yet";
	}
}

/* The copy that is down says why. */
static const struct container *worst(
	const struct make *m, const struct unit *u, const struct container *first)
{
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		bool down = !is_up(c) || c->state == UNIT_RESTARTING;
		if (!c->one_off && !c->host && streq(c->service, u->service->name) && down)
			return c;
	}
	return first;
}

/* What a job prepared may be gone with what was made anew. */
const char *why_again(struct make *m, const struct unit *u)
{
	for (size_t i = 0; u->service->kind == KIND_JOB && i < u->service->needs.count; i++) {
		const struct unit *needed = unit_of(m, u->service->needs.items[i].service);
		if (made_anew(needed) && needed->service->kind != KIND_JOB)
			return arena_printf(m->a, "%s is made anew", needed->service->name);
	}
	return NULL;
}

static void decide_unit(struct make *m, struct unit *u)
{
	struct seen seen = look_at(m, u);
	const char *homeless = why_homeless(m, u);
	u->why = homeless ? homeless : why_create(m, u, &seen);
	m->forced |= homeless != NULL;
	if (u->why) {
		u->fate = FATE_CREATE;
		return;
	}
	if (!seen.total)
		return;
	if (u->service->kind == KIND_JOB)
		decide_job(m, u, seen.first);
	else
		decide_service(m, u, worst(m, u, seen.first), &seen);
	const char *again = u->fate == FATE_KEEP ? why_again(m, u) : NULL;
	if (again) {
		u->fate = FATE_START;
		u->why = again;
	}
}

void decide(struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (u->chosen && u->service->where == RUN_CONTAINER)
			decide_unit(m, u);
		else if (u->chosen)
			decide_host(m, u);
		if (u->fate == FATE_CREATE)
			want_image(m, u);
	}
}
