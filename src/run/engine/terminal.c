/*
 * Our terminal and a process in a container, joined: exec and attach. Comes in: what to run. Goes
 * out: its exit status; bytes pass both ways untouched, size and end of input too. Whatever
 * happens, the terminal gets its settings back.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/os.h"
#include "run/io/demux.h"
#include "run/engine/hijack.h"
#include "run/io/loop.h"

enum { LAST_WORDS_MS = 500 };

struct session {
	struct engine *engine;
	struct loop *loop;
	struct hijack wire;
	struct demux demux;
	char resize_path[200]; /* "/exec/ID/resize" */
	const char *forward;   /* container whose process gets our signals; NULL: none */
	struct buf typed;      /* read from stdin, not sent yet */
	struct termios before;
	int lifeline;       /* 0: none, or it has ended */
	int64_t last_words; /* until when output may still come after that */
	bool tty, raw, input_open, input_ended, output_broken, done, gone;
	unsigned resizes;
	int interrupts;
};

static void write_all(struct session *s, int fd, const char *data, size_t len)
{
	while (len && !s->output_broken) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };
			poll(&p, 1, 1000);
		} else if (n < 0 && errno != EINTR) {
			s->output_broken = true;
		} else if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
}

static void on_payload(void *ctx, enum stream st, const char *data, size_t len, bool start)
{
	(void)start;
	write_all(ctx, st == STREAM_STDERR ? STDERR_FILENO : STDOUT_FILENO, data, len);
}

static void terminal_raw(struct session *s)
{
	struct termios t;
	if (!s->tty || !s->input_open || tcgetattr(STDIN_FILENO, &s->before))
		return;
	t = s->before;
	cfmakeraw(&t);
	s->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == 0;
}

static void terminal_restore(struct session *s)
{
	if (s->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &s->before);
	s->raw = false;
}

static bool window_size(struct winsize *w)
{
	return (ioctl(STDOUT_FILENO, TIOCGWINSZ, w) == 0 ||
		       ioctl(STDIN_FILENO, TIOCGWINSZ, w) == 0) &&
	       w->ws_row;
}

static void send_size(struct session *s)
{
	struct winsize w;
	struct err ignored = ERR_INIT;
	if (!s->tty || !window_size(&w))
		return;
	engine_order(
		s->engine, "POST", &ignored, "%s?h=%u&w=%u", s->resize_path, w.ws_row, w.ws_col);
}

static void read_input(struct session *s)
{
	char chunk[16384];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));
	if (n > 0)
		buf_add(&s->typed, chunk, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		s->input_ended = true;
}

/* Sends what was typed; tells the end of input by closing one half. */
static void send_input(struct session *s)
{
	if (s->typed.len) {
		ssize_t n =
			send(s->wire.fd, s->typed.data, s->typed.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			buf_consume(&s->typed, (size_t)n);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			s->input_open = false;
	}
	if (s->input_ended && !s->typed.len && s->input_open) {
		s->input_open = false;
		shutdown(s->wire.fd, SHUT_WR);
	}
}

static void take_output(struct session *s, const char *data, size_t len)
{
	if (demux_feed(&s->demux, data, len))
		s->done = true;
}

static void read_output(struct session *s)
{
	char chunk[65536];
	ssize_t n = read(s->wire.fd, chunk, sizeof(chunk));
	if (n > 0)
		take_output(s, chunk, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		s->done = true;
}

static void heed_signals(struct session *s)
{
	struct err ignored = ERR_INIT;
	if (loop_resizes(s->loop) != s->resizes) {
		s->resizes = loop_resizes(s->loop);
		send_size(s);
	}
	if (loop_interrupts(s->loop) == s->interrupts)
		return;
	s->interrupts = loop_interrupts(s->loop);
	int signum = loop_signal(s->loop);
	const char *name = signum == SIGTERM ? "TERM" : signum == SIGHUP ? "HUP" : "INT";
	if (!s->forward || engine_kill(s->engine, s->forward, name, &ignored))
		s->done = true;
}

/*
 * The engine does not always end the stream of an exec whose container has gone (one that shares
 * its process namespace); the container's own stream tells.
 */
static void heed_lifeline(struct session *s)
{
	char ignored[256];
	ssize_t n = read(s->lifeline, ignored, sizeof(ignored));
	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return;
	s->lifeline = 0;
	s->gone = true;
	s->last_words = now_ms() + LAST_WORDS_MS;
}

static void turn(struct session *s)
{
	bool want_input = s->input_open && !s->input_ended && s->typed.len < 65536;
	struct pollfd p[] = {
		{ .fd = s->wire.fd, .events = (short)(POLLIN | (s->typed.len ? POLLOUT : 0)) },
		{ .fd = want_input ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = loop_fd(s->loop), .events = POLLIN },
		{ .fd = s->lifeline ? s->lifeline : -1, .events = POLLIN },
	};
	int wait_ms = s->gone ? LAST_WORDS_MS / 10 : 1000;
	if (poll(p, countof(p), loop_timeout(s->loop, wait_ms)) < 0 && errno != EINTR)
		s->done = true;
	if (p[3].revents)
		heed_lifeline(s);
	if (s->gone && now_ms() > s->last_words)
		s->done = true;
	if (s->loop)
		loop_turn(s->loop, 0);
	if (p[1].revents)
		read_input(s);
	send_input(s);
	if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
		read_output(s);
	heed_signals(s);
}

static void session_run(struct session *s)
{
	int interrupted_before = loop_interrupts(s->loop);
	s->interrupts = interrupted_before;
	s->resizes = loop_resizes(s->loop);
	s->demux = (struct demux){
		.mode = s->tty ? DEMUX_RAW : DEMUX_FRAMES, .fn = on_payload, .ctx = s
	};
	terminal_raw(s);
	send_size(s);
	take_output(s, buf_str(&s->wire.early), s->wire.early.len);
	while (!s->done && !s->output_broken)
		turn(s);
	terminal_restore(s);
	hijack_close(&s->wire);
	buf_release(&s->typed);
}

int engine_exec_status(struct engine *g, const char *id, int *status, struct err *e)
{
	struct arena a = ARENA_INIT;
	int64_t until = now_ms() + 2000;
	int rc = 0;
	for (;;) {
		struct node *n = NULL;
		rc = engine_get(g, &a, &n, e, "/exec/%s/json", id);
		const struct node *running = node_get(n, "Running"),
				  *code = node_get(n, "ExitCode");
		if (rc || now_ms() > until || !running || running->kind != NODE_BOOL ||
			!running->boolean) {
			*status = code && code->kind == NODE_INT ? (int)code->integer : 0;
			break;
		}
		engine_turn(g, NULL, 20);
	}
	arena_release(&a);
	return rc;
}

static bool container_ended(struct session *s)
{
	struct pollfd p = { .fd = s->lifeline, .events = POLLIN };
	if (!s->gone && s->lifeline && poll(&p, 1, LAST_WORDS_MS) > 0)
		heed_lifeline(s);
	return s->gone;
}

/* What was killed with its container has a status of that kind, one that the engine made up, or
 * none any more. */
static int child_status(struct session *s, const char *id, int *status, struct err *e)
{
	int rc = s->gone ? -1 : engine_exec_status(s->engine, id, status, e);
	if ((rc || *status >= 128) && container_ended(s)) {
		*e = (struct err)ERR_INIT;
		*status = 128 + SIGKILL;
		return 0;
	}
	return rc;
}

/* Engines from API 1.42 on take the size at the start, so that the process never sees another. */
static const char *start_body(struct arena *a, const struct exec_request *r)
{
	struct winsize w;
	if (!r->tty)
		return "{\"Detach\":false,\"Tty\":false}";
	if (!window_size(&w))
		return "{\"Detach\":false,\"Tty\":true}";
	return arena_printf(
		a, "{\"Detach\":false,\"Tty\":true,\"ConsoleSize\":[%u,%u]}", w.ws_row, w.ws_col);
}

int engine_exec(
	struct engine *g, struct loop *l, const struct exec_request *r, int *status, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct session s = { .engine = g,
		.loop = l,
		.tty = r->tty,
		.input_open = r->stdin_open,
		.lifeline = r->lifeline };
	int before = loop_interrupts(l);
	char *id = engine_exec_make(g, &a, r, e);
	int rc = id ? 0 : -1;
	if (!rc) {
		snprintf(s.resize_path, sizeof(s.resize_path), "/exec/%s/resize", id);
		rc = hijack_open(
			g, arena_printf(&a, "/exec/%s/start", id), start_body(&a, r), &s.wire, e);
	}
	if (!rc) {
		session_run(&s);
		if (loop_interrupts(l) != before)
			*status = 128 + loop_signal(l);
		else if (s.output_broken)
			*status = 128 + SIGPIPE;
		else
			rc = child_status(&s, id, status, e);
	}
	arena_release(&a);
	return rc;
}

/* 0 while it runs on (we were detached), else its exit status. */
static int container_status(struct engine *g, const char *id, int *status, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct node *n = NULL;
	int rc = engine_get(g, &a, &n, e, "/containers/%s/json", id);
	const struct node *code = node_path(n, "State.ExitCode"),
			  *running = node_path(n, "State.Running");
	bool runs = running && running->kind == NODE_BOOL && running->boolean;
	*status = !runs && code && code->kind == NODE_INT ? (int)code->integer : 0;
	arena_release(&a);
	return rc;
}

int engine_attach(
	struct engine *g, struct loop *l, const char *id, bool tty, int *status, struct err *e)
{
	char path[300];
	struct session s = {
		.engine = g, .loop = l, .tty = tty, .input_open = true, .forward = id
	};
	snprintf(s.resize_path, sizeof(s.resize_path), "/containers/%.100s/resize", id);
	snprintf(path, sizeof(path), "/containers/%.100s/attach?stream=1&stdin=1&stdout=1&stderr=1",
		id);
	if (hijack_open(g, path, NULL, &s.wire, e))
		return -1;
	session_run(&s);
	return container_status(g, id, status, e);
}
