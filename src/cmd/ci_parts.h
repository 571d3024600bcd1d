/* Inside `devenv ci`: what one run of it holds, and its parts, one file each. */
#ifndef CMD_CI_PARTS_H
#define CMD_CI_PARTS_H

#include "cmd/context.h"
#include "model/ci.h"

struct ci_opts {
	bool keep_going, fail_fast, keep, commit, timings, no_frozen;
	struct strs timeouts;
	const char *report;
};

struct ci_log { /* one file of output, open */
	const char *path;
	FILE *file;
};

struct ci_cmd {
	struct context *c;
	const struct ci_opts *o;
	struct ci_run run;
	unsigned wanted; /* bits 1 << enum ci_stage */
	bool keep_going;
	int64_t timeouts[CI_STAGES]; /* ms */
	int64_t timeout;             /* of all, ms */
	int64_t until;               /* of all, monotonic ms */
	const char *report;          /* absolute: logs, JUnit */
	enum ci_stage now;
	bool late, owned, told;
	const char *sources; /* absolute: the export of --commit; NULL: the checkout */
	struct lock lock;    /* held as long as the run lasts */
	LIST_OF(struct ci_log) logs;
};

/* ci_place.c: a workspace of its own. Each returns 0 or the exit status. */
int ci_enter(struct ci_cmd *x);
int ci_leave(struct ci_cmd *x);

/* ci_stages.c: each returns 0, or the exit status when it could not even be tried; what failed is
 * among the results. */
int ci_stage_run(struct ci_cmd *x, enum ci_stage k);
void ci_look_anew(struct context *c); /* the world as it is now, not as it was first seen */

/* ci_notes.c: what is written while it runs: logs and events. */
void ci_heard(void *cmd, const struct event *ev); /* an event_fn */
const char *ci_log_path(struct ci_cmd *x, const char *unit);
void ci_log_text(struct ci_cmd *x, const char *unit, const char *text);
void ci_logs_close(struct ci_cmd *x);
struct ci_result *ci_result_add(struct ci_cmd *x, const char *unit, enum stage_state state);
/* What it said, NULL: nothing; from here on it is without secrets. */
void ci_result_end(struct ci_cmd *x, struct ci_result *r, const char *output);
/* The stage itself failed, beside its units. */
void ci_result_fail(struct ci_cmd *x, const char *why);
char *ci_public(struct ci_cmd *x, const char *text); /* without secrets; NULL of NULL */
void ci_tell_plan(struct ci_cmd *x, const char *state, const char *text);

/* ci_report.c: tells who wants to know, at the beginning and when it is over. 0, or the status of
 * a consent that was not given; what cannot be sent is a warning. */
int ci_report(struct ci_cmd *x, bool over);

#endif
