/* Nouns to text, JSON or a live screen. Everything goes to a buf or a FILE that the caller names;
 * nothing here acts. */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H

#include <stdio.h>

#include "base/buf.h"
#include "doc/record.h"
#include "doc/schema.h"
#include "model/happening.h"
#include "model/lock.h"
#include "model/plan.h"
#include "model/tools.h"
#include "model/world.h"

struct style {
	bool colour;  /* SGR allowed */
	bool unicode; /* beyond ASCII allowed */
	bool links;   /* OSC 8 allowed */
	int width;    /* columns; 0: unknown */
};
/* mode: "auto", "always", "never"; honours NO_COLOR, TERM, LANG, isatty. */
struct style style_of(FILE *f, const char *mode);

/* The two small steps of every view: text of any origin made safe; an SGR sequence where colours
 * are allowed. */
void view_clean(struct buf *out, const char *s);
void view_colour(struct buf *out, struct style st, const char *sgr);
/* ms since 1970 as all JSON has it: "2026-01-31T10:00:00.123Z". */
char *view_time(struct arena *a, int64_t ms);

/* Diagnostics with source line and caret. source_line gives the text of a line of a file, or NULL.
 */
typedef const char *source_fn(void *ctx, const char *file, int line, size_t *len);
void view_diags(
	struct buf *out, const struct diags *d, struct style st, source_fn *source, void *ctx);
struct node *view_diags_json(struct arena *a, const struct diags *d);
void view_error(struct buf *out, const struct err *e, struct style st);

/* A table: cells are cleaned, columns aligned by width, the last one may be cut to the terminal. */
struct table;
struct table *table_new(struct arena *a, const char *const *head, size_t columns);
void table_row(struct table *t, const char *const *cells);
void table_write(struct buf *out, const struct table *t, struct style st);

/* lock.c: what differs between two devenv.lock. */
void view_lock(struct buf *out, struct arena *a, const struct lock_changes *l, struct style st);
struct node *view_lock_json(struct arena *a, const struct lock_changes *l);

/* scripts.c: those of the tools container. */
void view_scripts(struct buf *out, struct arena *a, const struct tool_scripts *l, struct style st);
struct node *view_scripts_json(struct arena *a, const struct tool_scripts *l);

void view_plan(struct buf *out, const struct plan *p, struct style st);
struct node *view_plan_json(struct arena *a, const struct plan *p);
/* only: the services to show; none: all. */
void view_status(struct buf *out, const struct project *p, const struct world *w,
	const struct strs *only, struct style st);
/* agent.c: a line on what it does and one per module; JSON null where none runs. */
void view_agent(struct buf *out, const struct agent_seen *g, int64_t now_ms, struct style st);
struct node *view_agent_json(struct arena *a, const struct agent_seen *g);
/* The same for one container or process, by itself; s NULL: it is configured no more. */
const char *view_container_word(const struct service *s, const struct container *k);
/* The one word for a service's state: "ready", "unhealthy", "absent", ... */
const char *view_unit_word(const struct service *s, const struct world *w);
/* volumes.c, a part of both: what volumes stand for, and who waits to be started again. */
void view_volumes(struct buf *out, const struct project *p, const struct world *w);
struct node *view_volumes_json(struct arena *a, const struct project *p, const struct world *w);
struct node *view_halted_json(struct arena *a, const struct world *w);
/* Its published ports, by target: "8080->80 5353->53/udp", with the addresses when asked for; ""
 * for none and for k NULL. */
const char *view_ports(struct arena *a, const struct container *k, bool address);
struct node *view_status_json(
	struct arena *a, const struct project *p, const struct world *w, const struct strs *only);
/* happening.c */
void view_happening(struct buf *out, const struct happening *h, struct style st);
struct node *view_happening_json(struct arena *a, const struct happening *h);
enum graph_format { GRAPH_ASCII, GRAPH_MERMAID, GRAPH_DOT, GRAPH_JSON };
void view_graph(struct buf *out, struct arena *a, const struct project *p, enum graph_format f,
	struct style st);
/* A unified diff of two texts, labelled. */
void view_diff(struct buf *out, const char *label, const char *old, size_t old_len, const char *new,
	size_t new_len, struct style st);

/* Text made safe for mdoc(7); and the field tables as the FIELDS part of devenv.yml(5). */
void view_mdoc(struct buf *out, const char *s);
void view_manual(struct buf *out, const struct schema *top);

/*
 * Progress of a plan. mode: "auto", "tty" (rows drawn in place), "plain" (lines), "json" (an object
 * per event, see devenv(1)), "quiet".
 */
struct progress;
struct progress_event {    /* the same facts as run's event, by value */
	const char *phase; /* "start", "progress", "output", "done", "failed", "skipped", "note" */
	const struct step *step;
	const char *text;
	int64_t elapsed_ms;
	double fraction;
};
struct progress *progress_new(FILE *f, const char *mode, struct style st, const struct plan *p);
void progress_event(struct progress *pr, const struct progress_event *ev);
/* Some ten times a second: draws when something is another, were it only the time. */
void progress_tick(struct progress *pr);
void progress_again(struct progress *pr); /* others wrote on the terminal meanwhile */
void progress_end(struct progress *pr);   /* clears the live part; frees */

/* log_line.c: one line of a log: coloured service name, time (when asked), cleaned text. A JSON
 * record is shown as its time, level, message and other fields. */
struct log_style {
	struct style style;
	bool times, no_prefix;
	bool raw; /* records as they came */
	int prefix_width;
};
void view_log_line(struct buf *out, const struct log_style *ls, const char *service, int number,
	int colour, int64_t time_ns, const char *line, size_t len);

/* ---- modules.c: what the develop loop came to. ---- */
/* One line per module: a mark and a word per stage, the file that caused the run, its time. */
void view_modules(struct buf *out, const struct module_states *m, int64_t now_ms, struct style st);
/* The same as one line of a log, without a newline: "api  + compile 1.2 s  x test failed ..." */
void view_module_line(struct buf *out, const struct module_state *m, struct style st);
/* A few columns of a status line: "api ++x". */
void view_module_marks(struct buf *out, const struct module_state *m, struct style st);
struct node *view_module_json(struct arena *a, const struct module_state *m);
struct node *view_modules_json(struct arena *a, const struct module_states *m);

/* junit.c: results as JUnit XML: a suite per module, a case per stage that was asked for. */
void view_junit(struct buf *out, const char *name, const struct module_states *m);

/* ---- stage_output.c: what a stage wrote. ---- */
/* The file that a name in the output means: its absolute path into out, when it is one that may be
 * linked to. */
typedef bool link_fn(void *ctx, const char *name, size_t len, struct buf *out);
struct stage_text {
	const char *host; /* of file://HOST/path */
	link_fn *link;    /* NULL: no links */
	void *ctx;
};
/*
 * Any number of lines, each cleaned and ended by a newline. The tool's colours stay when colour is
 * on; `path:12:3`, `path(12,3)` and `File "path", line 12` become links where the terminal can.
 */
void view_stage_output(
	struct buf *out, const struct stage_text *t, const char *text, size_t len, struct style st);

#endif
