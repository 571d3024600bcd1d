/*
 * diff: two environments of one project compared, by configuration and by what their images
 * contain. Comes in: two names. Goes out: a table or JSON, and a status that fails on what is not
 * allowed. Changes nothing but a cache.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "planner/parity.h"
#include "run/engine/image_facts.h"
#include "run/probe.h"
#include "view/parity.h"

struct diff_opts {
	bool config_only, build;
};

#define DIFF(field) offsetof(struct diff_opts, field)
static const struct opt diff_options[] = {
	{ "config-only", 0, OPT_FLAG, NULL,
		"compare the configuration alone: no engine is asked, no image looked into", NULL,
		COMPLETE_NONE, DIFF(config_only), false },
	{ "build", 0, OPT_FLAG, NULL, "build the images that the engine does not have yet, first",
		NULL, COMPLETE_NONE, DIFF(build), false },
	{ 0 },
};

struct side { /* one environment: a generation of its own in a context of its own */
	struct context own;
	struct context *c;
	struct parity_images images;
};

/* What runs elsewhere for now (`up --host`) is no property of an environment. */
static int load_side(struct side *s, struct context *c, const char *environment)
{
	s->own = (struct context){ .lock = { .fd = -1 }, .summoned = -1 };
	s->c = &s->own;
	s->own.diags.arena = &s->own.arena;
	s->own.g = c->g;
	s->own.g.environment = environment;
	s->own.cmd = c->cmd;
	s->own.out = c->out;
	s->own.err = c->err;
	s->own.sought = true;
	s->own.began_ms = c->began_ms;
	return open_places(s->c);
}

static int name_images(struct side *s)
{
	struct context *c = s->c;
	struct strs inputs = { 0 };
	plan_inputs(&c->arena, &c->project, &inputs);
	if (probe_inputs(&c->arena, &inputs, &c->world, &c->error))
		return fail(c);
	parity_images(&c->arena, &c->project, &c->world, &s->images);
	return 0;
}

static int build_images(struct side *s, const struct strs *services)
{
	struct prepare p = {
		.request = { .goal = GOAL_BUILD, .services = *services, .timeout_ms = -1 },
		.engine = true,
		.write = true,
	};
	int status = prepare(s->c, &p);
	if (!status && s->c->plan.steps.count)
		status = carry_out(s->c);
	lock_drop(&s->c->lock); /* the other environment is of the same workspace */
	s->c->locked = false;
	return status;
}

/* Services that share an image have it read once, with the directories of all of them. */
static void add_once(struct arena *a, struct strs *l, const char *dir)
{
	if (dir && !strs_has(l, dir))
		strs_add(a, l, dir);
}

static void gather_dirs(struct side *s, struct image_ask *ask)
{
	for (size_t i = 0; i < s->images.count; i++) {
		const struct parity_image *x = &s->images.items[i];
		if (!streq(x->reference, ask->reference))
			continue;
		add_once(&s->c->arena, &ask->trees, x->tree);
		for (size_t k = 0; k < x->dirs.count; k++)
			add_once(&s->c->arena, &ask->dirs, x->dirs.items[k]);
	}
}

static bool is_wanted(const struct parity_image *i, const struct strs *services)
{
	return i->reference && (!services->count || strs_has(services, i->service->name));
}

static const struct parity_image *counterpart(struct side *other, const struct parity_image *i)
{
	for (size_t k = 0; k < other->images.count; k++) {
		if (streq(other->images.items[k].service->name, i->service->name))
			return &other->images.items[k];
	}
	return NULL;
}

struct asks {
	struct image_ask *items;
	size_t count, cap;
};

/* Where both environments run one image there is nothing to compare it with. */
static void ask_for(struct context *c, struct side sides[2], size_t n, struct parity_image *i,
	struct asks *asks)
{
	const struct parity_image *other = counterpart(&sides[!n], i);
	bool compared = other && !streq(other->reference, i->reference);
	struct image_ask *ask = NULL;
	for (size_t k = 0; k < asks->count; k++) {
		if (streq(asks->items[k].reference, i->reference))
			ask = &asks->items[k];
	}
	if (!ask) {
		ask = list_push(&c->arena, asks);
		*ask = (struct image_ask){ .reference = i->reference,
			.workspace = sides[n].c->project.workspace,
			.id_alone = true,
			.out = arena_new(&c->arena, struct image_facts) };
		gather_dirs(&sides[0], ask);
		gather_dirs(&sides[1], ask);
		strs_sort(&ask->trees);
		strs_sort(&ask->dirs);
	}
	ask->id_alone = ask->id_alone && !compared;
	i->facts = ask->out;
}

static int read_images(struct context *c, struct side sides[2], const struct strs *services)
{
	struct asks asks = { 0 };
	for (size_t n = 0; n < 2; n++) {
		for (size_t i = 0; i < sides[n].images.count; i++) {
			if (is_wanted(&sides[n].images.items[i], services))
				ask_for(c, sides, n, &sides[n].images.items[i], &asks);
		}
	}
	if (image_facts_read(c->engine, &c->arena, sides[0].c->places.cache, asks.items, asks.count,
		    &c->error))
		return fail(c);
	return 0;
}

static int look_into(struct context *c, struct side sides[2], const struct diff_opts *o,
	const struct strs *services)
{
	int status = look_at_source(sides[0].c, NULL);
	status = status ? status : look_at_source(sides[1].c, NULL);
	for (size_t i = 0; !status && o->build && i < 2; i++)
		status = build_images(&sides[i], services);
	for (size_t i = 0; !status && i < 2; i++)
		status = name_images(&sides[i]);
	status = status ? status : open_engine(c);
	return status ? status : read_images(c, sides, services);
}

static int check_names(struct side sides[2], const struct strs *services)
{
	for (size_t i = 0; i < services->count; i++) {
		if (!project_service(&sides[1].c->project, services->items[i]) &&
			!named_service(sides[0].c, services->items[i]))
			return ERR_USAGE;
	}
	return 0;
}

static int show(struct context *c, struct side sides[2], bool images, const struct strs *services)
{
	struct parity_side both[2];
	struct parity p;
	cleanup_buf struct buf b = BUF_INIT;
	for (size_t i = 0; i < 2; i++)
		both[i] = (struct parity_side){ &sides[i].c->project, &sides[i].c->world,
			images ? &sides[i].images : NULL };
	parity_make(&c->arena, both, services, &p);
	if (c->g.json)
		emit_node(view_parity_json(&c->arena, &p));
	else
		view_parity(&b, &c->arena, &p, c->out);
	if (!emit(&b))
		return ERR_FAILED;
	return p.refused || p.unseen ? ERR_FAILED : 0;
}

static int run_diff(struct context *c, const void *opts, const struct strs *args)
{
	const struct diff_opts *o = opts;
	struct side *sides = arena_array(&c->arena, struct side, 2);
	const struct strs services = { args->items + 2, args->count - 2, args->count - 2 };
	int status = 0;
	size_t open = 0;
	while (!status && open < 2) {
		status = load_side(&sides[open], c, args->items[open]);
		open++;
	}
	status = status ? status : check_names(sides, &services);
	if (!status && !o->config_only)
		status = look_into(c, sides, o, &services);
	if (!status)
		status = show(c, sides, !o->config_only, &services);
	while (open--)
		context_release(sides[open].c);
	return status;
}

const struct cmd cmd_diff = {
	.name = "diff",
	.group = "configuration",
	.args = "ENV ENV [SVC...]",
	.help = "every way in which two environments differ, and which of them is not allowed",
	.detail =
		"Services are compared by their merged configuration and by what their built "
		"images\n"
		"contain: base release, packages, users, directories and files, locale, time "
		"zone,\n"
		"environment, ports, entry point. Nothing is started for that.\n"
		"\n"
		"Each difference has a path. Those that parity.allow of devenv.yml names are\n"
		"accepted, those that cannot but be (sources that dev mirrors, ids that it maps)\n"
		"are expected; any other one makes the exit status 1, and so does an image that "
		"is\n"
		"not there to be looked into.",
	.opts = diff_options,
	.opts_size = sizeof(struct diff_opts),
	.min_args = 2,
	.max_args = -1,
	.run = run_diff,
};
