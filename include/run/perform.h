/* A plan carried out: its steps over the graph, each until it is ready. */
#ifndef RUN_PERFORM_H
#define RUN_PERFORM_H

#include "base/os.h"
#include "run/engine/engine.h"
#include "run/io/event.h"
#include "run/files/places.h"
#include "run/secrets/vault.h"

/*
 * perform_stage.c: one run of a module's stages at a time, whoever asks. Does not wait: ERR_BUSY.
 * STEP_STAGE takes it by itself; who restarts a module holds it meanwhile.
 */
int stages_lock(const struct places *pl, const char *service, struct lock *l, struct err *e);
/* Ends what stages go on with in their containers though the devenv that ran them was killed. */
void stages_end_left(struct engine *g, const struct places *pl);

struct performer {
	struct loop *loop;
	struct engine *engine;
	struct vault *vault;
	const struct places *places;
	struct world *world; /* noted into: states, records */
	const struct lock
		*lock;       /* the workspace's, or NULL: Compose keeps it when devenv is killed */
	struct hosts *hosts; /* who runs the host services; NULL: the plan has none */
	const char *gateway; /* address of this host for containers; NULL: none needs it */
	event_fn *event;
	void *ctx;
	int parallel;    /* at most so many builds at once; 0: number of processors */
	int64_t until;   /* monotonic ms: what runs then is ended as by an interrupt; 0: never */
	bool first_ends; /* after a failure nothing more is begun, what runs goes on to its end */
};
/* The whole environment of a host service, secrets opened, NULL-terminated; NULL with err. base:
 * what it begins with, clean_environment(); its strings are shared. */
const char *const *host_launch_environment(struct arena *a, char *const *base,
	const struct host_spec *s, const struct plan *p, struct vault *vault, struct err *e);
/* All units of a workspace anew: containers of g, host services of h; either may be NULL. */
int units_look(struct engine *g, struct hosts *h, struct arena *a, const char *workspace,
	struct world *w, struct err *e);
/* Ready queue over the graph; on failure what needs the failed step is skipped, the rest ends. 0,
 * or -1 with the first error. */
int perform(struct performer *pf, struct plan *p, struct err *e);
/*
 * The same beside others, for a loop that does more than one plan: begin, then after each turn of
 * the loop step, until it returns false; then end. pf and p must stay until then. Interrupts of the
 * loop are its owner's affair: perform_cancel() stops what runs (the n-th call escalates).
 */
struct performance; /* heap */
struct performance *perform_begin(struct performer *pf, struct plan *p);
bool perform_step(struct performance *r);
int perform_timeout(const struct performance *r, int max_ms); /* how long the next turn may wait */
void perform_cancel(struct performance *r, int times);
int perform_end(struct performance *r, struct err *e); /* result as perform(); frees */

/* Part of perform (STEP_READY); alone for `wait`. */
int ready_wait(struct performer *pf, const struct service *const *services, size_t count,
	int64_t timeout_ms, struct err *e);

#endif
