/*
 * Snapshots of volumes that are at rest. Comes in: volumes and why. Goes out: a snapshot under its
 * name, or none at all; of automatic ones the last few of each volume and branch are kept.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/data.h"
#include "run/files/git.h"

enum { AUTOMATIC_KEPT = 3 };

/* Letters that a name may have. */
static const char *slug(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text);
	for (char *s = out; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '.' && *s != '_')
			*s = '-';
	out += strspn(out, "-._");
	if (strlen(out) > 100)
		out[100] = '\0';
	return *out ? out : "snapshot";
}

static const char *made_up_name(
	struct context *c, const char *store, const char *branch, const char *reason)
{
	char when[32];
	time_t now = (time_t)(clock_ms() / 1000);
	struct tm t;
	gmtime_r(&now, &t);
	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &t);
	const char *name =
		reason ? arena_printf(&c->arena, "auto-%s-%s", slug(&c->arena, reason), when)
		       : arena_printf(&c->arena, "%s-%s",
				 branch ? slug(&c->arena, branch) : "snapshot", when);
	const char *free = name;
	for (int n = 2; file_exists(path_join(&c->arena, store, free)) ||
			dir_exists(path_join(&c->arena, store, free));
		n++)
		free = arena_printf(&c->arena, "%s-%d", name, n);
	return free;
}

static const char *kind_word(const struct volume *v)
{
	static const char *const kinds[] = {
		[VOLUME_DATA] = "data", [VOLUME_CACHE] = "cache", [VOLUME_SCRATCH] = "scratch"
	};
	return kinds[v->kind];
}

/* Of an automatic one, a volume that was never initialised is no part. */
static int save_parts(
	struct context *c, const struct data_volumes *v, const char *dir, struct snapshot *s)
{
	struct volume_desk d = data_desk(c);
	for (size_t i = 0; i < v->count; i++) {
		const struct data_volume *from = &v->items[i];
		struct snapshot_part part = { .volume = from->volume->name,
			.kind = kind_word(from->volume),
			.template = from->template };
		if (!from->exists)
			continue;
		if (snapshot_save(&d, &c->arena, from->engine, dir, &part, &c->error))
			return fail(c);
		int status = data_note_marks(c, from->engine, &part);
		if (status)
			return status;
		if (part.facts.left_out)
			note(c, "note: %lld devices in volume %s are not part of the snapshot",
				(long long)part.facts.left_out, part.volume);
		if (s->reason && part.facts.entries <= 1)
			unlink(path_join(&c->arena, dir, part.file));
		else
			*list_push(&c->arena, &s->parts) = part;
	}
	return 0;
}

static int nothing_there(struct context *c)
{
	err_set(&c->error, ERR_FAILED, "none of these volumes is there yet");
	err_hint(&c->error, "`devenv up` makes the volumes");
	return fail(c);
}

static int finish(struct context *c, struct snapshot_draft *draft, const char *store,
	const struct snapshot *s, const char **name)
{
	*name = NULL;
	if (!s->parts.count)
		return s->reason ? 0 : nothing_there(c);
	if (snapshot_commit(draft, store, s, &c->error))
		return fail(c);
	*name = s->name;
	return 0;
}

int data_save(
	struct context *c, const struct data_volumes *v, const char *reason, const char **name)
{
	struct git_facts git = { 0 };
	struct err no_git = ERR_INIT;
	struct snapshot_draft draft;
	const char *store = snapshots_dir(&c->arena, &c->places, c->project.name);
	git_look(&c->arena, c->project.dir, &git, &no_git);
	struct snapshot s = {
		.name = *name ? *name : made_up_name(c, store, git.branch, reason),
		.project = c->project.name,
		.workspace = c->project.workspace,
		.root = c->project.dir,
		.branch = v->branch ? v->branch : git.branch,
		.commit = git.commit,
		.reason = reason,
		.time_ms = clock_ms(),
	};
	if (snapshot_begin(store, &draft, &c->error))
		return fail(c);
	int status = save_parts(c, v, draft.dir, &s);
	status = status ? status : finish(c, &draft, store, &s, name);
	snapshot_abandon(&draft);
	return status;
}

/* ---- automatic ones ---- */

/* Two of a kind: where a volume is per branch, data of another branch are something else. */
static bool is_like(const struct context *c, const struct snapshot *x, const struct snapshot *y,
	const char *volume)
{
	const struct volume *v = project_volume(&c->project, volume);
	return x->reason && streq(x->workspace, y->workspace) && snapshot_part(x, volume) &&
	       (!v || !v->per_branch || streq(x->branch, y->branch));
}

static size_t newer(
	const struct context *c, const struct snapshots *all, size_t at, const char *volume)
{
	size_t n = 0;
	for (size_t i = 0; i < at; i++)
		n += is_like(c, &all->items[i], &all->items[at], volume);
	return n;
}

/* What this command itself has kept is not old, however much that is. */
static bool is_old(const struct context *c, const struct snapshots *all, size_t at)
{
	const struct snapshot *s = &all->items[at];
	if (s->time_ms >= c->began_ms)
		return false;
	for (size_t i = 0; i < s->parts.count; i++)
		if (newer(c, all, at, s->parts.items[i].volume) < AUTOMATIC_KEPT)
			return false;
	return true;
}

static void drop_old(struct context *c, const char *store)
{
	struct snapshots all = { 0 };
	struct strs bad = { 0 };
	struct err late = ERR_INIT;
	if (snapshots_list(&c->arena, store, &all, &bad, &late))
		return;
	for (size_t i = 0; i < all.count; i++) {
		const struct snapshot *s = &all.items[i];
		if (s->reason && streq(s->workspace, c->project.workspace) && is_old(c, &all, i))
			snapshot_remove(store, s, &late);
	}
}

int data_safety(struct context *c, const struct data_volumes *v, const char *reason)
{
	const char *name = NULL;
	if (c->project.run) /* of ci: it began with nothing and ends with nothing */
		return 0;
	int status = data_save(c, v, reason, &name);
	if (status)
		note(c, "The data is as it was: nothing of it goes without a snapshot, unless "
			"--no-snapshot says so.");
	if (status || !name)
		return status;
	note(c, "Saved before the loss: snapshot %s; `devenv restore %s` brings it back.", name,
		name);
	drop_old(c, snapshots_dir(&c->arena, &c->places, c->project.name));
	return 0;
}
