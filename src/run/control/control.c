/*
 * The agent's side of the control socket. Comes in: lines of JSON of those who may ask. Goes out:
 * one reply to each, and events to who follows. Never waits for a reader: replies are kept until
 * they are read and the reader is not heard meanwhile; events that do not fit are counted.
 */
#include "run/control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/io/socket.h"

#include "control_fields.h"

enum { PEERS_MAX = 256, READ_BYTES = 64 * 1024, TURN_BYTES = 1 << 20, LINES_A_TURN = 64 };

struct control_peer {
	struct control_peer *next;
	struct control *owner;
	uv_poll_t poll;
	int fd;
	struct buf in, out;
	size_t sent;          /* of out */
	size_t dropped;       /* events since the queue was full */
	bool follows, ending; /* ending: what is in out goes out, then it is closed */
	bool closing;
};

struct control {
	struct loop *loop;
	uv_poll_t poll;
	int fd, spare; /* spare: given up to refuse one when descriptors have run out */
	char *path;
	const struct control_ops *ops;
	void *ctx;
	struct control_peer *peers;
	size_t count;
};

char *control_path(struct arena *a, const struct places *pl)
{
	return path_join(a, pl->state, "agent.sock");
}

static size_t unsent(const struct control_peer *p)
{
	return p->out.len - p->sent;
}

/* ---- going ---- */

static void on_peer_closed(uv_handle_t *h)
{
	struct control_peer *p = h->data;
	close(p->fd);
	buf_wipe(&p->in);
	buf_wipe(&p->out);
	xfree(p);
}

static void peer_close(struct control_peer *p)
{
	struct control *c = p->owner;
	if (p->closing)
		return;
	p->closing = true;
	for (struct control_peer **at = &c->peers; *at; at = &(*at)->next) {
		if (*at == p) {
			*at = p->next;
			break;
		}
	}
	c->count--;
	uv_close((uv_handle_t *)&p->poll, on_peer_closed);
	if (c->ops && c->ops->gone)
		c->ops->gone(c->ctx, p);
}

/* ---- out ---- */

static void on_ready(uv_poll_t *h, int status, int events);

static void poll_peer(struct control_peer *p)
{
	int events = unsent(p) ? UV_WRITABLE : 0;
	if (!p->ending)
		events |= UV_DISCONNECT | (unsent(p) > CONTROL_QUEUE_MAX ? 0 : UV_READABLE);
	uv_poll_start(&p->poll, events, on_ready);
}

static void queue_node(struct control_peer *p, const struct node *n)
{
	json_write(&p->out, n, 0);
	buf_addc(&p->out, '\n');
}

static void tell_dropped(struct control_peer *p)
{
	struct arena a = ARENA_INIT;
	struct place no = { 0 };
	struct node *n = node_map(&a, no);
	map_put(&a, n, "event", no, node_str(&a, "dropped", no));
	map_put(&a, n, "count", no, node_int(&a, (int64_t)p->dropped, no));
	queue_node(p, n);
	p->dropped = 0;
	arena_release(&a);
}

/* As much as the reader takes now. */
static void flush_peer(struct control_peer *p)
{
	while (!p->closing && unsent(p)) {
		ssize_t n =
			send(p->fd, p->out.data + p->sent, unsent(p), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			peer_close(p);
			return;
		}
		if (n < 0)
			break;
		p->sent += (size_t)n;
		if (unsent(p))
			continue;
		buf_truncate(&p->out, 0);
		p->sent = 0;
		if (p->dropped)
			tell_dropped(p);
	}
	if (p->sent > READ_BYTES) {
		buf_consume(&p->out, p->sent);
		p->sent = 0;
	}
	if (!p->closing && p->ending && !unsent(p))
		peer_close(p);
	if (!p->closing)
		poll_peer(p);
}

/* ---- in ---- */

static struct node *refusal(struct arena *a, const struct err *e)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no);
	map_put(a, n, "ok", no, node_bool(a, false, no));
	control_put_error(a, n, e);
	return n;
}

static struct node *agreement(struct arena *a, const struct node *reply)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no);
	const struct node_pair *pair;
	map_put(a, n, "ok", no, node_bool(a, true, no));
	node_each_pair(reply, i, pair)
	{
		map_put(a, n, pair->key, no, pair->value);
	}
	return n;
}

static void answer(struct control_peer *p, const char *line, size_t len)
{
	struct control *c = p->owner;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct node *request = json_read(&a, line, len, "the request", &e), *reply = NULL;
	if (request && (request->kind != NODE_MAP || !node_text(node_get(request, "do"))))
		err_set(&e, ERR_USAGE, "a request is a JSON object with \"do\"");
	else if (request)
		reply = c->ops->request(c->ctx, p, &a, request, &e);
	queue_node(p, reply ? agreement(&a, reply) : refusal(&a, &e));
	arena_release(&a);
}

static void refuse_and_end(struct control_peer *p, const char *why)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	err_set(&e, ERR_USAGE, "%s", why);
	queue_node(p, refusal(&a, &e));
	arena_release(&a);
	p->ending = true;
}

/* Whole lines, as long as their replies are read. */
static void answer_lines(struct control_peer *p)
{
	size_t at = 0;
	while (!p->ending && at < p->in.len && unsent(p) <= CONTROL_QUEUE_MAX) {
		const char *line = p->in.data + at, *end = memchr(line, '\n', p->in.len - at);
		if (!end)
			break;
		at += (size_t)(end - line) + 1;
		if (end > line)
			answer(p, line, (size_t)(end - line));
	}
	buf_consume(&p->in, at);
	if (p->in.len > CONTROL_LINE_MAX && !memchr(p->in.data, '\n', p->in.len))
		refuse_and_end(p, "the request is too long");
}

static void read_peer(struct control_peer *p)
{
	char bytes[READ_BYTES];
	for (size_t total = 0; total < TURN_BYTES;) {
		ssize_t n = recv(p->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			peer_close(p);
			return;
		}
		if (n == 0) { /* it may have shut down its half only, and read what it asked for */
			answer_lines(p);
			p->ending = true;
			return;
		}
		total += (size_t)n;
		buf_add(&p->in, bytes, (size_t)n);
		if ((size_t)n < sizeof(bytes))
			break;
	}
	answer_lines(p);
}

static void on_ready(uv_poll_t *h, int status, int events)
{
	struct control_peer *p = h->data;
	loop_stir(p->owner->loop);
	if (p->closing)
		return;
	if (status < 0) {
		peer_close(p);
		return;
	}
	if (events & UV_WRITABLE)
		flush_peer(p);
	/* A reader that caught up may have left requests behind that were not heard. */
	if (!p->closing && p->in.len && unsent(p) <= CONTROL_QUEUE_MAX)
		answer_lines(p);
	if (!p->closing && (events & (UV_READABLE | UV_DISCONNECT)) && !p->ending)
		read_peer(p);
	if (!p->closing)
		flush_peer(p);
}

/* ---- newcomers ---- */

static bool welcome(int fd)
{
	struct socket_peer who;
	return socket_peer(fd, &who) && (who.uid == geteuid() || who.uid == 0);
}

static void turn_away(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void add_peer(struct control *c, int fd)
{
	struct control_peer *p = xcalloc(1, sizeof(*p));
	p->owner = c;
	p->fd = fd;
	p->poll.data = p;
	p->next = c->peers;
	c->peers = p;
	c->count++;
	uv_poll_init(loop_uv(c->loop), &p->poll, fd);
	poll_peer(p);
}

/* Out of descriptors: the newcomer would wait for ever, and wake us for ever. */
static bool make_room(struct control *c)
{
	if ((errno != EMFILE && errno != ENFILE) || c->spare < 0)
		return false;
	close(c->spare);
	int fd = accept(c->fd, NULL, NULL);
	if (fd >= 0)
		turn_away(fd, "{\"ok\":false,\"error\":\"the agent has no descriptors left\"}\n");
	c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

static void on_newcomer(uv_poll_t *h, int status, int events)
{
	struct control *c = h->data;
	(void)events;
	loop_stir(c->loop);
	for (int i = 0; status >= 0 && i < LINES_A_TURN; i++) {
		int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && !make_room(c))
			return;
		if (fd < 0)
			continue;
		if (!welcome(fd))
			turn_away(
				fd, "{\"ok\":false,\"error\":\"this is another user's agent\"}\n");
		else if (c->count >= PEERS_MAX)
			turn_away(fd, "{\"ok\":false,\"error\":\"the agent has too many "
				      "connections\"}\n");
		else
			add_peer(c, fd);
	}
}

struct control *control_listen(
	struct loop *l, const char *path, const struct control_ops *ops, void *ctx, struct err *e)
{
	int fd = socket_listen(path, e);
	if (fd < 0)
		return NULL;
	struct control *c = xcalloc(1, sizeof(*c));
	*c = (struct control){ .loop = l, .fd = fd, .ops = ops, .ctx = ctx };
	c->path = xstrdup(path);
	c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	c->poll.data = c;
	uv_poll_init(loop_uv(l), &c->poll, fd);
	uv_poll_start(&c->poll, UV_READABLE, on_newcomer);
	return c;
}

/* ---- events ---- */

void control_follow(struct control_peer *p, bool on)
{
	p->follows = on;
}

size_t control_followers(const struct control *c)
{
	size_t n = 0;
	for (const struct control_peer *p = c->peers; p; p = p->next)
		n += p->follows;
	return n;
}

size_t control_peers(const struct control *c)
{
	return c->count;
}

static void send_event(struct control_peer *p, const struct buf *line)
{
	if (p->dropped || unsent(p) + line->len > CONTROL_QUEUE_MAX) {
		p->dropped++;
		return;
	}
	buf_add(&p->out, line->data, line->len);
	poll_peer(p);
}

void control_event(struct control *c, const struct node *event)
{
	cleanup_buf struct buf line = BUF_INIT;
	if (!control_followers(c))
		return;
	json_write(&line, event, 0);
	buf_addc(&line, '\n');
	for (struct control_peer *p = c->peers; p; p = p->next)
		if (p->follows && !p->ending)
			send_event(p, &line);
}

static void on_closed(uv_handle_t *h)
{
	struct control *c = h->data;
	close(c->fd);
	if (c->spare >= 0)
		close(c->spare);
	xfree(c->path);
	xfree(c);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	c->ops = NULL;
	unlink(c->path);
	for (struct control_peer *p = c->peers, *next; p; p = next) {
		next = p->next;
		p->ending = true; /* what it was told last still goes out, as far as it fits */
		flush_peer(p);
	}
	while (c->peers)
		peer_close(c->peers);
	uv_close((uv_handle_t *)&c->poll, on_closed);
}
