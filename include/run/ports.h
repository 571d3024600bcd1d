/* Ports of this machine: allocated under a lock, remembered per workspace. */
#ifndef RUN_PORTS_H
#define RUN_PORTS_H

#include "run/engine/engine.h"
#include "run/files/places.h"

struct port_request {
	const char *service, *protocol, *host_ip;
	int target;
	int wanted;         /* 0: any */
	struct place place; /* the line that asked */
};
/*
 * Gives each request a port: the remembered one when it is still free or held by our own container
 * (per w), else another, noting who holds it; strict: a taken port is an error instead. Writes the
 * registry.
 */
int ports_allocate(struct arena *a, const struct places *pl, const char *workspace,
	const struct port_request *req, size_t count, bool strict, struct engine *g,
	struct world *w, struct err *e);
/* "pid 812 (postgres)" or "container shop-db-1 of project shop", or NULL. */
const char *port_holder(struct arena *a, struct engine *g, int port, const char *protocol);

#endif
