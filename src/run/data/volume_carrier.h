/* Inside of volume*.c: the container that mounts a volume and never runs. */
#ifndef RUN_VOLUME_CARRIER_H
#define RUN_VOLUME_CARRIER_H

#include "run/engine/carrier.h"
#include "run/data/volume.h"

struct carrier {
	char id[CARRIER_ID];
};

/* With the volume at /VOLUME_ROOT. */
int carrier_open(
	const struct volume_desk *d, const char *volume, struct carrier *out, struct err *e);
int carrier_close(const struct volume_desk *d, struct carrier *c, struct err *e);

#endif
