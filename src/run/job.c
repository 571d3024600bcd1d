/*
 * What a running step has at hand: a voice, the world's containers as they are now, the environment
 * of its children. Comes in: the job. Knows neither the graph nor the kinds of steps.
 */
#include "run/job.h"

#include <stdio.h>
#include <string.h>

void run_say(struct run *r, const struct event *ev)
{
	if (r->pf->event)
		r->pf->event(r->pf->ctx, ev);
}

void job_say_n(struct job *j, enum event_kind kind, const char *text, size_t len, double fraction)
{
	buf_truncate(&j->scratch, 0);
	buf_add(&j->scratch, text, len);
	nul_to_space(j->scratch.data, len);
	struct event ev = {
		.kind = kind,
		.step = j->step,
		.text = buf_str(&j->scratch),
		.elapsed_ms = now_ms() - j->started,
		.fraction = fraction,
	};
	run_say(j->run, &ev);
}

void job_say(struct job *j, enum event_kind kind, const char *text, double fraction)
{
	job_say_n(j, kind, text, strlen(text), fraction);
}

void job_await(struct job *j, const char *fmt, ...)
{
	char text[300];
	va_list ap;
	int64_t now = now_ms();
	if (now - (j->told ? j->told : j->started) < 1000)
		return;
	j->told = now;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	job_say(j, EV_PROGRESS, text, -1);
}

int job_look(struct job *j)
{
	struct run *r = j->run;
	if (!r->containers_stale)
		return 0;
	if (units_look(r->pf->engine, r->pf->hosts, r->plan->arena, r->plan->project->workspace,
		    r->pf->world, &j->error))
		return -1;
	r->containers_stale = false;
	return 0;
}

int job_containers(struct job *j, struct strs *ids)
{
	const struct step *s = j->step;
	const char *service = s->service ? s->service->name : s->unit;
	*ids = s->containers;
	if (ids->count)
		return 0;
	if (job_look(j))
		return -1;
	*ids = (struct strs){ 0 };
	struct world *w = j->run->pf->world;
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *c = &w->containers.items[i];
		if (!c->host && !c->one_off && streq(c->service, service))
			strs_add(&j->run->arena, ids, c->id);
	}
	return 0;
}

const char *const *job_environment(struct job *j)
{
	struct arena *a = &j->run->arena;
	struct strs extra = { 0 };
	if (j->run->pf->engine)
		strs_add(a, &extra,
			arena_printf(a, "DOCKER_HOST=%s", engine_host(j->run->pf->engine)));
	for (size_t i = 0; i < j->step->env.count; i++)
		strs_add(a, &extra, j->step->env.items[i]);
	return (const char *const *)clean_environment(a, &extra);
}
