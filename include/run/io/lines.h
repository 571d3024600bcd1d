/* Bytes to whole lines, with a bound: longer ones are cut into pieces of LINE_MAX_BYTES. */
#ifndef RUN_IO_LINES_H
#define RUN_IO_LINES_H

#include <stddef.h>

#include "base/buf.h"

enum { LINE_MAX_BYTES = 64 * 1024 };

typedef void line_fn(
	void *ctx, const char *line, size_t len); /* without its newline and a CR before it */

struct lines {
	struct buf rest; /* the line that has not ended yet */
	line_fn *fn;
	void *ctx;
};

void lines_feed(struct lines *l, const char *data, size_t len);
void lines_end(struct lines *l); /* gives out an unfinished last line; releases */

#endif
