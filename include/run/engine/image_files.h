/*
 * Images of the engine as a file, and back: what `docker save` writes, packed by zstd. Layers that
 * several of them have are in it once; a load takes over only those that the engine lacks.
 */
#ifndef RUN_ENGINE_IMAGE_FILES_H
#define RUN_ENGINE_IMAGE_FILES_H

#include "run/engine/engine.h"

/* path: must not be there; names: at least one, each known to the engine. */
int images_save(struct engine *g, struct loop *loop, const struct strs *names, const char *path,
	struct err *e);
int images_load(struct engine *g, struct loop *loop, const char *path, struct err *e);
/* Makes a shared volume as `up` does. kind: "dependencies" or "cache". */
int shared_volume_make(struct engine *g, const char *name, const char *kind, struct err *e);

#endif
