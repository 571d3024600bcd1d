/*
 * What the develop loop knows of each module: the state of its stages, and what caused the last
 * run. A value: made by cmd/develop.c, sent by the agent, shown by view.
 */
#ifndef MODEL_DEVELOP_H
#define MODEL_DEVELOP_H

#include "model/project.h"

enum stage_kind { STAGE_COMPILE, STAGE_LINT, STAGE_TEST, STAGE_SUCCESS, STAGES };

enum stage_state {
	STAGE_ABSENT,  /* the module has no such stage */
	STAGE_OFF,     /* it has, but it is switched off */
	STAGE_IDLE,    /* not run yet */
	STAGE_WAITING, /* part of the run under way, not begun */
	STAGE_RUNNING,
	STAGE_PASSED,
	STAGE_WARNED, /* failed, with gate: warn */
	STAGE_FAILED,
	STAGE_SKIPPED,   /* a gate before it failed */
	STAGE_CANCELLED, /* a newer change made the run pointless */
};

struct stage_result {
	enum stage_state state;
	int status;          /* exit status, 128+n by signal n; -1: could not be run */
	int64_t duration_ms; /* so far, or in all */
	const char *command; /* as configured */
	const char *output;  /* both streams, at most STAGE_OUTPUT_MAX bytes, the end of it; NULL:
				none */
	struct place place;
};
enum { STAGE_OUTPUT_MAX = 256 * 1024 };

struct module_state {
	const char *service;
	struct stage_result stages[STAGES];
	const char *cause; /* the first changed file, relative to the project; "asked"; NULL: never
			      ran */
	unsigned more;     /* files that changed besides */
	unsigned runs;     /* since the loop began */
	bool running, suspended;
	const char *why;  /* it is suspended or waits: one sentence; NULL */
	int64_t began_ms; /* of the last run, ms since 1970 */
	int64_t took_ms;  /* of the last run, until its last stage ended */
};

struct module_states {
	struct module_state *items;
	size_t count, cap;
};

const char *stage_name(enum stage_kind k);        /* "compile", "lint", "test", "on_success" */
const char *stage_state_name(enum stage_state s); /* "passed", "warned", ... */
const struct stage *service_stage(const struct service *s, enum stage_kind k); /* NULL: none such */

#endif
