/*
 * The tools container of `devenv debug`, carried out. It lives as long as a connection to it does:
 * its first process reads from that until it ends, so that neither a killed devenv nor a lost
 * engine connection leaves one behind. What is asked of it runs as an exec.
 */
#ifndef RUN_TOOLS_H
#define RUN_TOOLS_H

#include "model/plan.h"
#include "model/tools.h"
#include "run/engine/engine.h"

/* What a running container is like. ERR_FAILED when there is none of that id. */
int joined_look(
	struct engine *g, struct arena *a, const char *id, struct joined *out, struct err *e);

/*
 * Scripts of devenv's own and those of the project's directory (NULL: none), as the list that is
 * shown and as the files of an archive below TOOLS_DIR. A script is an executable file; others
 * beside it are taken along.
 */
struct tools_files {
	struct tool_scripts scripts;
	struct build files; /* only its files count */
};
int tools_files(struct arena *a, const char *dir, struct tools_files *out, struct err *e);
/* TOOLS_DIR's part of the PATH, in order. */
extern const char tools_path[];

struct tools; /* heap */
/* Makes and starts it. NULL with err: nothing is left then. */
struct tools *tools_open(struct engine *g, const struct tools_spec *spec,
	const struct tools_files *files, struct err *e);
const char *tools_id(const struct tools *t);
int tools_lifeline(const struct tools *t); /* ends when the container does */
/* Returns when it is gone, or with what kept it from going. NULL is fine. */
int tools_close(struct tools *t, struct err *e);

#endif
