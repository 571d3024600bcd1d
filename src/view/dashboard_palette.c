/*
 * The command palette: everything that can be asked for, found by typing parts of it. Comes in: a
 * dashboard. Goes out: its entries, a box over the picture.
 */
#include <ctype.h>
#include <string.h>

#include "dashboard_parts.h"

enum { BOX_WIDTH = 64, BOX_ROWS = 12 };

/* Every word that was typed begins a word of the entry: "rest ap" finds "restart api". */
static bool word_begins(const char *label, const char *word, size_t len)
{
	bool begin = true;
	for (const char *p = label; *p; p++) {
		if (begin && !strncasecmp(p, word, len))
			return true;
		begin = !isalnum((unsigned char)*p);
	}
	return false;
}

static bool fits(const char *label, const char *typed)
{
	while (*typed) {
		size_t len = strcspn(typed, " ");
		if (len && !word_begins(label, typed, len))
			return false;
		typed += len + (typed[len] == ' ');
	}
	return true;
}

static void offer(const struct dashboard *d, struct arena *a, struct dash_entries *out,
	const struct dash_action *action, const struct dash_unit *unit)
{
	const char *label = !action ? arena_printf(a, "logs %s", unit->name)
			    : unit  ? arena_printf(a, "%s %s", action->name, unit->name)
				    : action->name;
	if (action && action->verb == VERB_RUN_ALL)
		label = arena_printf(a, "%s (everything)", action->name);
	if (fits(label, buf_str(&d->typed)))
		*list_push(a, out) = (struct dash_entry){ action, unit, label };
}

static void offer_unit(const struct dashboard *d, struct arena *a, struct dash_entries *out,
	const struct dash_unit *unit)
{
	for (size_t i = 0; i < dash_action_count; i++)
		if (action_applies(d, &dash_actions[i], unit))
			offer(d, a, out, &dash_actions[i], unit);
	offer(d, a, out, NULL, unit);
}

/* The selected unit's first: they are what is wanted most. */
void palette_entries(const struct dashboard *d, struct arena *a, struct dash_entries *out)
{
	const struct dash_unit *selected = dashboard_selected(d);
	if (selected)
		offer_unit(d, a, out, selected);
	for (size_t i = 0; i < dash_action_count; i++)
		if (action_applies(d, &dash_actions[i], NULL))
			offer(d, a, out, &dash_actions[i], NULL);
	for (size_t i = 0; i < d->units.count; i++)
		if (&d->units.items[i] != selected)
			offer_unit(d, a, out, &d->units.items[i]);
}

struct box {
	int x, y, width, rows; /* of entries, below the line that is typed */
	size_t first;          /* entry that is shown on top */
};

static struct box box_of(const struct dashboard *d, size_t count)
{
	struct box b = { .width = d->width - 4 < BOX_WIDTH ? d->width - 4 : BOX_WIDTH, .y = 2 };
	int room = d->height - 6;
	b.x = (d->width - b.width) / 2;
	b.rows = room < BOX_ROWS ? room : BOX_ROWS;
	if (d->palette_at >= (size_t)b.rows)
		b.first = d->palette_at - (size_t)b.rows + 1;
	if (count < (size_t)b.rows)
		b.rows = (int)count;
	return b;
}

int palette_hit(const struct dashboard *d, int x, int y)
{
	struct arena a = ARENA_INIT;
	struct dash_entries list = { 0 };
	palette_entries(d, &a, &list);
	struct box b = box_of(d, list.count);
	int row = y - b.y - 2;
	bool hit = x > b.x && x < b.x + b.width - 1 && row >= 0 && row < b.rows;
	arena_release(&a);
	return hit ? (int)b.first + row : -1;
}

static void rule(const struct dashboard *d, struct grid *g, const struct box *b, int y, bool top)
{
	struct pen pen = dashboard_ink(d, 6, 0);
	int end = b->x + b->width;
	for (int x = b->x; x < end; x++)
		grid_text(g, x, y, end, pen, d->unicode ? "─" : "-");
	grid_text(g, b->x, y, end, pen, !d->unicode ? "+" : top ? "┌" : "└");
	grid_text(g, end - 1, y, end, pen, !d->unicode ? "+" : top ? "┐" : "┘");
	if (top)
		grid_text(g, b->x + 2, y, end, pen, " Commands ");
}

static void sides(const struct dashboard *d, struct grid *g, const struct box *b, int y)
{
	int end = b->x + b->width;
	grid_fill(g, b->x, y, end, PEN_PLAIN);
	grid_text(g, b->x, y, end, dashboard_ink(d, 6, 0), d->unicode ? "│" : "|");
	grid_text(g, end - 1, y, end, dashboard_ink(d, 6, 0), d->unicode ? "│" : "|");
}

static void draw_entry(const struct dashboard *d, struct grid *g, const struct box *b,
	const struct dash_entry *e, int y, bool chosen)
{
	struct pen pen = { INK_DEFAULT, INK_DEFAULT, chosen ? PEN_REVERSE : 0 };
	struct pen dim = { INK_DEFAULT, INK_DEFAULT, chosen ? PEN_REVERSE : PEN_DIM };
	int end = b->x + b->width - 1;
	char key[] = { '[', e->action && e->action->key > ' ' ? (char)e->action->key : ' ', ']',
		'\0' };
	sides(d, g, b, y);
	grid_fill(g, b->x + 1, y, end, pen);
	grid_text(g, b->x + 1, y, end, pen, chosen ? ">" : " ");
	grid_text(g, b->x + 3, y, b->x + 28, pen, e->label);
	grid_text(g, b->x + 29, y, end - 5, dim, e->action ? e->action->help : "show its logs");
	if (key[1] != ' ')
		grid_text(g, end - 4, y, end, dim, key);
}

void palette_draw(const struct dashboard *d, struct grid *g)
{
	struct arena a = ARENA_INIT;
	struct dash_entries list = { 0 };
	palette_entries(d, &a, &list);
	struct box b = box_of(d, list.count);
	rule(d, g, &b, b.y, true);
	sides(d, g, &b, b.y + 1);
	grid_text(g, b.x + 2, b.y + 1, b.x + b.width - 1, PEN_PLAIN, ":");
	grid_text(g, b.x + 3, b.y + 1, b.x + b.width - 1, PEN_PLAIN, buf_str(&d->typed));
	for (int i = 0; i < b.rows; i++)
		draw_entry(d, g, &b, &list.items[b.first + (size_t)i], b.y + 2 + i,
			b.first + (size_t)i == d->palette_at);
	if (!list.count) {
		sides(d, g, &b, b.y + 2);
		grid_text(g, b.x + 3, b.y + 2, b.x + b.width - 1, PEN_PLAIN, "nothing fits");
	}
	rule(d, g, &b, b.y + 2 + (list.count ? b.rows : 1), false);
	arena_release(&a);
}

void palette_cursor(const struct dashboard *d, int *x, int *y)
{
	struct box b = box_of(d, 0);
	*x = b.x + 3 + (int)text_width(buf_str(&d->typed));
	*y = b.y + 1;
}
