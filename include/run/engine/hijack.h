/* A raw connection to the engine that was an HTTP request: streams of exec and attach. */
#ifndef RUN_ENGINE_HIJACK_H
#define RUN_ENGINE_HIJACK_H

#include "run/engine/call.h"

struct hijack {
	int fd;           /* -1: closed */
	struct buf early; /* bytes that came with the header */
};

/* POST path (versioned here) with a JSON body (may be NULL); waits for the header at most
 * ENGINE_ANSWER_MS. */
int hijack_open(
	struct engine *g, const char *path, const char *body, struct hijack *h, struct err *e);
void hijack_close(struct hijack *h);

#endif
