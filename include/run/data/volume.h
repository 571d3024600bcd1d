/*
 * Volumes of the engine: made with the labels that Compose would give them, read and written as
 * streams, cloned, looked at. A stream is a tar archive whose names all begin with VOLUME_ROOT: its
 * first entry is the volume's own directory, so that its owner and mode go along. It is of any size
 * and passes in constant memory.
 *
 * What the engine's own archives carry: owners, modes (setuid too), hard and soft links, FIFOs,
 * times to the second on the way out and to the nanosecond on the way in, the xattr
 * security.capability out and every xattr in. Sparse files come through as the bytes that they
 * read as. Sockets stay behind.
 *
 * Means: a container that is made and never started, of an empty image of devenv's own, which is
 * made where it is missing: nothing is pulled, no image of the project is needed. Callers hold the
 * workspace's lock: volume_tidy() takes away what a killed run left.
 */
#ifndef RUN_DATA_VOLUME_H
#define RUN_DATA_VOLUME_H

#include "run/engine/carrier.h"

#define VOLUME_CARRIER "devenv-volume" /* label devenv.service of such a container */

struct volume_desk {
	struct engine *engine;
	struct loop *loop; /* its interrupts end a stream; NULL: none do */
	const char *workspace, *root;
};

struct volume_spec {
	const char *name;        /* of the engine: "shop-1a2b_data" */
	const char *key;         /* of volumes: "data" */
	const char *kind;        /* "data", "cache", "scratch" */
	const struct node *node; /* driver, driver_opts and labels of the configuration; NULL */
};

/* One that is there already stays as it is. */
int volume_make(const struct volume_desk *d, const struct volume_spec *s, struct err *e);
/* Gives its tar stream to `put`; one that returns false ends it as an error. */
int volume_export(const struct volume_desk *d, const char *name,
	bool (*put)(void *ctx, const char *data, size_t len), void *ctx, struct err *e);
/*
 * Unpacks a tar stream into it, over what it has. pull: as `produce` of struct http_request. A
 * stream that is cut off between two entries looks whole: who makes the stream knows better, and
 * drops the volume then.
 */
int volume_import(const struct volume_desk *d, const char *name,
	size_t (*pull)(void *ctx, char *into, size_t size), void *ctx, struct err *e);
/* One into the other, which is there and empty. */
int volume_clone(const struct volume_desk *d, const char *from, const char *to, struct err *e);

/* Containers of anybody, running or not, that mount it; not those of this file. Into
 * out->containers. */
int volume_users(
	struct engine *g, struct arena *a, const char *name, struct world *out, struct err *e);
struct volume_seen {
	bool exists;
	const char *workspace, *key, *kind; /* labels; NULL: it has none */
	const char *driver;
	bool fixed; /* its driver puts the data at a place that its options name */
};
int volume_look(struct engine *g, struct arena *a, const char *name, struct volume_seen *out,
	struct err *e);
/* Which server's data it holds, by the files at its top: as of struct tarball_facts; "": none is
 * recognised. */
int volume_server(const struct volume_desk *d, const char *name, char engine[static 16],
	char version[static 32], struct err *e);
/* Bytes in each, in order; -1: the engine cannot tell. It counts them all: slow. */
int volume_sizes(
	struct engine *g, struct arena *a, const struct strs *names, int64_t *bytes, struct err *e);
/* Containers of this file that a killed run of the workspace left. engine_remove_volume() drops a
 * volume. */
int volume_tidy(const struct volume_desk *d, struct err *e);

#endif
