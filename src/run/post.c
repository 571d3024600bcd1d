/*
 * Sends a document and tries again. Comes in: URL, headers, body, how long in all. Goes out: taken,
 * or why not. What is in it, and whether it matters, others know.
 */
#include "run/post.h"

#include <string.h>

#include "base/os.h"
#include "run/http.h"
#include "run/loop.h"

enum { TRY_MS = 10000, PAUSE_MS = 250, PAUSE_MAX_MS = 8000, TURN_MS = 200, ANSWER_MAX = 65536 };

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

static void one_try(struct http *h, struct loop *l, const struct http_request *r,
	struct http_answer *out, int before)
{
	struct http_call *c = http_start(h, r);
	while (!http_done(c) && loop_interrupts(l) == before)
		http_turn(h, l, TURN_MS);
	struct http_answer *a = http_done(c) ? http_answer(c) : NULL;
	*out = (struct http_answer){ .failure = a ? a->failure : HTTP_TIMEOUT,
		.status = a ? a->status : 0 };
	if (a)
		memcpy(out->why, a->why, sizeof(out->why));
	http_call_free(c);
}

static bool is_taken(const struct http_answer *a)
{
	return a->failure == HTTP_OK && a->status >= 200 && a->status < 300;
}

static bool may_pass(const struct http_answer *a)
{
	return a->failure == HTTP_LIBRARY ? false
	       : a->failure != HTTP_OK    ? true
					  : a->status == 429 || a->status >= 500;
}

static int refuse(
	struct arena *a, const struct post *p, const struct http_answer *last, struct err *e)
{
	const char *host = url_host(a, p->url);
	if (last->status)
		return err_set(e, ERR_FAILED, "%s answers with status %d", host, last->status);
	return err_set(e, ERR_FAILED, "%s: %s", host,
		last->failure == HTTP_TIMEOUT         ? "no answer in time"
		: last->failure == HTTP_NO_CONNECTION ? "no connection"
		: last->failure == HTTP_LIBRARY       ? "libcurl is missing"
						      : "what it answers is no HTTP");
}

int post_patiently(struct loop *l, const struct post *p, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct http *h = http_new(NULL);
	struct http_answer last = { .failure = HTTP_TIMEOUT };
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
			.max_body = ANSWER_MAX,
		};
		one_try(h, l, &r, &last, before);
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
