/*
 * The control socket as all others see it: questions and their answers, one at a time, and the
 * events in between. Comes in: requests. Goes out: what the agent said. Waits at most
 * CONTROL_ANSWER_MS for an agent that does not answer.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/control/control_client.h"
#include "run/io/socket.h"

#include "control_fields.h"

static struct control_client *adopt(int fd)
{
	struct control_client *c = xcalloc(1, sizeof(*c));
	struct socket_peer who = { 0 };
	c->fd = fd;
	if (socket_peer(fd, &who))
		c->pid = who.pid;
	client_hosts_init(c);
	return c;
}

struct control_client *control_connect(const char *path, struct err *e)
{
	struct socket_peer who;
	int fd = socket_connect(path, CONTROL_ANSWER_MS, e);
	if (fd < 0)
		return NULL;
	if (socket_peer(fd, &who) && (who.uid == geteuid() || who.uid == 0))
		return adopt(fd);
	close(fd);
	err_set(e, ERR_FAILED, "the agent's socket %s belongs to another user", path);
	return NULL;
}

void control_disconnect(struct control_client *c)
{
	if (!c)
		return;
	close(c->fd);
	buf_wipe(&c->in);
	buf_release(&c->events);
	xfree(c);
}

int control_fd(const struct control_client *c)
{
	return c->fd;
}

bool control_gone(const struct control_client *c)
{
	return c->gone;
}

pid_t control_pid(const struct control_client *c)
{
	return c->pid;
}

bool control_await_exit(struct control_client *c, int64_t until)
{
	if (c->pid <= 0)
		return true;
	int fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (fd < 0)
		return true;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;
	do {
		int64_t left = until - now_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	close(fd);
	return n > 0;
}

/* False: not within the time. */
static bool await(const struct control_client *c, short events, int64_t until)
{
	for (;;) {
		struct pollfd p = { .fd = c->fd, .events = events };
		int64_t left = until - now_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);
		if (n > 0)
			return true;
		if (n == 0 || errno != EINTR)
			return false;
	}
}

static int silent(struct control_client *c, struct err *e)
{
	err_set(e, ERR_FAILED, "the agent of this workspace (pid %ld) does not answer",
		(long)c->pid);
	err_hint(e, "end it with `kill -KILL %ld`; the next command starts another", (long)c->pid);
	return -1;
}

static int hung_up(struct control_client *c, struct err *e)
{
	c->gone = true;
	err_set(e, ERR_FAILED, "the agent of this workspace has ended meanwhile");
	err_hint(e, "run the command again");
	return -1;
}

static int write_line(struct control_client *c, const struct buf *line, struct err *e)
{
	int64_t until = now_ms() + CONTROL_ANSWER_MS;
	for (size_t at = 0; at < line->len;) {
		ssize_t n = send(c->fd, line->data + at, line->len - at, MSG_NOSIGNAL);
		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && errno == EAGAIN && await(c, POLLOUT, until))
			continue;
		else if (n < 0 && errno == EINTR)
			continue;
		else
			return errno == EAGAIN ? silent(c, e) : hung_up(c, e);
	}
	return 0;
}

/* What is there now. False: the agent has closed the connection. */
static bool read_more(struct control_client *c)
{
	char bytes[64 * 1024];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n > 0)
		buf_add(&c->in, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		c->gone = true;
	return !c->gone;
}

/* The next whole line of in, parsed; NULL: there is none yet. What is no JSON is passed over. */
static struct node *next_line(
	struct control_client *c, struct arena *a, const char **text, size_t *len)
{
	for (;;) {
		const char *begin = buf_str(&c->in) + c->at;
		const char *end = c->in.len > c->at ? memchr(begin, '\n', c->in.len - c->at) : NULL;
		if (!end) {
			buf_consume(&c->in, c->at);
			c->at = 0;
			return NULL;
		}
		struct err ignored = ERR_INIT;
		struct node *n =
			json_read(a, begin, (size_t)(end - begin), "the agent's word", &ignored);
		c->at += (size_t)(end - begin) + 1;
		*text = begin;
		*len = (size_t)(end - begin) + 1;
		if (n && n->kind == NODE_MAP)
			return n;
	}
}

static bool is_reply(const struct node *n)
{
	const struct node *ok = node_get(n, "ok");
	return ok && ok->kind == NODE_BOOL && !node_get(n, "event");
}

static struct node *take_reply(struct control_client *c, struct arena *a)
{
	const char *text;
	size_t len;
	struct node *n;
	while ((n = next_line(c, a, &text, &len))) {
		if (is_reply(n))
			return n;
		buf_add(&c->events, text, len);
	}
	return NULL;
}

int control_send(struct control_client *c, const struct node *request, struct err *e)
{
	struct buf line = BUF_INIT;
	if (c->gone)
		return hung_up(c, e);
	json_write(&line, request, 0);
	buf_addc(&line, '\n');
	int rc = write_line(c, &line, e);
	buf_wipe(&line);
	return rc;
}

struct node *control_answer(struct control_client *c, struct arena *a, struct err *e)
{
	int64_t until = now_ms() + CONTROL_ANSWER_MS;
	struct node *n;
	while (!(n = take_reply(c, a)))
		if (!await(c, POLLIN, until))
			return silent(c, e), NULL;
		else if (c->gone || !read_more(c))
			return hung_up(c, e), NULL;
	if (node_get(n, "ok")->boolean)
		return n;
	control_get_error(n, e);
	return NULL;
}

struct node *control_ask(
	struct control_client *c, struct arena *a, const struct node *request, struct err *e)
{
	return control_send(c, request, e) ? NULL : control_answer(c, a, e);
}

/* One that came while a reply was awaited. */
static struct node *kept_event(struct control_client *c, struct arena *a)
{
	struct err ignored = ERR_INIT;
	if (!c->events.len)
		return NULL;
	char *end = memchr(c->events.data, '\n', c->events.len);
	size_t len = (size_t)(end - c->events.data);
	struct node *n = json_read(a, c->events.data, len, "the agent's word", &ignored);
	buf_consume(&c->events, len + 1);
	return n;
}

int control_next(struct control_client *c, struct arena *a, struct node **event, int wait_ms)
{
	int64_t until = now_ms() + wait_ms;
	const char *text;
	size_t len;
	for (;;) {
		if ((*event = kept_event(c, a)) || (*event = next_line(c, a, &text, &len)))
			return 1;
		if (c->gone)
			return -1;
		if (!await(c, POLLIN, until))
			return 0;
		read_more(c);
	}
}
