/*
 * Strings: lists of them, likeness of names, numbers, durations and sizes, shell words.
 */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void strs_add(struct arena *a, struct strs *l, const char *s)
{
	*list_push(a, l) = s;
}

bool strs_has(const struct strs *l, const char *s)
{
	for (size_t i = 0; i < l->count; i++)
		if (streq(l->items[i], s))
			return true;
	return false;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void strs_sort(struct strs *l)
{
	if (l->count)
		qsort(l->items, l->count, sizeof(*l->items), by_bytes);
}

const char *strs_join(struct arena *a, const struct strs *l, const char *sep)
{
	cleanup_buf struct buf b = BUF_INIT;
	for (size_t i = 0; i < l->count; i++) {
		buf_adds(&b, i ? sep : "");
		buf_adds(&b, l->items[i]);
	}
	return arena_strndup(a, buf_str(&b), b.len);
}

bool streq(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

const char *find_reference(const char *text, const char *mark)
{
	const char *at = strstr(text, mark);
	while (at && at > text && at[-1] == '$')
		at = strstr(at + 2, mark);
	return at;
}

bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && !memcmp(s + n - m, suffix, m);
}

enum { NAME_MAX_COMPARED = 64 };

/* Edit distance with swaps of neighbours (Damerau, restricted). Both at most NAME_MAX_COMPARED. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t rows[3][NAME_MAX_COMPARED + 1];
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = rows[i % 3], *up = rows[(i - 1) % 3], *upup = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = up[j - 1] + (tolower((unsigned char)a[i - 1]) !=
							  tolower((unsigned char)b[j - 1]));
			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				upup[j - 2] + 1 < best)
				best = upup[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[n % 3][m];
}

const char *nearest_name(const char *word, const char *const *names, size_t count)
{
	size_t n = strlen(word);
	size_t limit = n <= 3 ? 1 : n <= 6 ? 2 : 3, best = limit + 1;
	const char *found = NULL;
	if (!n || n > NAME_MAX_COMPARED)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t m = strlen(names[i]);
		if (m > NAME_MAX_COMPARED || m > n + limit || n > m + limit)
			continue;
		size_t d = distance(word, n, names[i], m);
		if (d < best && d < m) {
			best = d;
			found = names[i];
		}
	}
	return found;
}

bool parse_int(const char *s, int64_t *out)
{
	const char *digits = s + (*s == '-');
	if (!isdigit((unsigned char)*digits) || (*digits == '0' && digits[1]))
		return false;
	char *end;
	errno = 0;
	long long v = strtoll(s, &end, 10);
	*out = v;
	return !errno && !*end;
}

struct unit {
	const char *name;
	double factor;
};

/* Reads digits with an optional fraction; NULL when there is no number at s. No exponents, no
 * signs. */
static const char *number(const char *s, double *v)
{
	const char *p = s;
	*v = 0;
	for (; isdigit((unsigned char)*p); p++)
		*v = *v * 10 + (*p - '0');
	if (*p == '.') {
		double scale = 0.1;
		for (p++; isdigit((unsigned char)*p); p++, scale /= 10)
			*v += (*p - '0') * scale;
	}
	return p == s || (p == s + 1 && *s == '.') ? NULL : p;
}

static const struct unit *unit_of(const char *s, size_t len, const struct unit *units, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(units[i].name) == len && !strncasecmp(s, units[i].name, len))
			return &units[i];
	return NULL;
}

bool parse_duration(const char *s, int64_t *ms)
{
	static const struct unit units[] = { { "ms", 1 }, { "us", 1e-3 }, { "ns", 1e-6 },
		{ "s", 1e3 }, { "m", 60e3 }, { "h", 3600e3 }, { "d", 86400e3 },
		{ "w", 7 * 86400e3 } };
	double total = 0;
	if (!*s)
		return false;
	if (streq(s, "0")) {
		*ms = 0;
		return true;
	}
	while (*s) {
		double v;
		const char *p = number(s, &v);
		size_t len = p ? strspn(p, "mushdnw") : 0;
		const struct unit *u = p ? unit_of(p, len, units, countof(units)) : NULL;
		if (!u)
			return false;
		total += v * u->factor;
		s = p + len;
	}
	*ms = (int64_t)(total + 0.5);
	return total < 1e15;
}

bool parse_bytes(const char *s, int64_t *bytes)
{
	static const struct unit units[] = { { "", 1 }, { "b", 1 }, { "k", 1024 }, { "kb", 1024 },
		{ "kib", 1024 }, { "m", 1 << 20 }, { "mb", 1 << 20 }, { "mib", 1 << 20 },
		{ "g", 1 << 30 }, { "gb", 1 << 30 }, { "gib", 1 << 30 }, { "t", 1099511627776.0 },
		{ "tb", 1099511627776.0 }, { "tib", 1099511627776.0 } };
	double v;
	const char *p = number(s, &v);
	while (p && *p == ' ')
		p++;
	const struct unit *u = p ? unit_of(p, strlen(p), units, countof(units)) : NULL;
	if (!u || v * u->factor > 9e18)
		return false;
	*bytes = (int64_t)(v * u->factor);
	return true;
}

void format_duration(char out[static 16], int64_t ms)
{
	if (ms < 1000)
		snprintf(out, 16, "%d ms", (int)(ms < 0 ? 0 : ms));
	else if (ms < 60000)
		snprintf(out, 16, "%.1f s", (double)(ms / 100) / 10);
	else
		snprintf(out, 16, "%d min %d s", (int)(ms / 60000 % 100000), (int)(ms / 1000 % 60));
}

void text_escape(struct buf *out, const char *text, size_t len, const char *special)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] && strchr(special, text[i]))
			buf_addc(out, '\\');
		buf_addc(out, text[i]);
	}
}
