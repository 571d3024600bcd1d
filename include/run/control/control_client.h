/* Inside the control socket's client: the connection, and the host services behind it. */
#ifndef RUN_CONTROL_CONTROL_CLIENT_H
#define RUN_CONTROL_CONTROL_CLIENT_H

#include "base/buf.h"
#include "run/control/control.h"

struct control_client {
	struct hosts hosts; /* first: agent_hosts.c comes back from it */
	int fd;
	pid_t pid;     /* of the agent */
	bool gone;     /* it has closed the connection */
	struct buf in; /* read; lines before `at` were given out */
	size_t at;
	struct buf events; /* whole lines that came while a reply was awaited */
};

void client_hosts_init(struct control_client *c);

/* control_ask() in two: several may be sent before the first is answered. -1, NULL: err. */
int control_send(struct control_client *c, const struct node *request, struct err *e);
struct node *control_answer(struct control_client *c, struct arena *a, struct err *e);

#endif
