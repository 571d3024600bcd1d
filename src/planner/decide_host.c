/*
 * The fate of a host service: its processes, as the supervisor tells of them, against its specs.
 * Each copy is judged by itself. Goes out: which copies are started, and why.
 */
#include "parts.h"

#include <string.h>

static const struct container *process_of(const struct make *m, const struct host_copy *copy)
{
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		if (c->host && !c->one_off && c->number == copy->spec->number &&
			streq(c->service, copy->spec->service))
			return c;
	}
	return NULL;
}

static bool is_up(const struct container *c)
{
	return c->state == UNIT_RUNNING || c->state == UNIT_STARTING ||
	       c->state == UNIT_RESTARTING || c->state == UNIT_PAUSED;
}

static const char *why_down(struct make *m, const struct container *c)
{
	if (c->state == UNIT_EXITED)
		return arena_printf(m->a, "it has stopped with status %d", c->exit_code);
	if (c->state == UNIT_DEAD)
		return c->note ? c->note : "it was given up";
	return arena_printf(m->a, "process is %s", unit_state_name(c->state));
}

/* A job that succeeded with what is wanted now has done its work. */
static bool job_done(const struct make *m, const struct unit *u, const struct container *c)
{
	const struct unit_record *r = world_record(m->w, u->service->name);
	return c->state == UNIT_EXITED && service_success(u->service, c->exit_code) && r &&
	       streq(r->job_hash, u->digest);
}

static const char *why_changed_copy(
	struct make *m, struct unit *u, const struct host_copy *copy, const struct container *c)
{
	memcpy(u->parts, copy->parts, sizeof(u->parts));
	const char *why = why_changed(m, u, c);
	memcpy(u->parts, u->copies.items[0].parts, sizeof(u->parts));
	return why;
}

/* Why it is replaced or made; NULL: what is there will do. */
static const char *why_anew(
	struct make *m, struct unit *u, const struct host_copy *copy, const struct container *c)
{
	if (!c || c->state == UNIT_ABSENT)
		return "process absent";
	if (asked_anew(m, u))
		return "asked to be made anew";
	return streq(c->hash, copy->spec->hash) ? NULL : why_changed_copy(m, u, copy, c);
}

static void await(struct unit *u, const char *why)
{
	if (u->fate != FATE_KEEP)
		return;
	u->fate = FATE_READY;
	u->why = why;
}

/* One that runs as it should: only its readiness may be open. */
static void judge_running(struct make *m, struct unit *u, const struct container *c)
{
	if (u->service->kind == KIND_JOB)
		await(u, "still at work");
	else if (c->state == UNIT_RESTARTING)
		await(u, "restarting again and again");
	else if (c->number == 1 && !world_seen_ready(m->w, c))
		await(u, "not seen ready yet");
}

static void judge(struct make *m, struct unit *u, struct host_copy *copy)
{
	const struct container *c = process_of(m, copy);
	copy->why = why_anew(m, u, copy, c);
	u->anew |= copy->why != NULL;
	if (copy->why)
		return;
	if (is_up(c))
		judge_running(m, u, c);
	else if (u->service->kind != KIND_JOB)
		copy->why = why_down(m, c);
	else if (!job_done(m, u, c))
		copy->why = service_success(u->service, c->exit_code) ? "its success was not seen"
								      : why_down(m, c);
	else
		copy->why = why_again(m, u);
}

void decide_host(struct make *m, struct unit *u)
{
	const char *why = NULL;
	for (size_t i = 0; i < u->copies.count; i++) {
		struct host_copy *copy = &u->copies.items[i];
		judge(m, u, copy);
		if (copy->why && !why)
			why = copy->spec->number == 1 ? copy->why
						      : arena_printf(m->a, "copy %d: %s",
								copy->spec->number, copy->why);
	}
	if (!why)
		return;
	u->fate = FATE_START;
	u->why = why;
}
