/*
 * A tmux session as a value: (project, world, layout) -> windows and panes with their commands.
 * Pure. Strings live in the arena or in the project. What tmux reads is written by
 * session_script().
 */
#ifndef PLANNER_SESSION_H
#define PLANNER_SESSION_H

#include "base/buf.h"
#include "model/layout.h"
#include "model/world.h"

struct session_pane {
	struct strs argv;    /* two words at least; none: what tmux itself would start */
	const char *title;   /* one line, no control characters */
	const char *service; /* whose state it shows, and with whom it comes back; NULL: none */
	const char *dir;     /* absolute */
	const char *size;    /* "30%" or "20"; NULL: as the layout divides */
	struct place place;
};

struct session_window {
	const char *name;
	const char *layout; /* tmux's word or string */
	vars options, options_after;
	LIST_OF(struct session_pane) panes; /* at least one */
	size_t focus;                       /* index of the pane to start in */
	bool synchronize;
};

struct session {
	const char *name; /* no dot, no colon */
	const char *dir;
	const char *title_side; /* "top", "bottom", "off" */
	vars options, global_options;
	LIST_OF(struct session_window) windows; /* at least one */
	size_t focus;                           /* index of the window to start in */
	bool host; /* what it runs on this host is the project's: it needs consent */
	int columns, rows;
	struct strs watcher; /* argv of the process that keeps titles and panes up to date */
};

struct session_request {
	const char *layout; /* NULL: `default`, else the first, else by the graph; "auto": by the
			       graph */
	struct strs self;   /* the words of devenv with the options that lead to this project */
	struct strs profiles;
	const char *shell; /* the developer's own, absolute */
	int columns, rows; /* 0: a large one */
};

/* 0, or diagnostics (unknown layout, a reference that leads nowhere). */
int session_make(struct arena *a, const struct project *p, const struct world *w,
	const struct session_request *req, struct session *out, struct diags *d);

/* The commands of tmux that make it, for source-file. No word of it is read by a shell. */
void session_script(struct buf *out, const struct session *s);
void tmux_quote(struct buf *out, const char *word); /* one word of such a file */

/* session_graph.c: what `devenv tmux` shows where no layout says it. */
struct layout *session_default(
	struct arena *a, const struct project *p, const struct strs *profiles);

#endif
