/* Logs of a workspace: our own files, which survive containers. */
#ifndef RUN_LOGS_LOGS_H
#define RUN_LOGS_LOGS_H

#include "doc/record.h"
#include "run/engine/engine.h"
#include "run/files/places.h"

/* Brings .devenv/logs/SVC.log up to date from the engine, with a separator per container; before
 * removal and in `logs`. */
int logs_drain(struct engine *g, const struct places *pl, const struct container *const *containers,
	size_t count, struct err *e);
struct log_query {
	struct strs services; /* none: all */
	int tail;             /* -1: all */
	int64_t since_ns, until_ns;
	const char *grep;    /* POSIX extended, or NULL */
	bool ignore_case;    /* of grep */
	const char *request; /* id that lines must have; NULL: any */
	enum level level;    /* at least this; LEVEL_NONE: any */
	bool follow;
	bool one_offs; /* containers of `run` that the engine still has, too: as number 0 */
	/* Nothing more is at hand: what was given out may be shown. NULL: not called. */
	void (*pause)(void *ctx);
};
int logs_read(struct engine *g, struct loop *l, const struct places *pl, const struct world *w,
	const struct log_query *q, log_fn *fn, void *ctx, struct err *e);

#endif
