/*
 * Inside the engine: single calls of its API, for the files that make it up (engine*.c, ready.c,
 * logs.c, terminal.c, perform*.c). Everybody else uses the doors in run.h.
 */
#ifndef RUN_ENGINE_CALL_H
#define RUN_ENGINE_CALL_H

#include "doc/node.h"
#include "model/world.h"
#include "run/engine/engine.h"
#include "run/engine/exec.h"
#include "run/io/http.h"
#include "run/io/loop.h"
#include "run/io/stream.h"

enum {
	ENGINE_ANSWER_MS = 5000, /* how long a plain request may take */
	PULSE_MS = 1000,     /* a patient one: silence after which the engine is pinged, at first */
	PULSE_MAX_MS = 8000, /* the same after many answered pings */
	PING_MS = 4000,      /* how long it has to answer a ping */
	API_FLOOR = 41,      /* 1.41 .. 1.51 are spoken */
	API_CEILING = 51,
};

struct engine {
	struct http *http;
	char host[320];   /* "unix:///var/run/docker.sock", "tcp://10.0.0.1:2375" */
	char socket[108]; /* "" on TCP */
	char base[320];   /* "http://localhost" */
	char api[16];     /* negotiated, "1.41"; "" before */
	unsigned patient; /* calls that may take their time */
	struct http_call *ping;
	int64_t heard; /* when the engine last gave a sign of life */
	int pulse_ms;  /* silence before the next ping */
	bool lost;     /* it did not: patient calls have ended */
	char why[256]; /* it is lost */
};

struct engine_ask {
	const char *method; /* NULL: GET */
	const char *path;   /* "/containers/json?all=1"; the version is put in front */
	const char *body;   /* JSON, or NULL */
	size_t body_len;    /* of a body that is no text; 0: as long as it is */
	bool unversioned;
	bool patient; /* takes as long as the engine answers pings */
	size_t (*produce)(
		void *ctx, char *into, size_t size); /* as of struct http_request: a tar */
	bool (*data)(void *ctx, const char *data, size_t len); /* body as it comes */
	void *ctx;
};

struct engine_call; /* heap */

/* Where the engine is: DOCKER_HOST, the docker context, the usual sockets. */
int engine_find_host(char *out, size_t size, struct err *e);
/* Is somebody there? -1 with one of the four messages. TCP: always 0. */
int engine_check_socket(const struct engine *g, struct err *e);

/* Blocking: done when it returns 0; free the call after reading the answer. Errors name the engine.
 */
int engine_request(
	struct engine *g, const struct engine_ask *ask, struct engine_call **out, struct err *e);
/* The same for what takes long: a signal that loop hears ends it (-1, "interrupted"). loop, out:
 * may be NULL. */
int engine_await(struct engine *g, struct loop *loop, const struct engine_ask *ask,
	struct engine_call **out, struct err *e);
/* As above for callers that need no answer. */
int engine_order(struct engine *g, const char *method, struct err *e, const char *path_fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* GET of a JSON answer into the arena. */
int engine_get(struct engine *g, struct arena *a, struct node **out, struct err *e,
	const char *path_fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same of what may not be there: 0 and *out NULL. */
int engine_find(struct engine *g, struct arena *a, struct node **out, struct err *e,
	const char *path_fmt, ...) __attribute__((format(printf, 5, 6)));

/* Not blocking: begin, turn until done, finish. begin negotiates first when that was not done yet.
 */
struct engine_call *engine_begin(struct engine *g, const struct engine_ask *ask, struct err *e);
bool engine_done(const struct engine_call *c);
int engine_finish(
	struct engine_call *c, struct err *e); /* 0, or -1: failed or a status of 400 and above */
const struct http_answer *engine_answer(const struct engine_call *c);
void engine_call_free(struct engine_call *c);
void engine_turn(struct engine *g, struct loop *l, int max_ms); /* g NULL: the loop alone */

bool engine_removes(const char *said); /* an error that says: it is being removed already */
int engine_negotiate(struct engine *g, struct err *e); /* no-op when done */
void engine_note_version(struct engine *g, const char *header);

/* engine_look.c */
char *engine_look_path(struct arena *a, const char *workspace); /* NULL: all of ours */
int engine_read_containers(struct engine *g, struct arena *a, const struct http_answer *ans,
	struct world *w, struct err *e);
/* Parses what `docker ps` calls STATUS: "Up 3 minutes (healthy)", "Exited (0) 2 hours ago". */
void status_read(const char *status, struct container *c);

/* engine_exec.c: an exec that runs beside others; output is joined and kept up to a bound. */
struct engine_run; /* heap */
struct engine_run *engine_run_begin(struct engine *g, const struct exec_request *r);
bool engine_run_done(struct engine_run *x); /* moves it on; turn the engine between calls */
/* 0 and *status, or -1; out (may be NULL) gets the output. */
int engine_run_finish(struct engine_run *x, struct buf *out, int *status, struct err *e);
void engine_run_free(struct engine_run *x);
/* Makes an exec and gives its id (in the arena). */
char *engine_exec_make(
	struct engine *g, struct arena *a, const struct exec_request *r, struct err *e);
/* terminal.c: its exit status; the engine notes it a moment after the stream has ended. */
int engine_exec_status(struct engine *g, const char *id, int *status, struct err *e);
void engine_exec_body(
	struct buf *out, const struct exec_request *r); /* JSON of POST /containers/ID/exec */

/* A stream of one container's log, that runs beside others. */
struct log_stream; /* heap */
struct log_stream_request {
	const struct container *container; /* copied; its strings must outlive the stream */
	bool follow;
	int64_t since_ns;
	/* since_ns is when a line was written that is known already: only newer ones are given. The
	 * engine reads a log from its beginning to find a time, so its end is asked for first. */
	bool known;
	int tail; /* -1: all */
	log_fn *fn;
	void *ctx;
};
struct log_stream *log_stream_begin(
	struct engine *g, const struct log_stream_request *r, struct err *e);
bool log_stream_done(struct log_stream *s);                 /* between turns of the engine */
int log_stream_finish(struct log_stream *s, struct err *e); /* gives out an unfinished last line */
void log_stream_free(struct log_stream *s);

#endif
