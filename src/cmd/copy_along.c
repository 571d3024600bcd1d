/*
 * `up --copy OLD:NEW`: a volume that the configuration calls otherwise now begins with a copy of
 * the data that it had under the old name. The copy is made under a name of its own, and serves
 * when it is whole: killed in between, the new volume is as if nothing had been asked. The old one
 * stays.
 */
#include <string.h>

#include "cmd/data.h"
#include "cmd/lifecycle.h"
#include "run/data/volume.h"

struct pair { /* of names */
	const char *old, *new;
};

static int read_pair(struct context *c, const char *text, struct pair *out)
{
	const char *colon = strchr(text, ':');
	if (!colon || colon == text || !colon[1])
		return fail_with(
			c, ERR_USAGE, "--copy wants OLD:NEW, two names of volumes, not %s", text);
	*out = (struct pair){ arena_strndup(&c->arena, text, (size_t)(colon - text)), colon + 1 };
	return 0;
}

static int check(struct context *c, const struct pair *p, const char *from, struct data_volumes *to)
{
	struct strs name = { 0 };
	strs_add(&c->arena, &name, p->new);
	int status = data_named(c, &name, to);
	if (status)
		return status;
	if (!strs_has(&c->world.volumes, from))
		return fail_with(
			c, ERR_FAILED, "there is no data of a volume %s (%s)", p->old, from);
	if (!to->items[0].exists)
		return 0;
	return consent(c,
		arena_printf(&c->arena,
			"Volume %s has data of its own. Let a copy of that of %s take its place?",
			p->new, p->old));
}

/* Nobody writes while it is copied. They are started again, or made anew, by what follows. */
static int stop_users(struct context *c, const char *volume)
{
	enum { GRACE_MS = 30 * 1000 };
	struct world users = { .now = 0 };
	if (volume_users(c->engine, &c->arena, volume, &users, &c->error))
		return fail(c);
	for (size_t i = 0; i < users.containers.count; i++) {
		const struct container *k = &users.containers.items[i];
		if (k->state != UNIT_RUNNING)
			continue;
		if (!streq(k->workspace, c->project.workspace))
			return fail_with(c, ERR_FAILED,
				"%s, which is not of this workspace, uses %s", k->name, volume);
		if (engine_stop(c->engine, k->id, GRACE_MS, &c->error))
			return fail(c);
	}
	return 0;
}

static int copy(struct context *c, const char *from, const struct data_volume *to)
{
	struct volume_desk desk = data_desk(c);
	struct volume_spec spec = {
		.name = to->next, .key = to->volume->name, .kind = "data", .node = to->volume->node
	};
	if (!volume_make(&desk, &spec, &c->error) &&
		!volume_clone(&desk, from, to->next, &c->error))
		return 0;
	struct err ignored = ERR_INIT;
	engine_remove_volume(c->engine, to->next, &ignored);
	return fail(c);
}

static int save(struct context *c, const struct data_volumes *to)
{
	struct strs stopped = { 0 };
	int status = data_stop_users(c, to, "up --copy", &stopped);
	return status ? status : data_safety(c, to, "copy");
}

static int copy_one(struct context *c, const char *text, bool no_snapshot)
{
	struct pair p = { NULL, NULL };
	struct data_volumes to = { 0 };
	int status = read_pair(c, text, &p);
	if (status)
		return status;
	const char *from = arena_printf(&c->arena, "%s_%s", c->project.workspace, p.old);
	status = check(c, &p, from, &to);
	status = status ? status : stop_users(c, from);
	status = status ? status : data_name_next(c, &to);
	status = status ? status : copy(c, from, &to.items[0]);
	if (!status && to.items[0].exists && !no_snapshot)
		status = save(c, &to);
	status = status ? status : data_switch(c, &to);
	if (!status)
		note(c, "Volume %s begins with a copy of the data of %s, which stays as %s.", p.new,
			p.old, from);
	return status;
}

int copy_along(
	struct context *c, const struct strs *pairs, bool no_snapshot, const struct plan_request *r)
{
	if (!pairs->count)
		return 0;
	if (!c->loop)
		c->loop = loop_new();
	int status = data_tidy(c);
	for (size_t i = 0; !status && i < pairs->count; i++)
		status = copy_one(c, pairs->items[i], no_snapshot);
	status = status ? status : look_again(c);
	return status ? status : make_plan(c, r);
}
