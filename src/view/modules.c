/*
 * Modules: what the develop loop came to. Comes in: states of stages. Goes out: lines in which
 * each stage has a mark and, unless it passed, a word; JSON. Colour is never the only sign.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "view/view.h"

static const struct mark {
	const char *sign, *ascii, *sgr;
	const char *word; /* beside the stage's name; NULL: the mark says it all */
} marks[] = {
	[STAGE_ABSENT] = { "", "", "0", NULL },
	[STAGE_OFF] = { "○", "o", "2", "off" },
	[STAGE_IDLE] = { "·", ".", "2", "not run" },
	[STAGE_WAITING] = { "·", ".", "2", "waits" },
	[STAGE_RUNNING] = { "…", "~", "36", "running" },
	[STAGE_PASSED] = { "✔", "+", "32", NULL },
	[STAGE_WARNED] = { "!", "!", "33", "warned" },
	[STAGE_FAILED] = { "✘", "x", "31", "FAILED" },
	[STAGE_SKIPPED] = { "-", "-", "33", "skipped" },
	[STAGE_CANCELLED] = { "-", "-", "2", "cancelled" },
};

static void mark(struct buf *out, enum stage_state s, struct style st)
{
	view_colour(out, st, marks[s].sgr);
	buf_adds(out, st.unicode ? marks[s].sign : marks[s].ascii);
	view_colour(out, st, "0");
}

/* "restart" says more than "on_success". */
static const char *label(const struct stage_result *r, enum stage_kind k)
{
	bool word = k == STAGE_SUCCESS && r->command && r->command[0] && strlen(r->command) <= 12 &&
		    !strpbrk(r->command, " \t\n");
	return word ? r->command : stage_name(k);
}

static bool took_time(enum stage_state s)
{
	return s == STAGE_RUNNING || s == STAGE_PASSED || s == STAGE_WARNED || s == STAGE_FAILED;
}

static void stage_words(
	struct buf *out, const struct stage_result *r, enum stage_kind k, struct style st)
{
	char time[16];
	mark(out, r->state, st);
	buf_addc(out, ' ');
	view_clean(out, label(r, k));
	if (marks[r->state].word)
		buf_addf(out, " %s", marks[r->state].word);
	if (r->state == STAGE_FAILED && r->status > 128)
		buf_addf(out, " (signal %d)", r->status - 128);
	else if (r->state == STAGE_FAILED && r->status > 0)
		buf_addf(out, " (status %d)", r->status);
	if (took_time(r->state) && r->duration_ms > 0) {
		format_duration(time, r->duration_ms);
		buf_addf(out, " %s", time);
	}
}

static void stages(struct buf *out, const struct module_state *m, struct style st)
{
	bool any = false;
	for (int k = 0; k < STAGES; k++) {
		if (m->stages[k].state == STAGE_ABSENT)
			continue;
		buf_adds(out, any ? "  " : "");
		stage_words(out, &m->stages[k], (enum stage_kind)k, st);
		any = true;
	}
	if (!any)
		buf_adds(out, "no stages");
}

static void cause(struct buf *out, const struct module_state *m)
{
	if (!m->cause)
		return;
	view_clean(out, m->cause);
	if (m->more)
		buf_addf(out, " (+%u more)", m->more);
}

static void reason(struct buf *out, const struct module_state *m)
{
	if (!m->suspended && !m->why)
		return;
	buf_addf(
		out, "  %s%s", m->suspended ? "suspended" : "", m->suspended && m->why ? ": " : "");
	view_clean(out, m->why ? m->why : "");
}

void view_module_line(struct buf *out, const struct module_state *m, struct style st)
{
	char time[16];
	stages(out, m, st);
	if (m->cause) {
		buf_adds(out, "  ");
		cause(out, m);
	}
	if (!m->running && m->took_ms > 0) {
		format_duration(time, m->took_ms);
		buf_addf(out, "  %s", time);
	}
	reason(out, m);
}

static void name_column(struct buf *out, const char *name, size_t width)
{
	size_t start = out->len;
	view_clean(out, name);
	size_t used = text_width(out->data + start);
	buf_pad(out, ' ', used < width ? width - used : 0);
}

/* "12 s ago": when the last run began. */
static void age(struct buf *out, const struct module_state *m, int64_t now)
{
	char time[16];
	if (!m->began_ms || m->running || now < m->began_ms)
		return;
	int64_t past = now - m->began_ms;
	format_duration(time, past);
	if (past < 60000)
		snprintf(time, sizeof(time), "%d s", (int)(past / 1000));
	buf_addf(out, "  %s ago", past < 1000 ? "a moment" : time);
}

void view_modules(struct buf *out, const struct module_states *m, int64_t now_ms, struct style st)
{
	size_t width = 0;
	for (size_t i = 0; i < m->count; i++) {
		cleanup_buf struct buf name = BUF_INIT;
		view_clean(&name, m->items[i].service);
		size_t w = text_width(buf_str(&name));
		width = w > width ? w : width;
	}
	for (size_t i = 0; i < m->count; i++) {
		name_column(out, m->items[i].service, width);
		buf_adds(out, "  ");
		view_module_line(out, &m->items[i], st);
		age(out, &m->items[i], now_ms);
		buf_addc(out, '\n');
	}
}

void view_module_marks(struct buf *out, const struct module_state *m, struct style st)
{
	view_clean(out, m->service);
	buf_addc(out, ' ');
	for (int k = 0; k < STAGES; k++)
		if (m->stages[k].state != STAGE_ABSENT)
			mark(out, m->stages[k].state, st);
	if (m->suspended)
		buf_adds(out, " suspended");
}

static struct node *stage_json(struct arena *a, const struct stage_result *r, enum stage_kind k)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no);
	map_put(a, n, "stage", no, node_str(a, stage_name(k), no));
	map_put(a, n, "state", no, node_str(a, stage_state_name(r->state), no));
	map_put(a, n, "status", no, node_int(a, r->status, no));
	map_put(a, n, "duration_ms", no, node_int(a, r->duration_ms, no));
	if (r->command)
		map_put(a, n, "command", no, node_str(a, r->command, no));
	if (r->output) {
		cleanup_buf struct buf clean = BUF_INIT;
		text_clean(&clean, r->output, strlen(r->output), false);
		map_put(a, n, "output", no, node_strn(a, buf_str(&clean), clean.len, no));
	}
	return n;
}

struct node *view_module_json(struct arena *a, const struct module_state *m)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no), *list = node_list(a, no);
	map_put(a, n, "service", no, node_str(a, m->service, no));
	map_put(a, n, "running", no, node_bool(a, m->running, no));
	map_put(a, n, "suspended", no, node_bool(a, m->suspended, no));
	map_put(a, n, "runs", no, node_int(a, m->runs, no));
	map_put(a, n, "cause", no, m->cause ? node_str(a, m->cause, no) : node_null(a, no));
	map_put(a, n, "more", no, node_int(a, m->more, no));
	map_put(a, n, "began_ms", no, node_int(a, m->began_ms, no));
	map_put(a, n, "took_ms", no, node_int(a, m->took_ms, no));
	if (m->why)
		map_put(a, n, "why", no, node_str(a, m->why, no));
	for (int k = 0; k < STAGES; k++)
		if (m->stages[k].state != STAGE_ABSENT)
			list_add(a, list, stage_json(a, &m->stages[k], (enum stage_kind)k));
	map_put(a, n, "stages", no, list);
	return n;
}

struct node *view_modules_json(struct arena *a, const struct module_states *m)
{
	struct node *list = node_list(a, (struct place){ 0 });
	for (size_t i = 0; i < m->count; i++)
		list_add(a, list, view_module_json(a, &m->items[i]));
	return list;
}
