/*
 * What OpenSSL is asked for: keyed hashes, key pairs, certificates. keys.c alone knows the library.
 * Private parts stay in buffers that the caller wipes.
 */
#ifndef RUN_SECRETS_KEYS_H
#define RUN_SECRETS_KEYS_H

#include "model/project.h"

enum { KEYED_HASH_KEY = 32 };

/* HMAC-SHA256, which needs no library. */
void keyed_hash(const void *key, size_t key_len, const void *data, size_t len, char hex[65]);

/* PBKDF2 with HMAC-SHA256: of what might be guessed, where others can read the hash. */
int slow_hash(const char *salt, int rounds, const struct buf *data, char hex[65], struct err *e);

/* RECIPE_ED25519 or RECIPE_RSA: private half in PKCS#8, public half as SubjectPublicKeyInfo, both
 * PEM. */
int key_pair(
	enum recipe kind, int bits, struct buf *private_pem, struct buf *public_pem, struct err *e);

/* A certificate to be made, with a new EC P-256 key. */
struct certificate_wish {
	const char *name;         /* common name, cut to 64 bytes */
	const struct strs *hosts; /* leaf: names, wildcards and addresses; NULL: an authority */
	int days;
	const struct buf *issuer;     /* leaf: the authority's certificate, PEM */
	const struct buf *issuer_key; /* leaf: the authority's key; authority: its own, or NULL for
					 a new one */
};
/* key may be NULL when an own one was given. Fails when issuer_key is not the issuer's. */
int certificate_make(
	const struct certificate_wish *w, struct buf *pem, struct buf *key, struct err *e);

struct certificate_facts {
	const char *subject;     /* common name */
	struct strs hosts;       /* sorted as written */
	const char *fingerprint; /* SHA-256 of the whole, hex */
	int64_t not_before, not_after;
};
int certificate_look(
	struct arena *a, const struct buf *pem, struct certificate_facts *out, struct err *e);
bool certificate_signed(const struct buf *pem, const struct buf *issuer); /* signature and names */

#endif
