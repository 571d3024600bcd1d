/*
 * What images of the engine are and hold, without running anything in them. Sources: GET
 * /images/NAME/json, and the archive of a container that is made from the image, never started, and
 * removed again. Nothing is pulled.
 */
#ifndef RUN_ENGINE_CONTENTS_H
#define RUN_ENGINE_CONTENTS_H

#include "base/arena.h"
#include "base/diag.h"
#include "model/lock.h"
#include "model/world.h"
#include "run/engine/engine.h"

/* What a name means now; out->id NULL: the engine does not have it. */
int engine_image(
	struct engine *g, struct arena *a, const char *name, struct seen_image *out, struct err *e);
/*
 * Packages by dpkg's own list, sorted by name; none in an image without dpkg. owner: the workspace,
 * whose name and label the short-lived container bears, so that whoever is killed leaves nothing
 * that the next run would not find.
 */
int image_packages(struct engine *g, struct arena *a, const char *image, const char *owner,
	struct packages *out, struct err *e);
/* Text of /var/lib/dpkg/status, or of a file below status.d, which has no word on the state; what
 * is not installed is left out. */
void dpkg_status(struct arena *a, const char *text, size_t len, struct packages *out);

#endif
