/*
 * One run of a group: its stages beside everything else, then what follows success under the
 * workspace's lock. Comes in: which modules and stages. Goes out: their states, output kept to a
 * bound. Decides only which modules have passed their gates.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/develop_parts.h"
#include "run/engine/call.h"
#include "run/probe.h"

enum { FINISH_MS = 5000 };

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- looking and planning ---- */

static int look_anew(struct group *g, struct err *e)
{
	struct develop_loop *d = g->loop;
	struct context *c = d->c;
	struct stage_run *r = g->run;
	struct world *w = &r->world;
	*w = (struct world){ .engine = c->engine != NULL };
	if (probe_local(&r->arena, &c->project, &c->places, w, e))
		return -1;
	if (c->engine && engine_look(c->engine, &r->arena, c->project.workspace, w, e))
		return -1;
	return d->hosts ? d->hosts->ops->look(d->hosts, &r->arena, w, e) : 0;
}

static int plan_run(struct group *g, unsigned mask, struct err *e)
{
	struct develop_loop *d = g->loop;
	struct stage_run *r = g->run;
	struct stage_request *reqs = arena_array(&r->arena, struct stage_request, d->count + 1);
	size_t count = 0;
	r->diags = (struct diags)DIAGS_INIT(&r->arena);
	each_member(g, m)
	{
		if (m->stages & mask)
			reqs[count++] = (struct stage_request){ m->service, m->stages & mask,
				arena_printf(&r->arena, "%s changed", buf_str(&m->cause)) };
	}
	if (!plan_all_stages(
		    &r->arena, &d->c->project, &r->world, reqs, count, false, &r->plan, &r->diags))
		return 0;
	err_set(e, ERR_CONFIG, "%s", r->diags.items[0].message);
	e->place = r->diags.items[0].place;
	return -1;
}

static void perform_plan(struct group *g)
{
	struct develop_loop *d = g->loop;
	struct stage_run *r = g->run;
	struct err quiet = ERR_INIT;
	if (!d->c->vault) /* stages on the host have their service's secrets */
		d->c->vault = vault_open(&d->c->places, false, &quiet);
	else
		vault_refresh(d->c->vault, &quiet); /* a rotation may have changed them */
	r->pf = (struct performer){
		.loop = d->c->loop,
		.engine = d->c->engine,
		.vault = d->c->vault,
		.places = &d->c->places,
		.world = &r->world,
		.lock = &r->lock,
		.hosts = d->hosts,
		.event = run_event,
		.ctx = g,
	};
	r->performance = perform_begin(&r->pf, &r->plan);
	r->fresh = true;
}

/* ---- locks: of the workspace, and of the stages of those that are restarted ---- */

static void unlock(struct group *g)
{
	lock_drop(&g->run->lock);
	each_module(g->loop, m)
	{
		if (m->group == g)
			lock_drop(&m->lock);
	}
}

/* A command that runs a stage in a container is not cut off by its restart. */
static int lock_stages(struct group *g, struct err *e)
{
	each_member(g, m)
	{
		bool own = m->service->develop->success == SUCCESS_EXEC; /* its step locks */
		if (m->stages && !own &&
			stages_lock(&g->loop->c->places, m->service->name, &m->lock, e))
			return -1;
	}
	return 0;
}

static bool lock_all(struct group *g)
{
	struct context *c = g->loop->c;
	struct stage_run *r = g->run;
	struct err e = ERR_INIT;
	const char *path = path_join(&r->arena, c->places.state, "lock");
	g->retry = 0;
	r->locked_at = now_ms();
	if (!lock_stages(g, &e) && !lock_take(&r->lock, path, 0, &e)) {
		each_member(g, m) module_why(m, "%s", "");
		return true;
	}
	unlock(g);
	g->retry = now_ms() + LOCK_RETRY_MS;
	each_member(g, m)
	{
		if (m->why.len)
			continue;
		module_why(m, "waits: %s", e.text);
		module_tell(m);
	}
	return false;
}

/* ---- the end of a run ---- */

static void end_stages(struct module *m, const struct err *e, bool cancelled)
{
	for (enum stage_kind k = 0; k < STAGES; k++) {
		struct stage_result *s = &m->state.stages[k];
		if (s->state != STAGE_WAITING && s->state != STAGE_RUNNING)
			continue;
		s->state = cancelled ? STAGE_CANCELLED : e ? STAGE_FAILED : STAGE_SKIPPED;
		if (e) {
			s->status = -1;
			run_keep_output(m, k, e->text, strlen(e->text));
		}
		e = NULL; /* what comes after it is skipped */
	}
}

static void end_run(struct group *g, const struct err *e)
{
	bool cancelled = g->turn.phase == TURN_CANCELLED;
	struct stage_run *r = g->run;
	each_member(g, m)
	{
		end_stages(m, e, cancelled);
		m->state.running = false;
		m->state.took_ms = clock_ms() - m->state.began_ms;
		module_tell(m);
	}
	unlock(g);
	arena_release(&r->arena);
	xfree(r);
	g->run = NULL;
	g->applies = false;
	develop_act(g, turn_ended(&g->turn, now_ns()));
}

static bool passed(const struct module *m)
{
	for (enum stage_kind k = 0; k < STAGE_SUCCESS; k++) {
		enum stage_state s = m->state.stages[k].state;
		if (m->stages & 1U << k && s != STAGE_PASSED && s != STAGE_WARNED)
			return false;
	}
	return true;
}

/* ---- what follows success ---- */

static void nothing_to_tell(struct group *g)
{
	each_member(g, m)
	{
		struct stage_result *s = &m->state.stages[STAGE_SUCCESS];
		if (s->state != STAGE_WAITING ||
			plan_find(&g->run->plan, STEP_READY, m->service->name))
			continue;
		s->state = STAGE_IDLE;
		module_why(m, "%s is not running", m->service->name);
	}
}

static void apply_begin(struct group *g)
{
	struct err e = ERR_INIT;
	if (!lock_all(g))
		return;
	if (look_anew(g, &e) || plan_run(g, 1U << STAGE_SUCCESS, &e)) {
		end_run(g, &e);
		return;
	}
	nothing_to_tell(g);
	perform_plan(g);
}

/* Others are let in when what is restarted takes its time to be ready. */
static void let_others_in(struct stage_run *r)
{
	if (!r->telling && now_ms() - r->locked_at > LOCK_HELD_MS)
		lock_drop(&r->lock);
}

static void checked(struct group *g)
{
	bool any = false;
	each_member(g, m)
	{
		bool goes_on = m->stages & 1U << STAGE_SUCCESS && passed(m);
		if (!goes_on)
			end_stages(m, NULL, g->turn.phase == TURN_CANCELLED);
		m->stages = goes_on ? 1U << STAGE_SUCCESS : 0;
		any |= goes_on;
	}
	if (any)
		turn_applies(&g->turn);
	if (g->turn.phase != TURN_APPLYING) {
		end_run(g, NULL);
		return;
	}
	g->applies = true;
	apply_begin(g);
}

static void performed(struct group *g)
{
	struct err e = ERR_INIT;
	perform_end(g->run->performance, &e);
	g->run->performance = NULL;
	if (!g->applies) {
		checked(g);
		return;
	}
	seen_keep(g);
	end_run(g, NULL);
}

/* ---- the doors of this file ---- */

static void enter(struct module *m)
{
	m->taking_part = m->dirty;
	if (!m->dirty)
		return;
	m->stages = m->asked ? m->asked & STAGE_BITS : module_stages(m);
	m->dirty = m->unseen = false;
	m->asked = 0;
	m->state.running = true;
	m->state.suspended = false;
	m->state.runs++;
	m->state.began_ms = clock_ms();
	m->state.more = m->next_more;
	buf_truncate(&m->cause, 0);
	buf_adds(&m->cause, m->next_cause.len ? m->next_cause.data : "asked");
	buf_truncate(&m->next_cause, 0);
	m->next_more = 0;
	module_why(m, "%s", "");
}

static void await_stages(struct module *m)
{
	for (enum stage_kind k = 0; k < STAGES; k++) {
		struct stage_result *s = &m->state.stages[k];
		if (s->state == STAGE_ABSENT)
			m->stages &= ~(1U << k);
		if (!(m->stages & 1U << k))
			continue;
		buf_truncate(&m->output[k], 0);
		s->state = STAGE_WAITING;
		s->status = 0;
		s->duration_ms = 0;
	}
	module_tell(m);
}

void run_begin(struct group *g)
{
	struct err e = ERR_INIT;
	g->run = xcalloc(1, sizeof(*g->run));
	g->run->lock.fd = -1;
	each_module(g->loop, m)
	{
		if (m->group == g)
			enter(m);
	}
	each_member(g, m) await_stages(m);
	if (look_anew(g, &e) || plan_run(g, GATE_BITS, &e)) {
		end_run(g, &e);
		return;
	}
	perform_plan(g);
}

static void step_run(struct group *g)
{
	struct stage_run *r = g->run;
	r->fresh = false;
	bool more = perform_step(r->performance);
	if (more && g->applies)
		let_others_in(r);
	if (!more)
		performed(g);
}

/* What follows the stages begins in the same turn: nothing would wake the loop for it. */
void run_turn(struct group *g)
{
	if (!g->run->performance && g->retry && now_ms() >= g->retry)
		apply_begin(g);
	do {
		if (g->run && g->run->performance)
			step_run(g);
	} while (g->run && g->run->fresh);
}

void run_cancel(struct group *g)
{
	if (g->run->performance)
		perform_cancel(g->run->performance, 1);
}

/* What a stage began inside a container is ended there, which takes a moment. */
static void finish(struct group *g, struct performance *x)
{
	struct err ignored = ERR_INIT;
	int64_t until = now_ms() + FINISH_MS;
	perform_cancel(x, 2);
	while (perform_step(x) && now_ms() < until)
		engine_turn(g->loop->c->engine, g->loop->c->loop, perform_timeout(x, 100));
	perform_end(x, &ignored);
}

void run_free(struct group *g)
{
	struct stage_run *r = g->run;
	if (!r)
		return;
	if (r->performance)
		finish(g, r->performance);
	unlock(g);
	arena_release(&r->arena);
	xfree(r);
	g->run = NULL;
}
