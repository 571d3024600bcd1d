/*
 * Notes for the journal. Comes in: what carries a plan out, supervises and watches. Goes out:
 * happenings with the words that `status` has for them. Decides nothing and fails never.
 */
#include "cmd/journaling.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run/control/journal.h"

/* ---- plans ---- */

static void add(const struct context *c, const struct happening *h)
{
	if (c->have_places)
		journal_add(&c->places, h);
}

static struct happening plan_happening(const struct plan_notes *n, const char *state)
{
	struct happening h = HAPPENING(HAPPENED_PLAN);
	h.name = n->context->cmd ? n->context->cmd->name : "";
	h.state = state;
	h.pid = getpid();
	return h;
}

void plan_begins(struct plan_notes *n, const struct context *c)
{
	*n = (struct plan_notes){ .context = c, .began = now_ms() };
	struct happening h = plan_happening(n, "started");
	h.steps = (int64_t)c->plan.steps.count;
	if (h.steps)
		add(c, &h);
}

void plan_ends(const struct plan_notes *n, bool failed)
{
	struct happening h = plan_happening(n, failed ? "failed" : "done");
	h.duration_ms = now_ms() - n->began;
	if (n->context->plan.steps.count)
		add(n->context, &h);
}

/* What the plan alone knows of a service: what `up` saw answer is ready, a job that ended well is
 * done, a process that is removed is absent. */
static void note_state(const struct plan_notes *n, const struct step *s, const char *state)
{
	const struct container *k = world_container(&n->context->world, s->service->name);
	struct happening h = HAPPENING(HAPPENED_UNIT);
	h.service = s->service->name;
	h.state = state;
	h.where = s->service->where == RUN_HOST ? "host" : "container";
	h.id = k && *k->id ? k->id : NULL;
	h.number = 1;
	add(n->context, &h);
}

void plan_goes_on(const struct plan_notes *n, const struct event *ev, const char *text)
{
	static const char *const states[] = {
		[EV_START] = "started",
		[EV_PROGRESS] = NULL,
		[EV_OUTPUT] = NULL,
		[EV_DONE] = "done",
		[EV_FAILED] = "failed",
		[EV_SKIPPED] = "skipped",
		[EV_NOTE] = NULL,
	};
	if (!ev->step || !states[ev->kind])
		return;
	struct happening h = HAPPENING(HAPPENED_STEP);
	h.name = ev->step->id;
	h.state = states[ev->kind];
	h.service = ev->step->service ? ev->step->service->name : NULL;
	h.text = ev->kind == EV_START ? ev->step->why : text && *text ? text : NULL;
	h.duration_ms = ev->kind == EV_DONE || ev->kind == EV_FAILED ? ev->elapsed_ms : -1;
	add(n->context, &h);
	if (ev->kind == EV_DONE && ev->step->service && ev->step->kind == STEP_READY)
		note_state(n, ev->step, ev->step->service->kind == KIND_JOB ? "done" : "ready");
	else if (ev->kind == EV_DONE && ev->step->service && ev->step->kind == STEP_REMOVE &&
		 step_on_host(ev->step))
		note_state(n, ev->step, "absent");
}

/* ---- what was told last ---- */

struct told_module {
	const char *service;
	enum stage_state stages[STAGES];
};
struct told {
	struct arena arena;
	char unit[400]; /* the last, in a line */
	struct {
		struct told_module *items;
		size_t count, cap;
	} modules;
};

struct told *told_new(void)
{
	return xcalloc(1, sizeof(struct told));
}

void told_free(struct told *t)
{
	if (t)
		arena_release(&t->arena);
	xfree(t);
}

/* ---- units ---- */

struct happening unit_happening(const struct project *p, const struct container *k)
{
	struct happening h = HAPPENING(HAPPENED_UNIT);
	h.service = k->service;
	h.state = view_container_word(project_service(p, k->service), k);
	h.where = k->host ? "host" : "container";
	h.id = k->id;
	h.number = k->one_off ? 0 : k->number;
	h.pid = k->pid;
	h.status = k->state == UNIT_EXITED ? k->exit_code : -1;
	h.text = streq(k->note, h.state) ? NULL : k->note;
	return h;
}

/* The supervisor says some things twice. */
void note_unit(const struct context *c, struct told *t, const struct container *k)
{
	char now[sizeof(t->unit)];
	struct happening h = unit_happening(&c->project, k);
	snprintf(now, sizeof(now), "%s %s %ld %s", k->id, h.state, (long)h.pid,
		h.text ? h.text : "");
	if (!streq(now, t->unit))
		add(c, &h);
	memcpy(t->unit, now, sizeof(now));
}

/* ---- modules ---- */

static struct told_module *told_of(struct told *t, const char *service)
{
	for (size_t i = 0; i < t->modules.count; i++)
		if (streq(t->modules.items[i].service, service))
			return &t->modules.items[i];
	struct told_module *m = list_push(&t->arena, &t->modules);
	*m = (struct told_module){ .service = arena_strdup(&t->arena, service) };
	return m;
}

static bool is_over(enum stage_state s)
{
	return s >= STAGE_PASSED;
}

static void note_stage(const struct context *c, const struct module_state *m, enum stage_kind k)
{
	const struct stage_result *r = &m->stages[k];
	struct happening h = HAPPENING(HAPPENED_STAGE);
	bool ran = r->state == STAGE_PASSED || r->state == STAGE_WARNED || r->state == STAGE_FAILED;
	h.service = m->service;
	h.name = stage_name(k);
	h.state = stage_state_name(r->state);
	h.cause = m->cause;
	h.status = ran ? r->status : -1;
	h.duration_ms = ran ? r->duration_ms : -1;
	add(c, &h);
}

void note_module(const struct context *c, struct told *t, const struct module_state *m)
{
	struct told_module *told = told_of(t, m->service);
	for (int k = 0; k < STAGES; k++) {
		enum stage_state now = m->stages[k].state;
		bool changed = now != told->stages[k];
		told->stages[k] = now;
		if (changed && (now == STAGE_RUNNING || is_over(now)))
			note_stage(c, m, (enum stage_kind)k);
	}
}

/* ---- the agent ---- */

void note_agent(const struct context *c, enum happening_kind k, const char *state, const char *text)
{
	struct happening h = HAPPENING(k);
	h.state = state;
	h.text = text && *text ? text : NULL;
	h.pid = k == HAPPENED_AGENT ? getpid() : 0;
	add(c, &h);
}
