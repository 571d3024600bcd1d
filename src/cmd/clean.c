/*
 * clean: what devenv made and nobody needs any more. Acts only on what bears devenv's labels, or on
 * folders of its own, and says what it would do with --dry-run.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/context.h"

struct clean_opts {
	bool all;
};

static const struct opt clean_options[] = {
	{ "all", 0, OPT_FLAG, NULL,
		"also the shared caches and the dependency volumes no container uses", NULL,
		COMPLETE_NONE, offsetof(struct clean_opts, all), false },
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

/* Containers of workspaces whose folder is gone; volumes with data are only named. */
static int clean_gone(struct context *c, const struct workspace_entries *all)
{
	for (size_t i = 0; i < c->world.containers.count; i++) {
		const struct container *k = &c->world.containers.items[i];
		const struct workspace_entry *e = entry_of(all, k->workspace);
		bool gone = e ? e->gone : !k->root || !dir_exists(k->root);
		int status = gone ? remove_container(c, k, "its folder is gone") : 0;
		if (status)
			return status;
	}
	for (size_t i = 0; i < all->count; i++) {
		if (!all->items[i].gone)
			continue;
		struct world w = { 0 };
		if (engine_networks(c->engine, &c->arena, all->items[i].id, &w, &c->error) ||
			engine_volumes(c->engine, &c->arena, all->items[i].id, &w, &c->error))
			return fail(c);
		for (size_t n = 0; n < w.networks.count; n++) {
			note(c, "network %s: its workspace's folder is gone", w.networks.items[n]);
			if (!c->g.dry_run &&
				engine_remove_network(c->engine, w.networks.items[n], &c->error))
				return fail(c);
		}
		size_t kept = 0;
		for (size_t n = 0; n < w.volumes.count; n++)
			if (starts_with(w.volumes.items[n], all->items[i].id) && ++kept)
				note(c,
					"kept: volume %s of %s holds data; `docker volume rm` "
					"drops it",
					w.volumes.items[n], all->items[i].dir);
		if (!kept && !c->g.dry_run && registry_forget(all->items[i].id, &c->error))
			return fail(c);
	}
	return 0;
}

/* One-off containers of this workspace that have ended. */
static int clean_here(struct context *c)
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
	return status;
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

static int run_clean(struct context *c, const void *opts, const struct strs *args)
{
	const struct clean_opts *o = opts;
	struct workspace_entries all = { 0 };
	(void)args;
	if (open_engine(c))
		return c->error.code;
	if (engine_all(c->engine, &c->arena, &c->world, &c->error) ||
		registry_list(&c->arena, &all, &c->error))
		return fail(c);
	if (!c->g.dry_run) {
		int status = consent(
			c, "Remove images, containers and networks of devenv's that nothing uses?");
		if (status)
			return status;
	}
	int status = clean_gone(c, &all);
	if (!status)
		status = clean_here(c);
	return status ? status : clean_images(c, o->all);
}

const struct cmd cmd_clean = {
	.name = "clean",
	.group = "care",
	.help = "remove what devenv made and nothing uses any more",
	.detail = "Containers and networks of workspaces whose folder is gone, ended one-offs, "
		  "images older\n"
		  "than an hour that no container stands on; with --all the shared caches and "
		  "dependency volumes, too. Data "
		  "volumes are named, never\n"
		  "removed. --dry-run only lists.",
	.opts = clean_options,
	.opts_size = sizeof(struct clean_opts),
	.run = run_clean,
};
