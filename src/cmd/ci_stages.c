/*
 * The stages of `devenv ci`, each by the code of the command that does the same: build, up,
 * compile, lint, test, trace. Comes in: which stage. Goes out: results; a stage that failed is no
 * error of devenv's.
 */
#include <stdio.h>
#include <string.h>

#include "ci_parts.h"
#include "cmd/agent_client.h"
#include "cmd/lifecycle.h"
#include "cmd/stages.h"
#include "cmd/traces.h"
#include "view/trace.h"

enum { ROUTE_MS = 10000, LAST_LINES = 30 };

void ci_look_anew(struct context *c)
{
	map_release(&c->world.inputs);
	c->world = (struct world){ 0 };
	c->have_places = c->looked = c->sought = false;
	c->error = (struct err)ERR_INIT;
}

/* ---- plans ---- */

static int ready_plan(struct ci_cmd *x, enum goal goal, const struct strs *services)
{
	struct prepare p = {
		.request = { .goal = goal, .timeout_ms = -1 },
		.engine = true,
		.write = true,
	};
	if (services)
		p.request.services = *services;
	ci_look_anew(x->c);
	return prepare(x->c, &p);
}

/* What a run starts ends with it, also when it is killed. */
static int own(struct ci_cmd *x)
{
	if (!x->c->agent || x->owned)
		return 0;
	x->owned = true;
	return own_agent(x->c, true);
}

static bool failed_now(const struct ci_cmd *x)
{
	for (size_t i = 0; i < x->run.results.count; i++)
		if (x->run.results.items[i].stage == x->now &&
			x->run.results.items[i].result.state == STAGE_FAILED)
			return true;
	return false;
}

/* A failed step is a result; what failed without one is told as the stage's own. */
static int perform_plan(struct ci_cmd *x)
{
	struct context *c = x->c;
	int status = c->plan.steps.count ? carry_out_heard(c, ci_heard, x) : 0;
	lock_drop(&c->lock);
	c->locked = false;
	int owned = own(x);
	if (status && !loop_signal(c->loop) && !failed_now(x))
		ci_result_fail(x, c->error.text);
	return owned;
}

static int build(struct ci_cmd *x)
{
	int status = ready_plan(x, GOAL_CREATE, NULL);
	return status ? status : perform_plan(x);
}

/* ---- stages of modules ---- */

static bool has_failed(const struct ci_cmd *x, const char *unit, enum ci_stage k)
{
	for (size_t i = 0; i < x->run.results.count; i++) {
		const struct ci_result *r = &x->run.results.items[i];
		if (r->stage == k && streq(r->unit, unit) && r->result.state == STAGE_FAILED)
			return true;
	}
	return false;
}

/* What does not compile is not tested. */
static void leave_out_broken(struct ci_cmd *x, struct shot *s)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->modules.count; i++) {
		const char *name = s->reqs[i].service->name;
		if (x->now == CI_TEST && has_failed(x, name, CI_COMPILE)) {
			ci_result_end(x, ci_result_add(x, name, STAGE_SKIPPED), NULL);
			continue;
		}
		s->reqs[kept] = s->reqs[i];
		s->modules.items[kept++] = s->modules.items[i];
	}
	s->modules.count = kept;
}

static enum stage_state state_of(
	const struct ci_cmd *x, const struct service *s, enum stage_kind k, enum stage_state was)
{
	if (was == STAGE_WAITING)
		return STAGE_SKIPPED;
	if (was == STAGE_FAILED && !x->late && service_stage(s, k)->warn)
		return STAGE_WARNED;
	return was;
}

static void take_result(struct ci_cmd *x, const struct shot *s, size_t i)
{
	const struct service *service = s->reqs[i].service;
	const struct stage_result *from = &s->modules.items[i].stages[s->stage];
	struct ci_result *r =
		ci_result_add(x, service->name, state_of(x, service, s->stage, from->state));
	enum stage_state state = r->result.state;
	r->result = *from;
	r->result.state = state;
	r->again = arena_printf(&x->c->arena, "devenv --env %s %s %s", x->c->environment,
		stage_name(s->stage), service->name);
	if (state != STAGE_SKIPPED)
		r->log = ci_log_path(x, service->name);
	ci_result_end(x, r, from->output);
}

static int module_stage(struct ci_cmd *x, enum stage_kind k)
{
	static const struct strs all;
	struct shot s = { .c = x->c, .stage = k, .also = ci_heard, .ctx = x };
	ci_look_anew(x->c);
	int status = shot_gather(&s, &all);
	if (!status)
		leave_out_broken(x, &s);
	if (!status && s.modules.count)
		status = look(x->c);
	bool ran = !status && s.modules.count;
	if (ran)
		status = shot_run(&s);
	x->late = now_ms() >= x->c->limits.until;
	for (size_t i = 0; ran && i < s.modules.count; i++)
		take_result(x, &s, i);
	shot_release(&s);
	bool told = failed_now(x) || loop_signal(x->c->loop);
	return told ? 0 : status;
}

static int compile(struct ci_cmd *x)
{
	return module_stage(x, STAGE_COMPILE);
}

static int lint(struct ci_cmd *x)
{
	return module_stage(x, STAGE_LINT);
}

static int test(struct ci_cmd *x)
{
	return module_stage(x, STAGE_TEST);
}

/* ---- up ---- */

/* The end of what the containers of failed units said stands in the stage's log. */
static void keep_last_words(struct ci_cmd *x)
{
	struct context *c = x->c;
	for (size_t i = 0; i < x->run.results.count; i++) {
		const struct ci_result *r = &x->run.results.items[i];
		const struct container *k = world_container(&c->world, r->unit);
		if (r->stage != x->now || r->result.state != STAGE_FAILED || !k)
			continue;
		cleanup_buf struct buf b = BUF_INIT;
		buf_addf(&b, "--- the last lines of %s:", r->unit);
		last_lines(c, k, LAST_LINES, &b);
		vault_redact(c->vault, &b);
		ci_log_text(x, NULL, buf_str(&b));
	}
}

static int up(struct ci_cmd *x)
{
	int status = ready_plan(x, GOAL_UP, NULL);
	status = status ? status : perform_plan(x);
	if (failed_now(x) && !loop_signal(x->c->loop))
		keep_last_words(x);
	if (status || failed_now(x) || loop_signal(x->c->loop) || !check_survivors(x->c))
		return status;
	ci_result_fail(x, x->c->error.text);
	return 0;
}

/* ---- e2e ---- */

static void take_route(struct ci_cmd *x, const struct trace *t)
{
	struct context *c = x->c;
	cleanup_buf struct buf text = BUF_INIT;
	bool bad = t->cause != CAUSE_NONE;
	view_trace(&text, &c->arena, t, (struct style){ .unicode = c->out.unicode });
	vault_redact(c->vault, &text);
	ci_log_text(x, NULL, buf_str(&text));
	struct ci_result *r = ci_result_add(x, t->plan.url, bad ? STAGE_FAILED : STAGE_PASSED);
	r->result.status = bad ? ERR_FAILED : 0;
	r->log = ci_log_path(x, NULL);
	r->again = arena_printf(&c->arena, "devenv --env %s trace --all", c->environment);
	ci_result_end(x, r, bad ? buf_str(&text) : NULL);
}

static int ask_routes(struct ci_cmd *x)
{
	struct traced all = { 0 };
	struct trace_ask ask = { .timeout_ms = ROUTE_MS };
	int status = trace_routes(x->c, &ask, &all);
	lap(x->c, "routes", true);
	for (size_t i = 0; !status && i < all.count; i++)
		take_route(x, all.items[i]);
	return loop_signal(x->c->loop) ? 0 : status;
}

static bool runs_beside(const struct context *c, const struct service *s)
{
	const struct container *k = s ? world_container(&c->world, s->name) : NULL;
	return s && s->where == RUN_CONTAINER && !(k && k->state == UNIT_RUNNING);
}

/* A service that a profile holds back has its files, image and dependencies made now. */
static int prepare_beside(struct ci_cmd *x, const struct service *s)
{
	struct context *c = x->c;
	struct strs one = { 0 };
	strs_add(&c->arena, &one, s->name);
	int status = ready_plan(x, GOAL_RUN, &one);
	status = status ? status : perform_plan(x);
	return status ? status : look_again(c);
}

static int run_e2e(struct ci_cmd *x)
{
	struct context *c = x->c;
	const struct service *s = c->project.ci.e2e_service;
	int status = runs_beside(c, s) ? prepare_beside(x, s) : 0;
	if (status || failed_now(x) || loop_signal(c->loop))
		return status;
	c->plan = (struct plan){ 0 };
	if (plan_e2e(&c->arena, &c->project, &c->world, &c->plan, &c->diags))
		return report(c);
	status = perform_plan(x);
	if (failed_now(x) && s && !loop_signal(c->loop))
		keep_last_words(x);
	return status;
}

static int e2e(struct ci_cmd *x)
{
	ci_look_anew(x->c);
	int status = look(x->c);
	if (status)
		return status;
	return x->c->project.ci.e2e ? run_e2e(x) : ask_routes(x);
}

/* ---- one of them ---- */

/* Cut off by its deadline: whoever was at work then has failed by it. */
static void blame_time(struct ci_cmd *x, int64_t limit)
{
	char text[16];
	bool any = failed_now(x);
	format_duration(text, limit);
	const char *why =
		arena_printf(&x->c->arena, "%s did not end within %s", ci_stage_name(x->now), text);
	for (size_t i = 0; i < x->run.results.count; i++) {
		struct ci_result *r = &x->run.results.items[i];
		if (r->stage == x->now && r->result.state == STAGE_FAILED && r->result.status == -1)
			r->line = why;
	}
	if (!any) {
		struct ci_result *r = ci_result_add(x, ci_stage_name(x->now), STAGE_FAILED);
		r->result.status = -1;
		r->line = why;
		ci_result_end(x, r, NULL);
	}
}

int ci_stage_run(struct ci_cmd *x, enum ci_stage k)
{
	static int (*const stages[])(struct ci_cmd * x) = {
		[CI_BUILD] = build,
		[CI_COMPILE] = compile,
		[CI_LINT] = lint,
		[CI_TEST] = test,
		[CI_UP] = up,
		[CI_E2E] = e2e,
	};
	struct context *c = x->c;
	int64_t began = now_ms(), left = x->until - began;
	int64_t limit = x->timeouts[k] < left ? x->timeouts[k] : left;
	x->now = k;
	x->late = false;
	c->limits = (struct limits){ .until = began + limit, .first_ends = !x->keep_going };
	int status = stages[k](x);
	if (status && !failed_now(x) && !loop_signal(c->loop))
		ci_result_fail(x, c->error.text); /* it was not even begun */
	if (now_ms() >= c->limits.until && !loop_signal(c->loop))
		blame_time(x, limit);
	ci_logs_close(x);
	x->run.stages_ms[k] = now_ms() - began;
	return status;
}
