/*
 * Data that a renamed volume leaves behind. Comes in: the engine's volumes, when they were asked
 * for. Goes out: a note beside the new, empty volume; nothing is moved or dropped by itself.
 */
#include "parts.h"

#include <string.h>

/* Restored, reset or of a branch: it has its name from the map. */
static bool is_mapped(const struct make *m, const char *volume)
{
	for (size_t i = 0; i < m->w->volume_map.count; i++) {
		const struct volume_record *r = &m->w->volume_map.items[i];
		if (streq(r->engine, volume) || streq(r->before, volume))
			return true;
	}
	return strs_has(&m->w->leaving, volume);
}

/* "data" of "data.7f3e21aa": restored, reset or of a branch, and the map is lost. */
static const char *forgotten(const struct make *m, const char *key)
{
	const char *dot = strrchr(key, '.');
	const char *base = dot ? arena_strndup(m->a, key, (size_t)(dot - key)) : NULL;
	return base && project_volume(m->p, base) && !project_volume(m->p, key) ? base : NULL;
}

/* Keys that the configuration had once. */
static struct strs left_behind(struct make *m)
{
	const char *prefix = arena_printf(m->a, "%s_", m->p->workspace);
	struct strs names = { 0 };
	for (size_t i = 0; i < m->w->volumes.count; i++) {
		const char *volume = m->w->volumes.items[i], *key = volume + strlen(prefix);
		if (starts_with(volume, prefix) && (!strchr(key, '.') || forgotten(m, key)) &&
			!project_volume(m->p, key) && !is_mapped(m, volume))
			strs_add(m->a, &names, key);
	}
	return names;
}

static bool is_mounted_anew(const struct make *m, const struct volume *v)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct unit *u = &m->units[i];
		for (size_t k = 0; u->fate == FATE_CREATE && k < u->service->mounts.count; k++) {
			const struct mount *mount = &u->service->mounts.items[k];
			if (mount->kind == MOUNT_VOLUME && streq(mount->source, v->name))
				return true;
		}
	}
	return false;
}

void note_renamed(struct make *m)
{
	struct strs old = { 0 }, fresh = { 0 };
	for (size_t i = 0; m->w->volumes_known && i < m->p->volumes.count; i++) {
		const struct volume *v = &m->p->volumes.items[i];
		bool there = strs_has(&m->w->volumes, plan_volume_name(m->a, m->p, m->w, v));
		if (v->kind == VOLUME_DATA && !v->external && !there && is_mounted_anew(m, v))
			strs_add(m->a, &fresh, v->name);
	}
	if (fresh.count)
		old = left_behind(m);
	for (size_t i = 0; i < old.count; i++) {
		const char *key = old.items[i], *base = forgotten(m, key);
		const char *to = base ? base : fresh.items[0];
		strs_add(m->a, &m->plan->notes,
			arena_printf(m->a,
				"%s, but its data is still there, while %s is new and empty: "
				"`devenv up --copy %s:%s` begins with a copy",
				base ? arena_printf(m->a,
					       "nothing remembers any more what volume %s is", key)
				     : arena_printf(m->a,
					       "the configuration has no volume %s any more", key),
				base ? base : strs_join(m->a, &fresh, ", "), key, to));
	}
}
