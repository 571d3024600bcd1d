/*
 * What a `devenv ci` came to, for people: a line per stage, then the first cause with the line of
 * output that matters, its log and how to do the same by hand; and as JSON for reports.
 */
#include <string.h>

#include "view/ci.h"

static const struct place nowhere;

struct tally {
	unsigned all, failed, warned, skipped;
	const char *first; /* of those that failed */
};

static struct tally tally_of(const struct ci_run *r, enum ci_stage k)
{
	struct tally t = { 0 };
	for (size_t i = 0; i < r->results.count; i++) {
		const struct ci_result *x = &r->results.items[i];
		if (x->stage != k)
			continue;
		t.all++;
		t.warned += x->result.state == STAGE_WARNED;
		t.skipped += x->result.state == STAGE_SKIPPED || x->result.state == STAGE_CANCELLED;
		if (x->result.state == STAGE_FAILED && !t.failed++)
			t.first = x->unit;
	}
	return t;
}

static const struct verdict {
	const char *word, *sign, *ascii, *sgr;
} passed = { "passed", "✔", "+", "32" }, failed = { "FAILED", "✘", "x", "31" },
  warned = { "warned", "!", "!", "33" }, not_run = { "not run", "-", "-", "33" },
  cut_off = { "cut off", "-", "-", "33" };

static const struct verdict *verdict_of(const struct tally *t, int64_t ms)
{
	if (t->failed)
		return &failed;
	if (t->all && t->skipped == t->all)
		return ms < 0 ? &not_run : &cut_off;
	if (ms < 0)
		return &not_run;
	return t->warned ? &warned : &passed;
}

static void put_tally(struct buf *out, const struct tally *t)
{
	if (t->failed)
		buf_addf(out, "  %u of %u failed", t->failed, t->all);
	else if (t->all)
		buf_addf(out, "  %u", t->all);
	if (t->failed) {
		buf_adds(out, ": ");
		view_clean(out, t->first);
	}
	if (t->warned)
		buf_addf(out, ", %u with warnings", t->warned);
	if (t->skipped && t->skipped != t->all)
		buf_addf(out, ", %u not run", t->skipped);
}

static void put_stage(struct buf *out, const struct ci_run *r, enum ci_stage k, struct style st)
{
	struct tally t = tally_of(r, k);
	const struct verdict *v = verdict_of(&t, r->stages_ms[k]);
	char time[16] = "";
	if (r->stages_ms[k] >= 0)
		format_duration(time, r->stages_ms[k]);
	view_colour(out, st, v->sgr);
	buf_addf(out, "%s ", st.unicode ? v->sign : v->ascii);
	view_colour(out, st, "0");
	buf_addf(out, "%-9s%-8s %8s", ci_stage_name(k), v->word, time);
	put_tally(out, &t);
	while (buf_ends_with(out, " "))
		buf_truncate(out, out->len - 1);
	buf_addc(out, '\n');
}

static void put_line(struct buf *out, const char *label, const char *text)
{
	if (!text || !*text)
		return;
	buf_addf(out, "  %-7s", label);
	text_clean(out, text, strcspn(text, "\n"), false);
	buf_addc(out, '\n');
}

static void put_cause(struct buf *out, const struct ci_result *x, struct style st)
{
	view_colour(out, st, "1;31");
	buf_adds(out, "First cause: ");
	view_colour(out, st, "0");
	buf_adds(out, ci_stage_name(x->stage));
	if (!streq(x->unit, ci_stage_name(x->stage))) {
		buf_adds(out, " of ");
		view_clean(out, x->unit);
	}
	if (x->result.status > 128)
		buf_addf(out, ", ended by signal %d", x->result.status - 128);
	else if (x->result.status > 0)
		buf_addf(out, ", status %d", x->result.status);
	if (x->result.place.file) {
		buf_adds(out, "  (");
		view_clean(out, x->result.place.file);
		buf_addf(out, ":%d)", x->result.place.line);
	}
	buf_addc(out, '\n');
	put_line(out, "says", x->line);
	put_line(out, "log", x->log);
	put_line(out, "again", x->again);
}

void view_ci(struct buf *out, const struct ci_run *r, const char *report, struct style st)
{
	const struct ci_result *cause = ci_first_cause(r);
	char time[16];
	for (enum ci_stage k = 0; k < CI_STAGES; k++)
		put_stage(out, r, k, st);
	buf_addc(out, '\n');
	if (cause)
		put_cause(out, cause, st);
	else if (r->trouble)
		put_line(out, "ended", r->trouble);
	format_duration(time, r->took_ms);
	buf_addf(out, "%s in %s", r->status ? "Failed" : "Passed", time);
	if (r->commit)
		buf_addf(out, ", commit %.12s%s", r->commit, r->dirty ? " with changes" : "");
	if (report) {
		buf_adds(out, "; report in ");
		view_clean(out, report);
	}
	buf_addc(out, '\n');
}

/* ---- JSON ---- */

static void text(struct arena *a, struct node *n, const char *key, const char *value)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (!value)
		return;
	view_clean(&b, value);
	map_put(a, n, key, nowhere, node_str(a, arena_strndup(a, buf_str(&b), b.len), nowhere));
}

static void number(struct arena *a, struct node *n, const char *key, int64_t value)
{
	map_put(a, n, key, nowhere, node_int(a, value, nowhere));
}

static struct node *result_node(struct arena *a, const struct ci_result *x)
{
	struct node *n = node_map(a, nowhere);
	text(a, n, "stage", ci_stage_name(x->stage));
	text(a, n, "unit", x->unit);
	text(a, n, "state", stage_state_name(x->result.state));
	number(a, n, "status", x->result.status);
	number(a, n, "duration_ms", x->result.duration_ms);
	text(a, n, "line", x->line);
	text(a, n, "again", x->again);
	return n;
}

struct node *view_ci_json(struct arena *a, const struct ci_run *r, const char *state)
{
	struct node *n = node_map(a, nowhere), *list = node_list(a, nowhere);
	const struct ci_result *cause = ci_first_cause(r);
	number(a, n, "version", 1);
	text(a, n, "id", r->id);
	text(a, n, "project", r->project);
	text(a, n, "environment", r->environment);
	text(a, n, "state", state);
	text(a, n, "commit", r->commit);
	map_put(a, n, "dirty", nowhere, node_bool(a, r->dirty, nowhere));
	text(a, n, "began", view_time(a, r->began_ms));
	number(a, n, "duration_ms", r->took_ms);
	number(a, n, "status", r->status);
	text(a, n, "trouble", r->trouble);
	if (cause)
		map_put(a, n, "cause", nowhere, result_node(a, cause));
	for (size_t i = 0; i < r->results.count; i++)
		list_add(a, list, result_node(a, &r->results.items[i]));
	map_put(a, n, "results", nowhere, list);
	return n;
}
