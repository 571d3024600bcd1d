/*
 * Lines of a proxy's logs as what they say of one request. Comes in: a line. Goes out: its
 * connection and request, where it lies in the line. Allocates nothing.
 */
#include "doc/proxy_line.h"

#include <string.h>

enum { FRONT = 80, DIGITS = 18 }; /* where an error line says its connection */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits at `at`; false: there are none, or too many. */
static bool number_at(const char **at, const char *end, int64_t *out)
{
	const char *from = *at;
	*out = 0;
	for (; *at < end && is_digit(**at); (*at)++) {
		if (*at - from >= DIGITS)
			return false;
		*out = *out * 10 + (**at - '0');
	}
	return *at > from;
}

bool line_field(const char *line, size_t len, const char *key, struct span *out)
{
	size_t n = strlen(key);
	const char *end = line + len;
	for (const char *at = line; (at = memmem(at, (size_t)(end - at), key, n)); at++) {
		const char *v = at + n;
		if ((at != line && at[-1] != ' ') || v == end || *v != '=')
			continue;
		char stop = ++v < end && *v == '"' ? '"' : ' ';
		v += stop == '"';
		const char *last = memchr(v, stop, (size_t)(end - v));
		*out = (struct span){ v, (size_t)((last ? last : end) - v) };
		return true;
	}
	return false;
}

/* "0.012" seconds. */
static int64_t nanoseconds(struct span s)
{
	const char *at = s.at, *end = s.at + s.len;
	int64_t whole, unit = 100000000;
	if (!number_at(&at, end, &whole) || whole > 1000000)
		return 0;
	whole *= 1000000000;
	if (at < end && *at == '.')
		for (at++; at < end && is_digit(*at); at++, unit /= 10)
			whole += (*at - '0') * unit;
	return whole;
}

bool proxy_access_read(struct proxy_access *out, const char *line, size_t len)
{
	struct span s;
	*out = (struct proxy_access){ 0 };
	if (!line_field(line, len, "connection", &s))
		return false;
	const char *at = s.at;
	if (!number_at(&at, s.at + s.len, &out->connection) || at != s.at + s.len)
		return false;
	if (line_field(line, len, "duration", &s))
		out->took_ns = nanoseconds(s);
	line_field(line, len, "method", &out->method);
	line_field(line, len, "uri", &out->uri);
	return true;
}

int64_t proxy_error_connection(const char *line, size_t len)
{
	static const char mark[] = ": *";
	const char *end = line + len;
	const char *at = memmem(line, len < FRONT ? len : FRONT, mark, strlen(mark));
	int64_t n;
	if (len < 20 || line[4] != '/' || line[7] != '/' || !at || !is_digit(at[-1]))
		return -1;
	at += strlen(mark);
	return number_at(&at, end, &n) && at < end && *at == ' ' ? n : -1;
}

static bool begins(const char **at, const char *end, struct span s)
{
	if ((size_t)(end - *at) < s.len || memcmp(*at, s.at, s.len) != 0)
		return false;
	*at += s.len;
	return true;
}

bool proxy_error_of(const struct proxy_access *x, const char *line, size_t len)
{
	static const char mark[] = ", request: \"";
	const struct span blank = { " ", 1 };
	const char *end = line + len;
	if (proxy_error_connection(line, len) != x->connection)
		return false;
	const char *at = memmem(line, len, mark, strlen(mark));
	if (!at || !x->method.len || !x->uri.len)
		return true;
	at += strlen(mark);
	return begins(&at, end, x->method) && begins(&at, end, blank) && begins(&at, end, x->uri) &&
	       begins(&at, end, blank);
}
