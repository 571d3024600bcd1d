/*
 * Two environments compared, for people and as JSON. Comes in: the comparison. Goes out: a table
 * per service with both values, who said them and the verdict. Decides nothing.
 */
#include "view/parity.h"

#include <string.h>

enum { VALUE_WIDTH = 40, MANY = 12 };

static const char *place_text(struct arena *a, struct place p)
{
	if (p.file)
		return p.line ? arena_printf(a, "%s:%d", p.file, p.line) : p.file;
	return p.layer;
}

/* Who said it: one place, or both; an image says by itself. */
static const char *said_by(struct arena *a, const struct difference *d)
{
	const char *l = d->left ? place_text(a, d->left_place) : NULL,
		   *r = d->right ? place_text(a, d->right_place) : NULL;
	if (!l && !r)
		return "image";
	if (!l || !r || streq(l, r))
		return l ? l : r;
	return arena_printf(a, "%s, %s", l, r);
}

static const char *verdict(struct arena *a, const struct difference *d)
{
	if (d->allowed) {
		const char *at = place_text(a, d->allowed->place);
		return arena_printf(a, "allowed by %s", at ? at : d->allowed->pattern);
	}
	return d->expected ? arena_printf(a, "expected: %s", d->expected) : "not allowed";
}

/* One line, and not the whole of a long one: JSON has that. */
static const char *short_value(struct arena *a, const char *value)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (!value)
		return "-";
	if (!*value)
		return "\"\"";
	for (const char *s = value; *s; s++)
		buf_addc(&b, *s == '\n' ? ' ' : *s);
	char *text = arena_strndup(a, buf_str(&b), b.len);
	if (text_width(text) <= VALUE_WIDTH)
		return text;
	size_t len = VALUE_WIDTH - 3;
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return arena_printf(a, "%.*s...", (int)len, text);
}

/* "services.api.image.packages.curl" under the heading of its service: "image.packages.curl". */
static const char *below(struct arena *a, const struct parity_group *g, const char *path)
{
	const char *head = g->name ? path_key(a, "services", g->name) : "";
	size_t len = strlen(head);
	return *head && starts_with(path, head) && path[len] == '.' ? path + len + 1 : path;
}

/* "image.files." of "image.files.a": where many of a kind differ, some stand for all. */
static size_t kind_length(const char *path)
{
	static const char content[] = "image.";
	if (!starts_with(path, content))
		return 0;
	return sizeof(content) - 1 + strcspn(path + sizeof(content) - 1, ".");
}

struct rows {
	struct arena *a;
	struct table *table;
	const struct parity *p;
	const struct parity_group *g;
	size_t left_out;
};

static void write_row(struct rows *r, const struct difference *d, const char *path)
{
	table_row(r->table,
		(const char *const[]){ path, short_value(r->a, d->left),
			short_value(r->a, d->right), verdict(r->a, d), said_by(r->a, d) });
}

static bool same_kind(struct rows *r, const struct difference *x, const struct difference *y)
{
	const char *a = below(r->a, r->g, x->path), *b = below(r->a, r->g, y->path);
	size_t len = kind_length(a);
	return len && kind_length(b) == len && !strncmp(a, b, len) && x->allowed == y->allowed &&
	       !x->expected == !y->expected;
}

static void write_rows(struct rows *r, size_t count)
{
	const struct differences *l = &r->g->found;
	size_t run = 0;
	for (size_t i = 0; i < count; i++) {
		run = i && same_kind(r, &l->items[i - 1], &l->items[i]) ? run + 1 : 0;
		if (run < MANY)
			write_row(r, &l->items[i], below(r->a, r->g, l->items[i].path));
		else
			r->left_out++;
	}
}

static const char *heading(struct arena *a, const struct parity_group *g)
{
	const char *l = g->images[0], *r = g->images[1];
	if (!g->name)
		return "project";
	if (!l && !r)
		return g->name;
	if (streq(l, r))
		return arena_printf(a, "%s (image %s)", g->name, l);
	return arena_printf(a, "%s (image %s, %s)", g->name, l ? l : "-", r ? r : "-");
}

static void write_note(struct buf *out, const char *text)
{
	buf_adds(out, "  note: ");
	view_clean(out, text);
	buf_addc(out, '\n');
}

static void write_table(struct buf *out, const struct table *t, struct style st)
{
	cleanup_buf struct buf text = BUF_INIT;
	table_write(&text, t, st);
	for (const char *s = buf_str(&text); *s;) {
		size_t len = strcspn(s, "\n") + 1;
		buf_adds(out, "  ");
		buf_add(out, s, len);
		s += len;
	}
}

static void write_group(struct buf *out, struct arena *a, const struct parity *p,
	const struct parity_group *g, struct style st)
{
	const char *head[] = { "PATH", p->environments[0], p->environments[1], "VERDICT",
		"SAID BY" };
	size_t count = g->same_as ? g->configured : g->found.count;
	struct rows r = { .a = a, .p = p, .g = g };
	if (!g->found.count && !g->notes.count)
		return;
	r.table = table_new(a, head, countof(head));
	write_rows(&r, count);
	view_colour(out, st, "1");
	view_clean(out, heading(a, g));
	view_colour(out, st, "0");
	buf_addc(out, '\n');
	if (count)
		write_table(out, r.table, st);
	if (r.left_out)
		buf_addf(out, "  ... and %zu more; --json has them all\n", r.left_out);
	if (g->found.count > count)
		write_note(out, arena_printf(a, "its images differ as those of %s do: %zu times",
					g->same_as, g->found.count - count));
	for (size_t i = 0; i < g->notes.count; i++)
		write_note(out, g->notes.items[i]);
	buf_addc(out, '\n');
}

void view_parity(struct buf *out, struct arena *a, const struct parity *p, struct style st)
{
	size_t all = p->allowed + p->expected + p->refused;
	for (size_t i = 0; i < p->groups.count; i++)
		write_group(out, a, p, &p->groups.items[i], st);
	for (size_t i = 0; i < p->unused.count; i++) {
		const char *at = place_text(a, p->unused.items[i]->place);
		view_clean(out, arena_printf(a, "note: %s%sparity.allow: %s matched nothing",
					at ? at : "", at ? ": " : "", p->unused.items[i]->pattern));
		buf_addc(out, '\n');
	}
	if (p->unseen)
		buf_addf(out, "%zu image%s could not be looked into.\n", p->unseen,
			p->unseen == 1 ? "" : "s");
	if (!all)
		buf_adds(out, p->unseen ? "No other differences.\n" : "No differences.\n");
	else
		buf_addf(out, "%zu difference%s: %zu allowed, %zu expected, %zu not allowed\n", all,
			all == 1 ? "" : "s", p->allowed, p->expected, p->refused);
}

/* ---- JSON ---- */

static const struct place no;

static void put(struct arena *a, struct node *map, const char *key, const char *text)
{
	map_put(a, map, key, no, text ? node_str(a, text, no) : node_null(a, no));
}

static void put_count(struct arena *a, struct node *map, const char *key, size_t n)
{
	map_put(a, map, key, no, node_int(a, (int64_t)n, no));
}

static struct node *difference_json(
	struct arena *a, const struct parity_group *g, const struct difference *d)
{
	struct node *n = node_map(a, no);
	put(a, n, "service", g->name);
	put(a, n, "path", d->path);
	put(a, n, "left", d->left);
	put(a, n, "right", d->right);
	put(a, n, "left_place", d->left ? place_text(a, d->left_place) : NULL);
	put(a, n, "right_place", d->right ? place_text(a, d->right_place) : NULL);
	put(a, n, "verdict", d->allowed ? "allowed" : d->expected ? "expected" : "refused");
	put(a, n, "expected", d->expected);
	put(a, n, "allowed_by", d->allowed ? d->allowed->pattern : NULL);
	put(a, n, "allowed_at", d->allowed ? place_text(a, d->allowed->place) : NULL);
	return n;
}

static void add_note(struct arena *a, struct node *notes, const char *service, const char *text)
{
	struct node *n = node_map(a, no);
	put(a, n, "service", service);
	put(a, n, "note", text);
	list_add(a, notes, n);
}

struct node *view_parity_json(struct arena *a, const struct parity *p)
{
	struct node *top = node_map(a, no), *found = node_list(a, no), *notes = node_list(a, no),
		    *unused = node_list(a, no);
	for (size_t i = 0; i < p->groups.count; i++) {
		const struct parity_group *g = &p->groups.items[i];
		for (size_t k = 0; k < g->found.count; k++)
			list_add(a, found, difference_json(a, g, &g->found.items[k]));
		for (size_t k = 0; k < g->notes.count; k++)
			add_note(a, notes, g->name, g->notes.items[k]);
	}
	for (size_t i = 0; i < p->unused.count; i++)
		list_add(a, unused, node_str(a, p->unused.items[i]->pattern, no));
	put(a, top, "left", p->environments[0]);
	put(a, top, "right", p->environments[1]);
	map_put(a, top, "differences", no, found);
	map_put(a, top, "notes", no, notes);
	map_put(a, top, "unused", no, unused);
	put_count(a, top, "allowed", p->allowed);
	put_count(a, top, "expected", p->expected);
	put_count(a, top, "refused", p->refused);
	put_count(a, top, "unseen", p->unseen);
	return top;
}
