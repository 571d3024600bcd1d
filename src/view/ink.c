/*
 * Colours of text. Comes in: SGR sequences, inks. Goes out: pens, and the nearest ink that a
 * terminal has. Knows the usual palette of 256.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "view/grid.h"

enum { PARAMS_MAX = 16 };

struct params {
	int items[PARAMS_MAX];
	size_t count;
};

/* "\033[1;31m" at p: its length, 0 when it is none. */
static size_t params_at(const char *p, size_t len, struct params *out)
{
	size_t i = 2;
	int value = 0;
	if (len < 3 || p[0] != '\033' || p[1] != '[')
		return 0;
	for (; i < len && (p[i] == ';' || (p[i] >= '0' && p[i] <= '9')); i++) {
		if (p[i] != ';') {
			value = value < 1000 ? value * 10 + (p[i] - '0') : value;
			continue;
		}
		if (out->count < PARAMS_MAX)
			out->items[out->count++] = value;
		value = 0;
	}
	if (i >= len || p[i] != 'm')
		return 0;
	if (out->count < PARAMS_MAX)
		out->items[out->count++] = value;
	return i + 1;
}

/* 38;5;N and 38;2;R;G;B: how many parameters were taken besides the first. */
static size_t extended(const struct params *p, size_t i, int32_t *ink)
{
	size_t left = p->count - i - 1;
	const int *v = &p->items[i + 1];
	if (left >= 2 && v[0] == 5) {
		*ink = v[1] & 255;
		return 2;
	}
	if (left >= 4 && v[0] == 2) {
		*ink = INK_TRUE | (v[1] & 255) << 16 | (v[2] & 255) << 8 | (v[3] & 255);
		return 4;
	}
	return left;
}

static void set_flag(int n, struct pen *pen)
{
	static const struct {
		int on, off;
		uint8_t flag;
	} flags[] = { { 1, 22, PEN_BOLD }, { 2, 22, PEN_DIM }, { 4, 24, PEN_UNDERLINE },
		{ 7, 27, PEN_REVERSE } };
	for (size_t i = 0; i < countof(flags); i++) {
		if (n == flags[i].on)
			pen->flags |= flags[i].flag;
		if (n == flags[i].off)
			pen->flags &= (uint8_t)~flags[i].flag;
	}
}

static bool set_ink(int n, struct pen base, struct pen *pen)
{
	int32_t *ink = (n >= 30 && n < 40) || (n >= 90 && n < 98) ? &pen->fg : &pen->bg;
	int32_t normal = ink == &pen->fg ? base.fg : base.bg;
	int first = n >= 90 ? (n >= 100 ? 100 : 90) : n >= 40 ? 40 : 30;
	if (n < 30 || (n > 49 && n < 90) || n > 107 || n - first > 9)
		return false;
	if (n - first == 9)
		*ink = normal;
	else if (n - first < 8)
		*ink = n - first + (n >= 90 ? 8 : 0);
	return true;
}

static void apply(const struct params *p, struct pen base, struct pen *pen)
{
	for (size_t i = 0; i < p->count; i++) {
		int n = p->items[i];
		if (n == 0)
			*pen = base;
		else if (n == 38 || n == 48)
			i += extended(p, i, n == 38 ? &pen->fg : &pen->bg);
		else if (!set_ink(n, base, pen))
			set_flag(n, pen);
	}
}

size_t sgr_read(const char *p, size_t len, struct pen base, struct pen *pen)
{
	struct params params = { .count = 0 };
	size_t n = p[0] == '\033' ? params_at(p, len, &params) : 0;
	if (n && pen)
		apply(&params, base, pen);
	return n;
}

void sgr_strip(struct buf *out, const char *text, size_t len)
{
	while (len) {
		const char *esc = memchr(text, '\033', len);
		size_t plain = esc ? (size_t)(esc - text) : len;
		buf_add(out, text, plain);
		text += plain;
		len -= plain;
		size_t n = len ? sgr_read(text, len, PEN_PLAIN, NULL) : 0;
		if (len && !n)
			buf_addc(out, text[0]), n = 1;
		text += n;
		len -= n;
	}
}

/* ---- fitting ---- */

static int32_t rgb_of(int32_t ink)
{
	static const int32_t basic[] = { 0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
		0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff,
		0x00ffff, 0xffffff };
	static const int levels[] = { 0, 95, 135, 175, 215, 255 };
	if (ink & INK_TRUE)
		return ink & 0xffffff;
	if (ink < 16)
		return basic[ink];
	if (ink >= 232)
		return (8 + (ink - 232) * 10) * 0x010101;
	ink -= 16;
	return levels[ink / 36] << 16 | levels[ink / 6 % 6] << 8 | levels[ink % 6];
}

static int gap(int32_t a, int32_t b)
{
	int sum = 0;
	for (int shift = 0; shift < 24; shift += 8) {
		int d = (a >> shift & 255) - (b >> shift & 255);
		sum += d * d;
	}
	return sum;
}

int32_t ink_fit(int32_t ink, int colours)
{
	if (ink < 0 || colours < 8)
		return INK_DEFAULT;
	if (ink < 8 || (ink < 256 && colours >= 256 && colours <= 256))
		return ink;
	if (colours > 256)
		return INK_TRUE | rgb_of(ink);
	int32_t wanted = rgb_of(ink), best = 0;
	int count = colours >= 256 ? 256 : colours >= 16 ? 16 : 8;
	if (ink < count)
		return ink;
	if (ink < 16) /* a bright one of eight is the plain one */
		return ink - 8;
	/* The first sixteen are what the terminal's owner made of them: the cube is exact. */
	for (int32_t i = count == 256 ? 16 : 0, least = INT32_MAX; i < count; i++) {
		int d = gap(wanted, rgb_of(i));
		if (d < least) {
			least = d;
			best = i;
		}
	}
	return best;
}
