/*
 * Data volumes of the workspace and their users. Comes in: names. Goes out: what there is, users
 * stopped and started again. Does not look into volumes.
 */
#include "cmd/data.h"

#include <string.h>

#include "cmd/lifecycle.h"
#include "run/engine/call.h"
#include "run/data/volume_map.h"

struct volume_desk data_desk(struct context *c)
{
	return (struct volume_desk){
		.engine = c->engine,
		.loop = c->loop,
		.workspace = c->project.workspace,
		.root = c->project.dir,
	};
}

/* Half-written volumes, carriers and drafts of runs that were killed. */
int data_tidy(struct context *c)
{
	struct volume_desk d = data_desk(c);
	const char *store = snapshots_dir(&c->arena, &c->places, c->project.name);
	size_t leaving = c->world.leaving.count;
	if (volume_tidy(&d, &c->error) || snapshots_sweep(store, &c->error))
		return fail(c);
	data_drop_leaving(c);
	if (c->world.leaving.count != leaving && volume_map_save(&c->places, &c->world, &c->error))
		return fail(c);
	return engine_volumes(c->engine, &c->arena, c->project.workspace, &c->world, &c->error)
		       ? fail(c)
		       : 0;
}

/*
 * Data of another branch still serve: what is asked for would go to the branch that is checked out,
 * and be seen by nobody.
 */
static int check_branch(struct context *c)
{
	const char *user = NULL;
	for (size_t i = 0; c->branches_switch && i < c->project.services.count; i++) {
		const struct service *s = &c->project.services.items[i];
		const struct container *k = world_container(&c->world, s->name);
		for (size_t m = 0; k && k->state == UNIT_RUNNING && m < s->mounts.count; m++) {
			const char *key = s->mounts.items[m].source;
			const struct volume *v = key ? project_volume(&c->project, key) : NULL;
			user = v && v->per_branch ? s->name : user;
		}
	}
	if (!user)
		return 0;
	err_set(&c->error, ERR_FAILED,
		"the branch is %s now, but %s still has the data of another one",
		c->world.checkout.branch, user);
	err_hint(&c->error, "`devenv up -d %s` switches first", user);
	return fail(c);
}

int data_open(struct context *c, const struct strs *services, bool up)
{
	struct prepare p = {
		.request = { .goal = up ? GOAL_UP : GOAL_STOP,
			.services = *services,
			.no_deps = true,
			.timeout_ms = -1 },
		.engine = true,
		.write = up,
	};
	int status = take_lock(c);
	status = status ? status : prepare(c, &p);
	status = status ? status : need_engine(c);
	status = status || !up ? status : check_branch(c);
	if (!c->loop)
		c->loop = loop_new();
	return status ? status : data_tidy(c);
}

static const char *template_of(const struct context *c, const struct volume *v)
{
	for (size_t i = 0; i < c->project.services.count; i++) {
		const struct service *s = &c->project.services.items[i];
		for (size_t k = 0; k < s->mounts.count; k++)
			if (s->mounts.items[k].kind == MOUNT_VOLUME && s->template &&
				streq(s->mounts.items[k].source, v->name))
				return s->template;
	}
	return NULL;
}

static int add(struct context *c, const struct volume *v, struct data_volumes *out)
{
	struct volume_seen seen;
	struct data_volume d = {
		.volume = v,
		.engine = plan_volume_name(&c->arena, &c->project, &c->world, v),
		.template = template_of(c, v),
	};
	if (volume_look(c->engine, &c->arena, d.engine, &seen, &c->error))
		return fail(c);
	d.exists = seen.exists;
	d.fixed = seen.fixed || node_get(node_get(v->node, "driver_opts"), "device");
	*list_push(&c->arena, out) = d;
	return 0;
}

static int unknown(struct context *c, const char *name)
{
	struct strs all = { 0 };
	for (size_t i = 0; i < c->project.volumes.count; i++)
		if (!c->project.volumes.items[i].external)
			strs_add(&c->arena, &all, c->project.volumes.items[i].name);
	const char *near = nearest_name(name, all.items, all.count);
	err_set(&c->error, ERR_USAGE, "there is no volume \"%s\" in this project", name);
	if (near)
		err_hint(&c->error, "did you mean %s?", near);
	else if (all.count)
		err_hint(&c->error, "its volumes are: %s", strs_join(&c->arena, &all, ", "));
	return fail(c);
}

static int add_named(struct context *c, const char *name, struct data_volumes *out)
{
	const struct volume *v = project_volume(&c->project, name);
	for (size_t i = 0; i < out->count; i++)
		if (out->items[i].volume == v && v)
			return 0;
	if (v && v->external) {
		err_set(&c->error, ERR_USAGE, "volume %s is external: it is not this project's",
			name);
		c->error.place = v->place;
		return fail(c);
	}
	return v ? add(c, v, out) : unknown(c, name);
}

int data_named(struct context *c, const struct strs *names, struct data_volumes *out)
{
	int status = 0;
	for (size_t i = 0; !status && i < names->count; i++)
		status = add_named(c, names->items[i], out);
	for (size_t i = 0; !status && !names->count && i < c->project.volumes.count; i++) {
		const struct volume *v = &c->project.volumes.items[i];
		if (v->kind == VOLUME_DATA && !v->external)
			status = add(c, v, out);
	}
	return status;
}

static bool mounts(const struct service *s, const struct volume *v)
{
	for (size_t k = 0; k < s->mounts.count; k++)
		if (s->mounts.items[k].kind == MOUNT_VOLUME &&
			streq(s->mounts.items[k].source, v->name))
			return true;
	return false;
}

int data_of_services(struct context *c, const struct strs *services, struct data_volumes *out)
{
	struct data_volumes all = { 0 };
	int status = data_named(c, &(struct strs){ 0 }, &all);
	for (size_t i = 0; !status && i < all.count; i++) {
		bool used = false;
		for (size_t k = 0; k < services->count && !used; k++) {
			const struct service *s = project_service(&c->project, services->items[k]);
			used = s && mounts(s, all.items[i].volume);
		}
		if (used)
			*list_push(&c->arena, out) = all.items[i];
	}
	return status;
}

static bool is_up(const struct container *k)
{
	return k->state == UNIT_RUNNING || k->state == UNIT_STARTING ||
	       k->state == UNIT_RESTARTING || k->state == UNIT_PAUSED;
}

static int note_user(struct context *c, const struct data_volume *v, const struct container *k,
	struct strs *stopped)
{
	if (!is_up(k))
		return 0;
	if (!streq(k->workspace, c->project.workspace) || k->one_off ||
		!project_service(&c->project, k->service)) {
		err_set(&c->error, ERR_FAILED, "container %s uses volume %s, too",
			k->name ? k->name : k->id, v->volume->name);
		err_hint(&c->error, "stop it first");
		return fail(c);
	}
	if (!strs_has(stopped, k->service))
		strs_add(&c->arena, stopped, k->service);
	return 0;
}

static int find_users(struct context *c, const struct data_volumes *v, struct strs *stopped)
{
	for (size_t i = 0; i < v->count; i++) {
		struct world w = { .now = 0 };
		if (v->items[i].exists &&
			volume_users(c->engine, &c->arena, v->items[i].engine, &w, &c->error))
			return fail(c);
		for (size_t k = 0; k < w.containers.count; k++) {
			int status = note_user(c, &v->items[i], &w.containers.items[k], stopped);
			if (status)
				return status;
		}
	}
	return 0;
}

static int go(struct context *c, enum goal goal, const struct strs *services)
{
	struct plan_request r = {
		.goal = goal, .services = *services, .no_deps = true, .timeout_ms = -1
	};
	if (!services->count)
		return 0;
	int status = look_again(c);
	status = status ? status : make_plan(c, &r);
	return !status && c->plan.steps.count ? carry_out(c) : status;
}

static bool has_ended(const struct context *c, const char *service)
{
	const struct container *k = world_container(&c->world, service);
	return !k || !is_up(k);
}

/* Those whom an earlier one left stopped are brought back with ours. */
static void add_halted(struct context *c, struct strs *stopped)
{
	const struct strs *l = &c->world.halted.services;
	for (size_t i = 0; i < l->count; i++)
		if (project_service(&c->project, l->items[i]) && !strs_has(stopped, l->items[i]))
			strs_add(&c->arena, stopped, l->items[i]);
}

static int note_halted(struct context *c, const struct strs *stopped, const char *by)
{
	c->world.halted = (struct halted){ .by = by };
	for (size_t i = 0; i < stopped->count; i++)
		strs_add(&c->arena, &c->world.halted.services, stopped->items[i]);
	return volume_map_save(&c->places, &c->world, &c->error) ? fail(c) : 0;
}

int data_stop_users(
	struct context *c, const struct data_volumes *v, const char *by, struct strs *stopped)
{
	int status = find_users(c, v, stopped);
	if (!status)
		add_halted(c, stopped);
	if (status || !stopped->count)
		return status;
	status = note_halted(c, stopped, by);
	return status ? status : go(c, GOAL_STOP, stopped);
}

const char *data_names(struct context *c, const struct data_volumes *v)
{
	struct strs names = { 0 };
	for (size_t i = 0; i < v->count; i++)
		strs_add(&c->arena, &names, v->items[i].volume->name);
	return strs_join(&c->arena, &names, ", ");
}

int data_start_users(struct context *c, const struct strs *stopped)
{
	if (!stopped->count)
		return 0;
	if (c->loop)
		loop_rearm(c->loop); /* what ended the rest does not leave them stopped */
	int status = go(c, GOAL_RESTART, stopped);
	return status ? status : data_resumed(c, stopped);
}

int data_resumed(struct context *c, const struct strs *services)
{
	struct strs *l = &c->world.halted.services;
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++)
		if (services->count && !strs_has(services, l->items[i]) &&
			has_ended(c, l->items[i]))
			l->items[kept++] = l->items[i];
	if (kept == l->count)
		return 0;
	l->count = kept;
	return volume_map_save(&c->places, &c->world, &c->error) ? fail(c) : 0;
}
