/*
 * Parses the header of an HTTP/1.x answer, and a body in chunks. Comes in: bytes from an engine
 * that may lie. Goes out: status, length, whether the connection is ours; the body. Bounded,
 * allocates nothing.
 */
#include "run/io/wire.h"

#include <string.h>
#include <strings.h>

/* Length of the header with its blank line; 0: not complete. Bare newlines are taken too. */
static size_t header_length(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\n')
			continue;
		if (i + 1 < len && data[i + 1] == '\n')
			return i + 2;
		if (i + 2 < len && data[i + 1] == '\r' && data[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 101 UPGRADED": the three digits, or -1. */
static int status_of(const char *data, size_t len)
{
	if (len < 13 || memcmp(data, "HTTP/1.", 7) != 0 || !digit(data[7]) || data[8] != ' ')
		return -1;
	if (!digit(data[9]) || !digit(data[10]) || !digit(data[11]) || digit(data[12]))
		return -1;
	return (data[9] - '0') * 100 + (data[10] - '0') * 10 + (data[11] - '0');
}

static int64_t length_of(const char *s, const char *end)
{
	int64_t v = 0;
	bool any = false;
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	for (; s < end && digit(*s); s++, any = true) {
		if (v > INT64_MAX / 10 - 10)
			return -2;
		v = v * 10 + (*s - '0');
	}
	while (s < end && (*s == ' ' || *s == '\t' || *s == '\r'))
		s++;
	return any && s == end ? v : -2;
}

static bool is_field(const char *line, const char *end, const char *name)
{
	size_t len = strlen(name);
	return (size_t)(end - line) >= len && strncasecmp(line, name, len) == 0;
}

static bool says_chunked(const char *s, const char *end)
{
	static const char word[] = "chunked";
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	return (size_t)(end - s) >= sizeof(word) - 1 && strncasecmp(s, word, sizeof(word) - 1) == 0;
}

static int read_fields(const char *s, const char *end, struct wire_head *out)
{
	static const char length[] = "content-length:", coding[] = "transfer-encoding:";
	while (s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		if (!nl)
			nl = end;
		if (is_field(s, nl, length)) {
			int64_t n = length_of(s + sizeof(length) - 1, nl);
			if (n < 0 || (out->body_length >= 0 && out->body_length != n))
				return -1;
			out->body_length = n;
		} else if (is_field(s, nl, coding)) {
			out->chunked = says_chunked(s + sizeof(coding) - 1, nl);
		}
		s = nl + 1;
	}
	return 0;
}

int wire_parse(const char *data, size_t len, struct wire_head *out)
{
	static const char proto[] = "HTTP/1.";
	size_t bound = len < WIRE_MAX_HEADER ? len : WIRE_MAX_HEADER;
	size_t known = bound < sizeof(proto) - 1 ? bound : sizeof(proto) - 1;
	*out = (struct wire_head){ .body_length = -1 };
	if (memcmp(data, proto, known) != 0)
		return -1;
	out->length = header_length(data, bound);
	if (!out->length)
		return len >= WIRE_MAX_HEADER ? -1 : 0;
	out->status = status_of(data, out->length);
	if (out->status < 100)
		return -1;
	out->upgraded = out->status == 101 || (out->status == 200);
	return read_fields(data, data + out->length, out) ? -1 : 1;
}

/* ---- chunks ---- */

static int hex_digit(char c)
{
	if (digit(c))
		return c - '0';
	c |= 'a' ^ 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool size_byte(struct wire_chunks *w, char c)
{
	int d = hex_digit(c);
	if (d >= 0) {
		w->left = w->left * 16 + (unsigned)d;
		return ++w->digits < 16;
	}
	if (!w->digits || !memchr("; \t\r\n", c, 5))
		return false;
	w->state = CHUNK_SIZE_END;
	return true;
}

/* What is no byte of a chunk; false: it must not be there. */
static bool byte_between(struct wire_chunks *w, char c)
{
	if (++w->around > WIRE_MAX_HEADER)
		return false;
	if (w->state == CHUNK_SIZE && !size_byte(w, c))
		return false;
	if (w->state == CHUNK_DATA_END && c != '\r' && c != '\n')
		return false;
	if (c == '\n') {
		static const enum wire_state next[] = {
			[CHUNK_DATA_END] = CHUNK_SIZE,
			[CHUNK_TRAILER] = CHUNK_END,
			[CHUNK_TRAILER_LINE] = CHUNK_TRAILER,
		};
		bool sized = w->state == CHUNK_SIZE_END;
		w->state = !sized ? next[w->state] : w->left ? CHUNK_DATA : CHUNK_TRAILER;
	} else if (w->state == CHUNK_TRAILER && c != '\r') {
		w->state = CHUNK_TRAILER_LINE;
	}
	return true;
}

enum wire_fed wire_chunks_feed(struct wire_chunks *w, const char *data, size_t len,
	bool (*fn)(void *ctx, const char *data, size_t len), void *ctx)
{
	const char *end = data + len;
	while (data < end && w->state != CHUNK_END) {
		if (w->state != CHUNK_DATA) {
			if (!byte_between(w, *data++))
				return WIRE_BROKEN;
			continue;
		}
		size_t n = (size_t)(end - data);
		n = n < w->left ? n : (size_t)w->left;
		if (!fn(ctx, data, n))
			return WIRE_STOPPED;
		data += n;
		w->left -= n;
		if (!w->left)
			*w = (struct wire_chunks){ .state = CHUNK_DATA_END };
	}
	return w->state == CHUNK_END ? WIRE_WHOLE : WIRE_MORE;
}
