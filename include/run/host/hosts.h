/*
 * Who runs the host services: the supervisor in the agent itself (supervise.c), or, for every other
 * command, the agent behind its socket (agent_client.c). Both answer at once: what takes time is
 * seen by looking again. Copies are called "host:SERVICE.N".
 */
#ifndef RUN_HOST_HOSTS_H
#define RUN_HOST_HOSTS_H

#include "model/plan.h"
#include "model/world.h"

struct host_launch { /* a spec with its secrets opened: never logged, never on disk */
	const struct host_spec *spec;
	const char *const *env; /* the whole environment, "NAME=VALUE", NULL-terminated */
	const char *gateway; /* address under which containers are to reach it; NULL: none does */
};

struct host_start { /* one of many */
	struct host_launch launch;
	bool failed;
	struct err error; /* when it failed; the place's file is NULL */
};

struct hosts {
	const struct hosts_ops *ops;
};
struct host_run_once; /* run/supervise.h */
struct hosts_ops {
	/* Starts a copy; one of the same id that runs is stopped first, then replaced. -1: it could
	 * not be run at all (not found, no permission, no directory): nothing was changed then. */
	int (*start)(struct hosts *h, const struct host_launch *l, struct err *e);
	/* The same for many, each with its own outcome. NULL: one after another is as good. */
	void (*start_all)(struct hosts *h, struct host_start *list, size_t count);
	/* Begins to stop it: stop signal, KILL after grace_ms (<0: its own). It is gone from look()
	 * or exited when it has ended. remove: it is forgotten then. */
	int (*stop)(struct hosts *h, const char *id, int64_t grace_ms, bool remove, struct err *e);
	int (*restart)(struct hosts *h, const char *id, struct err *e); /* with its own spec */
	int (*signal)(struct hosts *h, const char *id, const char *signal, struct err *e);
	/* A command that runs once, under the same guard: supervisor_run(). NULL: only the agent
	 * can, others make a child of their own. */
	struct host_run_once *(*run)(struct hosts *h, const struct host_launch *l,
		void (*line)(void *ctx, const char *line, size_t len), void *ctx, struct err *e);
	/* Adds every copy to w->containers (host = true) and fills w->agent.guard. */
	int (*look)(struct hosts *h, struct arena *a, struct world *w, struct err *e);
	/* What a copy was last started with, in the arena: for checks, exec and shell. */
	int (*launched)(struct hosts *h, struct arena *a, const char *id, struct host_launch *out,
		struct err *e);
	/* The last that a copy said, in the arena; NULL: nothing is known. May be absent. */
	const char *(*output)(struct hosts *h, struct arena *a, const char *id);
};

void hosts_start_all(struct hosts *h, struct host_start *list, size_t count);
char *host_id(struct arena *a, const char *service, int number);

#endif
