/*
 * devenv.lock of the project that a command is about. Comes in: the folder of the configuration.
 * Goes out: its content in the world, or diagnostics with its lines. Decides nothing.
 */
#include "cmd/context.h"
#include "doc/yaml.h"

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
