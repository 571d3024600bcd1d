/*
 * compile, lint, test: one stage of modules, once. Comes in: which modules. Goes out: the tools'
 * own output where they failed, a line per module, a report; the first failing tool's exit status.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "cmd/results.h"
#include "cmd/stages.h"

struct stage_opts {
	const char *report;
};

static const struct opt stage_options[] = {
	{ "report", 0, OPT_TEXT, "FILE", "write the results as JUnit XML, too", NULL, COMPLETE_FILE,
		offsetof(struct stage_opts, report), false },
	{ 0 },
};

/* ---- which modules ---- */

static bool held_back(const struct context *c, const struct service *s)
{
	for (size_t i = 0; i < s->profiles.count; i++)
		if (strs_has(&c->g.profiles, s->profiles.items[i]))
			return false;
	return s->profiles.count > 0;
}

static int check_named(struct context *c, enum stage_kind k, const struct strs *names)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct service *s = named_service(c, names->items[i]);
		if (!s)
			return ERR_USAGE;
		if (service_stage(s, k))
			continue;
		err_set(&c->error, ERR_USAGE, "%s has no %s stage", s->name, stage_name(k));
		err_hint(&c->error, "services.%s.develop.%s: COMMAND gives it one", s->name,
			stage_name(k));
		c->error.place = s->place;
		return fail(c);
	}
	return 0;
}

static bool is_meant(const struct context *c, const struct service *s, enum stage_kind k,
	const struct strs *names)
{
	if (!service_stage(s, k) || s->left_out)
		return false;
	return names->count ? strs_has(names, s->name) : !held_back(c, s);
}

int shot_gather(struct shot *x, const struct strs *names)
{
	struct context *c = x->c;
	int status = open_places(c);
	status = status ? status : check_named(c, x->stage, names);
	if (status)
		return status;
	x->reqs = arena_array(&c->arena, struct stage_request, c->project.services.count + 1);
	for (size_t i = 0; i < c->project.services.count; i++) {
		const struct service *s = &c->project.services.items[i];
		if (!is_meant(c, s, x->stage, names))
			continue;
		x->reqs[x->modules.count] =
			(struct stage_request){ s, 1U << x->stage, "asked for" };
		struct module_state *m = list_push(&c->arena, &x->modules);
		m->service = s->name;
		m->cause = "asked";
		m->stages[x->stage].state = STAGE_WAITING;
		m->stages[x->stage].command = service_stage(s, x->stage)->command;
		m->stages[x->stage].place = service_stage(s, x->stage)->place;
	}
	x->outputs = arena_array(&c->arena, struct buf, x->modules.count + 1);
	return 0;
}

/* ---- preparing: images, dependencies, files for those that are down ---- */

static int prepare_modules(struct shot *x)
{
	struct context *c = x->c;
	struct prepare p = {
		.request = { .goal = GOAL_STAGES, .timeout_ms = -1 },
		.engine = true,
		.write = true,
	};
	for (size_t i = 0; i < x->modules.count; i++)
		strs_add(&c->arena, &p.request.services, x->reqs[i].service->name);
	int status = prepare(c, &p);
	if (!status && c->plan.steps.count && !c->g.dry_run) {
		status = carry_out(c);
		status = status ? status : look_again(c);
	}
	lock_drop(&c->lock); /* others may act meanwhile: a module's own lock is enough */
	c->locked = false;
	return status;
}

/* ---- running ---- */

static void keep(struct buf *out, const char *line)
{
	buf_adds(out, line);
	buf_addc(out, '\n');
	if (out->len > STAGE_OUTPUT_MAX)
		buf_consume(out, out->len / 2);
}

static void conclude(struct shot *x, size_t i, const struct event *ev)
{
	struct stage_result *r = &x->modules.items[i].stages[x->stage];
	bool cancelled = loop_signal(x->c->loop) != 0;
	r->duration_ms = ev->elapsed_ms;
	r->status = ev->kind == EV_DONE ? 0 : ev->step->status;
	r->state = ev->kind == EV_DONE ? STAGE_PASSED : cancelled ? STAGE_CANCELLED : STAGE_FAILED;
	if (ev->kind == EV_FAILED && r->status == -1 && !cancelled)
		keep(&x->outputs[i], ev->text);
	x->modules.items[i].took_ms = ev->elapsed_ms;
}

static void on_event(void *ctx, const struct event *ev)
{
	struct shot *x = ctx;
	if (x->also)
		x->also(x->ctx, ev);
	for (size_t i = 0; i < x->modules.count; i++) {
		const struct service *s = x->reqs[i].service;
		if (!ev->step || ev->step->kind != STEP_STAGE ||
			(ev->step->service != s &&
				!stage_is_common(ev->step->service, s, x->stage)))
			continue;
		if (ev->kind == EV_START)
			x->modules.items[i].began_ms = clock_ms();
		else if (ev->kind == EV_OUTPUT)
			keep(&x->outputs[i], ev->text);
		else if (ev->kind == EV_DONE || ev->kind == EV_FAILED)
			conclude(x, i, ev);
	}
}

int shot_run(struct shot *x)
{
	struct context *c = x->c;
	c->plan = (struct plan){ 0 };
	if (plan_all_stages(&c->arena, &c->project, &c->world, x->reqs, x->modules.count, true,
		    &c->plan, &c->diags))
		return report(c);
	if (c->g.dry_run)
		return show_plan(c);
	int status = carry_out_heard(c, on_event, x);
	for (size_t i = 0; i < x->modules.count; i++)
		x->modules.items[i].stages[x->stage].output =
			x->outputs[i].len ? x->outputs[i].data : NULL;
	return status;
}

void shot_release(struct shot *x)
{
	for (size_t i = 0; x->outputs && i < x->modules.count; i++)
		buf_release(&x->outputs[i]);
	x->outputs = NULL;
}

/* ---- showing ---- */

/* The tool's own words: of what failed, and of all with --progress plain. */
static void show_output(struct shot *x, size_t i, struct buf *out)
{
	struct context *c = x->c;
	const struct stage_result *r = &x->modules.items[i].stages[x->stage];
	bool plain = streq(c->g.progress, "plain");
	struct link_scope scope = { &c->project, x->reqs[i].service, 1000 };
	struct stage_text t = { .host = "", .link = link_to_file, .ctx = &scope };
	if (!r->output || (r->state != STAGE_FAILED && !plain))
		return;
	buf_addf(out, "%s of %s: %s\n", stage_name(x->stage), x->modules.items[i].service,
		r->command ? r->command : "");
	view_stage_output(out, &t, r->output, strlen(r->output), c->out);
	buf_addc(out, '\n');
}

static void show(struct shot *x)
{
	struct context *c = x->c;
	cleanup_buf struct buf out = BUF_INIT;
	if (c->g.json) {
		emit_node(view_modules_json(&c->arena, &x->modules));
		return;
	}
	for (size_t i = 0; i < x->modules.count; i++)
		show_output(x, i, &out);
	view_modules(&out, &x->modules, clock_ms(), c->out);
	emit(&out);
}

static int write_report(struct shot *x, const char *path)
{
	cleanup_buf struct buf out = BUF_INIT;
	if (!path || x->c->g.dry_run)
		return 0;
	view_junit(&out, x->c->project.name, &x->modules);
	if (file_write(path, buf_str(&out), out.len, 0644, false, &x->c->error))
		return fail(x->c);
	return 0;
}

/* That of the first tool that failed. */
static int first_status(const struct shot *x)
{
	for (size_t i = 0; i < x->modules.count; i++) {
		const struct stage_result *r = &x->modules.items[i].stages[x->stage];
		if (r->state == STAGE_FAILED)
			return r->status > 0 ? r->status : ERR_FAILED;
	}
	return 0;
}

static int run_stage(
	struct context *c, enum stage_kind k, const void *opts, const struct strs *args)
{
	const struct stage_opts *o = opts;
	struct shot x = { .c = c, .stage = k };
	int status = shot_gather(&x, args);
	if (!status && !x.modules.count)
		note(c, "no module has a %s stage", stage_name(k));
	if (!status && x.modules.count)
		status = prepare_modules(&x);
	if (!status && x.modules.count)
		status = shot_run(&x);
	bool ran = x.reqs && (!status || loop_signal(c->loop)) && !c->g.dry_run;
	if (ran)
		show(&x);
	int bad = ran ? write_report(&x, o->report) : 0;
	shot_release(&x);
	return status ? status : bad ? bad : first_status(&x);
}

static int run_compile(struct context *c, const void *opts, const struct strs *args)
{
	return run_stage(c, STAGE_COMPILE, opts, args);
}

static int run_lint(struct context *c, const void *opts, const struct strs *args)
{
	return run_stage(c, STAGE_LINT, opts, args);
}

static int run_test(struct context *c, const void *opts, const struct strs *args)
{
	return run_stage(c, STAGE_TEST, opts, args);
}

#define STAGE_COMMAND(WORD, HELP)                                                                  \
	.name = WORD, .group = "daily", .args = "[SVC...]", .help = HELP, .detail = detail,        \
	.opts = stage_options, .opts_size = sizeof(struct stage_opts), .max_args = -1,             \
	.complete = COMPLETE_SERVICE

static const char detail[] =
	"Runs where the module runs: in its container when that is up, else in one made for it, "
	"on the host\n"
	"for a host service. Modules run beside each other, those that need another one after it, "
	"and what\n"
	"two of them have in common once. The output of what failed is shown in full; with "
	"--progress plain\n"
	"that of the others, too. The exit status is that of the first command that failed.";

const struct cmd cmd_compile = {
	STAGE_COMMAND("compile", "run the compile stage of modules, once"),
	.run = run_compile,
};

const struct cmd cmd_lint = {
	STAGE_COMMAND("lint", "run the lint stage of modules, once"),
	.run = run_lint,
};

const struct cmd cmd_test = {
	STAGE_COMMAND("test", "run the test stage of modules, once"),
	.run = run_test,
};
