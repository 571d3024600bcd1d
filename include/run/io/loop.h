/*
 * What the effects that take time share: one libuv loop per command. Its owner turns it by hand
 * (loop_turn), so that HTTP transfers, children and signals are served by one thread.
 */
#ifndef RUN_IO_LOOP_H
#define RUN_IO_LOOP_H

#include <stdint.h>

struct loop; /* heap */

struct loop *loop_new(void);
void loop_free(struct loop *l);

/* Interrupts seen since the start (SIGINT, SIGTERM, SIGHUP); perform() and the waiters end early
 * when it is set. */
int loop_interrupts(const struct loop *l);       /* l NULL: 0 */
int loop_signal(const struct loop *l);           /* the last of them, 0: none */
void loop_rearm(struct loop *l);                 /* forgets the interrupts seen so far */
unsigned loop_resizes(const struct loop *l);     /* SIGWINCH seen since the start */
void loop_interrupt(struct loop *l, int signum); /* as if that signal had come */

/* Serves what is ready; waits for the first event at most max_ms (0: does not wait). */
void loop_turn(struct loop *l, int max_ms);

/* For those who wait on something else at the same time: serve, then poll this descriptor for
 * reading. */
int loop_fd(const struct loop *l);            /* -1 when l is NULL */
int loop_timeout(struct loop *l, int max_ms); /* how long such a poll may wait */

/* libuv's own loop, for the files that make handles (loop.c, spawn.c). */
struct uv_loop_s *loop_uv(struct loop *l);
void loop_stir(
	struct loop *l); /* called by handles' callbacks: something changed, do not wait now */

#endif
