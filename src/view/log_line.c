/*
 * One line of a log for people: service, time, text; a JSON record as time, level, message and the
 * rest of its fields. Comes in: a line as its service wrote it. Goes out: cleaned text, lines of a
 * message each behind the same prefix. Nothing is allocated for a plain line.
 */
#include <string.h>
#include <time.h>

#include "view/view.h"

struct line {
	struct buf *out;
	const struct log_style *style;
	const char *service;
	size_t begin, prefix; /* where it begins in out, and how long its prefix is */
};

static const char *const log_colours[] = { "36", "33", "32", "35", "34", "96", "93", "92", "95",
	"94" };

static void put_time(struct buf *out, int64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	struct tm tm;
	char text[32];
	if (localtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%H:%M:%S", &tm))
		buf_addf(out, "%s.%03d ", text, (int)(time_ns / 1000000 % 1000));
}

static void put_prefix(struct line *l, int number, int colour)
{
	view_colour(l->out, l->style->style, log_colours[(size_t)colour % countof(log_colours)]);
	size_t name = l->out->len;
	view_clean(l->out, l->service);
	if (number > 1)
		buf_addf(l->out, ".%d", number);
	else if (number == 0)
		buf_adds(l->out, " run");
	int width = (int)text_width(l->out->data + name);
	if (width < l->style->prefix_width)
		buf_pad(l->out, ' ', (size_t)(l->style->prefix_width - width));
	buf_adds(l->out, " | ");
	view_colour(l->out, l->style->style, "0");
}

static void put_clean(struct line *l, const char *text, size_t len)
{
	struct buf *out = l->out;
	size_t start = out->len;
	text_clean(out, text, len, l->style->style.colour);
	if (l->style->style.colour && memchr(out->data + start, '\033', out->len - start))
		buf_adds(out, "\033[0m");
}

/* ---- records ---- */

static const char *const level_colours[] = { [LEVEL_TRACE] = "90",
	[LEVEL_DEBUG] = "90",
	[LEVEL_INFO] = "32",
	[LEVEL_NOTICE] = "36",
	[LEVEL_WARN] = "33",
	[LEVEL_ERROR] = "31",
	[LEVEL_FATAL] = "1;31" };

static void put_level(struct line *l, enum level level)
{
	static const char *const words[] = { [LEVEL_TRACE] = "TRACE ",
		[LEVEL_DEBUG] = "DEBUG ",
		[LEVEL_INFO] = "INFO  ",
		[LEVEL_NOTICE] = "NOTE  ",
		[LEVEL_WARN] = "WARN  ",
		[LEVEL_ERROR] = "ERROR ",
		[LEVEL_FATAL] = "FATAL " };
	view_colour(l->out, l->style->style, level_colours[level]);
	buf_adds(l->out, words[level]);
	view_colour(l->out, l->style->style, "0");
}

/* A line break of the message begins a line like the first. */
static void put_break(struct line *l)
{
	buf_addc(l->out, '\n');
	buf_reserve(l->out, l->prefix);
	buf_add(l->out, l->out->data + l->begin, l->prefix);
}

static void put_lines(struct line *l, const char *text, size_t len)
{
	for (const char *end = text + len, *nl; text < end; text = nl + 1) {
		nl = memchr(text, '\n', (size_t)(end - text));
		if (!nl) {
			put_clean(l, text, (size_t)(end - text));
			return;
		}
		put_clean(l, text, (size_t)(nl - text));
		if (nl + 1 < end)
			put_break(l);
	}
}

static void put_message(struct line *l, const struct record_field *f)
{
	if (!f->string || !memchr(f->value.at, '\\', f->value.len)) {
		put_clean(l, f->value.at, f->value.len);
		return;
	}
	cleanup_buf struct buf text = BUF_INIT;
	record_text(&text, f);
	put_lines(l, buf_str(&text), text.len);
}

/* A traceback is worth lines of its own, behind everything else. */
static bool is_long(const struct record_field *f)
{
	static const char mark[] = "\\n";
	return f->string && memmem(f->value.at, f->value.len, mark, sizeof(mark) - 1);
}

static bool needs_quotes(struct span v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.at[i] == ' ' || v.at[i] == '\t' || v.at[i] == '=' || v.at[i] == '\\')
			return true;
	return v.len == 0;
}

static void put_field(struct line *l, const struct record_field *f)
{
	bool quotes = f->string && needs_quotes(f->value);
	if (l->out->len > l->begin + l->prefix && l->out->data[l->out->len - 1] != ' ')
		buf_addc(l->out, ' ');
	view_colour(l->out, l->style->style, "2");
	text_clean(l->out, f->key.at, f->key.len, false);
	buf_adds(l->out, quotes ? "=\"" : "=");
	text_clean(l->out, f->value.at, f->value.len, false);
	buf_adds(l->out, quotes ? "\"" : "");
	view_colour(l->out, l->style->style, "0");
}

static bool says_service(const struct line *l, const struct record_field *f)
{
	return f->key.len == 7 && !memcmp(f->key.at, "service", 7) &&
	       f->value.len == strlen(l->service) && !memcmp(f->value.at, l->service, f->value.len);
}

static void put_record(struct line *l, const struct record *r)
{
	enum level level = record_level(r);
	int64_t time = record_time(r);
	if (time >= 0 && !l->style->times)
		put_time(l->out, time);
	if (level != LEVEL_NONE)
		put_level(l, level);
	if (r->message != RECORD_NO_FIELD)
		put_message(l, &r->fields[r->message]);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < r->count; i++) {
			const struct record_field *f = &r->fields[i];
			bool said = i == r->message || (i == r->time && time >= 0) ||
				    (i == r->level && level != LEVEL_NONE) || says_service(l, f);
			if (said || is_long(f) != (pass == 1))
				continue;
			if (pass == 0) {
				put_field(l, f);
				continue;
			}
			put_break(l);
			text_clean(l->out, f->key.at, f->key.len, false);
			buf_adds(l->out, ": ");
			put_message(l, f);
		}
}

/* JSON that is no message of a log is left as it came. */
static bool is_record(struct record *r, const char *text, size_t len)
{
	return len > 1 && *text == '{' && record_read(r, text, len) &&
	       (r->message != RECORD_NO_FIELD || r->level != RECORD_NO_FIELD);
}

void view_log_line(struct buf *out, const struct log_style *ls, const char *service, int number,
	int colour, int64_t time_ns, const char *line, size_t len)
{
	struct record r;
	struct line l = { out, ls, service, out->len, 0 };
	if (!ls->no_prefix)
		put_prefix(&l, number, colour);
	if (ls->times && time_ns)
		put_time(out, time_ns);
	l.prefix = out->len - l.begin;
	if (!ls->raw && is_record(&r, line, len))
		put_record(&l, &r);
	else
		put_clean(&l, line, len);
	buf_addc(out, '\n');
}
