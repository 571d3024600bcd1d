/* SHA-256 of a little text, without libcrypto; see base/hash.h, which chooses. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

enum { SHA256_SIZE = 32 };

void sha256(const void *data, size_t len, unsigned char out[static SHA256_SIZE]);
/* HMAC (RFC 2104) with SHA-256. Nothing of key or data is left in memory. */
void sha256_keyed(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char out[static SHA256_SIZE]);

#endif
