/*
 * What must be there before something is run in a container of its own, or on the host, beside the
 * service: files, images, dependencies. Comes in: the named services. Goes out: steps, short of the
 * run itself. A container that was ready as it should be now had all of it.
 */
#include "parts.h"

static bool is_down(const struct make *m, const struct unit *u)
{
	const struct container *c = own_container(m, u);
	return u->service->develop && !(c && c->state == UNIT_RUNNING);
}

static bool was_ready(const struct make *m, const struct unit *u)
{
	const struct container *c = own_container(m, u);
	const struct unit_record *r = world_record(m->w, u->service->name);
	return c && r && r->ready_at && streq(r->container, c->id) && streq(c->hash, u->digest);
}

static bool lacks(const struct make *m, const struct unit *u)
{
	return u->asked && (m->req->goal == GOAL_STAGES ? is_down(m, u) : !was_ready(m, u));
}

static bool decide_all(struct make *m)
{
	bool any = false;
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (u->asked && m->req->goal == GOAL_RUN)
			want_image(m, u); /* it may have been removed since */
		any |= lacks_release(m, u) ||
		       (u->wanted && u->rung &&
			       (!tag_known(m, u->image) || rung_moved(m, u->rung)));
		if (!lacks(m, u))
			continue;
		any = true;
		u->fate = u->hosted ? FATE_START : FATE_CREATE;
		u->why = "something is run beside it";
		want_image(m, u);
	}
	return any;
}

static void plan_host_installs(struct make *m, struct step *write)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (u->hosted && u->fate == FATE_START)
			u->install = plan_host_install(m, u, write);
	}
}

void plan_prepare(struct make *m)
{
	if (!decide_all(m))
		return;
	struct step *write = plan_write(m, "the complete set, before anything is run");
	plan_mount_points(m);
	plan_before_create(m, write);
	plan_installs(m, write);
	plan_host_installs(m, write);
}

/* A container that was ready once may have been made of images that are gone since. */
void plan_fetch(struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (u->asked)
			want_image(m, u);
		if (!u->asked || was_ready(m, u))
			continue;
		u->fate = u->hosted ? FATE_START : FATE_CREATE;
		u->why = "brought for later";
	}
	struct step *write = plan_write(m, "the complete set, before anything is run");
	plan_pulls(m);
	plan_mount_points(m);
	plan_before_create(m, write);
	plan_installs(m, write);
	plan_host_installs(m, write);
	names_note(m);
}
