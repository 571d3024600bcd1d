/*
 * Inside logs: our own files. One per copy of a service (SVC.log, SVC.2.log), in order of time:
 *   2006-01-02T15:04:05.000000000Z SVC[.N] o|e text
 *   2006-01-02T15:04:05.000000000Z SVC[.N] - container 0123456789ab started 2006-...
 * Three generations of LOG_FILE_MAX bytes each (SVC.log, SVC.log.1, SVC.log.2).
 */
#ifndef RUN_LOGS_LOG_FILE_H
#define RUN_LOGS_LOG_FILE_H

#include "doc/proxy_line.h"
#include "run/io/demux.h"
#include "run/engine/call.h"
#include "run/logs/logs.h"
#include "run/files/places.h"

#define LOG_AT_REST                                                                                \
	"is not started again" /* ends the separator after the last run of a process               \
				*/

enum { LOG_GENERATIONS = 3, LOG_FILE_MAX = 20 * 1000 * 1000 };

/* One file while it is appended to. Its user holds the lock of the folder. */
struct log_file {
	int fd;
	char path[4096 + 300];
	char label[300]; /* "api" or "api.2" */
	char run[120];   /* text of the last separator; "" none */
	int64_t last_ns; /* time of the last line; 0: none */
	size_t size;
	struct buf pending; /* not written yet */
};

void log_file_name(
	char *out, size_t size, const char *dir, const char *service, int number, int generation);
/* Opens for appending, cuts a torn last line off, finds the last time and separator. */
int log_file_open(
	struct log_file *f, const char *dir, const char *service, int number, struct err *e);
int log_file_add(struct log_file *f, int64_t time_ns, char kind, const char *text, size_t len,
	struct err *e);
int log_file_close(struct log_file *f, struct err *e); /* writes what is pending */
/* Many whole lines that are in the file's format already, at once. On failure none of them stays.
 */
int log_file_put(struct log_file *f, const char *lines, size_t len, struct err *e);
void log_file_drop(struct log_file *f); /* closes it; what is pending is forgotten */

/* One line of a file in parts; false: it is none of ours (skipped by readers). */
struct log_line {
	int64_t time_ns;
	char kind; /* 'o', 'e', '-' */
	const char *text;
	size_t len;
};
bool log_line_read(const char *line, size_t len, struct log_line *out);

/* How far the history went: what follows is newer. */
struct log_mark {
	const char *service;
	int number;
	int64_t last_ns;
	bool host;      /* its last run was a host service's: the agent writes on */
	bool ended;     /* and it is not started again */
	uint64_t inode; /* of the newest generation as it was read, 0: none */
	size_t end;     /* of its whole lines */
};
struct log_marks {
	struct log_mark *items;
	size_t count, cap;
};

/* Follows the engine's streams of running containers, new ones too, until an interrupt or until
 * none is left. */
/* g NULL: only what the agent writes. */
int logs_follow(struct engine *g, struct loop *l, const struct places *pl, const struct world *w,
	const struct log_query *q, const struct log_marks *marks, log_fn *fn, void *ctx,
	struct err *e);

/* What the last separator of a file says: sets host and ended. */
void log_mark_run(struct log_mark *m, const char *text, size_t len);
/* "api.log", "api.2.log" -> service, number. */
bool log_file_service(const char *name, char *service, size_t size, int *number);

/* Log files of host services, read on as the agent writes them: logs_tail.c. */
struct log_tail; /* heap */
struct log_filter;
struct log_tail *log_tail_new(const char *dir, const struct log_marks *marks, struct log_filter *f,
	log_fn *fn, void *ctx);
bool log_tail_turn(struct log_tail *t);        /* gives out what is there; true: there is more */
bool log_tail_alive(const struct log_tail *t); /* one of them may bring more */
void log_tail_free(struct log_tail *t);

/* What passes a query: service, time, expression, level, request. logs_filter.c */
struct log_past { /* of one copy of a service and one of its streams; zero but for the service */
	const char *service;
	struct line_course course;
	bool kept; /* the last line that stands for itself was wanted: what belongs to it is, too */
};
struct log_access { /* of a proxy, with the id that is wanted */
	const char *service;
	int64_t from_ns, until_ns;
	struct proxy_access request;
};
struct log_filter {
	const struct log_query *query;
	struct buf text;    /* scratch */
	void *regex;        /* regex_t; NULL: there is none, or it is plain */
	size_t plain;       /* length of an expression that is plain text; 0: it is not */
	size_t request_len; /* of query->request, 0: any */
	LIST_OF(struct log_access) accesses;
	struct arena arena; /* theirs */
};
int log_filter_init(struct log_filter *f, const struct log_query *q, struct err *e);
void log_filter_release(struct log_filter *f);
bool log_filter_service(const struct log_filter *f, const char *service);
/* past NULL: the line is judged by itself. */
bool log_filter_line(
	struct log_filter *f, struct log_past *past, int64_t time_ns, const char *text, size_t len);

/* logs_join.c: error lines of a proxy, which carry no id, by those of its access lines that do. */
/* Notes a line with the wanted id; what is no access line is passed over. */
void log_join_note(
	struct log_filter *f, const char *service, int64_t time_ns, const char *text, size_t len);
bool log_join_has(const struct log_filter *f, const char *service, int64_t time_ns,
	const char *text, size_t len);

/* While lines come, errors are there before their access line: the last ones are kept for it. */
enum { LOG_WAITING = 16, LOG_WAITING_BYTES = 4096 };
struct log_waiting {
	struct {
		int64_t time_ns;
		enum stream stream;
		size_t len;
		char *text;
	} lines[LOG_WAITING];
	size_t next; /* in turn */
};
void log_waiting_keep(
	struct log_waiting *w, enum stream stream, int64_t time_ns, const char *text, size_t len);
/* Gives out, once, what has been found to belong to the request. */
void log_waiting_give(struct log_waiting *w, const struct log_filter *f, const char *service,
	int number, log_fn *fn, void *ctx);
void log_waiting_release(struct log_waiting *w);

#endif
