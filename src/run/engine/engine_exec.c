/*
 * Commands inside containers without a terminal, several at once. Comes in: container, argv. Goes
 * out: exit status and joined output. Each is a chain of three requests: make, start (its answer
 * is the output), inspect.
 */
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/io/demux.h"
#include "run/engine/call.h"
#include "run/io/lines.h"

enum { OUTPUT_MAX = 8 * 1024 * 1024 };

enum run_phase { RUN_MAKE, RUN_OUTPUT, RUN_INSPECT, RUN_OVER };

struct engine_run {
	struct engine *engine;
	struct engine_call *call;
	enum run_phase phase;
	struct demux demux;
	struct lines lines[2]; /* of the two streams; fn NULL: the output is kept in out */
	struct buf out;
	char id[130];
	int status;
	bool failed, bad;
	struct err error;
};

static void add_list(struct buf *out, const char *key, const char *const *items)
{
	buf_addf(out, ",\"%s\":[", key);
	for (size_t i = 0; items[i]; i++) {
		if (i)
			buf_addc(out, ',');
		json_string(out, items[i], strlen(items[i]));
	}
	buf_addc(out, ']');
}

static void add_text(struct buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	buf_addf(out, ",\"%s\":", key);
	json_string(out, value, strlen(value));
}

/* A detach sequence that nobody types: ctrl-p would otherwise be held back in every shell. */
#define NO_DETACH "ctrl-],ctrl-],ctrl-],ctrl-_"

void engine_exec_body(struct buf *out, const struct exec_request *r)
{
	buf_addf(out, "{\"AttachStdout\":true,\"AttachStderr\":true,\"AttachStdin\":%s,\"Tty\":%s",
		r->stdin_open ? "true" : "false", r->tty ? "true" : "false");
	add_text(out, "DetachKeys", NO_DETACH);
	add_text(out, "User", r->user);
	add_text(out, "WorkingDir", r->dir);
	add_list(out, "Cmd", r->argv);
	if (r->env && r->env->count) {
		buf_adds(out, ",\"Env\":[");
		for (size_t i = 0; i < r->env->count; i++) {
			if (i)
				buf_addc(out, ',');
			json_string(out, r->env->items[i], strlen(r->env->items[i]));
		}
		buf_addc(out, ']');
	}
	buf_addc(out, '}');
}

static const char *read_id(struct arena *a, const struct http_answer *ans, struct err *e)
{
	struct node *n = json_read(a, buf_str(&ans->body), ans->body.len, "the engine's answer", e);
	const char *id = node_text(node_get(n, "Id"));
	if (n && (!id || strlen(id) > 128))
		err_set(e, ERR_ENGINE, "the engine's answer is not understood: an exec without Id");
	return id && strlen(id) <= 128 ? id : NULL;
}

char *engine_exec_make(
	struct engine *g, struct arena *a, const struct exec_request *r, struct err *e)
{
	cleanup_buf struct buf body = BUF_INIT;
	struct engine_call *c = NULL;
	engine_exec_body(&body, r);
	struct engine_ask ask = {
		.method = "POST",
		.path = arena_printf(a, "/containers/%s/exec", r->container),
		.body = body.data,
	};
	if (engine_request(g, &ask, &c, e))
		return NULL;
	const char *id = read_id(a, engine_answer(c), e);
	engine_call_free(c);
	return id ? arena_strdup(a, id) : NULL;
}

static void give_up(struct engine_run *x)
{
	x->failed = true;
	x->phase = RUN_OVER;
}

static void on_output(void *ctx, enum stream s, const char *data, size_t len, bool start)
{
	struct engine_run *x = ctx;
	(void)start;
	if (x->lines[0].fn)
		lines_feed(&x->lines[s == STREAM_STDERR], data, len);
	else if (x->out.len + len <= OUTPUT_MAX)
		buf_add(&x->out, data, len);
}

static bool on_data(void *ctx, const char *data, size_t len)
{
	struct engine_run *x = ctx;
	x->bad = demux_feed(&x->demux, data, len) != 0;
	return !x->bad;
}

static void begin(struct engine_run *x, const struct engine_ask *ask)
{
	engine_call_free(x->call);
	x->call = engine_begin(x->engine, ask, &x->error);
	if (!x->call)
		give_up(x);
}

struct engine_run *engine_run_begin(struct engine *g, const struct exec_request *r)
{
	cleanup_buf struct buf body = BUF_INIT, path = BUF_INIT;
	struct engine_run *x = xcalloc(1, sizeof(*x));
	x->engine = g;
	for (int i = 0; i < 2; i++)
		x->lines[i] = (struct lines){ .fn = r->line, .ctx = r->ctx };
	x->demux = (struct demux){ .mode = DEMUX_FRAMES, .fn = on_output, .ctx = x };
	engine_exec_body(&body, r);
	buf_addf(&path, "/containers/%s/exec", r->container);
	begin(x, &(struct engine_ask){ .method = "POST", .path = path.data, .body = body.data });
	return x;
}

static void made(struct engine_run *x)
{
	struct arena a = ARENA_INIT;
	char path[200];
	const char *id = read_id(&a, engine_answer(x->call), &x->error);
	if (id) {
		memcpy(x->id, id, strlen(id) + 1);
		snprintf(path, sizeof(path), "/exec/%s/start", x->id);
		begin(x, &(struct engine_ask){ .method = "POST",
				 .path = path,
				 .body = "{\"Detach\":false,\"Tty\":false}",
				 .patient = true,
				 .data = on_data,
				 .ctx = x });
		if (!x->failed)
			x->phase = RUN_OUTPUT;
	} else {
		give_up(x);
	}
	arena_release(&a);
}

static void end_lines(struct engine_run *x)
{
	for (int i = 0; i < 2; i++)
		lines_end(&x->lines[i]);
}

static void ended(struct engine_run *x)
{
	char path[200];
	end_lines(x);
	if (x->bad) {
		err_set(&x->error, ERR_ENGINE, "the engine's output stream is broken");
		give_up(x);
		return;
	}
	snprintf(path, sizeof(path), "/exec/%s/json", x->id);
	begin(x, &(struct engine_ask){ .path = path });
	if (!x->failed)
		x->phase = RUN_INSPECT;
}

static void inspected(struct engine_run *x)
{
	struct arena a = ARENA_INIT;
	const struct http_answer *ans = engine_answer(x->call);
	struct node *n =
		json_read(&a, buf_str(&ans->body), ans->body.len, "the engine's answer", &x->error);
	const struct node *code = node_get(n, "ExitCode");
	if (!n)
		give_up(x);
	x->status = code && code->kind == NODE_INT ? (int)code->integer : 0;
	x->phase = RUN_OVER;
	arena_release(&a);
}

bool engine_run_done(struct engine_run *x)
{
	static void (*const next[])(struct engine_run *) = {
		[RUN_MAKE] = made, [RUN_OUTPUT] = ended, [RUN_INSPECT] = inspected
	};
	if (x->phase == RUN_OVER || !engine_done(x->call))
		return x->phase == RUN_OVER;
	if (engine_finish(x->call, &x->error))
		give_up(x);
	else
		next[x->phase](x);
	return x->phase == RUN_OVER;
}

int engine_run_finish(struct engine_run *x, struct buf *out, int *status, struct err *e)
{
	if (x->failed) {
		*e = x->error;
		return -1;
	}
	if (out)
		buf_add(out, buf_str(&x->out), x->out.len);
	*status = x->status;
	return 0;
}

void engine_run_free(struct engine_run *x)
{
	if (!x)
		return;
	engine_call_free(x->call);
	for (int i = 0; i < 2; i++)
		buf_release(&x->lines[i].rest);
	buf_release(&x->out);
	xfree(x);
}

int engine_exec_capture(struct engine *g, const struct exec_request *r, struct buf *out,
	int *status, int64_t timeout_ms, struct err *e)
{
	int64_t end = timeout_ms > 0 ? now_ms() + timeout_ms : INT64_MAX;
	struct engine_run *x = engine_run_begin(g, r);
	while (!engine_run_done(x) && now_ms() < end)
		engine_turn(g, NULL, 200);
	int rc = x->phase == RUN_OVER ? engine_run_finish(x, out, status, e)
				      : err_set(e, ERR_FAILED, "%s did not end within %lld s",
						r->argv[0], (long long)(timeout_ms / 1000));
	engine_run_free(x);
	return rc;
}
