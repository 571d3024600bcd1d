/* Command lines by table: parsing, help, completion and the manual come from struct cmd and struct
 * opt. */
#ifndef CMD_OPT_H
#define CMD_OPT_H

#include "base/buf.h"
#include "cmd/cmd.h"

/* A whole command line, parsed. */
struct parsed {
	const struct cmd *cmd; /* NULL: none was named, or `word` is no command of ours */
	const char *word;      /* the command as typed; NULL: none */
	void *opts;            /* the command's option struct, in the arena */
	struct strs args;
	bool help; /* -h or --help was seen */
	bool version;
};

/*
 * Parses argv into globals (laid out as global_opts says) and the command's options. Options of
 * the command win over global ones of the same letter. Unique prefixes of commands and long options
 * stand for the whole. When `word` is no command, all that follows is kept in args, unparsed.
 * 0, or -1 with ERR_USAGE.
 */
int opt_parse(
	struct arena *a, int argc, char **argv, void *globals, struct parsed *out, struct err *e);

/* The command of that name, alias or unique prefix, or NULL. */
const struct cmd *cmd_find(const char *name);

/* habits.c: an option of Compose's that ours has not under that name. */
struct habit {
	const char *cmd;    /* the command of ours; NULL: any */
	const char *option; /* long name */
	char letter;        /* 0: none */
	const char *as; /* the option of ours it stands for; "": what it asks for is always so */
	const char *instead; /* what to type instead, where there is no `as` */
};
/* By long name (of len bytes), or by letter when name is NULL. NULL: no habit. */
const struct habit *habit_option(const struct cmd *cmd, const char *name, size_t len, char letter);
const struct habit *habits(size_t *count);
/* What to type instead of a command that is none of ours, or NULL. */
const char *habit_word(const char *word);

void help_overview(struct buf *out);
void help_command(struct buf *out, const struct cmd *c);
void help_mdoc(struct buf *out); /* the COMMANDS part of devenv(1), from the same tables */

#endif
