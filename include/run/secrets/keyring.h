/* The keyring as a file and the recipes that fill it; the face for others is in run.h (vault_*). */
#ifndef RUN_SECRETS_KEYRING_H
#define RUN_SECRETS_KEYRING_H

#include <sys/stat.h>

#include "model/project.h"
#include "run/secrets/keys.h"

struct loop;
struct places;

enum { SECRET_MAX = 1 << 20 }; /* bytes of one value */

struct kept { /* one secret's value */
	const char *name;
	char recipe[65]; /* keyed hash of the recipe that made it; "": of any */
	struct buf value;
	struct buf public;                    /* of a key pair */
	struct buf previous, previous_public; /* before a rotation that is not settled */
	bool ready;                           /* value is there (it may be empty) */
	bool unsettled;                       /* previous is there */
	bool given;                 /* by `secrets set`: stays whatever kind the recipe is of */
	bool stored;                /* false: read anew on every run, never in the file */
	int64_t created;            /* seconds since 1970 */
	int64_t generation;         /* from 1, counts rotations */
	const char *failure, *hint; /* why there is no value; NULL: not looked yet */
	struct place place;
};

struct vault {
	struct arena arena; /* names and texts, no values */
	const char *path;   /* of keyring.json */
	const char *project;
	unsigned char key[KEYED_HASH_KEY]; /* of fingerprints */
	LIST_OF(struct kept) kept;
	bool fresh;  /* there was no keyring when it was opened */
	bool create; /* may be made and changed */
	bool dirty;
	struct stat seen; /* of the file when it was read; nlink 0: there was none */
};

/* Refuses a keyring that others could read or change, or that is damaged; absent: 0 and fresh. */
int keyring_load(struct vault *v, struct err *e);
int keyring_save(struct vault *v, struct err *e); /* durable, 0600, old or new */
struct kept *keyring_find(const struct vault *v, const char *name);
struct kept *keyring_add(struct vault *v, const char *name);

bool recipe_stored(enum recipe r); /* made once, rather than read on every run */
void recipe_hash(const struct vault *v, const struct secret *s, char hex[65]);
/* A new value (and public half) into empty buffers. The loop may be NULL: then no command is run.
 */
int recipe_make(const struct vault *v, struct loop *l, const struct secret *s, struct buf *value,
	struct buf *public, struct err *e);

#endif
