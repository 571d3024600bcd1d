/*
 * Parses the header of an HTTP/1.x answer. Comes in: bytes from an engine that may lie. Goes out:
 * status, length, whether the connection is ours. Bounded, allocates nothing.
 */
#include "run/wire.h"

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

static int read_fields(const char *s, const char *end, struct wire_head *out)
{
	static const char name[] = "content-length:";
	while (s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		if (!nl)
			nl = end;
		if ((size_t)(nl - s) >= sizeof(name) - 1 &&
			strncasecmp(s, name, sizeof(name) - 1) == 0) {
			int64_t n = length_of(s + sizeof(name) - 1, nl);
			if (n < 0 || (out->body_length >= 0 && out->body_length != n))
				return -1;
			out->body_length = n;
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
