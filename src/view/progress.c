/*
 * Live progress of a plan: on a terminal one line per running step, redrawn in place, and a line
 * for good when a step ends; elsewhere plain lines; or JSON lines. Comes in: events. Decides
 * nothing.
 */
#include <string.h>

#include "base/map.h"
#include "base/os.h"
#include "doc/json.h"
#include "view/view.h"

enum mode { MODE_TTY, MODE_PLAIN, MODE_JSON, MODE_QUIET };
enum { LIVE_MAX = 12, REDRAW_MS = 80 };

struct live { /* a running step and what it last said */
	const struct step *step;
	char text[160];
	double fraction;
	int64_t since;
};

struct progress {
	const struct plan *plan;
	struct map begun; /* unit -> when its start began, for those whose readiness is awaited */
	FILE *file;
	enum mode mode;
	struct style style;
	struct live live[LIVE_MAX];
	size_t live_count;
	size_t drawn; /* lines on the screen that will be overwritten */
	int64_t drawn_at;
};

static enum mode mode_of(const char *name, struct style st)
{
	if (name && streq(name, "tty"))
		return MODE_TTY;
	if (name && streq(name, "plain"))
		return MODE_PLAIN;
	if (name && streq(name, "json"))
		return MODE_JSON;
	if (name && streq(name, "quiet"))
		return MODE_QUIET;
	return st.width && st.colour ? MODE_TTY : MODE_PLAIN;
}

struct progress *progress_new(FILE *f, const char *mode, struct style st, const struct plan *p)
{
	struct progress *pr = xcalloc(1, sizeof(*pr));
	pr->plan = p;
	pr->file = f;
	pr->style = st;
	pr->mode = mode_of(mode, st);
	return pr;
}

static struct live *live_of(struct progress *pr, const struct step *s)
{
	for (size_t i = 0; i < pr->live_count; i++)
		if (pr->live[i].step == s)
			return &pr->live[i];
	return NULL;
}

static void live_start(struct progress *pr, const struct step *s)
{
	if (pr->live_count < LIVE_MAX && !live_of(pr, s))
		pr->live[pr->live_count++] =
			(struct live){ .step = s, .fraction = -1, .since = now_ms() };
}

/* Starting and getting ready are two steps and one line: that of the unit, from start to ready. */
static bool is_half(const struct progress *pr, const struct step *s)
{
	return s && s->kind == STEP_START && s->unit && plan_find(pr->plan, STEP_READY, s->unit);
}

static bool ends_unit(const struct progress *pr, const struct progress_event *ev)
{
	return ev->step && ev->step->kind == STEP_READY && ev->step->unit &&
	       streq(ev->phase, "done") && map_has(&pr->begun, ev->step->unit);
}

static void note_begin(struct progress *pr, const struct progress_event *ev)
{
	if (streq(ev->phase, "start") && is_half(pr, ev->step))
		map_set(&pr->begun, ev->step->unit, (void *)(intptr_t)now_ms());
}

static void live_end(struct progress *pr, const struct step *s)
{
	struct live *l = live_of(pr, s);
	if (l)
		memmove(l, l + 1, (size_t)(pr->live + --pr->live_count - l) * sizeof(*l));
}

/* Room for a name: short ones align, long ones push the rest. */
static void name_column(struct buf *out, const char *name)
{
	cleanup_buf struct buf id = BUF_INIT;
	view_clean(&id, name);
	buf_addf(out, "%-22s ", buf_str(&id));
}

static void bar(struct buf *out, struct style st, double fraction)
{
	enum { WIDTH = 16 };
	int full = (int)(fraction * WIDTH + 0.5);
	buf_adds(out, "[");
	for (int i = 0; i < WIDTH; i++)
		buf_adds(out, i < full ? st.unicode ? "█" : "#" : st.unicode ? "░" : "-");
	buf_adds(out, "] ");
}

static void live_line(struct buf *out, const struct progress *pr, const struct live *l)
{
	char time[16];
	cleanup_buf struct buf line = BUF_INIT;
	format_duration(time, now_ms() - l->since);
	buf_adds(&line, pr->style.unicode ? "… " : ". ");
	name_column(&line, l->step->id);
	buf_addf(&line, "%8s  ", time);
	if (l->fraction >= 0)
		bar(&line, pr->style, l->fraction);
	view_clean(&line, l->text);
	size_t width = pr->style.width ? (size_t)pr->style.width : 80;
	while (text_width(line.data) >= width && line.len) { /* cut to one row, at a character */
		do
			buf_truncate(&line, line.len - 1);
		while (line.len && ((unsigned char)line.data[line.len] & 0xc0) == 0x80);
	}
	buf_addf(out, "\r\033[K%s\n", buf_str(&line));
}

static void erase(struct progress *pr, struct buf *out)
{
	if (pr->drawn)
		buf_addf(out, "\033[%zuA\r\033[J", pr->drawn);
	pr->drawn = 0;
}

static void flush(struct progress *pr, struct buf *out)
{
	fwrite(buf_str(out), 1, out->len, pr->file);
	fflush(pr->file);
}

static void redraw(struct progress *pr, struct buf *out)
{
	erase(pr, out);
	for (size_t i = 0; i < pr->live_count; i++)
		live_line(out, pr, &pr->live[i]);
	pr->drawn = pr->live_count;
	pr->drawn_at = now_ms();
}

static const struct {
	const char *phase, *word, *sign, *ascii, *sgr;
} endings[] = {
	{ "done", "done", "✔", "+", "32" },
	{ "failed", "FAILED", "✘", "x", "31" },
	{ "skipped", "skipped", "-", "-", "33" },
	{ "note", "", "•", "*", "36" },
};

static const char *unit_word(const struct step *s)
{
	return s->service && s->service->kind == KIND_JOB ? "done" : "ready";
}

/* A line for good: sign, step, word, time, text. */
static bool ending_line(struct buf *out, const struct progress *pr, const struct progress_event *ev)
{
	if (streq(ev->phase, "done") && is_half(pr, ev->step))
		return true;
	for (size_t i = 0; i < countof(endings); i++) {
		if (!streq(endings[i].phase, ev->phase))
			continue;
		char time[16] = "";
		bool unit = ends_unit(pr, ev);
		int64_t elapsed = unit ? now_ms() - (intptr_t)map_get(&pr->begun, ev->step->unit)
				       : ev->elapsed_ms;
		if (elapsed >= 0 && !streq(ev->phase, "skipped") && !streq(ev->phase, "note"))
			format_duration(time, elapsed);
		view_colour(out, pr->style, endings[i].sgr);
		buf_addf(out, "%s ", pr->style.unicode ? endings[i].sign : endings[i].ascii);
		view_colour(out, pr->style, "0");
		name_column(out, unit ? ev->step->unit : ev->step ? ev->step->id : "devenv");
		buf_addf(out, "%-8s %8s  ", unit ? unit_word(ev->step) : endings[i].word, time);
		if (ev->text)
			view_clean(out, ev->text);
		while (buf_ends_with(out, " "))
			buf_truncate(out, out->len - 1);
		buf_addc(out, '\n');
		return true;
	}
	return false;
}

static void json_line(struct progress *pr, const struct progress_event *ev)
{
	cleanup_buf struct buf b = BUF_INIT;
	buf_addf(&b, "{\"version\":1,\"event\":\"%s\"", ev->phase);
	if (ev->step) {
		buf_adds(&b, ",\"step\":");
		json_string(&b, ev->step->id, strlen(ev->step->id));
	}
	if (ev->text) {
		buf_adds(&b, ",\"text\":");
		json_string(&b, ev->text, strlen(ev->text));
	}
	if (ev->fraction >= 0)
		buf_addf(&b, ",\"fraction\":%.3f", ev->fraction);
	buf_addf(&b, ",\"elapsed_ms\":%lld}\n", (long long)ev->elapsed_ms);
	flush(pr, &b);
}

/* Who is awaited is said after a second, and every ten. */
static bool speaks_now(const struct progress_event *ev)
{
	int64_t second = ev->elapsed_ms / 1000;
	bool waits = ev->step && (ev->step->kind == STEP_STOP || ev->step->kind == STEP_READY);
	return waits && ev->text && streq(ev->phase, "progress") &&
	       (second == 1 || (second && second % 10 == 0));
}

static void plain_event(struct progress *pr, const struct progress_event *ev)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (streq(ev->phase, "start") && ev->step) {
		name_column(&b, ev->step->id);
		buf_adds(&b, "started  ");
		view_clean(&b, ev->step->why ? ev->step->why : "");
		buf_addc(&b, '\n');
		bool patience = ev->step->kind == STEP_EXEC && ev->step->unit &&
				ev->step->timeout_ms > 60000;
		if (ev->step->kind != STEP_BUILD && !patience)
			buf_truncate(&b, 0); /* short steps say only how they ended */
	} else if (!ending_line(&b, pr, ev) && speaks_now(ev)) {
		name_column(&b, ev->step->id);
		view_clean(&b, ev->text);
		buf_addc(&b, '\n');
	}
	if (b.len)
		flush(pr, &b);
}

static void tty_event(struct progress *pr, const struct progress_event *ev)
{
	cleanup_buf struct buf b = BUF_INIT, line = BUF_INIT;
	struct live *l = ev->step ? live_of(pr, ev->step) : NULL;
	bool ended = ending_line(&line, pr, ev);
	if (streq(ev->phase, "start") && ev->step)
		live_start(pr, ev->step);
	else if (ended && !streq(ev->phase, "note"))
		live_end(pr, ev->step);
	else if (l && ev->text) {
		snprintf(l->text, sizeof(l->text), "%s", ev->text);
		l->fraction = streq(ev->phase, "progress") ? ev->fraction : l->fraction;
	}
	if (!ended && now_ms() - pr->drawn_at < REDRAW_MS)
		return;
	erase(pr, &b);
	buf_add(&b, buf_str(&line), line.len);
	redraw(pr, &b);
	flush(pr, &b);
}

void progress_event(struct progress *pr, const struct progress_event *ev)
{
	note_begin(pr, ev);
	switch (pr->mode) {
	case MODE_TTY:
		tty_event(pr, ev);
		break;
	case MODE_PLAIN:
		plain_event(pr, ev);
		break;
	case MODE_JSON:
		json_line(pr, ev);
		break;
	case MODE_QUIET:
		break;
	}
}

void progress_end(struct progress *pr)
{
	cleanup_buf struct buf b = BUF_INIT;
	erase(pr, &b);
	flush(pr, &b);
	map_release(&pr->begun);
	xfree(pr);
}
