/*
 * A command in a container between two streams. Comes in: what to run, a source, a sink. Goes out:
 * its exit status. At most one chunk is held in each direction; who cannot take more is waited for.
 */
#include "run/engine/exec_stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/os.h"
#include "run/io/demux.h"
#include "run/engine/hijack.h"
#include "run/io/loop.h"

enum { CHUNK = 65536, LEAVE_MS = 5000 /* after an interrupt, for the command to end */ };

struct flow {
	const struct exec_stream *s;
	struct loop *loop;
	struct hijack wire;
	struct demux demux;
	struct buf pending; /* pulled, not sent yet */
	struct err error;   /* of pull or push */
	int interrupts;
	int64_t leave; /* monotonic ms; 0: not interrupted */
	bool input_open, input_ended, failed, done;
};

static void fail_flow(struct flow *f)
{
	f->failed = true;
	f->input_ended = true;
}

static void on_payload(void *ctx, enum stream st, const char *data, size_t len, bool start)
{
	struct flow *f = ctx;
	(void)start;
	if (f->failed || !f->s->push(f->s->ctx, st, data, len, &f->error))
		return;
	fail_flow(f);
	f->done = true;
}

static void pull(struct flow *f)
{
	char chunk[CHUNK];
	ssize_t n = f->s->pull(f->s->ctx, chunk, sizeof(chunk), &f->error);
	if (n > 0) {
		buf_add(&f->pending, chunk, (size_t)n);
		return;
	}
	if (n < 0) {
		fail_flow(f);
		return;
	}
	f->input_ended = true;
	if (f->s->behind)
		buf_adds(&f->pending, f->s->behind);
}

/* Its end is told by closing one half. */
static void send_pending(struct flow *f)
{
	if (f->pending.len && f->input_open) {
		ssize_t n = send(
			f->wire.fd, f->pending.data, f->pending.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			buf_consume(&f->pending, (size_t)n);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			f->input_open = false;
	}
	if (f->input_ended && !f->pending.len && f->input_open) {
		f->input_open = false;
		shutdown(f->wire.fd, SHUT_WR);
	}
}

static void take(struct flow *f, const char *data, size_t len)
{
	if (demux_feed(&f->demux, data, len))
		f->done = true;
}

static void receive(struct flow *f)
{
	char chunk[CHUNK];
	ssize_t n = read(f->wire.fd, chunk, sizeof(chunk));
	if (n > 0)
		take(f, chunk, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		f->done = true;
}

/* The first interrupt cuts the input short and lets the command end; the second leaves it. */
static void heed_signals(struct flow *f)
{
	int now = loop_interrupts(f->loop);
	if (f->leave && (now_ms() > f->leave || now > f->interrupts + 1))
		f->done = true;
	if (now == f->interrupts || f->leave)
		return;
	f->leave = now_ms() + LEAVE_MS;
	f->input_ended = true;
	buf_truncate(&f->pending, 0);
	if (!f->s->pull)
		f->done = true;
}

static void turn(struct flow *f)
{
	bool wants = f->input_open && !f->input_ended && f->pending.len < CHUNK;
	bool by_fd = wants && f->s->pull_fd >= 0;
	struct pollfd p[] = {
		{ .fd = f->wire.fd,
			.events =
				(short)(POLLIN | (f->pending.len && f->input_open ? POLLOUT : 0)) },
		{ .fd = by_fd ? f->s->pull_fd : -1, .events = POLLIN },
		{ .fd = loop_fd(f->loop), .events = POLLIN },
	};
	int wait_ms = wants && !by_fd ? 0 : f->leave ? 50 : 1000;
	if (poll(p, countof(p), loop_timeout(f->loop, wait_ms)) < 0 && errno != EINTR)
		f->done = true;
	loop_turn(f->loop, 0);
	heed_signals(f);
	if (wants && !f->input_ended && (!by_fd || p[1].revents))
		pull(f);
	send_pending(f);
	if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
		receive(f);
}

static void flow_run(struct flow *f)
{
	f->interrupts = loop_interrupts(f->loop);
	f->input_open = true;
	f->input_ended = !f->s->pull;
	f->demux = (struct demux){ .mode = DEMUX_FRAMES, .fn = on_payload, .ctx = f };
	if (f->s->pull && f->s->before)
		buf_adds(&f->pending, f->s->before);
	take(f, buf_str(&f->wire.early), f->wire.early.len);
	while (!f->done)
		turn(f);
	hijack_close(&f->wire);
	buf_release(&f->pending);
}

int engine_exec_stream(struct engine *g, struct loop *l, const struct exec_request *r,
	const struct exec_stream *s, int *status, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct flow f = { .s = s, .loop = l };
	struct exec_request in = *r;
	in.stdin_open = s->pull != NULL;
	in.tty = false;
	char *id = engine_exec_make(g, &a, &in, e);
	int rc = id ? 0 : -1;
	if (!rc)
		rc = hijack_open(g, arena_printf(&a, "/exec/%s/start", id),
			"{\"Detach\":false,\"Tty\":false}", &f.wire, e);
	if (!rc) {
		flow_run(&f);
		if (f.failed)
			*e = f.error, rc = -1;
		else if (f.leave)
			*status = 128 + loop_signal(l);
		else
			rc = engine_exec_status(g, id, status, e);
	}
	arena_release(&a);
	return rc;
}
