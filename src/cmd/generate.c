/*
 * generate, plan, graph: what follows from the configuration, written or shown, but not started.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "run/apply.h"

struct generate_opts {
	bool diff, build, no_deps;
	const char *format;
	struct production_opts production;
};

#define GENERATE(field) offsetof(struct generate_opts, field)
static const struct opt generate_options[] = {
	{ "diff", 0, OPT_FLAG, NULL,
		"show what would change in the generated files, and write nothing", NULL,
		COMPLETE_NONE, GENERATE(diff), false },
	{ "output", 'o', OPT_TEXT, "DIR",
		"write into DIR what others run: a compose file with all that belongs to it (not "
		"in dev)",
		NULL, COMPLETE_DIR, GENERATE(production.dir), false },
	{ "registry", 0, OPT_TEXT, "REGISTRY", "with -o: the images are those of REGISTRY", NULL,
		COMPLETE_NONE, GENERATE(production.registry), false },
	{ "tag", 0, OPT_TEXT, "TAG", "with -o: of the images, as `build --tag`", NULL,
		COMPLETE_NONE, GENERATE(production.tag), false },
	{ "external-secrets", 0, OPT_FLAG, NULL,
		"with -o: the cluster keeps the secrets; they are no files beside the compose file",
		NULL, COMPLETE_NONE, GENERATE(production.external_secrets), false },
	{ "no-mesh", 0, OPT_FLAG, NULL,
		"with -o: for a cluster whose kernel lacks the ingress mesh: ports of the node "
		"itself, names that lead to containers",
		NULL, COMPLETE_NONE, GENERATE(production.no_mesh), false },
	{ 0 },
};

static bool holds_secret(const struct out_file *f)
{
	if (f->source == FROM_SECRET || f->source == FROM_LEAF_KEY)
		return true;
	for (size_t i = 0; i < f->pieces.count; i++)
		if (f->pieces.items[i].secret)
			return true;
	return false;
}

static const struct out_file *wanted_file(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->files.count; i++)
		if (streq(p->files.items[i].path, path))
			return &p->files.items[i];
	return NULL;
}

static bool is_certificate(const struct out_file *f)
{
	return f->source == FROM_AUTHORITY || f->source == FROM_BUNDLE || f->source == FROM_LEAF;
}

static int diff_one(struct context *c, const char *path, struct buf *out)
{
	const struct out_file *f = wanted_file(&c->plan, path);
	cleanup_buf struct buf old = BUF_INIT, fresh = BUF_INIT;
	struct err ignored = ERR_INIT;
	const char *full = path_join(&c->arena, c->places.generated, path);
	if (f && holds_secret(f)) {
		buf_addf(out, "--- %s: changes; it holds secrets and is not shown\n", path);
		return 0;
	}
	if (f && is_certificate(f)) {
		buf_addf(out, "--- %s: changes; it holds certificates\n", path);
		return 0;
	}
	if (file_exists(full) && file_read(full, 8 << 20, &old, &ignored))
		buf_truncate(&old, 0);
	if (f && apply_content(&c->arena, f, &c->plan, c->vault, &fresh, &c->error))
		return fail(c);
	view_diff(out, path, buf_str(&old), old.len, buf_str(&fresh), fresh.len, c->out);
	return 0;
}

static int show_diff(struct context *c)
{
	struct applied a = { 0 };
	cleanup_buf struct buf b = BUF_INIT;
	if (apply_files(&c->arena, &c->plan, &c->places, c->vault, true, &a, &c->error))
		return fail(c);
	for (size_t i = 0; i < a.changed.count; i++) {
		int status = diff_one(c, a.changed.items[i], &b);
		if (status)
			return status;
	}
	return emit(&b) ? 0 : ERR_FAILED;
}

static int run_generate(struct context *c, const void *opts, const struct strs *args)
{
	const struct generate_opts *o = opts;
	(void)args;
	if (o->production.dir || o->production.registry || o->production.tag ||
		o->production.external_secrets || o->production.no_mesh)
		return generate_production(c, &o->production, o->diff);
	struct prepare p = { .request = { .goal = GOAL_GENERATE }, .write = !o->diff };
	struct applied a = { 0 };
	int status = prepare(c, &p);
	if (status)
		return status;
	if (o->diff || c->g.dry_run)
		return show_diff(c);
	if (apply_files(&c->arena, &c->plan, &c->places, c->vault, false, &a, &c->error))
		return fail(c);
	note(c, "%zu files in .devenv/generated: %zu written, %zu removed, %zu unchanged",
		a.written + a.unchanged, a.written, a.removed, a.unchanged);
	return 0;
}

/* Files that are not as devenv wrote them, where nothing else is to do: `up` writes them anew. */
static void plan_healing(struct context *c)
{
	struct err quiet = ERR_INIT;
	struct applied a = { 0 };
	struct place at = { .file = ".devenv/generated" };
	if (c->plan.steps.count || !c->world.files.count ||
		apply_files(&c->arena, &c->plan, &c->places, c->vault, true, &a, &quiet))
		return;
	for (size_t i = 0; i < a.changed.count && c->plan.steps.count == 0; i++)
		plan_add(&c->plan, STEP_WRITE, NULL, at, "%s is not as devenv wrote it%s",
			path_join(&c->arena, at.file, a.changed.items[i]),
			a.changed.count > 1 ? ", and others are not" : "");
}

/* The world is looked at when an engine answers; without one the plan is that of a first start. */
static int run_plan(struct context *c, const void *opts, const struct strs *args)
{
	const struct generate_opts *o = opts;
	struct prepare p = {
		.request = { .goal = GOAL_UP,
			.services = *args,
			.build = o->build,
			.no_deps = o->no_deps,
			.timeout_ms = -1 },
	};
	int status = open_places(c);
	if (status)
		return status;
	struct err no_engine = ERR_INIT;
	bool containers = project_runs(&c->project, RUN_CONTAINER);
	c->engine = containers ? engine_open(&no_engine) : NULL; /* else look() knows better */
	p.engine = c->engine || !containers;
	if (containers && !c->engine)
		note(c, "note: %s; the plan is that of a first start", no_engine.text);
	status = prepare(c, &p);
	if (status)
		return status;
	plan_healing(c);
	return show_plan(c);
}

static const char *const formats[] = { "ascii", "mermaid", "dot", "json", NULL };

static const struct opt graph_options[] = {
	{ "format", 'F', OPT_CHOICE, "FORMAT", "ascii (the default), mermaid, dot or json", formats,
		COMPLETE_CHOICE, GENERATE(format), false },
	{ 0 },
};

static int run_graph(struct context *c, const void *opts, const struct strs *args)
{
	const struct generate_opts *o = opts;
	(void)args;
	enum graph_format f = c->g.json ? GRAPH_JSON : GRAPH_ASCII;
	int status = load_project(c);
	if (status)
		return status;
	for (size_t i = 0; o->format && formats[i]; i++)
		if (streq(o->format, formats[i]))
			f = (enum graph_format)i;
	cleanup_buf struct buf b = BUF_INIT;
	view_graph(&b, &c->arena, &c->project, f, c->out);
	return emit(&b) ? 0 : ERR_FAILED;
}

static const struct opt plan_options[] = {
	{ "build", 0, OPT_FLAG, NULL, "as `up --build`", NULL, COMPLETE_NONE, GENERATE(build),
		false },
	{ "no-deps", 0, OPT_FLAG, NULL, "as `up --no-deps`", NULL, COMPLETE_NONE, GENERATE(no_deps),
		false },
	{ 0 },
};

const struct cmd cmd_generate = {
	.name = "generate",
	.group = "configuration",
	.help = "write all derived files to .devenv/generated, and start nothing",
	.detail = "The compose file, Dockerfiles, env files, secrets, certificates and nginx "
		  "mappings: the complete\n"
		  "set, each file only when its content changed; files that are no longer wanted "
		  "are removed.\n"
		  "\n"
		  "With -o DIR, in another environment than dev, the files are for others: "
		  "DIR/compose.yaml, which\n"
		  "`docker compose` runs and `docker stack deploy` accepts, with images instead of "
		  "builds and no path\n"
		  "of this machine. Its head says which secrets and certificates it needs.",
	.opts = generate_options,
	.opts_size = sizeof(struct generate_opts),
	.run = run_generate,
};

const struct cmd cmd_plan = {
	.name = "plan",
	.group = "configuration",
	.args = "[SVC...]",
	.help = "what `up` would do: each step with its reason and the line that asks for it",
	.opts = plan_options,
	.opts_size = sizeof(struct generate_opts),
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_plan,
};

const struct cmd cmd_graph = {
	.name = "graph",
	.group = "configuration",
	.help = "services and what they need, as a picture in text",
	.opts = graph_options,
	.opts_size = sizeof(struct generate_opts),
	.run = run_graph,
};
