/*
 * clean: what devenv made and nobody needs any more. Acts only on what bears devenv's labels, or on
 * folders of its own, and says what it would do with --dry-run.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/data.h"
#include "cmd/runs.h"
#include "cmd/workspaces.h"
#include "run/files/git_branch.h"
#include "run/registry.h"
#include "run/data/volume_map.h"

struct clean_opts {
	bool all, branches, no_snapshot;
};

static const struct opt clean_options[] = {
	{ "all", 0, OPT_FLAG, NULL,
		"also the shared caches and the dependency volumes no container uses", NULL,
		COMPLETE_NONE, offsetof(struct clean_opts, all), false },
	{ "branches", 0, OPT_FLAG, NULL, "also this workspace's data of git branches that are gone",
		NULL, COMPLETE_NONE, offsetof(struct clean_opts, branches), false },
	{ "no-snapshot", 0, OPT_FLAG, NULL, "with --branches: do not keep snapshots of the data",
		NULL, COMPLETE_NONE, offsetof(struct clean_opts, no_snapshot), false },
	{ 0 },
};

static int remove_container(struct context *c, const struct container *k, const char *why)
{
	note(c, "container %s: %s", k->name, why);
	if (c->g.dry_run)
		return 0;
	return engine_remove(c->engine, k->id, &c->error) ? fail(c) : 0;
}

static const struct workspace_entry *entry_of(const struct workspace_entries *all, const char *id)
{
	for (size_t i = 0; i < all->count; i++)
		if (streq(all->items[i].id, id))
			return &all->items[i];
	return NULL;
}

/* Before its containers go: host services may hold on to them. */
static int clean_occupants(struct context *c, const struct workspace_entry *e)
{
	struct occupants o;
	occupants_look(c, e->id, &o);
	if (o.mute)
		note(c, "an agent that does not answer: its folder %s is gone", e->dir);
	if (o.agent)
		note(c, "agent (pid %ld) and %zu process%s of it: its folder %s is gone",
			(long)o.agent, o.processes, o.processes == 1 ? "" : "es", e->dir);
	for (size_t i = 0; i < o.sessions.count; i++)
		note(c, "tmux session %s: its folder is gone", o.sessions.items[i]);
	return c->g.dry_run ? 0 : occupants_end(c, e->id);
}

static int clean_containers(struct context *c, const struct workspace_entries *all)
{
	for (size_t i = 0; i < c->world.containers.count; i++) {
		const struct container *k = &c->world.containers.items[i];
		const struct workspace_entry *e = entry_of(all, k->workspace);
		bool gone = e ? e->gone : !k->root || !dir_exists(k->root);
		int status = gone ? remove_container(c, k, "its folder is gone") : 0;
		if (status)
			return status;
	}
	return 0;
}

static int clean_networks(struct context *c, const struct world *w)
{
	for (size_t i = 0; i < w->networks.count; i++) {
		note(c, "network %s: its workspace's folder is gone", w->networks.items[i]);
		if (!c->g.dry_run &&
			engine_remove_network(c->engine, w->networks.items[i], &c->error))
			return fail(c);
	}
	return 0;
}

/* What is left of a workspace is remembered as long as a volume of it holds data. */
static int clean_rest(struct context *c, const struct workspace_entry *e)
{
	struct world w = { 0 };
	size_t kept = 0;
	if (engine_networks(c->engine, &c->arena, e->id, &w, &c->error) ||
		engine_volumes(c->engine, &c->arena, e->id, &w, &c->error))
		return fail(c);
	int status = clean_networks(c, &w);
	for (size_t i = 0; !status && i < w.volumes.count; i++)
		if (starts_with(w.volumes.items[i], e->id) && ++kept)
			note(c, "kept: volume %s of %s holds data; `docker volume rm` drops it",
				w.volumes.items[i], e->dir);
	if (status || kept || c->g.dry_run)
		return status;
	return registry_forget(e->id, &c->error) ? fail(c) : 0;
}

/* Workspaces whose folder is gone; volumes with data are only named. */
static int clean_gone(struct context *c, const struct workspace_entries *all)
{
	int status = 0;
	for (size_t i = 0; !status && i < all->count; i++)
		if (all->items[i].gone)
			status = clean_occupants(c, &all->items[i]);
	if (status || !c->engine)
		return status;
	status = clean_containers(c, all);
	for (size_t i = 0; !status && i < all->count; i++)
		if (all->items[i].gone)
			status = clean_rest(c, &all->items[i]);
	return status;
}

static int drop_branch(struct context *c, size_t at, bool no_snapshot)
{
	struct world *w = &c->world;
	int status = no_snapshot ? 0 : data_save_other(c, w->volume_map.items[at].engine, "clean");
	if (status)
		return status;
	if (engine_remove_volume(c->engine, w->volume_map.items[at].engine, &c->error))
		return fail(c);
	memmove(&w->volume_map.items[at], &w->volume_map.items[at + 1],
		(w->volume_map.count - at - 1) * sizeof(w->volume_map.items[0]));
	w->volume_map.count--;
	return volume_map_save(&c->places, w, &c->error) ? fail(c) : 0;
}

/* Data of a branch that git does not have any more are named, and dropped where that is asked for.
 */
static int clean_branches(struct context *c, bool drop, bool no_snapshot)
{
	int status = open_places(c);
	if (!status && drop && !c->g.dry_run)
		status = take_lock(c);
	for (size_t i = c->world.volume_map.count; !status && i-- > 0;) {
		const struct volume_record *r = &c->world.volume_map.items[i];
		if (!r->branch || r->serves ||
			git_branch_exists(&c->arena, c->project.dir, r->branch))
			continue;
		if (drop)
			note(c, "volume %s: its branch %s is gone", r->engine, r->branch);
		else
			note(c,
				"kept: volume %s has the data of branch %s, which is gone; `devenv "
				"clean --branches` drops it",
				r->engine, r->branch);
		status = drop && !c->g.dry_run ? drop_branch(c, i, no_snapshot) : 0;
	}
	return status;
}

/* One-off containers of this workspace that have ended, data of branches that are gone. */
static int clean_here(struct context *c, const struct clean_opts *o)
{
	char *root = NULL;
	char *here = path_real(&c->arena, c->g.dir ? c->g.dir : ".");
	root = here ? config_find_root(&c->arena, here) : NULL;
	if (!root && !c->g.files.count)
		return 0;
	int status = load_project(c);
	for (size_t i = 0; !status && i < c->world.containers.count; i++) {
		const struct container *k = &c->world.containers.items[i];
		if (streq(k->workspace, c->project.workspace) && k->one_off &&
			k->state != UNIT_RUNNING)
			status = remove_container(c, k, "a one-off that has ended");
	}
	return status ? status : clean_branches(c, o->branches, o->no_snapshot);
}

static int clean_images(struct context *c, bool volumes)
{
	struct strs names = { 0 };
	if (engine_unused(c->engine, &c->arena, volumes, &names, &c->error))
		return fail(c);
	for (size_t i = 0; i < names.count; i++) {
		bool volume = starts_with(names.items[i], "volume ");
		const char *name = strchr(names.items[i], ' ') + 1;
		note(c, "%s: no container uses it", names.items[i]);
		if (c->g.dry_run)
			continue;
		int bad = volume ? engine_remove_volume(c->engine, name, &c->error)
				 : engine_remove_image(c->engine, name, &c->error);
		if (bad)
			return fail(c);
	}
	return 0;
}

/* Without one there are processes that can be ended all the same. */
static void look_for_engine(struct context *c)
{
	c->engine = engine_open(&c->error);
	if (c->engine && !engine_all(c->engine, &c->arena, &c->world, &c->error))
		return;
	note(c, "note: images, containers and networks are left alone: %s", c->error.text);
	c->error = (struct err)ERR_INIT;
	engine_close(c->engine);
	c->engine = NULL;
}

static int run_clean(struct context *c, const void *opts, const struct strs *args)
{
	const struct clean_opts *o = opts;
	struct workspace_entries all = { 0 };
	(void)args;
	if (registry_list(&c->arena, &all, &c->error))
		return fail(c);
	look_for_engine(c);
	if (!c->g.dry_run) {
		int status = consent(c, "Remove what devenv made and nothing uses any more?");
		if (status)
			return status;
	}
	int status = clean_gone(c, &all);
	if (status || !c->engine)
		return status;
	status = runs_sweep(c, true);
	status = status ? status : clean_here(c, o);
	return status ? status : clean_images(c, o->all);
}

const struct cmd cmd_clean = {
	.name = "clean",
	.group = "care",
	.help = "remove what devenv made and nothing uses any more",
	.detail = "Of workspaces whose folder is gone: containers, networks, the agent with what "
		  "it runs, tmux\n"
		  "sessions. Of runs of `devenv ci` that were killed, or kept with --keep: all of "
		  "it. Ended one-offs, and images older than an hour that no container stands "
		  "on; with --all\n"
		  "the shared caches and dependency volumes, too. Data volumes are named, never "
		  "removed, but for\n"
		  "those of git branches that are gone with --branches, of which snapshots are "
		  "kept. --dry-run only\n"
		  "lists.",
	.opts = clean_options,
	.opts_size = sizeof(struct clean_opts),
	.run = run_clean,
};
