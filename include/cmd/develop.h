/*
 * The develop loop: saved files become runs of stages. Owned by the agent, turned by its loop; the
 * decisions (which module runs, when, what a change during a run does) are planner/stages.c's.
 */
#ifndef CMD_DEVELOP_H
#define CMD_DEVELOP_H

#include "cmd/context.h"
#include "run/host/hosts.h"

struct develop_switches {
	bool watch, lint, test;
};

struct develop_ops { /* what happened, for the agent's followers */
	void (*module)(void *ctx, const struct module_state *m);
	void (*output)(void *ctx, const char *service, enum stage_kind stage, const char *line,
		size_t len);
	void (*note)(void *ctx, const char *text);
	/* The configuration or what an image or the dependencies are made of changed: bring
	 * everything up anew (the agent runs `devenv up`), then call develop_settled(). */
	void (*changed)(void *ctx, const char *service, const struct strs *paths);
};

struct develop_loop; /* heap; struct develop is what a module is configured to do */

/* c: a loaded project with places and loop; it must stay. services: none: all modules. */
struct develop_loop *develop_new(struct context *c, struct hosts *hosts,
	const struct strs *services, struct develop_switches on, const struct develop_ops *ops,
	void *ctx, struct err *e);
void develop_turn(struct develop_loop *d);                     /* after each turn of the loop */
int develop_timeout(const struct develop_loop *d, int max_ms); /* how long the next turn may wait */
void develop_set(struct develop_loop *d, struct develop_switches on);
/* A run now, whatever changed. stages: bits 1 << enum stage_kind; 0: those that are switched on. */
int develop_ask(struct develop_loop *d, const char *service, unsigned stages, struct err *e);
void develop_settled(struct develop_loop *d, bool ok); /* the answer to ops->changed */
/*
 * d is of a newer configuration: what was saved and not run yet, and the results of stages that are
 * the same, go over to it. The old one is freed next.
 */
void develop_take_over(struct develop_loop *d, struct develop_loop *old);
bool develop_busy(const struct develop_loop *d);
void develop_modules(const struct develop_loop *d, struct arena *a, struct module_states *out);
struct develop_switches develop_switches(const struct develop_loop *d);
void develop_free(struct develop_loop *d); /* cancels what runs */

#endif
