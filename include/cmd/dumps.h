/* dumps.c: a database's data into a file and back, through the commands that its service names. */
#ifndef CMD_DUMPS_H
#define CMD_DUMPS_H

#include "cmd/context.h"

/*
 * k: where the service runs. file: absolute, or NULL for standard output; it is there whole or as
 * it was before. The exit status, what is wrong was printed.
 */
int dump_data(
	struct context *c, const struct service *s, const struct container *k, const char *file);
/* file: absolute, or NULL for standard input; shown as `name`. */
int load_data(struct context *c, const struct service *s, const struct container *k,
	const char *file, const char *name);

#endif
