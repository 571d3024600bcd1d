/*
 * What a `devenv ci` writes while it runs: a log per stage and module, and with --json an object
 * per event, in the words of `devenv events`. Comes in: events, their text without secrets. Decides
 * nothing.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ci_parts.h"
#include "doc/json.h"

/* ---- events ---- */

static void tell(struct ci_cmd *x, struct happening *h)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	if (!x->c->g.json)
		return;
	h->time_ms = clock_ms();
	json_write(&b, view_happening_json(&a, h), 0);
	buf_addc(&b, '\n');
	emit(&b);
	fflush(stdout);
	arena_release(&a);
}

static void tell_step(struct ci_cmd *x, const struct event *ev)
{
	static const char *const states[] = {
		[EV_START] = "started",
		[EV_DONE] = "done",
		[EV_FAILED] = "failed",
		[EV_SKIPPED] = "skipped",
		[EV_OUTPUT] = "output",
		[EV_PROGRESS] = "progress",
		[EV_NOTE] = "note",
	};
	struct happening h = HAPPENING(HAPPENED_STEP);
	h.name = ev->step->id;
	h.state = states[ev->kind];
	h.service = ev->step->service ? ev->step->service->name : NULL;
	h.text = ev->kind == EV_START ? ev->step->why : ev->text && *ev->text ? ev->text : NULL;
	h.duration_ms = ev->kind == EV_DONE || ev->kind == EV_FAILED ? ev->elapsed_ms : -1;
	tell(x, &h);
}

void ci_tell_plan(struct ci_cmd *x, const char *state, const char *text)
{
	struct happening h = HAPPENING(HAPPENED_PLAN);
	bool over = !streq(state, "started");
	h.name = "ci";
	h.state = state;
	h.text = text;
	h.id = x->run.id;
	h.pid = getpid();
	h.status = over ? x->run.status : -1;
	h.duration_ms = over ? x->run.took_ms : -1;
	tell(x, &h);
}

static void tell_result(struct ci_cmd *x, const struct ci_result *r)
{
	struct happening h = HAPPENING(HAPPENED_STAGE);
	bool ran = r->result.state == STAGE_PASSED || r->result.state == STAGE_WARNED ||
		   r->result.state == STAGE_FAILED;
	h.service = r->unit;
	h.name = ci_stage_name(r->stage);
	h.state = stage_state_name(r->result.state);
	h.text = r->line;
	h.status = ran ? r->result.status : -1;
	h.duration_ms = ran ? r->result.duration_ms : -1;
	tell(x, &h);
}

/* ---- logs ---- */

const char *ci_log_path(struct ci_cmd *x, const char *unit)
{
	struct arena *a = &x->c->arena;
	const char *stage = ci_stage_name(x->now);
	return path_join(a, x->report,
		unit ? arena_printf(a, "%s-%s.log", stage, unit)
		     : arena_printf(a, "%s.log", stage));
}

/* Opened once per stage; where it cannot be, the run goes on without. */
static FILE *log_open(struct ci_cmd *x, const char *unit)
{
	const char *path = ci_log_path(x, unit);
	for (size_t i = 0; i < x->logs.count; i++)
		if (streq(x->logs.items[i].path, path))
			return x->logs.items[i].file;
	FILE *f = fopen(path, "we");
	if (!f)
		note(x->c, "note: no log: %s cannot be written", path);
	*list_push(&x->c->arena, &x->logs) = (struct ci_log){ path, f };
	return f;
}

void ci_log_text(struct ci_cmd *x, const char *unit, const char *text)
{
	FILE *f = log_open(x, unit);
	size_t len = strlen(text);
	if (!f)
		return;
	fwrite(text, 1, len, f);
	if (!len || text[len - 1] != '\n')
		fputc('\n', f);
}

void ci_logs_close(struct ci_cmd *x)
{
	for (size_t i = 0; i < x->logs.count; i++)
		if (x->logs.items[i].file)
			fclose(x->logs.items[i].file);
	x->logs.count = 0;
}

static bool of_module(const struct step *s)
{
	return s->kind == STEP_STAGE;
}

static void log_event(struct ci_cmd *x, const struct event *ev)
{
	struct arena a = ARENA_INIT;
	const struct step *s = ev->step;
	if (ev->kind == EV_OUTPUT && of_module(s))
		ci_log_text(x, s->unit, ev->text);
	else if (ev->kind == EV_OUTPUT && x->now == CI_E2E)
		ci_log_text(x, NULL, ev->text);
	else if (ev->kind == EV_OUTPUT || (ev->kind == EV_DONE && !of_module(s)))
		ci_log_text(x, NULL,
			arena_printf(&a, "%s: %s", s->id, ev->kind == EV_DONE ? "done" : ev->text));
	else if (ev->kind == EV_FAILED)
		ci_log_text(x, of_module(s) ? s->unit : NULL, ev->text);
	arena_release(&a);
}

/* ---- results of what is no stage of a module ---- */

struct ci_result *ci_result_add(struct ci_cmd *x, const char *unit, enum stage_state state)
{
	struct ci_result *r = list_push(&x->c->arena, &x->run.results);
	*r = (struct ci_result){ .stage = x->now, .unit = unit };
	r->result.state = state;
	return r;
}

char *ci_public(struct ci_cmd *x, const char *text)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (!text)
		return NULL;
	buf_adds(&b, text);
	vault_redact(x->c->vault, &b);
	return arena_strndup(&x->c->arena, buf_str(&b), b.len);
}

void ci_result_end(struct ci_cmd *x, struct ci_result *r, const char *output)
{
	bool bad = r->result.state == STAGE_FAILED || r->result.state == STAGE_WARNED;
	r->result.output = ci_public(x, output);
	if (bad && !r->line)
		r->line = ci_line(&x->c->arena, r->result.output);
	tell_result(x, r);
}

void ci_result_fail(struct ci_cmd *x, const char *why)
{
	struct ci_result *r = ci_result_add(x, ci_stage_name(x->now), STAGE_FAILED);
	r->result.status = -1;
	ci_result_end(x, r, why);
}

/* What is worth a line of its own: images, installs, services that are ready. */
static bool counts(const struct step *s)
{
	return s->unit && (s->kind == STEP_BUILD || s->kind == STEP_READY || s->kind == STEP_EXEC);
}

static const char *by_hand(struct ci_cmd *x)
{
	static const char *const words[CI_STAGES] = {
		[CI_BUILD] = "build", [CI_UP] = "up", [CI_E2E] = "ci e2e"
	};
	return arena_printf(&x->c->arena, "devenv --env %s %s", x->c->environment,
		words[x->now] ? words[x->now] : "ci");
}

static void note_result(struct ci_cmd *x, const struct event *ev)
{
	const struct step *s = ev->step;
	bool bad = ev->kind == EV_FAILED;
	if (of_module(s) || (!bad && (ev->kind != EV_DONE || !counts(s))) || (bad && s->soft))
		return;
	const char *unit = x->now == CI_E2E && !s->unit ? "host" : s->unit ? s->unit : s->id;
	struct ci_result *r = ci_result_add(x, unit, bad ? STAGE_FAILED : STAGE_PASSED);
	r->result.duration_ms = ev->elapsed_ms;
	r->result.place = s->place;
	r->result.command = x->now == CI_E2E ? x->c->project.ci.e2e : s->id;
	r->log = ci_log_path(x, NULL);
	r->again = by_hand(x);
	if (bad)
		r->result.status = s->status ? s->status : -1;
	ci_result_end(x, r, !bad ? NULL : ev->text ? ev->text : "");
}

void ci_heard(void *cmd, const struct event *ev)
{
	struct ci_cmd *x = cmd;
	if (!ev->step)
		return;
	log_event(x, ev);
	tell_step(x, ev);
	note_result(x, ev);
}
