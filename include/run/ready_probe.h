/* Inside ready.c: one unit and one way of asking it whether it is ready. */
#ifndef RUN_READY_PROBE_H
#define RUN_READY_PROBE_H

#include <regex.h>

#include "run/io/http.h"
#include "run/job.h"

enum probe_answer { PROBE_PENDING, PROBE_YES, PROBE_NO };

struct ready_unit {
	struct ready_unit *next;
	struct ready_unit *sibling; /* of the same host service: its next copy */
	struct readiness *owner;
	const struct service *service;
	const char *only; /* the container that is meant; NULL: the service's first */
	int number;       /* copy, from 1 */
	bool host;        /* a host service's */
	int64_t started, deadline_ms;
	enum verdict verdict;
	struct err error;

	/* What the last look saw of its container. */
	char id[80], name[256], ip[64];
	enum unit_state state;
	enum health health;
	int exit_code, published;        /* published port of check.port; 0: none */
	int64_t uptime_s, running_since; /* running_since: monotonic, first look that saw it run; 0:
					    it does not */
	unsigned looks, absences, restarts;
	pid_t pid; /* of a host service */
	bool notified;
	char note[200]; /* of a host service: why it is down */

	/* The probe under way. */
	const struct probe_ops *ops;
	bool probing;
	int64_t probe_began, probe_next; /* monotonic ms */
	struct http_call *http;
	struct engine_run *exec;
	struct log_stream *log;
	struct child *child; /* a check on the host */
	struct spawn spawn;
	struct buf output;
	struct arena arena;    /* of the child's arguments */
	int fd;                /* TCP; -1: none */
	bool by_ip, ip_silent; /* the container's own address is asked; it swallows packets */
	bool line_seen, regex_ready;
	regex_t regex;
	char awaited[300], last[200]; /* what is awaited; why the last try failed */
};

struct probe_ops {
	/* PROBE_PENDING: under way; else answered at once. */
	enum probe_answer (*begin)(struct ready_unit *u);
	enum probe_answer (*poll)(struct ready_unit *u);
	void (*end)(struct ready_unit *u); /* also of one under way */
	int pause_ms;                      /* from the end of a try to the next */
};

extern const struct probe_ops
	*const probe_kinds[]; /* by enum check_kind; NULL: running is enough */
extern const struct probe_ops *const host_probe_kinds[]; /* the same of host services */
extern const struct probe_ops probe_host_log, probe_host_exec, probe_notify;

struct readiness {
	struct performer *pf;
	struct arena *arena; /* for what is noted into the world */
	const struct project *project;
	const char *workspace;
	struct ready_unit *units;
	struct arena looks[2]; /* the present look and the one under way */
	int present;
	struct world seen;
	struct engine_call *look;
	int64_t look_began;
	unsigned look_count;
	struct arena host_arena; /* of the last look at host services */
	int64_t host_look;       /* when that was */
	unsigned host_looks;
	struct http *http; /* for HTTP checks where there is no engine */
};

enum { HOST_PROBE_MS = 5 };

/* ready_host.c */
void readiness_look_at_hosts(struct readiness *rd); /* when it is time */
int64_t readiness_next_host_look(const struct readiness *rd);
void host_unit_log(struct ready_unit *u); /* the last lines of its log into u->error */

/* ready.c: what a look told of a unit; c NULL: it is not there. */
void unit_seen(struct ready_unit *u, const struct container *c);
void units_failed(struct readiness *rd, bool host, const struct err *e);

void unit_last(struct ready_unit *u, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void unit_awaits(struct ready_unit *u, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
