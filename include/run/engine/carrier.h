/*
 * Containers that are made so that the engine's archives reach an image or a volume,
 * are never started, and are removed by who made them. As one-offs of a workspace `status` does not
 * take them for services, and `down` takes away what a killed run left.
 */
#ifndef RUN_ENGINE_CARRIER_H
#define RUN_ENGINE_CARRIER_H

#include "run/engine/call.h"

#define VOLUME_ROOT "volume" /* where a volume is in one, and its streams' first name */

enum { CARRIER_ID = 130 };

struct carrier_wish {
	const char *image, *workspace;
	const char *name;    /* NULL: the engine gives one */
	const char *service; /* label devenv.service: what it is for */
	const char *root;    /* label devenv.root; NULL: none */
	const char
		*volume; /* at /VOLUME_ROOT, nothing of the image is copied into it; NULL: none */
};

/* The request that makes it, its strings in the arena, and what the answer says. */
struct engine_ask carrier_ask(struct arena *a, const struct carrier_wish *w);
int carrier_read(const struct http_answer *answer, char id[static CARRIER_ID], struct err *e);
/* Both, waited for. */
int carrier_make(
	struct engine *g, const struct carrier_wish *w, char id[static CARRIER_ID], struct err *e);

#endif
