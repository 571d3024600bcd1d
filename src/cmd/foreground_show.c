/*
 * What the foreground shows. Comes in: lines of logs and results. Goes out: on a terminal lines
 * above one pinned line, at most some thirty drawings a second; elsewhere the lines alone. A
 * terminal that is slow loses lines and is told how many: nobody waits for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foreground_parts.h"

enum { DRAW_MS = 30, LINES_MAX = TTY_PENDING_MAX / 2, CLOSE_MS = 1000 };

static void draw(struct foreground *f);

/* ---- the pinned line ---- */

static void add_part(struct buf *out, const char *text)
{
	buf_adds(out, out->len ? "  " : "");
	buf_adds(out, text);
}

static void add_prompt(const struct foreground *f, struct buf *out)
{
	buf_adds(out, f->keys.asking == INTENT_FILTER ? "/" : "restart which? ");
	if (f->keys.asking == INTENT_RESTART) {
		buf_addc(out, '(');
		for (size_t i = 0; i < f->names.count; i++) {
			buf_addf(out, "%s%zu ", i ? "  " : "", i + 1);
			view_clean(out, f->names.items[i]);
		}
		buf_adds(out, ") ");
	}
	text_clean(out, buf_str(&f->keys.line), f->keys.line.len, false);
}

static void add_modules(const struct foreground *f, struct buf *out)
{
	struct arena a = ARENA_INIT;
	struct module_states list = { 0 };
	results_modules(&f->results, &a, &list);
	for (size_t i = 0; i < list.count; i++) {
		cleanup_buf struct buf one = BUF_INIT;
		view_module_marks(&one, &list.items[i], f->results.style);
		add_part(out, buf_str(&one));
	}
	arena_release(&a);
}

static void status_line(const struct foreground *f, struct buf *out)
{
	cleanup_buf struct buf switches = BUF_INIT;
	if (f->keys.asking) {
		add_prompt(f, out);
		return;
	}
	if (f->agent) {
		add_modules(f, out);
		results_switches(&f->results, &switches);
		add_part(out, out->len ? "| " : "");
		buf_adds(out, buf_str(&switches));
	} else {
		view_clean(out, f->context->project.name);
	}
	if (f->restart.child) {
		add_part(out, "restarting ");
		view_clean(out, f->restart.service);
	}
	if (f->filtering) {
		add_part(out, "filter /");
		view_clean(out, f->filter_text);
		buf_addc(out, '/');
	}
	add_part(out, "| ? help  q quit");
}

/* ---- drawing ---- */

static size_t count_lines(const struct buf *b)
{
	size_t n = 0;
	const char *end = b->data + b->len;
	for (const char *p = b->data; b->len && p < end && (p = memchr(p, '\n', (size_t)(end - p)));
		p++)
		n++;
	return n;
}

static void tell_dropped(struct foreground *f)
{
	cleanup_buf struct buf all = BUF_INIT;
	if (!f->dropped)
		return;
	results_say(&f->results, &all,
		"%zu lines dropped: the terminal did not keep up (`devenv logs` has them)",
		f->dropped);
	buf_add(&all, buf_str(&f->lines), f->lines.len);
	buf_truncate(&f->lines, 0);
	buf_add(&f->lines, all.data, all.len);
	f->dropped = 0;
}

static void on_draw(void *ctx)
{
	struct foreground *f = ctx;
	loop_hook_free(f->draw_later);
	f->draw_later = NULL;
	draw(f);
}

static void draw_soon(struct foreground *f)
{
	int64_t past = now_ms() - f->drawn_at;
	if (past >= DRAW_MS && !f->draw_later)
		draw(f);
	else if (!f->draw_later)
		f->draw_later = loop_every(
			f->context->loop, past < DRAW_MS ? (int)(DRAW_MS - past) : 1, on_draw, f);
}

static void draw(struct foreground *f)
{
	cleanup_buf struct buf out = BUF_INIT, line = BUF_INIT;
	f->drawn_at = now_ms();
	if (tty_pending(f->tty) > 0) { /* the last drawing is still on its way */
		draw_soon(f);
		return;
	}
	bool pinned = f->pins && tty_active(f->tty);
	tell_dropped(f);
	if (pinned)
		status_line(f, &line);
	if (!f->lines.len && line.len && line.len == f->pinned.len &&
		memcmp(line.data, f->pinned.data, line.len) == 0)
		return;
	buf_truncate(&f->pinned, 0);
	buf_add(&f->pinned, buf_str(&line), line.len);
	footer_draw(&f->footer, &out, &f->lines, pinned ? buf_str(&line) : NULL, tty_width(f->tty),
		f->keys.asking != INTENT_NONE);
	buf_truncate(&f->lines, 0);
	if (out.len)
		tty_write(f->tty, out.data, out.len);
}

void show_footer(struct foreground *f)
{
	if (f->tty)
		draw_soon(f);
}

void show_again(struct foreground *f)
{
	buf_truncate(&f->pinned, 0);
	show_footer(f);
}

void show_lines(struct foreground *f, const struct buf *lines)
{
	if (!lines->len)
		return;
	if (!f->tty) {
		if (!emit(lines) || fflush(stdout))
			foreground_end(f, ENDING_STOP);
		return;
	}
	if (f->lines.len + lines->len > LINES_MAX && f->lines.len)
		f->dropped += count_lines(lines);
	else
		buf_add(&f->lines, lines->data, lines->len);
	draw_soon(f);
}

void show_say(struct foreground *f, const char *fmt, ...)
{
	cleanup_buf struct buf text = BUF_INIT, line = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_addvf(&text, fmt, ap);
	va_end(ap);
	results_say(&f->results, &line, "%s", buf_str(&text));
	show_lines(f, &line);
}

/* ---- the terminal ---- */

static void unpin(struct foreground *f)
{
	cleanup_buf struct buf out = BUF_INIT;
	buf_truncate(&f->pinned, 0);
	tell_dropped(f);
	footer_draw(&f->footer, &out, &f->lines, NULL, tty_width(f->tty), false);
	buf_truncate(&f->lines, 0);
	if (out.len)
		tty_write(f->tty, out.data, out.len);
}

static void on_left(void *ctx)
{
	unpin(ctx);
}

static void on_again(void *ctx)
{
	show_again(ctx);
}

/* A closed terminal takes everything with it, as a signal to hang up does. */
static void on_gone(void *ctx)
{
	foreground_end(ctx, ENDING_STOP);
}

void show_open(struct foreground *f)
{
	static const struct tty_ops ops = { on_key, on_left, on_again, on_gone };
	const char *term = getenv("TERM");
	fflush(stdout);
	fflush(stderr);
	f->pins = term && *term && !streq(term, "dumb");
	if (!f->context->g.json)
		f->tty = tty_open(f->context->loop, &ops, f);
	show_footer(f);
}

void show_close(struct foreground *f)
{
	loop_hook_free(f->draw_later);
	f->draw_later = NULL;
	if (f->tty)
		unpin(f);
	tty_close(f->tty, CLOSE_MS);
	f->tty = NULL;
	buf_release(&f->lines);
	buf_release(&f->pinned);
}
