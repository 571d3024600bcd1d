/*
 * libuv's polls, timers and work behind three small objects. Comes in: a descriptor, a moment, a
 * function. Goes out: calls. Knows nothing of what is behind the descriptor.
 */
#include "run/io/poller.h"

#include <unistd.h>
#include <uv.h>

#include "base/arena.h"
#include "base/diag.h"

struct poller {
	uv_poll_t handle; /* first: closing gives it back */
	poller_fn *fn;
	void *ctx;
	int fd;
};

struct ticker {
	uv_timer_t handle; /* first */
	poller_fn *fn;
	void *ctx;
	struct loop *loop;
};

struct work {
	uv_work_t request; /* first */
	poller_fn *work, *done;
	void *ctx;
	struct loop *loop;
};

static void give_back(uv_handle_t *h)
{
	xfree(h);
}

static void on_ready(uv_poll_t *h, int status, int events)
{
	struct poller *p = (struct poller *)(void *)h;
	(void)status, (void)events; /* an error shows when it is read */
	loop_stir(h->data);
	p->fn(p->ctx);
}

struct poller *poller_new(struct loop *l, int fd, poller_fn *fn, void *ctx)
{
	struct poller *p = xcalloc(1, sizeof(*p));
	p->fn = fn;
	p->ctx = ctx;
	p->fd = fd;
	int rc = uv_poll_init(loop_uv(l), &p->handle, fd);
	if (rc)
		bug("a descriptor cannot be waited upon: %s", uv_strerror(rc));
	p->handle.data = l;
	poller_pause(p, false);
	return p;
}

void poller_pause(struct poller *p, bool on)
{
	if (on)
		uv_poll_stop(&p->handle);
	else
		uv_poll_start(&p->handle, UV_READABLE, on_ready);
}

int poller_fd(const struct poller *p)
{
	return p->fd;
}

void poller_free(struct poller *p)
{
	if (!p)
		return;
	uv_close((uv_handle_t *)&p->handle, give_back);
	close(p->fd);
}

static void on_tick(uv_timer_t *h)
{
	struct ticker *t = (struct ticker *)(void *)h;
	loop_stir(t->loop);
	t->fn(t->ctx);
}

struct ticker *ticker_new(struct loop *l, poller_fn *fn, void *ctx)
{
	struct ticker *t = xcalloc(1, sizeof(*t));
	t->fn = fn;
	t->ctx = ctx;
	t->loop = l;
	uv_timer_init(loop_uv(l), &t->handle);
	return t;
}

void ticker_set(struct ticker *t, int64_t in_ms)
{
	if (in_ms < 0) {
		uv_timer_stop(&t->handle);
		return;
	}
	uv_update_time(loop_uv(t->loop));
	uv_timer_start(&t->handle, on_tick, (uint64_t)in_ms, 0);
}

void ticker_free(struct ticker *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->handle, give_back);
}

static void on_work(uv_work_t *r)
{
	struct work *w = (struct work *)(void *)r;
	w->work(w->ctx);
}

static void on_done(uv_work_t *r, int status)
{
	struct work *w = (struct work *)(void *)r;
	(void)status; /* never cancelled */
	loop_stir(w->loop);
	w->done(w->ctx);
	xfree(w);
}

bool work_start(struct loop *l, poller_fn *work, poller_fn *done, void *ctx)
{
	struct work *w = xcalloc(1, sizeof(*w));
	*w = (struct work){ .work = work, .done = done, .ctx = ctx, .loop = l };
	if (!uv_queue_work(loop_uv(l), &w->request, on_work, on_done))
		return true;
	xfree(w);
	return false;
}
