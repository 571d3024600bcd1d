/* Where a workspace keeps what it has. */
#ifndef RUN_FILES_PLACES_H
#define RUN_FILES_PLACES_H

#include "base/arena.h"
#include "base/diag.h"
#include "model/project.h"

/* Directories of one workspace; all absolute, made on demand by those who write. */
struct places {
	const char *project;   /* the checkout */
	const char *base;      /* what holds .devenv: the checkout, but for a run of its own */
	const char *dot;       /* .devenv */
	const char *generated; /* .devenv/generated */
	const char *logs;      /* .devenv/logs */
	const char *state;     /* $XDG_STATE_HOME/devenv/WORKSPACE */
	const char *data;      /* $XDG_DATA_HOME/devenv */
	const char *cache;     /* $XDG_CACHE_HOME/devenv */
	const char *turns;     /* locks of modules, shared by all who run stages on these sources */
};
int places_find(struct arena *a, const char *project_dir, const char *workspace, struct places *out,
	struct err *e);
/* The same for a decoded project, which may be a run of its own: then all is below its state. */
int places_of_project(struct arena *a, const struct project *p, struct places *out, struct err *e);
/* Its sources are an export below its own state, which nobody else works on. */
bool places_hold(const struct places *pl, const struct project *p);

#endif
