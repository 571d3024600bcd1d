/*
 * Commands: one table drives parsing, help, completion and the manual. Only this room prints and
 * joins the others.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "base/text.h"

enum opt_kind { OPT_FLAG, OPT_TEXT, OPT_INT, OPT_LIST /* repeatable */, OPT_CHOICE };

/* What completion offers for an argument or an option's value. */
enum complete {
	COMPLETE_NONE,
	COMPLETE_SERVICE,
	COMPLETE_FILE,
	COMPLETE_DIR,
	COMPLETE_IMAGE,
	COMPLETE_VOLUME,
	COMPLETE_SECRET,
	COMPLETE_COMMAND,
	COMPLETE_LAYOUT,
	COMPLETE_CHOICE
};

struct opt {
	const char *name; /* long, without --; "no-" forms are entries of their own */
	char letter;      /* 0: none */
	enum opt_kind kind;
	const char *value; /* name of the value in help: "FILE", "SECONDS" */
	const char *help;  /* one line */
	const char *const *choices;
	enum complete complete;
	size_t offset; /* of the bool, const char *, int or struct strs in the command's option
			  struct */
	bool optional_value; /* --tail[=N] */
};

struct context; /* cmd/context.h: what a run of a command holds */

struct cmd {
	const char *name, *alias;
	const char *group;      /* "daily", "inside", "configuration", ... (DESIGN 7) */
	const char *args;       /* usage of the arguments: "[SVC...]" */
	const char *help;       /* one line */
	const char *detail;     /* paragraphs for help CMD and the manual, in plain text; blank line
				   separates */
	const struct opt *opts; /* ends with name NULL */
	size_t opts_size;       /* of its option struct */
	int min_args, max_args; /* max -1: any */
	bool passthrough;       /* what follows the first argument, or --, is not parsed */
	bool dashes;            /* the first -- is kept among the arguments */
	enum complete complete;
	const char *const *verbs; /* words that completion offers first; ends with NULL */
	int (*run)(struct context *c, const void *opts, const struct strs *args); /* exit status */
};

extern const struct cmd *const commands[]; /* ends with NULL; sorted by group, then as shown */
extern const struct opt global_opts[];

/* Whole program after main() has set the locale: parses, runs, prints errors. Returns the exit
 * status. */
int cmd_main(int argc, char **argv);

#endif
