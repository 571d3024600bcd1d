/*
 * A tar stream read as it comes: names, owners, modes and bytes are handed on, nothing is kept and
 * nothing is written. Reads ustar, pax and GNU's long names; for what goes to disk there is
 * libarchive.
 */
#ifndef RUN_FILES_TAR_H
#define RUN_FILES_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tar; /* heap */

enum tar_kind { TAR_FILE, TAR_DIR, TAR_LINK, TAR_HARD_LINK, TAR_OTHER };

struct tar_entry {                 /* strings are good until the next call */
	const char *path, *target; /* target: of links, else "" */
	enum tar_kind kind;
	mode_t mode; /* permissions alone */
	int64_t uid, gid, size;
};

struct tar_sink {
	bool (*entry)(void *ctx, const struct tar_entry *e);   /* false ends the reading */
	void (*data)(void *ctx, const char *data, size_t len); /* of the entry before */
	void (*end)(void *ctx); /* that entry is whole; called for those without bytes, too */
	void *ctx;
};

struct tar *tar_new(const struct tar_sink *sink);
/* The next bytes. False: no more are wanted, by the sink or because this is no tar archive. */
bool tar_feed(struct tar *t, const char *data, size_t len);
bool tar_broken(const struct tar *t);
bool tar_whole(const struct tar *t); /* its end was seen */
void tar_free(struct tar *t);

#endif
