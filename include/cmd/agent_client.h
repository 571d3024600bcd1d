/*
 * The workspace's agent: a small process that supervises host services and watches modules. Here:
 * what the commands share to find it, start it, join it and end it; the command that it is, is
 * `devenv __agent`.
 */
#ifndef CMD_AGENT_CLIENT_H
#define CMD_AGENT_CLIENT_H

#include "cmd/context.h"
#include "cmd/develop.h"
#include "run/control/control.h"
#include "run/io/loop.h"
#include "run/files/places.h"

struct up_opts { /* of `up`, also as the agent reads them again */
	bool detach, no_deps, force_recreate, build, no_hooks, strict_ports, timings;
	bool host, watch, no_watch, lint, test;
	bool no_snapshot;
	struct strs fresh;
	struct strs copy; /* "OLD:NEW" */
};

/*
 * Each returns 0 or the exit status after having said what is wrong.
 *
 * summon_agent() starts one beside what comes next; join_agent() waits until c->agent is there,
 * having started one when there is none. find_agent() is context.h's.
 */
int summon_agent(struct context *c);
int join_agent(struct context *c);
/* What a killed agent left running is ended; the workspace's lock is held. */
int reconcile(struct context *c);
int reconcile_workspace(struct context *c, const struct places *pl, const char *workspace);
/* Tells it to go, after its services were stopped, and waits until it has. */
int end_agent(struct context *c);
/* The same of any agent; what it still runs is stopped by it. -1 with e. */
int end_client(struct control_client *agent, struct arena *a, struct err *e);
/* It is not there any more, and with it what it ran: the world forgets both. */
void leave_agent(struct context *c);

/* {"do": what} for control_ask(). */
struct node *agent_request(struct arena *a, const char *what);

/* Does this `up` leave something to watch or to supervise? */
bool wants_agent(const struct context *c, const struct up_opts *o);
struct develop_switches switches_of(const struct project *p, const struct up_opts *o);
/*
 * What the agent is to read, and its hash with the configuration's. `up` hands it over when the
 * agent has another.
 */
int adopt(struct context *c, const struct up_opts *o, const struct strs *services);
/* All ends with this connection; off: no longer. */
int own_agent(struct context *c, bool on);

/* agent_generation.c: what the agent reads of the configuration, and the develop loop over it. */
struct generation; /* heap */
struct adoption {  /* of a newer `up` */
	struct strs argv;
	const char *config;
	bool host;
};
/* NULL with err: it cannot be read. loop and hosts must stay. */
struct generation *generation_new(struct loop *l, struct hosts *hosts, const struct adoption *what,
	const struct develop_ops *ops, void *ctx, struct err *e);
struct context *generation_context(struct generation *g);
struct develop_loop *generation_develop(struct generation *g); /* NULL: there are no modules */
void generation_free(struct generation *g);
/* Freed later, by generation_sweep(): requests are served while the engine of it is being turned.
 */
void generation_retire(struct generation **spent, struct generation *g);
void generation_sweep(struct generation **spent);

#endif
