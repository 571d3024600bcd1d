/* Two environments compared: (project, world, facts of images) twice -> differences. Pure. */
#ifndef PLANNER_PARITY_H
#define PLANNER_PARITY_H

#include "model/parity.h"
#include "planner/planner.h"

/*
 * What each container service runs, and which of its image's directories matter besides the usual
 * ones. Needs world.inputs. facts are the caller's to fill in.
 */
void parity_images(
	struct arena *a, const struct project *p, const struct world *w, struct parity_images *out);

struct parity_side {
	const struct project *project;
	const struct world *world;
	const struct parity_images *images; /* NULL: configuration alone is compared */
};
/*
 * services: those to be compared; none: all, and what belongs to the project as a whole. One that
 * just one side has is one difference.
 */
void parity_make(struct arena *a, const struct parity_side sides[2], const struct strs *services,
	struct parity *out);

/* ---- the parts ---- */
/* Paths begin with "services.NAME". */
void facts_of_service(struct arena *a, const struct parity_side *side, const struct service *s,
	struct facts *out);
/* Routes, networks, volumes, secrets' recipes, used images' recipes. */
void facts_of_project(struct arena *a, const struct project *p, struct facts *out);
/* Paths begin with "services.NAME.image". */
void facts_of_image(struct arena *a, const struct parity_side *side, const struct parity_image *i,
	struct facts *out);
/* Sorts both by path and adds what is not the same. */
void facts_compare(
	struct arena *a, struct facts *left, struct facts *right, struct differences *out);
/*
 * Does a pattern allow this path? It names the path or what it is below of, part by part; * stands
 * for any text within a part. One that begins with "images.NAME." means what images of that name
 * contain (names: of both sides, NULL where there is none); one that begins with none of services,
 * images and the project's sections means what any image contains: "packages.curl".
 */
bool parity_allows(
	struct arena *a, const char *pattern, const char *path, const char *const names[2]);

#endif
