/*
 * JSON lines of logs. Comes in: bytes of any origin. Goes out: the top fields of one object, by
 * reference. What is not plainly one is left to be shown as it came; nothing here fails.
 */
#include "doc/record.h"

#include <string.h>

#include "base/text.h"

struct scan {
	const char *at, *end;
};

static void skip_blank(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
		s->at++;
}

static bool take(struct scan *s, char c)
{
	skip_blank(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

/* Behind the opening quote; out is what lies before the closing one. */
static bool take_string(struct scan *s, struct span *out)
{
	out->at = s->at;
	for (; s->at < s->end; s->at++) {
		if (*s->at == '\\' && s->at + 1 < s->end)
			s->at++;
		else if (*s->at == '"') {
			out->len = (size_t)(s->at++ - out->at);
			return true;
		}
	}
	return false;
}

/* A list or map, behind its first bracket. */
static bool skip_nested(struct scan *s)
{
	struct span ignored;
	for (int depth = 1; s->at < s->end;) {
		char c = *s->at++;
		if (c == '"' && !take_string(s, &ignored))
			return false;
		if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && --depth == 0)
			return true;
	}
	return false;
}

static bool take_word(struct scan *s)
{
	const char *from = s->at;
	while (s->at < s->end && !strchr(",}] \t", *s->at))
		s->at++;
	return s->at > from;
}

static bool take_value(struct scan *s, struct record_field *f)
{
	skip_blank(s);
	if (s->at == s->end)
		return false;
	f->value.at = s->at;
	f->string = *s->at == '"';
	if (f->string) {
		s->at++;
		return take_string(s, &f->value);
	}
	bool ok;
	if (*s->at == '{' || *s->at == '[') {
		s->at++;
		ok = skip_nested(s);
	} else {
		ok = take_word(s);
	}
	f->value.len = (size_t)(s->at - f->value.at);
	return ok;
}

static bool take_fields(struct scan *s, struct record *r)
{
	if (take(s, '}'))
		return true;
	do {
		if (r->count == RECORD_FIELDS)
			return false;
		struct record_field *f = &r->fields[r->count++];
		if (!take(s, '"') || !take_string(s, &f->key) || !take(s, ':') || !take_value(s, f))
			return false;
	} while (take(s, ','));
	return take(s, '}');
}

static bool is(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

/* The first of the names that is there: they are in order of how plainly they mean it. */
static int find(const struct record *r, const char *const *names)
{
	for (; *names; names++)
		for (int i = 0; i < r->count; i++)
			if (is(r->fields[i].key, *names))
				return i;
	return RECORD_NO_FIELD;
}

bool record_read(struct record *r, const char *line, size_t len)
{
	static const char *const times[] = { "time", "timestamp", "@timestamp", "ts", "datetime",
		"t", NULL };
	static const char *const levels[] = { "level", "severity", "lvl", "levelname", "log.level",
		"loglevel", NULL };
	static const char *const messages[] = { "message", "msg", "event", "short_message", "text",
		NULL };
	struct scan s = { line, line + len };
	r->count = 0;
	if (!take(&s, '{') || !take_fields(&s, r))
		return false;
	skip_blank(&s);
	if (s.at != s.end)
		return false;
	r->time = find(r, times);
	r->level = find(r, levels);
	r->message = find(r, messages);
	return true;
}

enum level record_level(const struct record *r)
{
	if (r->level == RECORD_NO_FIELD)
		return LEVEL_NONE;
	struct span v = r->fields[r->level].value;
	return level_named(v.at, v.len);
}

/* ---- time ---- */

static bool digits(struct scan *s, int count, int *out)
{
	*out = 0;
	for (int i = 0; i < count; i++, s->at++) {
		if (s->at == s->end || *s->at < '0' || *s->at > '9')
			return false;
		*out = *out * 10 + (*s->at - '0');
	}
	return true;
}

/* Days since 1970 (Hinnant's algorithm for the proleptic Gregorian calendar). */
static int64_t days_of(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = y / 400, yoe = y - era * 400;
	int64_t doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t take_fraction(struct scan *s)
{
	int64_t ns = 0, unit = 100000000;
	if (s->at == s->end || (*s->at != '.' && *s->at != ','))
		return 0;
	for (s->at++; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++, unit /= 10)
		ns += unit * (*s->at - '0');
	return ns;
}

/* "Z", "+01:00", "-0330"; without one the time is taken for UTC. Seconds; false: something else. */
static bool take_zone(struct scan *s, int *out)
{
	int hours, minutes;
	*out = 0;
	if (s->at == s->end)
		return true;
	char c = *s->at++;
	if (c == 'Z')
		return s->at == s->end;
	if ((c != '+' && c != '-') || !digits(s, 2, &hours))
		return false;
	if (s->at < s->end && *s->at == ':')
		s->at++;
	if (!digits(s, 2, &minutes))
		return false;
	*out = (hours * 60 + minutes) * (c == '-' ? -60 : 60);
	return s->at == s->end;
}

static bool take_mark(struct scan *s, const char *marks)
{
	return s->at < s->end && strchr(marks, *s->at) && s->at++;
}

/* "2026-01-31T10:00:00.123Z" */
static int64_t read_stamp(struct span v)
{
	struct scan s = { v.at, v.at + v.len };
	int year, month, day, hour, minute, second, zone;
	if (!digits(&s, 4, &year) || !take_mark(&s, "-") || !digits(&s, 2, &month) ||
		!take_mark(&s, "-") || !digits(&s, 2, &day) || !take_mark(&s, "Tt ") ||
		!digits(&s, 2, &hour) || !take_mark(&s, ":") || !digits(&s, 2, &minute) ||
		!take_mark(&s, ":") || !digits(&s, 2, &second))
		return -1;
	if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31)
		return -1;
	int64_t ns = take_fraction(&s);
	if (!take_zone(&s, &zone))
		return -1;
	int64_t minutes = (days_of(year, month, day) * 24 + hour) * 60 + minute;
	return (minutes * 60 + second - zone) * 1000000000 + ns;
}

/* Since 1970, in whatever unit gives a time of our days. */
static int64_t read_epoch(struct span v)
{
	struct scan s = { v.at, v.at + v.len };
	int64_t n = 0, unit;
	while (s.at < s.end && *s.at >= '0' && *s.at <= '9' && n < INT64_MAX / 10 - 9)
		n = n * 10 + (*s.at++ - '0');
	unit = n <= 9000000000         ? 1000000000
	       : n <= 9000000000000    ? 1000000
	       : n <= 9000000000000000 ? 1000
				       : 1;
	int64_t ns = n * unit + take_fraction(&s) / (1000000000 / unit);
	return n > 100000000 && s.at == s.end ? ns : -1;
}

int64_t record_time(const struct record *r)
{
	if (r->time == RECORD_NO_FIELD)
		return -1;
	const struct record_field *f = &r->fields[r->time];
	return f->string ? read_stamp(f->value) : read_epoch(f->value);
}

/* ---- escapes ---- */

static int hex(const char *at, const char *end)
{
	int v = 0;
	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		const char *all = "0123456789abcdef", *digit = strchr(all, at[i] | 0x20);
		if (!digit || !at[i])
			return -1;
		v = v * 16 + (int)(digit - all);
	}
	return v;
}

static void put_utf8(struct buf *out, unsigned c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
	} else if (c < 0x800) {
		buf_addc(out, (char)(0xc0 | c >> 6));
		buf_addc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_addc(out, (char)(0xe0 | c >> 12));
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_addc(out, (char)(0xf0 | c >> 18));
		buf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addc(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* Behind "\u"; halves of a pair are joined. Returns what was read of it, 0: it is no escape. */
static size_t put_unicode(struct buf *out, const char *at, const char *end)
{
	int c = hex(at, end);
	if (c < 0)
		return 0;
	bool high = c >= 0xd800 && c < 0xdc00;
	int low = high && end - at >= 10 && at[4] == '\\' && at[5] == 'u' ? hex(at + 6, end) : -1;
	if (low >= 0xdc00 && low < 0xe000) {
		put_utf8(out, 0x10000u + ((unsigned)(c - 0xd800) << 10) + (unsigned)(low - 0xdc00));
		return 10;
	}
	put_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : (unsigned)c);
	return 4;
}

void record_text(struct buf *out, const struct record_field *f)
{
	static const char from[] = "nrtbf\"\\/", to[] = "\n\r\t\b\f\"\\/";
	const char *end = f->value.at + f->value.len;
	for (const char *at = f->value.at, *next; at < end; at = next) {
		next = f->string ? memchr(at, '\\', (size_t)(end - at)) : NULL;
		next = next ? next : end;
		buf_add(out, at, (size_t)(next - at));
		if (next + 1 >= end)
			break;
		const char *known = strchr(from, next[1]);
		size_t more = 0;
		if (next[1] == 'u')
			more = put_unicode(out, next + 2, end);
		else if (known && *known)
			buf_addc(out, to[known - from]);
		if (next[1] != 'u' && !(known && *known))
			buf_addc(out, next[1]);
		next += 2 + more;
	}
}
