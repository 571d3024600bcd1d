/*
 * What the agent tells its followers, as text for people: results of stages with the output of
 * those that failed, changes of host services, notes. Prints nothing itself.
 */
#ifndef CMD_RESULTS_H
#define CMD_RESULTS_H

#include "cmd/context.h"
#include "run/control/control.h"

struct module_result { /* a module as last told */
	const char *service;
	struct arena arena; /* of state */
	struct module_state state;
	struct buf output[STAGES]; /* of the run under way, the end of it */
	unsigned shown[STAGES];    /* the run whose failure was shown, from 1 */
};

struct results {
	struct context *context;
	struct style style;
	bool units;                  /* changes of host services are told, too */
	const struct strs *services; /* only these modules; NULL or empty: all */
	bool watch, lint, test;      /* switches as last told */
	bool ended;                  /* the agent said goodbye */
	struct {
		struct module_result *items;
		size_t count, cap;
	} modules;
	char host[256];  /* for links */
	int width;       /* of the names in front of lines */
	struct map down; /* by id: host services that were told to have ended, else NULL */
	char told[300];  /* of host services, last: what is said twice is shown once */
};

/* Asks the agent how things stand and to be told from now on. 0, or -1 with *e. */
int results_begin(struct results *r, struct context *c, struct control_client *agent,
	const struct strs *services, struct style st, struct err *e);
/* Whole lines that the event is worth are added to out. */
void results_event(struct results *r, const struct node *event, struct buf *out);
void results_modules(const struct results *r, struct arena *a, struct module_states *out);
/* "watch on  lint off  test off" */
void results_switches(const struct results *r, struct buf *out);
/* A line of devenv's own among the others. */
void results_say(const struct results *r, struct buf *out, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void results_release(struct results *r);

/* links.c: a link_fn; ctx is a struct link_scope. */
struct link_scope {
	const struct project *project;
	const struct service *service; /* whose names are meant; NULL: unknown */
	int left;                      /* names that are still looked for: output has no end */
};
bool link_to_file(void *scope, const char *name, size_t len, struct buf *out);

#endif
