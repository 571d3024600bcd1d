/*
 * One GET over a unix socket by hand, and what of HTTP needs no libcurl. Comes in: a request that
 * is waited for. Goes out: its answer, or that it has to be asked by libcurl. Loading that takes
 * longer than most questions to an engine; what is out of the ordinary is left to it all the same.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/os.h"
#include "base/text.h"
#include "run/http.h"
#include "run/socket.h"
#include "run/wire.h"

struct talk {
	int fd;
	const struct http_request *ask;
	struct http_answer *answer;
	struct buf *in;
	struct wire_head head;
	int64_t window_start; /* of the idle bound */
	size_t window_bytes;
};

enum talked { TALK_GOES_ON, TALK_ENDED, TALK_TIMEOUT, TALK_FAILED };

void http_read_version(const char *line, size_t len, char out[static 16])
{
	static const char name[] = "api-version:";
	size_t n = 0;
	if (len < sizeof(name) || strncasecmp(line, name, sizeof(name) - 1) != 0)
		return;
	for (size_t i = sizeof(name) - 1; i < len && n + 1 < 16; i++)
		if ((line[i] >= '0' && line[i] <= '9') || line[i] == '.')
			out[n++] = line[i];
	out[n] = '\0';
}

/* Version 1.0, so that the body ends with the connection and comes in one piece. */
static bool say(const struct talk *t)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = strchr(t->ask->url + strlen("http://"), '/');
	buf_addf(&text, "GET %s HTTP/1.0\r\nHost: localhost\r\nAccept: */*\r\n\r\n", path);
	return send(t->fd, text.data, text.len, MSG_NOSIGNAL) == (ssize_t)text.len;
}

/* True: as divided as libcurl alone can put together. */
static bool read_fields(struct talk *t)
{
	static const char divided[] = "transfer-encoding:";
	const char *line = t->in->data, *end = line + t->head.length;
	for (const char *nl; (nl = memchr(line, '\n', (size_t)(end - line))); line = nl + 1) {
		size_t len = (size_t)(nl - line);
		if (len >= sizeof(divided) - 1 &&
			strncasecmp(line, divided, sizeof(divided) - 1) == 0)
			return true;
		http_read_version(line, len, t->answer->api_version);
	}
	return false;
}

static enum talked take_head(struct talk *t)
{
	int rc = wire_parse(t->in->data, t->in->len, &t->head);
	if (rc == 0)
		return TALK_GOES_ON;
	if (rc < 0 || t->head.status < 200 || read_fields(t))
		return TALK_FAILED;
	t->answer->status = t->head.status;
	buf_consume(t->in, t->head.length);
	t->window_start = now_ms();
	t->window_bytes = t->in->len;
	return TALK_GOES_ON;
}

static bool whole(const struct talk *t)
{
	return t->head.body_length >= 0 && t->in->len >= (size_t)t->head.body_length;
}

/* How long the other side may still be silent; 0: no longer. */
static int64_t patience(struct talk *t)
{
	int64_t now = now_ms(), bound = t->answer->status ? t->ask->idle_ms : t->ask->answer_ms;
	if (t->answer->status && now - t->window_start >= bound &&
		t->window_bytes >= HTTP_MIN_PROGRESS) {
		t->window_bytes = 0;
		t->window_start = now;
	}
	return t->window_start + bound - now;
}

static enum talked receive(struct talk *t)
{
	char chunk[32 * 1024];
	struct pollfd p = { .fd = t->fd, .events = POLLIN };
	int64_t left = patience(t);
	if (left <= 0)
		return TALK_TIMEOUT;
	if (poll(&p, 1, (int)left) <= 0)
		return TALK_GOES_ON;
	ssize_t n = read(t->fd, chunk, sizeof(chunk));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? TALK_GOES_ON : TALK_FAILED;
	if (n == 0)
		return t->answer->status && (t->head.body_length < 0 || whole(t)) ? TALK_ENDED
										  : TALK_FAILED;
	buf_add(t->in, chunk, (size_t)n);
	t->window_bytes += (size_t)n;
	enum talked how = t->answer->status ? TALK_GOES_ON : take_head(t);
	if (how == TALK_GOES_ON && t->in->len > HTTP_MAX_BODY)
		return TALK_FAILED;
	return how == TALK_GOES_ON && t->answer->status && whole(t) ? TALK_ENDED : how;
}

static bool is_plain(const struct http_request *r)
{
	return r->waits && r->answer_ms && r->idle_ms && !r->method && !r->body && !r->data &&
	       !r->total_ms && !r->max_body && !r->tcp && !r->headers && !r->detail;
}

bool http_plain(const char *socket, const struct http_request *r, struct http_answer *out)
{
	struct err ignored = ERR_INIT;
	struct talk t = { .ask = r, .answer = out, .in = &out->body, .window_start = now_ms() };
	enum talked how = TALK_GOES_ON;
	if (!is_plain(r))
		return false;
	t.fd = socket_connect(socket, HTTP_CONNECT_MS, &ignored);
	if (t.fd < 0)
		return false;
	if (!say(&t))
		how = TALK_FAILED;
	while (how == TALK_GOES_ON)
		how = receive(&t);
	close(t.fd);
	if (how == TALK_TIMEOUT) {
		out->failure = HTTP_TIMEOUT;
		snprintf(out->why, sizeof(out->why), "no answer");
	}
	if (how == TALK_FAILED) {
		buf_release(&out->body);
		*out = (struct http_answer){ 0 };
	}
	return how != TALK_FAILED;
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
