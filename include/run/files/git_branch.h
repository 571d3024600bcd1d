/*
 * The branch of a checkout and where it came from, read from git's own files (HEAD, reflogs, refs):
 * no library, no process. What cannot be read is as if it were not there.
 */
#ifndef RUN_FILES_GIT_BRANCH_H
#define RUN_FILES_GIT_BRANCH_H

#include "model/world.h"

void git_branch_look(struct arena *a, const char *dir, struct checkout *out);
/* The name alone; NULL: none. For those who ask often. */
const char *git_branch_name(struct arena *a, const char *dir);
/* True, too, where nobody can tell. */
bool git_branch_exists(struct arena *a, const char *dir, const char *name);

#endif
