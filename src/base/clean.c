/*
 * Text from outside on its way to a terminal. What could steer the terminal comes out as a visible
 * escape; valid UTF-8, tabs and newlines pass; SGR colours pass when asked.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"

/* Length of the UTF-8 sequence at p (of at most n bytes), its code point in *cp; 0 when invalid. */
static size_t decode(const unsigned char *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80       ? 1
		     : p[0] >> 5 == 6  ? 2
		     : p[0] >> 4 == 14 ? 3
		     : p[0] >> 3 == 30 ? 4
				       : 0;
	if (!len || len > n)
		return 0;
	uint32_t c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	*cp = c;
	return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

bool utf8_valid(const char *data, size_t len, size_t *bad_offset)
{
	uint32_t cp;
	for (size_t i = 0, step; i < len; i += step) {
		step = decode((const unsigned char *)data + i, len - i, &cp);
		if (!step) {
			if (bad_offset)
				*bad_offset = i;
			return false;
		}
	}
	return true;
}

/* Controls, C1, zero-width joiners of direction and bidirectional overrides (Unicode TR 36); what
 * is no character at all, and would make XML invalid. */
static bool steers(uint32_t c)
{
	return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0) || c == 0x200e ||
	       c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	       c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

uint32_t text_steers(const char *s, size_t len, size_t *step)
{
	uint32_t cp = 0;
	*step = len ? decode((const unsigned char *)s, len, &cp) : 0;
	return *step && steers(cp) ? cp : 0;
}

/* Length of an SGR sequence (ESC [ digits and ; m) at p, or 0. */
static size_t colour_at(const char *p, size_t n)
{
	size_t i = 2;
	if (n < 3 || p[0] != '\033' || p[1] != '[')
		return 0;
	while (i < n && i < 32 && (p[i] == ';' || (p[i] >= '0' && p[i] <= '9')))
		i++;
	return i < n && p[i] == 'm' ? i + 1 : 0;
}

/* How many bytes from p on are printable ASCII; eight at a time, as nearly all text is. */
static size_t plain_run(const char *p, size_t n)
{
	const uint64_t ones = 0x0101010101010101u, high = ones * 0x80;
	size_t i = 0;
	for (uint64_t w; i + sizeof(w) <= n; i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		/* a byte below 0x20, DEL, or one beyond ASCII */
		if (((w - ones * 0x20) | (w + ones) | w) & high)
			break;
	}
	while (i < n && p[i] >= 0x20 && p[i] < 0x7f)
		i++;
	return i;
}

void text_clean(struct buf *out, const char *data, size_t len, bool keep_colour)
{
	uint32_t cp = 0;
	for (size_t i = 0, step; i < len; i += step) {
		const char *p = data + i;
		step = plain_run(p, len - i);
		if (step) {
			buf_add(out, p, step);
			continue;
		}
		step = keep_colour ? colour_at(p, len - i) : 0;
		if (step) {
			buf_add(out, p, step);
			continue;
		}
		step = decode((const unsigned char *)p, len - i, &cp);
		if (!step) {
			buf_addf(out, "\\x%02x", (unsigned char)*p);
			step = 1;
		} else if (steers(cp)) {
			buf_addf(out, cp < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)cp);
		} else {
			buf_add(out, p, step);
		}
	}
}

void nul_to_space(char *data, size_t len)
{
	for (char *at; len && (at = memchr(data, '\0', len)); data = at) {
		*at = ' ';
		len -= (size_t)(at - data);
	}
}

size_t text_width(const char *s)
{
	size_t width = 0, len = strlen(s);
	uint32_t cp = 0;
	for (size_t i = 0, step; i < len; i += step) {
		step = decode((const unsigned char *)s + i, len - i, &cp);
		int w = step ? wcwidth((wchar_t)cp) : 1;
		width += w > 0 ? (size_t)w : 0;
		step = step ? step : 1;
	}
	return width;
}
