/*
 * devenv.lock against the project. A rung's entry holds for what was asked for when it was
 * resolved: what it stands on, its packages, run lines and own Dockerfile; anything else makes it
 * stale.
 */
#ifndef PLANNER_LOCK_H
#define PLANNER_LOCK_H

#include "model/world.h"

/* 16 hex digits of all that decides which packages a rung has. Needs world.inputs. */
const char *rung_inputs(
	struct arena *a, const struct project *p, const struct world *w, const struct image *i);

enum lock_fit { LOCK_FITS, LOCK_ABSENT, LOCK_STALE };
enum lock_fit lock_fit(
	struct arena *a, const struct project *p, const struct world *w, const struct image *i);

/* What used rungs and services take from registries, as written: sorted, each once. */
void plan_registry(struct arena *a, const struct project *p, struct strs *names);
/* The name, if what it stands for may be another tomorrow; NULL: it is locked by digest, or none.
 */
const char *plan_moving(const struct world *w, const char *name);
/* The names that may move, of those that rungs and releases stand on. */
void plan_bases(
	struct arena *a, const struct project *p, const struct world *w, struct strs *names);
/*
 * Is there a container whose image is not what its name means any more? names: those of registries
 * by which that is to be found out.
 */
bool plan_unnamed(
	struct arena *a, const struct project *p, const struct world *w, struct strs *names);
/* The same name as the engine is asked for it: by digest where that is locked. */
const char *plan_reference(struct arena *a, const struct world *w, const char *name);
/* The tag of a used rung. */
const char *plan_tag(
	struct arena *a, const struct project *p, const struct world *w, const struct image *i);

/*
 * A new lock. rungs: those that are resolved anew; the others stay as they were locked. contents:
 * of each of them, and of what it stands on, by its name the struct packages of its image.
 * world.locked holds what is kept, world.images what the engine has.
 */
void lock_resolve(struct arena *a, const struct project *p, const struct world *w,
	const struct strs *rungs, const struct map *contents, struct lockfile *out);
/* Without what neither the project's images nor its services name any more. */
void lock_prune(struct arena *a, const struct project *p, struct lockfile *l);

/* What differs, image by image and rung by rung. */
void lock_compare(struct arena *a, const struct lockfile *old, const struct lockfile *now,
	struct lock_changes *out);

#endif
