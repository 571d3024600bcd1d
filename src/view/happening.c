/*
 * What happened, as a line or as JSON. Comes in: happenings, their text of any origin. Goes out: a
 * line with time, kind, what it is about, the state in a word, and more; or one object.
 */
#include <string.h>
#include <time.h>

#include "view/view.h"

enum { KIND_WIDTH = 7, ABOUT_WIDTH = 16, STATE_WIDTH = 10 };

static void put_time(struct buf *out, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[32] = "";
	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	buf_addf(out, "%s.%03d  ", text, (int)(ms % 1000));
}

static void put_column(struct buf *out, const char *text, size_t width)
{
	size_t from = out->len;
	view_clean(out, text);
	size_t used = text_width(buf_str(out) + from);
	buf_pad(out, ' ', used < width ? width - used + 1 : 1);
}

static void put_about(struct buf *out, const struct happening *h)
{
	struct arena a = ARENA_INIT;
	const char *text = h->name ? h->name : h->service ? h->service : "";
	if (h->kind == HAPPENED_UNIT && h->number != 1)
		text = h->number ? arena_printf(&a, "%s.%d", text, h->number)
				 : arena_printf(&a, "%s run", text);
	else if (h->kind == HAPPENED_STAGE)
		text = arena_printf(&a, "%s %s", h->service ? h->service : "", text);
	put_column(out, text, ABOUT_WIDTH);
	arena_release(&a);
}

static const char *colour_of(const char *state)
{
	static const struct {
		const char *state, *sgr;
	} table[] = {
		{ "running", "36" },
		{ "started", "36" },
		{ "healthy", "32" },
		{ "ready", "32" },
		{ "done", "32" },
		{ "passed", "32" },
		{ "back", "32" },
		{ "warned", "33" },
		{ "restarting", "33" },
		{ "starting", "33" },
		{ "unhealthy", "31" },
		{ "exited", "31" },
		{ "failed", "31" },
		{ "given up", "31" },
		{ "lost", "31" },
	};
	for (size_t i = 0; i < countof(table); i++)
		if (streq(table[i].state, state))
			return table[i].sgr;
	return "0";
}

static void put_more(struct buf *out, const struct happening *h)
{
	char took[16] = "";
	bool failed = h->kind == HAPPENED_UNIT ? streq(h->state, "exited") : h->status > 0;
	if (h->status >= 0 && failed)
		buf_addf(out, "status %lld  ", (long long)h->status);
	if (h->kind == HAPPENED_UNIT && h->pid)
		buf_addf(out, "pid %lld  ", (long long)h->pid);
	if (h->steps)
		buf_addf(out, "%lld step%s  ", (long long)h->steps, h->steps == 1 ? "" : "s");
	if (h->duration_ms >= 0) {
		format_duration(took, h->duration_ms);
		buf_addf(out, "%s  ", took);
	}
	if (h->cause) {
		view_clean(out, h->cause);
		buf_adds(out, "  ");
	}
	if (h->text) /* the first line: the rest is in the JSON */
		text_clean(out, h->text, strcspn(h->text, "\n"), false);
}

void view_happening(struct buf *out, const struct happening *h, struct style st)
{
	put_time(out, h->time_ms);
	put_column(out, happening_kind_name(h->kind), KIND_WIDTH);
	put_about(out, h);
	view_colour(out, st, colour_of(h->state));
	put_column(out, h->state ? h->state : "", STATE_WIDTH);
	view_colour(out, st, "0");
	put_more(out, h);
	while (buf_ends_with(out, " "))
		buf_truncate(out, out->len - 1);
	buf_addc(out, '\n');
}

static const char *cleaned(struct arena *a, const char *text)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (!text)
		return NULL;
	view_clean(&b, text);
	return arena_strndup(a, buf_str(&b), b.len);
}

struct node *view_happening_json(struct arena *a, const struct happening *h)
{
	struct happening safe = *h;
	safe.text = cleaned(a, h->text);
	safe.cause = cleaned(a, h->cause);
	return happening_to_node(a, &safe, view_time(a, h->time_ms));
}
