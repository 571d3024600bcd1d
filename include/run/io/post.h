/* A small document sent by HTTP POST, with patience, by who can do without an answer. */
#ifndef RUN_IO_POST_H
#define RUN_IO_POST_H

#include "base/diag.h"
#include "base/text.h"

struct loop;

struct post {
	const char *url;
	const char *body; /* JSON */
	size_t len;
	struct strs headers; /* lines besides Content-Type */
	int64_t total_ms;    /* for all attempts together */
};
/*
 * Tries again, each time after a longer pause, while nobody answers, or the answer is 429 or 500
 * and above. 0 when it was taken (2xx); -1 with e, which names the host and never the rest of the
 * URL. An interrupt ends it.
 */
int post_patiently(struct loop *l, const struct post *p, struct err *e);
/* "hooks.example.com" of a URL: all that may be shown of it. */
char *url_host(struct arena *a, const char *url);

#endif
