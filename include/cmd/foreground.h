/*
 * What stays on the terminal after `up`: logs of the services and what the agent tells, keys, and
 * in the end the orderly stop of everything.
 */
#ifndef CMD_FOREGROUND_H
#define CMD_FOREGROUND_H

#include "cmd/context.h"
#include "run/control/control.h"

/*
 * After a successful `up`: c->plan is the one carried out. agent: NULL where none is needed; it is
 * owned and followed here. services: as named on the command line. Returns the exit status: 0 when
 * quit, detached, or when everything ended by itself; 128+n after signal n.
 */
int foreground_run(struct context *c, struct control_client *agent, const struct strs *services);

#endif
