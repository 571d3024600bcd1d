/*
 * The map of a workspace: which volume of the engine serves a volume of the project, which ones may
 * go, and who is to be started again once that is settled, in volumes.json of its state. A switch
 * is one rename of that file: what it does not name is nobody's to remove. The workspace's lock
 * must be held by who writes.
 */
#ifndef RUN_DATA_VOLUME_MAP_H
#define RUN_DATA_VOLUME_MAP_H

#include "model/world.h"

struct places;

/* None is fine; a file that cannot be understood is an error: the data it names would seem lost. */
int volume_map_load(struct arena *a, const struct places *pl, struct world *w, struct err *e);
int volume_map_save(const struct places *pl, const struct world *w, struct err *e);
/* The record of a key and branch (NULL: the workspace's own), made where there is none yet. */
struct volume_record *volume_map_at(
	struct arena *a, struct world *w, const char *key, const char *branch);
/* From now on this record serves its key, and no other one does. In memory: save it. */
void volume_map_serve(struct world *w, struct volume_record *r);
/* A name that no volume has yet: "shop-1a2b_data.7f3e21aa". */
int volume_map_name(
	struct arena *a, const char *workspace, const char *key, const char **name, struct err *e);
/* Nothing is remembered any more: every volume is what its name says. */
int volume_map_forget(const struct places *pl, struct world *w, struct err *e);

#endif
