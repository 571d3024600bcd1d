/*
 * Progress of a plan: on a terminal one row per running step, drawn in place, and a line for good
 * when a step ends; elsewhere plain lines; or one JSON object per event. Comes in: events. Decides
 * nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "doc/json.h"
#include "progress_parts.h"

enum { FRAME_MS = 100, SPEAK_MS = 1000, NAME_WIDTH = 22, NARROW_NAME = 12, NARROW = 60 };

/* A terminal that can move its cursor; colours are another matter. */
static bool can_draw(FILE *f)
{
	const char *term = getenv("TERM");
	return fileno(f) >= 0 && isatty(fileno(f)) && term && *term && !streq(term, "dumb");
}

static enum progress_mode mode_of(const char *name, FILE *f)
{
	static const char *const names[] = { [MODE_TTY] = "tty",
		[MODE_PLAIN] = "plain",
		[MODE_JSON] = "json",
		[MODE_QUIET] = "quiet" };
	for (size_t i = 0; name && i < countof(names); i++)
		if (streq(name, names[i]))
			return (enum progress_mode)i;
	return can_draw(f) ? MODE_TTY : MODE_PLAIN;
}

struct progress *progress_new(FILE *f, const char *mode, struct style st, const struct plan *p)
{
	struct progress *pr = xcalloc(1, sizeof(*pr));
	pr->plan = p;
	pr->file = f;
	pr->style = st;
	pr->mode = mode_of(mode, f);
	pr->drawn_at = now_ms(); /* what is quick is not drawn at all */
	return pr;
}

void progress_flush(struct progress *pr, const struct buf *out)
{
	if (!out->len)
		return;
	fwrite(out->data, 1, out->len, pr->file);
	fflush(pr->file);
}

struct live *progress_live(struct progress *pr, const struct step *s)
{
	for (size_t i = 0; i < pr->live_count; i++)
		if (pr->live[i].step == s)
			return &pr->live[i];
	return NULL;
}

/* Starting and getting ready are two steps and one line: that of the unit, from start to ready. */
static bool is_half(const struct progress *pr, const struct step *s)
{
	return s && s->kind == STEP_START && s->unit && plan_find(pr->plan, STEP_READY, s->unit);
}

static int64_t begun_at(const struct progress *pr, const struct step *s)
{
	bool known = s->kind == STEP_READY && s->unit && map_has(&pr->begun, s->unit);
	return known ? (int64_t)(intptr_t)map_get(&pr->begun, s->unit) : 0;
}

static bool ends_unit(const struct progress *pr, const struct progress_event *ev)
{
	return ev->step && streq(ev->phase, "done") && begun_at(pr, ev->step);
}

static bool ends_step(const char *phase)
{
	return streq(phase, "done") || streq(phase, "failed") || streq(phase, "skipped");
}

static void live_start(struct progress *pr, const struct step *s)
{
	int64_t begun = begun_at(pr, s), now = now_ms();
	if (pr->live_count < LIVE_MAX && !progress_live(pr, s))
		pr->live[pr->live_count++] = (struct live){
			.step = s, .fraction = -1, .since = begun ? begun : now, .told = now
		};
	pr->paused = pr->paused || s->interactive;
}

static void live_end(struct progress *pr, const struct step *s)
{
	struct live *l = progress_live(pr, s);
	if (!l)
		return;
	pr->paused = pr->paused && !s->interactive;
	memmove(l, l + 1, (size_t)(pr->live + --pr->live_count - l) * sizeof(*l));
}

/* Keeps what runs and what it last said. */
static void note_event(struct progress *pr, const struct progress_event *ev)
{
	struct live *l = ev->step ? progress_live(pr, ev->step) : NULL;
	bool start = ev->step && streq(ev->phase, "start");
	if (start && is_half(pr, ev->step))
		map_set(&pr->begun, ev->step->unit, (void *)(intptr_t)now_ms());
	if (start)
		live_start(pr, ev->step);
	else if (l && ends_step(ev->phase))
		live_end(pr, ev->step);
	else if (l && ev->text && streq(ev->phase, "progress")) {
		snprintf(l->text, sizeof(l->text), "%s", ev->text);
		l->fraction = ev->fraction;
	} else if (l && ev->text && *ev->text && streq(ev->phase, "output") && l->fraction < 0) {
		/* What a step says of itself stands longer than a line of its output. */
		snprintf(l->text, sizeof(l->text), "%s", ev->text);
	}
}

/* ---- lines for good ---- */

void progress_name(struct buf *out, const struct progress *pr, const char *name)
{
	cleanup_buf struct buf id = BUF_INIT;
	bool narrow = pr->style.width && pr->style.width < NARROW;
	size_t want = narrow ? NARROW_NAME : NAME_WIDTH;
	view_clean(&id, name);
	size_t width = text_width(buf_str(&id));
	buf_adds(out, buf_str(&id));
	buf_pad(out, ' ', width < want ? want - width + 1 : 1);
}

static const struct ending {
	const char *phase, *word, *sign, *ascii, *sgr;
	bool timed;
} endings[] = {
	{ "done", "done", "✔", "+", "32", true },
	{ "failed", "FAILED", "✘", "x", "31", true },
	{ "skipped", "skipped", "-", "-", "33", false },
	{ "note", "", "•", "*", "36", false },
};

static const char *unit_word(const struct step *s)
{
	return s->service && s->service->kind == KIND_JOB ? "done" : "ready";
}

/* Sign, step, word, time, text. */
static void ending_line(struct buf *out, const struct progress *pr, const struct ending *end,
	const struct progress_event *ev)
{
	char time[16] = "";
	bool unit = ends_unit(pr, ev);
	int64_t elapsed = unit ? now_ms() - begun_at(pr, ev->step) : ev->elapsed_ms;
	if (end->timed && elapsed >= 0)
		format_duration(time, elapsed);
	view_colour(out, pr->style, end->sgr);
	buf_addf(out, "%s ", pr->style.unicode ? end->sign : end->ascii);
	view_colour(out, pr->style, "0");
	progress_name(out, pr, unit ? ev->step->unit : ev->step ? ev->step->id : "devenv");
	buf_addf(out, "%-8s %8s  ", unit ? unit_word(ev->step) : end->word, time);
	if (ev->text)
		view_clean(out, ev->text);
	while (buf_ends_with(out, " "))
		buf_truncate(out, out->len - 1);
	buf_addc(out, '\n');
}

bool progress_ending(struct buf *out, const struct progress *pr, const struct progress_event *ev)
{
	if (streq(ev->phase, "done") && is_half(pr, ev->step))
		return true;
	for (size_t i = 0; i < countof(endings); i++) {
		if (!streq(endings[i].phase, ev->phase))
			continue;
		ending_line(out, pr, &endings[i], ev);
		return true;
	}
	return false;
}

/* ---- one function a mode ---- */

static void member(struct buf *b, const char *key, const char *value)
{
	if (!value)
		return;
	buf_addf(b, ",\"%s\":", key);
	json_string(b, value, strlen(value));
}

static void json_event(struct progress *pr, const struct progress_event *ev)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct arena a = ARENA_INIT;
	bool start = streq(ev->phase, "start"); /* one word for it wherever it is told */
	buf_addf(&b, "{\"version\":1,\"time\":\"%s\"", view_time(&a, clock_ms()));
	member(&b, "kind", ev->step ? "step" : "note");
	member(&b, "state", start ? "started" : ev->phase);
	if (ev->step) {
		member(&b, "step", ev->step->id);
		member(&b, "action", step_kind_name(ev->step->kind));
		member(&b, "service", ev->step->service ? ev->step->service->name : NULL);
		member(&b, "unit", ev->step->unit);
	}
	member(&b, "text", ev->text);
	if (ev->fraction >= 0)
		buf_addf(&b, ",\"fraction\":%.3f", ev->fraction);
	buf_addf(&b, ",\"duration_ms\":%lld}\n", (long long)ev->elapsed_ms);
	arena_release(&a);
	progress_flush(pr, &b);
}

static bool takes_long(const struct step *s)
{
	return s->kind == STEP_BUILD || (s->kind == STEP_EXEC && s->unit && s->timeout_ms > 60000);
}

/* Who is awaited is said after a second, and every ten. */
static bool awaited_now(const struct progress_event *ev)
{
	int64_t second = ev->elapsed_ms / 1000;
	bool waits = ev->step->kind == STEP_STOP || ev->step->kind == STEP_READY;
	return waits && (second == 1 || (second && second % 10 == 0));
}

/* How far it is: once a second at most, and less often the longer it takes. */
static bool advanced_now(const struct live *l, const struct progress_event *ev)
{
	int64_t pause = ev->elapsed_ms / 10 > SPEAK_MS ? ev->elapsed_ms / 10 : SPEAK_MS;
	return l && ev->fraction >= 0 && !streq(l->said, l->text) && now_ms() - l->told >= pause;
}

static void plain_event(struct progress *pr, const struct progress_event *ev)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct live *l = ev->step ? progress_live(pr, ev->step) : NULL;
	bool progress = ev->step && ev->text && streq(ev->phase, "progress");
	if (streq(ev->phase, "start") && ev->step && takes_long(ev->step)) {
		progress_name(&b, pr, ev->step->id);
		buf_adds(&b, "started  ");
		view_clean(&b, ev->step->why ? ev->step->why : "");
		buf_addc(&b, '\n');
	} else if (!progress_ending(&b, pr, ev) && progress &&
		   (awaited_now(ev) || advanced_now(l, ev))) {
		progress_name(&b, pr, ev->step->id);
		view_clean(&b, ev->text);
		buf_addc(&b, '\n');
		if (l) {
			l->told = now_ms();
			memcpy(l->said, l->text, sizeof(l->said));
		}
	}
	progress_flush(pr, &b);
}

static void tty_event(struct progress *pr, const struct progress_event *ev)
{
	cleanup_buf struct buf line = BUF_INIT;
	progress_ending(&line, pr, ev);
	bool hand_over = ev->step && ev->step->interactive && streq(ev->phase, "start");
	if (line.len || hand_over || now_ms() - pr->drawn_at >= FRAME_MS)
		live_draw(pr, &line);
}

void progress_event(struct progress *pr, const struct progress_event *ev)
{
	static void (*const modes[])(struct progress *, const struct progress_event *) = {
		[MODE_TTY] = tty_event,
		[MODE_PLAIN] = plain_event,
		[MODE_JSON] = json_event,
	};
	if (pr->mode == MODE_QUIET)
		return;
	note_event(pr, ev);
	modes[pr->mode](pr, ev);
}

void progress_tick(struct progress *pr)
{
	if (pr->mode == MODE_TTY && now_ms() - pr->drawn_at >= FRAME_MS)
		live_draw(pr, NULL);
}

void progress_again(struct progress *pr)
{
	pr->drawn = 0; /* what was drawn is somewhere above, behind what others wrote */
	buf_truncate(&pr->frame, 0);
	progress_tick(pr);
}

void progress_end(struct progress *pr)
{
	if (pr->mode == MODE_TTY)
		live_clear(pr);
	buf_release(&pr->frame);
	map_release(&pr->begun);
	xfree(pr);
}
