/* What the files of `parity` share: facts from nodes and single values. */
#ifndef PLANNER_PARITY_PARTS_H
#define PLANNER_PARITY_PARTS_H

#include "planner/parity.h"

struct fact *fact_add(
	struct arena *a, struct facts *out, const char *path, const char *value, struct place at);
/* Each scalar below n under its own path; sizes and durations in one notation. */
void facts_of_node(struct arena *a, struct facts *out, const char *path, const struct node *n);
/* The same of a list: one fact per item, named by it ("packages.curl"). */
void facts_of_set(struct arena *a, struct facts *out, const char *path, const struct node *n);
/* May a pattern of `allow` be about what images contain? */
bool parity_is_content(struct arena *a, const char *pattern);

#endif
