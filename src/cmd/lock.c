/*
 * lock: devenv.lock written, compared or brought up to date. What is to be resolved anew is built
 * without its lock, looked into, and written down.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "planner/lock.h"
#include "run/engine/contents.h"
#include "run/probe.h"

struct lock_opts {
	bool update, check, prune;
};

#define LOCK(field) offsetof(struct lock_opts, field)
static const struct opt lock_options[] = {
	{ "update", 'u', OPT_FLAG, NULL,
		"take the newest of IMAGE..., or of all: pulled and built without what is locked",
		NULL, COMPLETE_NONE, LOCK(update), false },
	{ "check", 0, OPT_FLAG, NULL,
		"write nothing; fail when it is stale, or when built images hold anything else",
		NULL, COMPLETE_NONE, LOCK(check), false },
	{ "prune", 0, OPT_FLAG, NULL, "drop what this environment's configuration does not name",
		NULL, COMPLETE_NONE, LOCK(prune), false },
	{ 0 },
};

struct locking {
	struct context *context;
	const struct lockfile *old; /* as on disk */
	struct lockfile kept;       /* without what is resolved anew */
	struct strs rungs;          /* that are resolved anew */
	struct strs images;         /* of registries: the same */
	struct map contents;        /* struct packages, by rung or image */
	struct strs unseen;         /* rungs that are not built here */
};

static const struct lockfile nothing;

static struct strs registry_names(struct context *c)
{
	struct strs names = { 0 };
	plan_registry(&c->arena, &c->project, &names);
	return names;
}

/* ---- what is to be resolved anew ---- */

static int unknown_image(struct context *c, const char *name)
{
	struct strs all = registry_names(c);
	for (size_t i = 0; i < c->project.images.count; i++)
		if (c->project.images.items[i].used)
			strs_add(&c->arena, &all, c->project.images.items[i].name);
	err_set(&c->error, ERR_USAGE, "there is no image \"%s\" in this project", name);
	const char *near = nearest_name(name, all.items, all.count);
	if (near)
		err_hint(&c->error, "did you mean %s?", near);
	else
		err_hint(&c->error, "its images are: %s", strs_join(&c->arena, &all, ", "));
	return fail(c);
}

/* With a rung goes the image it stands on, and with that whatever else stands on it. */
static int choose_named(struct locking *k, const struct strs *args)
{
	struct context *c = k->context;
	struct strs all = registry_names(c);
	for (size_t i = 0; i < args->count; i++) {
		const struct image *image = project_image(&c->project, args->items[i]);
		const char *from = image && !image->parent ? image->from : NULL;
		const char *name = image ? from : args->items[i];
		if (image && image->used)
			strs_add(&c->arena, &k->rungs, image->name);
		else if (!strs_has(&all, args->items[i]))
			return unknown_image(c, args->items[i]);
		if (name && strs_has(&all, name) && !strs_has(&k->images, name))
			strs_add(&c->arena, &k->images, name);
	}
	for (size_t i = 0; i < c->project.images.count; i++) {
		const struct image *r = &c->project.images.items[i];
		if (r->used && !r->parent && r->from && strs_has(&k->images, r->from) &&
			!strs_has(&k->rungs, r->name))
			strs_add(&c->arena, &k->rungs, r->name);
	}
	return 0;
}

static void choose_all(struct locking *k)
{
	struct context *c = k->context;
	k->images = registry_names(c);
	for (size_t i = 0; i < c->project.images.count; i++)
		if (c->project.images.items[i].used)
			strs_add(&c->arena, &k->rungs, c->project.images.items[i].name);
}

/* What is not locked, or not as it is asked for now. */
static void choose_stale(struct locking *k)
{
	struct context *c = k->context;
	struct strs names = registry_names(c);
	for (size_t i = 0; i < names.count; i++)
		if (!locked_image(k->old, names.items[i]))
			strs_add(&c->arena, &k->images, names.items[i]);
	for (size_t i = 0; i < c->project.images.count; i++) {
		const struct image *r = &c->project.images.items[i];
		if (r->used && lock_fit(&c->arena, &c->project, &c->world, r) != LOCK_FITS)
			strs_add(&c->arena, &k->rungs, r->name);
	}
}

static void keep_rest(struct locking *k)
{
	struct arena *a = &k->context->arena;
	for (size_t i = 0; i < k->old->rungs.count; i++)
		if (!strs_has(&k->rungs, k->old->rungs.items[i].name))
			*list_push(a, &k->kept.rungs) = k->old->rungs.items[i];
	for (size_t i = 0; i < k->old->images.count; i++)
		if (!strs_has(&k->images, k->old->images.items[i].name))
			*list_push(a, &k->kept.images) = k->old->images.items[i];
}

/* ---- what images hold ---- */

static int read_contents(struct locking *k, const char *name, const char *image)
{
	struct context *c = k->context;
	struct packages *l = arena_new(&c->arena, struct packages);
	if (map_has(&k->contents, name))
		return 0;
	if (image_packages(c->engine, &c->arena, image, c->project.workspace, l, &c->error))
		return fail(c);
	map_set(&k->contents, name, l);
	return 0;
}

/* A rung's own packages are what it has beyond that which it stands on. */
static int read_rung(struct locking *k, const struct image *i)
{
	struct context *c = k->context;
	const char *tag = plan_tag(&c->arena, &c->project, &c->world, i);
	int status = read_contents(k, i->name, tag);
	if (!status && i->parent)
		return read_contents(
			k, i->parent->name, plan_tag(&c->arena, &c->project, &c->world, i->parent));
	const char *ref = i->from ? plan_reference(&c->arena, &c->world, i->from) : NULL;
	const struct seen_image *seen = ref ? world_image(&c->world, ref) : NULL;
	if (!status && seen && seen->id)
		status = read_contents(k, i->from, ref);
	return status;
}

static int read_rungs(struct locking *k)
{
	struct context *c = k->context;
	int status = 0;
	for (size_t i = 0; !status && i < k->rungs.count; i++)
		status = read_rung(k, project_image(&c->project, k->rungs.items[i]));
	return status;
}

/* ---- bringing it about ---- */

static void name_needed(struct locking *k, struct strs *names)
{
	struct context *c = k->context;
	for (size_t i = 0; i < k->images.count; i++)
		strs_add(&c->arena, names, k->images.items[i]);
	for (size_t i = 0; i < k->rungs.count; i++) {
		const struct image *r = project_image(&c->project, k->rungs.items[i]);
		strs_add(&c->arena, names, r->name);
		if (!r->parent && r->from)
			strs_add(&c->arena, names, r->from);
	}
}

static int build_needed(struct locking *k, bool update)
{
	struct context *c = k->context;
	struct prepare p = { .request = { .goal = GOAL_IMAGES,
				     .pull = update,
				     .no_cache = update,
				     .timeout_ms = -1 },
		.engine = true,
		.write = true };
	name_needed(k, &p.request.images);
	if (!p.request.images.count)
		return 0;
	int status = prepare(c, &p);
	if (!status && c->g.dry_run)
		return show_plan(c);
	if (!status && c->plan.steps.count)
		status = carry_out(c);
	return status ? status : look_at_registry(c);
}

/* Checked is what is built, as it is tagged with the lock in force. */
static int find_built(struct locking *k)
{
	struct context *c = k->context;
	struct strs tags = { 0 }, built = { 0 };
	plan_tags(&c->arena, &c->project, &c->world, &tags);
	if (engine_images(c->engine, &c->arena, &tags, &c->world, &c->error))
		return fail(c);
	for (size_t i = 0; i < k->rungs.count; i++) {
		const struct image *r = project_image(&c->project, k->rungs.items[i]);
		const char *tag = plan_tag(&c->arena, &c->project, &c->world, r);
		const char *below =
			r->parent ? plan_tag(&c->arena, &c->project, &c->world, r->parent) : tag;
		bool there = world_has_image(&c->world, tag) && world_has_image(&c->world, below);
		bool fits = lock_fit(&c->arena, &c->project, &c->world, r) == LOCK_FITS;
		if (fits)
			strs_add(&c->arena, there ? &built : &k->unseen, r->name);
	}
	k->rungs = built;
	return 0;
}

/* ---- results ---- */

static int show(struct context *c, const struct lock_changes *l)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (c->g.json) {
		emit_node(view_lock_json(&c->arena, l));
		return 0;
	}
	if (l->count)
		view_lock(&b, &c->arena, l, c->out);
	return emit(&b) ? 0 : ERR_FAILED;
}

static void tell_local(struct context *c, const struct lockfile *l)
{
	for (size_t i = 0; i < l->images.count; i++)
		if (l->images.items[i].local)
			note(c,
				"note: %s was imported or built here and has no digest: it is "
				"locked by its id, which other machines cannot have",
				l->images.items[i].name);
}

static int write_lock(struct context *c, const struct lockfile *l, const struct lock_changes *diff)
{
	cleanup_buf struct buf text = BUF_INIT;
	size_t packages = 0;
	bool changed = false;
	lockfile_write(&text, l);
	if (file_update(path_join(&c->arena, c->root, LOCK_FILE), text.data, text.len, 0644,
		    &changed, &c->error))
		return fail(c);
	int status = show(c, diff);
	for (size_t i = 0; i < l->rungs.count; i++)
		packages += l->rungs.items[i].packages.count;
	tell_local(c, l);
	note(c, "%s: %s: %zu registry image%s, %zu rung%s, %zu package%s.", LOCK_FILE,
		changed ? "written" : "up to date", l->images.count,
		l->images.count == 1 ? "" : "s", l->rungs.count, l->rungs.count == 1 ? "" : "s",
		packages, packages == 1 ? "" : "s");
	return status;
}

static int check(struct locking *k)
{
	struct context *c = k->context;
	struct lockfile now;
	struct lock_changes diff = { 0 };
	struct locking stale = { .context = c, .old = k->old };
	choose_stale(&stale);
	choose_all(k);
	int status = find_built(k);
	status = status ? status : look_at_registry(c);
	status = status ? status : read_rungs(k);
	if (status)
		return status;
	for (size_t i = 0; i < k->old->images.count; i++)
		if (!k->old->images.items[i].local)
			*list_push(&c->arena, &k->kept.images) = k->old->images.items[i];
	k->kept.rungs = k->old->rungs;
	const struct lockfile *locked = c->world.locked;
	c->world.locked = &k->kept;
	lock_resolve(&c->arena, &c->project, &c->world, &k->rungs, &k->contents, &now);
	c->world.locked = locked;
	for (size_t i = 0; i < k->old->images.count; i++) /* the engine may lack one */
		if (!locked_image(&now, k->old->images.items[i].name))
			*list_push(&c->arena, &now.images) = k->old->images.items[i];
	lock_compare(&c->arena, k->old, &now, &diff);
	for (size_t i = 0; i < stale.rungs.count; i++)
		*list_push(&c->arena, &diff) = (struct lock_change){ stale.rungs.items[i], "",
			locked_rung(k->old, stale.rungs.items[i]) ? "stale" : NULL,
			"asked for now" };
	for (size_t i = 0; i < k->unseen.count; i++)
		note(c, "note: %s is not built here as it is locked, so it was not looked into",
			k->unseen.items[i]);
	status = show(c, &diff);
	if (status || !diff.count)
		return status;
	err_set(&c->error, ERR_FAILED, "%s differs from what is asked for or built", LOCK_FILE);
	err_hint(&c->error,
		"`devenv lock` brings it up to date; `devenv build --no-cache` builds anew");
	return fail(c);
}

static int resolve(struct locking *k, const struct lock_opts *o, const struct strs *args)
{
	struct context *c = k->context;
	struct lockfile now;
	struct lock_changes diff = { 0 };
	int status = 0;
	if (o->update && args->count)
		status = choose_named(k, args);
	else if (o->update)
		choose_all(k);
	else
		choose_stale(k);
	keep_rest(k);
	c->world.locked = &k->kept;
	status = status ? status : look_at_registry(c);
	status = status ? status : build_needed(k, o->update);
	if (status || c->g.dry_run)
		return status;
	status = read_rungs(k);
	if (status)
		return status;
	lock_resolve(&c->arena, &c->project, &c->world, &k->rungs, &k->contents, &now);
	if (o->prune)
		lock_prune(&c->arena, &c->project, &now);
	lock_compare(&c->arena, k->old, &now, &diff);
	return write_lock(c, &now, &diff);
}

static int run_lock(struct context *c, const void *opts, const struct strs *args)
{
	const struct lock_opts *o = opts;
	struct locking k = { .context = c, .old = &nothing };
	struct strs inputs = { 0 };
	bool checks = o->check || c->g.frozen;
	if (args->count && !o->update)
		return fail_with(c, ERR_USAGE, "IMAGE is for --update: devenv lock --update %s",
			args->items[0]);
	if (checks && (o->update || o->prune))
		return fail_with(c, ERR_USAGE, "--check writes nothing: it goes without %s",
			o->update ? "--update" : "--prune");
	c->g.frozen = false; /* it means --check here */
	int status = open_places(c);
	status = status ? status : look(c);
	status = status ? status : need_engine(c);
	if (status)
		return status;
	plan_inputs(&c->arena, &c->project, &inputs);
	if (probe_inputs(&c->arena, &inputs, &c->world, &c->error))
		return fail(c);
	k.old = c->world.locked ? c->world.locked : &nothing;
	if (checks && !c->world.locked) {
		err_set(&c->error, ERR_FAILED, "there is no %s", LOCK_FILE);
		err_hint(&c->error, "`devenv lock` writes it: commit it");
		return fail(c);
	}
	status = checks ? check(&k) : resolve(&k, o, args);
	map_release(&k.contents);
	return status;
}

const struct cmd cmd_lock = {
	.name = "lock",
	.group = "data",
	.args = "[--update [IMAGE...]]",
	.help = "write devenv.lock: digests of registry images, versions of all packages",
	.detail =
		"Builds what is missing, looks into the images, and writes what is not locked yet "
		"or has changed\n"
		"since. Builds then stand on those digests and install those versions. Commit the "
		"file.\n\n"
		"Debian's mirrors keep one version of a package, so a security update takes the "
		"locked one away.\n"
		"Where --frozen is given, and in all environments but dev, such a build fails and "
		"names both\n"
		"versions; in dev it goes on without the rung's lock, and says so. `devenv lock "
		"--update IMAGE`\n"
		"takes the new ones; a mirror that keeps all of them (snapshot.debian.org) in the "
		"base image\n"
		"keeps the lock in force.\n\n"
		"An image that was imported has no digest; it is locked by its id. What run lines "
		"and an own\n"
		"Dockerfile install is noted for --check, and cannot be enforced.",
	.opts = lock_options,
	.opts_size = sizeof(struct lock_opts),
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = run_lock,
};
