/*
 * The live part of progress: one row per running step below what is said for good. Comes in: steps
 * and what they last said. Goes out: frames, each one write, none when nothing is another. The
 * cursor is hidden only inside a frame, so that no way out leaves it hidden.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/os.h"
#include "base/text.h"
#include "progress_parts.h"
#include "view/footer.h"

enum { BAR = 16, NARROW = 60, ROWS = 24, COLUMNS = 80 };

struct size {
	size_t rows, columns;
};

static struct size size_of(const struct progress *pr)
{
	struct winsize w = { 0 };
	struct size s = { ROWS, pr->style.width > 0 ? (size_t)pr->style.width : COLUMNS };
	int fd = fileno(pr->file);
	if (fd >= 0 && isatty(fd) && ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col)
		s = (struct size){ w.ws_row ? w.ws_row : ROWS, w.ws_col };
	return s;
}

static const char *word_of(const struct step *s)
{
	static const struct {
		enum step_kind kind;
		const char *word;
	} words[] = { { STEP_START, "starting" }, { STEP_READY, "waiting" },
		{ STEP_STOP, "stopping" }, { STEP_REMOVE, "removing" } };
	for (size_t i = 0; i < countof(words); i++)
		if (words[i].kind == s->kind)
			return words[i].word;
	return "running";
}

static void bar(struct buf *out, struct style st, double fraction)
{
	double part = fraction > 1 ? 1 : fraction;
	int full = (int)(part * BAR + 0.5);
	buf_addc(out, '[');
	for (int i = 0; i < BAR; i++)
		buf_adds(out, i < full ? st.unicode ? "█" : "#" : st.unicode ? "░" : "-");
	buf_adds(out, "] ");
}

/* Tenths of seconds would make every frame another. */
static void time_text(char out[static 16], int64_t ms)
{
	format_duration(out, ms);
	if (ms < 1000)
		out[0] = '\0';
	else if (ms < 60000)
		snprintf(out, 16, "%d s", (int)(ms / 1000));
}

static void row(struct buf *out, const struct progress *pr, const struct live *l, size_t columns)
{
	char time[16];
	bool unit = l->step->kind == STEP_START || l->step->kind == STEP_READY;
	time_text(time, now_ms() - l->since);
	buf_adds(out, pr->style.unicode ? "… " : ". ");
	progress_name(out, pr, unit && l->step->unit ? l->step->unit : l->step->id);
	buf_addf(out, "%-8s %8s  ", word_of(l->step), time);
	if (l->fraction >= 0 && columns >= NARROW)
		bar(out, pr->style, l->fraction);
	else if (l->fraction >= 0)
		buf_addf(out, "%d%% ", (int)(l->fraction * 100));
	view_clean(out, l->text);
}

/* Rows that the screen shows of what was drawn: a narrower one has folded them. */
static size_t rows_drawn(const struct progress *pr, size_t columns)
{
	size_t n = 0;
	for (size_t i = 0; i < pr->drawn; i++)
		n += pr->widths[i] > columns ? (pr->widths[i] + columns - 1) / columns : 1;
	return n;
}

static void add_row(struct progress *pr, struct buf *frame, const char *text, size_t columns)
{
	size_t start = frame->len;
	text_cut(frame, text, columns - 1);
	pr->widths[pr->drawn++] = text_width(frame->data ? frame->data + start : "");
	buf_adds(frame, "\033[K\n");
}

static void make_frame(struct progress *pr, struct buf *frame, struct size size)
{
	size_t room = size.rows > 2 ? size.rows - 2 : 1, shown = pr->live_count;
	if (shown > room)
		shown = room - (room > 1);
	pr->drawn = 0;
	for (size_t i = 0; i < shown; i++) {
		cleanup_buf struct buf line = BUF_INIT;
		row(&line, pr, &pr->live[i], size.columns);
		add_row(pr, frame, buf_str(&line), size.columns);
	}
	if (shown < pr->live_count) {
		char more[40];
		snprintf(more, sizeof(more), "  and %zu more", pr->live_count - shown);
		add_row(pr, frame, more, size.columns);
	}
}

static void above(struct buf *out, const struct buf *lines)
{
	const char *p = buf_str(lines), *end = p + lines->len;
	for (const char *nl; p < end && (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
		buf_add(out, p, (size_t)(nl - p));
		buf_adds(out, "\033[K\n");
	}
}

void live_draw(struct progress *pr, const struct buf *lines)
{
	cleanup_buf struct buf out = BUF_INIT, frame = BUF_INIT;
	struct size size = size_of(pr);
	pr->style.width = (int)size.columns; /* it may be another by now */
	size_t up = rows_drawn(pr, size.columns);
	size_t before = pr->drawn;
	if (!pr->paused)
		make_frame(pr, &frame, size);
	else
		pr->drawn = 0;
	bool same = frame.len == pr->frame.len && before == pr->drawn &&
		    (!frame.len || memcmp(frame.data, pr->frame.data, frame.len) == 0);
	pr->drawn_at = now_ms();
	if (same && !(lines && lines->len))
		return;
	buf_adds(&out, "\033[?25l");
	if (up)
		buf_addf(&out, "\033[%zuA\r", up);
	if (lines)
		above(&out, lines);
	buf_add(&out, buf_str(&frame), frame.len);
	buf_adds(&out, "\033[J\033[?25h");
	progress_flush(pr, &out);
	buf_truncate(&pr->frame, 0);
	buf_add(&pr->frame, buf_str(&frame), frame.len);
}

void live_clear(struct progress *pr)
{
	cleanup_buf struct buf out = BUF_INIT;
	size_t up = rows_drawn(pr, size_of(pr).columns);
	if (up)
		buf_addf(&out, "\033[%zuA\r\033[J", up);
	pr->drawn = 0;
	buf_truncate(&pr->frame, 0);
	progress_flush(pr, &out);
}
