/*
 * One line pinned below output that scrolls: taken away, the output written, drawn again. Needs
 * nothing of a terminal but to erase below the cursor; scrolling back shows the output alone.
 */
#include "view/footer.h"

#include <string.h>

#include "base/text.h"

/* A sequence that takes no column: SGR or OSC 8, as the views write them. */
static size_t invisible(const char *p)
{
	if (p[0] != '\033')
		return 0;
	if (p[1] == '[')
		return strcspn(p, "m") + (strchr(p, 'm') != NULL);
	const char *end = p[1] == ']' ? strstr(p + 2, "\033\\") : NULL;
	return end ? (size_t)(end + 2 - p) : 1;
}

static size_t character(const char *p)
{
	size_t n = 1;
	while (((unsigned char)p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

void text_cut(struct buf *out, const char *text, size_t columns)
{
	size_t used = 0;
	while (*text) {
		size_t n = invisible(text);
		if (n) {
			buf_add(out, text, n);
			text += n;
			continue;
		}
		char one[16] = "";
		n = character(text);
		memcpy(one, text, n < sizeof(one) ? n : sizeof(one) - 1);
		used += text_width(one);
		if (used <= columns)
			buf_add(out, text, n);
		text += n;
	}
}

static size_t visible_width(const char *text)
{
	cleanup_buf struct buf plain = BUF_INIT;
	while (*text) {
		size_t n = invisible(text);
		if (!n)
			buf_addc(&plain, *text);
		text += n ? n : 1;
	}
	return text_width(buf_str(&plain));
}

/* A terminal that became narrower has folded the line over several rows. */
static void erase(const struct footer *f, struct buf *out, size_t width)
{
	size_t rows = f->columns > width ? (f->columns - 1) / width : 0;
	if (rows)
		buf_addf(out, "\033[%zuA", rows);
	if (f->columns)
		buf_adds(out, "\r\033[J");
}

void footer_draw(struct footer *f, struct buf *out, const struct buf *above, const char *line,
	int width, bool typing)
{
	size_t columns = width > 0 ? (size_t)width : 80;
	erase(f, out, columns);
	f->columns = 0;
	if (above && above->len)
		buf_add(out, above->data, above->len);
	if (line) {
		size_t start = out->len;
		/* The last column stays free: some terminals go on to the next row there. */
		text_cut(out, line, columns - 1);
		f->columns = visible_width(out->data ? out->data + start : "");
		buf_adds(out, "\033[0m");
	}
	bool hide = line && !typing;
	if (hide != f->cursor)
		buf_adds(out, hide ? "\033[?25l" : "\033[?25h");
	f->cursor = hide;
}
