/* A process of devenv's own that outlives the one that starts it. */
#ifndef RUN_IO_DETACH_H
#define RUN_IO_DETACH_H

#include <stdbool.h>

#include "base/diag.h"

enum { DETACHED_LOG_MAX = 1 << 20, DETACHED_SAY = 3 };

/*
 * Starts this very program with argv (argv[0] is only its name) in a session of its own, all
 * signals as by default, nothing inherited but the environment; both streams go to the end of log,
 * one older generation of which is kept (LOG.1). It may say how its start went by one line on
 * descriptor DETACHED_SAY. A descriptor to read that from (the caller closes it), or -1.
 */
int detached_start(char *const *argv, const char *log, struct err *e);

const char *own_program(void); /* path that starts this very program again, even when replaced */
void own_name(void);           /* who was started by that path shows as "devenv" in ps(1) */

#endif
