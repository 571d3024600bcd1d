/*
 * Sends a document and tries again. Comes in: URL, headers, body, how long in all. Goes out: taken,
 * or why not. What is in it, and whether it matters, others know.
 */
#include "run/io/post.h"

#include <string.h>

#include "base/os.h"
#include "run/io/http.h"
#include "run/io/loop.h"

enum { TRY_MS = 10000, PAUSE_MS = 250, PAUSE_MAX_MS = 8000, TURN_MS = 200 };

char *url_host(struct arena *a, const char *url)
{
	const char *at = strstr(url, "://");
	at = at ? at + strlen("://") : url;
	size_t len = strcspn(at, "/?#");
	const char *user = memchr(at, '@', len);
	size_t skip = user ? (size_t)(user - at) + 1 : 0;
	return arena_strndup(a, at + skip, len - skip);
}

static const char *const *header_lines(struct arena *a, const struct post *p)
{
	struct strs all = { 0 };
	strs_add(a, &all, "Content-Type: application/json");
	strs_add(a, &all, "User-Agent: devenv/" DEVENV_VERSION);
	for (size_t i = 0; i < p->headers.count; i++)
		strs_add(a, &all, p->headers.items[i]);
	strs_add(a, &all, NULL);
	return all.items;
}

static bool pause_between(struct loop *l, int64_t ms, int before)
{
	int64_t until = now_ms() + ms;
	for (int64_t left; (left = until - now_ms()) > 0;) {
		loop_turn(l, left < TURN_MS ? (int)left : TURN_MS);
		if (loop_interrupts(l) != before)
			return false;
	}
	return true;
}

struct attempt {
	enum http_failure failure;
	enum http_fault fault;
	int status;
};

/* What it answers beyond its status, and be it without end, nobody reads. */
static bool unread(void *ctx, const char *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return false;
}

static struct attempt one_try(struct http *h, struct loop *l, struct http_request *r, int before)
{
	struct http_detail detail = { 0 };
	struct attempt t = { .failure = HTTP_TIMEOUT, .fault = HTTP_FAULT_TIME };
	r->detail = &detail;
	r->data = unread;
	struct http_call *c = http_start(h, r);
	while (!http_done(c) && loop_interrupts(l) == before)
		http_turn(h, l, TURN_MS);
	if (http_done(c)) {
		const struct http_answer *a = http_answer(c);
		t = (struct attempt){ a->failure, detail.fault, a->status };
	}
	http_call_free(c);
	buf_release(&detail.head);
	buf_release(&detail.certificate);
	return t;
}

static bool is_taken(const struct attempt *t)
{
	return t->failure == HTTP_OK && t->status >= 200 && t->status < 300;
}

static bool may_pass(const struct attempt *t)
{
	if (t->failure == HTTP_OK)
		return t->status == 429 || t->status >= 500;
	return t->failure != HTTP_LIBRARY && t->fault != HTTP_FAULT_CERTIFICATE;
}

static int refuse(struct arena *a, const struct post *p, const struct attempt *last, struct err *e)
{
	static const char *const why[] = {
		[HTTP_FAULT_NONE] = "libcurl is missing",
		[HTTP_FAULT_NAME] = "there is no such host",
		[HTTP_FAULT_CONNECT] = "no connection",
		[HTTP_FAULT_CERTIFICATE] = "its certificate is not trusted here",
		[HTTP_FAULT_TLS] = "no TLS connection",
		[HTTP_FAULT_TIME] = "no answer in time",
		[HTTP_FAULT_ANSWER] = "it gives no HTTP answer",
	};
	const char *host = url_host(a, p->url);
	if (last->failure == HTTP_OK)
		return err_set(e, ERR_FAILED, "%s answers with status %d", host, last->status);
	return err_set(e, ERR_FAILED, "%s: %s", host, why[last->fault]);
}

int post_patiently(struct loop *l, const struct post *p, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct http *h = http_new(NULL);
	struct attempt last = { .failure = HTTP_TIMEOUT, .fault = HTTP_FAULT_TIME };
	int64_t until = now_ms() + p->total_ms, pause = PAUSE_MS;
	int before = loop_interrupts(l);
	for (int64_t left; (left = until - now_ms()) > 0;) {
		struct http_request r = {
			.method = "POST",
			.url = p->url,
			.body = p->body,
			.body_len = p->len,
			.headers = header_lines(&a, p),
			.total_ms = left < TRY_MS ? left : TRY_MS,
		};
		last = one_try(h, l, &r, before);
		if (is_taken(&last) || !may_pass(&last) || loop_interrupts(l) != before)
			break;
		left = until - now_ms();
		if (pause >= left || !pause_between(l, pause, before))
			break;
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	}
	int rc = is_taken(&last) ? 0 : refuse(&a, p, &last, e);
	http_free(h);
	arena_release(&a);
	return rc;
}
