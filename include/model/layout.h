/*
 * Layouts of a tmux session: what `layouts:` wants, names resolved. Borrowed strings, const once
 * decoded. How a pane's command looks is the planner's affair (planner/session.h).
 */
#ifndef MODEL_LAYOUT_H
#define MODEL_LAYOUT_H

#include "model/project.h"

enum pane_kind {
	PANE_OWN_SHELL, /* the developer's own, on the host */
	PANE_LOGS,
	PANE_ATTACH, /* the client of the service where its template names one, else its process */
	PANE_SHELL,
	PANE_STAGE,   /* results of a module's stages, live */
	PANE_RUN,     /* a command of the project */
	PANE_TRACE,   /* a request followed through its route */
	PANE_COMMAND, /* on the host: needs consent */
};

struct pane {
	enum pane_kind kind;
	const struct service *service; /* logs: the first; attach, shell, stage; run: the
					  command's; else NULL */
	struct strs words; /* logs: services; run: command and arguments; trace: request;
			      command: argv */
	struct strs lines; /* command: shell lines, one after the other, in place of words */
	const char *title; /* NULL: by what it shows */
	const char *dir;   /* absolute */
	const char *size;  /* "30%" or "20": columns or lines, by the window's layout; NULL */
	vars environment;
	bool focus;
	struct place place;
};

struct window {
	const char *name;           /* NULL: by its first pane */
	const char *layout;         /* tmux's word or string; NULL: tiled */
	vars options;               /* of the window, set before its panes are arranged */
	vars options_after;         /* set when they are */
	struct strs before;         /* shell lines before what each pane runs on the host */
	LIST_OF(struct pane) panes; /* at least one */
	bool focus, synchronize;
	struct place place;
};

struct layout {
	const char *name;
	vars options, global_options;
	const char *title_side;         /* "top", "bottom" or "off" */
	LIST_OF(struct window) windows; /* at least one */
	struct place place;
};

const struct layout *project_layout(const struct project *p, const char *name);

#endif
