/*
 * What git leaves out of a directory tree (gitignore(5)): every level's .gitignore, the work tree's
 * .git/info/exclude, the user's own file. Read without libgit2, which costs more memory and time
 * than all the rest of a watcher; held against `git check-ignore` by tests.
 */
#ifndef RUN_WATCH_WATCH_GIT_H
#define RUN_WATCH_WATCH_GIT_H

#include <sys/stat.h>

#include "run/files/patterns.h"

struct stamp { /* of a file, to see that it changed; all zero: it is not there */
	ino_t inode;
	off_t size;
	struct timespec modified;
};

struct git_level {        /* one file of patterns, there or not */
	const char *file; /* NULL: none, only the top of a work tree */
	struct stamp seen;
	struct git_level *next; /* the file that is asked when this one is silent */
	struct patterns patterns;
	size_t skip;           /* bytes of an absolute path up to what the patterns are about */
	struct git_tree *tree; /* set at the top of a work tree: nothing above it is asked */
	struct arena arena;
};

/* The patterns that stand in a directory (absolute, real). top: it has a .git, so those of the
 * repository and the user come behind. */
struct git_level *git_level_read(const char *dir, bool top);
/* Those that hold in dir from above it, up to the top of its work tree. NULL: none, or no git. */
struct git_level *git_levels_above(const char *dir);
void git_level_free(struct git_level *l); /* with all that are next */
/* One of the files has changed since, or has come, or gone. */
bool git_level_stale(const struct git_level *l);

enum git_say { GIT_SILENT, GIT_IGNORES, GIT_KEEPS };
/* path: absolute. Asks l and those next to it. *tree: set when a top was passed. */
enum git_say git_level_match(
	const struct git_level *l, const char *path, bool directory, struct git_tree **tree);
/* git knows it, or something in it: it is not ignored then, whatever the patterns say. */
bool git_tracked(struct git_tree *t, const char *path);

#endif
