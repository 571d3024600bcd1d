/*
 * The loop: libuv with the signals of a command line program. Comes in: time and events. Goes out:
 * counters of signals. Knows nothing of what is waited for.
 */
#include "run/io/loop.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <uv.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"

enum { CHILD_TURNS = 200 };

static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH };

struct loop {
	uv_loop_t uv;
	uv_signal_t signals[countof(watched)];
	int interrupts, last;
	unsigned resizes;
	unsigned stirred; /* events served, to notice a change between two waits */
};

static void on_signal(uv_signal_t *handle, int signum)
{
	struct loop *l = handle->data;
	l->stirred++;
	if (signum == SIGWINCH) {
		l->resizes++;
		return;
	}
	l->interrupts++;
	l->last = signum;
}

/* A signal that our parent had us ignore (nohup) stays ignored. */
static bool ignored(int signum)
{
	struct sigaction old;
	return sigaction(signum, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	int rc = uv_loop_init(&l->uv);
	if (rc)
		bug("no event loop: %s", uv_strerror(rc));
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < countof(watched); i++) {
		uv_signal_init(&l->uv, &l->signals[i]);
		l->signals[i].data = l;
		if (watched[i] == SIGWINCH || !ignored(watched[i]))
			uv_signal_start(&l->signals[i], on_signal, watched[i]);
	}
	return l;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void count_child(uv_handle_t *handle, void *arg)
{
	unsigned *count = arg;
	*count += handle->type == UV_PROCESS && !uv_is_closing(handle);
}

/* Children that were killed end at once; they are awaited so that none stays a zombie. */
static void await_killed(struct loop *l)
{
	for (int turns = 0; turns < CHILD_TURNS; turns++) {
		unsigned children = 0;
		uv_walk(&l->uv, count_child, &children);
		if (!children)
			return;
		poll(NULL, 0, 1);
		uv_run(&l->uv, UV_RUN_NOWAIT);
	}
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	await_killed(l);
	uv_walk(&l->uv, close_handle, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	if (uv_loop_close(&l->uv))
		bug("the event loop is still in use");
	xfree(l);
}

int loop_interrupts(const struct loop *l)
{
	return l ? l->interrupts : 0;
}

int loop_signal(const struct loop *l)
{
	return l ? l->last : 0;
}

void loop_rearm(struct loop *l)
{
	l->interrupts = l->last = 0;
}

void loop_interrupt(struct loop *l, int signum)
{
	l->stirred++;
	l->interrupts++;
	l->last = signum;
}

unsigned loop_resizes(const struct loop *l)
{
	return l ? l->resizes : 0;
}

struct uv_loop_s *loop_uv(struct loop *l)
{
	return &l->uv;
}

void loop_stir(struct loop *l)
{
	l->stirred++;
}

int loop_fd(const struct loop *l)
{
	return l ? uv_backend_fd(&l->uv) : -1;
}

int loop_timeout(struct loop *l, int max_ms)
{
	if (!l)
		return max_ms;
	unsigned before = l->stirred;
	/* Descriptors of new handles reach the kernel only inside uv_run. */
	uv_run(&l->uv, UV_RUN_NOWAIT);
	if (l->stirred != before)
		return 0;
	int t = uv_backend_timeout(&l->uv);
	return t >= 0 && t < max_ms ? t : max_ms;
}

void loop_turn(struct loop *l, int max_ms)
{
	struct pollfd p = { .fd = loop_fd(l), .events = POLLIN };
	int wait = loop_timeout(l, max_ms);
	if (poll(&p, p.fd >= 0, wait) > 0 || wait < max_ms)
		uv_run(&l->uv, UV_RUN_NOWAIT);
}
