/* Something happened to a container of the workspace. */
#ifndef RUN_ENGINE_ENGINE_CHANGES_H
#define RUN_ENGINE_ENGINE_CHANGES_H

#include "run/engine/engine.h"

struct engine_changes; /* heap */
struct engine_changes *engine_changes_begin(struct engine *g, const char *workspace, struct err *e);
/* Waits at most max_ms. True: look again; also when the engine was lost (then *lost is set). */
bool engine_changes_wait(struct engine_changes *x, struct loop *l, int max_ms, bool *lost);
void engine_changes_free(struct engine_changes *x);
/* The run of a container: its id and when it was started. NULL: it is gone. */
char *engine_run_of(struct engine *g, struct arena *a, const char *container);

#endif
