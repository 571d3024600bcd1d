/*
 * What runs of `devenv ci` leave when they are killed, and how a run goes. Comes in: the registry,
 * the engine. Goes out: nothing of a run, or why it could not be removed. The living are left
 * alone.
 */
#include "cmd/runs.h"

#include <unistd.h>

#include "cmd/workspaces.h"
#include "run/registry.h"
#include "run/host/supervise.h"

enum { MAKERS_MS = 3000 }; /* Compose may go on for a while when devenv was killed */

static int remove_containers(struct context *c, const char *workspace)
{
	struct world w = { 0 };
	if (engine_look(c->engine, &c->arena, workspace, &w, &c->error))
		return fail(c);
	for (size_t i = 0; i < w.containers.count; i++)
		if (engine_remove(c->engine, w.containers.items[i].id, &c->error))
			return fail(c);
	return 0;
}

static int remove_rest(struct context *c, const char *workspace)
{
	struct world w = { 0 };
	if (engine_networks(c->engine, &c->arena, workspace, &w, &c->error) ||
		engine_volumes(c->engine, &c->arena, workspace, &w, &c->error))
		return fail(c);
	for (size_t i = 0; i < w.networks.count; i++)
		if (engine_remove_network(c->engine, w.networks.items[i], &c->error))
			return fail(c);
	for (size_t i = 0; i < w.volumes.count; i++)
		if (starts_with(w.volumes.items[i], workspace) &&
			engine_remove_volume(c->engine, w.volumes.items[i], &c->error))
			return fail(c);
	return 0;
}

int run_remove(struct context *c, const char *workspace)
{
	struct strs ended = { 0 };
	int status = occupants_end(c, workspace);
	if (!status && supervise_reconcile(NULL, workspace, &ended, &c->arena, &c->error) < 0)
		status = fail(c);
	if (!status && c->engine)
		status = remove_containers(c, workspace);
	if (!status && c->engine)
		status = remove_rest(c, workspace);
	if (!status && registry_forget(workspace, &c->error))
		status = fail(c);
	return status;
}

static int sweep_one(struct context *c, const struct workspace_entry *e, const char *state)
{
	struct lock makers = { .fd = -1 };
	struct err busy = ERR_INIT;
	note(c, "a run of ci that was killed left something: %s of %s", e->id, e->dir);
	if (c->g.dry_run)
		return 0;
	if (lock_take(&makers, path_join(&c->arena, state, "lock"), MAKERS_MS, &busy))
		return 0; /* what it started is still at work; the next one finds it again */
	int status = run_remove(c, e->id);
	lock_drop(&makers);
	return status;
}

int runs_sweep(struct context *c, bool kept)
{
	struct workspace_entries all = { 0 };
	const char *root = xdg_dir(&c->arena, XDG_STATE);
	int status = 0;
	if (!root || registry_list(&c->arena, &all, &c->error))
		return root ? fail(c) : 0;
	for (size_t i = 0; i < all.count && !status; i++) {
		const char *state = path_join(&c->arena, root, all.items[i].id);
		const char *path = path_join(&c->arena, state, RUN_LOCK);
		struct lock lock = { .fd = -1 };
		struct err busy = ERR_INIT;
		bool stays = !kept && file_exists(path_join(&c->arena, state, RUN_KEPT));
		if (stays || !file_exists(path) || lock_take(&lock, path, 0, &busy))
			continue;
		status = sweep_one(c, &all.items[i], state);
		lock_drop(&lock);
	}
	return status;
}
