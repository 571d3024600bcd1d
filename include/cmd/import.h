/* init --from: what other tools have written becomes part of a project. */
#ifndef CMD_IMPORT_H
#define CMD_IMPORT_H

#include "cmd/context.h"

/* The exit status. folder: of the project; force: writes over what is there. */
int import_file(struct context *c, const char *path, const char *folder, bool force);

#endif
