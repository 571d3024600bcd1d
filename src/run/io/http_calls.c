/*
 * HTTP: a set of calls. Comes in: requests with bounds. Goes out: status, body and why it failed.
 * Each is carried by hand or by libcurl; what both have in common is here, and the bounds in time.
 */
#include "run/io/http.h"

#include <poll.h>
#include <string.h>
#include <strings.h>
#include <strings.h>

#include "base/text.h"
#include "run/io/loop.h"

#include "http_parts.h"

struct http *http_new(const char *unix_socket)
{
	struct http *h = xcalloc(1, sizeof(*h));
	h->socket = unix_socket ? xstrdup(unix_socket) : NULL;
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->calls)
		http_call_free(h->calls);
	transfers_free(h);
	xfree(h->fds);
	xfree(h->socket);
	xfree(h);
}

/* ---- what comes ---- */

void call_came(struct http_call *c, size_t n)
{
	c->last = now_ms();
	c->window_bytes += n;
}

bool call_body(struct http_call *c, const char *data, size_t len)
{
	call_came(c, len);
	c->body_bytes += len;
	if (c->ask.data && c->answer.status < 400) {
		c->stopped = !c->ask.data(c->ask.ctx, data, len);
		return !c->stopped;
	}
	size_t most = c->ask.max_body ? c->ask.max_body : HTTP_MAX_BODY;
	size_t room = most - c->answer.body.len; /* two that are cut are cut alike */
	buf_add(&c->answer.body, data, len < room ? len : room);
	c->body_too_long = c->body_bytes > most;
	return !c->body_too_long;
}

void call_fail(struct http_call *c, enum http_failure f, const char *why)
{
	c->answer.failure = f;
	size_t n = strlen(why);
	if (n >= sizeof(c->answer.why))
		n = sizeof(c->answer.why) - 1;
	memcpy(c->answer.why, why, n);
	c->answer.why[n] = '\0';
	c->done = true;
}

bool http_done(const struct http_call *c)
{
	return c->done;
}

struct http_answer *http_answer(struct http_call *c)
{
	return &c->answer;
}

int64_t http_quiet_ms(const struct http_call *c)
{
	return now_ms() - c->last;
}

void call_field(struct http_call *c, const char *line, size_t len)
{
	static const char name[] = "api-version:";
	char *out = c->answer.api_version;
	size_t n = 0;
	if (len < sizeof(name) || strncasecmp(line, name, sizeof(name) - 1) != 0)
		return;
	for (size_t i = sizeof(name) - 1; i < len && n + 1 < sizeof(c->answer.api_version); i++)
		if ((line[i] >= '0' && line[i] <= '9') || line[i] == '.')
			out[n++] = line[i];
	out[n] = '\0';
}

/* ---- calls ---- */

struct http_call *http_start(struct http *h, const struct http_request *r)
{
	struct http_call *c = xcalloc(1, sizeof(*c));
	struct err e = ERR_INIT;
	c->http = h;
	c->ask = *r;
	c->started = c->last = c->window_start = now_ms();
	c->next = h->calls;
	h->calls = c;
	if (h->socket && talk_begin(c))
		return c;
	else if (http_load(h, &e))
		call_fail(c, HTTP_LIBRARY, e.text);
	else
		transfer_begin(c);
	return c;
}

void http_call_free(struct http_call *c)
{
	if (!c)
		return;
	for (struct http_call **p = &c->http->calls; *p; p = &(*p)->next) {
		if (*p == c) {
			*p = c->next;
			break;
		}
	}
	if (c->curl)
		transfer_free(c);
	if (c->talk)
		talk_free(c);
	buf_release(&c->answer.body);
	xfree(c);
}

/* ---- bounds ---- */

static bool is_over_time(const struct http_call *c, int64_t now)
{
	return c->talk && c->ask.total_ms && now - c->started >= c->ask.total_ms;
}

/* Time to the header, progress of the body; libcurl knows of total_ms by itself. */
static void check_bounds(struct http_call *c, int64_t now)
{
	if (c->done)
		return;
	bool late = !c->header_done && c->ask.answer_ms && now - c->started >= c->ask.answer_ms;
	if (late || is_over_time(c, now)) {
		call_fail(c, HTTP_TIMEOUT, "no answer");
	} else if (c->header_done && c->ask.idle_ms && now - c->window_start >= c->ask.idle_ms) {
		if (c->window_bytes < HTTP_MIN_PROGRESS)
			call_fail(c, HTTP_TIMEOUT, "the answer stalled");
		c->window_bytes = 0;
		c->window_start = now;
	}
	if (c->done && c->curl)
		transfer_stop(c);
}

static int64_t until(int64_t start, int64_t bound, int64_t now, int64_t most)
{
	int64_t left = start + bound - now;
	if (!bound || left >= most)
		return most;
	return left > 0 ? left : 0;
}

static int64_t next_bound(const struct http *h, int64_t now, int64_t max_ms)
{
	for (const struct http_call *c = h->calls; c; c = c->next) {
		if (c->done)
			continue;
		max_ms = until(c->started, c->ask.total_ms, now, max_ms);
		if (c->header_done)
			max_ms = until(c->window_start, c->ask.idle_ms, now, max_ms);
		else
			max_ms = until(c->started, c->ask.answer_ms, now, max_ms);
	}
	return max_ms;
}

/* ---- turns ---- */

static void add_fd(struct http *h, size_t at, int fd)
{
	if (at == h->fds_cap) {
		h->fds_cap = at * 2 + 8;
		h->fds = xrealloc(h->fds, h->fds_cap * sizeof(*h->fds));
	}
	h->fds[at] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

/* Of what libcurl does not look at. */
static size_t collect_fds(struct http *h, const struct loop *l)
{
	size_t count = 0;
	for (const struct http_call *c = h->calls; c; c = c->next)
		if (c->talk && !c->done)
			add_fd(h, count++, talk_fd(c));
	if (l)
		add_fd(h, count++, loop_fd(l));
	return count;
}

static void read_talks(struct http *h)
{
	for (struct http_call *c = h->calls; c; c = c->next)
		if (c->talk && !c->done)
			talk_read(c);
}

static void wait_for_any(struct http *h, struct loop *l, int max_ms)
{
	int64_t now = now_ms();
	bool ended = h->multi && transfers_perform(h);
	int wait = ended ? 0 : loop_timeout(l, max_ms);
	wait = (int)next_bound(h, now, wait);
	size_t count = collect_fds(h, l);
	if (h->multi)
		transfers_wait(h, h->fds, count, wait);
	else
		poll(h->fds, count, wait);
}

void http_turn(struct http *h, struct loop *l, int max_ms)
{
	if (!h || (!h->multi && !collect_fds(h, NULL))) {
		if (l)
			loop_turn(l, max_ms);
		else
			poll(NULL, 0, max_ms);
		return;
	}
	wait_for_any(h, l, max_ms);
	if (h->multi)
		transfers_perform(h);
	read_talks(h);
	if (l)
		loop_turn(l, 0);
	int64_t now = now_ms();
	for (struct http_call *c = h->calls; c; c = c->next)
		check_bounds(c, now);
}

struct http_call *http_wait(struct http *h, const struct http_request *r)
{
	struct http_call *c = http_start(h, r);
	while (!http_done(c))
		http_turn(h, NULL, 1000);
	return c;
}

void url_escape(struct buf *out, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-_.~";
	for (; *s; s++) {
		if (strchr(plain, *s))
			buf_addc(out, *s);
		else
			buf_addf(out, "%%%02X", (unsigned)(unsigned char)*s);
	}
}
