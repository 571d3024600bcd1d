/*
 * A trace as people read it: the stages, the one to blame with its reason and line, what differs,
 * the lines of the logs. Comes in: a judged trace. Goes out: cleaned text.
 */
#include "view/trace.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { VALUE_SHOWN = 60, LINES_SHOWN = 12 };

static const char *mark_of(enum trace_mark m, struct style st)
{
	static const char *const marks[][2] = {
		[TRACE_GOOD] = { "+", "✔" },
		[TRACE_BAD] = { "x", "✘" },
		[TRACE_UNKNOWN] = { "-", "·" },
	};
	return marks[m][st.unicode];
}

static const char *time_text(struct arena *a, int64_t us)
{
	if (us < 0)
		return "";
	if (us < 10000)
		return arena_printf(a, "%.1f ms", (double)us / 1000);
	char text[16];
	format_duration(text, us / 1000);
	return arena_strdup(a, text);
}

static const char *result_text(struct arena *a, const struct trace_row *row)
{
	const char *says = row->says ? row->says : "";
	if (!row->status)
		return says;
	return arena_printf(a, "%d, %lld bytes%s%s", row->status, (long long)row->bytes,
		*says ? ", " : "", says);
}

const char *view_header_value(const char *name, const char *value)
{
	static const char *const secret[] = { "Authorization", "Proxy-Authorization", "Cookie",
		"Set-Cookie", "X-Api-Key", "X-Auth-Token" };
	for (size_t i = 0; i < countof(secret); i++) {
		if (value && strcasecmp(secret[i], name) == 0)
			return "***";
	}
	return value;
}

static void put_stages(struct buf *out, struct arena *a, const struct trace *t, struct style st)
{
	static const char *const head[] = { "STAGE", "WHERE", "TIME", "RESULT" };
	struct table *table = table_new(a, head, countof(head));
	for (size_t i = 0; i < TRACE_STAGES; i++) {
		const struct trace_row *row = &t->rows[i];
		const char *stage = arena_printf(
			a, "%s %s", mark_of(row->mark, st), trace_stage_name((enum trace_stage)i));
		if (row->where)
			table_row(table, (const char *[]){ stage, row->where, time_text(a, row->us),
						 result_text(a, row) });
	}
	table_write(out, table, st);
}

static void put_cause(struct buf *out, const struct trace *t, struct style st)
{
	buf_addc(out, '\n');
	if (t->cause == CAUSE_NONE) {
		buf_addf(out, "%s no stage is to blame\n", mark_of(TRACE_GOOD, st));
		return;
	}
	view_colour(out, st, "31");
	buf_addf(out, "%s %s: ", mark_of(TRACE_BAD, st), trace_stage_name(t->stage));
	view_colour(out, st, "0");
	view_clean(out, t->text);
	buf_addf(out, " (%s)\n", trace_cause_name(t->cause));
	if (t->place.file && t->place.line) {
		buf_adds(out, "  asked for by ");
		view_clean(out, t->place.file);
		buf_addf(out, ":%d:%d\n", t->place.line, t->place.col);
	}
	if (t->hint) {
		view_colour(out, st, "36");
		buf_adds(out, "  help: ");
		view_colour(out, st, "0");
		view_clean(out, t->hint);
		buf_addc(out, '\n');
	}
}

static const char *shown(struct arena *a, const char *name, const char *value)
{
	value = view_header_value(name, value);
	if (!value)
		return "(absent)";
	return strnlen(value, VALUE_SHOWN + 1) > VALUE_SHOWN
		       ? arena_printf(a, "%.*s...", VALUE_SHOWN, value)
		       : value;
}

static void put_differences(
	struct buf *out, struct arena *a, const struct trace *t, struct style st)
{
	static const char *const head[] = { "DIFFERS", "THROUGH THE ROUTE", "AT THE SERVICE" };
	struct table *table = table_new(a, head, countof(head));
	if (!t->differences.count)
		return;
	for (size_t i = 0; i < t->differences.count; i++) {
		const struct trace_difference *d = &t->differences.items[i];
		table_row(table, (const char *[]){ d->what, shown(a, d->what, d->route),
					 shown(a, d->what, d->service) });
	}
	buf_addc(out, '\n');
	table_write(out, table, st);
}

static void put_redirects(struct buf *out, const struct trace_seen *s)
{
	if (s->hops.count)
		buf_adds(out, "\nredirects\n");
	for (size_t i = 0; i < s->hops.count; i++) {
		buf_addf(out, "  %d  ", s->hops.items[i].status);
		view_clean(out, s->hops.items[i].url);
		buf_addc(out, '\n');
	}
}

static void put_lines(struct buf *out, const struct trace_seen *s)
{
	size_t first = s->lines.count > LINES_SHOWN ? s->lines.count - LINES_SHOWN : 0;
	if (s->lines.count)
		buf_adds(out, "\nlog lines of this request\n");
	for (size_t i = first; i < s->lines.count; i++) {
		buf_adds(out, "  ");
		view_clean(out, s->lines.items[i].service);
		buf_adds(out, " | ");
		view_clean(out, s->lines.items[i].text);
		buf_addc(out, '\n');
	}
}

void view_trace(struct buf *out, struct arena *a, const struct trace *t, struct style st)
{
	view_clean(out, t->plan.method);
	buf_addc(out, ' ');
	view_clean(out, t->plan.url);
	buf_addf(out, "  id %s\n\n", t->plan.id);
	put_stages(out, a, t, st);
	put_cause(out, t, st);
	put_redirects(out, &t->seen);
	put_differences(out, a, t, st);
	put_lines(out, &t->seen);
}

static const char *blame_text(struct arena *a, const struct trace *t)
{
	if (t->cause == CAUSE_NONE)
		return "";
	return t->place.file && t->place.line
		       ? arena_printf(a, "%s (%s:%d)", t->text, t->place.file, t->place.line)
		       : t->text;
}

void view_traces(struct buf *out, struct arena *a, const struct trace *const *list, size_t count,
	struct style st)
{
	static const char *const head[] = { "URL", "STATUS", "TIME", "STAGE", "CAUSE" };
	struct table *table = table_new(a, head, countof(head));
	for (size_t i = 0; i < count; i++) {
		const struct trace *t = list[i];
		bool good = t->cause == CAUSE_NONE;
		int status = t->seen.route.status;
		table_row(table,
			(const char *[]){
				arena_printf(a, "%s %s", mark_of(good ? TRACE_GOOD : TRACE_BAD, st),
					t->plan.url),
				status ? arena_printf(a, "%d", status) : "none",
				time_text(a, t->seen.route.total_us),
				good ? "" : trace_stage_name(t->stage), blame_text(a, t) });
	}
	table_write(out, table, st);
}
