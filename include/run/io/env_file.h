/* Files of variables of host services. */
#ifndef RUN_IO_ENV_FILE_H
#define RUN_IO_ENV_FILE_H

#include "base/diag.h"
#include "base/text.h"

/* Adds its variables as "NAME=VALUE", in the arena. -1 with err: it cannot be read. */
int env_file_read(struct arena *a, const char *path, struct strs *out, struct err *e);

#endif
