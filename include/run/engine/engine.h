/* The Docker Engine: what is asked of it and what it is told to do (its API on a unix socket or
 * TCP). */
#ifndef RUN_ENGINE_ENGINE_H
#define RUN_ENGINE_ENGINE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"
#include "doc/node.h"
#include "model/world.h"
#include "run/io/loop.h"
#include "run/io/stream.h"

struct engine; /* a connection to the Docker Engine's API, heap */

/*
 * DOCKER_HOST or the current docker context (config.json) or /var/run/docker.sock. Makes no
 * request. -1 (ERR_ENGINE) with one of four messages: no socket, nobody listens, no permission, not
 * a socket.
 */
struct engine *engine_open(struct err *e);
void engine_close(struct engine *g);
const char *engine_host(const struct engine *g);
/* Fills containers (one request: all of the workspace, stopped ones too) and negotiates the API
 * version from the same answer. */
int engine_look(
	struct engine *g, struct arena *a, const char *workspace, struct world *w, struct err *e);
/* Further looks, made only when the planner needs them. */
/*
 * contents.c: into world.images what each of these names means to the engine now. One request each:
 * the engine's list takes as long as all images that it has, whatever it is asked for.
 */
int engine_images(struct engine *g, struct arena *a, const struct strs *names, struct world *w,
	struct err *e);
/* Volumes of the workspace, and those that all workspaces share (dependencies, caches). */
int engine_volumes(
	struct engine *g, struct arena *a, const char *workspace, struct world *w, struct err *e);
int engine_networks(
	struct engine *g, struct arena *a, const char *workspace, struct world *w, struct err *e);
int engine_all(struct engine *g, struct arena *a, struct world *w,
	struct err *e); /* containers of every workspace of ours */
int engine_start(struct engine *g, const char *id, struct err *e);
int engine_stop(struct engine *g, const char *id, int64_t grace_ms, struct err *e);
int engine_kill(struct engine *g, const char *id, const char *signal, struct err *e);
int engine_remove(struct engine *g, const char *id, struct err *e);
int engine_remove_volume(struct engine *g, const char *name, struct err *e);
int engine_remove_network(struct engine *g, const char *name, struct err *e);
/* Another name for an image: "shop-api:v1.2", "localhost:5000/shop-api:v1.2". */
int engine_tag(struct engine *g, const char *image, const char *name, struct err *e);
int engine_remove_image(struct engine *g, const char *name, struct err *e);
/* Images of devenv's ("image TAG") that no container stands on and, with volumes, its cache and
 * dependency volumes ("volume NAME") that none mounts. */
int engine_unused(
	struct engine *g, struct arena *a, bool volumes, struct strs *names, struct err *e);
/* The address that `host-gateway` means to containers, when the engine is this machine's; else
 * NULL.
 */
int engine_gateway(struct engine *g, struct arena *a, const char **out, struct err *e);
int engine_version(struct engine *g, struct arena *a, struct node **out,
	struct err *e); /* GET /version, for doctor */
struct log_request {
	const struct container *const *containers;
	size_t count;
	bool follow;
	int64_t since_ns; /* 0: all */
	int tail;         /* lines; -1: all */
};
/* Returns when all streams have ended, or on an interrupt while following. */
int engine_logs(struct engine *g, struct loop *l, const struct log_request *req, log_fn *fn,
	void *ctx, struct err *e);

#endif
