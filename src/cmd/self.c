/*
 * This program once more, as a child: told the same about the configuration. Comes in: the command
 * line as it was parsed. Goes out: the beginning of another.
 */
#include "cmd/lifecycle.h"

static void add_each(struct arena *a, struct strs *v, const char *option, const struct strs *values)
{
	for (size_t i = 0; i < values->count; i++) {
		strs_add(a, v, option);
		strs_add(a, v, values->items[i]);
	}
}

static void add_one(struct arena *a, struct strs *v, const char *option, const char *value)
{
	if (value)
		add_each(a, v, option, &(struct strs){ &value, 1, 1 });
}

void self_argv(struct context *c, struct strs *v)
{
	struct arena *a = &c->arena;
	strs_add(a, v, "/proc/self/exe");
	add_one(a, v, "-C", c->g.dir);
	add_each(a, v, "-f", &c->g.files);
	add_one(a, v, "--env", c->environment);
	add_one(a, v, "-p", c->g.project);
	add_each(a, v, "--set", &c->g.sets);
	add_each(a, v, "--profile", &c->g.profiles);
}
