/* What is remembered of a workspace between runs, beside what run.h declares of it. */
#ifndef RUN_RECORDS_H
#define RUN_RECORDS_H

#include "model/world.h"
#include "run/files/places.h"

struct places;

struct allocations {
	struct allocation *items;
	size_t count, cap;
};

void records_load(struct arena *a, const struct places *pl, struct world *w);
/*
 * Writes into what is remembered now who was seen ready, and when, where that is later and the
 * container is still that one: for who looked a while ago. The workspace's lock must be held.
 */
int records_note(const struct places *pl, const struct world *seen, struct err *e);
void allocations_load(struct arena *a, const char *state, struct allocations *out);
/* "DEVICE:INODE PATH", or "- PATH" of one that is not there. */
char *mount_identity(struct arena *a, const char *path);
int allocations_save(const struct places *pl, const struct allocations *list, struct err *e);

int records_save(const struct places *pl, const struct world *w,
	struct err *e); /* unit_record list, only when changed */

#endif
