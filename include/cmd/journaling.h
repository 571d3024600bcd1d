/*
 * What commands and the agent note in the workspace's journal, for `events`: plans and their steps,
 * units of host services, stages of modules.
 */
#ifndef CMD_JOURNALING_H
#define CMD_JOURNALING_H

#include "cmd/context.h"

/* A plan that is carried out. A plan without steps leaves no trace. */
struct plan_notes {
	const struct context *context;
	int64_t began; /* monotonic ms */
};
void plan_begins(struct plan_notes *n, const struct context *c);
void plan_goes_on(const struct plan_notes *n, const struct event *ev, const char *text);
void plan_ends(const struct plan_notes *n, bool failed);

/* How a container or process is called in `status`, as a happening of this moment. */
struct happening unit_happening(const struct project *p, const struct container *k);
/* What was noted last, so that only changes are: a module's event brings all of its stages. */
struct told; /* heap */
struct told *told_new(void);
void note_unit(const struct context *c, struct told *t, const struct container *k);
void note_module(const struct context *c, struct told *t, const struct module_state *m);
void told_free(struct told *t);

void note_agent(
	const struct context *c, enum happening_kind k, const char *state, const char *text);

#endif
