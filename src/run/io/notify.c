/*
 * A datagram socket per copy that wants one. Comes in: "NAME=VALUE" lines of any process that may
 * enter a 0700 folder. Goes out: a call for each. Descriptors that come along are closed unseen.
 */
#include "run/io/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/os.h"

enum { MESSAGE_MAX = 4096, VALUE_MAX = 200, AT_ONCE = 16 };

struct notify {
	struct poller *poller;
	notify_fn *fn;
	void *ctx;
	struct sockaddr_un address;
	char own_dir[64]; /* made for this socket alone; "" none */
};

static void take_line(struct notify *n, const char *line, size_t len)
{
	char name[64], value[VALUE_MAX + 1];
	const char *eq = memchr(line, '=', len);
	if (!eq || (size_t)(eq - line) >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(eq - line), line);
	size_t rest = len - (size_t)(eq - line) - 1;
	snprintf(value, sizeof(value), "%.*s", (int)(rest > VALUE_MAX ? VALUE_MAX : rest), eq + 1);
	n->fn(n->ctx, name, value);
}

static void take_message(struct notify *n, const char *text, size_t len)
{
	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t line = nl ? (size_t)(nl - text) : len;
		take_line(n, text, line);
		line += nl != NULL;
		text += line;
		len -= line;
	}
}

/* A message may carry descriptors: without room for them the kernel drops them. */
static void on_message(void *ctx)
{
	struct notify *n = ctx;
	char text[MESSAGE_MAX];
	for (int i = 0; i < AT_ONCE; i++) {
		ssize_t len = recv(poller_fd(n->poller), text, sizeof(text), MSG_DONTWAIT);
		if (len < 0)
			return;
		take_message(n, text, (size_t)len);
	}
}

static int choose_path(struct notify *n, const char *dir, const char *unit, struct err *e)
{
	size_t size = sizeof(n->address.sun_path);
	n->address.sun_family = AF_UNIX;
	if (dir_make(dir, 0700, e))
		return -1;
	if ((size_t)snprintf(n->address.sun_path, size, "%s/%s", dir, unit) < size)
		return 0;
	snprintf(n->own_dir, sizeof(n->own_dir), "/tmp/devenv-notify-XXXXXX");
	if (!mkdtemp(n->own_dir)) {
		n->own_dir[0] = '\0';
		return err_errno(e, "making a folder below /tmp");
	}
	snprintf(n->address.sun_path, size, "%s/socket", n->own_dir);
	return 0;
}

struct notify *notify_new(
	struct loop *l, const char *dir, const char *unit, notify_fn *fn, void *ctx, struct err *e)
{
	struct notify *n = xcalloc(1, sizeof(*n));
	n->fn = fn;
	n->ctx = ctx;
	int fd = -1;
	if (choose_path(n, dir, unit, e))
		goto failed;
	unlink(n->address.sun_path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&n->address, sizeof(n->address))) {
		err_errno(e, "making the socket %s", n->address.sun_path);
		goto failed;
	}
	n->poller = poller_new(l, fd, on_message, n);
	return n;
failed:
	if (fd >= 0)
		close(fd);
	notify_free(n);
	return NULL;
}

const char *notify_path(const struct notify *n)
{
	return n->address.sun_path;
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	if (n->poller)
		unlink(n->address.sun_path);
	if (n->own_dir[0])
		rmdir(n->own_dir);
	poller_free(n->poller);
	xfree(n);
}
