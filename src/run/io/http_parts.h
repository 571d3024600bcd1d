/* Inside HTTP: a set of calls, and the two that carry them. */
#ifndef RUN_HTTP_PARTS_H
#define RUN_HTTP_PARTS_H

#include "base/os.h"
#include "run/io/http.h"

struct pollfd;
struct http_transfer; /* libcurl's part of a call */
struct http_talk;     /* a connection by hand */

struct http {
	void *multi; /* libcurl's; NULL: it was not needed yet */
	char *socket;
	struct http_call *calls;
	struct pollfd *fds; /* of http_turn() */
	size_t fds_cap;
};

struct http_call {
	struct http *http;
	struct http_call *next;
	struct http_transfer *curl; /* one of the two; neither: libcurl is missing */
	struct http_talk *talk;
	struct http_request ask;
	struct http_answer answer;
	bool done, stopped, header_done, header_too_long, body_too_long;
	size_t header_bytes, body_bytes;
	size_t window_bytes;   /* came since window_start */
	int64_t window_start;  /* of the idle bound */
	int64_t started, last; /* when it began, when the last byte came */
};

void call_came(struct http_call *c, size_t n);
bool call_body(struct http_call *c, const char *data, size_t len);  /* false: enough of it */
void call_field(struct http_call *c, const char *line, size_t len); /* a line of the header */
void call_fail(struct http_call *c, enum http_failure f, const char *why);

/* ---- http_curl.c ---- */
void transfer_begin(struct http_call *c); /* after http_load() */
void transfer_stop(struct http_call *c);
void transfer_free(struct http_call *c);
bool transfers_perform(struct http *h); /* one of them has ended */
/* For what comes to one of them, or to others. */
void transfers_wait(struct http *h, const struct pollfd *others, size_t count, int max_ms);
void transfers_free(struct http *h);

/* ---- http_talk.c: a GET over a unix socket ---- */
/* False: it is another request, or nobody is there; ask libcurl. */
bool talk_begin(struct http_call *c);
int talk_fd(const struct http_call *c);
void talk_read(struct http_call *c); /* what is there now */
void talk_free(struct http_call *c);

#endif
