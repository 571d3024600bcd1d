/*
 * Base64 (RFC 4648, padded) and wiping. Comes in and goes out: bytes. Knows nothing of secrets but
 * that a compiler must not optimise their erasure away.
 */
#include <string.h>

#include "run/io/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, const void *data, size_t len)
{
	const unsigned char *p = data;
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned bits = (unsigned)p[i] << 16;
		bits |= n > 1 ? (unsigned)p[i + 1] << 8 : 0;
		bits |= n > 2 ? p[i + 2] : 0;
		char four[4] = { alphabet[bits >> 18], alphabet[bits >> 12 & 63],
			n > 1 ? alphabet[bits >> 6 & 63] : '=', n > 2 ? alphabet[bits & 63] : '=' };
		buf_add(out, four, 4);
	}
}

bool base64_decode(struct buf *out, const char *text, size_t len)
{
	if (len % 4)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		unsigned bits = 0;
		size_t pad = 0;
		for (size_t k = 0; k < 4; k++) {
			char c = text[i + k];
			const char *at = c ? strchr(alphabet, c) : NULL;
			pad += c == '=' && i + 4 == len && k > 1;
			if ((!at && !(c == '=' && pad)) || (at && pad))
				return false;
			bits = bits << 6 | (at ? (unsigned)(at - alphabet) : 0);
		}
		unsigned char raw[3] = { (unsigned char)(bits >> 16), (unsigned char)(bits >> 8),
			(unsigned char)bits };
		buf_add(out, raw, 3 - pad);
	}
	return true;
}

void wipe(void *data, size_t len)
{
	for (volatile unsigned char *p = data; len; len--)
		*p++ = 0;
}

void wipe_text(const char *text)
{
	if (text)
		wipe((char *)text, strlen(text));
}
