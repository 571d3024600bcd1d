/* carry.c: what of a project may be carried to another machine, and is worth it. */
#ifndef PLANNER_CARRY_H
#define PLANNER_CARRY_H

#include "planner/planner.h"

struct carried_volume {
	const char *name; /* of the engine */
	const char *kind; /* "dependencies" or "cache" */
};
struct carried {
	struct strs
		images; /* tags of used rungs and production images, names of registries; sorted */
	LIST_OF(struct carried_volume) volumes; /* that are shared, by name; each once */
};
/* Needs world.inputs, and outside of development world.source. */
void plan_carried(
	struct arena *a, const struct project *p, const struct world *w, struct carried *out);

#endif
