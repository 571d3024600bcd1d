/*
 * Runs of `devenv ci`: workspaces of their own. A lock that is held as long as the run lasts tells
 * the dead from the living, so that what a killed one left is found and removed by the next.
 */
#ifndef CMD_RUNS_H
#define CMD_RUNS_H

#include "cmd/context.h"

#define RUN_LOCK "run.lock"
#define RUN_KEPT "kept"

/*
 * Removes what dead runs left: processes, containers, volumes, networks, state. kept: also those
 * that were to stay (--keep). With --dry-run it only says so. 0 or the exit status.
 */
int runs_sweep(struct context *c, bool kept);
/* All that the engine and this host have of a run. Its state goes last. */
int run_remove(struct context *c, const char *workspace);

#endif
