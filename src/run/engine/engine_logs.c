/*
 * Log streams of containers. Comes in: containers, from when, how many. Goes out: whole lines with
 * service, stream and time, as they come. Several streams run side by side; order between
 * containers is that of arrival.
 */
#include "run/io/demux.h"
#include "run/engine/call.h"
#include "run/io/loop.h"

enum { LOOK_BACK = 2000 }; /* lines from the end in which a known one is looked for */

struct log_stream {
	struct engine *engine;
	struct engine_call *call;
	struct container container; /* a copy: the caller's may be gone while lines come */
	struct log_stream_request request;
	struct stamped stamped;
	bool looking; /* for the known line, at the first that comes */
	bool missed;  /* it is further back: all of the log must be asked for */
	bool bad;     /* what came is no log stream */
};

static void on_line(void *ctx, enum stream s, int64_t time_ns, const char *line, size_t len)
{
	struct log_stream *ls = ctx;
	const struct log_stream_request *r = &ls->request;
	ls->missed = ls->missed || (ls->looking && time_ns > r->since_ns);
	ls->looking = false;
	if (!ls->missed && !(r->known && time_ns <= r->since_ns))
		r->fn(r->ctx, ls->container.service, ls->container.number, s, time_ns, line, len);
}

static bool on_data(void *ctx, const char *data, size_t len)
{
	struct log_stream *ls = ctx;
	ls->bad = stamped_feed(&ls->stamped, data, len) != 0;
	return !ls->bad && !ls->missed;
}

static void log_path(struct buf *out, const struct log_stream_request *r, int tail)
{
	buf_addf(out, "/containers/%s/logs?stdout=1&stderr=1&timestamps=1", r->container->id);
	if (r->follow)
		buf_adds(out, "&follow=1");
	if (tail >= 0)
		buf_addf(out, "&tail=%d", tail);
	if (r->since_ns > 0)
		buf_addf(out, "&since=%lld.%09lld", (long long)(r->since_ns / 1000000000),
			(long long)(r->since_ns % 1000000000));
}

static int ask(struct log_stream *ls, int tail, struct err *e)
{
	cleanup_buf struct buf path = BUF_INIT;
	stamped_init(&ls->stamped, on_line, ls);
	log_path(&path, &ls->request, tail);
	struct engine_ask ask = { .path = path.data, .patient = true, .data = on_data, .ctx = ls };
	ls->call = engine_begin(ls->engine, &ask, e);
	return ls->call ? 0 : -1;
}

struct log_stream *log_stream_begin(
	struct engine *g, const struct log_stream_request *r, struct err *e)
{
	struct log_stream *ls = xcalloc(1, sizeof(*ls));
	ls->engine = g;
	ls->container = *r->container;
	ls->request = *r;
	ls->request.container = &ls->container;
	ls->looking = r->known && r->since_ns > 0 && r->tail < 0;
	if (ask(ls, ls->looking ? LOOK_BACK : r->tail, e)) {
		log_stream_free(ls);
		return NULL;
	}
	return ls;
}

static void release_lines(struct log_stream *ls)
{
	for (int i = 0; i < 2; i++)
		buf_release(&ls->stamped.parts[i].lines.rest);
}

static void ask_for_all(struct log_stream *ls)
{
	struct err e = ERR_INIT;
	engine_call_free(ls->call);
	release_lines(ls);
	ls->missed = false;
	ls->bad = ask(ls, -1, &e) != 0;
}

bool log_stream_done(struct log_stream *s)
{
	if (s->missed && !s->bad)
		ask_for_all(s);
	return s->bad || engine_done(s->call);
}

int log_stream_finish(struct log_stream *s, struct err *e)
{
	stamped_end(&s->stamped);
	if (s->bad)
		return err_set(e, ERR_ENGINE, "the engine's log stream of %s is broken",
			s->container.name);
	if (engine_finish(s->call, e))
		return err_wrap(e, "log of %s", s->container.name);
	return 0;
}

void log_stream_free(struct log_stream *s)
{
	if (!s)
		return;
	release_lines(s);
	engine_call_free(s->call);
	xfree(s);
}

static struct log_stream *begin_one(struct engine *g, const struct log_request *req, size_t i,
	log_fn *fn, void *ctx, struct err *e)
{
	struct log_stream_request one = {
		.container = req->containers[i],
		.follow = req->follow,
		.since_ns = req->since_ns,
		.tail = req->tail,
		.fn = fn,
		.ctx = ctx,
	};
	return log_stream_begin(g, &one, e);
}

static bool all_done(struct log_stream *const *streams, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!log_stream_done(streams[i]))
			return false;
	return true;
}

int engine_logs(struct engine *g, struct loop *l, const struct log_request *req, log_fn *fn,
	void *ctx, struct err *e)
{
	struct log_stream **streams = xcalloc(req->count + 1, sizeof(struct log_stream *));
	int rc = 0, before = loop_interrupts(l);
	for (size_t i = 0; i < req->count && !rc; i++) {
		streams[i] = begin_one(g, req, i, fn, ctx, e);
		rc = streams[i] ? 0 : -1;
	}
	while (!rc && !all_done(streams, req->count) && loop_interrupts(l) == before)
		engine_turn(g, l, 500);
	for (size_t i = 0; i < req->count; i++) {
		if (streams[i] && !rc && log_stream_done(streams[i]))
			rc = log_stream_finish(streams[i], e);
		log_stream_free(streams[i]);
	}
	xfree(streams);
	return rc;
}
