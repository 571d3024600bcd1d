/*
 * SHA-256, of much by libcrypto, loaded on first use. Comes in: bytes. Goes out: 64 hex digits.
 * A machine without libcrypto can do nothing useful with devenv, so that is fatal here.
 */
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/lib.h"
#include "base/sha256.h"
#include "base/text.h"

static __typeof__(EVP_MD_CTX_new) *ctx_new;
static __typeof__(EVP_MD_CTX_free) *ctx_free;
static __typeof__(EVP_DigestInit_ex) *digest_init;
static __typeof__(EVP_DigestUpdate) *digest_update;
static __typeof__(EVP_DigestFinal_ex) *digest_final;
static __typeof__(EVP_MD_fetch) *fetch;
static EVP_MD *kind; /* fetched once: OpenSSL looks long for it */

static void load(void)
{
	static const char *const names[] = { "libcrypto.so.3", "libcrypto.so", "libcrypto.3.dylib",
		NULL };
	static const struct lib_symbol symbols[] = {
		{ "EVP_MD_CTX_new", (void **)&ctx_new, false },
		{ "EVP_MD_CTX_free", (void **)&ctx_free, false },
		{ "EVP_DigestInit_ex", (void **)&digest_init, false },
		{ "EVP_DigestUpdate", (void **)&digest_update, false },
		{ "EVP_DigestFinal_ex", (void **)&digest_final, false },
		{ "EVP_MD_fetch", (void **)&fetch, false },
	};
	struct err e = ERR_INIT;
	if (kind)
		return;
	if (lib_open(names, symbols, countof(symbols), &e)) {
		fprintf(stderr, "devenv: %s\n", e.text);
		exit(ERR_FAILED);
	}
	kind = fetch(NULL, "SHA256", NULL);
	if (!kind)
		bug("libcrypto has no SHA-256");
}

/*
 * Few bytes are kept and hashed here: loading libcrypto takes longer than hashing them. A hasher
 * that is given more, or comes after many others, goes to libcrypto.
 */
enum { SMALL = 256 << 10, ALL_SMALL = 1 << 20 };

static size_t hashed_here; /* bytes, of all small ones */

struct hasher {
	EVP_MD_CTX *large; /* NULL while small */
	struct buf small;
};

struct hasher *hasher_new(void)
{
	return xcalloc(1, sizeof(struct hasher));
}

static void update(struct hasher *h, const void *data, size_t len)
{
	if (len && !digest_update(h->large, data, len))
		bug("SHA-256 failed");
}

static void go_large(struct hasher *h)
{
	load();
	h->large = ctx_new();
	if (!h->large || !digest_init(h->large, kind, NULL))
		bug("libcrypto has no memory");
	update(h, h->small.data, h->small.len);
	buf_release(&h->small);
}

void hasher_add(struct hasher *h, const void *data, size_t len)
{
	if (!h->large && (len > SMALL - h->small.len || hashed_here > ALL_SMALL))
		go_large(h);
	if (h->large)
		update(h, data, len);
	else if (len)
		buf_add(&h->small, data, len);
}

void hasher_field(struct hasher *h, const void *data, size_t len)
{
	unsigned char size[8];
	for (int i = 0; i < 8; i++)
		size[i] = (unsigned char)((uint64_t)len >> (8 * i));
	hasher_add(h, size, sizeof(size));
	hasher_add(h, data, len);
}

void hasher_str(struct hasher *h, const char *s)
{
	static const unsigned char none[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	if (s)
		hasher_field(h, s, strlen(s));
	else
		hasher_add(h, none, sizeof(none));
}

static void finish(struct hasher *h, unsigned char raw[static SHA256_SIZE])
{
	if (!h->large) {
		sha256(h->small.data, h->small.len, raw);
		hashed_here += h->small.len;
		buf_release(&h->small);
		return;
	}
	unsigned char all[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	if (!digest_final(h->large, all, &len) || len != SHA256_SIZE)
		bug("SHA-256 gave %u bytes", len);
	memcpy(raw, all, SHA256_SIZE);
	ctx_free(h->large);
}

void hasher_end(struct hasher *h, char hex[static HASH_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[SHA256_SIZE];
	finish(h, raw);
	xfree(h);
	for (int i = 0; i < SHA256_SIZE; i++) {
		hex[2 * i] = digits[raw[i] >> 4];
		hex[2 * i + 1] = digits[raw[i] & 15];
	}
	hex[HASH_HEX] = '\0';
}

void hash_hex(const void *data, size_t len, char hex[static HASH_HEX + 1])
{
	struct hasher *h = hasher_new();
	hasher_add(h, data, len);
	hasher_end(h, hex);
}
