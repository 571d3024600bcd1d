/* The Dockerfile of a production image: what its stages share. */
#ifndef PLANNER_RELEASE_PARTS_H
#define PLANNER_RELEASE_PARTS_H

#include "writer.h"

/* release_stages.c: where a release is built, and where what it persists is put in its place: below
 * RELEASE_DEPS what is installed, below RELEASE_TREE the rest. */
#define RELEASE_DEPS "/.devenv-deps"
#define RELEASE_TREE "/.devenv-tree"
void write_build_stage(struct writer *w, const struct unit *u);
void write_tree_stage(struct writer *w, const struct unit *u);

/* Directory of the dependencies that the image holds; NULL: none. */
const char *release_dependencies(const struct writer *w, const struct service *s);
const char *release_ground(const struct writer *w, const struct service *s); /* it stands on */
void docker_path(struct writer *w, const char *word, const char *path); /* "WORKDIR /srv/api" */

#endif
