/*
 * From one volume of the engine to another: the map is written, the users are made anew, and what
 * served before goes only once they are ready. Comes in: volumes with their next. Goes out: the new
 * or the old one serves, never neither.
 */
#include "cmd/data.h"
#include "cmd/lifecycle.h"
#include "run/data/volume_map.h"

static int save_map(struct context *c)
{
	return volume_map_save(&c->places, &c->world, &c->error) ? fail(c) : 0;
}

static void stays(struct context *c, const char *engine)
{
	struct strs *l = &c->world.leaving;
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++)
		if (!streq(l->items[i], engine))
			l->items[kept++] = l->items[i];
	l->count = kept;
}

static void leaves(struct context *c, const char *engine)
{
	if (!strs_has(&c->world.leaving, engine))
		strs_add(&c->arena, &c->world.leaving, engine);
}

/* Known before it is made: what is half-made then is found by its name. */
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
		leaves(c, d->next);
	}
	return c->g.dry_run ? 0 : save_map(c);
}

static struct volume_record *record_of(struct context *c, const struct data_volume *d)
{
	const struct volume_record *now = world_volume(&c->world, d->volume->name);
	return volume_map_at(&c->arena, &c->world, d->volume->name, now ? now->branch : NULL);
}

/* Whose container was not made anew yet keeps it in use: the next one that tidies tries again. */
void data_drop_leaving(struct context *c)
{
	struct strs *l = &c->world.leaving;
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++) {
		struct err in_use = ERR_INIT;
		if (engine_remove_volume(c->engine, l->items[i], &in_use))
			l->items[kept++] = l->items[i];
	}
	l->count = kept;
}

int data_switch(struct context *c, const struct data_volumes *v)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct data_volume *d = &v->items[i];
		struct volume_record *r = record_of(c, d);
		if (r->before)
			leaves(c, r->before);
		stays(c, d->next);
		r->engine = d->next;
		r->before = d->exists ? d->engine : NULL;
		volume_map_serve(&c->world, r);
	}
	return save_map(c);
}

int data_switch_back(struct context *c, const struct data_volumes *v)
{
	for (size_t i = 0; i < v->count; i++) {
		struct volume_record *r = record_of(c, &v->items[i]);
		leaves(c, v->items[i].next);
		r->engine = v->items[i].engine;
		r->before = NULL;
		r->serves =
			false; /* where its name says the same, nothing needs to be remembered */
		r->serves = !streq(r->engine,
			plan_volume_name(&c->arena, &c->project, &c->world, v->items[i].volume));
	}
	return save_map(c);
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
	return changed ? save_map(c) : 0;
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
	status = !status && c->plan.steps.count ? carry_out(c) : status;
	return status ? status : data_resumed(c, services);
}

/* The first failure is what is told; the way back has its own words where it fails, too. */
static int go_back(
	struct context *c, const struct data_volumes *v, const struct strs *services, int status)
{
	note(c, "It did not become ready with the new data: back to the old.");
	loop_rearm(c->loop);
	int back = data_switch_back(c, v);
	back = back ? back : bring_up(c, services);
	if (!back)
		data_drop_leaving(c);
	return status;
}

static bool needs_any(const struct service *s, const struct strs *names)
{
	for (size_t i = 0; i < s->needs.count; i++)
		if (strs_has(names, s->needs.items[i].service->name))
			return true;
	return false;
}

/* The jobs, too, that prepared what was there: a schema, the first rows. */
static struct strs with_jobs(struct context *c, const struct strs *users)
{
	struct strs all = { 0 };
	for (size_t i = 0; i < users->count; i++)
		strs_add(&c->arena, &all, users->items[i]);
	for (size_t i = 0; i < c->project.services.count; i++) {
		const struct service *s = &c->project.services.items[i];
		if (s->kind == KIND_JOB && world_container(&c->world, s->name) &&
			needs_any(s, users) && !strs_has(users, s->name))
			strs_add(&c->arena, &all, s->name);
	}
	return all;
}

int data_replace(
	struct context *c, const struct data_volumes *v, const char *reason, bool no_snapshot)
{
	struct strs stopped = { 0 };
	int status = data_stop_users(c, v, reason, &stopped);
	if (!status && !no_snapshot)
		status = data_safety(c, v, reason);
	status = status ? status : data_switch(c, v);
	if (status) {
		data_start_users(c, &stopped);
		return status;
	}
	struct strs anew = with_jobs(c, &stopped);
	status = bring_up(c, &anew);
	return status ? go_back(c, v, &stopped, status) : data_settle(c);
}
