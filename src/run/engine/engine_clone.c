/*
 * A command in a container that is made as another one is: same image, user, environment, mounts,
 * networks and limits, as the engine itself tells them. Comes in: the other container, the command.
 * Goes out: its lines, its exit status. What would make two of it get into each other's way is left
 * out: published ports, names and addresses on the network, restarts, health checks. Owns no word
 * of Compose: that has made the other one.
 */
#include "run/engine/engine_clone.h"

#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "doc/json.h"

enum clone_phase {
	CLONE_LOOKS,    /* at the other one */
	CLONE_MAKES,    /* the container */
	CLONE_CONNECTS, /* to each network but the first */
	CLONE_STARTS,
	CLONE_RUNS, /* lines come, the end is awaited */
	CLONE_ENDS, /* and then the lines that were left out */
	CLONE_OVER,
};

enum { LATE_LINES_MS = 5000 /* after the end */ };

struct engine_clone {
	struct engine *engine;
	struct engine_call *call;
	enum clone_phase phase;
	struct arena arena;
	struct clone_request request;
	struct strs argv;
	struct strs networks; /* still to be connected to, from `next` on */
	size_t next;
	struct container self; /* as the log wants to know it */
	struct log_stream *log;
	int64_t ended;    /* monotonic ms; 0: it runs */
	int64_t heard_ns; /* when the last line was written */
	int status;
	bool cancelled, failed;
	struct err error;
};

static const struct place nowhere = { 0 };

/* ---- what it is made of ---- */

static void put(struct engine_clone *x, struct node *map, const char *key, struct node *value)
{
	map_put(&x->arena, map, key, nowhere, value);
}

static struct node *words(struct engine_clone *x, const char *const *list)
{
	struct node *n = node_list(&x->arena, nowhere);
	for (; *list; list++)
		list_add(&x->arena, n, node_str(&x->arena, *list, nowhere));
	return n;
}

static struct node *map_with(struct engine_clone *x, const char *key, struct node *value)
{
	struct node *n = node_map(&x->arena, nowhere);
	if (key)
		put(x, n, key, value);
	return n;
}

/* The engine calls a container by its id where nobody names it otherwise. */
static void drop_own_name(struct node *config, const struct node *other, const char *mode)
{
	const char *id = node_text(node_get(other, "Id"));
	const char *host = node_text(node_get(config, "Hostname"));
	bool shares = starts_with(mode, "container:");
	if (shares || (id && host && starts_with(id, host)))
		map_drop(config, "Hostname");
	if (shares)
		map_drop(config, "ExposedPorts");
	map_drop(config, "MacAddress");
}

static void change_config(struct engine_clone *x, struct node *config)
{
	static const char *const none[] = { "NONE", NULL };
	struct node *labels = node_get(config, "Labels");
	if (!labels || labels->kind != NODE_MAP)
		labels = node_map(&x->arena, nowhere);
	put(x, labels, "com.docker.compose.oneoff", node_str(&x->arena, "True", nowhere));
	put(x, config, "Labels", labels);
	put(x, config, "Entrypoint", words(x, x->argv.items));
	put(x, config, "Cmd", node_null(&x->arena, nowhere));
	put(x, config, "Healthcheck", map_with(x, "Test", words(x, none)));
	put(x, config, "Tty", node_bool(&x->arena, false, nowhere));
	put(x, config, "OpenStdin", node_bool(&x->arena, false, nowhere));
}

/* Its lines are read from its log, wherever those of the other one go. */
static void change_host(struct engine_clone *x, struct node *host)
{
	struct node *no = node_str(&x->arena, "no", nowhere);
	struct node *log = node_str(&x->arena, "json-file", nowhere);
	put(x, host, "PortBindings", node_map(&x->arena, nowhere));
	put(x, host, "PublishAllPorts", node_bool(&x->arena, false, nowhere));
	put(x, host, "RestartPolicy", map_with(x, "Name", no));
	put(x, host, "LogConfig", map_with(x, "Type", log));
	put(x, host, "AutoRemove", node_bool(&x->arena, false, nowhere));
	map_drop(host, "ContainerIDFile");
}

/* Made with the first one; engines before 1.44 take no more than that. */
static void note_networks(struct engine_clone *x, const struct node *other, const char *mode)
{
	const struct node *list = node_path(other, "NetworkSettings.Networks");
	const struct node_pair *p;
	node_each_pair(list, i, p)
	{
		if (!streq(p->key, mode) && !starts_with(mode, "container:"))
			strs_add(&x->arena, &x->networks, arena_strdup(&x->arena, p->key));
	}
}

static bool build_body(struct engine_clone *x, const struct node *other, struct buf *out)
{
	struct node *config = node_get(other, "Config"), *host = node_get(other, "HostConfig");
	const char *mode = node_text(node_get(host, "NetworkMode"));
	if (!config || config->kind != NODE_MAP || !host || host->kind != NODE_MAP || !mode) {
		err_set(&x->error, ERR_ENGINE,
			"the engine's answer is not understood: a container without Config");
		return false;
	}
	note_networks(x, other, mode);
	drop_own_name(config, other, mode);
	change_config(x, config);
	change_host(x, host);
	put(x, config, "HostConfig", host);
	json_write(out, config, 0);
	return true;
}

/* ---- one request after the other ---- */

static void give_up(struct engine_clone *x)
{
	x->failed = true;
	x->phase = CLONE_OVER;
}

static void begin(struct engine_clone *x, enum clone_phase phase, const struct engine_ask *ask)
{
	engine_call_free(x->call);
	x->call = engine_begin(x->engine, ask, &x->error);
	x->phase = phase;
	if (!x->call)
		give_up(x);
}

static struct node *answer(struct engine_clone *x)
{
	const struct http_answer *a = engine_answer(x->call);
	return json_read(
		&x->arena, buf_str(&a->body), a->body.len, "the engine's answer", &x->error);
}

static void make(struct engine_clone *x)
{
	cleanup_buf struct buf body = BUF_INIT;
	struct node *other = answer(x);
	if (!other || !build_body(x, other, &body)) {
		give_up(x);
		return;
	}
	begin(x, CLONE_MAKES,
		&(struct engine_ask){ .method = "POST",
			.path = arena_printf(
				&x->arena, "/containers/create?name=%s", x->request.name),
			.body = buf_str(&body),
			.patient = true });
}

static void start(struct engine_clone *x)
{
	begin(x, CLONE_STARTS,
		&(struct engine_ask){ .method = "POST",
			.path = arena_printf(&x->arena, "/containers/%s/start", x->request.name),
			.patient = true });
}

static void connect_next(struct engine_clone *x)
{
	cleanup_buf struct buf body = BUF_INIT;
	if (x->next == x->networks.count) {
		start(x);
		return;
	}
	json_write(
		&body, map_with(x, "Container", node_str(&x->arena, x->request.name, nowhere)), 0);
	begin(x, CLONE_CONNECTS,
		&(struct engine_ask){ .method = "POST",
			.path = arena_printf(
				&x->arena, "/networks/%s/connect", x->networks.items[x->next++]),
			.body = buf_str(&body),
			.patient = true });
}

static void on_log(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	struct engine_clone *x = ctx;
	(void)service, (void)number, (void)s;
	if (x->phase == CLONE_ENDS && time_ns <= x->heard_ns)
		return;
	x->heard_ns = time_ns > x->heard_ns ? time_ns : x->heard_ns;
	x->request.line(x->request.ctx, line, len);
}

static void read_log(struct engine_clone *x, bool follow)
{
	struct log_stream_request r = {
		.container = &x->self,
		.follow = follow,
		.since_ns = x->heard_ns,
		.tail = -1,
		.fn = on_log,
		.ctx = x,
	};
	log_stream_free(x->log);
	x->log = log_stream_begin(x->engine, &r, &x->error);
}

static void await_end(struct engine_clone *x)
{
	read_log(x, true);
	begin(x, CLONE_RUNS,
		&(struct engine_ask){ .method = "POST",
			.path = arena_printf(&x->arena, "/containers/%s/wait", x->request.name),
			.patient = true });
	if (!x->log)
		give_up(x);
}

static void note_end(struct engine_clone *x)
{
	struct node *n = answer(x);
	const struct node *code = node_get(n, "StatusCode");
	x->ended = now_ms();
	x->status = code && code->kind == NODE_INT ? (int)code->integer : -1;
	if (!n)
		give_up(x);
}

static void (*const next[])(struct engine_clone *) = {
	[CLONE_LOOKS] = make,
	[CLONE_MAKES] = connect_next,
	[CLONE_CONNECTS] = connect_next,
	[CLONE_STARTS] = await_end,
	[CLONE_RUNS] = note_end,
};

/* Its last lines may come after its end. */
static bool has_said_all(struct engine_clone *x)
{
	if (!log_stream_done(x->log) && now_ms() - x->ended < LATE_LINES_MS)
		return false;
	struct err ignored = ERR_INIT;
	log_stream_finish(x->log, &ignored);
	return true;
}

/* Engines end a log that is followed before a last line without newline: it is read once more. */
static void read_rest(struct engine_clone *x)
{
	if (!has_said_all(x))
		return;
	if (x->phase == CLONE_ENDS || x->cancelled) {
		x->phase = CLONE_OVER;
		return;
	}
	x->phase = CLONE_ENDS;
	read_log(x, false);
	if (!x->log)
		give_up(x);
}

/* ---- doors ---- */

struct engine_clone *engine_clone_begin(struct engine *g, const struct clone_request *r)
{
	struct engine_clone *x = xcalloc(1, sizeof(*x));
	x->engine = g;
	x->request = *r;
	x->request.name = arena_strdup(&x->arena, r->name);
	for (size_t i = 0; r->argv[i]; i++)
		strs_add(&x->arena, &x->argv, arena_strdup(&x->arena, r->argv[i]));
	strs_add(&x->arena, &x->argv, NULL);
	x->self = (struct container){
		.id = x->request.name, .name = x->request.name, .service = "", .number = 1
	};
	begin(x, CLONE_LOOKS,
		&(struct engine_ask){
			.path = arena_printf(&x->arena, "/containers/%s/json", r->like) });
	return x;
}

bool engine_clone_done(struct engine_clone *x)
{
	if (x->ended && x->phase != CLONE_OVER)
		read_rest(x);
	if (x->phase == CLONE_OVER || x->ended || !engine_done(x->call))
		return x->phase == CLONE_OVER;
	if (engine_finish(x->call, &x->error))
		give_up(x);
	else if (x->cancelled && x->phase != CLONE_RUNS)
		give_up(x);
	else
		next[x->phase](x);
	return x->phase == CLONE_OVER;
}

void engine_clone_cancel(struct engine_clone *x)
{
	x->cancelled = true;
}

int engine_clone_finish(struct engine_clone *x, int *status, struct err *e)
{
	*status = x->status;
	if (!x->failed)
		return 0;
	*e = x->error;
	return e->code ? -1 : err_set(e, ERR_FAILED, "interrupted");
}

void engine_clone_free(struct engine_clone *x)
{
	if (!x)
		return;
	log_stream_free(x->log);
	engine_call_free(x->call);
	arena_release(&x->arena);
	xfree(x);
}
