/*
 * Waiting for readiness: as a step of a plan, and alone for `wait`. Comes in: services. Goes out:
 * events that say who is awaited, and a verdict. How readiness shows is ready.c's.
 */
#include <stdio.h>
#include <string.h>

#include "run/io/loop.h"
#include "run/ready_probe.h"
#include "run/records.h"

/* ---- STEP_READY ---- */

struct ready_unit *job_ready_begin(struct job *j, const char *id, int64_t deadline_ms)
{
	struct run *r = j->run;
	if (!r->readiness)
		r->readiness = readiness_new(r->pf, r->plan->arena, r->plan->project);
	r->containers_stale = true;
	return readiness_add(r->readiness, j->step->service, id, deadline_ms);
}

static enum verdict step_start(struct job *j)
{
	if (!j->step->service)
		bug("a READY step without service");
	j->state = job_ready_begin(j, NULL, j->step->timeout_ms);
	return GOES_ON;
}

/* What a job succeeded with, and which directories a container was started upon. */
static void note_chosen(struct job *j, const struct chosen *c, bool started)
{
	struct world *w = j->run->pf->world;
	struct arena *a = j->run->plan->arena;
	for (size_t k = 0; k < w->records.count; k++) {
		struct unit_record *r = &w->records.items[k];
		if (!streq(r->service, c->service->name))
			continue;
		if (c->service->kind == KIND_JOB)
			r->job_hash = c->hash;
		if (!started)
			continue;
		r->mounts = (struct strs){ 0 };
		r->stale = NULL;
		for (size_t i = 0; i < c->binds.count; i++)
			strs_add(a, &r->mounts, mount_identity(a, c->binds.items[i]));
	}
}

enum verdict job_ready_tick(struct job *j, struct ready_unit *u)
{
	enum verdict v = ready_verdict(u, &j->error);
	if (v == GOES_ON)
		job_await(j, "waiting for %s: %s%s%s%s", u->service->name, u->awaited,
			u->last[0] ? " (" : "", u->last, u->last[0] ? ")" : "");
	if (v == SUCCEEDED) {
		const struct plan *p = j->run->plan;
		ready_note(j->run->readiness, u);
		bool started = plan_find(p, STEP_START, u->service->name) != NULL;
		for (size_t i = 0; i < p->chosen.count; i++)
			if (p->chosen.items[i].service == u->service)
				note_chosen(j, &p->chosen.items[i], started);
	}
	return v;
}

static enum verdict step_tick(struct job *j)
{
	return job_ready_tick(j, j->state);
}

const struct step_ops ops_ready = { step_start, step_tick, NULL, NULL };

/* ---- `wait` ---- */

static void tell(struct performer *pf, const struct ready_unit *u, int64_t elapsed_ms)
{
	char text[600];
	snprintf(text, sizeof(text), "waiting for %s: %s", u->service->name, u->awaited);
	struct event ev = {
		.kind = EV_PROGRESS, .text = text, .elapsed_ms = elapsed_ms, .fraction = -1
	};
	if (pf->event)
		pf->event(pf->ctx, &ev);
}

/* The first failure, or how many still wait. */
static int survey(struct readiness *rd, struct err *e)
{
	int waiting = 0;
	for (struct ready_unit *u = rd->units; u; u = u->next) {
		if (ready_verdict(u, e) == BROKE)
			return -1;
		waiting += u->verdict == GOES_ON;
	}
	return waiting;
}

int ready_wait(struct performer *pf, const struct service *const *services, size_t count,
	int64_t timeout_ms, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct readiness *rd = readiness_new(pf, &a, NULL);
	int before = loop_interrupts(pf->loop), left;
	int64_t started = now_ms(), told = started;
	rd->workspace = path_base(pf->places->state);
	for (size_t i = 0; i < count; i++)
		readiness_add(rd, services[i], NULL, timeout_ms);
	while ((left = survey(rd, e)) > 0 && loop_interrupts(pf->loop) == before) {
		engine_turn(pf->engine, pf->loop, readiness_timeout(rd, 200));
		readiness_tick(rd);
		if (now_ms() - told < 1000)
			continue;
		told = now_ms();
		for (struct ready_unit *u = rd->units; u; u = u->next)
			if (u->verdict == GOES_ON)
				tell(pf, u, told - started);
	}
	readiness_free(rd);
	arena_release(&a);
	if (left > 0)
		return err_set(e, ERR_FAILED, "interrupted");
	return left;
}
