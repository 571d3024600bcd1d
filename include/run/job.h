/* Inside perform(): the running steps, and what each kind of step is made of. */
#ifndef RUN_JOB_H
#define RUN_JOB_H

#include "run/io/child.h"
#include "run/engine/call.h"
#include "run/io/event.h"
#include "run/host/hosts.h"
#include "run/perform.h"

struct readiness; /* ready.c: units waited for by one poller */

struct run { /* one perform() */
	struct performer *pf;
	struct plan *plan;
	struct job *jobs; /* running ones */
	struct readiness *readiness;
	struct arena arena; /* dies with the run */
	struct err first;   /* the first failure */
	bool failed, stopping;
	bool hurry;            /* an interrupt while stopping: what is left is killed, not left */
	bool containers_stale; /* something may have made or removed containers since the last look
				*/
	int builds, parallel;
	/* Host services: the last look at them, and the steps that look again until it shows. */
	struct world hosts_seen;
	struct arena hosts_arena;
	int64_t hosts_at; /* monotonic ms */
	int polling;
	char **environment;         /* our own, cleaned: what those of host services begin with */
	struct start_state *starts; /* to be asked for at the next turn; perform_host.c */
};

enum { HOST_LOOK_MS = 5 };

enum verdict { GOES_ON, SUCCEEDED, BROKE };

struct tail_ring; /* the last lines of a child's output */

struct job { /* one running step */
	struct job *next;
	struct run *run;
	struct step *step;
	const struct step_ops *ops;
	void *state;           /* of its kind */
	int64_t started, told; /* told: when who is awaited was last said */
	struct buf scratch;
	struct err error; /* of what start or tick came to */
};

struct step_ops {
	/* SUCCEEDED at once, GOES_ON, or BROKE with job->error. */
	enum verdict (*start)(struct job *j);
	enum verdict (*tick)(struct job *j); /* after each turn; NULL when start always ends it */
	void (*stop)(
		struct job *j, int times); /* interrupted for the n-th time; NULL: just abandoned */
	void (*end)(struct job *j);        /* frees state */
};

extern const struct step_ops ops_build, ops_exec, ops_start, ops_replace, ops_stop, ops_remove,
	ops_ready, ops_reload, ops_stage, ops_host_start, ops_host_stop, ops_host_remove,
	ops_host_reload;

const struct container *run_host_unit(struct run *r, const char *id); /* as last seen, or NULL */

void run_say(struct run *r, const struct event *ev);
void job_say(struct job *j, enum event_kind kind, const char *text, double fraction);
void job_say_n(struct job *j, enum event_kind kind, const char *text, size_t len, double fraction);
/* Says at most once a second. */
void job_await(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int job_look(struct job *j); /* brings the world's containers up to date when they may be stale; -1
				with job->error */
/* Ids that a START, STOP, REMOVE or RELOAD is about: named by the step, else those of its service
 * now. */
int job_containers(struct job *j, struct strs *ids);
/* Logs outlive their containers; one that cannot be kept does not keep the container. */
void job_keep_logs(struct job *j, const struct strs *ids);
const char *const *job_environment(
	struct job *j); /* for children: clean, plus the step's, plus the engine's address */

/* The whole environment of a host service's copy, secrets opened. NULL with job->error. */
const char *const *job_host_environment(struct job *j, const struct host_spec *s);

/* Last lines of a child, kept for its error. */
enum { TAIL_LINES = 30, TAIL_WIDTH = 500 };
struct tail {
	char lines[TAIL_LINES][TAIL_WIDTH];
	size_t next, count;
};
void tail_add(struct tail *t, const char *line, size_t len);
const char *tail_line(const struct tail *t, size_t i); /* from the oldest */
void tail_text(const struct tail *t,
	struct buf *out); /* all lines, oldest first, each ending in a newline */
/* As much of the end as fits into an error's text, whole lines. */
void tail_error(const struct tail *t, struct err *e);
/* True: the error speaks of a full disk, whoever noticed it, and has the remedy for that. */
bool hint_full_disk(struct err *e);

/* compose_error.c: what Compose came to, by its last lines. */
void compose_explain(struct job *j, const struct tail *said);

/* ready_wait.c: waits until the step's service, or this container of it, is ready, and notes that
 * it is. id NULL: its first. */
struct ready_unit *job_ready_begin(struct job *j, const char *id, int64_t deadline_ms);
enum verdict job_ready_tick(struct job *j, struct ready_unit *u);

/* ready.c */
struct readiness *readiness_new(struct performer *pf, struct arena *a, const struct project *p);
void readiness_free(struct readiness *rd);
struct ready_unit;
struct ready_unit *readiness_add(
	struct readiness *rd, const struct service *s, const char *id, int64_t deadline_ms);
void readiness_tick(struct readiness *rd); /* after each turn */
int readiness_timeout(const struct readiness *rd, int max_ms);
enum verdict ready_verdict(const struct ready_unit *u, struct err *e);
const char *ready_awaited(
	const struct ready_unit *u); /* "HTTP 200 from http://127.0.0.1:8000/healthz" */
void ready_note(struct readiness *rd, const struct ready_unit *u); /* into the world's records */

#endif
