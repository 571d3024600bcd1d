/*
 * devenv.lock of the project that a command is about. Comes in: the folder of the configuration.
 * Goes out: its content in the world, or diagnostics with its lines. Decides nothing.
 */
#include "cmd/context.h"
#include "doc/yaml.h"
#include "planner/lock.h"
#include "run/engine/contents.h"

int load_lock(struct context *c)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = path_join(&c->arena, c->root, LOCK_FILE);
	struct lockfile *l = arena_new(&c->arena, struct lockfile);
	if (!file_exists(path))
		return 0;
	if (file_read(path, YAML_MAX_BYTES, &text, &c->error))
		return fail(c);
	if (lockfile_read(&c->arena, buf_str(&text), text.len, LOCK_FILE, l, &c->diags))
		return report(c);
	c->world.locked = l;
	return 0;
}

int look_at_registry(struct context *c)
{
	struct strs names = { 0 }, refs = { 0 };
	plan_registry(&c->arena, &c->project, &names);
	for (size_t i = 0; i < names.count; i++)
		strs_add(&c->arena, &refs, plan_reference(&c->arena, &c->world, names.items[i]));
	if (engine_images(c->engine, &c->arena, &refs, &c->world, &c->error))
		return fail(c);
	return 0;
}
