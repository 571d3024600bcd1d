/*
 * build: images that the engine does not have yet. Outside of development, where modules get their
 * release images, also what these are called elsewhere, and their way out: to a registry or into a
 * file. Comes in: images and services by name. Goes out: the names, one a line.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "run/engine/oci.h"

struct build_opts {
	bool force, no_cache, pull;
	const char *tag, *push, *save;
};

#define BUILD(field) offsetof(struct build_opts, field)
static const struct opt build_options[] = {
	{ "force", 0, OPT_FLAG, NULL, "build what the engine already has, too", NULL, COMPLETE_NONE,
		BUILD(force), false },
	{ "no-cache", 0, OPT_FLAG, NULL,
		"do every step anew, whatever the builder remembers; with that, release images are "
		"built again",
		NULL, COMPLETE_NONE, BUILD(no_cache), false },
	{ "pull", 0, OPT_FLAG, NULL,
		"as --force, and look for newer ones of the registry images they stand on", NULL,
		COMPLETE_NONE, BUILD(pull), false },
	{ "tag", 0, OPT_TEXT, "TAG",
		"name the images PROJECT-SVC:TAG instead of after the commit (not in dev)", NULL,
		COMPLETE_NONE, BUILD(tag), false },
	{ "push", 0, OPT_TEXT, "REGISTRY",
		"then push them as REGISTRY/PROJECT-SVC:TAG (not in dev)", NULL, COMPLETE_NONE,
		BUILD(push), false },
	{ "save", 0, OPT_TEXT, "FILE", "then write them into an OCI archive (not in dev)", NULL,
		COMPLETE_FILE, BUILD(save), false },
	{ 0 },
};

/* Services first: a service and the rung that it alone stands on often share a name. */
static void sort_names(struct context *c, const struct strs *args, struct plan_request *r)
{
	for (size_t i = 0; i < args->count; i++) {
		const char *name = args->items[i];
		bool image =
			!project_service(&c->project, name) && project_image(&c->project, name);
		strs_add(&c->arena, image ? &r->images : &r->services, name);
	}
}

static int check_environment(struct context *c, const struct build_opts *o)
{
	const char *option = o->tag ? "--tag" : o->push ? "--push" : o->save ? "--save" : NULL;
	if (!option || !c->project.dev)
		return 0;
	err_set(&c->error, ERR_USAGE,
		"%s is for the images of another environment: in dev they hold no code, and their "
		"user is you",
		option);
	err_hint(&c->error, "devenv build --env prod %s ...", option);
	return fail(c);
}

/* Those that Compose builds need its file. */
static bool writes(const struct context *c)
{
	bool build = false;
	for (size_t i = 0; i < c->project.services.count; i++)
		build = build || c->project.services.items[i].build;
	return c->project.dev || build;
}

static const char *remote_name(struct context *c, const char *registry, const struct named *n)
{
	size_t len = strlen(registry);
	while (len && registry[len - 1] == '/')
		len--;
	return arena_printf(&c->arena, "%.*s/%s", (int)len, registry, n->name);
}

static int tag_all(struct context *c, const struct plan *built, const struct build_opts *o)
{
	for (size_t i = 0; i < built->named.count; i++) {
		const struct named *n = &built->named.items[i];
		if (engine_tag(c->engine, n->tag, n->name, &c->error))
			return fail(c);
		if (o->push && engine_tag(c->engine, n->tag, remote_name(c, o->push, n), &c->error))
			return fail(c);
	}
	return 0;
}

static struct step *docker_step(
	struct context *c, const char *id, const char *unit, const char *verb, const char *why)
{
	struct step *s = plan_add(&c->plan, STEP_EXEC, unit, (struct place){ 0 }, "%s", why);
	s->id = id;
	s->dir = c->project.dir;
	strs_add(&c->arena, &s->argv, "docker");
	strs_add(&c->arena, &s->argv, verb);
	return s;
}

/* By the client, which knows where credentials are kept. */
static void plan_push(struct context *c, const struct plan *built, const char *registry)
{
	struct step *before = NULL;
	for (size_t i = 0; i < built->named.count; i++) {
		const struct named *n = &built->named.items[i];
		struct step *s = docker_step(c, arena_printf(&c->arena, "push %s", n->name),
			n->name, "push", arena_printf(&c->arena, "to %s", registry));
		strs_add(&c->arena, &s->argv, remote_name(c, registry, n));
		plan_need(&c->plan, s, before); /* layers that they share go once */
		before = s;
	}
}

static const char *plan_save(struct context *c, const struct plan *built, const char *file)
{
	const char *saved = arena_printf(&c->arena, "%s.docker", file);
	struct step *s = docker_step(c, "save images", NULL, "save", file);
	strs_add(&c->arena, &s->argv, "-o");
	strs_add(&c->arena, &s->argv, saved);
	for (size_t i = 0; i < built->named.count; i++)
		strs_add(&c->arena, &s->argv, built->named.items[i].name);
	return saved;
}

static int archive(struct context *c, const char *saved, const char *file)
{
	struct err ignored = ERR_INIT;
	int bad = oci_archive(&c->arena, saved, file, &c->error);
	tree_remove(saved, &ignored);
	return bad ? fail(c) : 0;
}

/* What was built, on its way. */
static int deliver(struct context *c, const struct plan *built, const struct build_opts *o)
{
	const char *here = o->save ? path_real(&c->arena, ".") : NULL;
	const char *file = here ? path_join(&c->arena, here, o->save) : NULL, *saved = NULL;
	if (!built->named.count || (!o->push && !o->save))
		return 0;
	c->plan = (struct plan){ .arena = &c->arena, .project = &c->project };
	if (o->push)
		plan_push(c, built, o->push);
	if (file)
		saved = plan_save(c, built, file);
	int status = carry_out(c);
	return status || !file ? status : archive(c, saved, file);
}

static int tell(struct context *c, const struct plan *built, const struct build_opts *o)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct node *list = node_list(&c->arena, (struct place){ 0 });
	for (size_t i = 0; i < built->named.count; i++) {
		const struct named *n = &built->named.items[i];
		const char *name = o->push ? remote_name(c, o->push, n) : n->name;
		struct node *item = node_map(&c->arena, list->place);
		const char *const words[] = { "service", n->service->name, "image", name, "tag",
			n->tag };
		for (size_t k = 0; k < countof(words); k += 2)
			map_put(&c->arena, item, words[k], list->place,
				node_str(&c->arena, words[k + 1], list->place));
		list_add(&c->arena, list, item);
		buf_addf(&b, "%s\n", name);
	}
	if (c->g.json)
		emit_node(list);
	return c->g.json || emit(&b) ? 0 : ERR_FAILED;
}

static int build(struct context *c)
{
	if (c->plan.steps.count)
		return carry_out(c);
	note(c, "Nothing to build: the engine has every image.");
	return 0;
}

static void say_notes(struct context *c)
{
	for (size_t i = 0; !c->plan.steps.count && i < c->plan.notes.count; i++)
		note(c, "note: %s", c->plan.notes.items[i]);
}

static int run_build(struct context *c, const void *opts, const struct strs *args)
{
	const struct build_opts *o = opts;
	struct prepare p = {
		.request = { .goal = GOAL_BUILD,
			.build = o->force || o->pull,
			.no_cache = o->no_cache,
			.pull = o->pull,
			.timeout_ms = -1 },
		.engine = true,
	};
	int status = load_project(c);
	status = status ? status : check_environment(c, o);
	status = status || c->project.dev ? status : look_at_source(c, o->tag);
	if (status)
		return status;
	sort_names(c, args, &p.request);
	p.write = writes(c);
	status = prepare(c, &p);
	if (status)
		return status;
	if (c->g.dry_run)
		return show_plan(c);
	struct plan built = c->plan;
	say_notes(c);
	status = build(c);
	status = status ? status : tag_all(c, &built, o);
	status = status ? status : deliver(c, &built, o);
	return status || c->project.dev ? status : tell(c, &built, o);
}

const struct cmd cmd_build = {
	.name = "build",
	.group = "data",
	.args = "[IMAGE|SVC...]",
	.help = "build the images that the engine does not have yet",
	.detail = "Images are named by the hash of everything that goes into them, their parents "
		  "included: what\n"
		  "is there is never built twice, and a changed rung rebuilds just what stands on "
		  "it.\n"
		  "\n"
		  "In another environment than dev (devenv build --env prod) a module with "
		  "`release:` gets its\n"
		  "production image, too: its build is run in the module's own rung, with its "
		  "sources and locked\n"
		  "dependencies, and only its artifacts and these dependencies are copied into the "
		  "result. The\n"
		  "images are called PROJECT-SVC:VERSION after the last tag and the commit, which "
		  "their labels\n"
		  "name; two builds of one commit have the same content.",
	.opts = build_options,
	.opts_size = sizeof(struct build_opts),
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_build,
};
