/*
 * The plan's own small motions: adding a step, stating a need, finding one.
 */
#include "model/plan.h"

#include <stdarg.h>

static const char *const kind_names[] = {
	[STEP_WRITE] = "write",
	[STEP_BUILD] = "build",
	[STEP_EXEC] = "exec",
	[STEP_START] = "start",
	[STEP_STOP] = "stop",
	[STEP_REMOVE] = "remove",
	[STEP_READY] = "ready",
	[STEP_RELOAD] = "reload",
	[STEP_STAGE] = "stage",
	[STEP_DROP_VOLUME] = "drop volume",
	[STEP_DROP_NETWORK] = "drop network",
};

const char *step_kind_name(enum step_kind k)
{
	if ((size_t)k >= countof(kind_names))
		bug("no such kind of step: %d", (int)k);
	return kind_names[k];
}

struct step *plan_add(struct plan *p, enum step_kind kind, const char *unit, struct place place,
	const char *why_fmt, ...)
{
	struct step *s = arena_new(p->arena, struct step);
	va_list ap;
	va_start(ap, why_fmt);
	s->why = arena_vprintf(p->arena, why_fmt, ap);
	va_end(ap);
	s->kind = kind;
	s->unit = unit;
	s->place = place;
	s->id = unit ? arena_printf(p->arena, "%s %s", step_kind_name(kind), unit)
		     : step_kind_name(kind);
	*list_push(p->arena, &p->steps) = s;
	return s;
}

void plan_need(struct plan *p, struct step *s, struct step *needed)
{
	for (size_t i = 0; i < s->needs.count; i++) {
		if (s->needs.items[i] == needed)
			return;
	}
	if (needed)
		*list_push(p->arena, &s->needs) = needed;
}

struct step *plan_find(const struct plan *p, enum step_kind kind, const char *unit)
{
	for (size_t i = 0; i < p->steps.count; i++) {
		struct step *s = p->steps.items[i];
		if (s->kind == kind && streq(s->unit, unit))
			return s;
	}
	return NULL;
}

bool step_on_host(const struct step *s)
{
	if (s->hosts.count)
		return true;
	if (s->containers.count)
		return starts_with(s->containers.items[0], "host:");
	return s->service && s->service->where == RUN_HOST;
}
