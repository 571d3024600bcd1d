/* The POSIX face: files read and written whole, locks, directories, the environment, time. */
#ifndef BASE_OS_H
#define BASE_OS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"

/* Reads a regular file of at most max bytes. Other kinds (FIFO, device, directory) are refused
 * before reading. */
int file_read(const char *path, size_t max, struct buf *out, struct err *e);
/* All of it, however often write(2) is interrupted or falls short. -1 with errno. */
int fd_write(int fd, const char *data, size_t len);
bool file_exists(const char *path);
bool dir_exists(const char *path);

/*
 * Replaces path whole or not at all: temporary file beside it (O_EXCL|O_NOFOLLOW), fchmod to mode
 * whatever the umask, fsync when durable, rename. Never writes through a link.
 */
int file_write(
	const char *path, const void *data, size_t len, mode_t mode, bool durable, struct err *e);
/* As file_write(), but only when content or mode differ; *changed tells. */
int file_update(
	const char *path, const void *data, size_t len, mode_t mode, bool *changed, struct err *e);
int dir_make(const char *path, mode_t mode,
	struct err *e); /* with parents (0755); an existing last part gets mode */
int tree_remove(const char *path, struct err *e); /* never follows links; absent is fine */
/* Removes what a killed file_write() left in a directory; the caller holds the lock of its writers.
 */
void dir_sweep(const char *dir);

/* flock(2) on a file that is created when absent; the kernel drops it when the holder dies. */
struct lock {
	int fd; /* -1: not held */
};
enum { ORPHAN_PATIENCE = 10 };
/*
 * Waits at most wait_ms; ERR_BUSY names the holder's pid (written into the file as advice only).
 * Where that process is gone and only its children hold the lock, it waits ORPHAN_PATIENCE times as
 * long: they end by themselves.
 */
int lock_take(struct lock *l, const char *path, int64_t wait_ms, struct err *e);
void lock_drop(struct lock *l);
void lock_inherit(const struct lock *l, bool on); /* children started from now on hold it, too */

/* Names and directories. Results live in the arena. */
char *path_join(
	struct arena *a, const char *dir, const char *name); /* an absolute name stands alone */
char *path_real(struct arena *a, const char *path);          /* realpath(3); NULL when it fails */
char *path_normal(struct arena *a, const char *path);        /* lexically: no `.`, `..`, `//` */
const char *path_base(const char *path);
char *path_dir(struct arena *a, const char *path);
bool path_inside(const char *dir, const char *path); /* both normal and absolute */

enum xdg { XDG_CONFIG, XDG_STATE, XDG_DATA, XDG_CACHE, XDG_RUNTIME };
/* $XDG_*_HOME/devenv or its default under $HOME; NULL when neither is set to an absolute path. */
char *xdg_dir(struct arena *a, enum xdg which);

int64_t now_ms(void);                                   /* CLOCK_MONOTONIC */
int64_t clock_ms(void);                                 /* since 1970, CLOCK_REALTIME */
int random_bytes(void *out, size_t len, struct err *e); /* getrandom(2) */

#endif
