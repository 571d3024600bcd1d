/*
 * A unified diff of two small texts (generated files), by longest common subsequence of lines with
 * common head and tail taken off first. Comes in: two texts. Goes out: hunks with three lines
 * around.
 */
#include <string.h>

#include "base/map.h"
#include "view/view.h"

enum { CONTEXT = 3, LCS_MAX = 2000 };

struct lines {
	struct {
		const char *text;
		size_t len;
	} * items;
	size_t count, cap;
};

static void split(struct arena *a, struct lines *l, const char *s, size_t len)
{
	for (const char *end = s + len; s < end;) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t n = (size_t)((nl ? nl : end) - s);
		__typeof__(l->items) item = list_push(a, l);
		item->text = s;
		item->len = n;
		s += n + 1;
	}
}

static bool same(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
	return a->items[i].len == b->items[j].len &&
	       !memcmp(a->items[i].text, b->items[j].text, a->items[i].len);
}

/* An edit script: ' ' keep, '-' drop, '+' add, in order. */
struct script {
	char *items;
	size_t count, cap;
};

static void put(struct arena *a, struct script *s, char op, size_t n)
{
	while (n--)
		*list_push(a, s) = op;
}

/* The middle part by dynamic programming; replaced whole when it is too large for that. */
static void middle(struct arena *a, struct script *s, const struct lines *x, const struct lines *y,
	size_t head, size_t n, size_t m)
{
	if (n > LCS_MAX || m > LCS_MAX) {
		put(a, s, '-', n);
		put(a, s, '+', m);
		return;
	}
	unsigned short *t = arena_array(a, unsigned short, (n + 1) * (m + 1));
	for (size_t i = n; i-- > 0;)
		for (size_t j = m; j-- > 0;) {
			unsigned short down = t[(i + 1) * (m + 1) + j],
				       right = t[i * (m + 1) + j + 1];
			t[i * (m + 1) + j] =
				same(x, head + i, y, head + j)
					? (unsigned short)(t[(i + 1) * (m + 1) + j + 1] + 1)
				: down > right ? down
					       : right;
		}
	size_t i = 0, j = 0;
	while (i < n && j < m) {
		if (same(x, head + i, y, head + j)) {
			put(a, s, ' ', 1);
			i++, j++;
		} else if (t[(i + 1) * (m + 1) + j] >= t[i * (m + 1) + j + 1]) {
			put(a, s, '-', 1);
			i++;
		} else {
			put(a, s, '+', 1);
			j++;
		}
	}
	put(a, s, '-', n - i);
	put(a, s, '+', m - j);
}

static void line(struct buf *out, char op, const struct lines *l, size_t at, struct style st)
{
	view_colour(out, st, op == '+' ? "32" : op == '-' ? "31" : "0");
	buf_addc(out, op);
	text_clean(out, l->items[at].text, l->items[at].len, false);
	view_colour(out, st, "0");
	buf_addc(out, '\n');
}

/* End of the hunk that begins at `from`: past CONTEXT lines behind its last change. */
static size_t hunk_end(const struct script *s, size_t from)
{
	size_t last = from;
	for (size_t i = from; i < s->count && i <= last + 2 * CONTEXT; i++)
		if (s->items[i] != ' ')
			last = i;
	return last + CONTEXT + 1 < s->count ? last + CONTEXT + 1 : s->count;
}

static void hunk(struct buf *out, const struct script *s, size_t from, size_t to, size_t i,
	size_t j, const struct lines *x, const struct lines *y, struct style st)
{
	size_t olds = 0, news = 0;
	for (size_t k = from; k < to; k++) {
		olds += s->items[k] != '+';
		news += s->items[k] != '-';
	}
	view_colour(out, st, "36");
	buf_addf(out, "@@ -%zu,%zu +%zu,%zu @@", olds ? i + 1 : i, olds, news ? j + 1 : j, news);
	view_colour(out, st, "0");
	buf_addc(out, '\n');
	for (size_t k = from; k < to; k++) {
		char op = s->items[k];
		line(out, op, op == '+' ? y : x, op == '+' ? j : i, st);
		i += op != '+';
		j += op != '-';
	}
}

static void hunks(struct buf *out, const struct script *s, const struct lines *x,
	const struct lines *y, struct style st)
{
	size_t i = 0, j = 0; /* lines of old and new before position k of the script */
	for (size_t k = 0, shown = 0; k < s->count;) {
		if (s->items[k] == ' ') {
			i++, j++, k++;
			continue;
		}
		size_t back = k - shown < CONTEXT ? k - shown : CONTEXT, to = hunk_end(s, k);
		hunk(out, s, k - back, to, i - back, j - back, x, y, st);
		for (; k < to; k++) {
			i += s->items[k] != '+';
			j += s->items[k] != '-';
		}
		shown = to;
	}
}

void view_diff(struct buf *out, const char *label, const char *old, size_t old_len, const char *new,
	size_t new_len, struct style st)
{
	struct arena a = ARENA_INIT;
	struct lines x = { 0 }, y = { 0 };
	struct script s = { 0 };
	split(&a, &x, old, old_len);
	split(&a, &y, new, new_len);
	size_t head = 0, tail = 0;
	while (head < x.count && head < y.count && same(&x, head, &y, head))
		head++;
	while (tail < x.count - head && tail < y.count - head &&
		same(&x, x.count - tail - 1, &y, y.count - tail - 1))
		tail++;
	put(&a, &s, ' ', head);
	middle(&a, &s, &x, &y, head, x.count - head - tail, y.count - head - tail);
	put(&a, &s, ' ', tail);
	view_colour(out, st, "1");
	buf_addf(out, "--- %s\n+++ %s\n", old_len ? label : "/dev/null",
		new_len ? label : "/dev/null");
	view_colour(out, st, "0");
	hunks(out, &s, &x, &y, st);
	arena_release(&a);
}
