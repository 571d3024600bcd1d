/*
 * This program once more, told the same about the configuration. Comes in: the command line as it
 * was parsed. Goes out: the beginning of another, which means the same wherever it is run.
 */
#include "cmd/lifecycle.h"

static void add(struct arena *a, struct strs *v, const char *option, const char *value)
{
	if (!value)
		return;
	strs_add(a, v, option);
	strs_add(a, v, value);
}

static void add_each(struct arena *a, struct strs *v, const char *option, const struct strs *values)
{
	for (size_t i = 0; i < values->count; i++)
		add(a, v, option, values->items[i]);
}

/* Files are named from the folder that this command line stood in; else the project's will do. */
static const char *folder(struct context *c)
{
	const char *here =
		c->g.files.count ? path_real(&c->arena, c->g.dir ? c->g.dir : ".") : NULL;
	return here ? here : c->root;
}

struct strs self_argv(struct context *c, const char *program)
{
	struct arena *a = &c->arena;
	struct strs v = { 0 };
	strs_add(a, &v, program);
	add(a, &v, "-C", folder(c));
	add_each(a, &v, "-f", &c->g.files);
	add(a, &v, "--env", c->environment);
	add(a, &v, "-p", c->g.project);
	add_each(a, &v, "--set", &c->g.sets);
	add_each(a, &v, "--profile", &c->g.profiles);
	return v;
}
