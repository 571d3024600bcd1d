/*
 * Line splitting. Comes in: bytes in any portions. Goes out: one call per line, none longer than
 * LINE_MAX_BYTES. Does not know where the bytes are from and never looks into them.
 */
#include "run/io/lines.h"

#include <string.h>

static void give(struct lines *l, const char *line, size_t len)
{
	if (len && line[len - 1] == '\r')
		len--;
	l->fn(l->ctx, line, len);
}

/* Takes a piece without newline; gives out full portions so that rest stays bounded. */
static void keep(struct lines *l, const char *data, size_t len)
{
	while (l->rest.len + len >= LINE_MAX_BYTES) {
		size_t take = LINE_MAX_BYTES - l->rest.len;
		buf_add(&l->rest, data, take);
		l->fn(l->ctx, l->rest.data, l->rest.len);
		buf_truncate(&l->rest, 0);
		data += take;
		len -= take;
	}
	if (len)
		buf_add(&l->rest, data, len);
}

void lines_feed(struct lines *l, const char *data, size_t len)
{
	const char *end = data + len;
	while (data < end) {
		const char *nl = memchr(data, '\n', (size_t)(end - data));
		size_t n = (size_t)((nl ? nl : end) - data);
		if (nl && !l->rest.len && n < LINE_MAX_BYTES) {
			give(l, data, n);
		} else {
			keep(l, data, n);
			if (nl) {
				give(l, buf_str(&l->rest), l->rest.len);
				buf_truncate(&l->rest, 0);
			}
		}
		data += n + (nl != NULL);
	}
}

void lines_end(struct lines *l)
{
	if (l->rest.len)
		give(l, l->rest.data, l->rest.len);
	buf_release(&l->rest);
}
