/*
 * ls: the workspaces of this machine and what runs in each. Looks and never touches.
 */
#include "cmd/commands.h"
#include "cmd/workspaces.h"
#include "run/registry.h"
#include "run/data/volume_map.h"

/* Whose data serve, where volumes are per branch. */
static void add_branches(struct arena *a, const struct workspace_entry *e, struct strs *words)
{
	struct places pl;
	struct world w = { .now = 0 };
	struct err unknown = ERR_INIT;
	if (places_find(a, e->dir, e->id, &pl, &unknown) || volume_map_load(a, &pl, &w, &unknown))
		return;
	for (size_t i = 0; i < w.volume_map.count; i++) {
		const struct volume_record *r = &w.volume_map.items[i];
		const char *says =
			r->branch ? arena_printf(a, "data of branch %s", r->branch) : NULL;
		if (says && r->serves && !strs_has(words, says))
			strs_add(a, words, says);
	}
}

/* "2 running, agent, 1 tmux session"; "down" when there is nothing. */
static const char *state_of(
	struct arena *a, const struct workspace_entry *e, const struct occupants *o, bool engine)
{
	struct strs words = { 0 };
	size_t running = o->containers + o->processes, sessions = o->sessions.count;
	if (e->gone)
		strs_add(a, &words, "folder gone");
	if (running)
		strs_add(a, &words, arena_printf(a, "%zu running", running));
	if (o->agent || o->mute)
		strs_add(a, &words, o->mute ? "agent does not answer" : "agent");
	if (sessions)
		strs_add(a, &words,
			arena_printf(a, "%zu tmux session%s", sessions, sessions == 1 ? "" : "s"));
	add_branches(a, e, &words);
	if (!engine)
		strs_add(a, &words, "engine unreachable");
	return words.count ? strs_join(a, &words, ", ") : "down";
}

static struct node *entry_json(
	struct arena *a, const struct workspace_entry *e, const struct occupants *o)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no), *sessions = node_list(a, no);
	map_put(a, n, "project", no, node_str(a, e->name, no));
	map_put(a, n, "workspace", no, node_str(a, e->id, no));
	map_put(a, n, "directory", no, node_str(a, e->dir, no));
	map_put(a, n, "running", no, node_int(a, (int64_t)(o->containers + o->processes), no));
	map_put(a, n, "containers", no, node_int(a, (int64_t)o->containers, no));
	map_put(a, n, "processes", no, node_int(a, (int64_t)o->processes, no));
	map_put(a, n, "agent", no, o->agent ? node_int(a, o->agent, no) : node_null(a, no));
	for (size_t i = 0; i < o->sessions.count; i++)
		list_add(a, sessions, node_str(a, o->sessions.items[i], no));
	map_put(a, n, "sessions", no, sessions);
	map_put(a, n, "gone", no, node_bool(a, e->gone, no));
	return n;
}

static int run_ls(struct context *c, const void *opts, const struct strs *args)
{
	static const char *const head[] = { "PROJECT", "WORKSPACE", "STATE", "FOLDER" };
	struct workspace_entries all = { 0 };
	struct err quiet = ERR_INIT;
	(void)opts, (void)args;
	if (registry_list(&c->arena, &all, &c->error))
		return fail(c);
	c->engine = engine_open(&quiet);
	bool seen = c->engine && !engine_all(c->engine, &c->arena, &c->world, &quiet);
	struct table *t = table_new(&c->arena, head, countof(head));
	struct node *list = node_list(&c->arena, (struct place){ 0 });
	for (size_t i = 0; i < all.count; i++) {
		const struct workspace_entry *e = &all.items[i];
		struct occupants o;
		occupants_look(c, e->id, &o);
		table_row(t, (const char *[]){
				     e->name, e->id, state_of(&c->arena, e, &o, seen), e->dir });
		list_add(&c->arena, list, entry_json(&c->arena, e, &o));
	}
	if (c->g.json) {
		emit_node(list);
		return 0;
	}
	if (!all.count) {
		note(c, "No workspace on this machine yet: `devenv up` makes one.");
		return 0;
	}
	cleanup_buf struct buf b = BUF_INIT;
	table_write(&b, t, c->out);
	return emit(&b) ? 0 : ERR_FAILED;
}

const struct cmd cmd_ls = {
	.name = "ls",
	.group = "care",
	.help = "the workspaces of this machine",
	.detail = "What runs in each: containers and processes of host services, the agent that "
		  "watches and\n"
		  "supervises, tmux sessions. One whose folder is gone is taken away by `devenv "
		  "clean`.",
	.run = run_ls,
};
