/*
 * Two of git's files, read without libgit2: the index (gitformat-index(5)) as a set of names, and
 * single values of the configuration (git-config(1)). For those who must be small and quick.
 */
#ifndef RUN_FILES_GIT_FILES_H
#define RUN_FILES_GIT_FILES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

struct git_names { /* hashes of the files that git tracks, and of the directories they are in */
	uint64_t *slots; /* 0: free */
	size_t size, count;
};

/* dir: the work tree's own part of the repository (".git"). Nothing that can be read: none. */
void git_names_read(struct git_names *n, const char *dir);
bool git_names_have(const struct git_names *n, const char *path); /* relative to the top */
void git_names_release(struct git_names *n);

/* core.excludesFile as git finds it for a repository (its common directory), or git's default; the
 * file need not be there. NULL: no home. What is included on a condition is not looked at. */
const char *git_users_excludes(struct arena *a, const char *common);

#endif
