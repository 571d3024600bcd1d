/*
 * A tmux server of the workspace's own, behind a private socket, and what its panes need to know of
 * the engine. Every command is argv; nothing is ever typed into a pane.
 */
#ifndef RUN_TMUX_H
#define RUN_TMUX_H

#include "run/io/loop.h"
#include "run/files/places.h"

/*
 * Where the socket is: in the workspace's state directory; where that path is too long for a
 * socket, in $XDG_RUNTIME_DIR/devenv, else below /tmp in a directory that must be ours alone. NULL
 * with err. The directory is made.
 */
char *tmux_socket(struct arena *a, const struct places *pl, struct err *e);

struct tmux {
	struct loop *loop;
	const char *socket;
};
/*
 * One call of tmux: words, commands divided by ";". Its output and what it complains of go to out
 * (without the last newline). *status is tmux's; -1 only when it cannot be run.
 */
int tmux_ask(const struct tmux *t, const struct strs *words, struct buf *out, int *status,
	struct err *e);
/* With the developer's terminal; returns when the client has ended. inside: as a client of the
 * server that it was called from. */
int tmux_client(
	const struct tmux *t, const struct strs *words, bool inside, int *status, struct err *e);
/* Is this process in a pane of the server behind that socket, or of any (socket NULL)? */
bool tmux_inside(struct arena *a, const char *socket);

struct tmux_pane {
	const char *id;      /* "%3" */
	bool dead;           /* its process has ended */
	bool failed;         /* and not with status 0 */
	int64_t died;        /* when, in seconds since 1970; 0: unknown */
	const char *service; /* it belongs to */
	const char *run;     /* of that service, which its process was begun under; "": unknown */
	const char *state;   /* as its title says now */
	const char *window;  /* "@1" */
	bool alarm;          /* the window is marked */
};
struct tmux_panes {
	struct tmux_pane *items;
	size_t count, cap;
};
/* The panes of all sessions that belong to services. -1: no such server any more. */
int tmux_look(const struct tmux *t, struct arena *a, struct tmux_panes *out, struct err *e);

#endif
