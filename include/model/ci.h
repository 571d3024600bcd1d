/*
 * What a run of `devenv ci` came to: a value that cmd fills, and views and reports show. Strings
 * are borrowed; output is without secrets, and raw otherwise.
 */
#ifndef MODEL_CI_H
#define MODEL_CI_H

#include "model/develop.h"

struct ci_result { /* of one unit in one stage */
	enum ci_stage stage;
	const char *unit;           /* module, service, image, route or "host" */
	struct stage_result result; /* skipped and cancelled ones, too */
	const char *log;            /* file that holds all of its output; NULL: none */
	const char *line;           /* the line of its output that matters; NULL: none */
	const char *again;          /* a command that does the same by hand */
};

struct ci_run {
	const char *id, *project, *environment;
	const char *commit; /* NULL: not under git */
	bool dirty;         /* files differ from that commit */
	int64_t began_ms;   /* since 1970 */
	int64_t took_ms;
	int64_t stages_ms[CI_STAGES]; /* -1: not run */
	LIST_OF(struct ci_result) results;
	const char *trouble; /* why it ended beside its stages: interrupted, out of time; NULL */
	int status;          /* that of the command */
};

const char *ci_stage_name(enum ci_stage k); /* "build", "compile", ... */
bool ci_stage_named(const char *name, enum ci_stage *out);
/* The first that failed, in order of stages and of time; NULL: none did. */
const struct ci_result *ci_first_cause(const struct ci_run *r);
/* The line of a tool's output that tells most: the first that speaks of an error, else the last.
 * In the arena; NULL: there is no line. */
const char *ci_line(struct arena *a, const char *output);

#endif
