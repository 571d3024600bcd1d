/* `devenv init ci github|gitlab`. */
#ifndef CMD_INIT_CI_H
#define CMD_INIT_CI_H

#include "cmd/context.h"

/* args: as of init, the first is "ci". The exit status. */
int init_ci(struct context *c, const struct strs *args, bool force);

#endif
