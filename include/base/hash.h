/* Content hashes: SHA-256. libcrypto is loaded only where there is much to hash. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>

enum { HASH_HEX = 64 };

struct hasher; /* one running digest, heap */

struct hasher *hasher_new(void);
void hasher_add(struct hasher *h, const void *data, size_t len);
/* Length first, then bytes: ("ab","c") and ("a","bc") differ. */
void hasher_field(struct hasher *h, const void *data, size_t len);
void hasher_str(struct hasher *h, const char *s); /* a field; NULL differs from "" */
void hasher_end(struct hasher *h, char hex[static HASH_HEX + 1]); /* and frees h */
void hash_hex(const void *data, size_t len, char hex[static HASH_HEX + 1]);

#endif
