/*
 * HTTP: several transfers at once, on a unix socket or TCP; by libcurl, unless a plain GET over the
 * socket will do.
 * Never follows redirects, uses no proxy, cookie or netrc, and bounds all that comes in.
 */
#ifndef RUN_IO_HTTP_H
#define RUN_IO_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"

struct loop;
struct http;      /* a set of transfers and their connections, heap */
struct http_call; /* one transfer, heap */

enum {
	HTTP_CONNECT_MS = 2000,
	HTTP_MAX_HEADER = 64 * 1024,
	HTTP_MAX_BODY = 64 * 1024 * 1024,
};

struct http_request {
	const char *method; /* NULL: GET */
	const char *url;    /* copied */
	const char *body;   /* copied; NULL: none */
	size_t body_len;
	int64_t answer_ms; /* until the header is complete; 0: no bound */
	int64_t idle_ms;   /* every idle_ms at least HTTP_MIN_PROGRESS bytes of body; 0: no bound */
	int64_t total_ms;  /* for all of it; 0: no bound */
	size_t max_body;   /* 0: HTTP_MAX_BODY */
	bool tcp;          /* to the URL's own host, though this set has a unix socket */
	bool any_certificate;       /* https: do not verify (readiness only) */
	const char *ca_file;        /* https: verify against this one */
	const char *const *headers; /* lines "Name: value" instead of those for JSON; ends with
				       NULL; NULL: none */
	const char *connect_to;     /* "HOST:PORT:ADDRESS:PORT": that instead, by libcurl's rules */
	struct http_detail *detail; /* filled once done, then the caller's to release; NULL: not */
	/*
	 * The request's body as it is made, instead of `body`: at most `size` bytes (0: it ends, so
	 * it must be none). May block: nothing else of this set goes on meanwhile. HTTP_GIVE_UP
	 * ends the transfer as broken.
	 */
	size_t (*produce)(void *ctx, char *into, size_t size);
	/* Body as it comes, not kept; false ends the transfer early (that is no error). */
	bool (*data)(void *ctx, const char *data, size_t len);
	void *ctx; /* of produce and data */
};

enum { HTTP_MIN_PROGRESS = 1024 };
#define HTTP_GIVE_UP ((size_t)-1)

/* Why a transfer failed, for those who must tell the cases apart. */
enum http_failure {
	HTTP_OK,
	HTTP_NO_CONNECTION, /* refused, absent, unreachable */
	HTTP_TIMEOUT,       /* connected, but no answer in time */
	HTTP_BROKEN,        /* what came is not HTTP, cut short or too large */
	HTTP_LIBRARY,       /* libcurl itself is missing */
};

/* Where a transfer failed, for those who follow it step by step. */
enum http_fault {
	HTTP_FAULT_NONE,
	HTTP_FAULT_NAME,
	HTTP_FAULT_CONNECT,
	HTTP_FAULT_CERTIFICATE, /* it is not believed */
	HTTP_FAULT_TLS,         /* no TLS came about for another reason */
	HTTP_FAULT_TIME,        /* connected, but out of time */
	HTTP_FAULT_ANSWER,
};

struct http_detail {
	enum http_fault fault;
	struct buf head;        /* status line and headers of the last answer, as they came */
	struct buf certificate; /* the peer's own, PEM; empty when none was seen */
	char address[64];       /* connected to; "": to nobody */
	int port;
	bool refused; /* of HTTP_FAULT_CONNECT: somebody is there, and listens not */
	bool cut;     /* more body came than was asked for */
	int64_t name_us, connect_us, tls_us, first_us, total_us; /* since the start; 0: not reached
								  */
};

struct http_answer {
	enum http_failure failure;
	int status;           /* 0: no header came */
	char api_version[16]; /* header Api-Version, "" when absent */
	struct buf body;      /* empty when request.data was set */
	char why[256];        /* of a failure */
};

/* socket NULL: TCP. Loads libcurl when a call needs it: without it such calls fail. */
struct http *http_new(const char *unix_socket);
int http_load(struct http *h, struct err *e); /* libcurl at once; -1: it is missing */
void http_free(struct http *h);               /* and every call that was not freed */

struct http_call *http_start(struct http *h, const struct http_request *r);
bool http_done(const struct http_call *c);
struct http_answer *http_answer(struct http_call *c); /* whole once http_done */
int64_t http_quiet_ms(const struct http_call *c); /* since the last byte came, or since the start */
void http_call_free(struct http_call *c);         /* ends it when it still runs */

/* Serves transfers and the loop (may be NULL); waits for the first event at most max_ms. */
void http_turn(struct http *h, struct loop *l, int max_ms);
/* Starts, waits, and gives the call back done; ends early with HTTP_TIMEOUT never later than its
 * bounds. */
struct http_call *http_wait(struct http *h, const struct http_request *r);

void url_escape(struct buf *out, const char *s); /* for one part of a path or query */

#endif
