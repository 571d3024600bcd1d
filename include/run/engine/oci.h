/* Images as an OCI archive (github.com/opencontainers/image-spec). */
#ifndef RUN_ENGINE_OCI_H
#define RUN_ENGINE_OCI_H

#include "base/arena.h"
#include "base/diag.h"

/*
 * What `docker save` wrote, as an OCI archive: oci-layout, index.json and blobs by their digests,
 * the same bytes for the same images. Times and names of the machine that built them are left out.
 * The file appears whole or not at all.
 */
int oci_archive(struct arena *a, const char *saved, const char *file, struct err *e);

#endif
