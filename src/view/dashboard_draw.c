/*
 * The dashboard's picture. Comes in: its state. Goes out: a grid of cells. Colour is never the only
 * sign: states are words, the selected row has a mark, what is found is reversed.
 */
#include <stdio.h>
#include <string.h>

#include "dashboard_parts.h"

enum { INFO_LEAST = 20, NAME_LEAST = 8, NAME_MOST = 24, SPARKS_LEAST = 110, SPARK = 12 };
enum { RED = 1, GREEN = 2, YELLOW = 3, CYAN = 6 };

struct pen dashboard_ink(const struct dashboard *d, int colour, uint8_t flags)
{
	return (struct pen){ d->colour ? colour : INK_DEFAULT, INK_DEFAULT, flags };
}

/* ---- where things are ---- */

void dashboard_layout(const struct dashboard *d, struct dash_layout *out)
{
	int count = (int)d->units.count, room = (d->height - 5) * 2 / 5;
	*out = (struct dash_layout){ .info_y = -1 };
	out->too_small = d->width < DASH_LEAST_WIDTH || d->height < DASH_LEAST_HEIGHT;
	out->list_y = 2;
	out->list_rows = count < room ? (count ? count : 1) : room;
	int y = out->list_y + out->list_rows;
	if (d->height >= INFO_LEAST)
		out->info_y = y++;
	out->tabs_y = y++;
	out->pane_y = y;
	out->footer_y = d->height - 1;
	out->pane_rows = out->footer_y - y;
}

static const char *const tab_names[] = { "1 Logs", "2 Stages", "3 Graph", "4 Output", "? Help" };

const char *dashboard_tab_name(enum dash_pane_kind k)
{
	return tab_names[k];
}

void dashboard_tab(enum dash_pane_kind k, int *x, int *end)
{
	*x = 1;
	for (int i = 0; i < (int)k; i++)
		*x += (int)strlen(tab_names[i]) + 3;
	*end = *x + (int)strlen(tab_names[k]) + 2;
}

/* ---- words ---- */

static int colour_of(const char *word)
{
	static const struct {
		const char *word;
		int colour;
	} known[] = { { "ready", GREEN }, { "healthy", GREEN }, { "running", GREEN },
		{ "done", GREEN }, { "unhealthy", RED }, { "exited", RED }, { "dead", RED },
		{ "given up", RED }, { "absent", INK_DEFAULT } };
	for (size_t i = 0; i < countof(known); i++)
		if (streq(known[i].word, word))
			return known[i].colour;
	return YELLOW;
}

static void uptime(char out[static 16], int64_t s)
{
	static const struct {
		int64_t below, unit;
		const char *word;
	} units[] = { { 120, 1, "s" }, { 7200, 60, "min" }, { 172800, 3600, "h" },
		{ INT64_MAX, 86400, "d" } };
	size_t i = 0;
	while (s >= units[i].below)
		i++;
	snprintf(out, 16, "%d %s", (int)(s / units[i].unit), units[i].word);
	if (s < 0)
		out[0] = '\0';
}

static void bytes(char out[static 16], int64_t n)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)n / 1024;
	size_t i = 0;
	for (; v >= 1000 && i + 1 < countof(units); i++)
		v /= 1024;
	snprintf(out, 16, v < 10 && i > 0 ? "%.1f %s" : "%.0f %s", v, units[i]);
}

static bool last_sample(const struct dash_unit *u, int *cpu, int64_t *memory)
{
	const struct dash_history *h = u->history;
	size_t at = (h->at + DASH_SAMPLES - 1) % DASH_SAMPLES;
	if (!h->count || u->uptime_s < 0 || h->memory[at] < 0)
		return false;
	*cpu = h->cpu[at];
	*memory = h->memory[at];
	return true;
}

/* ---- sparklines ---- */

static const char *bar(bool unicode, int64_t value, int64_t most)
{
	static const char *const fine[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { "_", ".", ".", "-", "-", "=", "=", "#" };
	int64_t level = most > 0 ? value * 8 / most : 0;
	level = level > 7 ? 7 : level < 0 ? 0 : level;
	return unicode ? fine[level] : ascii[level];
}

enum measure { MEASURE_CPU, MEASURE_MEMORY, MEASURE_REQUESTS };

static int64_t measured(const struct dash_history *h, enum measure m, size_t at)
{
	return m == MEASURE_CPU      ? h->cpu[at]
	       : m == MEASURE_MEMORY ? h->memory[at]
				     : h->requests[at];
}

/* Newest at the right. CPU has a floor of a tenth of a core, so that idling looks idle; requests
 * have one of ten a second. */
static void spark(const struct dashboard *d, struct grid *g, int x, int y, int width,
	const struct dash_history *h, enum measure m)
{
	static const struct {
		int64_t floor;
		int colour;
	} looks[] = { [MEASURE_CPU] = { 100, CYAN },
		[MEASURE_MEMORY] = { 1, GREEN },
		[MEASURE_REQUESTS] = { 10, YELLOW } };
	int64_t most = looks[m].floor;
	bool asked = m == MEASURE_REQUESTS;
	size_t count = asked ? h->request_count : h->count, next = asked ? h->request_at : h->at;
	int shown = (int)count < width ? (int)count : width;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < shown; i++) {
			size_t at = (next + DASH_SAMPLES - (size_t)(shown - i)) % DASH_SAMPLES;
			int64_t v = measured(h, m, at);
			if (pass)
				grid_text(g, x + width - shown + i, y, x + width,
					dashboard_ink(d, looks[m].colour, 0),
					bar(d->unicode, v, most));
			else
				most = v > most ? v : most;
		}
	}
}

/* ---- the top line ---- */

static void count_units(const struct dashboard *d, int *up, int *bad)
{
	*up = *bad = 0;
	for (size_t i = 0; i < d->units.count; i++) {
		int c = colour_of(d->units.items[i].word);
		*up += c == GREEN && !streq(d->units.items[i].word, "done");
		*bad += c == RED;
	}
}

static void draw_title(const struct dashboard *d, struct grid *g)
{
	char text[80];
	int up, bad;
	struct pen pen = { INK_DEFAULT, INK_DEFAULT, PEN_REVERSE };
	count_units(d, &up, &bad);
	grid_fill(g, 0, 0, g->width, pen);
	int x = grid_text(g, 1, 0, g->width, pen, d->project ? d->project : "devenv");
	snprintf(text, sizeof(text), "  %zu unit%s, %d up", d->units.count,
		d->units.count == 1 ? "" : "s", up);
	x = grid_text(g, x, 0, g->width, pen, text);
	snprintf(text, sizeof(text), ", %d failed", bad);
	if (bad)
		x = grid_text(g, x, 0, g->width, pen, text);
	const char *words = d->trouble ? d->trouble : d->agent ? d->agent : "";
	int from = g->width - 1 - (int)text_width(words);
	grid_text(g, from > x + 2 ? from : x + 2, 0, g->width - 1, pen, words);
}

/* ---- the units ---- */

struct columns {
	int name, state, uptime, restarts, cpu, memory, sparks, marks, rest; /* where they begin */
	int end;                                                             /* of the row */
};

static int name_width(const struct dashboard *d)
{
	int width = NAME_LEAST;
	for (size_t i = 0; i < d->units.count; i++) {
		int w = (int)text_width(d->units.items[i].name);
		width = w > width ? w : width;
	}
	return width < NAME_MOST ? width : NAME_MOST;
}

/* What there is no room for begins at the end. */
static struct columns columns_of(const struct dashboard *d)
{
	struct columns c = { .name = 2, .end = d->width };
	c.state = c.name + name_width(d) + 1;
	c.uptime = c.state + 11;
	c.cpu = c.uptime + 8;
	c.memory = c.cpu + 7;
	c.restarts = c.memory + 9;
	c.marks = c.restarts + 5;
	c.sparks = c.marks + (d->any_marks ? 7 : 0);
	c.rest = c.sparks + (d->width >= SPARKS_LEAST ? 2 * (SPARK + 1) : 0);
	return c;
}

static void right(struct grid *g, int x, int end, int y, struct pen pen, const char *text)
{
	int from = end - (int)text_width(text);
	if (end <= g->width)
		grid_text(g, from > x ? from : x, y, end, pen, text);
}

static void draw_head(const struct dashboard *d, struct grid *g, const struct columns *c)
{
	struct pen pen = { INK_DEFAULT, INK_DEFAULT, PEN_BOLD };
	grid_text(g, c->name, 1, c->state - 1, pen, "UNIT");
	grid_text(g, c->state, 1, c->end, pen, "STATE");
	right(g, c->uptime, c->cpu - 2, 1, pen, "UP");
	right(g, c->cpu, c->memory - 1, 1, pen, "CPU");
	right(g, c->memory, c->restarts - 1, 1, pen, "MEMORY");
	right(g, c->restarts, c->marks - 1, 1, pen, "RST");
	if (d->any_marks)
		grid_text(g, c->marks, 1, c->end, pen, "STAGES");
	if (c->rest > c->sparks) {
		grid_text(g, c->sparks, 1, c->end, pen, "CPU");
		grid_text(g, c->sparks + SPARK + 1, 1, c->end, pen, "MEMORY");
	}
	grid_text(g, c->rest, 1, c->end, pen, "PORTS");
}

static void draw_numbers(
	const struct dash_unit *u, struct grid *g, const struct columns *c, int y, struct pen pen)
{
	char text[16];
	int cpu;
	int64_t memory;
	uptime(text, u->uptime_s);
	right(g, c->uptime, c->cpu - 2, y, pen, text);
	if (last_sample(u, &cpu, &memory)) {
		snprintf(text, sizeof(text), "%d.%d%%", cpu / 10, cpu % 10);
		right(g, c->cpu, c->memory - 1, y, pen, text);
		bytes(text, memory);
		right(g, c->memory, c->restarts - 1, y, pen, text);
	}
	snprintf(text, sizeof(text), "%u", u->restarts);
	if (u->restarts)
		right(g, c->restarts, c->marks - 1, y, pen, text);
}

static void draw_unit(const struct dashboard *d, const struct dash_unit *u, struct grid *g,
	const struct columns *c, int y, bool selected)
{
	struct pen pen = { INK_DEFAULT, INK_DEFAULT, selected ? PEN_REVERSE : 0 };
	struct pen state = dashboard_ink(d, colour_of(u->word), pen.flags);
	grid_fill(g, 0, y, g->width, pen);
	grid_text(g, 0, y, 1, pen, selected ? ">" : " ");
	grid_text(g, c->name, y, c->state - 1, pen, u->name);
	grid_text(g, c->state, y, c->uptime - 1, state, u->word);
	draw_numbers(u, g, c, y, pen);
	if (d->any_marks)
		grid_text(g, c->marks, y, c->sparks - 1, pen, u->marks);
	if (c->rest > c->sparks && u->uptime_s >= 0) {
		spark(d, g, c->sparks, y, SPARK, u->history, MEASURE_CPU);
		spark(d, g, c->sparks + SPARK + 1, y, SPARK, u->history, MEASURE_MEMORY);
	}
	int x = grid_text(g, c->rest, y, c->end, pen, u->note);
	grid_text(g, u->note[0] ? x + 1 : x, y, c->end, pen, u->ports);
}

static void keep_selected_in_sight(struct dashboard *d, const struct dash_layout *l)
{
	size_t at = dashboard_index(d), rows = (size_t)l->list_rows;
	if (at < d->list_top)
		d->list_top = at;
	if (at >= d->list_top + rows)
		d->list_top = at - rows + 1;
	if (d->list_top + rows > d->units.count)
		d->list_top = d->units.count > rows ? d->units.count - rows : 0;
}

static void draw_units(struct dashboard *d, struct grid *g, const struct dash_layout *l)
{
	struct columns c = columns_of(d);
	keep_selected_in_sight(d, l);
	draw_head(d, g, &c);
	if (!d->units.count)
		grid_text(g, c.name, l->list_y, c.end, PEN_PLAIN, "no services in this project");
	for (int i = 0; i < l->list_rows && d->list_top + (size_t)i < d->units.count; i++) {
		const struct dash_unit *u = &d->units.items[d->list_top + (size_t)i];
		draw_unit(d, u, g, &c, l->list_y + i, u == dashboard_selected(d));
	}
}

/* Of what routes lead to, from the first request on. */
static int draw_requests(
	const struct dashboard *d, struct grid *g, int x, int y, const struct dash_history *h)
{
	char text[32];
	bool any = false;
	for (size_t i = 0; i < h->request_count; i++)
		any = any || h->requests[i];
	if (!any)
		return x;
	x = grid_text(g, x + 2, y, g->width, PEN_PLAIN, "requests ");
	spark(d, g, x, y, SPARK, h, MEASURE_REQUESTS);
	snprintf(text, sizeof(text), " %d/s",
		h->requests[(h->request_at + DASH_SAMPLES - 1) % DASH_SAMPLES]);
	return grid_text(g, x + SPARK, y, g->width, PEN_PLAIN, text);
}

/* The selected one at length, with sparklines at any width. */
static void draw_info(const struct dashboard *d, struct grid *g, int y)
{
	const struct dash_unit *u = dashboard_selected(d);
	char text[16];
	int cpu, x;
	int64_t memory;
	if (!u)
		return;
	x = grid_text(g, 2, y, g->width, PEN_PLAIN, u->name);
	if (last_sample(u, &cpu, &memory)) {
		x = grid_text(g, x + 2, y, g->width, PEN_PLAIN, "cpu ");
		spark(d, g, x, y, SPARK, u->history, MEASURE_CPU);
		snprintf(text, sizeof(text), " %d.%d%%", cpu / 10, cpu % 10);
		x = grid_text(g, x + SPARK, y, g->width, PEN_PLAIN, text);
		x = grid_text(g, x + 2, y, g->width, PEN_PLAIN, "memory ");
		spark(d, g, x, y, SPARK, u->history, MEASURE_MEMORY);
		bytes(text, memory);
		x = grid_text(g, x + SPARK + 1, y, g->width, PEN_PLAIN, text);
	}
	x = draw_requests(d, g, x, y, u->history);
	if (u->note[0])
		x = grid_text(g, x + 2, y, g->width, dashboard_ink(d, YELLOW, 0), u->note);
	if (u->url)
		grid_text(g, x + 2, y, g->width, dashboard_ink(d, CYAN, PEN_UNDERLINE), u->url);
}

/* ---- the pane ---- */

static void pane_words(const struct dashboard *d, struct buf *out)
{
	const struct dash_pane *p = &d->panes[d->pane];
	if (d->pane == DASH_LOGS)
		buf_addf(out, " %s", d->selected ? d->selected : "");
	if (d->pane == DASH_LOGS && d->sampled_until)
		buf_adds(out, "  a sample");
	if (d->pane == DASH_OUTPUT && d->running)
		buf_adds(out, " running");
	if (p->filter_text.len)
		buf_addf(out, "  filter: %s", buf_str(&p->filter_text));
	if (p->search_text.len)
		buf_addf(out, "  search: %s", buf_str(&p->search_text));
	if (!p->wrap && p->shift)
		buf_addf(out, "  column %d", p->shift + 1);
	if (p->tails && !p->follow)
		buf_addf(out, "  paused +%llu", (unsigned long long)pane_newer(p));
	if (out->len)
		buf_addc(out, ' ');
}

static void draw_tabs(const struct dashboard *d, struct grid *g, int y)
{
	cleanup_buf struct buf words = BUF_INIT;
	int x = 0, end = 0;
	for (; x < g->width; x++)
		grid_text(g, x, y, g->width, dashboard_ink(d, CYAN, 0), d->unicode ? "─" : "-");
	for (int k = 0; k < DASH_PANES; k++) {
		char text[24];
		bool here = k == (int)d->pane;
		if (k == DASH_HELP && !here)
			continue;
		dashboard_tab((enum dash_pane_kind)k, &x, &end);
		snprintf(text, sizeof(text), here ? "[%s]" : " %s ", tab_names[k]);
		end = grid_text(g, x, y, g->width,
			(struct pen){ INK_DEFAULT, INK_DEFAULT, here ? PEN_BOLD : 0 }, text);
	}
	pane_words(d, &words);
	int from = g->width - 1 - (int)text_width(buf_str(&words));
	grid_text(g, from > end + 1 ? from : end + 1, y, g->width - 1, PEN_PLAIN, buf_str(&words));
}

static const char *empty_words(const struct dashboard *d)
{
	const struct dash_pane *p = &d->panes[d->pane];
	if (p->count)
		return p->filter_text.len ? NULL : "";
	static const char *const words[] = {
		[DASH_LOGS] = "nothing was written yet",
		[DASH_STAGES] = "no module is watched: `develop:` says what its stages are",
		[DASH_GRAPH] = "no services",
		[DASH_OUTPUT] = "no command was run yet: r restarts, : shows them all",
		[DASH_HELP] = "",
	};
	return words[d->pane];
}

static void draw_pane(const struct dashboard *d, struct grid *g, const struct dash_layout *l)
{
	const char *empty = empty_words(d);
	pane_draw(&d->panes[d->pane], g, l->pane_y, l->pane_rows);
	if (empty && empty[0])
		grid_text(g, 2, l->pane_y, g->width,
			(struct pen){ INK_DEFAULT, INK_DEFAULT, PEN_DIM }, empty);
}

/* ---- the last line ---- */

static void question(const struct dashboard *d, struct buf *out)
{
	const struct dash_action *a = d->confirm;
	if (d->prompt == PROMPT_CONFIRM)
		buf_addf(out, "%s %s? y/n", a->name,
			a->verb == VERB_RUN_ALL ? "everything"
			: d->selected           ? d->selected
						: "");
	else if (d->prompt == PROMPT_SEARCH || d->prompt == PROMPT_FILTER)
		buf_addf(out, "%s%s",
			d->prompt == PROMPT_SEARCH ? "/" : "filter: ", buf_str(&d->typed));
	else if (d->message[0])
		buf_adds(out, d->message);
	else
		buf_adds(out, "? help  : commands  / search  f filter  space pause  r restart  "
			      "s stop  q quit");
}

static void draw_footer(const struct dashboard *d, struct grid *g, int y)
{
	cleanup_buf struct buf b = BUF_INIT;
	bool plain = d->prompt == PROMPT_NONE && !d->message[0];
	question(d, &b);
	grid_text(g, 1, y, g->width,
		(struct pen){ INK_DEFAULT, INK_DEFAULT, plain ? PEN_DIM : PEN_BOLD }, buf_str(&b));
}

static void refuse(const struct dashboard *d, struct grid *g)
{
	char text[80];
	snprintf(text, sizeof(text), "too small: %dx%d, not %dx%d", DASH_LEAST_WIDTH,
		DASH_LEAST_HEIGHT, d->width, d->height);
	grid_text(g, 0, 0, g->width, PEN_PLAIN, text);
	if (g->height > 1)
		grid_text(g, 0, 1, g->width, PEN_PLAIN, "q quits");
}

void dashboard_draw(struct dashboard *d, struct grid *g)
{
	struct dash_layout l;
	if (g->width != d->width || g->height != d->height)
		grid_size(g, d->width, d->height);
	grid_clear(g);
	d->dirty = false;
	dashboard_layout(d, &l);
	if (l.too_small) {
		refuse(d, g);
		return;
	}
	draw_title(d, g);
	draw_units(d, g, &l);
	if (l.info_y >= 0)
		draw_info(d, g, l.info_y);
	draw_tabs(d, g, l.tabs_y);
	draw_pane(d, g, &l);
	draw_footer(d, g, l.footer_y);
	if (d->prompt == PROMPT_PALETTE)
		palette_draw(d, g);
}

bool dashboard_cursor(const struct dashboard *d, int *x, int *y)
{
	struct dash_layout l;
	cleanup_buf struct buf b = BUF_INIT;
	dashboard_layout(d, &l);
	if (d->prompt == PROMPT_NONE || l.too_small)
		return false;
	question(d, &b);
	*x = 1 + (int)text_width(buf_str(&b));
	*y = l.footer_y;
	if (d->prompt == PROMPT_PALETTE)
		palette_cursor(d, x, y);
	return true;
}
