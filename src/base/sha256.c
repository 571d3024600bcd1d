/*
 * SHA-256 (FIPS 180-4) in plain C. Comes in: bytes, all at once. Goes out: 32 bytes. For short
 * inputs only: loading libcrypto costs as much as half a megabyte here, and is faster from there
 * on.
 */
#include "base/sha256.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"

enum { BLOCK = 64 };

static const uint32_t round_constants[64] = { 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
	0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152,
	0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e,
	0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624,
	0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3,
	0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2 };

static uint32_t rotate(uint32_t v, int n)
{
	return v >> n | v << (32 - n);
}

static uint32_t read_word(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void write_word(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (24 - 8 * i));
}

static void schedule(uint32_t w[64], const unsigned char *block)
{
	for (int i = 0; i < 16; i++)
		w[i] = read_word(block + 4 * i);
	for (int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];
		w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

struct words { /* as the standard names them; kept in registers */
	uint32_t a, b, c, d, e, f, g, h;
};

static inline struct words turn(struct words s, uint32_t input)
{
	uint32_t one = s.h + (rotate(s.e, 6) ^ rotate(s.e, 11) ^ rotate(s.e, 25)) +
		       (s.g ^ (s.e & (s.f ^ s.g))) + input;
	uint32_t two = (rotate(s.a, 2) ^ rotate(s.a, 13) ^ rotate(s.a, 22)) +
		       ((s.a & s.b) | (s.c & (s.a | s.b)));
	return (struct words){ one + two, s.a, s.b, s.c, s.d + one, s.e, s.f, s.g };
}

static void compress(uint32_t state[8], const unsigned char *block)
{
	uint32_t w[64];
	struct words s;
	memcpy(&s, state, sizeof(s));
	schedule(w, block);
	for (int i = 0; i < 64; i++)
		s = turn(s, round_constants[i] + w[i]);
	uint32_t sum[8] = { s.a, s.b, s.c, s.d, s.e, s.f, s.g, s.h };
	for (int i = 0; i < 8; i++)
		state[i] += sum[i];
}

/* The rest, a one bit, zeros and the length in bits: one block or two. */
static void finish(uint32_t state[8], const unsigned char *rest, size_t left, size_t len)
{
	unsigned char last[2 * BLOCK] = { 0 };
	size_t size = left < BLOCK - 8 ? BLOCK : 2 * BLOCK;
	uint64_t bits = (uint64_t)len * 8;
	if (left)
		memcpy(last, rest, left);
	last[left] = 0x80;
	write_word(last + size - 8, (uint32_t)(bits >> 32));
	write_word(last + size - 4, (uint32_t)bits);
	for (size_t i = 0; i < size; i += BLOCK)
		compress(state, last + i);
}

void sha256(const void *data, size_t len, unsigned char out[static SHA256_SIZE])
{
	uint32_t state[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
		0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	const unsigned char *p = data;
	size_t left = len;
	for (; left >= BLOCK; left -= BLOCK, p += BLOCK)
		compress(state, p);
	finish(state, p, left, len);
	for (int i = 0; i < 8; i++)
		write_word(out + 4 * i, state[i]);
}

/* The key, padded to a block whose bits are turned by `turn`; then the data; hashed. */
static void pass(const unsigned char key[static BLOCK], unsigned char turned, const void *data,
	size_t len, unsigned char out[static SHA256_SIZE])
{
	struct buf all = BUF_INIT;
	for (size_t i = 0; i < BLOCK; i++)
		buf_addc(&all, (char)(key[i] ^ turned));
	buf_add(&all, data, len);
	sha256(all.data, all.len, out);
	buf_wipe(&all);
}

void sha256_keyed(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char out[static SHA256_SIZE])
{
	unsigned char block[BLOCK] = { 0 }, inner[SHA256_SIZE];
	if (key_len > BLOCK)
		sha256(key, key_len, block);
	else
		memcpy(block, key, key_len);
	pass(block, 0x36, data, len, inner);
	pass(block, 0x5c, inner, sizeof(inner), out);
	explicit_bzero(block, sizeof(block));
}
