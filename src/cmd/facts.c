/*
 * Facts of this machine as a layer, the look-up behind ${...}, and the templates that came with the
 * program. What is looked up here has an origin like every other value.
 */
#include <stdlib.h>
#include <string.h>

#include "base/embed.h"
#include "cmd/context.h"
#include "doc/yaml.h"
#include "run/files/git.h"

struct node *facts_layer(struct arena *a, const char *dir)
{
	struct place at = { .layer = "fact" };
	struct node *facts = node_map(a, at);
	map_put(a, facts, "name", at, node_str(a, path_base(dir), at));
	return facts;
}

/* The project's name before it is decoded: -p, the base file's `name`, or the folder's. */
static const char *early_name(struct context *c)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct diags quiet = DIAGS_INIT(&c->arena);
	struct err e = ERR_INIT;
	const char *file = c->g.files.count ? c->g.files.items[0]
					    : path_join(&c->arena, c->root, "devenv.yml");
	if (c->g.project)
		return c->g.project;
	if (!file_read(file, YAML_MAX_BYTES, &text, &e)) {
		struct node *n =
			yaml_read(&c->arena, buf_str(&text), text.len, file, "", &quiet, NULL);
		const char *name = node_text(node_get(n, "name"));
		if (name && !strchr(name, '$'))
			return name;
	}
	return path_base(c->root);
}

static const char *workspace_fact(struct context *c, const char *what)
{
	if (streq(what, "dir"))
		return c->root;
	if (!streq(what, "name"))
		return NULL;
	return c->run ? workspace_run_id(&c->arena, early_name(c), c->run)
		      : workspace_id(&c->arena, early_name(c), c->root);
}

static const char *git_fact(struct context *c, const char *what)
{
	struct git_facts g = { 0 };
	struct err e = ERR_INIT;
	if (git_look(&c->arena, c->root, &g, &e))
		return "";
	if (streq(what, "branch"))
		return g.branch ? g.branch : "";
	return streq(what, "commit") ? g.commit ? g.commit : "" : NULL;
}

const char *fact_lookup(void *ctx, const char *name)
{
	struct context *c = ctx;
	if (starts_with(name, "workspace."))
		return workspace_fact(c, name + strlen("workspace."));
	if (starts_with(name, "git."))
		return git_fact(c, name + strlen("git."));
	return strchr(name, '.') ? NULL : getenv(name);
}

struct node *template_layer(void *ctx, struct arena *a, const char *name, struct diags *d)
{
	(void)ctx;
	const char *path = arena_printf(a, "services/%s/template.yml", name);
	const struct embedded *f = embed_find(path);
	if (!f)
		return NULL;
	return yaml_read(a, (const char *)f->data, f->size, arena_printf(a, "templates/%s", path),
		arena_printf(a, "template %s", name), d, NULL);
}

void template_names(struct arena *a, struct strs *out)
{
	static const char prefix[] = "services/", suffix[] = "/template.yml";
	for (size_t i = 0; i < embedded_count; i++) {
		const char *p = embedded_files[i].path;
		if (starts_with(p, prefix) && ends_with(p, suffix))
			strs_add(a, out,
				arena_strndup(a, p + strlen(prefix),
					strlen(p) - strlen(prefix) - strlen(suffix)));
	}
}
