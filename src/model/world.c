/*
 * Look-ups in the world as it was seen.
 */
#include "model/world.h"

static const char *const state_names[] = {
	[UNIT_ABSENT] = "absent",
	[UNIT_CREATED] = "created",
	[UNIT_STARTING] = "starting",
	[UNIT_RUNNING] = "running",
	[UNIT_RESTARTING] = "restarting",
	[UNIT_PAUSED] = "paused",
	[UNIT_REMOVING] = "removing",
	[UNIT_EXITED] = "exited",
	[UNIT_DEAD] = "dead",
};

const char *unit_state_name(enum unit_state s)
{
	if ((size_t)s >= countof(state_names))
		bug("no such state of a unit: %d", (int)s);
	return state_names[s];
}

const struct container *world_container(const struct world *w, const char *service)
{
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *c = &w->containers.items[i];
		if (c->number == 1 && !c->one_off && streq(c->service, service))
			return c;
	}
	return NULL;
}

const struct allocation *world_allocation(
	const struct world *w, const char *service, int target, const char *protocol)
{
	for (size_t i = 0; i < w->allocations.count; i++) {
		const struct allocation *a = &w->allocations.items[i];
		if (a->target == target && streq(a->service, service) &&
			streq(a->protocol, protocol))
			return a;
	}
	return NULL;
}

const struct seen_secret *world_secret(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->secrets.count; i++) {
		if (streq(w->secrets.items[i].name, name))
			return &w->secrets.items[i];
	}
	return NULL;
}

struct volume_mark *volume_mark_find(
	const struct volume_marks *list, const char *volume, const char *secret)
{
	for (size_t i = 0; i < list->count; i++) {
		struct volume_mark *m = &list->items[i];
		if (streq(m->volume, volume) && streq(m->secret, secret))
			return m;
	}
	return NULL;
}

const struct unit_record *world_record(const struct world *w, const char *service)
{
	for (size_t i = 0; i < w->records.count; i++) {
		if (streq(w->records.items[i].service, service))
			return &w->records.items[i];
	}
	return NULL;
}

const struct unfilled *world_unfilled(const struct world *w, const char *volume)
{
	for (size_t i = 0; i < w->unfilled.count; i++)
		if (streq(w->unfilled.items[i].volume, volume))
			return &w->unfilled.items[i];
	return NULL;
}

const struct volume_record *world_volume(const struct world *w, const char *key)
{
	for (size_t i = 0; i < w->volume_map.count; i++) {
		const struct volume_record *r = &w->volume_map.items[i];
		if (r->serves && streq(r->key, key))
			return r;
	}
	return NULL;
}

/* The engine tells uptimes in words: so much may be missing in the number made of them. */
static int64_t uptime_slack(int64_t seconds)
{
	static const struct {
		int64_t up_to, slack;
	} steps[] = { { 60, 2 }, { 3600, 61 }, { 48 * 3600, 3700 }, { 14 * 86400, 86400 },
		{ 90 * 86400, 8 * 86400 } };
	for (size_t i = 0; i < countof(steps); i++) {
		if (seconds < steps[i].up_to)
			return steps[i].slack;
	}
	return 366 * 86400LL;
}

bool world_seen_ready(const struct world *w, const struct container *c)
{
	const struct unit_record *r = world_record(w, c->service);
	if (!r || !r->ready_at || !streq(r->container, c->id) || c->health == HEALTH_UNHEALTHY)
		return false;
	return c->uptime_s < 0 || w->now - c->uptime_s - uptime_slack(c->uptime_s) <= r->ready_at;
}

const char *world_input(const struct world *w, const char *path)
{
	return map_get(&w->inputs, path);
}

const struct seen_image *world_image(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->images.count; i++)
		if (streq(w->images.items[i].name, name))
			return &w->images.items[i];
	return NULL;
}

bool world_has_image(const struct world *w, const char *name)
{
	const struct seen_image *seen = world_image(w, name);
	return seen && seen->id;
}

void world_note_image(struct arena *a, struct world *w, const struct seen_image *seen)
{
	struct seen_image *known = (struct seen_image *)world_image(w, seen->name);
	*(known ? known : list_push(a, &w->images)) = *seen;
}
