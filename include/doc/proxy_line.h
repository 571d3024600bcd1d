/*
 * Lines of nginx's logs that are about one request. An access line of our format carries its id, an
 * error line cannot ($request_id is no part of error_log), but both name the connection.
 */
#ifndef DOC_PROXY_LINE_H
#define DOC_PROXY_LINE_H

#include "doc/record.h"

struct proxy_access { /* bytes of the line */
	int64_t connection;
	int64_t took_ns;         /* 0: not said */
	struct span method, uri; /* empty: not said */
};

/* key=value, or key="value" without the quotes. */
bool line_field(const char *line, size_t len, const char *key, struct span *out);
/* False: it names no connection. */
bool proxy_access_read(struct proxy_access *out, const char *line, size_t len);
/* 12 of "2026/11/22 10:00:00 [error] 7#7: *12 connect() failed ..."; -1: it is no such line. */
int64_t proxy_error_connection(const char *line, size_t len);
/* Is the error line about that request? One connection carries several, one after the other, and
 * with HTTP/2 at once: what the line says of the request must agree, too. */
bool proxy_error_of(const struct proxy_access *x, const char *line, size_t len);

#endif
