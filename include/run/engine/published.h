/* Ports that are taken by containers. */
#ifndef RUN_ENGINE_PUBLISHED_H
#define RUN_ENGINE_PUBLISHED_H

#include "run/engine/engine.h"

/* Ports published by running containers of anybody, ours or not: one GET /containers/json. */
struct published_port {
	int port;
	const char *protocol, *container, *project; /* project: Compose's label, or NULL */
};
struct published_ports {
	struct published_port *items;
	size_t count, cap;
};
int engine_published(struct engine *g, struct arena *a, struct published_ports *out, struct err *e);

#endif
