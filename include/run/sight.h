/*
 * The containers of a workspace for a view that stays: looked at when the engine says so, and every
 * so often, without waiting for it, with what its list does not say (exact start, restarts, first
 * process), and what each of them takes. The engine is asked for that only where the kernel's
 * accounts cannot be read.
 */
#ifndef RUN_SIGHT_H
#define RUN_SIGHT_H

#include "base/os.h"
#include "run/engine/engine.h"

struct sight; /* heap */

enum { SIGHT_LOOK_MS = 2000, SIGHT_MEASURE_MS = 2000 };

/* g must stay; NULL: there is no engine, and never anything to be seen. */
struct sight *sight_new(struct engine *g, const char *workspace);
void sight_free(struct sight *s);
/* Begins what is due, takes what has come; true: what is seen is new. Call it after each turn. */
bool sight_turn(struct sight *s, int64_t now_ms);
void sight_hurry(struct sight *s); /* something has happened: look at once */
/* Turns the loop, and the engine with it: waits for the first event at most max_ms. */
void sight_wait(struct sight *s, struct loop *l, int max_ms);
/* Adds the containers to w, copied into the arena; sets w->engine. */
void sight_tell(const struct sight *s, struct arena *a, struct world *w);
/* Why nothing is seen; NULL: all is well. */
const char *sight_trouble(const struct sight *s);

/*
 * One sample per service, of all its copies in w (host services, too), of those that run; due every
 * SIGHT_MEASURE_MS. cpu in thousandths of a core.
 */
typedef void sight_fn(void *ctx, const char *service, int cpu, int64_t memory);
void sight_measure(struct sight *s, const struct world *w, int64_t now_ms, sight_fn *fn, void *ctx);

#endif
