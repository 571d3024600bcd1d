/*
 * A file that may be compressed, as a stream in constant memory. Reading finds out by the content
 * (gzip, zstd, xz, bzip2, or none of them), writing goes by the name (.gz, .zst, else as it is).
 */
#ifndef RUN_FILES_PACKED_H
#define RUN_FILES_PACKED_H

#include <stddef.h>
#include <sys/types.h>

#include "base/diag.h"

struct unpacking; /* heap */
/* name: what errors call it. fd stays the caller's. NULL with err. */
struct unpacking *unpacking_new(int fd, const char *name, struct err *e);
/* Bytes read, 0 at the end; -1: it cannot be read, or is cut short. */
ssize_t unpacking_read(struct unpacking *u, void *to, size_t size, struct err *e);
void unpacking_free(struct unpacking *u); /* NULL is fine */

struct packing; /* heap */
struct packing *packing_new(int fd, const char *name, struct err *e);
int packing_write(struct packing *p, const void *data, size_t len, struct err *e);
int packing_end(struct packing *p, struct err *e); /* all is written; before packing_free() */
void packing_free(struct packing *p);              /* NULL is fine */

#endif
