/*
 * Text for people: what a stream can show, errors, tables. Comes in: nouns and strings of any
 * origin. Goes out: cleaned text. Does nothing else.
 */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "view/view.h"

struct style style_of(FILE *f, const char *mode)
{
	const char *term = getenv("TERM"), *none = getenv("NO_COLOR"), *columns = getenv("COLUMNS");
	struct winsize size = { 0 };
	struct style st = { 0 };
	bool tty = isatty(fileno(f));
	int64_t width = 0;
	st.colour = tty && !(none && *none) && term && !streq(term, "dumb");
	if (mode && !streq(mode, "auto"))
		st.colour = streq(mode, "always");
	st.unicode = streq(nl_langinfo(CODESET), "UTF-8");
	st.links = tty && st.colour;
	if (tty && !ioctl(fileno(f), TIOCGWINSZ, &size))
		st.width = size.ws_col;
	if (columns && parse_int(columns, &width) && width > 0 && width < 10000)
		st.width = (int)width;
	return st;
}

void view_clean(struct buf *out, const char *s)
{
	text_clean(out, s, strlen(s), false);
}

void view_colour(struct buf *out, struct style st, const char *sgr)
{
	if (st.colour)
		buf_addf(out, "\033[%sm", sgr);
}

char *view_time(struct arena *a, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[32] = "";
	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return arena_printf(a, "%s.%03dZ", text, (int)(ms % 1000));
}

void view_error(struct buf *out, const struct err *e, struct style st)
{
	view_colour(out, st, "1");
	if (e->place.file && e->place.line) {
		view_clean(out, e->place.file);
		buf_addf(out, ":%d:%d: ", e->place.line, e->place.col);
	} else {
		buf_adds(out, "devenv: ");
	}
	view_colour(out, st, "31");
	buf_adds(out, "error: ");
	view_colour(out, st, "0");
	view_clean(out, e->text);
	buf_addc(out, '\n');
	if (e->hint[0]) {
		view_colour(out, st, "36");
		buf_adds(out, "  help: ");
		view_colour(out, st, "0");
		view_clean(out, e->hint);
		buf_addc(out, '\n');
	}
}

struct table {
	struct arena *arena;
	size_t columns;
	size_t *widths;
	struct {
		const char ***items;
		size_t count, cap;
	} rows;
};

struct table *table_new(struct arena *a, const char *const *head, size_t columns)
{
	struct table *t = arena_new(a, struct table);
	t->arena = a;
	t->columns = columns;
	t->widths = arena_array(a, size_t, columns);
	table_row(t, head);
	return t;
}

void table_row(struct table *t, const char *const *cells)
{
	const char **row = arena_array(t->arena, const char *, t->columns);
	for (size_t i = 0; i < t->columns; i++) {
		cleanup_buf struct buf b = BUF_INIT;
		view_clean(&b, cells[i] ? cells[i] : "");
		row[i] = arena_strndup(t->arena, buf_str(&b), b.len);
		size_t width = text_width(row[i]);
		if (width > t->widths[i])
			t->widths[i] = width;
	}
	*list_push(t->arena, &t->rows) = row;
}

void table_write(struct buf *out, const struct table *t, struct style st)
{
	for (size_t r = 0; r < t->rows.count; r++) {
		view_colour(out, st, r ? "0" : "1");
		for (size_t i = 0; i < t->columns; i++) {
			const char *cell = t->rows.items[r][i];
			buf_adds(out, cell);
			if (i + 1 < t->columns)
				buf_pad(out, ' ', t->widths[i] - text_width(cell) + 2);
		}
		while (buf_ends_with(out, " "))
			buf_truncate(out, out->len - 1);
		view_colour(out, st, "0");
		buf_addc(out, '\n');
	}
}
