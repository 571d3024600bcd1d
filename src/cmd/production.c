/*
 * generate -o DIR: what others run, written where the user says. Comes in: the project of an
 * environment that is not dev, the commit. Goes out: files, and what to do with them.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/lifecycle.h"
#include "run/apply.h"
#include "run/files/git.h"

int look_at_source(struct context *c, const char *tag)
{
	if (git_source(&c->arena, c->project.dir, &c->world.source, &c->error))
		return fail(c);
	if (tag) {
		c->world.source.version = tag;
		c->world.source.named = true;
	}
	lap(c, "git", false);
	return 0;
}

static int check(struct context *c, const struct production_opts *o, bool diff)
{
	if (!o->dir || diff) {
		err_set(&c->error, ERR_USAGE,
			diff ? "--diff compares what is in .devenv/generated"
			     : "that is said of files for production only");
		err_hint(
			&c->error, diff ? "devenv --dry-run generate -o DIR lists what would change"
					: "devenv generate --env prod -o DIR");
		return fail(c);
	}
	if (!c->project.dev)
		return 0;
	err_set(&c->error, ERR_USAGE,
		"the environment dev is for this machine: its code is mounted and its user is you");
	err_hint(&c->error, "devenv generate --env prod -o %s", o->dir);
	return fail(c);
}

static int tell(struct context *c, const struct applied *a)
{
	cleanup_buf struct buf b = BUF_INIT;
	for (size_t i = 0; c->g.dry_run && i < a->changed.count; i++)
		buf_addf(&b, "%s\n", a->changed.items[i]);
	if (c->g.dry_run)
		return emit(&b) ? 0 : ERR_FAILED;
	for (size_t i = 0; i < c->plan.notes.count; i++)
		note(c, "note: %s", c->plan.notes.items[i]);
	return 0;
}

int generate_production(struct context *c, const struct production_opts *o, bool diff)
{
	struct applied a = { 0 };
	struct production_request req = {
		.profiles = c->g.profiles,
		.registry = o->registry,
		.external_secrets = o->external_secrets,
		.no_mesh = o->no_mesh,
	};
	int status = load_project(c);
	status = status ? status : check(c, o, diff);
	status = status ? status : look_at_source(c, o->tag);
	if (status)
		return status;
	if (production_make(&c->arena, &c->project, &c->world, &req, &c->plan, &c->diags))
		return report(c);
	if (output_files(&c->arena, &c->plan, o->dir, c->g.dry_run, &a, &c->error))
		return fail(c);
	status = tell(c, &a);
	if (!c->g.dry_run)
		note(c,
			"%zu files in %s: %zu written, %zu removed, %zu unchanged. The head of "
			"compose.yaml says what it needs.",
			a.written + a.unchanged, o->dir, a.written, a.removed, a.unchanged);
	return status;
}
