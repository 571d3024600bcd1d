/*
 * Results of stages as JUnit XML, as Jenkins and its like read it. Comes in: states of modules.
 * Goes out: text that is well-formed whatever the tools wrote.
 */
#include <string.h>
#include <time.h>

#include "view/ci.h"

/* Colours mean nothing in a report: "ESC [ ... letter" is left out. */
static size_t escape_length(const char *s, const char *end)
{
	const char *p = s;
	if (end - s < 3 || s[0] != '\033' || s[1] != '[')
		return 0;
	for (p += 2; p < end && ((*p >= '0' && *p <= '9') || *p == ';' || *p == '?'); p++)
		;
	return p < end ? (size_t)(p + 1 - s) : 0;
}

static void xml(struct buf *out, const char *s)
{
	cleanup_buf struct buf plain = BUF_INIT, clean = BUF_INIT;
	const char *end = s + strlen(s);
	while (s < end) {
		size_t skip = escape_length(s, end);
		if (skip)
			s += skip;
		else
			buf_addc(&plain, *s++);
	}
	text_clean(&clean, buf_str(&plain), plain.len, false);
	for (size_t i = 0; i < clean.len; i++) {
		static const char *const names[] = {
			['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;"
		};
		unsigned char c = (unsigned char)clean.data[i];
		if (c < countof(names) && names[c])
			buf_adds(out, names[c]);
		else
			buf_addc(out, (char)c);
	}
}

static void attribute(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, " %s=\"", name);
	xml(out, value);
	buf_addc(out, '"');
}

static void seconds(struct buf *out, int64_t ms)
{
	buf_addf(out, " time=\"%lld.%03d\"", (long long)(ms / 1000), (int)(ms % 1000));
}

enum outcome { NONE, GOOD, BAD, BROKEN, LEFT_OUT };

static enum outcome outcome_of(const struct stage_result *r)
{
	switch (r->state) {
	case STAGE_PASSED:
		return GOOD;
	case STAGE_FAILED:
	case STAGE_WARNED:
		return r->status == -1 ? BROKEN : BAD;
	case STAGE_WAITING:
	case STAGE_RUNNING:
	case STAGE_SKIPPED:
	case STAGE_CANCELLED:
		return LEFT_OUT;
	default:
		return NONE;
	}
}

struct counts {
	unsigned tests, failures, errors, skipped;
	int64_t ms;
};

static void count_one(struct counts *c, const struct stage_result *r, enum outcome o)
{
	c->tests += o != NONE;
	c->failures += o == BAD;
	c->errors += o == BROKEN;
	c->skipped += o == LEFT_OUT;
	c->ms += o == NONE ? 0 : r->duration_ms;
}

static void count(struct counts *c, const struct module_state *m)
{
	for (int k = 0; k < STAGES; k++)
		count_one(c, &m->stages[k], outcome_of(&m->stages[k]));
}

static void write_counts(struct buf *out, const struct counts *c)
{
	buf_addf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\"", c->tests, c->failures,
		c->errors);
}

static void verdict(struct buf *out, const struct stage_result *r, enum outcome o)
{
	const char *tag = o == BAD ? "failure" : "error";
	buf_addf(out, "      <%s message=\"", tag);
	if (o == BROKEN)
		buf_adds(out, "could not be run");
	else if (r->status > 128)
		buf_addf(out, "ended by signal %d", r->status - 128);
	else
		buf_addf(out, "ended with status %d", r->status);
	buf_addf(out, "\" type=\"%s\">", tag);
	xml(out, r->output ? r->output : "");
	buf_addf(out, "</%s>\n", tag);
}

static void write_case(struct buf *out, const char *name, const char *class_name,
	const struct stage_result *r, enum outcome o)
{
	if (o == NONE)
		return;
	buf_adds(out, "    <testcase");
	attribute(out, "name", name);
	attribute(out, "classname", class_name);
	seconds(out, r->duration_ms);
	buf_adds(out, ">\n");
	if (o == BAD || o == BROKEN)
		verdict(out, r, o);
	else if (o == LEFT_OUT)
		buf_adds(out, "      <skipped/>\n");
	else if (r->output) {
		buf_adds(out, "      <system-out>");
		xml(out, r->output);
		buf_adds(out, "</system-out>\n");
	}
	buf_adds(out, "    </testcase>\n");
}

static void open_suite(struct buf *out, const char *name, const struct counts *c, int64_t began_ms)
{
	char stamp[32];
	struct tm t;
	time_t began = (time_t)(began_ms / 1000);
	gmtime_r(&began, &t);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &t);
	buf_adds(out, "  <testsuite");
	attribute(out, "name", name);
	write_counts(out, c);
	buf_addf(out, " skipped=\"%u\"", c->skipped);
	seconds(out, c->ms);
	attribute(out, "timestamp", stamp);
	buf_adds(out, ">\n");
}

static void write_suite(struct buf *out, const struct module_state *m)
{
	struct counts c = { 0 };
	count(&c, m);
	open_suite(out, m->service, &c, m->began_ms);
	for (enum stage_kind k = 0; k < STAGES; k++)
		write_case(
			out, stage_name(k), m->service, &m->stages[k], outcome_of(&m->stages[k]));
	buf_adds(out, "  </testsuite>\n");
}

static void open_all(struct buf *out, const char *name, const struct counts *all)
{
	buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	attribute(out, "name", name);
	write_counts(out, all);
	seconds(out, all->ms);
	buf_adds(out, ">\n");
}

void view_junit(struct buf *out, const char *name, const struct module_states *m)
{
	struct counts all = { 0 };
	for (size_t i = 0; i < m->count; i++)
		count(&all, &m->items[i]);
	open_all(out, name, &all);
	for (size_t i = 0; i < m->count; i++)
		write_suite(out, &m->items[i]);
	buf_adds(out, "</testsuites>\n");
}

/* A gate that only warns lets the run pass, and so does its case: its output is there. */
static enum outcome ci_outcome(const struct ci_result *x)
{
	return x->result.state == STAGE_WARNED ? GOOD : outcome_of(&x->result);
}

static void write_ci_suite(struct buf *out, const struct ci_run *r, enum ci_stage k)
{
	struct counts c = { 0 };
	for (size_t i = 0; i < r->results.count; i++)
		if (r->results.items[i].stage == k)
			count_one(
				&c, &r->results.items[i].result, ci_outcome(&r->results.items[i]));
	if (!c.tests)
		return;
	open_suite(out, ci_stage_name(k), &c, r->began_ms);
	for (size_t i = 0; i < r->results.count; i++) {
		const struct ci_result *x = &r->results.items[i];
		if (x->stage == k)
			write_case(out, x->unit, ci_stage_name(k), &x->result, ci_outcome(x));
	}
	buf_adds(out, "  </testsuite>\n");
}

void view_ci_junit(struct buf *out, const struct ci_run *r)
{
	struct counts all = { 0 };
	for (size_t i = 0; i < r->results.count; i++)
		count_one(&all, &r->results.items[i].result, ci_outcome(&r->results.items[i]));
	open_all(out, r->project, &all);
	for (enum ci_stage k = 0; k < CI_STAGES; k++)
		write_ci_suite(out, r, k);
	buf_adds(out, "</testsuites>\n");
}
