/*
 * The data that a new branch begins with: one volume of the engine becomes a copy of another. `up`
 * asks for it as a step of its own, when nobody uses the original. What an earlier run left
 * half-way is dropped first.
 */
#include "cmd/commands.h"
#include "cmd/context.h"
#include "run/io/detach.h"
#include "run/data/initial.h"
#include "run/data/volume.h"

static const char *kind_of(const struct volume *v)
{
	static const char *const kinds[] = {
		[VOLUME_DATA] = "data", [VOLUME_CACHE] = "cache", [VOLUME_SCRATCH] = "scratch"
	};
	return kinds[v->kind];
}

static int copy(struct context *c, const struct volume *v, const char *from, const char *to)
{
	struct volume_desk desk = { .engine = c->engine,
		.loop = c->loop,
		.workspace = c->project.workspace,
		.root = c->project.dir };
	struct volume_spec spec = {
		.name = to, .key = v->name, .kind = kind_of(v), .node = v->node
	};
	struct volume_seen seen = { 0 };
	if (volume_tidy(&desk, &c->error) ||
		volume_look(c->engine, &c->arena, to, &seen, &c->error))
		return -1;
	if (seen.exists && engine_remove_volume(c->engine, to, &c->error))
		return -1;
	if (volume_make(&desk, &spec, &c->error) || volume_clone(&desk, from, to, &c->error))
		return -1;
	return initial_end(&c->places, to, &c->error);
}

static int run_copy(struct context *c, const void *opts, const struct strs *args)
{
	(void)opts;
	own_name();
	int status = open_places(c);
	status = status ? status : open_engine(c);
	if (status)
		return status;
	const struct volume *v = project_volume(&c->project, args->items[0]);
	if (!v || !world_unfilled(&c->world, args->items[2]))
		return fail_with(c, ERR_USAGE, "%s is not to be filled", args->items[2]);
	c->loop = loop_new();
	return copy(c, v, args->items[1], args->items[2]) ? fail(c) : 0;
}

const struct cmd cmd_copy_volume = {
	.name = "__copy",
	.args = "VOLUME FROM TO",
	.help = "make a branch's volume a copy of another",
	.min_args = 3,
	.max_args = 3,
	.run = run_copy,
};
