/*
 * Callbacks on a loop: descriptors, time, signals. Comes in: what to wait for. Goes out: calls.
 * Knows nothing of what is done in them.
 */
#include "run/io/hooks.h"

#include <uv.h>

#include "base/arena.h"

struct loop_hook {
	union {
		uv_handle_t handle;
		uv_poll_t poll;
		uv_timer_t timer;
		uv_signal_t signal;
	} uv;
	struct loop *loop;
	loop_fn *fn;
	void *ctx;
};

static struct loop_hook *hook_new(struct loop *l, loop_fn *fn, void *ctx)
{
	struct loop_hook *h = xcalloc(1, sizeof(*h));
	h->loop = l;
	h->fn = fn;
	h->ctx = ctx;
	return h;
}

static void call(void *handle)
{
	struct loop_hook *h = ((uv_handle_t *)handle)->data;
	loop_stir(h->loop);
	h->fn(h->ctx);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	(void)status, (void)events;
	call(p);
}

static void on_timer(uv_timer_t *t)
{
	call(t);
}

static void on_signal(uv_signal_t *s, int signum)
{
	(void)signum;
	call(s);
}

static void closed(uv_handle_t *handle)
{
	xfree(handle->data);
}

struct loop_hook *loop_on_readable(struct loop *l, int fd, loop_fn *fn, void *ctx)
{
	struct loop_hook *h = hook_new(l, fn, ctx);
	if (uv_poll_init(loop_uv(l), &h->uv.poll, fd)) {
		xfree(h);
		return NULL;
	}
	h->uv.handle.data = h;
	uv_poll_start(&h->uv.poll, UV_READABLE | UV_DISCONNECT, on_poll);
	return h;
}

struct loop_hook *loop_every(struct loop *l, int ms, loop_fn *fn, void *ctx)
{
	struct loop_hook *h = hook_new(l, fn, ctx);
	uv_timer_init(loop_uv(l), &h->uv.timer);
	h->uv.handle.data = h;
	/* Time stands still for a loop that is not turned. */
	uv_update_time(loop_uv(l));
	uv_timer_start(&h->uv.timer, on_timer, (uint64_t)ms, (uint64_t)ms);
	return h;
}

struct loop_hook *loop_on_signal(struct loop *l, int signum, loop_fn *fn, void *ctx)
{
	struct loop_hook *h = hook_new(l, fn, ctx);
	uv_signal_init(loop_uv(l), &h->uv.signal);
	h->uv.handle.data = h;
	uv_signal_start(&h->uv.signal, on_signal, signum);
	return h;
}

void loop_hook_free(struct loop_hook *h)
{
	if (h)
		uv_close(&h->uv.handle, closed);
}
