/*
 * Something that happened in a workspace: a value that is kept in its journal, streamed by `events`
 * and shown by view. As JSON it is one object of version 1; what it has not is left out.
 */
#ifndef MODEL_HAPPENING_H
#define MODEL_HAPPENING_H

#include "doc/node.h"

enum happening_kind {
	HAPPENED_UNIT,  /* a container or a process of this host: state as in `status` */
	HAPPENED_STAGE, /* of a module: state as in `status` */
	HAPPENED_PLAN,  /* a command began or ended to carry one out: "started", "done", "failed" */
	HAPPENED_STEP,  /* of such a plan: "started", "done", "failed", "skipped" */
	HAPPENED_AGENT, /* "started", "ended" */
	HAPPENED_ENGINE, /* "lost", "back" */
	HAPPENED_CONFIG, /* a changed configuration was applied: "passed", "failed" */
	HAPPENED_NOTE,   /* the agent says something */
	HAPPENED_KINDS,
};

struct happening {       /* strings are borrowed */
	int64_t time_ms; /* since 1970 */
	enum happening_kind kind;
	const char *service; /* it is about; NULL: none, or all */
	const char *name;    /* of the stage, the step, or the plan's command; else NULL */
	const char *state;   /* in a word; NULL: a note has none */
	const char *text;    /* more about it, raw; NULL: nothing */
	const char *where;   /* unit: "container" or "host" */
	const char *id;      /* unit */
	const char *cause;   /* stage: the file that was saved */
	int number;          /* unit: copy, from 1; 0: of `run` */
	int64_t pid;         /* of the process, or of the command with a plan; 0: none */
	int64_t steps;       /* plan: how many; 0: unknown */
	int64_t status;      /* unit: exit status; stage: the command's; -1: none */
	int64_t duration_ms; /* stage, step, plan; -1: none */
};

#define HAPPENING(k)                                                                               \
	(struct happening)                                                                         \
	{                                                                                          \
		.kind = (k), .status = -1, .duration_ms = -1                                       \
	}

const char *happening_kind_name(enum happening_kind k); /* "unit", "stage", ... */
/* time: as the JSON has it, for the caller knows how times are written. */
struct node *happening_to_node(struct arena *a, const struct happening *h, const char *time);
/* From a tree of it with "time_ms" instead. False: it is none. */
bool happening_from_node(const struct node *n, struct happening *out);

#endif
