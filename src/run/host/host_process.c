/*
 * A child of ours with pipes. Comes in: what to start, under which guard. Goes out: its bytes as
 * they come, its exit status once. Knows nothing of restarts or files.
 */
#include "run/host/host_process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPE_USUAL = 1 << 16, PIPE_SIZE = 1 << 20, READ_MAX = 256 * 1024, READS = 4 };

struct host_stream {
	struct host_process *owner;
	enum stream which;
	struct poller *poller; /* NULL: at its end */
	bool wide;             /* its pipe has been made larger */
};

struct host_process {
	struct loop *loop;
	const struct host_process_ops *ops;
	void *ctx;
	pid_t pid;
	struct guard_start *start; /* on its way; NULL: no more */
	int pipes[2][2];           /* until it has begun */
	struct poller *end;        /* pidfd; NULL: reaped */
	struct host_stream streams[2];
};

/* One for all: what was read is given out before the next read. */
static char read_buffer[READ_MAX];

/* False: there is nothing more now. */
static bool read_once(struct host_stream *s)
{
	if (!s->poller)
		return false;
	ssize_t n = read(poller_fd(s->poller), read_buffer, sizeof(read_buffer));
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		poller_free(s->poller);
		s->poller = NULL;
		return false;
	}
	/* One who has much to say. More than a user may have in all is refused, and does no harm.
	 */
	if ((size_t)n >= PIPE_USUAL && !s->wide) {
		fcntl(poller_fd(s->poller), F_SETPIPE_SZ, PIPE_SIZE);
		s->wide = true;
	}
	s->owner->ops->output(s->owner->ctx, s->which, read_buffer, (size_t)n);
	return true;
}

static void on_output(void *ctx)
{
	read_once(ctx);
}

void host_process_drain(struct host_process *p)
{
	/* An orphan may write without end: what fits into a pipe was there when we were asked. */
	for (int i = 0; i < 2; i++)
		for (int n = 0; n < PIPE_SIZE / READ_MAX * READS && read_once(&p->streams[i]); n++)
			;
}

static int wait_for(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void on_end(void *ctx)
{
	struct host_process *p = ctx;
	int status = wait_for(p->pid);
	poller_free(p->end);
	p->end = NULL;
	host_process_drain(p);
	p->ops->exited(p->ctx, status);
}

static int make_pipe(int ends[2], struct err *e)
{
	if (pipe2(ends, O_CLOEXEC))
		return err_errno(e, "making a pipe");
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return 0;
}

static void close_pair(int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

static struct host_process *process_new(
	struct loop *loop, const struct host_process_ops *ops, void *ctx, int pipes[2][2])
{
	struct host_process *p = xcalloc(1, sizeof(*p));
	*p = (struct host_process){ .loop = loop, .ops = ops, .ctx = ctx };
	memcpy(p->pipes, pipes, sizeof(p->pipes));
	return p;
}

struct host_process *host_process_begin(struct loop *loop, struct guard *g,
	const struct guard_launch *l, const struct host_process_ops *ops, void *ctx, struct err *e)
{
	int pipes[2][2];
	struct guard_launch with = *l;
	if (make_pipe(pipes[0], e))
		return NULL;
	if (make_pipe(pipes[1], e)) {
		close_pair(pipes[0]);
		return NULL;
	}
	struct host_process *p = process_new(loop, ops, ctx, pipes);
	with.out = pipes[0][1];
	with.err = pipes[1][1];
	p->start = guard_begin(g, &with);
	return p;
}

static int watch(struct host_process *p, struct err *e)
{
	int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (fd < 0) {
		err_errno(e, "watching process %d", (int)p->pid);
		kill(-p->pid, SIGKILL);
		wait_for(p->pid);
		return -1;
	}
	p->end = poller_new(p->loop, fd, on_end, p);
	return 0;
}

static void begin_streams(struct host_process *p)
{
	for (int i = 0; i < 2; i++) {
		close(p->pipes[i][1]);
		p->streams[i] = (struct host_stream){ .owner = p,
			.which = i ? STREAM_STDERR : STREAM_STDOUT };
		p->streams[i].poller =
			poller_new(p->loop, p->pipes[i][0], on_output, &p->streams[i]);
	}
}

int host_process_begun(struct host_process *p, struct err *e)
{
	int rc = guard_begun(p->start, &p->pid, e);
	p->start = NULL;
	if (!rc && !watch(p, e)) {
		begin_streams(p);
		return 0;
	}
	int failed = errno;
	close_pair(p->pipes[0]);
	close_pair(p->pipes[1]);
	xfree(p);
	errno = failed;
	return -1;
}

struct host_process *host_process_start(struct loop *loop, struct guard *g,
	const struct guard_launch *l, const struct host_process_ops *ops, void *ctx, struct err *e)
{
	struct host_process *p = host_process_begin(loop, g, l, ops, ctx, e);
	return p && !host_process_begun(p, e) ? p : NULL;
}

pid_t host_process_pid(const struct host_process *p)
{
	return p->pid;
}

bool host_process_exited(const struct host_process *p)
{
	return !p->end;
}

bool host_process_open(const struct host_process *p)
{
	return p->streams[0].poller || p->streams[1].poller;
}

void host_process_pause(struct host_process *p, bool on)
{
	for (int i = 0; i < 2; i++)
		if (p->streams[i].poller)
			poller_pause(p->streams[i].poller, on);
}

void host_process_signal(struct host_process *p, int signum)
{
	if (p->end)
		kill(-p->pid, signum);
}

void host_process_free(struct host_process *p)
{
	if (!p)
		return;
	if (p->end) {
		kill(-p->pid, SIGKILL);
		wait_for(p->pid);
		poller_free(p->end);
	}
	for (int i = 0; i < 2; i++)
		poller_free(p->streams[i].poller);
	xfree(p);
}
