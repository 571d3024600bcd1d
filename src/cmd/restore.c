/*
 * restore, reset: other data in a volume's place. What is restored is checked, and lies whole in a
 * volume of its own, before anything that runs is touched; what served before goes last.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/data.h"
#include "run/engine/call.h"
#include "run/files/git.h"

struct restore_opts {
	bool latest, branch, force, no_snapshot;
};

#define RESTORE(field) offsetof(struct restore_opts, field)
#define NO_SNAPSHOT                                                                                \
	{                                                                                          \
		"no-snapshot", 0, OPT_FLAG, NULL,                                                  \
			"do not keep a snapshot of the data that is replaced", NULL,               \
			COMPLETE_NONE, RESTORE(no_snapshot), false                                 \
	}

static const struct opt restore_options[] = {
	{ "latest", 0, OPT_FLAG, NULL, "the newest snapshot of the project", NULL, COMPLETE_NONE,
		RESTORE(latest), false },
	{ "branch", 0, OPT_FLAG, NULL, "the newest one of the branch that is checked out", NULL,
		COMPLETE_NONE, RESTORE(branch), false },
	{ "force", 0, OPT_FLAG, NULL,
		"also data of another project, another server, a newer one, or another secret",
		NULL, COMPLETE_NONE, RESTORE(force), false },
	NO_SNAPSHOT,
	{ 0 },
};
static const struct opt reset_options[] = { NO_SNAPSHOT, { 0 } };

static int none_such(struct context *c, const char *what)
{
	err_set(&c->error, ERR_FAILED, "there is no snapshot %s", what);
	err_hint(&c->error, "`devenv snapshot ls` lists them");
	return fail(c);
}

static int pick_by(struct context *c, const struct restore_opts *o, struct snapshot *out)
{
	struct snapshots all = { 0 };
	struct strs bad = { 0 };
	struct git_facts git = { 0 };
	const char *store = snapshots_dir(&c->arena, &c->places, c->project.name);
	if (snapshots_list(&c->arena, store, &all, &bad, &c->error) ||
		(o->branch && git_look(&c->arena, c->project.dir, &git, &c->error)))
		return fail(c);
	if (o->branch && !git.branch)
		return fail_with(c, ERR_FAILED, "no git branch is checked out here");
	for (size_t i = 0; i < all.count; i++) {
		if (o->branch && !streq(all.items[i].branch, git.branch))
			continue;
		*out = all.items[i];
		return 0;
	}
	return none_such(c, o->branch ? arena_printf(&c->arena, "of branch %s", git.branch)
				      : "of this project yet");
}

/* A name of the store, or the folder of one from elsewhere. */
static int pick_named(struct context *c, const char *name, struct snapshot *out)
{
	const char *store = snapshots_dir(&c->arena, &c->places, c->project.name);
	const char *dir = strchr(name, '/')          ? path_real(&c->arena, name)
			  : snapshot_name_fits(name) ? path_join(&c->arena, store, name)
						     : NULL;
	if (!dir || !dir_exists(dir))
		return none_such(c, name);
	return snapshot_read(&c->arena, dir, out, &c->error) ? fail(c) : 0;
}

/* Server and version of what serves now, or of the template where nothing does. */
static int check_server(
	struct context *c, const struct data_volume *v, const struct snapshot_part *p)
{
	char engine[16] = "", version[32] = "";
	struct volume_desk d = data_desk(c);
	if (!p->facts.engine[0])
		return 0;
	if (v->exists && volume_server(&d, v->engine, engine, version, &c->error))
		return fail(c);
	const char *now = engine[0] ? engine : "";
	if (!*now && v->template &&
		(streq(v->template, "postgres") || streq(v->template, "mariadb") ||
			streq(v->template, "redis")))
		now = v->template;
	if (!tarball_fits(p->facts.engine, p->facts.version, now, version, &c->error))
		return 0;
	err_wrap(&c->error, "volume %s", p->volume);
	err_hint(&c->error, "--force restores it all the same");
	return fail(c);
}

static int check(struct context *c, const struct snapshot *s, const struct data_volumes *v,
	const struct restore_opts *o)
{
	int status = 0;
	if (!o->force && !streq(s->project, c->project.name)) {
		err_set(&c->error, ERR_FAILED, "snapshot %s is of project %s, not of %s", s->name,
			s->project, c->project.name);
		err_hint(&c->error, "--force restores it all the same");
		return fail(c);
	}
	for (size_t i = 0; !status && i < v->count; i++) {
		const struct snapshot_part *p = snapshot_part(s, v->items[i].volume->name);
		if (!p)
			return fail_with(c, ERR_USAGE, "snapshot %s holds no volume %s", s->name,
				v->items[i].volume->name);
		if (!o->force)
			status = check_server(c, &v->items[i], p);
	}
	return status;
}

static int verify(struct context *c, const struct snapshot *s, const struct data_volumes *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (snapshot_verify(s, snapshot_part(s, v->items[i].volume->name), &c->error))
			return fail(c);
	return 0;
}

static void drop_next(struct context *c, const struct data_volumes *v)
{
	struct err ignored = ERR_INIT;
	for (size_t i = 0; i < v->count; i++)
		if (v->items[i].next)
			engine_remove_volume(c->engine, v->items[i].next, &ignored);
}

/* Beside what serves, which goes on. */
static int fill_all(struct context *c, const struct snapshot *s, const struct data_volumes *v)
{
	struct volume_desk d = data_desk(c);
	for (size_t i = 0; i < v->count; i++) {
		const struct data_volume *to = &v->items[i];
		const struct snapshot_part *p = snapshot_part(s, to->volume->name);
		struct volume_spec spec = {
			.name = to->next,
			.key = to->volume->name,
			.kind = p->kind ? p->kind : "data",
			.node = to->volume->node,
		};
		if (volume_make(&d, &spec, &c->error) ||
			snapshot_fill(&d, s, p, to->next, &c->error) ||
			data_recall_marks(c, p, to->next))
			return fail(c);
		strs_add(&c->arena, &c->world.volumes, to->next); /* it is none that begins anew */
	}
	return 0;
}

static int fill(
	struct context *c, const struct snapshot *s, const struct data_volumes *v, bool force)
{
	int status = fill_all(c, s, v);
	if (!status && !force)
		status = data_check_marks(c, s, v);
	if (status)
		drop_next(c, v);
	return status;
}

static int ask(struct context *c, const struct data_volumes *v, const char *by, bool no_snapshot)
{
	bool loses = false;
	for (size_t i = 0; i < v->count; i++)
		loses = loses || v->items[i].exists;
	if (!loses)
		return 0;
	return consent(c, arena_printf(&c->arena, "This replaces the data of %s by %s%s. Go on?",
				  data_names(c, v), by,
				  no_snapshot ? " for good" : "; a snapshot of it is kept"));
}

static int put_back(struct context *c, const struct snapshot *s, struct data_volumes *v,
	const struct restore_opts *o)
{
	int status = check(c, s, v, o);
	status = status ? status : data_name_next(c, v);
	if (!status)
		status = ask(c, v, arena_printf(&c->arena, "snapshot %s", s->name), o->no_snapshot);
	if (status || c->g.dry_run)
		return status ? status : verify(c, s, v);
	status = fill(c, s, v, o->force);
	status = status ? status : data_replace(c, v, "restore", o->no_snapshot);
	if (!status)
		note(c, "Restored: %s from snapshot %s.", data_names(c, v), s->name);
	return status;
}

/* Those named, or all of the snapshot that the project has. */
static int volumes_of(struct context *c, const struct snapshot *s, const struct strs *args,
	size_t first, struct data_volumes *v)
{
	struct strs names = { 0 };
	for (size_t i = first; i < args->count; i++)
		strs_add(&c->arena, &names, args->items[i]);
	for (size_t i = 0; !names.count && i < s->parts.count; i++) {
		const char *name = s->parts.items[i].volume;
		if (project_volume(&c->project, name))
			strs_add(&c->arena, &names, name);
		else
			note(c, "note: the project has no volume %s: it is left out", name);
	}
	if (!names.count && first >= args->count)
		return fail_with(
			c, ERR_FAILED, "snapshot %s holds no volume of this project", s->name);
	return data_named(c, &names, v);
}

static int run_restore(struct context *c, const void *opts, const struct strs *args)
{
	const struct restore_opts *o = opts;
	struct snapshot s = { 0 };
	struct data_volumes v = { 0 };
	struct strs none = { 0 };
	bool chosen = o->latest || o->branch;
	if (!chosen && !args->count)
		return fail_with(c, ERR_USAGE, "restore what: NAME, --latest or --branch?");
	int status = open_places(c);
	if (!status)
		status = chosen ? pick_by(c, o, &s) : pick_named(c, args->items[0], &s);
	status = status ? status : data_open(c, &none, true);
	status = status ? status : volumes_of(c, &s, args, chosen ? 0 : 1, &v);
	return status ? status : put_back(c, &s, &v, o);
}

static int run_reset(struct context *c, const void *opts, const struct strs *args)
{
	const struct restore_opts *o = opts;
	struct data_volumes v = { 0 };
	struct strs none = { 0 };
	int status = data_open(c, &none, true);
	status = status ? status : data_named(c, args, &v);
	status = status ? status : data_name_next(c, &v);
	status = status ? status : ask(c, &v, "new, empty volumes", o->no_snapshot);
	if (status || c->g.dry_run)
		return status;
	status = data_begin(c, &v);
	return status ? status : data_replace(c, &v, "reset", o->no_snapshot);
}

const struct cmd cmd_restore = {
	.name = "restore",
	.group = "data",
	.args = "NAME|--latest|--branch [VOLUME...]",
	.help = "put the data of a snapshot in the place of what is there",
	.detail =
		"The archive's checksum is verified while it is unpacked into a new volume, before "
		"anything is\n"
		"touched. Then the users of the volume are stopped, what it held is kept as an "
		"automatic\n"
		"snapshot, and they start with the new one. Where they do not become ready, the "
		"old one\n"
		"serves again. NAME may be the folder of a snapshot, with a slash in it.",
	.opts = restore_options,
	.opts_size = sizeof(struct restore_opts),
	.max_args = -1,
	.complete = COMPLETE_VOLUME,
	.run = run_restore,
};

const struct cmd cmd_reset = {
	.name = "reset",
	.group = "data",
	.args = "VOLUME...",
	.help = "begin anew with empty volumes; what they held is kept as a snapshot",
	.opts = reset_options,
	.opts_size = sizeof(struct restore_opts),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_VOLUME,
	.run = run_reset,
};
