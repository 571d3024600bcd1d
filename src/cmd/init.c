/*
 * init: a new project from a scaffold, or a devenv.yml from an existing compose file or Procfile.
 */
#include <stdio.h>
#include <string.h>

#include "base/embed.h"
#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/import.h"
#include "cmd/init_ci.h"

struct init_opts {
	bool force;
	const char *from;
};

static const struct opt init_options[] = {
	{ "force", 0, OPT_FLAG, NULL, "write over files that are there", NULL, COMPLETE_NONE,
		offsetof(struct init_opts, force), false },
	{ "from", 0, OPT_TEXT, "FILE",
		"take over a compose file, a Procfile, or a session of tmuxinator or tmuxp", NULL,
		COMPLETE_FILE, offsetof(struct init_opts, from), false },
	{ 0 },
};

static void scaffold_names(struct arena *a, struct strs *out)
{
	static const char prefix[] = "projects/";
	for (size_t i = 0; i < embedded_count; i++) {
		if (!starts_with(embedded_files[i].path, prefix))
			continue;
		const char *rest = embedded_files[i].path + strlen(prefix);
		const char *name = arena_strndup(a, rest, strcspn(rest, "/"));
		if (!strs_has(out, name))
			strs_add(a, out, name);
	}
}

/* Files that would be written over; nothing is written unless there are none. */
static int check_target(struct context *c, const char *prefix, const char *dir)
{
	for (size_t i = 0; i < embedded_count; i++) {
		if (!starts_with(embedded_files[i].path, prefix))
			continue;
		const char *path =
			path_join(&c->arena, dir, embedded_files[i].path + strlen(prefix));
		if (file_exists(path)) {
			err_set(&c->error, ERR_FAILED, "%s exists already: nothing was written",
				path);
			err_hint(&c->error, "choose an empty folder, or add --force");
			return fail(c);
		}
	}
	return 0;
}

static int write_scaffold(struct context *c, const char *prefix, const char *dir, size_t *count)
{
	for (size_t i = 0; i < embedded_count; i++) {
		const struct embedded *f = &embedded_files[i];
		if (!starts_with(f->path, prefix))
			continue;
		const char *path = path_join(&c->arena, dir, f->path + strlen(prefix));
		const char *folder = path_dir(&c->arena, path);
		if (!dir_exists(folder) && dir_make(folder, 0755, &c->error))
			return fail(c);
		if (file_write(
			    path, f->data, f->size, f->executable ? 0755 : 0644, false, &c->error))
			return fail(c);
		++*count;
	}
	return 0;
}

static int no_scaffold(struct context *c, const char *name, const struct strs *names)
{
	if (name)
		err_set(&c->error, ERR_USAGE, "there is no scaffold \"%s\"", name);
	else
		err_set(&c->error, ERR_USAGE, "init needs a scaffold, or --from FILE");
	err_hint(&c->error, "there are: %s", strs_join(&c->arena, names, ", "));
	return fail(c);
}

/* The project is where -C or the one argument says, else here. */
static int run_from(struct context *c, const struct init_opts *o, const struct strs *args)
{
	const char *folder = args->count ? args->items[0] : ".", *file = o->from;
	if (args->count > 1)
		return fail_with(c, ERR_USAGE, "--from takes one folder at most");
	if (c->g.dir) {
		folder = args->count ? path_join(&c->arena, c->g.dir, folder) : c->g.dir;
		file = path_join(&c->arena, c->g.dir, file);
	}
	return import_file(c, file, folder, o->force);
}

static int run_init(struct context *c, const void *opts, const struct strs *args)
{
	const struct init_opts *o = opts;
	struct strs names = { 0 };
	size_t count = 0;
	if (o->from)
		return run_from(c, o, args);
	if (args->count && streq(args->items[0], "ci"))
		return init_ci(c, args, o->force);
	scaffold_names(&c->arena, &names);
	if (!args->count)
		return no_scaffold(c, NULL, &names);
	const char *name = args->items[0];
	const char *target = args->count > 1 ? args->items[1] : name;
	if (c->g.dir)
		target = path_join(&c->arena, c->g.dir, target);
	if (!strs_has(&names, name))
		return no_scaffold(c, name, &names);
	const char *prefix = arena_printf(&c->arena, "projects/%s/", name);
	int status = o->force ? 0 : check_target(c, prefix, target);
	if (!status && !dir_exists(target) && dir_make(target, 0755, &c->error))
		status = fail(c);
	if (!status)
		status = write_scaffold(c, prefix, target, &count);
	if (!status)
		note(c, "%s: %zu files written. Next: cd %s && devenv up", name, count, target);
	return status;
}

const struct cmd cmd_init = {
	.name = "init",
	.group = "configuration",
	.args = "SCAFFOLD [DIR] | --from FILE [DIR] | ci github|gitlab",
	.help = "make a new project from a scaffold: hello or shop",
	.detail =
		"--from makes a devenv.yml of a compose file (the same services) or of a Procfile "
		"(services on the\n"
		"host). A session of tmuxinator or tmuxp becomes a layout: in devenv.yml where "
		"there "
		"is none, else\n"
		"in a file of its own in devenv.d. `init ci` writes what makes GitHub Actions or "
		"GitLab run `devenv ci`.\n"
		"--dry-run prints what would be written.",
	.opts = init_options,
	.opts_size = sizeof(struct init_opts),
	.max_args = 2,
	.run = run_init,
};
