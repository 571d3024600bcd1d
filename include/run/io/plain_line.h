/*
 * Lines for a shell that need none: words alone. To start a shell costs as much as to start the
 * program, and whoever saves a file waits for both.
 */
#ifndef RUN_IO_PLAIN_LINE_H
#define RUN_IO_PLAIN_LINE_H

#include "base/text.h"

/* argv: what is to be started. When it is `/bin/sh -c LINE` and LINE would do the same without the
 * shell, its words go to out. False: the shell is needed. */
bool plain_line(struct arena *a, const struct strs *argv, struct strs *out);

#endif
