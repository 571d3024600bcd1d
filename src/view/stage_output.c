/*
 * What a compiler, a linter or a test wrote. Comes in: bytes of any kind. Goes out: safe lines, the
 * tool's own colours kept where there are colours, names of files made clickable where the
 * terminal can. Which names are files is the caller's to say.
 */
#include <string.h>

#include "base/text.h"
#include "view/view.h"

enum { NAME_MAX_BYTES = 1024 };

static bool in_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (unsigned char)c >= 0x80 || (c && strchr("._-/+@~%", c));
}

static bool digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

static const char *digits(const char *p, const char *end)
{
	while (digit(p, end))
		p++;
	return p;
}

/* After a name: ":12", ":12:3", "(12)", "(12,3)"; NULL: nothing of the kind. */
static const char *position_end(const char *p, const char *end)
{
	if (p >= end || (*p != ':' && *p != '(') || !digit(p + 1, end))
		return NULL;
	bool round = *p == '(';
	const char *q = digits(p + 1, end);
	if (q < end && *q == (round ? ',' : ':') && digit(q + 1, end))
		q = digits(q + 1, end);
	if (!round)
		return q;
	return q < end && *q == ')' ? q + 1 : NULL;
}

struct found { /* a name in a line, and the text that is to become the link */
	const char *name;
	size_t len;
	const char *begin, *end;
};

/* Python: File "app/main.py", line 12 */
static bool find_quoted(const char *p, const char *end, struct found *f)
{
	static const char before[] = "File \"", after[] = "\", line ";
	if ((size_t)(end - p) < sizeof(before) || memcmp(p, before, sizeof(before) - 1) != 0)
		return false;
	const char *name = p + sizeof(before) - 1, *close = memchr(name, '"', (size_t)(end - name));
	size_t rest = close ? (size_t)(end - close) : 0;
	if (rest < sizeof(after) || memcmp(close, after, sizeof(after) - 1) != 0)
		return false;
	const char *number = close + sizeof(after) - 1;
	if (!digit(number, end))
		return false;
	*f = (struct found){ name, (size_t)(close - name), p, digits(number, end) };
	return true;
}

static bool find_plain(const char *p, const char *end, struct found *f)
{
	const char *q = p;
	while (q < end && in_name(*q))
		q++;
	const char *after = q > p ? position_end(q, end) : NULL;
	if (!after)
		return false;
	*f = (struct found){ p, (size_t)(q - p), p, after };
	return true;
}

static const char *skip_name(const char *p, const char *end)
{
	while (p < end && in_name(*p))
		p++;
	return p;
}

static void uri(struct buf *out, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/-_.~+@";
	for (; *path; path++) {
		if (strchr(plain, *path))
			buf_addc(out, *path);
		else
			buf_addf(out, "%%%02X", (unsigned)(unsigned char)*path);
	}
}

static bool add_link(struct buf *out, const struct stage_text *t, const struct found *f)
{
	cleanup_buf struct buf path = BUF_INIT;
	if (f->len > NAME_MAX_BYTES || !t->link(t->ctx, f->name, f->len, &path))
		return false;
	buf_adds(out, "\033]8;;file://");
	uri(out, t->host ? t->host : "");
	uri(out, buf_str(&path));
	buf_adds(out, "\033\\");
	text_clean(out, f->begin, (size_t)(f->end - f->begin), false);
	buf_adds(out, "\033]8;;\033\\");
	return true;
}

/* An SGR sequence, so that digits in it are not taken for part of a name. */
static const char *skip_colour(const char *p, const char *end)
{
	const char *q = p;
	if (end - p < 3 || p[0] != '\033' || p[1] != '[')
		return p;
	for (q = p + 2; q < end && (*q == ';' || (*q >= '0' && *q <= '9')); q++)
		;
	return q < end && *q == 'm' ? q + 1 : p;
}

static void linked_line(
	struct buf *out, const struct stage_text *t, const char *p, const char *end, bool colour)
{
	struct found f;
	const char *from = p; /* not written yet */
	while (p < end) {
		const char *after = skip_colour(p, end);
		if (after != p) {
			p = after;
			continue;
		}
		bool found = find_quoted(p, end, &f) || find_plain(p, end, &f);
		if (!found) {
			after = skip_name(p, end);
			p = after > p ? after : p + 1;
			continue;
		}
		text_clean(out, from, (size_t)(f.begin - from), colour);
		if (!add_link(out, t, &f))
			text_clean(out, f.begin, (size_t)(f.end - f.begin), colour);
		p = from = f.end;
	}
	text_clean(out, from, (size_t)(end - from), colour);
}

/* What a terminal would show of a line that was overwritten; "erase to the end" (GCC writes it
 * after each colour) says nothing in a log. */
static void settle(struct buf *out, const char *line, size_t len)
{
	while (len && line[len - 1] == '\r')
		len--;
	const char *last = memrchr(line, '\r', len);
	if (last) {
		len -= (size_t)(last + 1 - line);
		line = last + 1;
	}
	for (size_t i = 0; i < len; i++) {
		if (len - i >= 3 && memcmp(line + i, "\033[K", 3) == 0)
			i += 2;
		else
			buf_addc(out, line[i]);
	}
}

static void one_line(
	struct buf *out, const struct stage_text *t, const char *line, size_t len, struct style st)
{
	cleanup_buf struct buf plain = BUF_INIT;
	settle(&plain, line, len);
	const char *p = buf_str(&plain), *end = p + plain.len;
	size_t start = out->len;
	if (st.links && t->link)
		linked_line(out, t, p, end, st.colour);
	else
		text_clean(out, p, plain.len, st.colour);
	if (st.colour && out->len > start && memchr(out->data + start, '\033', out->len - start))
		buf_adds(out, "\033[0m");
	buf_addc(out, '\n');
}

void view_stage_output(
	struct buf *out, const struct stage_text *t, const char *text, size_t len, struct style st)
{
	const char *end = text + len;
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		const char *stop = nl ? nl : end;
		one_line(out, t, text, (size_t)(stop - text), st);
		text = stop + 1;
	}
}
