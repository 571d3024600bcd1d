/*
 * config: the merged result, each value's origin, each layer's say, and the schema for editors.
 * Reads; never executes, never writes.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/context.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "model/schema.h"

struct config_opts {
	bool origin, explain, services, images, volumes;
};

#define CONFIG(field) offsetof(struct config_opts, field)
static const struct opt config_options[] = {
	{ "origin", 0, OPT_FLAG, NULL, "put behind every value where it comes from", NULL,
		COMPLETE_NONE, CONFIG(origin), false },
	{ "explain", 0, OPT_FLAG, NULL, "what each layer says about PATH, lowest first", NULL,
		COMPLETE_NONE, CONFIG(explain), false },
	{ "services", 0, OPT_FLAG, NULL, "only the services' names", NULL, COMPLETE_NONE,
		CONFIG(services), false },
	{ "images", 0, OPT_FLAG, NULL, "only the images' names", NULL, COMPLETE_NONE,
		CONFIG(images), false },
	{ "volumes", 0, OPT_FLAG, NULL, "only the volumes' names", NULL, COMPLETE_NONE,
		CONFIG(volumes), false },
	{ 0 },
};

static const char *place_text(struct arena *a, struct place p)
{
	if (p.file && p.line)
		return arena_printf(a, "%s:%d", p.file, p.line);
	return p.layer ? p.layer : p.file ? p.file : "unknown";
}

enum { SHOWN_PLACES = 8 };

/* "devenv.local.yml:3, over devenv.yml:12, over template postgres" */
static const char *origin_note(void *ctx, const struct node *n)
{
	struct arena *a = ctx;
	struct strs all = { 0 };
	if (n->kind == NODE_MAP || (n->kind == NODE_LIST && n->list.count))
		return NULL;
	size_t more = 0;
	for (const struct node *at = n; at; at = at->replaced)
		if (all.count < SHOWN_PLACES)
			strs_add(a, &all, place_text(a, at->place));
		else
			more++;
	if (more)
		strs_add(a, &all, arena_printf(a, "%zu more", more));
	return strs_join(a, &all, ", over ");
}

/* Nothing stands at path: an error that says what may have been meant. */
static int nothing_at(struct context *c, const char *path, const char *what)
{
	const char *near = path_nearest(&c->arena, c->config.tree, path);
	err_set(&c->error, ERR_FAILED, "%s %s", what, path);
	if (near)
		err_hint(&c->error, "did you mean %s?", near);
	else
		err_hint(&c->error, "`devenv config` shows what it has");
	return fail(c);
}

static int explain(struct context *c, const char *path)
{
	static const char *const head[] = { "LAYER", "PLACE", "", "VALUE" };
	struct says says = { 0 };
	config_explain(&c->arena, &c->config, &schema_devenv, path, &says);
	if (!says.count)
		return nothing_at(c, path, "no layer says anything about");
	struct table *t = table_new(&c->arena, head, countof(head));
	for (size_t i = 0; i < says.count; i++) {
		const struct say *s = &says.items[i];
		cleanup_buf struct buf value = BUF_INIT;
		if (s->value)
			json_write(&value, s->value, 0);
		table_row(t, (const char *[]){ s->layer->name,
				     s->value ? place_text(&c->arena, s->value->place) : "",
				     s->rule ? s->rule : "", buf_str(&value) });
	}
	cleanup_buf struct buf b = BUF_INIT;
	table_write(&b, t, c->out);
	return emit(&b) ? 0 : ERR_FAILED;
}

static int print_schema(struct context *c)
{
	emit_node(schema_json(&c->arena, &schema_devenv, "devenv.yml"));
	return 0;
}

static int print_names(struct context *c, const char *section)
{
	const struct node *map = node_get(c->config.tree, section);
	const struct node_pair *pair;
	cleanup_buf struct buf b = BUF_INIT;
	node_each_pair(map, i, pair)
	{
		view_clean(&b, pair->key);
		buf_addc(&b, '\n');
	}
	return emit(&b) ? 0 : ERR_FAILED;
}

static int print_value(struct context *c, const struct node *n, bool origin)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (c->g.json) {
		json_write(&b, n, 2);
		buf_addc(&b, '\n');
	} else if (node_is_scalar(n) && !origin) {
		text_clean(&b, n->text ? n->text : node_text(n),
			n->text ? n->len : strlen(node_text(n)), false);
		buf_addc(&b, '\n');
	} else {
		yaml_write(&b, n, origin ? origin_note : NULL, &c->arena);
	}
	return emit(&b) ? 0 : ERR_FAILED;
}

static int run_config(struct context *c, const void *opts, const struct strs *args)
{
	const struct config_opts *o = opts;
	const char *path = args->count ? args->items[0] : NULL;
	if (streq(path, "schema"))
		return print_schema(c);
	int status = load_project(c);
	if (status)
		return status;
	if (c->g.quiet)
		return 0;
	if (o->services || o->images || o->volumes)
		return print_names(c, o->services ? "services" : o->images ? "images" : "volumes");
	if (o->explain)
		return path ? explain(c, path)
			    : fail_with(c, ERR_USAGE,
				      "--explain needs a path: devenv config --explain "
				      "services.api.image");
	const struct node *n = path ? node_path(c->config.tree, path) : c->config.tree;
	if (!n)
		return nothing_at(c, path, "the configuration has no");
	return print_value(c, n, o->origin);
}

const struct cmd cmd_config = {
	.name = "config",
	.group = "configuration",
	.args = "[PATH | schema]",
	.help = "show the merged configuration, or one value of it",
	.detail = "Merges all layers, substitutes variables and checks the result; -q only checks. "
		  "PATH is dotted:\n"
		  "services.api.environment. References to secrets stay references: no value of "
		  "one is shown.\n\n"
		  "`devenv config schema` prints the JSON Schema of devenv.yml for editors.",
	.opts = config_options,
	.opts_size = sizeof(struct config_opts),
	.max_args = 1,
	.run = run_config,
};
