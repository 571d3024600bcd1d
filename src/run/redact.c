/*
 * A second line of defence. Comes in: text on its way out. Goes out: the same with every value of
 * the keyring replaced. Values of fewer than four bytes would hide half the text and are left
 * alone.
 */
#include <stdlib.h>
#include <string.h>

#include "run/keyring.h"
#include "run/run.h"

enum { SHORTEST = 4, LINE_SHORTEST = 16 };

static void replace(struct buf *text, const char *value, size_t len)
{
	struct buf out = BUF_INIT;
	const char *from = buf_str(text), *end = from + text->len;
	for (const char *at; (at = memmem(from, (size_t)(end - from), value, len));
		from = at + len) {
		buf_add(&out, from, (size_t)(at - from));
		buf_adds(&out, "***");
	}
	if (!out.len && from == buf_str(text))
		return;
	buf_add(&out, from, (size_t)(end - from));
	buf_wipe(text);
	*text = out;
}

/* Keys come out line by line, so each long line of a value counts by itself. */
static void replace_lines(struct buf *text, const struct buf *value)
{
	for (const char *p = value->data, *end = p + value->len; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		if (n >= LINE_SHORTEST && !(n > 5 && !memcmp(p, "-----", 5)))
			replace(text, p, n);
		p += n + 1;
	}
}

/* As it stands in a URL. */
static void replace_url(struct buf *text, const struct buf *value)
{
	struct buf url = BUF_INIT;
	for (size_t i = 0; i < value->len; i++) {
		char c = value->data[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || (c && strchr("-._~", c));
		if (plain)
			buf_addc(&url, c);
		else
			buf_addf(&url, "%%%02X", (unsigned char)c);
	}
	if (url.len != value->len)
		replace(text, url.data, url.len);
	buf_wipe(&url);
}

static void redact_one(struct buf *text, const struct buf *value)
{
	size_t len = value->len;
	while (len && (value->data[len - 1] == '\n' || value->data[len - 1] == '\r'))
		len--; /* of a file: the newline is not the secret */
	if (len < SHORTEST)
		return;
	replace(text, value->data, len);
	if (memchr(value->data, '\n', len))
		replace_lines(text, value);
	replace_url(text, value);
}

static int longest_first(const void *a, const void *b)
{
	const struct buf *const *x = a, *const *y = b;
	return ((*x)->len < (*y)->len) - ((*x)->len > (*y)->len);
}

void vault_redact(struct vault *v, struct buf *text)
{
	size_t count = 0;
	if (!v || !text->len || !v->kept.count)
		return;
	const struct buf **values = xcalloc(2 * v->kept.count, sizeof(*values));
	for (size_t i = 0; i < v->kept.count; i++) {
		if (v->kept.items[i].ready)
			values[count++] = &v->kept.items[i].value;
		if (v->kept.items[i].unsettled)
			values[count++] = &v->kept.items[i].previous;
	}
	qsort(values, count, sizeof(*values), longest_first);
	for (size_t i = 0; i < count; i++)
		redact_one(text, values[i]);
	xfree(values);
}
