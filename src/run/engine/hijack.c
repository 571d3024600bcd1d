/*
 * A request whose connection is taken over. Comes in: path and body. Goes out: a descriptor to read
 * and write raw. Everything until the header is bounded in time and size; what follows is the
 * caller's.
 */
#include "run/engine/hijack.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/io/wire.h"

static int connect_unix(const struct engine *g)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	memcpy(addr.sun_path, g->socket, strlen(g->socket) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Waits for a connection under way; -1 when there is none in time. */
static int connected(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t size = sizeof(error);
	if (poll(&p, 1, HTTP_CONNECT_MS) <= 0)
		return -1;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error ? -1 : 0;
}

static int connect_address(const struct addrinfo *i)
{
	int fd =
		socket(i->ai_family, i->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, i->ai_protocol);
	if (fd < 0)
		return -1;
	if (connect(fd, i->ai_addr, i->ai_addrlen) && (errno != EINPROGRESS || connected(fd))) {
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

static int connect_tcp(const struct engine *g)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	char host[300], *colon;
	int fd = -1;
	snprintf(host, sizeof(host), "%.299s", g->base + strlen("http://"));
	colon = strrchr(host, ':');
	if (!colon)
		return -1;
	*colon = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &list))
		return -1;
	for (struct addrinfo *i = list; i && fd < 0; i = i->ai_next)
		fd = connect_address(i);
	freeaddrinfo(list);
	return fd;
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Reads what is there; 0 at the end, -1 on error or when deadline has passed. */
static ssize_t receive(struct hijack *h, int64_t deadline)
{
	char chunk[4096];
	struct pollfd p = { .fd = h->fd, .events = POLLIN };
	int64_t left = deadline - now_ms();
	if (left <= 0 || poll(&p, 1, (int)left) <= 0)
		return -1;
	ssize_t n = read(h->fd, chunk, sizeof(chunk));
	if (n > 0)
		buf_add(&h->early, chunk, (size_t)n);
	return n;
}

static int refused(struct engine *g, struct hijack *h, const struct wire_head *head,
	int64_t deadline, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct err ignored = ERR_INIT;
	size_t want = head->body_length > 0 && head->body_length < WIRE_MAX_HEADER
			      ? (size_t)head->body_length
			      : 0;
	buf_consume(&h->early, head->length);
	while (h->early.len < want && receive(h, deadline) > 0)
		;
	struct node *n = h->early.len ? json_read(&a, h->early.data, h->early.len,
						"the engine's answer", &ignored)
				      : NULL;
	const char *message = node_text(node_get(n, "message"));
	if (message)
		err_set(e, ERR_FAILED, "the engine says: %s", message);
	else
		err_set(e, ERR_FAILED, "the engine at %s answered with status %d", g->host,
			head->status);
	arena_release(&a);
	return -1;
}

static int read_head(struct engine *g, struct hijack *h, struct err *e)
{
	int64_t deadline = now_ms() + ENGINE_ANSWER_MS;
	struct wire_head head;
	int rc = 0;
	do {
		ssize_t n = receive(h, deadline);
		if (n < 0) {
			err_set(e, ERR_ENGINE, "the engine at %s does not answer (waited %d s)",
				g->host, ENGINE_ANSWER_MS / 1000);
			err_hint(e, "it hangs or is overloaded: look at `journalctl -u docker`");
			return -1;
		}
		if (n == 0)
			return err_set(
				e, ERR_ENGINE, "the engine at %s closed the connection", g->host);
		rc = wire_parse(h->early.data, h->early.len, &head);
	} while (rc == 0);
	if (rc < 0)
		return err_set(e, ERR_ENGINE, "the engine at %s sent a broken answer", g->host);
	if (!head.upgraded)
		return refused(g, h, &head, deadline, e);
	buf_consume(&h->early, head.length);
	return 0;
}

int hijack_open(
	struct engine *g, const char *path, const char *body, struct hijack *h, struct err *e)
{
	cleanup_buf struct buf request = BUF_INIT;
	*h = (struct hijack){ .fd = -1 };
	if (engine_negotiate(g, e))
		return -1;
	h->fd = g->socket[0] ? connect_unix(g) : connect_tcp(g);
	if (h->fd < 0)
		return engine_check_socket(g, e)
			       ? -1
			       : err_set(e, ERR_ENGINE, "the engine at %s cannot be reached",
					 g->host);
	buf_addf(&request,
		"POST /v%s%s HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n",
		g->api, path);
	buf_addf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		body ? strlen(body) : 0);
	if (body)
		buf_adds(&request, body);
	int rc = send_all(h->fd, request.data, request.len)
			 ? err_set(e, ERR_ENGINE, "the engine at %s closed the connection", g->host)
			 : read_head(g, h, e);
	if (rc)
		hijack_close(h);
	return rc;
}

void hijack_close(struct hijack *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	buf_release(&h->early);
}
