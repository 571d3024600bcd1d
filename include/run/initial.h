/*
 * Volumes that are to begin with a dump, from before they are made until it is loaded: one empty
 * file each in the workspace's state, so that a run that was killed or failed in between is known.
 */
#ifndef RUN_INITIAL_H
#define RUN_INITIAL_H

#include "run/run.h"

void initial_list(struct arena *a, const struct places *pl, struct world *w); /* world.unloaded */
int initial_begin(const struct places *pl, const char *volume, struct err *e);
int initial_end(const struct places *pl, const char *volume, struct err *e);

#endif
