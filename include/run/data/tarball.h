/*
 * Tar archives of volumes, in constant memory: packed on their way to a file, checked entry by
 * entry on their way back. Names begin with VOLUME_ROOT on the volume's side. May run in a thread
 * of its own once tarball_load() was called; one call at a time.
 */
#ifndef RUN_DATA_TARBALL_H
#define RUN_DATA_TARBALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/diag.h"
#include "run/io/conduit.h"

struct tarball_facts {
	int64_t entries, bytes; /* bytes: of files as they read, unpacked */
	int64_t left_out;       /* devices, on the way to a file */
	char engine[16];        /* "postgres", "mariadb", "redis"; "": none was recognised */
	char version[32];       /* as its files name it: "15", "10.11.6-MariaDB", "10" of RDB */
	unsigned depth;         /* of the file that named it */
};

struct tarball_budget {
	int64_t entries, bytes; /* at most */
	/* An archive of anybody's: names are put below VOLUME_ROOT, setuid, file capabilities and
	 * special files are not taken over. Else one of ours, which carries what its volume had. */
	bool foreign;
};

struct tarball_sum {            /* of a file */
	char hex[HASH_HEX + 1]; /* SHA-256 */
	int64_t len;
};

int tarball_load(struct err *e);
/* The tar stream of a volume (from) as zstd into a file (to), which is summed up. */
int tarball_pack(struct conduit *from, int to, struct tarball_facts *f, struct tarball_sum *sum,
	struct err *e);
/* A file, packed by whatever libarchive knows, as the tar stream of a volume. Refuses hostile names
 * and links, devices, and what is over budget. The sum is of the whole file, once all went well. */
int tarball_unpack(int from, struct conduit *to, const struct tarball_budget *b,
	struct tarball_facts *f, struct tarball_sum *sum, struct err *e);
/* Of the rest of a file. */
int tarball_sum_up(int fd, struct tarball_sum *sum, struct err *e);

/* ---- tarball_rules.c: what may be in one ---- */

struct tarball_rules { /* embedded; begin with = { 0 } */
	struct arena a;
	struct map links;   /* names of symbolic links so far */
	bool begun, rooted; /* the first name of a foreign one was VOLUME_ROOT: it is one of ours */
};
void tarball_rules_release(struct tarball_rules *r);
/*
 * The name as it is below VOLUME_ROOT, in the arena, or NULL with err: absolute, with "..", of
 * another root, longer than a path may be, or behind a symbolic link. foreign: any relative name.
 */
const char *tarball_name(struct tarball_rules *r, const char *name, bool foreign, struct err *e);
void tarball_note_link(struct tarball_rules *r, const char *name);
/* What a file of so many bytes of anybody's may hold: a hundred times its size and a gigabyte, of
 * two million entries at most. */
struct tarball_budget tarball_budget_of(int64_t size);
/* Which server's file is this? Its engine, or NULL. */
const char *tarball_mark(const char *name);
/*
 * Can a server that is like `now` go on with this data? Unknown ones fit. -1 with why not: another
 * engine's, or a newer server's; for PostgreSQL any other major version's.
 */
int tarball_fits(const char *engine, const char *version, const char *engine_now,
	const char *version_now, struct err *e);
/* The version out of the first bytes of such a file; false: it is none after all. */
bool tarball_version(const char *engine, const char *data, size_t len, char out[static 32]);

#endif
