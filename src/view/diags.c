/*
 * Diagnostics as people read them: place and message, the line of the source with the place marked,
 * the second place, the remedy; and as JSON. Comes in: diagnostics in their order. What stems from
 * files goes out through text_clean(). Opens nothing: lines come from the caller.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "view/view.h"

enum { TAB = 8, WIDTH_UNKNOWN = 100, WIDTH_LEAST = 40, LEAD = 20 };

struct printer {
	struct buf *out;
	struct style st;
	source_fn *source;
	void *ctx;
	int gutter; /* columns of the largest line number */
};

static const struct {
	const char *name, *colour;
} severities[] = {
	[SEV_ERROR] = { "error", "\033[1;31m" },
	[SEV_WARNING] = { "warning", "\033[1;33m" },
	[SEV_NOTE] = { "note", "\033[1;36m" },
};

#define BOLD "\033[1m"
#define FRAME "\033[34m"
#define HELP "\033[1;32m"

/* Text of any origin, on one line. */
static void put_clean(struct printer *p, const char *text)
{
	for (size_t len; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		text_clean(p->out, text, len, false);
		buf_adds(p->out, text[len] ? "\\n" : "");
	}
}

static void put(struct printer *p, const char *colour, const char *text)
{
	bool coloured = p->st.colour && *text && *colour;
	buf_adds(p->out, coloured ? colour : "");
	put_clean(p, text);
	buf_adds(p->out, coloured ? "\033[0m" : "");
}

/* "   |" or "12 |" */
static void put_gutter(struct printer *p, int line)
{
	char number[32] = "";
	if (line)
		snprintf(number, sizeof(number), "%d", line);
	char text[64];
	snprintf(text, sizeof(text), "%*s |", p->gutter, number);
	put(p, FRAME, text);
}

/* Offset of a column (characters, from 1) in a line. */
static size_t offset_of(const char *s, size_t len, int col)
{
	size_t i = 0;
	for (; i < len && col > 1; col--)
		for (i++; i < len && (s[i] & 0xc0) == 0x80;)
			i++;
	return i;
}

/* Behind the brace that closes the ${ at from, or len. */
static size_t reference_end(const char *s, size_t len, size_t from)
{
	int open = 0;
	for (size_t i = from + 1; i < len; i++) {
		open += s[i] == '{';
		if (s[i] == '}' && --open == 0)
			return i + 1;
	}
	return len;
}

/* The end of the word, quoted text or alias that begins at from: what gets underlined. */
static size_t token_end(const char *s, size_t len, size_t from)
{
	size_t i = from + 1;
	if (from >= len)
		return from;
	if (s[from] == '"' || s[from] == '\'') {
		while (i < len && s[i] != s[from])
			i += s[i] == '\\' && s[from] == '"' ? 2 : 1;
		return i < len ? i + 1 : len;
	}
	if (strchr("[]{},:\t ", s[from]))
		return i;
	for (i = from; i < len && !strchr(" \t,[]{}#", s[i]) &&
		       !(s[i] == ':' && (i + 1 == len || s[i + 1] == ' '));)
		i = s[i] == '$' && i + 1 < len && s[i + 1] == '{' ? reference_end(s, len, i)
								  : i + 1;
	return i > from ? i : from + 1;
}

/* A part of a source line as shown: cleaned, tabs as blanks up to the next stop. */
static void show_part(struct buf *out, size_t *column, const char *s, size_t len)
{
	for (size_t i = 0, run; i < len; i += run) {
		if (s[i] == '\t') {
			size_t blanks = TAB - *column % TAB;
			buf_pad(out, ' ', blanks);
			*column += blanks;
			run = 1;
			continue;
		}
		const char *tab = memchr(s + i, '\t', len - i);
		run = tab ? (size_t)(tab - s) - i : len - i;
		size_t before = out->len;
		text_clean(out, s + i, run, false);
		*column += text_width(buf_str(out) + before);
	}
}

/* Where a long line is cut so that its marked part stays in sight. */
static void window(
	const struct printer *p, const char *s, size_t len, size_t at, size_t *from, size_t *to)
{
	size_t width = p->st.width > 0 ? (size_t)p->st.width : WIDTH_UNKNOWN;
	size_t room = width > WIDTH_LEAST ? width - (size_t)p->gutter - 10 : WIDTH_LEAST;
	*from = 0;
	*to = len;
	if (len <= room)
		return;
	if (at + LEAD > room)
		*from = at - (at < LEAD ? at : LEAD);
	if (*to - *from > room)
		*to = *from + room;
	while (*from && (s[*from] & 0xc0) == 0x80)
		--*from;
	while (*to < len && (s[*to] & 0xc0) == 0x80)
		++*to;
}

static void put_marks(struct printer *p, const char *colour, size_t start, size_t end, char tail)
{
	cleanup_buf struct buf marks = BUF_INIT;
	buf_addc(&marks, tail == '-' ? '-' : '^');
	if (end > start + 1)
		buf_pad(&marks, tail, end - start - 1);
	put_gutter(p, 0);
	buf_pad(p->out, ' ', start + 1);
	put(p, colour, marks.data);
	buf_addc(p->out, '\n');
}

/* The source line of a place, its word underlined. Nothing when the line cannot be had. */
static void put_source(struct printer *p, const struct place *at, const char *colour, char tail)
{
	size_t len = 0, from, to, start = 0, end;
	const char *s = p->source && at->file && at->line
				? p->source(p->ctx, at->file, at->line, &len)
				: NULL;
	if (!s)
		return;
	while (len && (s[len - 1] == '\n' || s[len - 1] == '\r'))
		len--;
	size_t mark = offset_of(s, len, at->col), last = token_end(s, len, mark);
	window(p, s, len, mark, &from, &to);
	if (last > to)
		last = to;
	cleanup_buf struct buf line = BUF_INIT;
	if (from)
		buf_adds(&line, "...");
	size_t column = line.len;
	show_part(&line, &column, s + from, mark - from);
	start = column;
	show_part(&line, &column, s + mark, last - mark);
	end = column;
	show_part(&line, &column, s + last, to - last);
	put_gutter(p, 0);
	buf_addc(p->out, '\n');
	put_gutter(p, at->line);
	buf_addf(p->out, " %s%s\n", buf_str(&line), to < len ? "..." : "");
	if (at->col)
		put_marks(p, colour, start, end, tail);
}

/* "devenv.yml:12:7: ", or the layer that has no file. */
static void put_place(struct printer *p, const struct place *at)
{
	char position[32] = "";
	const char *name = at->file ? at->file : at->layer;
	if (!name)
		return;
	if (at->file && at->line && at->col)
		snprintf(position, sizeof(position), ":%d:%d", at->line, at->col);
	else if (at->file && at->line)
		snprintf(position, sizeof(position), ":%d", at->line);
	put(p, BOLD, name);
	put(p, BOLD, position);
	put(p, BOLD, ":");
	buf_addc(p->out, ' ');
}

/* A line under the source: "   = help: ..." */
static void put_remark(struct printer *p, const char *label, const char *colour, const char *text)
{
	char lead[64];
	snprintf(lead, sizeof(lead), "%*s =", p->gutter, "");
	put(p, FRAME, lead);
	buf_addc(p->out, ' ');
	put(p, colour, label);
	buf_adds(p->out, ": ");
	put_clean(p, text);
	buf_addc(p->out, '\n');
}

static bool layer_says_more(const struct place *at)
{
	return at->file && at->layer && !streq(at->file, at->layer) &&
	       !ends_with(at->file, at->layer);
}

static void put_diag(struct printer *p, const struct diag *g)
{
	const char *colour = severities[g->severity].colour;
	put_place(p, &g->place);
	put(p, colour, severities[g->severity].name);
	put(p, colour, ":");
	buf_addc(p->out, ' ');
	put(p, BOLD, g->message);
	buf_addc(p->out, '\n');
	put_source(p, &g->place, colour, '~');
	if (g->other.file) {
		put_place(p, &g->other);
		put(p, severities[SEV_NOTE].colour, "note:");
		buf_addc(p->out, ' ');
		put(p, "", g->other_label ? g->other_label : "see here");
		buf_addc(p->out, '\n');
		put_source(p, &g->other, severities[SEV_NOTE].colour, '-');
	}
	if (g->path && !(g->place.file && g->place.line))
		put_remark(p, "at", BOLD, g->path);
	if (layer_says_more(&g->place))
		put_remark(p, "from", BOLD, g->place.layer);
	if (g->hint)
		put_remark(p, "help", HELP, g->hint);
}

static int digits_of(int line)
{
	int digits = 1;
	for (; line >= 10; line /= 10)
		digits++;
	return digits;
}

static int gutter_of(const struct diags *d)
{
	int widest = 1;
	for (size_t i = 0; i < d->count; i++) {
		int here = digits_of(d->items[i].place.line),
		    there = digits_of(d->items[i].other.line);
		widest = here > widest ? here : widest;
		widest = there > widest ? there : widest;
	}
	return widest + 1;
}

/* "2 errors, 1 warning" */
static void put_counts(struct printer *p, const struct diags *d)
{
	size_t counts[countof(severities)] = { 0 }, parts = 0;
	for (size_t i = 0; i < d->count; i++)
		counts[d->items[i].severity]++;
	if (d->dropped)
		buf_addf(p->out, "%zu more not shown\n", d->dropped);
	counts[SEV_ERROR] = d->errors > counts[SEV_ERROR] ? d->errors : counts[SEV_ERROR];
	for (size_t i = 0; i < countof(severities); i++) {
		char text[64];
		snprintf(text, sizeof(text), "%zu %s%s", counts[i], severities[i].name,
			counts[i] == 1 ? "" : "s");
		if (!counts[i])
			continue;
		buf_adds(p->out, parts++ ? ", " : "");
		put(p, severities[i].colour, text);
	}
	buf_addc(p->out, '\n');
}

void view_diags(
	struct buf *out, const struct diags *d, struct style st, source_fn *source, void *ctx)
{
	struct printer p = { out, st, source, ctx, gutter_of(d) };
	if (!d->count)
		return;
	for (size_t i = 0; i < d->count; i++) {
		put_diag(&p, &d->items[i]);
		buf_addc(out, '\n');
	}
	put_counts(&p, d);
}

static void json_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	struct place none = { 0 };
	if (text)
		map_put(a, map, key, none, node_str(a, text, none));
}

static void json_place(struct arena *a, struct node *map, const struct place *at)
{
	struct place none = { 0 };
	json_text(a, map, "file", at->file);
	if (at->line)
		map_put(a, map, "line", none, node_int(a, at->line, none));
	if (at->line && at->col)
		map_put(a, map, "column", none, node_int(a, at->col, none));
	json_text(a, map, "layer", at->layer);
}

static struct node *json_diag(struct arena *a, const struct diag *g)
{
	struct place none = { 0 };
	struct node *m = node_map(a, none);
	json_text(a, m, "severity", severities[g->severity].name);
	json_place(a, m, &g->place);
	json_text(a, m, "path", g->path);
	json_text(a, m, "message", g->message);
	json_text(a, m, "hint", g->hint);
	if (g->other.file) {
		struct node *other = node_map(a, none);
		json_place(a, other, &g->other);
		json_text(a, other, "label", g->other_label);
		map_put(a, m, "other", none, other);
	}
	return m;
}

struct node *view_diags_json(struct arena *a, const struct diags *d)
{
	struct node *list = node_list(a, (struct place){ 0 });
	for (size_t i = 0; i < d->count; i++)
		list_add(a, list, json_diag(a, &d->items[i]));
	return list;
}
