/* What git says of a directory (libgit2). */
#ifndef RUN_FILES_GIT_H
#define RUN_FILES_GIT_H

#include "base/arena.h"
#include "base/diag.h"
#include "model/world.h"

struct git_facts {
	const char *branch, *commit; /* NULL: none */
	bool worktree, dirty_known;
};
int git_look(struct arena *a, const char *dir, struct git_facts *out,
	struct err *e); /* no repository: all NULL, 0 */
/* What is built from dir: its commit, and whether the files below dir are that commit's. Not for
 * every command: it looks at each file. */
int git_source(struct arena *a, const char *dir, struct source_facts *out, struct err *e);
/* Would git leave path (below dir) out of a commit? Outside of a repository: yes. */
int git_ignored(const char *dir, const char *path, bool *ignored, struct err *e);

#endif
