/*
 * Changes gathered into a batch: what came and went within it is none, a file that is still being
 * written waits for its close, and names that an editor needed on the way stand behind those that
 * it saved. Knows the time only as it is told.
 */
#ifndef RUN_WATCH_WATCH_GATHER_H
#define RUN_WATCH_WATCH_GATHER_H

#include "base/map.h"
#include "run/watch/watch_tree.h"

enum { GATHER_PATHS = 16384 }; /* kept by name; what is more is counted */

struct gather {
	const char *project; /* absolute; paths are shown relative to it */
	int64_t quiet_ns, limit_ns;
	struct map paths;   /* relative to the project -> struct gathered */
	struct arena arena; /* of the paths */
	size_t spilled;     /* changes that found no room */
	bool everything;
	bool storm;                /* what was given out last did not end in quiet */
	int64_t first_ns, last_ns; /* of what is to be given out; first 0: nothing is */
	int64_t open_ns;           /* the first write to what is still open; 0: nothing is */
};

void gather_change(struct gather *g, const char *path, const struct watch_change *c);
void gather_everything(struct gather *g, int64_t now_ns);
/* When gather_take() should be asked, in CLOCK_MONOTONIC's ns; INT64_MAX: there is nothing. */
int64_t gather_due(const struct gather *g);
/* What is ready now. False: nothing that counts; the end of a storm does. Strings of out live in a.
 */
bool gather_take(struct gather *g, int64_t now_ns, struct arena *a, struct watch_batch *out);
void gather_release(struct gather *g);

#endif
