/*
 * Directories of ours walked by descriptors: below the root that is opened, no link is followed,
 * whoever put it there (FAULTS B05, B06). Used by apply.c; no other part needs it.
 */
#ifndef RUN_FILES_TREE_H
#define RUN_FILES_TREE_H

#include "base/buf.h"
#include "base/map.h"
#include "base/os.h"
#include "base/text.h"

struct tree {
	int fd;                 /* .devenv/generated; -1: not there */
	const char *path;       /* its name, for messages */
	const struct map *dirs; /* path -> mode_t *: directories that are wanted; others get 0755 */
	const struct map *owned; /* path -> anything: files that are ours and may make way */
};

/* "a/b/c": no empty part, no `.` or `..`, no control characters, not absolute. */
bool tree_path_ok(const char *path);
/*
 * Descriptor of the directory path ("" is the root), made with its mode when make is set. -1 with
 * err and errno (ENOTDIR for links too); -1 and e->code ERR_OK: it is not there and make was not
 * set.
 */
int tree_dir(const struct tree *t, const char *path, bool make, struct err *e);
/* The same for the directory that holds path; *name is its last part. */
int tree_parent(
	const struct tree *t, const char *path, bool make, const char **name, struct err *e);
/* One part below a descriptor; refuses links and what is no directory. Other results as tree_dir().
 */
int tree_step(int at, const char *name, const char *shown, mode_t mode, bool make, struct err *e);

/* True when name is a regular file of ours with exactly these bytes and this mode. */
bool tree_same(int at, const char *name, const struct buf *content, mode_t mode);
/* Reads a file, not through a link. 0; 1: there is none of at most max bytes; -1: it cannot be
 * read. */
int tree_read(int at, const char *name, size_t max, struct buf *out, struct err *e);
/* A new file with exactly this mode, whatever the umask; one left by a killed run is replaced. */
int tree_write(int at, const char *name, const struct buf *content, mode_t mode, struct err *e);
/* Removes everything in the directory but `keep` (may be NULL); subdirectories stay. */
void tree_empty(int at, const char *keep);

#endif
