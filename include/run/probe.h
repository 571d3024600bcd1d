/* The world without the engine: looked at, never touched. */
#ifndef RUN_PROBE_H
#define RUN_PROBE_H

#include "model/world.h"
#include "run/files/places.h"

int probe_local(struct arena *a, const struct project *p, const struct places *pl, struct world *w,
	struct err *e); /* manifest, records, allocations, ids */
int probe_inputs(struct arena *a, const struct strs *paths, struct world *w,
	struct err *e); /* content hashes; directories by their packed context */

#endif
