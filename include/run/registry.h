/* The workspaces of this machine, and what is remembered of each. */
#ifndef RUN_REGISTRY_H
#define RUN_REGISTRY_H

#include "run/files/places.h"

struct workspace_entry {
	const char *id, *name, *dir;
	bool gone; /* the folder is not there any more */
};
struct workspace_entries {
	struct workspace_entry *items;
	size_t count, cap;
};
int registry_note(const struct places *pl, const struct project *p, struct err *e);
int registry_list(struct arena *a, struct workspace_entries *out, struct err *e);
int registry_forget(const char *workspace, struct err *e);

#endif
