/* One copy of a host service: its machine, its process, its output. Inside the supervisor. */
#ifndef RUN_HOST_HOST_UNIT_H
#define RUN_HOST_HOST_UNIT_H

#include "run/host/guardian.h"
#include "run/host/host_log.h"
#include "run/host/host_process.h"
#include "run/host/hosts.h"
#include "run/io/notify.h"
#include "run/files/places.h"
#include "run/host/supervise.h"
#include "run/host/unit_machine.h"

struct host_unit;

struct host_launched { /* heap: a copy of what a unit is started from */
	struct arena arena;
	struct host_spec spec;
	const char **env;
};
struct host_launched *launched_copy(const struct host_launch *l);
void launched_tell(const struct host_launched *l, struct arena *a, struct host_launch *out);
void launched_free(struct host_launched *l); /* the environment may hold secrets: it is wiped */

struct unit_owner {
	struct loop *loop;
	const struct places *places;
	/* The guard under which it may be started; NULL with err. */
	struct guard *(*guard)(void *ctx, struct err *e);
	/* A start under g has failed: might another guard do? */
	bool (*guard_failed)(void *ctx, struct guard *g, int error);
	void (*changed)(void *ctx, struct host_unit *u);
	void *ctx;
};

struct host_unit { /* heap */
	const struct unit_owner *owner;
	char id[320];                          /* "host:api.1" */
	const char *label;                     /* in it: "api.1" */
	struct host_launched *launched, *next; /* next: when it is started again */
	struct unit_machine machine;
	struct unit_policy policy;
	struct guard *guard; /* under which it runs */
	struct host_process *process;
	struct unit_start *start; /* it is on its way */
	bool patient;             /* whoever asked for a start asks what became of it */
	pid_t group;              /* of the last process */
	struct ticker *due;       /* of the grace, the backoff */
	struct ticker *look;      /* whether something is left */
	int64_t due_ms;           /* moment of due (now_ms) */
	int64_t look_pause_ms;    /* doubling */
	int64_t created;          /* s since 1970: start of the last process */
	int64_t grace_ms;         /* of the stop under way; <0: its own */
	int64_t killed_ms;        /* when those that are left were first killed; 0: not yet */
	bool told, killed;        /* those that are left */
	bool remove;              /* when it has ended */
	bool at_rest;             /* and its log says so */
	bool stopped;             /* its last run did not end by itself */
	bool ran;                 /* at least once: exit_code is one */
	bool failed_start;        /* note says why */
	int exit_code;
	unsigned order; /* of its last start asked for */
	bool notified;
	char note[300]; /* what it says of itself, or why it cannot run */
	struct notify *notify;
	struct host_log *log;
	struct buf ring; /* last output; ring_at: where the next byte goes */
	size_t ring_at;
	uint64_t ring_lost;
};

struct host_unit *host_unit_new(const struct unit_owner *o, const char *id);
void host_unit_free(struct host_unit *u);
/* Checks first; *e and nothing changed when it could not be run. Else host_unit_started() is next,
 * perhaps after the starts of others, which come to be beside it. */
int host_unit_start(struct host_unit *u, const struct host_launch *l, struct err *e);
int host_unit_started(struct host_unit *u, struct err *e);
void host_unit_restart(struct host_unit *u);
void host_unit_stop(struct host_unit *u, int64_t grace_ms, bool remove);
int host_unit_signal(struct host_unit *u, const char *name, struct err *e);
bool host_unit_active(const struct host_unit *u); /* runs, ends, or will be restarted */
void host_unit_look(const struct host_unit *u, struct arena *a, struct container *out);
void host_unit_output(const struct host_unit *u, struct buf *out, uint64_t *lost);

/* ---- host_start.c: its process ---- */
int unit_check(const struct host_launch *l, struct err *e);
void unit_begin(struct host_unit *u);               /* u->launched, as u->start */
int unit_begun(struct host_unit *u, struct err *e); /* u->process */
extern const struct host_process_ops unit_process_ops;

int signal_number(const char *name); /* "TERM", "SIGTERM", "15"; 0: none such */

#endif
