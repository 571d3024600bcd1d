/*
 * Volumes that are to begin with something (a dump, the data of another branch), from before they
 * are made until they have it: one small file each in the workspace's state, so that a run that was
 * killed or failed in between is known.
 */
#ifndef RUN_DATA_INITIAL_H
#define RUN_DATA_INITIAL_H

#include "base/arena.h"
#include "base/diag.h"
#include "model/world.h"
#include "run/files/places.h"

void initial_list(struct arena *a, const struct places *pl, struct world *w); /* world.unfilled */
int initial_begin(const struct places *pl, const struct unfilled *u, struct err *e);
int initial_end(const struct places *pl, const char *volume, struct err *e);
int initial_forget(const struct places *pl, struct err *e); /* of all volumes */

#endif
