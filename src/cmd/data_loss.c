/*
 * Before data goes for good. Comes in: what the engine has of the workspace, or a branch's volume.
 * Goes out: consent and snapshots, or an error and nothing is lost. Volumes that the configuration
 * does not know (any more) hold data as well as others.
 */
#include "cmd/data.h"
#include "cmd/lifecycle.h"

static const struct volume_record *record_of(const struct context *c, const char *engine)
{
	for (size_t i = 0; i < c->world.volume_map.count; i++)
		if (streq(c->world.volume_map.items[i].engine, engine))
			return &c->world.volume_map.items[i];
	return NULL;
}

/* Replaced: that was asked for, and a snapshot was kept then. */
static bool was_replaced(const struct context *c, const char *engine)
{
	for (size_t i = 0; i < c->world.volume_map.count; i++)
		if (streq(c->world.volume_map.items[i].before, engine))
			return true;
	return false;
}

static const struct volume *made_up(struct context *c, const char *key)
{
	struct volume *v = arena_alloc(&c->arena, sizeof(*v));
	*v = (struct volume){ .name = key, .kind = VOLUME_DATA };
	return v;
}

/* One that serves nothing: of another branch, of an earlier configuration, of a forgotten state. */
static int add_other(struct context *c, const char *engine, struct data_volumes *out)
{
	const struct volume_record *r = record_of(c, engine);
	struct volume_seen seen;
	if (volume_look(c->engine, &c->arena, engine, &seen, &c->error))
		return fail(c);
	const char *key = r ? r->key : seen.key ? seen.key : engine;
	const struct volume *v = project_volume(&c->project, key);
	bool data = !seen.kind || streq(seen.kind, "data");
	if (seen.exists && data)
		*list_push(&c->arena, out) = (struct data_volume){
			.volume = v ? v : made_up(c, key), .engine = engine, .exists = true
		};
	return 0;
}

static bool has(const struct data_volumes *v, const char *engine)
{
	for (size_t i = 0; i < v->count; i++)
		if (streq(v->items[i].engine, engine))
			return true;
	return false;
}

/* What the plan drops: what serves, of kind data, and others. */
static int find_lost(struct context *c, struct data_volumes *serving, struct data_volumes *others)
{
	struct data_volumes all = { 0 };
	int status = data_named(c, &(struct strs){ 0 }, &all);
	for (size_t i = 0; i < all.count; i++)
		if (all.items[i].exists)
			*list_push(&c->arena, serving) = all.items[i];
	for (size_t i = 0; !status && i < c->plan.steps.count; i++) {
		const struct step *s = c->plan.steps.items[i];
		if (s->kind == STEP_DROP_VOLUME && !has(serving, s->unit) &&
			!was_replaced(c, s->unit))
			status = add_other(c, s->unit, others);
	}
	return status;
}

static void add_names(struct context *c, const struct data_volumes *v, struct strs *names)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct volume_record *r = record_of(c, v->items[i].engine);
		const char *name = v->items[i].volume->name;
		name = r && r->branch ? arena_printf(&c->arena, "%s (branch %s)", name, r->branch)
				      : name;
		if (!strs_has(names, name))
			strs_add(&c->arena, names, name);
	}
}

static int ask(struct context *c, const struct data_volumes *serving,
	const struct data_volumes *others, bool no_snapshot)
{
	struct strs names = { 0 };
	add_names(c, serving, &names);
	add_names(c, others, &names);
	return consent(c, arena_printf(&c->arena, "This removes the data of %s%s. Go on?",
				  strs_join(&c->arena, &names, ", "),
				  no_snapshot ? " for good" : "; a snapshot of it is kept"));
}

static int save_other(struct context *c, const struct data_volume *of, const char *reason)
{
	const struct volume_record *r = record_of(c, of->engine);
	struct data_volumes v = { .branch = r ? r->branch : NULL };
	*list_push(&c->arena, &v) = *of;
	return data_safety(c, &v, reason);
}

int data_save_other(struct context *c, const char *engine, const char *reason)
{
	struct data_volumes v = { 0 };
	int status = add_other(c, engine, &v);
	return status || !v.count ? status : save_other(c, &v.items[0], reason);
}

static int stop_all(struct context *c)
{
	struct plan_request stop = { .goal = GOAL_STOP, .timeout_ms = -1 };
	int status = make_plan(c, &stop);
	return !status && c->plan.steps.count ? carry_out(c) : status;
}

int data_before_loss(struct context *c, bool no_snapshot)
{
	struct data_volumes serving = { 0 }, others = { 0 };
	if (!c->engine)
		return 0;
	if (!c->loop)
		c->loop = loop_new();
	int status = data_tidy(c);
	status = status ? status : find_lost(c, &serving, &others);
	if (status || (!serving.count && !others.count))
		return status;
	status = ask(c, &serving, &others, no_snapshot);
	if (status || no_snapshot)
		return status;
	status = stop_all(c);
	for (size_t i = 0; !status && i < others.count; i++)
		status = save_other(c, &others.items[i], "down");
	return status ? status : data_safety(c, &serving, "down"); /* the latest */
}
