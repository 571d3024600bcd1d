/*
 * Files of other tools as parts of devenv.yml. Pure: trees and text in, trees out. What cannot be
 * taken over is a warning with its place; what cannot be read an error. Dollar signs of shell lines
 * are doubled, so that the shell sees them and devenv does not.
 */
#ifndef PLANNER_IMPORT_H
#define PLANNER_IMPORT_H

#include "doc/node.h"

enum import_kind {
	IMPORT_UNKNOWN,
	IMPORT_TMUXINATOR,
	IMPORT_TMUXP,
	IMPORT_COMPOSE,
	IMPORT_PROCFILE,
};

/* By the file's name and its keys; n NULL: it is no YAML map. */
enum import_kind import_kind(const char *file, const struct node *n);

/* A value of layouts.NAME; *name gets the layout's name. NULL after an error. */
struct node *import_layout(struct arena *a, enum import_kind kind, const struct node *file,
	const char **name, struct diags *d);

/* A whole devenv.yml of host services. */
struct node *import_procfile(
	struct arena *a, const char *text, const char *file, const char *name, struct diags *d);

/* A shell line as devenv.yml must say it. */
const char *import_line(struct arena *a, const char *line);

#endif
