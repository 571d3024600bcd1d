/*
 * A pane of lines: bounded, filtered, searched, wrapped, followed or held. Comes in: clean lines.
 * Goes out: rows of cells. Rows are numbered from the first that ever came, so that one that is
 * read stays where it is while others come and go.
 */
#include <string.h>

#include "dashboard_parts.h"

static struct dash_row *row_at(const struct dash_pane *p, size_t i)
{
	return &p->rows[(p->first + i) % DASH_ROWS];
}

static bool searching(const struct dash_pane *p)
{
	return p->search_text.len > 0;
}

static bool matches(const regex_t *re, const char *plain)
{
	return regexec(re, plain, 0, NULL, 0) == 0;
}

static void judge(const struct dash_pane *p, struct dash_row *r)
{
	cleanup_buf struct buf plain = BUF_INIT;
	r->shown = true;
	r->found = false;
	if (!p->filter_text.len && !searching(p))
		return;
	sgr_strip(&plain, r->text, r->len);
	r->shown = !p->filter_text.len || matches(&p->filter, buf_str(&plain));
	r->found = r->shown && searching(p) && matches(&p->search, buf_str(&plain));
}

static void drop_first(struct dash_pane *p)
{
	struct dash_row *r = row_at(p, 0);
	p->bytes -= r->len;
	xfree(r->text);
	p->first = (p->first + 1) % DASH_ROWS;
	p->count--;
	p->dropped++;
	if (!p->follow && p->top < p->dropped)
		p->top = p->dropped;
}

void pane_add(struct dash_pane *p, const char *line, size_t len)
{
	if (!p->rows)
		p->rows = xcalloc(DASH_ROWS, sizeof(*p->rows));
	while (p->count == DASH_ROWS || (p->count && p->bytes + len > DASH_BYTES))
		drop_first(p);
	struct dash_row *r = row_at(p, p->count++);
	*r = (struct dash_row){ .text = xmalloc(len + 1), .len = len };
	memcpy(r->text, line, len);
	r->text[len] = '\0';
	p->bytes += len;
	judge(p, r);
}

static void drop_all(struct dash_pane *p)
{
	while (p->count)
		drop_first(p);
}

void pane_clear(struct dash_pane *p)
{
	drop_all(p);
	p->first = 0;
	p->dropped = p->top = p->seen = 0;
	p->found = p->end = UINT64_MAX;
	p->shift = 0;
	p->follow = p->tails;
}

/* The same place of another text: what is read stays in sight where it changes elsewhere. */
void pane_text(struct dash_pane *p, const char *text, size_t len)
{
	uint64_t top = p->top - p->dropped;
	int shift = p->shift;
	bool follow = p->follow;
	pane_clear(p);
	for (const char *end = text + len; text < end;) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);
		pane_add(p, text, n);
		text += n + 1;
	}
	p->top = top < p->count ? top : p->count ? p->count - 1 : 0;
	p->shift = shift;
	p->follow = follow;
}

void pane_release(struct dash_pane *p)
{
	drop_all(p);
	xfree(p->rows);
	if (p->filter_text.len)
		regfree(&p->filter);
	if (searching(p))
		regfree(&p->search);
	buf_release(&p->filter_text);
	buf_release(&p->search_text);
}

/* ---- filter and search ---- */

/* Without capitals in it, capitals do not matter. */
static int flags_of(const char *text)
{
	for (const char *s = text; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return REG_EXTENDED;
	return REG_EXTENDED | REG_ICASE;
}

static bool set(
	struct dash_pane *p, struct buf *held, regex_t *re, const char *text, char why[static 120])
{
	regex_t fresh;
	int rc = *text ? regcomp(&fresh, text, flags_of(text)) : 0;
	if (rc) {
		regerror(rc, &fresh, why, 120);
		return false;
	}
	if (held->len)
		regfree(re);
	buf_truncate(held, 0);
	buf_adds(held, text);
	if (*text)
		*re = fresh;
	for (size_t i = 0; i < p->count; i++)
		judge(p, row_at(p, i));
	p->found = UINT64_MAX;
	return true;
}

bool pane_filter(struct dash_pane *p, const char *text, char why[static 120])
{
	return set(p, &p->filter_text, &p->filter, text, why);
}

bool pane_search(struct dash_pane *p, const char *text, char why[static 120])
{
	return set(p, &p->search_text, &p->search, text, why);
}

/* ---- moving ---- */

static int rows_of(const struct dash_pane *p, const struct dash_row *r, int width)
{
	return !r->shown ? 0 : p->wrap ? sgr_rows(r->text, r->len, width) : 1;
}

/* The first row of a screen that ends with row `last`, and how far it sticks out above. */
static size_t first_above(const struct dash_pane *p, size_t end, int width, int height, int *over)
{
	int used = 0;
	size_t i = end;
	while (i > 0 && used < height)
		used += rows_of(p, row_at(p, --i), width);
	*over = used > height ? used - height : 0;
	return i;
}

static size_t top_of(const struct dash_pane *p, int width, int height, int *over)
{
	*over = 0;
	return p->follow ? first_above(p, p->count, width, height, over)
			 : (size_t)(p->top - p->dropped);
}

static void hold(struct dash_pane *p, size_t top)
{
	if (p->follow)
		p->seen = p->dropped + p->count;
	p->follow = false;
	p->end = UINT64_MAX;
	p->top = p->dropped + top;
}

void pane_pause(struct dash_pane *p, bool on, int width, int height)
{
	int over;
	if (on && p->follow) {
		hold(p, top_of(p, width, height, &over));
		p->end = p->seen; /* a page that is not full does not fill up */
	}
	if (!on)
		p->follow = p->tails;
}

uint64_t pane_newer(const struct dash_pane *p)
{
	return p->follow ? 0 : p->dropped + p->count - p->seen;
}

void pane_end(struct dash_pane *p, bool last, int width, int height)
{
	if (!last)
		hold(p, 0);
	else if (p->tails)
		p->follow = true;
	else if (p->count)
		pane_scroll(p, DASH_ROWS, width, height);
}

void pane_scroll(struct dash_pane *p, int rows, int width, int height)
{
	int over = 0;
	size_t top = top_of(p, width, height, &over);
	size_t last = first_above(p, p->count, width, height, &over);
	for (int left = rows < 0 ? -rows : rows; left > 0;) {
		if (rows < 0 ? top == 0 : top >= p->count)
			break;
		top += rows < 0 ? (size_t)-1 : 1;
		left -= top < p->count && row_at(p, top)->shown;
	}
	if (rows > 0 && top >= last + (over > 0)) {
		hold(p, last + (over > 0));
		p->follow = p->tails;
		return;
	}
	if (!p->follow || rows < 0)
		hold(p, top);
}

bool pane_find(struct dash_pane *p, bool up, int width, int height)
{
	int over;
	if (!searching(p) || !p->count)
		return false;
	size_t last = first_above(p, p->count, width, height, &over);
	/* From the one that was found before; at first from the end. */
	size_t from = p->found >= p->dropped && p->found < p->dropped + p->count
			      ? (size_t)(p->found - p->dropped)
			      : p->count;
	for (size_t i = 1; i <= p->count; i++) {
		size_t at = (up ? from + p->count * 2 - i : from + i) % p->count;
		if (!row_at(p, at)->found)
			continue;
		p->found = p->dropped + at;
		hold(p, at < last ? at : last);
		return true;
	}
	return false;
}

/* ---- drawing ---- */

enum { MARKS_MAX = 32 };

static size_t find_marks(const struct dash_pane *p, const struct dash_row *r, struct stretch *out)
{
	cleanup_buf struct buf plain = BUF_INIT;
	regmatch_t m;
	size_t count = 0, at = 0;
	if (!r->found)
		return 0;
	sgr_strip(&plain, r->text, r->len);
	while (count < MARKS_MAX && at < plain.len &&
		!regexec(&p->search, plain.data + at, 1, &m, at ? REG_NOTBOL : 0)) {
		out[count++] = (struct stretch){ at + (size_t)m.rm_so, at + (size_t)m.rm_eo };
		at += m.rm_eo > m.rm_so ? (size_t)m.rm_eo : (size_t)m.rm_eo + 1;
	}
	return count;
}

void pane_draw(const struct dash_pane *p, struct grid *g, int y, int height)
{
	struct stretch marks[MARKS_MAX];
	int over, end = y + height;
	size_t i = top_of(p, g->width, height, &over);
	struct area at = {
		.y = y - over, .width = g->width, .top = y, .skip = p->wrap ? 0 : p->shift
	};
	for (; i < p->count && at.y < end && (p->follow || p->dropped + i < p->end); i++) {
		const struct dash_row *r = row_at(p, i);
		int rows = rows_of(p, r, g->width);
		if (!rows)
			continue;
		at.rows = at.y + rows > end ? end - at.y : rows;
		grid_sgr(g, &at, PEN_PLAIN, r->text, r->len, marks, find_marks(p, r, marks));
		at.y += rows;
	}
}
