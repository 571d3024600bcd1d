/* What the commands of the life cycle share. */
#ifndef CMD_LIFECYCLE_H
#define CMD_LIFECYCLE_H

#include "cmd/context.h"
#include "run/io/stream.h"

int show_plan(struct context *c);  /* --dry-run and `plan` */
int look_again(struct context *c); /* the world's containers anew */
void print_urls(struct context *c);
/* Of c->plan's services: is one that was ready gone again? Said with its last lines. */
int check_survivors(struct context *c);
/* The end of what it said, each line behind a newline. */
void last_lines(struct context *c, const struct container *k, int count, struct buf *out);

/* production.c: `generate -o DIR`; the exit status. */
struct production_opts {
	const char *dir, *registry, *tag;
	bool external_secrets, no_mesh;
};
int generate_production(struct context *c, const struct production_opts *o, bool diff);
int look_at_source(struct context *c, const char *tag); /* world.source; tag: build --tag */

/* self.c: program and global options that read the same configuration from any folder; a command
 * and a NULL are to follow. */
struct strs self_argv(struct context *c, const char *program);
/* again.c: devenv with these words as a child, again on each Enter and each every_s seconds (0: on
 * Enter alone), until q, the end of input or a signal. The status of the last one. */
int run_again(struct context *c, const struct strs *words, int every_s);

/* inside.c: the running copy of a service, 0 for the first; NULL after an error was printed. */
const struct container *running_copy(struct context *c, const char *service, int index);

/*
 * rotate.c: a new value (a given one, or NULL: by its recipe), its consumer told, those who read it
 * brought along, one after the other; or the old value everywhere. *followed: all who need it have
 * it, rather than at the next `up`.
 */
int rotate_secret(
	struct context *c, const struct secret *s, const struct buf *value, bool *followed);
/* Ends rotations that were interrupted; any: there were some, so the plan is to be made again. */
int finish_rotations(struct context *c, bool *any);

/* copy_along.c: up --copy; the plan is made again when there was something to copy. */
int copy_along(struct context *c, const struct strs *pairs, bool no_snapshot,
	const struct plan_request *r);

/* prepare.c: what the keyring holds now, into the world. */
int see_secrets(struct context *c, bool write);

/*
 * marks.c: does each data volume of this run know the secrets as they are? An error with the ways
 * out when one was initialised under another value.
 */
int check_marks(struct context *c);
bool mark_agrees(const struct volume_mark *m, const struct seen_secret *now);
int note_marks(struct context *c); /* what is ready knows its secrets: remembered */
/* The volumes know the new value of s, or still the one before. */
int expect_mark(struct context *c, const struct secret *s);
int settle_mark(struct context *c, const struct secret *s); /* they know the current one */
/* Is there data that knows s? Asks the engine when need be. */
int knows_secret(struct context *c, const struct secret *s, bool *does);

/* debug.c: the image of the tools container, in a context that was used for nothing else. */
int bring_tools(struct context *c);

/* when.c: "10m" ago, "2026-01-31T10:00:00.5" of this machine's clock or with Z of UTC; ns since
 * 1970. False: it is none. */
bool parse_when(const char *s, int64_t *ns);

/* log_printer.c: log lines in the style of the command line. */
struct log_printer {
	struct context *context;
	struct log_style style;
	struct redactor *redactor;
	struct buf out;   /* not written yet */
	struct buf clear; /* scratch */
};
/* After the vault was opened, for those who have one. */
struct log_printer log_printer_of(struct context *c, bool times);
void log_printer_release(struct log_printer *p); /* writes what is left */
/* One line more at the end of p->out. */
void log_format(struct log_printer *p, const char *service, int number, enum stream s,
	int64_t time_ns, const char *line, size_t len);
/* A log_fn, and its query's pause: lines go out in pieces, and when no more is at hand. */
void log_print(void *printer, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len);
void log_flush(void *printer);

#endif
