/*
 * The develop loop's part of planning: stages of modules, what follows their success, and those who
 * depend on it. Comes in: project, world, which stages of which modules. Goes out: steps, each
 * needing the one before. Runs nothing and knows no files.
 */
#include "parts.h"

enum { STAGE_MS = 30 * 60 * 1000 };

static struct stage success_stage(const struct service *s)
{
	return (struct stage){ .command = s->develop->success_arg,
		.place = s->develop->success_place };
}

static struct stage stage_of(const struct service *s, enum stage_kind k)
{
	const struct stage *stage = service_stage(s, k);
	if (k == STAGE_SUCCESS)
		return success_stage(s);
	return stage ? *stage : (struct stage){ .command = NULL };
}

static bool same_tools(const struct service *a, const struct service *b)
{
	if (a->where != b->where)
		return false;
	if (a->where == RUN_HOST)
		return a->on_host && b->on_host &&
		       streq(a->on_host->working_dir, b->on_host->working_dir);
	return a->image == b->image && streq(a->image_name, b->image_name) && !a->build &&
	       !b->build && streq(a->user, b->user) && streq(a->working_dir, b->working_dir) &&
	       streq(a->develop->deps.install, b->develop->deps.install);
}

bool stage_is_common(const struct service *a, const struct service *b, enum stage_kind k)
{
	if (a == b || !a->develop || !b->develop || k == STAGE_SUCCESS)
		return false;
	struct stage one = stage_of(a, k), two = stage_of(b, k);
	return one.command && streq(one.command, two.command) && one.warn == two.warn &&
	       streq(a->develop->source, b->develop->source) && same_tools(a, b);
}

bool stages_shared(const struct service *a, const struct service *b)
{
	return stage_is_common(a, b, STAGE_COMPILE) || stage_is_common(a, b, STAGE_LINT) ||
	       stage_is_common(a, b, STAGE_TEST);
}

/* ---- where a stage runs ---- */

/* The copy that serves: stages run in it, with the tools and the neighbours that it has. */
static const struct container *home_of(const struct make *m, const struct service *s)
{
	const struct container *c = world_container(m->w, s->name);
	return c && !c->host && c->state == UNIT_RUNNING ? c : NULL;
}

static void on_host(struct make *m, struct step *s, const struct service *service, const char *line)
{
	struct host_spec *spec = host_errand(m, service);
	step_words(m, s, (const char *const[]){ "/bin/sh", "-c", line, NULL });
	s->dir = spec->dir;
	spec->argv = s->argv;
	spec->place = s->place;
	*list_push(m->a, &s->hosts) = spec;
}

/* The first one makes the network that they all need. */
static void await_first(struct make *m, struct step *s)
{
	for (size_t i = 0; i < m->plan->steps.count; i++) {
		struct step *first = m->plan->steps.items[i];
		if (first == s || !first->one_off)
			continue;
		plan_need(m->plan, s, first);
		return;
	}
}

static const char *stage_container(struct make *m, const struct service *s)
{
	return arena_printf(m->a, "%s-stage-%s", m->p->workspace, s->name);
}

/* Its name lets the performer end it: a killed client leaves the container at work. */
static void in_new_container(
	struct make *m, struct step *s, const struct service *service, const char *line)
{
	const char *name = stage_container(m, service);
	compose_run_words(m, s);
	step_words(m, s,
		(const char *const[]){ "--name", name, "--entrypoint", "/bin/sh", service->name,
			"-c", line, NULL });
	strs_add(m->a, &s->containers, name);
	s->dir = m->p->dir;
	s->one_off = true;
}

/* The module's container is there, made from what is wanted now: Compose is not needed for one
 * more. */
static void in_container_alike(
	struct make *m, struct step *s, const struct service *service, const char *line)
{
	step_words(m, s, (const char *const[]){ "/bin/sh", "-c", line, NULL });
	strs_add(m->a, &s->containers, stage_container(m, service));
	s->one_off = s->alike = true;
}

/* A run of its own makes all containers first, each from what is wanted now. */
static bool made_for_run(const struct make *m, const struct service *s)
{
	return m->p->run && world_container(m->w, s->name);
}

static void in_container(
	struct make *m, struct step *s, const struct container *home, const char *line)
{
	step_words(m, s, (const char *const[]){ "/bin/sh", "-c", line, NULL });
	s->dir = s->service->working_dir;
	strs_add(m->a, &s->containers, home->id);
}

static const char *line_of(struct make *m, const struct service *s, const struct stage *stage)
{
	const char *line = plan_expand(m->a, m->p, m->w, s, stage->command, stage->place, m->d);
	if (line && holds_secret(line))
		complain(m, stage->place,
			"a secret in a stage's command would be visible to "
			"everyone")
			->hint = "read it from a file under /run/secrets";
	return line;
}

/* anew: the container that is there is not asked, it is about to be replaced or started. */
static struct step *stage_step(
	struct make *m, const struct service *s, enum stage_kind k, bool anew, const char *why)
{
	struct stage stage = stage_of(s, k);
	const struct container *home = anew ? NULL : home_of(m, s);
	const char *line = line_of(m, s, &stage);
	struct step *step = plan_add(m->plan, STEP_STAGE, s->name, stage.place, "%s", why);
	step->id = arena_printf(m->a, "%s %s", stage_name(k), s->name);
	step->service = s;
	step->stage = (int)k;
	step->soft = stage.warn;
	step->timeout_ms = STAGE_MS;
	if (!line)
		return step;
	if (s->where == RUN_HOST)
		on_host(m, step, s, line);
	else if (home)
		in_container(m, step, home, line);
	else if ((anew && !unit_of(m, s)->guarded) || made_for_run(m, s))
		in_container_alike(m, step, s, line);
	else
		in_new_container(m, step, s, line);
	return step;
}

/* The step that does the same for another module. */
static struct step *common_step(const struct make *m, const struct service *s, enum stage_kind k)
{
	for (size_t i = 0; i < m->plan->steps.count; i++) {
		struct step *step = m->plan->steps.items[i];
		if (step->kind == STEP_STAGE && step->stage == (int)k &&
			stage_is_common(step->service, s, k))
			return step;
	}
	return NULL;
}

struct step *plan_gates(struct make *m, const struct service *s, unsigned stages, bool anew,
	const struct step_list *after, const char *why)
{
	struct step *last = NULL;
	for (enum stage_kind k = STAGE_COMPILE; k < STAGE_SUCCESS; k++) {
		struct step *common = common_step(m, s, k);
		if (!(stages & 1U << k) || !stage_of(s, k).command)
			continue;
		struct step *step = common ? common : stage_step(m, s, k, anew, why);
		for (size_t i = 0; !common && i < after->count; i++)
			plan_need(m->plan, step, after->items[i]);
		if (step != last)
			plan_need(m->plan, step, last);
		last = step;
	}
	return last;
}

/* A run of its own has had them, or was not asked for them. */
static unsigned stages_before_start(const struct project *p)
{
	if (p->run)
		return 0;
	unsigned lint = p->up.lint == STAGE_BEFORE_START ? 1U << STAGE_LINT : 0;
	unsigned test = p->up.test == STAGE_BEFORE_START ? 1U << STAGE_TEST : 0;
	return 1U << STAGE_COMPILE | lint | test;
}

bool has_gates(const struct make *m, const struct service *s)
{
	unsigned stages = s->develop && m->p->dev ? stages_before_start(m->p) : 0;
	for (enum stage_kind k = STAGE_COMPILE; k < STAGE_SUCCESS; k++) {
		struct stage stage = { .command = NULL };
		if (stages & 1U << k)
			stage = stage_of(s, k);
		if (stage.command && !stage.warn)
			return true;
	}
	return false;
}

struct step *plan_first_stages(struct make *m, const struct unit *u, struct step *after)
{
	struct step *const before[] = { after, u->hosted ? NULL : m->create,
		u->hosted ? NULL : m->built, u->built, u->install, m->mount_points };
	struct step_list needs = { 0 };
	if (!u->service->develop || !m->p->dev)
		return NULL;
	for (size_t i = 0; i < countof(before); i++)
		*list_push(m->a, &needs) = before[i];
	for (size_t i = 0; i < u->shared.count; i++)
		*list_push(m->a, &needs) = plan_find(m->plan, STEP_EXEC, u->shared.items[i].name);
	return plan_gates(
		m, u->service, stages_before_start(m->p), true, &needs, "before it is started");
}

/* ---- what follows a success ---- */

/* One that was stopped on purpose stays so; one that failed is started again. */
static bool is_due(const struct service *s, const struct container *c)
{
	static const int asked[] = { 0, 128 + 2, 128 + 9, 128 + 15 };
	if (!c || c->state == UNIT_ABSENT || c->state == UNIT_CREATED || c->state == UNIT_PAUSED ||
		c->state == UNIT_REMOVING)
		return false;
	for (size_t i = 0; c->state == UNIT_EXITED && s->kind == KIND_SERVICE && i < countof(asked);
		i++) {
		if (c->exit_code == asked[i])
			return false;
	}
	return true;
}

static struct step *tell(
	struct make *m, const struct service *s, const struct container *c, const char *why)
{
	struct step *step =
		plan_add(m->plan, STEP_RELOAD, s->name, s->develop->success_place, "%s", why);
	step->service = s;
	if (s->develop->success == SUCCESS_SIGNAL && c->state == UNIT_RUNNING)
		step->signal = s->develop->success_arg;
	return step;
}

static void plan_success(
	struct make *m, const struct service *s, struct step *gate, const char *why)
{
	const struct container *c = world_container(m->w, s->name);
	struct unit *u = unit_of(m, s);
	struct step *step;
	if (s->develop->success == SUCCESS_NONE || !is_due(s, c))
		return;
	if (s->develop->success == SUCCESS_EXEC && c->state == UNIT_RUNNING)
		step = stage_step(m, s, STAGE_SUCCESS, false, why);
	else
		step = tell(m, s, c, why);
	plan_need(m->plan, step, gate);
	await_needs(m, step, s);
	u->ready = plan_add(m->plan, STEP_READY, s->name,
		s->check.place.file ? s->check.place : s->place, "%s", why);
	u->ready->service = s;
	u->ready->timeout_ms = s->check.deadline_ms;
	plan_need(m->plan, u->ready, step);
	if (step->kind == STEP_RELOAD && !step->signal)
		u->start = step;
}

/* ---- whole runs ---- */

static const struct stage_request *request_of(
	const struct stage_request *reqs, size_t count, const struct service *s)
{
	for (size_t i = 0; i < count; i++) {
		if (reqs[i].service == s)
			return &reqs[i];
	}
	return NULL;
}

/* One-shot: in order of need, but each for itself. */
static void plan_alone(struct make *m, const struct stage_request *req)
{
	struct unit *u = unit_of(m, req->service);
	struct step needs = { .id = NULL };
	await_needs(m, &needs, req->service);
	struct step_list after = { needs.needs.items, needs.needs.count, needs.needs.cap };
	u->start = u->ready = plan_gates(m, req->service, req->stages, false, &after, req->why);
	if (u->start && u->start->one_off && !u->start->alike)
		await_first(m, u->start);
	for (size_t i = 0; i < m->plan->steps.count; i++)
		m->plan->steps.items[i]->soft = true;
}

static void plan_one(struct make *m, const struct stage_request *req)
{
	struct step_list none = { 0 };
	struct step *gate = plan_gates(m, req->service, req->stages, false, &none, req->why);
	if (req->stages & 1U << STAGE_SUCCESS)
		plan_success(m, req->service, gate, req->why);
}

int plan_all_stages(struct arena *a, const struct project *p, const struct world *w,
	const struct stage_request *reqs, size_t count, bool alone, struct plan *out,
	struct diags *d)
{
	struct make m;
	make_begin(&m, a, p, w, &make_nothing, out, d);
	for (size_t i = 0; i < p->services.count; i++) {
		const struct stage_request *req = request_of(reqs, count, &p->services.items[i]);
		if (req && alone)
			plan_alone(&m, req);
		else if (req)
			plan_one(&m, req);
		pass_gates(&m, &m.units[i]);
	}
	if (!alone)
		plan_followers(&m);
	return make_end(&m);
}

int plan_stages(struct arena *a, const struct project *p, const struct world *w,
	const struct stage_request *req, struct plan *out, struct diags *d)
{
	return plan_all_stages(a, p, w, req, 1, false, out, d);
}
