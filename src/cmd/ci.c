/*
 * ci: the stages of a project one after the other in a workspace of its own, then nothing of it is
 * left. Comes in: which stages, deadlines. Goes out: a summary that names the first cause, logs,
 * JUnit XML, events as JSON lines, the status of the child that failed first.
 */
#include <stdio.h>
#include <string.h>

#include "ci_parts.h"
#include "cmd/commands.h"
#include "view/ci.h"

#define CI(field) offsetof(struct ci_opts, field)
static const struct opt ci_options[] = {
	{ "keep-going", 'k', OPT_FLAG, NULL, "go on after a failure with what does not need it",
		NULL, COMPLETE_NONE, CI(keep_going), false },
	{ "fail-fast", 0, OPT_FLAG, NULL,
		"begin nothing more after a failure, whatever ci.fail says", NULL, COMPLETE_NONE,
		CI(fail_fast), false },
	{ "timeout", 't', OPT_LIST, "STAGE=10m",
		"deadline of a stage, or of all without STAGE; repeatable", NULL, COMPLETE_NONE,
		CI(timeouts), false },
	{ "report", 0, OPT_TEXT, "DIR",
		"logs and junit.xml go there (default: a folder of the run's own in .devenv/ci)",
		NULL, COMPLETE_DIR, CI(report), false },
	{ "commit", 0, OPT_FLAG, NULL,
		"test the last commit in a copy of its own instead of the files as they are", NULL,
		COMPLETE_NONE, CI(commit), false },
	{ "keep", 0, OPT_FLAG, NULL, "leave containers and data as they are in the end", NULL,
		COMPLETE_NONE, CI(keep), false },
	{ "no-frozen", 0, OPT_FLAG, NULL,
		"only note what devenv.lock does not say, as `devenv up` does", NULL, COMPLETE_NONE,
		CI(no_frozen), false },
	{ "timings", 0, OPT_FLAG, NULL, "show where the time went", NULL, COMPLETE_NONE,
		CI(timings), false },
	{ 0 },
};

static const char *const stage_words[] = { "build", "compile", "lint", "test", "up", "e2e", NULL };

/* ---- what was typed ---- */

static int read_stages(struct ci_cmd *x, const struct strs *args)
{
	enum ci_stage k;
	for (size_t i = 0; i < args->count; i++) {
		if (!ci_stage_named(args->items[i], &k)) {
			err_set(&x->c->error, ERR_USAGE, "there is no stage \"%s\"",
				args->items[i]);
			err_hint(&x->c->error, "stages are build, compile, lint, test, up and e2e");
			return fail(x->c);
		}
		x->wanted |= 1U << k;
	}
	if (!args->count)
		x->wanted = (1U << CI_STAGES) - 1;
	x->wanted |= 1U << CI_BUILD;
	if (x->wanted & 1U << CI_E2E)
		x->wanted |= 1U << CI_UP;
	return 0;
}

static int read_timeout(struct ci_cmd *x, const char *word)
{
	const char *eq = strchr(word, '='), *value = eq ? eq + 1 : word;
	enum ci_stage k = CI_STAGES;
	int64_t ms;
	const char *name = eq ? arena_strndup(&x->c->arena, word, (size_t)(eq - word)) : NULL;
	bool known = !name || streq(name, "all") || ci_stage_named(name, &k);
	if (!known || !parse_duration(value, &ms) || ms < 1)
		return fail_with(
			x->c, ERR_USAGE, "--timeout takes STAGE=10m or 1h, not \"%s\"", word);
	*(k < CI_STAGES ? &x->timeouts[k] : &x->timeout) = ms;
	return 0;
}

/* What is configured, under what was typed. */
static int read_limits(struct ci_cmd *x)
{
	const struct ci *ci = &x->c->project.ci;
	int status = 0;
	memcpy(x->timeouts, ci->timeouts, sizeof(x->timeouts));
	x->timeout = ci->timeout;
	for (size_t i = 0; i < x->o->timeouts.count && !status; i++)
		status = read_timeout(x, x->o->timeouts.items[i]);
	x->until = now_ms() + x->timeout;
	x->keep_going = x->o->keep_going || (ci->keep_going && !x->o->fail_fast);
	return status;
}

/* ---- the stages ---- */

/* Nothing is started that could not be built, and nothing is asked that is not up. */
static bool can_go_on(const struct ci_cmd *x, enum ci_stage k)
{
	if (loop_signal(x->c->loop) || now_ms() >= x->until)
		return false;
	for (size_t i = 0; i < x->run.results.count; i++) {
		const struct ci_result *r = &x->run.results.items[i];
		bool needed = r->stage == CI_BUILD || (k == CI_E2E && r->stage == CI_UP);
		if (r->result.state == STAGE_FAILED && (needed || !x->keep_going))
			return false;
	}
	return true;
}

static int run_stages(struct ci_cmd *x)
{
	int status = 0;
	for (enum ci_stage k = 0; k < CI_STAGES && !status; k++) {
		if (!(x->wanted & 1U << k) || !can_go_on(x, k))
			continue;
		note(x->c, "== %s", ci_stage_name(k));
		status = ci_stage_run(x, k);
	}
	return status;
}

/* ---- what it came to ---- */

static void conclude(struct ci_cmd *x, int status)
{
	struct ci_run *r = &x->run;
	const struct ci_result *cause = ci_first_cause(r);
	int signal = loop_signal(x->c->loop);
	r->took_ms = clock_ms() - r->began_ms;
	if (signal)
		r->trouble = "interrupted";
	else if (status)
		r->trouble = x->c->error.text[0] ? ci_public(x, x->c->error.text)
						 : "it could not be tried";
	else if (!cause && now_ms() >= x->until)
		r->trouble = "out of time";
	r->status = signal ? 128 + signal : status;
	bool own = cause && cause->stage != CI_BUILD && cause->stage != CI_UP;
	if (!r->status && cause) /* what docker ends with would read as one of ours */
		r->status = own && cause->result.status > 0 ? cause->result.status : ERR_FAILED;
	if (!r->status && r->trouble)
		r->status = ERR_FAILED;
}

static void write_report(struct ci_cmd *x)
{
	struct context *c = x->c;
	cleanup_buf struct buf junit = BUF_INIT;
	struct err e = ERR_INIT;
	if (!x->report)
		return;
	view_ci_junit(&junit, &x->run);
	if (file_write(path_join(&c->arena, x->report, "junit.xml"), buf_str(&junit), junit.len,
		    0644, false, &e))
		note(c, "note: no report: %s", e.text);
}

static void show(struct ci_cmd *x)
{
	struct context *c = x->c;
	cleanup_buf struct buf out = BUF_INIT;
	const struct ci_result *cause = ci_first_cause(&x->run);
	if (c->g.json) {
		ci_tell_plan(
			x, x->run.status ? "failed" : "done", cause ? cause->line : x->run.trouble);
		return;
	}
	view_ci(&out, &x->run, x->report, c->out);
	emit(&out);
}

static int show_dry(struct ci_cmd *x)
{
	for (enum ci_stage k = 0; k < CI_STAGES; k++)
		if (x->wanted & 1U << k)
			printf("%s\n", ci_stage_name(k));
	return 0;
}

static int go(struct ci_cmd *x)
{
	int status = ci_enter(x);
	status = status ? status : read_limits(x);
	status = status ? status : ci_report(x, false);
	x->told = !status;
	if (!status) {
		ci_tell_plan(x, "started", NULL);
		status = run_stages(x);
	}
	bool entered = x->lock.fd >= 0;
	conclude(x, status);
	int left = ci_leave(x);
	lap(x->c, "cleaning up", true);
	if (x->told)
		ci_report(x, true);
	lap(x->c, "reports", true);
	if (!entered)
		return status;
	write_report(x);
	show(x);
	lap(x->c, "showing", false);
	if (x->o->timings)
		print_timings(x->c);
	return x->run.status ? x->run.status : left;
}

static int run_ci(struct context *c, const void *opts, const struct strs *args)
{
	struct ci_cmd x = { .c = c, .o = opts, .lock = { -1 } };
	x.run.began_ms = clock_ms();
	for (enum ci_stage k = 0; k < CI_STAGES; k++)
		x.run.stages_ms[k] = -1;
	int status = read_stages(&x, args);
	if (status)
		return status;
	if (c->g.dry_run)
		return show_dry(&x);
	if (c->g.json)
		c->g.progress = "quiet";
	return go(&x);
}

const struct cmd cmd_ci = {
	.name = "ci",
	.group = "data",
	.args = "[STAGE...]",
	.help = "all stages in a workspace of its own: build, compile, lint, test, up, e2e",
	.detail =
		"In the environment `ci`, with containers, volumes, networks and ports that nobody "
		"else has, beside\n"
		"whatever else runs: images and dependencies are made, modules are compiled, "
		"linted "
		"and tested beside\n"
		"each other, everything is brought up, and ci.e2e is run against it; without it "
		"every route is asked.\n"
		"Then all of it is removed, also after a failure, an interrupt or a deadline; what "
		"a killed run left,\n"
		"the next one removes.\n\n"
		"A devenv.lock is binding here, as with --frozen: what it does not say is an error "
		"and not built, so\n"
		"that what is tested is what was locked. --no-frozen tests what the mirrors have "
		"now.\n\n"
		"The sources are the files as they are; --commit takes the last commit instead. "
		"The summary names the\n"
		"first cause, and the status is that of the command that failed first. A folder in "
		".devenv/ci holds a\n"
		"log per stage and module, logs of the containers, and junit.xml. With --json "
		"events go to standard\n"
		"output, an object a line, as in `devenv events`.",
	.opts = ci_options,
	.opts_size = sizeof(struct ci_opts),
	.max_args = -1,
	.verbs = stage_words,
	.run = run_ci,
};
