/*
 * fetch: all that `up` needs, brought while there is a network: registry images, rungs,
 * dependencies, the image of the tools container. Comes in: environments. Goes out: a table of what
 * is there now, and what was before.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "planner/debug.h"
#include "planner/lock.h"
#include "run/engine/contents.h"

struct fetch_opts {
	struct strs environments;
	bool no_tools;
};

#define FETCH(field) offsetof(struct fetch_opts, field)
static const struct opt fetch_options[] = {
	{ "env", 0, OPT_LIST, "NAME", "for this environment, too; repeatable", NULL, COMPLETE_NONE,
		FETCH(environments), false },
	{ "no-tools", 0, OPT_FLAG, NULL, "without the image of `devenv debug`", NULL, COMPLETE_NONE,
		FETCH(no_tools), false },
	{ 0 },
};

struct item { /* an image, or the dependencies of a module */
	const char *what, *name;
	int64_t size; /* -1: not told */
	bool there;   /* before */
};

struct fetched {
	struct context *context; /* the command's own: holds what is told at the end */
	struct {
		struct item *items;
		size_t count, cap;
	} list;
};

/* A generation of its own: two environments may differ in everything. */
static void open_side(struct context *side, struct context *c, const char *environment)
{
	*side = (struct context){ .lock = { .fd = -1 }, .summoned = -1 };
	side->diags.arena = &side->arena;
	side->g = c->g;
	side->g.environment = environment;
	side->cmd = c->cmd;
	side->out = c->out;
	side->err = c->err;
	side->began_ms = c->began_ms;
}

/* ---- what there is ---- */

static void add_item(struct fetched *f, const char *what, const char *name)
{
	struct arena *a = &f->context->arena;
	for (size_t i = 0; i < f->list.count; i++)
		if (streq(f->list.items[i].name, name))
			return;
	*list_push(a, &f->list) =
		(struct item){ arena_strdup(a, what), arena_strdup(a, name), -1, false };
}

static void list_images(struct fetched *f, struct context *side)
{
	struct strs names = { 0 };
	plan_registry(&side->arena, &side->project, &names);
	for (size_t i = 0; i < names.count; i++)
		add_item(f, names.items[i],
			plan_reference(&side->arena, &side->world, names.items[i]));
	for (size_t i = 0; i < side->plan.builds.count; i++) {
		const struct build *b = side->plan.builds.items[i];
		if (b->image)
			add_item(f, b->image->name, b->tag);
	}
	for (size_t i = 0; i < side->plan.named.count; i++) {
		const struct named *n = &side->plan.named.items[i];
		add_item(f, n->service->name, n->tag);
	}
}

/* Before: what is there is noted as such. After: its size. */
static int look_at_items(struct fetched *f, struct context *side, size_t first, bool before)
{
	struct strs names = { 0 };
	struct world w = { 0 };
	for (size_t i = first; i < f->list.count; i++)
		strs_add(&side->arena, &names, f->list.items[i].name);
	if (engine_images(side->engine, &side->arena, &names, &w, &side->error))
		return fail(side);
	for (size_t i = first; i < f->list.count; i++) {
		struct item *item = &f->list.items[i];
		const struct seen_image *seen = world_image(&w, item->name);
		item->there |= before && seen->id;
		item->size = seen->id ? seen->size : -1;
	}
	return 0;
}

/* ---- bringing it ---- */

/* What came under a name may be newer than what was built on it elsewhere: that is built anew while
 * there is a network. */
static int build_on_pulled(struct context *side, const struct plan_request *r)
{
	bool pulled = false;
	for (size_t i = 0; i < side->plan.steps.count; i++)
		pulled |= starts_with(side->plan.steps.items[i]->id, "pull ");
	int status = pulled ? look_at_registry(side) : 0;
	status = !status && pulled ? make_plan(side, r) : status;
	bool builds = false;
	for (size_t i = 0; !status && pulled && i < side->plan.steps.count; i++)
		builds |= side->plan.steps.items[i]->kind == STEP_BUILD;
	return builds ? carry_out(side) : status;
}

static int fetch_services(struct context *side, struct fetched *f)
{
	struct prepare p = { .request = { .goal = GOAL_FETCH, .no_hooks = true, .timeout_ms = -1 },
		.engine = true,
		.write = true };
	size_t first = f->list.count;
	int status = open_places(side);
	if (!status && !side->project.dev)
		status = look_at_source(side, NULL);
	status = status ? status : look(side);
	status = status ? status : need_engine(side);
	status = status ? status : look_at_registry(side);
	status = status ? status : prepare(side, &p);
	if (!status && side->g.dry_run)
		return show_plan(side);
	if (status)
		return status;
	list_images(f, side);
	status = look_at_items(f, side, first, true);
	for (size_t i = 0; i < side->plan.notes.count; i++)
		note(side, "note: %s", side->plan.notes.items[i]);
	status = status ? status : carry_out(side);
	status = status ? status : build_on_pulled(side, &p.request);
	return status ? status : look_at_items(f, side, first, false);
}

static int fetch_tools(struct context *side, struct fetched *f)
{
	size_t first = f->list.count;
	int status = bring_tools(side);
	if (status || side->g.dry_run)
		return status;
	add_item(f, "debug", tools_image(&side->arena, &side->project, &side->world));
	if (f->list.count > first)
		f->list.items[first].there = !side->plan.steps.count;
	return look_at_items(f, side, first, false);
}

static int with_side(struct context *c, const char *environment, struct fetched *f,
	int (*bring)(struct context *side, struct fetched *f))
{
	struct context side;
	open_side(&side, c, environment);
	int status = bring(&side, f);
	context_release(&side);
	return status;
}

/* ---- telling ---- */

static const char *size_text(struct arena *a, int64_t size)
{
	return size < 0 ? "" : arena_printf(a, "%.1f MB", (double)size / 1e6);
}

static struct node *items_json(struct arena *a, const struct fetched *f)
{
	const struct place no = { 0 };
	struct node *list = node_list(a, no);
	for (size_t i = 0; i < f->list.count; i++) {
		const struct item *k = &f->list.items[i];
		struct node *n = node_map(a, no);
		map_put(a, n, "what", no, node_str(a, k->what, no));
		map_put(a, n, "image", no, node_str(a, k->name, no));
		map_put(a, n, "bytes", no, node_int(a, k->size, no));
		map_put(a, n, "there", no, node_bool(a, k->there, no));
		list_add(a, list, n);
	}
	return list;
}

static int tell(struct context *c, const struct fetched *f)
{
	static const char *const head[] = { "WHAT", "SIZE", "STATE", "IMAGE" };
	cleanup_buf struct buf b = BUF_INIT;
	struct table *t = table_new(&c->arena, head, countof(head));
	if (c->g.json) {
		emit_node(items_json(&c->arena, f));
		return 0;
	}
	for (size_t i = 0; i < f->list.count; i++) {
		const struct item *k = &f->list.items[i];
		table_row(t, (const char *const[]){ k->what, size_text(&c->arena, k->size),
				     k->there       ? "was there"
				     : k->size >= 0 ? "fetched"
						    : "absent",
				     k->name });
	}
	table_write(&b, t, c->out);
	return emit(&b) ? 0 : ERR_FAILED;
}

static int run_fetch(struct context *c, const void *opts, const struct strs *args)
{
	const struct fetch_opts *o = opts;
	struct fetched f = { .context = c };
	struct strs environments = o->environments;
	(void)args;
	if (!environments.count)
		strs_add(&c->arena, &environments, c->g.environment);
	int status = 0;
	for (size_t i = 0; !status && i < environments.count; i++)
		status = with_side(c, environments.items[i], &f, fetch_services);
	if (!status && !o->no_tools)
		status = with_side(c, environments.items[0], &f, fetch_tools);
	return status || c->g.dry_run ? status : tell(c, &f);
}

const struct cmd cmd_fetch = {
	.name = "fetch",
	.group = "data",
	.args = "[--env NAME...]",
	.help = "bring all that is needed to work without a network",
	.detail = "Registry images are pulled, rungs are built, dependencies are installed, and "
		  "so is the image of\n"
		  "`devenv debug`. Afterwards `up` asks no registry and waits for no name to be "
		  "resolved. What is\n"
		  "there already is not brought again. Outside of dev the release images of this "
		  "commit "
		  "are\n"
		  "among them. Services that a profile holds back come "
		  "with --profile.",
	.opts = fetch_options,
	.opts_size = sizeof(struct fetch_opts),
	.run = run_fetch,
};
