/*
 * Data that begin anew: `up --fresh`, `data: recreate`; and what a brand-new volume begins with.
 * Comes in: services. Goes out: their data is saved, and other volumes are to serve.
 */
#include <string.h>

#include "cmd/data.h"
#include "cmd/lifecycle.h"
#include "run/engine/call.h"

/* ---- initial ---- */

/* A dump is loaded by the service, once it is ready. */
static bool is_archive(const struct volume *v)
{
	return v->initial && !v->dump;
}

/* The folder of a snapshot, or an archive of anybody's. */
static int fill_from(struct context *c, const struct volume_desk *d, const struct data_volume *v,
	const char *path)
{
	struct tarball_facts facts;
	struct snapshot s;
	if (!dir_exists(path))
		return archive_fill(d, path, v->next, &facts, &c->error);
	if (snapshot_read(&c->arena, path, &s, &c->error))
		return -1;
	const struct snapshot_part *part = snapshot_part(&s, v->volume->name);
	if (!part && s.parts.count == 1)
		part = &s.parts.items[0];
	if (!part)
		return err_set(
			&c->error, ERR_FAILED, "%s holds no volume %s", path, v->volume->name);
	return snapshot_fill(d, &s, part, v->next, &c->error) || data_recall_marks(c, part, v->next)
		       ? -1
		       : 0;
}

static int fill_one(struct context *c, const struct data_volume *v)
{
	struct volume_desk d = data_desk(c);
	struct volume_spec spec = {
		.name = v->next, .key = v->volume->name, .kind = "data", .node = v->volume->node
	};
	struct err late = ERR_INIT;
	note(c, "Volume %s begins with %s.", v->volume->name, path_base(v->volume->initial));
	if (!volume_make(&d, &spec, &c->error) && !fill_from(c, &d, v, v->volume->initial))
		return 0;
	engine_remove_volume(c->engine, v->next, &late);
	err_wrap(&c->error, "volumes.%s.initial", v->volume->name);
	c->error.place = v->volume->initial_place;
	return fail(c);
}

int data_begin(struct context *c, const struct data_volumes *v)
{
	int status = 0;
	for (size_t i = 0; !status && i < v->count; i++)
		if (is_archive(v->items[i].volume))
			status = fill_one(c, &v->items[i]);
	return status;
}

/* A branch's data that is to be a copy of another branch's begins with that. */
static bool is_new(const struct context *c, const struct data_volume *v)
{
	const struct unfilled *u = world_unfilled(&c->world, v->engine);
	return !v->exists && is_archive(v->volume) && !(u && u->from);
}

struct strs data_chosen(struct context *c)
{
	struct strs names = { 0 };
	for (size_t i = 0; i < c->plan.chosen.count; i++)
		strs_add(&c->arena, &names, c->plan.chosen.items[i].service->name);
	return names;
}

static int plan_again(struct context *c, const struct plan_request *request)
{
	if (engine_volumes(c->engine, &c->arena, c->project.workspace, &c->world, &c->error))
		return fail(c);
	int status = look_again(c);
	status = status ? status : make_plan(c, request);
	return status ? status : check_marks(c);
}

static bool any_archive(const struct context *c)
{
	for (size_t i = 0; i < c->project.volumes.count; i++)
		if (is_archive(&c->project.volumes.items[i]))
			return true;
	return false;
}

int data_make_initial(struct context *c, const struct plan_request *request)
{
	struct data_volumes used = { 0 }, v = { 0 };
	if (!any_archive(c) || !c->engine || !c->plan.steps.count)
		return 0;
	struct strs services = data_chosen(c);
	int status = data_of_services(c, &services, &used);
	for (size_t i = 0; i < used.count; i++)
		if (is_new(c, &used.items[i]))
			*list_push(&c->arena, &v) = used.items[i];
	if (status || !v.count)
		return status;
	if (!c->loop)
		c->loop = loop_new();
	status = data_tidy(c);
	status = status ? status : data_name_next(c, &v);
	status = status ? status : data_begin(c, &v);
	status = status ? status : data_switch(c, &v);
	return status ? status : plan_again(c, request);
}

/* ---- fresh ---- */

static int renew(struct context *c, struct data_volumes *v, bool no_snapshot)
{
	struct strs stopped = { 0 };
	int status = data_tidy(c);
	status = status ? status : data_name_next(c, v);
	status = status ? status : data_begin(c, v);
	status = status ? status : data_stop_users(c, v, "up --fresh", &stopped);
	if (!status && !no_snapshot)
		status = data_safety(c, v, "fresh");
	if (status) {
		data_start_users(c, &stopped);
		return status;
	}
	return data_switch(c, v);
}

int data_make_fresh(
	struct context *c, const struct data_fresh *f, const struct plan_request *request)
{
	struct data_volumes used = { 0 }, v = { 0 };
	struct strs services = f->all ? data_chosen(c) : f->services;
	if (!services.count)
		return 0;
	int status = check_services(c, &services);
	status = status ? status : need_engine(c);
	status = status ? status : data_of_services(c, &services, &used);
	for (size_t i = 0; i < used.count; i++)
		if (used.items[i].exists)
			*list_push(&c->arena, &v) = used.items[i];
	if (status || !v.count)
		return status;
	if (!c->loop)
		c->loop = loop_new();
	status = consent(
		c, arena_printf(&c->arena, "This begins anew with empty volumes for %s%s. Go on?",
			   data_names(c, &v),
			   f->no_snapshot ? ", their data is lost for good"
					  : "; a snapshot of their data is kept"));
	status = status ? status : renew(c, &v, f->no_snapshot);
	return status ? status : plan_again(c, request);
}
