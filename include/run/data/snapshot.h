/*
 * Snapshots of volumes: a directory each, of one archive per volume and snapshot.json beside them,
 * in $XDG_DATA_HOME/devenv/snapshots/PROJECT, which the worktrees of a project share. One is
 * there whole or not at all: it is made under a name that begins with a dot and renamed.
 */
#ifndef RUN_DATA_SNAPSHOT_H
#define RUN_DATA_SNAPSHOT_H

#include "base/hash.h"
#include "base/os.h"
#include "run/files/places.h"
#include "run/data/tarball.h"
#include "run/data/volume.h"

enum { SNAPSHOT_FORMAT = 1 }; /* of snapshot.json; later ones are refused */

/*
 * What a volume's server takes for a secret's value, as struct volume_mark has it. Marks can only
 * be compared on the machine they are of; a proof is a slow hash of the value, for all others. No
 * more can be guessed by it than by what the server itself keeps in its data.
 */
struct snapshot_secret {
	const char *name, *machine, *salt;
	struct strs marks, proofs; /* no proof: nobody knew the value any more */
	int64_t rounds;
};
struct snapshot_part { /* one volume */
	const char *volume, *kind;
	const char *template; /* of a service that uses it; NULL: none */
	const char *file;     /* in the snapshot's directory */
	const char *sha256;   /* of that file */
	int64_t packed;       /* its bytes */
	struct tarball_facts facts;
	LIST_OF(struct snapshot_secret) secrets;
};

struct snapshot {
	const char *name;
	const char *dir; /* absolute */
	const char *project, *workspace, *root;
	const char *branch, *commit; /* NULL: none */
	const char *reason;          /* an automatic one: before what; NULL: it was asked for */
	int64_t time_ms;             /* since 1970 */
	LIST_OF(struct snapshot_part) parts;
};
struct snapshots {
	struct snapshot *items;
	size_t count, cap;
};

/* ---- snapshot_store.c ---- */
const char *snapshots_dir(struct arena *a, const struct places *pl, const char *project);
bool snapshot_name_fits(
	const char *name); /* up to 200 letters, digits, "._-"; begins with none of these */
/* Newest first, what a wrong clock has put into the future last. What cannot be understood is left
 * out, and named in bad. */
int snapshots_list(
	struct arena *a, const char *dir, struct snapshots *out, struct strs *bad, struct err *e);
/* Reads DIR/snapshot.json; s->dir and the name are as given. */
int snapshot_read(struct arena *a, const char *dir, struct snapshot *s, struct err *e);
struct node *snapshot_node(struct arena *a, const struct snapshot *s); /* as that file has it */
const struct snapshot_part *snapshot_part(const struct snapshot *s, const char *volume);
int snapshot_remove(const char *dir, const struct snapshot *s, struct err *e);
/* What killed runs left in the store, of whichever workspace. */
int snapshots_sweep(const char *dir, struct err *e);

/* One in the making. */
struct snapshot_draft {
	char *dir;        /* where the archives go, heap */
	struct lock lock; /* says that its maker lives */
};
int snapshot_begin(const char *store, struct snapshot_draft *d, struct err *e);
/* Writes snapshot.json and gives it its name; ERR_USAGE when there is one of that name. */
int snapshot_commit(
	struct snapshot_draft *d, const char *store, const struct snapshot *s, struct err *e);
void snapshot_abandon(struct snapshot_draft *d); /* after a commit, too */

/* ---- snapshot_stream.c ---- */
/* An engine's volume into DIR/part->file; fills the rest of the part but volume, kind, template. */
int snapshot_save(const struct volume_desk *d, struct arena *a, const char *engine_volume,
	const char *dir, struct snapshot_part *part, struct err *e);
/* Is the file what it was? Nothing else is touched. */
int snapshot_verify(const struct snapshot *s, const struct snapshot_part *part, struct err *e);
/* Into a volume that is there and empty, verified on the way unless the part has no sha256; on
 * failure the volume is to be dropped. */
int snapshot_fill(const struct volume_desk *d, const struct snapshot *s,
	const struct snapshot_part *part, const char *engine_volume, struct err *e);
/* The same from anybody's archive, under a budget that goes by its size. */
int archive_fill(const struct volume_desk *d, const char *path, const char *engine_volume,
	struct tarball_facts *f, struct err *e);

#endif
