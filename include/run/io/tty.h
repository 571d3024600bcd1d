/*
 * The terminal of a command that stays: keys as they are pressed, output that never blocks, and
 * settings that are given back on every way out (a signal that ends the program included).
 */
#ifndef RUN_IO_TTY_H
#define RUN_IO_TTY_H

#include <stdbool.h>
#include <stddef.h>

#include "run/io/loop.h"

struct tty; /* heap; one at a time */

struct tty_ops { /* none of them may close the terminal */
	void (*key)(void *ctx, unsigned char byte);
	void (*left)(void *ctx);  /* about to be suspended: last words */
	void (*again)(void *ctx); /* back in the foreground, or the size is another */
	void (*gone)(void *ctx);  /* nobody can read or type here any more */
};

enum { TTY_PENDING_MAX = 512 * 1024 };

/* NULL: standard input and output are not both the terminal of this process. */
struct tty *tty_open(struct loop *l, const struct tty_ops *ops, void *ctx);
/* Keys are read now: this process is in the foreground. */
bool tty_active(const struct tty *t);
/* Written when the terminal takes it; what exceeds TTY_PENDING_MAX is refused (false). */
bool tty_write(struct tty *t, const char *data, size_t len);
size_t tty_pending(const struct tty *t);
int tty_width(const struct tty *t); /* columns; 80 when unknown */
/* Gives the settings back; waits at most wait_ms for what is pending. NULL is fine. */
void tty_close(struct tty *t, int wait_ms);

#endif
