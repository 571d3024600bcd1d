/*
 * From one volume of the engine to another: the map is written, the users are made anew, and what
 * served before goes only once they are ready. Comes in: volumes with their next. Goes out: the new
 * or the old one serves, never neither.
 */
#include "cmd/data.h"
#include "cmd/lifecycle.h"
#include "run/volume_map.h"

int data_name_next(struct context *c, struct data_volumes *v)
{
	for (size_t i = 0; i < v->count; i++) {
		struct data_volume *d = &v->items[i];
		if (d->fixed) {
			err_set(&c->error, ERR_FAILED,
				"the options of volume %s say where its data is: no other one can "
				"take its place",
				d->volume->name);
			c->error.place = d->volume->place;
			return fail(c);
		}
		if (volume_map_name(
			    &c->arena, c->project.workspace, d->volume->name, &d->next, &c->error))
			return fail(c);
	}
	return 0;
}

static struct volume_record *record_of(struct context *c, const struct data_volume *d)
{
	const struct volume_record *now = world_volume(&c->world, d->volume->name);
	return volume_map_at(&c->arena, &c->world, d->volume->name, now ? now->branch : NULL);
}

static void drop(struct context *c, const char *engine)
{
	struct err in_use = ERR_INIT; /* the next one that tidies finds it */
	engine_remove_volume(c->engine, engine, &in_use);
}

int data_switch(struct context *c, const struct data_volumes *v)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct data_volume *d = &v->items[i];
		struct volume_record *r = record_of(c, d);
		if (r->before)
			drop(c, r->before);
		r->engine = d->next;
		r->before = d->exists ? d->engine : NULL;
		volume_map_serve(&c->world, r);
	}
	return volume_map_save(&c->places, &c->world, &c->error) ? fail(c) : 0;
}

int data_switch_back(struct context *c, const struct data_volumes *v)
{
	for (size_t i = 0; i < v->count; i++) {
		struct volume_record *r = record_of(c, &v->items[i]);
		r->engine = v->items[i].engine;
		r->before = NULL;
		r->serves =
			false; /* where its name says the same, nothing needs to be remembered */
		r->serves = !streq(r->engine,
			plan_volume_name(&c->arena, &c->project, &c->world, v->items[i].volume));
	}
	return volume_map_save(&c->places, &c->world, &c->error) ? fail(c) : 0;
}

/* Somebody runs with the new one: `up` has awaited that it is ready. */
static bool is_served(struct context *c, const struct volume_record *r)
{
	struct world w = { .now = 0 };
	struct err unknown = ERR_INIT;
	if (volume_users(c->engine, &c->arena, r->engine, &w, &unknown))
		return false;
	for (size_t i = 0; i < w.containers.count; i++)
		if (w.containers.items[i].state == UNIT_RUNNING)
			return true;
	return false;
}

int data_settle(struct context *c)
{
	bool changed = false;
	for (size_t i = 0; c->engine && i < c->world.volume_map.count; i++) {
		struct volume_record *r = &c->world.volume_map.items[i];
		struct err in_use = ERR_INIT;
		if (!r->before || !r->serves || !is_served(c, r) ||
			engine_remove_volume(c->engine, r->before, &in_use))
			continue;
		r->before = NULL;
		changed = true;
	}
	return changed && volume_map_save(&c->places, &c->world, &c->error) ? fail(c) : 0;
}

/* What volumes there are is asked anew: one that is not there begins as `initial` says. */
static int bring_up(struct context *c, const struct strs *services)
{
	struct plan_request r = {
		.goal = GOAL_UP, .services = *services, .no_deps = true, .timeout_ms = -1
	};
	if (!services->count)
		return 0;
	if (engine_volumes(c->engine, &c->arena, c->project.workspace, &c->world, &c->error))
		return fail(c);
	int status = look_again(c);
	status = status ? status : make_plan(c, &r);
	return !status && c->plan.steps.count ? carry_out(c) : status;
}

/* The first failure is what is told; the way back has its own words where it fails, too. */
static int go_back(
	struct context *c, const struct data_volumes *v, const struct strs *services, int status)
{
	note(c, "It did not become ready with the new data: back to the old.");
	int back = data_switch_back(c, v);
	back = back ? back : bring_up(c, services);
	for (size_t i = 0; !back && i < v->count; i++)
		drop(c, v->items[i].next);
	return status;
}

int data_replace(
	struct context *c, const struct data_volumes *v, const char *reason, bool no_snapshot)
{
	struct strs stopped = { 0 };
	int status = data_stop_users(c, v, &stopped);
	int saved = status || no_snapshot ? 0 : data_safety(c, v, reason);
	if (status || saved) {
		data_start_users(c, &stopped);
		return status ? status : saved;
	}
	status = data_switch(c, v);
	if (status)
		return status;
	status = bring_up(c, &stopped);
	return status ? go_back(c, v, &stopped, status) : data_settle(c);
}
