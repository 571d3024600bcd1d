/*
 * A second line of defence. Comes in: text on its way out. Goes out: the same with every value of
 * the keyring replaced. Values of fewer than four bytes would hide half the text and are left
 * alone.
 */
#include <stdlib.h>
#include <string.h>

#include "run/io/base64.h"
#include "run/secrets/keyring.h"
#include "run/secrets/vault.h"

enum { SHORTEST = 4, LINE_SHORTEST = 16 };

static void replace(void *ctx, const char *value, size_t len)
{
	struct buf *text = ctx;
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

/* As it stands in a URL; empty when that is the same. */
static struct buf in_url(const struct buf *value)
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
	if (url.len == value->len)
		buf_wipe(&url);
	return url;
}

/* Without the newline of a file, which is not the secret. 0: too short to be looked for. */
static size_t value_len(const struct buf *value)
{
	size_t len = value->len;
	while (len && (value->data[len - 1] == '\n' || value->data[len - 1] == '\r'))
		len--;
	return len < SHORTEST ? 0 : len;
}

typedef void part_fn(void *ctx, const char *part, size_t len);

/* Keys come out line by line, so each long line of a value counts by itself. */
static void each_line(const struct buf *value, part_fn *fn, void *ctx)
{
	for (const char *p = value->data, *end = p + value->len; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		if (n >= LINE_SHORTEST && !(n > 5 && !memcmp(p, "-----", 5)))
			fn(ctx, p, n);
		p += n + 1;
	}
}

/* Each form in which a value is looked for. */
static void each_form(const struct buf *value, part_fn *fn, void *ctx)
{
	size_t len = value_len(value);
	if (!len)
		return;
	fn(ctx, value->data, len);
	if (memchr(value->data, '\n', len))
		each_line(value, fn, ctx);
	struct buf url = in_url(value);
	if (url.len)
		fn(ctx, url.data, url.len);
	buf_wipe(&url);
}

static int longest_first(const void *a, const void *b)
{
	const struct buf *const *x = a, *const *y = b;
	return ((*x)->len < (*y)->len) - ((*x)->len > (*y)->len);
}

/* All values there are, the longest first; freed by the caller. */
static const struct buf **values_of(const struct vault *v, size_t *count)
{
	const struct buf **values = xcalloc(2 * v->kept.count + 1, sizeof(*values));
	*count = 0;
	for (size_t i = 0; i < v->kept.count; i++) {
		if (v->kept.items[i].ready)
			values[(*count)++] = &v->kept.items[i].value;
		if (v->kept.items[i].unsettled)
			values[(*count)++] = &v->kept.items[i].previous;
	}
	qsort(values, *count, sizeof(*values), longest_first);
	return values;
}

void vault_redact(struct vault *v, struct buf *text)
{
	size_t count;
	if (!v || !text->len || !v->kept.count)
		return;
	const struct buf **values = values_of(v, &count);
	for (size_t i = 0; i < count; i++)
		each_form(values[i], replace, text);
	xfree(values);
}

/* ---- the quick look ---- */

/*
 * A bit for each four bytes that a value has at one of its first `step` places. When the shortest
 * value has n bytes, step is n - 3: wherever a value lies in a text, one of the text's places that
 * are a multiple of step is among those. So only every step-th place of the text is looked at.
 */
enum { GRAM = 4, BITS = 1 << 16 };
struct redactor {
	size_t shortest, step;
	uint64_t bits[BITS / 64];
};

static uint32_t gram_at(const char *p)
{
	uint32_t w;
	memcpy(&w, p, sizeof(w));
	return w * 2654435761u >> 16;
}

static void note_shortest(void *ctx, const char *part, size_t len)
{
	struct redactor *r = ctx;
	(void)part;
	if (len < r->shortest)
		r->shortest = len;
}

static void note_grams(void *ctx, const char *part, size_t len)
{
	struct redactor *r = ctx;
	(void)len;
	for (size_t i = 0; i < r->step; i++) {
		uint32_t g = gram_at(part + i);
		r->bits[g / 64] |= (uint64_t)1 << g % 64;
	}
}

struct redactor *redactor_new(const struct vault *v)
{
	size_t count = 0;
	if (!v || !v->kept.count)
		return NULL;
	struct redactor *r = xcalloc(1, sizeof(*r));
	const struct buf **values = values_of(v, &count);
	r->shortest = SIZE_MAX;
	for (size_t i = 0; i < count; i++)
		each_form(values[i], note_shortest, r);
	if (r->shortest != SIZE_MAX) {
		r->step = r->shortest - (GRAM - 1);
		for (size_t i = 0; i < count; i++)
			each_form(values[i], note_grams, r);
	}
	xfree(values);
	return r;
}

bool redactor_suspects(const struct redactor *r, const char *text, size_t len)
{
	if (!r || !r->step)
		return false;
	for (size_t i = 0; i + GRAM <= len; i += r->step) {
		uint32_t g = gram_at(text + i);
		if (r->bits[g / 64] >> g % 64 & 1)
			return true;
	}
	return false;
}

void redactor_free(struct redactor *r)
{
	if (r)
		wipe(r, sizeof(*r));
	xfree(r);
}
