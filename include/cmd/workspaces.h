/*
 * What lives in the workspaces of this machine, this one or another: containers, the agent with the
 * processes of host services, tmux sessions.
 */
#ifndef CMD_WORKSPACES_H
#define CMD_WORKSPACES_H

#include "cmd/context.h"

struct occupants {
	size_t containers, processes; /* that run */
	pid_t agent;                  /* 0: none, or it does not answer */
	bool mute;                    /* there is an agent that does not answer */
	struct strs sessions;         /* of tmux, by name */
};
/* c->world has all containers of the machine. Looks, and never touches; what does not answer is not
 * counted. */
void occupants_look(struct context *c, const char *workspace, struct occupants *out);
/*
 * Ends the agent with all that it runs, what a killed one left, and the tmux sessions. 0 or the
 * exit status after having said why.
 */
int occupants_end(struct context *c, const char *workspace);

#endif
