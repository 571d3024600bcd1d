/*
 * TCP passed on. Comes in: connections to one address. Goes out: the same bytes to 127.0.0.1, and
 * back. Reads no faster than the other side takes, keeps a half-closed connection open for the
 * other half, holds a bounded number of them.
 */
#include "run/host/relay.h"

#include <stdbool.h>
#include <string.h>
#include <uv.h>

#include "base/arena.h"

enum { BACKLOG = 128, PORTION = 64 * 1024 };

struct way { /* one end of a connection, and what it has read */
	uv_tcp_t tcp;
	struct link *link;
	struct way *other;
	uv_write_t write;
	uv_shutdown_t shutdown;
	char *portion; /* PORTION bytes; one write at a time is made of it */
	bool ended;    /* it has said all; the other was told */
};

struct link {
	struct link *next;
	struct relay *owner;
	struct way ways[2]; /* from the container, to the service */
	uv_connect_t connect;
	int handles; /* not closed yet */
	bool closing;
};

struct relay {
	uv_tcp_t listener;
	struct sockaddr_in goal;
	struct link *links;
	int count;
	bool waiting; /* somebody waits in the listener's queue */
	bool freed, closed;
};

static void accept_one(struct relay *r);

static void release_if_done(struct relay *r)
{
	if (r->freed && r->closed && !r->links)
		xfree(r);
}

static void unlink_link(struct link *k)
{
	for (struct link **at = &k->owner->links; *at; at = &(*at)->next)
		if (*at == k) {
			*at = k->next;
			return;
		}
}

static void on_closed(uv_handle_t *h)
{
	struct way *w = h->data;
	struct link *k = w->link;
	struct relay *r = k->owner;
	if (--k->handles > 0)
		return;
	unlink_link(k);
	for (int i = 0; i < 2; i++)
		xfree(k->ways[i].portion);
	xfree(k);
	r->count--;
	if (r->waiting && !r->freed)
		accept_one(r);
	release_if_done(r);
}

static void cut(struct link *k)
{
	if (k->closing)
		return;
	k->closing = true;
	for (int i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&k->ways[i].tcp, on_closed);
}

/* ---- one direction ---- */

static void read_on(struct way *w);

static void on_written(uv_write_t *q, int status)
{
	struct way *from = q->data;
	if (from->link->closing)
		return;
	if (status)
		cut(from->link);
	else
		read_on(from);
}

static void on_shut(uv_shutdown_t *q, int status)
{
	struct way *from = q->data;
	struct link *k = from->link;
	if (!k->closing && (status || from->other->ended))
		cut(k);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
	struct way *w = h->data;
	(void)hint;
	if (!w->portion)
		w->portion = xmalloc(PORTION);
	*out = uv_buf_init(w->portion, PORTION);
}

/* The next portion is read when this one was written: the slower side sets the pace. */
static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct way *w = s->data;
	if (n == 0)
		return;
	uv_read_stop(s);
	if (n == UV_EOF) {
		w->ended = true;
		w->shutdown.data = w;
		if (uv_shutdown(&w->shutdown, (uv_stream_t *)&w->other->tcp, on_shut))
			cut(w->link);
		return;
	}
	uv_buf_t out = uv_buf_init(b->base, n > 0 ? (unsigned)n : 0);
	w->write.data = w;
	if (n < 0 || uv_write(&w->write, (uv_stream_t *)&w->other->tcp, &out, 1, on_written))
		cut(w->link);
}

static void read_on(struct way *w)
{
	if (uv_read_start((uv_stream_t *)&w->tcp, on_alloc, on_read))
		cut(w->link);
}

/* ---- connections ---- */

static void on_connected(uv_connect_t *q, int status)
{
	struct link *k = q->data;
	if (k->closing)
		return;
	if (status) { /* nobody listens: the container sees its connection end */
		cut(k);
		return;
	}
	read_on(&k->ways[0]);
	if (!k->closing)
		read_on(&k->ways[1]);
}

static struct link *link_new(struct relay *r)
{
	struct link *k = xcalloc(1, sizeof(*k));
	k->owner = r;
	k->handles = 2;
	for (int i = 0; i < 2; i++) {
		uv_tcp_init(r->listener.loop, &k->ways[i].tcp);
		k->ways[i].tcp.data = &k->ways[i];
		k->ways[i].link = k;
		k->ways[i].other = &k->ways[!i];
	}
	k->connect.data = k;
	k->next = r->links;
	r->links = k;
	r->count++;
	return k;
}

static void accept_one(struct relay *r)
{
	r->waiting = r->count >= RELAY_CONNECTIONS;
	if (r->waiting)
		return;
	struct link *k = link_new(r);
	if (uv_accept((uv_stream_t *)&r->listener, (uv_stream_t *)&k->ways[0].tcp) ||
		uv_tcp_connect(&k->connect, &k->ways[1].tcp, (const struct sockaddr *)&r->goal,
			on_connected)) {
		cut(k);
		return;
	}
	for (int i = 0; i < 2; i++)
		uv_tcp_nodelay(&k->ways[i].tcp, 1);
}

/* libuv takes no further connection while one was not accepted: the kernel's queue holds them. */
static void on_connection(uv_stream_t *s, int status)
{
	if (!status)
		accept_one(s->data);
}

static void on_listener_closed(uv_handle_t *h)
{
	struct relay *r = h->data;
	r->closed = true;
	release_if_done(r);
}

static int listen_on(struct relay *r, const char *address, int port)
{
	struct sockaddr_in at;
	int rc = uv_ip4_addr(address, port, &at);
	if (!rc)
		rc = uv_ip4_addr("127.0.0.1", port, &r->goal);
	if (!rc)
		rc = uv_tcp_bind(&r->listener, (const struct sockaddr *)&at, 0);
	if (!rc)
		rc = uv_listen((uv_stream_t *)&r->listener, BACKLOG, on_connection);
	return rc;
}

struct relay *relay_new(struct loop *l, const char *address, int port, struct err *e)
{
	struct relay *r = xcalloc(1, sizeof(*r));
	uv_tcp_init(loop_uv(l), &r->listener);
	r->listener.data = r;
	int rc = listen_on(r, address, port);
	*e = (struct err)ERR_INIT;
	if (!rc)
		return r;
	if (rc != UV_EADDRINUSE)
		err_set(e, ERR_FAILED, "listening on %s:%d for containers: %s", address, port,
			uv_strerror(rc));
	relay_free(r);
	return NULL;
}

void relay_free(struct relay *r)
{
	if (!r)
		return;
	r->freed = true;
	for (struct link *k = r->links; k; k = k->next)
		cut(k);
	uv_close((uv_handle_t *)&r->listener, on_listener_closed);
}
