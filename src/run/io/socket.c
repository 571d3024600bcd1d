/*
 * Sockets of this machine. Comes in: a path. Goes out: a descriptor that listens or is connected.
 * Knows nothing of what is spoken over it.
 */
#include "run/io/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/os.h"

enum { BACKLOG = 128, RETRY_MS = 5 };

static int open_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void close_keeping_errno(int fd)
{
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
}

static int at_name(int fd, const char *path, int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int dir;
	if (!socket_name(path, addr.sun_path, &dir))
		return -1;
	int rc = call(fd, (struct sockaddr *)&addr, sizeof(addr));
	close_keeping_errno(dir);
	return rc;
}

/* EAGAIN: its queue of newcomers is full. */
static int connect_once(const char *path)
{
	int fd = open_socket();
	if (fd >= 0 && at_name(fd, path, connect)) {
		close_keeping_errno(fd);
		return -1;
	}
	return fd;
}

static bool nobody(int error)
{
	return error == ENOENT || error == ECONNREFUSED || error == ENOTDIR;
}

int socket_connect(const char *path, int wait_ms, struct err *e)
{
	int64_t until = now_ms() + wait_ms;
	int fd;
	while ((fd = connect_once(path)) < 0 && (errno == EAGAIN || errno == EINTR) &&
		now_ms() < until)
		nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * 1000000 }, NULL);
	if (fd < 0 && nobody(errno))
		e->code = ERR_OK;
	else if (fd < 0)
		err_errno(e, "connecting to %s", path);
	return fd;
}

/* What a killed listener left is taken away; what is no socket stays. */
static int clear_name(const char *path, struct err *e)
{
	struct stat st;
	int fd = connect_once(path);
	int error = errno;
	if (fd >= 0 || error == EAGAIN) {
		close_keeping_errno(fd);
		return err_set(e, ERR_BUSY, "somebody listens on %s already", path);
	}
	if (lstat(path, &st))
		return errno == ENOENT ? 0 : err_errno(e, "looking at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_FAILED, "%s is in the way: it is not a socket", path);
	if (unlink(path) && errno != ENOENT)
		return err_errno(e, "removing %s", path);
	return 0;
}

int socket_listen(const char *path, struct err *e)
{
	if (clear_name(path, e))
		return -1;
	int fd = open_socket();
	mode_t before = umask(0177);
	int rc = fd < 0 ? -1 : at_name(fd, path, bind);
	umask(before);
	if (rc == 0)
		rc = listen(fd, BACKLOG);
	if (rc == 0)
		return fd;
	err_errno(e, "listening on %s", path);
	close_keeping_errno(fd);
	return -1;
}
