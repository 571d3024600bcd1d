/*
 * init ci: what makes a CI service run `devenv ci`. Comes in: which service. Goes out: its file, in
 * the project. What is there already is written over only after a yes.
 */
#include <string.h>

#include "base/embed.h"
#include "cmd/context.h"
#include "cmd/init_ci.h"

static int write_one(struct context *c, const struct embedded *f, const char *path, bool force)
{
	cleanup_buf struct buf text = BUF_INIT;
	int status = 0;
	buf_add(&text, f->data, f->size);
	if (c->g.dry_run)
		return emit(&text) ? 0 : ERR_FAILED;
	if (file_exists(path) && !force)
		status = consent(
			c, arena_printf(&c->arena, "%s is there already. Write over it?", path));
	if (status)
		return status;
	const char *folder = path_dir(&c->arena, path);
	if ((!dir_exists(folder) && dir_make(folder, 0755, &c->error)) ||
		file_write(path, text.data, text.len, 0644, false, &c->error))
		return fail(c);
	note(c, "%s written. It runs `devenv ci --trust`; try that here first.", path);
	return 0;
}

int init_ci(struct context *c, const struct strs *args, bool force)
{
	static const char prefix[] = "ci/";
	const char *kind = args->count == 2 ? args->items[1] : "", *top = c->g.dir ? c->g.dir : ".";
	const char *wanted = arena_printf(&c->arena, "%s%s/", prefix, kind);
	for (size_t i = 0; *kind && i < embedded_count; i++) {
		const struct embedded *f = &embedded_files[i];
		if (starts_with(f->path, wanted))
			return write_one(
				c, f, path_join(&c->arena, top, f->path + strlen(wanted)), force);
	}
	err_set(&c->error, ERR_USAGE, "init ci makes the file of which service?");
	err_hint(&c->error, "`devenv init ci github` or `devenv init ci gitlab`");
	return fail(c);
}
