/*
 * A GET over a unix socket by hand. Comes in: a call. Goes out: its answer. Loading libcurl takes
 * longer than most questions to an engine, and makes a process twice as large.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "run/io/socket.h"
#include "run/io/wire.h"

#include "http_parts.h"

enum { RECEIVE_MAX = 128 * 1024 };

struct http_talk { /* heap */
	int fd;
	struct buf in; /* the header, until it is whole */
	struct wire_head head;
	struct wire_chunks chunks;
	int64_t left; /* of a body of known length */
};

static bool is_plain(const struct http_request *r)
{
	return !r->method && !r->body && !r->produce && !r->max_body && !r->tcp && !r->headers &&
	       !r->detail;
}

static bool say(int fd, const char *url)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_addf(&text,
		"GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n",
		strchr(url + strlen("http://"), '/'));
	return send(fd, text.data, text.len, MSG_NOSIGNAL) == (ssize_t)text.len;
}

bool talk_begin(struct http_call *c)
{
	struct err ignored = ERR_INIT; /* libcurl says it */
	if (!is_plain(&c->ask))
		return false;
	int fd = socket_connect(c->http->socket, HTTP_CONNECT_MS, &ignored);
	if (fd < 0)
		return false;
	if (!say(fd, c->ask.url)) {
		close(fd);
		return false;
	}
	c->talk = xcalloc(1, sizeof(*c->talk));
	c->talk->fd = fd;
	return true;
}

int talk_fd(const struct http_call *c)
{
	return c->talk->fd;
}

void talk_free(struct http_call *c)
{
	close(c->talk->fd);
	buf_release(&c->talk->in);
	xfree(c->talk);
}

/* ---- the body ---- */

static bool give_out(void *ctx, const char *data, size_t len)
{
	return call_body(ctx, data, len);
}

static void enough(struct http_call *c)
{
	if (c->body_too_long)
		call_fail(c, HTTP_BROKEN, "its body is too long");
	c->done = true;
}

static void take_chunks(struct http_call *c, const char *data, size_t len)
{
	switch (wire_chunks_feed(&c->talk->chunks, data, len, give_out, c)) {
	case WIRE_MORE:
		break;
	case WIRE_WHOLE:
		c->done = true;
		break;
	case WIRE_STOPPED:
		enough(c);
		break;
	case WIRE_BROKEN:
		call_fail(c, HTTP_BROKEN, "its body is not divided as HTTP has it");
		break;
	}
}

static void take_body(struct http_call *c, const char *data, size_t len)
{
	struct http_talk *t = c->talk;
	if (t->head.chunked) {
		take_chunks(c, data, len);
		return;
	}
	if (t->head.body_length >= 0 && (int64_t)len > t->left)
		len = (size_t)t->left;
	t->left -= (int64_t)len;
	if (len && !call_body(c, data, len))
		enough(c);
	else if (t->head.body_length >= 0 && t->left == 0)
		c->done = true;
}

/* ---- the header ---- */

static void read_fields(struct http_call *c, const char *head, size_t len)
{
	const char *end = head + len;
	for (const char *nl; (nl = memchr(head, '\n', (size_t)(end - head))); head = nl + 1)
		call_field(c, head, (size_t)(nl - head));
}

static void take_head(struct http_call *c, const char *data, size_t len)
{
	struct http_talk *t = c->talk;
	buf_add(&t->in, data, len);
	int rc = wire_parse(t->in.data, t->in.len, &t->head);
	if (rc < 0 || (rc > 0 && t->head.status < 200)) {
		call_fail(c, HTTP_BROKEN,
			t->in.len >= WIRE_MAX_HEADER ? "its header is longer than 64 KiB"
						     : "what came is no answer of HTTP");
		return;
	}
	if (rc == 0)
		return;
	c->header_done = true;
	c->window_start = c->last;
	c->answer.status = t->head.status;
	t->left = t->head.body_length;
	read_fields(c, t->in.data, t->head.length);
	take_body(c, t->in.data + t->head.length, t->in.len - t->head.length);
	buf_release(&t->in);
}

/* ---- reading ---- */

static void at_end(struct http_call *c)
{
	if (!c->header_done)
		call_fail(c, HTTP_BROKEN, "the connection was closed without an answer");
	else if (c->talk->head.chunked || c->talk->head.body_length >= 0)
		call_fail(c, HTTP_BROKEN, "the connection was closed before all had come");
	c->done = true;
}

void talk_read(struct http_call *c)
{
	static char data[RECEIVE_MAX]; /* what was read is given out before the next read */
	ssize_t n = recv(c->talk->fd, data, sizeof(data), MSG_DONTWAIT);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		at_end(c);
		return;
	}
	call_came(c, 0);
	if (c->header_done)
		take_body(c, data, (size_t)n);
	else
		take_head(c, data, (size_t)n);
}
