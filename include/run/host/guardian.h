/*
 * Inside the supervisor: what keeps processes of host services from surviving. A guardian is a
 * small process forked from the agent; when either is killed, what runs under it is ended: pid
 * namespace  the guardian is its first process: the kernel ends the rest with it cgroup         the
 * guardian writes cgroup.kill when the agent's pipe closes subreaper      the guardian looks for
 * the workspace's mark in environments; killed together with the agent, that is left to
 * supervise_reconcile() at the next start Processes are children of the agent itself, so that their
 * exit statuses come without a detour.
 *
 * DEVENV_GUARD=pidns|cgroup|subreaper in the environment of the agent forces one (for tests and for
 * kernels whose answer is not to be trusted); else the first that works is taken.
 */
#ifndef RUN_HOST_GUARDIAN_H
#define RUN_HOST_GUARDIAN_H

#include <signal.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/os.h"
#include "base/text.h"
#include "model/plan.h"

enum { GUARD_STACK = 64 * 1024, GUARD_END_MS = 5000, GUARD_LANES = 3 };
enum guard_kind { GUARD_PIDNS, GUARD_CGROUP, GUARD_SUBREAPER };

#define MARK_UNIT "DEVENV_UNIT" /* beside MARK_WORKSPACE: SERVICE.N */

struct guard_lane {   /* in which one child at a time comes to be */
	int slots;    /* three descriptors in a row, /dev/null: a child's streams to be */
	char *stacks; /* of the two steps to a child */
};

struct guard { /* heap */
	enum guard_kind kind;
	char workspace[300];
	pid_t pid;                            /* of the guardian */
	int fd;                               /* pidfd of it: readable when it has ended */
	int pipe;                             /* its life line: closed when we end, however we do */
	int home;                             /* our own PID namespace */
	char cgroup[4096];                    /* directory; "" none */
	struct guard_lane lanes[GUARD_LANES]; /* the first is the caller's */
	struct guard_threads *threads;        /* of the others; NULL: none yet */
};

/* Under the first kind that works here. NULL with err: not even the last. */
struct guard *guard_new(const char *workspace, struct err *e);
const char *guard_name(enum guard_kind k); /* "pid namespace", "cgroup", "subreaper" */
/* Ends it and with it everything under it; reaps the guardian. Children of ours under it must have
 * been waited for before (guard_end() first), or they are waited for here. */
void guard_free(struct guard *g);
bool guard_ending(const struct guard *g); /* the guardian is on its way out, or has gone */
void guard_end(struct guard *g);          /* KILL to everything under it; does not wait */

struct guard_launch {
	const char *unit;        /* "api.1" */
	const char *const *argv; /* NULL-terminated; argv[0] looked up in PATH of env */
	const char *const *env;  /* NULL-terminated; the marks are put in by guard_spawn() */
	const char *dir;
	int out, err; /* descriptors that become its streams; stdin is /dev/null */
};
/* Could it be started at all? -1 with err when it is not there, no program, or dir is gone. */
int guard_check(const struct guard_launch *l, struct err *e);
const char *guard_variable(const char *const *env, const char *name); /* its value, or NULL */
/* guard_direct.c: what `sh -c "exec ..."` would become, when that is certain. False: let it. */
bool guard_direct(struct arena *a, const struct guard_launch *l, struct guard_launch *out);
/* The child leads a session of its own and is a child of the caller. -1 with err and errno: nothing
 * runs. */
int guard_spawn(struct guard *g, const struct guard_launch *l, pid_t *pid, struct err *e);
/* The same in two steps: of several that were begun, some come to be beside each other. What l
 * points to stays until guard_begun(), which is called for each, once. */
struct guard_start *guard_begin(struct guard *g, const struct guard_launch *l);
int guard_begun(struct guard_start *s, pid_t *pid, struct err *e);
void guard_threads_free(struct guard *g); /* ends them; nothing is on its way */

/*
 * What is left of a unit when its leader was reaped: its process group, and those who left it but
 * carry its mark. Sends them signum (0: only counts). The number of them; dead ones do not count.
 */
size_t guard_rest(struct guard *g, const char *unit, pid_t group, int signum);
void guard_forget(struct guard *g, const char *unit); /* nothing is left: its cgroup goes */

/* ---- guard_brand.c: marks that no new environment takes off ---- */
struct brand {
	uint64_t value, mask; /* of a workspace: without the bits of its units */
};
struct brand brand_of(const char *workspace, const char *unit); /* unit NULL: any */
void brand_put(uint64_t value);                                 /* on ourselves, for all below */
bool brand_seen(const struct brand *b, pid_t pid);
/* What runs on a borrowed stack and ends without returning: a sanitizer's notes of such frames
 * would stay behind and be held against whoever borrows the stack next. */
#define BORROWED_STACK __attribute__((no_sanitize("address")))

/* ---- guard_proc.c: processes by their marks ---- */
struct proc_match {
	const char *workspace; /* value of MARK_WORKSPACE */
	const char *unit;      /* of MARK_UNIT, or NULL: any */
	pid_t group;           /* or members of this process group; 0: none */
};
/* Sends signum to every living process that matches, but not to ourselves and those we descend
 * from; notes "PID NAME" of each in found when it is not NULL. The number of them; one in the
 * middle of an exec, which cannot be judged, counts, too: look again. */
size_t proc_signal(const struct proc_match *m, int signum, struct arena *a, struct strs *found);
bool proc_ending(pid_t pid);       /* it has begun to exit, or is no more */
bool proc_has_children(pid_t pid); /* true when it cannot be known */

/* ---- guard_cgroup.c: one directory per guard, one below it per unit ---- */
bool cgroup_make(char *dir, size_t size, const char *workspace); /* false: not possible here */
int cgroup_open(const char *dir, const char *unit); /* its cgroup.procs for a child that joins */
size_t cgroup_signal(const char *dir, const char *unit, int signum); /* unit NULL: all of them */
void cgroup_kill(const char *dir); /* everything below: no memory is taken, for the guardian */
void cgroup_remove(const char *dir, const char *unit); /* unit NULL: with those below it */
void cgroup_sweep(const char *workspace);              /* directories of guards that are no more */

#endif
