/*
 * Dumps that new volumes begin with: loaded by the service that mounts the volume, once it is ready
 * and before those who need it start. Comes in: volumes that the engine lacks, and those whose dump
 * an earlier run did not get to the end of. Goes out: steps, and which volumes are new.
 */
#include "parts.h"

enum { LOAD_MS = 6 * 60 * 60 * 1000 };

static const char *engine_name(const struct make *m, const struct volume *v)
{
	return plan_volume_name(m->a, m->p, m->w, v);
}

static bool begins_with_dump(const struct volume *v)
{
	return v && v->initial && v->dump && !v->external;
}

static bool unloaded(const struct make *m, const struct volume *v)
{
	const struct unfilled *f = world_unfilled(m->w, engine_name(m, v));
	return f && !f->from;
}

/* One that becomes a copy of another has that one's data. */
static bool is_new(const struct make *m, const struct volume *v)
{
	const struct unfilled *f = world_unfilled(m->w, engine_name(m, v));
	return m->w->volumes_known && !strs_has(&m->w->volumes, engine_name(m, v)) &&
	       (!f || !f->from);
}

static const struct volume *volume_of(const struct make *m, const struct mount *mount)
{
	bool named = mount->kind == MOUNT_VOLUME && mount->source;
	return named ? project_volume(m->p, mount->source) : NULL;
}

bool loads_any(const struct make *m, const struct unit *u)
{
	const struct service *s = u->service;
	for (size_t i = 0; u->chosen && s->load.command.count && i < s->mounts.count; i++) {
		const struct volume *v = volume_of(m, &s->mounts.items[i]);
		if (begins_with_dump(v) && unloaded(m, v))
			return true;
	}
	return false;
}

static void plan_load(struct make *m, struct unit *u, const struct volume *v, const char *why)
{
	const char *volume = engine_name(m, v);
	struct step *s = exec_step(m, arena_printf(m->a, "load %s", v->name), u->service->name,
		v->initial_place, LOAD_MS, "%s", why);
	s->self = true;
	for (size_t i = 0; i < m->req->self.count; i++)
		step_word(m, s, m->req->self.items[i]);
	step_words(m, s,
		(const char *const[]){ "__load", u->service->name, volume, v->initial, NULL });
	plan_need(m->plan, s, u->ready);
	*list_push(m->a, &u->loads) = s;
	if (is_new(m, v))
		strs_add(m->a, &m->plan->loads, volume);
}

void plan_loads(struct make *m, struct unit *u)
{
	const struct service *s = u->service;
	for (size_t i = 0; u->chosen && s->load.command.count && i < s->mounts.count; i++) {
		const struct volume *v = volume_of(m, &s->mounts.items[i]);
		if (!begins_with_dump(v))
			continue;
		if (is_new(m, v))
			plan_load(m, u, v, "the volume is new");
		else if (unloaded(m, v))
			plan_load(m, u, v, "its dump was not loaded to the end");
	}
}
