/*
 * Which strings need quotes in YAML, and which. Comes in: any string. Goes out: the same string for
 * readers of YAML 1.1 (yes, 22:22, 0b1, 1_000 are no strings there) and of YAML 1.2 (1e3, 0o7).
 */
#include "yaml_out.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Words that some reader takes for a value of another type, in any case. */
static const char *const words[] = { "null", "true", "false", "yes", "no", "on", "off", "y", "n",
	"~", "<<", "=", ".inf", "-.inf", "+.inf", ".nan" };
enum { LONGEST_WORD = 5 };

static bool is_word(const char *s, size_t len)
{
	if (len > LONGEST_WORD || !strchr("nNtTfFyYoO~<=.+-", *s))
		return false;
	for (size_t i = 0; i < countof(words); i++)
		if (!strcasecmp(words[i], s))
			return true;
	return false;
}

static size_t run(const char *s, const char *set)
{
	return strspn(s, set);
}

/* Digits with underscores, perhaps 0b, 0o or 0x in front, perhaps :minutes:seconds behind. */
static bool like_int(const char *s)
{
	if (*s == '0' && s[1] && strchr("bBoOxX", s[1]))
		return s[2] && !s[2 + run(s + 2, "0123456789abcdefABCDEF_")];
	size_t n = run(s, "0123456789_");
	if (!n || !isdigit((unsigned char)*s))
		return false;
	for (s += n; *s == ':' && isdigit((unsigned char)s[1]);)
		s += 1 + run(s + 1, "0123456789");
	return !*s || (*s == '.' && !s[1 + run(s + 1, "0123456789_")]);
}

static bool like_float(const char *s)
{
	const char *start = s;
	s += run(s, "0123456789_");
	if (*s == '.')
		s += 1 + run(s + 1, "0123456789_");
	if (s == start || !isdigit((unsigned char)start[*start == '.']))
		return s == start + 1 && *start == '.' && !*s;
	if (*s == 'e' || *s == 'E') {
		s += s[1] == '-' || s[1] == '+' ? 2 : 1;
		s += run(s, "0123456789_");
	}
	return !*s;
}

/* 2001-12-14, with a time or without. */
static bool like_date(const char *s)
{
	if (run(s, "0123456789") != 4 || s[4] != '-')
		return false;
	size_t month = run(s + 5, "0123456789");
	return month >= 1 && month <= 2 && s[5 + month] == '-' &&
	       isdigit((unsigned char)s[6 + month]);
}

static bool like_number(const char *s)
{
	if (!strchr("+-.0123456789", *s))
		return false;
	const char *unsigned_part = s + (*s == '-' || *s == '+');
	return like_int(unsigned_part) || like_float(unsigned_part) || like_date(s);
}

/* Length of the character at s; 0: it must be written as an escape. */
static size_t printable(const char *s, size_t len)
{
	unsigned char c = (unsigned char)*s;
	if (c < 0x80)
		return c >= 0x20 && c < 0x7f;
	size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (n > len || !utf8_valid(s, n, NULL))
		return 0;
	size_t step;
	if (text_steers(s, n, &step))
		return 0; /* C1, line breaks of Unicode, what turns the direction, the byte order
			     mark */
	if (n == 3 && (!memcmp(s, "\xef\xbf\xbe", 3) || !memcmp(s, "\xef\xbf\xbf", 3)))
		return 0; /* no characters */
	return n;
}

static bool all_printable(const char *s, size_t len, const char *also)
{
	for (size_t i = 0, n; i < len; i += n) {
		if (s[i] >= 0x20 && s[i] < 0x7f) { /* nearly all there is */
			n = 1;
			continue;
		}
		n = printable(s + i, len - i);
		if (!n && s[i] && strchr(also, s[i]))
			n = 1;
		if (!n)
			return false;
	}
	return true;
}

static bool starts_plain(const char *s, size_t len)
{
	if (strchr("-", *s))
		return len > 1 && s[1] != ' ' && !starts_with(s, "---");
	return !strchr("?:,[]{}#&*!|>'\"%@` ", *s) && !starts_with(s, "...");
}

static bool plain(const char *s, size_t len)
{
	if (!len || !starts_plain(s, len) || strchr(" :", s[len - 1]))
		return false;
	if (memchr(s, ' ', len) && (strstr(s, ": ") || strstr(s, " #")))
		return false;
	return all_printable(s, len, "") && !is_word(s, len) && !like_number(s);
}

static void escape(struct buf *out, unsigned char c, uint32_t cp)
{
	static const struct {
		char c;
		const char *text;
	} names[] = { { '\n', "\\n" }, { '\t', "\\t" }, { '\r', "\\r" }, { 0x1b, "\\e" },
		{ '"', "\\\"" }, { '\\', "\\\\" } };
	for (size_t i = 0; c && i < countof(names); i++)
		if (names[i].c == (char)c) {
			buf_adds(out, names[i].text);
			return;
		}
	buf_addf(out, cp < 0x100 ? "\\x%02X" : "\\u%04X", (unsigned)cp);
}

/* The code point of a character that printable() refused, and its length in bytes. */
static uint32_t refused(const char *s, size_t len, size_t *n)
{
	const unsigned char *u = (const unsigned char *)s;
	*n = u[0] >= 0xe0 && u[0] < 0xf0 ? 3 : u[0] >= 0xc2 && u[0] < 0xe0 ? 2 : 1;
	if (*n > len || !utf8_valid(s, *n, NULL))
		*n = 1;
	if (*n == 3)
		return (u[0] & 15u) << 12 | (u[1] & 63u) << 6 | (u[2] & 63u);
	return *n == 2 ? (u[0] & 31u) << 6 | (u[1] & 63u) : u[0];
}

static void double_quoted(struct buf *out, const char *s, size_t len)
{
	buf_addc(out, '"');
	for (size_t i = 0, n; i < len; i += n) {
		n = printable(s + i, len - i);
		if (n == 1 && (s[i] == '"' || s[i] == '\\')) {
			escape(out, (unsigned char)s[i], 0);
		} else if (n) {
			buf_add(out, s + i, n);
		} else {
			uint32_t cp = refused(s + i, len - i, &n);
			escape(out, n == 1 ? (unsigned char)s[i] : 0, cp);
		}
	}
	buf_addc(out, '"');
}

void yaml_string(struct buf *out, const char *s, size_t len)
{
	if (plain(s, len))
		buf_add(out, s, len);
	else if (strpbrk(s, "\"\\") && !strchr(s, '\'') && all_printable(s, len, ""))
		buf_addf(out, "'%s'", s);
	else
		double_quoted(out, s, len);
}

/*
 * Only what no reader could see differently: the first line says how far the block is indented, so
 * it must not begin with blanks; lines of blanks alone are left to double quotes.
 */
bool yaml_fits_block(const char *s, size_t len)
{
	if (!memchr(s, '\n', len) || strchr(" \t\n", *s) || !all_printable(s, len, "\n\t"))
		return false;
	for (const char *p = s; p < s + len;) {
		size_t line = strcspn(p, "\n");
		if (line && strspn(p, " \t") >= line)
			return false;
		p += line + 1;
	}
	return true;
}
