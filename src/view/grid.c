/*
 * A grid of cells. Comes in: clean text, pens, areas. Goes out: cells. Knows neither a terminal nor
 * what is shown.
 */
#include "view/grid.h"

#include <string.h>
#include <wchar.h>

#include "base/arena.h"
#include "base/text.h"

enum { TAB = 8 };

static const struct cell blank = { .width = 1, .fg = INK_DEFAULT, .bg = INK_DEFAULT };

void grid_clear(struct grid *g)
{
	for (int i = 0; i < g->width * g->height; i++)
		g->cells[i] = blank;
}

void grid_size(struct grid *g, int width, int height)
{
	xfree(g->cells);
	g->width = width;
	g->height = height;
	g->cells = xcalloc((size_t)width * (size_t)height + 1, sizeof(*g->cells));
	grid_clear(g);
}

void grid_release(struct grid *g)
{
	xfree(g->cells);
	*g = (struct grid){ 0 };
}

/* Length of the character at p, and its code point; what is no UTF-8 counts as a byte. */
static size_t character(const char *p, size_t len, uint32_t *cp)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned char first = (unsigned char)p[0];
	size_t n = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	n = n > len ? 1 : n;
	*cp = first & masks[n];
	for (size_t i = 1; i < n; i++)
		*cp = *cp << 6 | ((unsigned char)p[i] & 0x3f);
	return n;
}

static int columns_of(uint32_t cp)
{
	int w = cp < 0x80 ? 1 : wcwidth((wchar_t)cp);
	return w < 0 ? 1 : w;
}

static struct cell *cell_at(struct grid *g, int x, int y)
{
	return x < 0 || y < 0 || x >= g->width || y >= g->height ? NULL
								 : &g->cells[y * g->width + x];
}

/* What is half covered is blank: a wide character has both its columns or none. */
static void free_cell(struct grid *g, int x, int y)
{
	struct cell *c = cell_at(g, x, y);
	struct cell *left = cell_at(g, x - 1, y), *right = cell_at(g, x + 1, y);
	if (c && c->width == 0 && left)
		memset(left->text, 0, sizeof(left->text)), left->width = 1;
	if (c && c->width == 2 && right)
		right->width = 1;
}

static void put(struct grid *g, int x, int y, struct pen pen, const char *text, size_t len, int w)
{
	struct cell *c = cell_at(g, x, y);
	if (!c || (w == 2 && !cell_at(g, x + 1, y)))
		return;
	free_cell(g, x, y);
	*c = (struct cell){ .width = (uint8_t)w, .flags = pen.flags, .fg = pen.fg, .bg = pen.bg };
	memcpy(c->text, text, len < sizeof(c->text) ? len : sizeof(c->text) - 1);
	if (w < 2)
		return;
	free_cell(g, x + 1, y);
	*cell_at(g, x + 1, y) = *c;
	memset(c[1].text, 0, sizeof(c[1].text));
	c[1].width = 0;
}

/* Marks that combine go to the character before them, as long as there is room. */
static void combine(struct grid *g, int x, int y, const char *text, size_t len)
{
	struct cell *c = cell_at(g, x, y);
	if (c && c->width == 0)
		c = cell_at(g, x - 1, y);
	size_t used = c ? strlen(c->text) : 0;
	if (c && used && used + len < sizeof(c->text))
		memcpy(c->text + used, text, len);
}

void grid_fill(struct grid *g, int x, int y, int end, struct pen pen)
{
	for (; x < end; x++)
		put(g, x, y, pen, "", 0, 1);
}

int grid_text(struct grid *g, int x, int y, int end, struct pen pen, const char *text)
{
	size_t len = strlen(text);
	uint32_t cp;
	for (size_t i = 0, n; i < len; i += n) {
		n = character(text + i, len - i, &cp);
		int w = columns_of(cp);
		if (x + w > end)
			break;
		if (w)
			put(g, x, y, pen, text + i, n, w);
		else
			combine(g, x - 1, y, text + i, n);
		x += w;
	}
	return x;
}

struct walk { /* along a text with SGR, in columns */
	int column, row, width, rows;
};

/* Where a character of w columns goes; false: there is no row left for it. */
static bool fits(struct walk *k, int w)
{
	if (k->column + w > k->width && k->row + 1 < k->rows) {
		k->row++;
		k->column = 0;
	}
	return k->column + w <= k->width;
}

static bool within(const struct stretch *s, size_t count, size_t at)
{
	for (size_t i = 0; i < count; i++)
		if (at >= s[i].begin && at < s[i].end)
			return true;
	return false;
}

static void place(struct grid *g, const struct area *at, const struct walk *k, struct pen pen,
	const char *text, size_t len, int w)
{
	int x = at->x + k->column - (at->rows > 1 ? 0 : at->skip), y = at->y + k->row;
	if (y < at->top || x < at->x || x + w > at->x + at->width)
		return;
	if (w)
		put(g, x, y, pen, text, len, w);
	else
		combine(g, x - 1, y, text, len);
}

void grid_sgr(struct grid *g, const struct area *at, struct pen pen, const char *text, size_t len,
	const struct stretch *marked, size_t count)
{
	struct walk k = { .width = at->rows > 1 ? at->width : at->width + at->skip,
		.rows = at->rows > 1 ? at->rows : 1 };
	struct pen base = pen;
	uint32_t cp;
	size_t plain = 0;
	for (size_t i = 0, n; i < len; i += n) {
		if ((n = sgr_read(text + i, len - i, base, &pen)))
			continue;
		n = character(text + i, len - i, &cp);
		int w = cp == '\t' ? TAB - k.column % TAB : columns_of(cp);
		struct pen shown = pen;
		if (within(marked, count, plain))
			shown.flags ^= PEN_REVERSE;
		plain += n;
		if (cp != '\t') {
			if (!fits(&k, w))
				return;
			place(g, at, &k, shown, text + i, n, w);
		}
		k.column += w;
	}
}

int sgr_rows(const char *text, size_t len, int width)
{
	struct walk k = { .width = width, .rows = 1 << 20 };
	uint32_t cp;
	for (size_t i = 0, n; i < len; i += n) {
		if ((n = sgr_read(text + i, len - i, PEN_PLAIN, NULL)))
			continue;
		n = character(text + i, len - i, &cp);
		int w = cp == '\t' ? TAB - k.column % TAB : columns_of(cp);
		if (cp != '\t' && !fits(&k, w))
			break;
		k.column += w;
	}
	return k.row + 1;
}

/* ---- for tests ---- */

void grid_dump(struct buf *out, const struct grid *g)
{
	for (int y = 0; y < g->height; y++) {
		for (int x = 0; x < g->width; x++) {
			const struct cell *c = &g->cells[y * g->width + x];
			if (c->width)
				buf_adds(out, c->text[0] ? c->text : " ");
		}
		while (buf_ends_with(out, " "))
			buf_truncate(out, out->len - 1);
		buf_addc(out, '\n');
	}
}

/* '.' plain, 0-7 that colour, * another one; R reversed, B bold, D dim, U underlined. */
static char pen_letter(const struct cell *c)
{
	static const struct {
		uint8_t flag;
		char letter;
	} flags[] = { { PEN_REVERSE, 'R' }, { PEN_BOLD, 'B' }, { PEN_DIM, 'D' },
		{ PEN_UNDERLINE, 'U' } };
	if (c->fg >= 0)
		return c->fg < 8 ? (char)('0' + c->fg) : '*';
	for (size_t i = 0; i < countof(flags); i++)
		if (c->flags & flags[i].flag)
			return flags[i].letter;
	return '.';
}

void grid_dump_pens(struct buf *out, const struct grid *g)
{
	for (int y = 0; y < g->height; y++) {
		for (int x = 0; x < g->width; x++)
			buf_addc(out, pen_letter(&g->cells[y * g->width + x]));
		while (buf_ends_with(out, "."))
			buf_truncate(out, out->len - 1);
		buf_addc(out, '\n');
	}
}
