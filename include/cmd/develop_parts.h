/* Inside the develop loop: modules, the groups in which they run, and one run. */
#ifndef CMD_DEVELOP_PARTS_H
#define CMD_DEVELOP_PARTS_H

#include "cmd/develop.h"
#include "planner/develop.h"
#include "run/perform.h"
#include "run/watch/watch.h"

enum {
	STAGE_BITS = (1 << STAGES) - 1,
	GATE_BITS = STAGE_BITS & ~(1 << STAGE_SUCCESS),
	TOGETHER_MS = 5, /* modules that share work are told of one save in so short a time */
	LOCK_RETRY_MS = 50,
	SEEN_RETRY_MS = 250,
	LOCK_HELD_MS = 2000, /* a restart under way keeps others out for so long */
};

struct module { /* one service with `develop:` */
	struct develop_loop *loop;
	struct group *group;
	const struct service *service;
	struct watch *watch;
	struct module_state state; /* its texts are those below */
	struct buf cause, why, output[STAGES];
	int64_t began[STAGES]; /* monotonic ms, of the stage that runs */
	bool dirty;            /* saved since its last run began */
	bool storm;            /* its sources go on changing */
	bool unseen;           /* of those saves, one was told to the group's turn */
	unsigned asked;        /* stages that somebody asked for since */
	bool taking_part;      /* in the run under way, or the last one */
	unsigned stages;       /* of that run */
	struct lock lock;      /* on its stages, while it is restarted */
	struct buf next_cause;
	unsigned next_more;
	int next_stage; /* that ran when it changed, -1: none */
};

struct stage_run { /* one run of a group */
	struct arena arena;
	struct world world;
	struct plan plan;
	struct diags diags;
	struct performer pf;
	struct performance *performance;
	struct lock lock; /* the workspace's, while something is restarted */
	int64_t locked_at;
	bool fresh;       /* performance was begun and not stepped yet */
	unsigned telling; /* steps under way that restart or signal */
};

struct group { /* modules that share work run together */
	struct develop_loop *loop;
	struct turn turn;
	int64_t due;   /* monotonic ms: a run is to begin; 0: none */
	int64_t retry; /* the workspace's lock is tried again */
	bool applies;  /* gates are through */
	struct stage_run *run;
};

struct seen_ready { /* by runs whose lock others hold now: not remembered yet */
	struct arena arena;
	struct world world; /* its records alone */
	int64_t retry;      /* monotonic ms; 0: there is nothing */
};

struct develop_loop {
	struct context *c;
	struct hosts *hosts;
	const struct develop_ops *ops;
	void *ctx;
	struct develop_switches on;
	struct watcher *watcher;
	struct watch *inputs; /* configuration and what images are made of */
	struct arena arena;
	struct module *modules;
	size_t count;
	struct group *groups; /* as many as modules; some are empty */
	struct map hashes;    /* of inputs, by path */
	struct seen_ready seen;
	bool applying;           /* ops->changed() was not answered yet */
	const char *branch_told; /* branch whose data do not serve, as was said; NULL: nothing */
};

/* develop_loop.c */
void develop_act(struct group *g, enum turn_do what);
void develop_note(struct develop_loop *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void module_tell(struct module *m);
void module_why(struct module *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
unsigned module_stages(const struct module *m); /* those it has that are switched on */
#define each_module(d, m) for (struct module *m = (d)->modules; m < (d)->modules + (d)->count; m++)

#define each_member(g, m) each_module((g)->loop, m) if (m->group == (g) && m->taking_part)

/* develop_events.c */
void run_event(void *group, const struct event *ev);
void run_keep_output(struct module *m, enum stage_kind k, const char *line, size_t len);

/* develop_run.c */
void run_begin(struct group *g);
void run_turn(struct group *g); /* after each turn of the loop */
void run_cancel(struct group *g);
void run_free(struct group *g);

/* develop_watch.c */
int watch_all(struct develop_loop *d, struct err *e);
void watch_none(struct develop_loop *d);
void inputs_unknown(struct develop_loop *d); /* what was applied last was not */

/* develop_branch.c */
void branch_look(struct develop_loop *d); /* says that the checkout is on another branch */

/* develop_seen.c */
void seen_keep(struct group *g);        /* at the end of a run, which may hold the lock */
void seen_turn(struct develop_loop *d); /* when seen.retry has come */
void seen_free(struct develop_loop *d); /* tries for the last time */

#endif
