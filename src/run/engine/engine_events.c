/*
 * The engine's stream of events. Comes in: JSON objects, one a line. Goes out: containers as they
 * are from then on. Actions that change no state a person would name are left out.
 */
#include "run/engine/engine_events.h"

#include <string.h>

#include "doc/json.h"
#include "run/engine/call.h"
#include "run/io/lines.h"

struct engine_events {
	struct engine_call *call;
	struct lines lines;
	engine_event_fn *fn;
	void *ctx;
};

static const struct {
	const char *action;
	enum unit_state state;
	enum health health;
	const char *note;
} actions[] = {
	{ "create", UNIT_CREATED, HEALTH_NONE, NULL },
	{ "start", UNIT_RUNNING, HEALTH_NONE, NULL },
	{ "die", UNIT_EXITED, HEALTH_NONE, NULL },
	{ "pause", UNIT_PAUSED, HEALTH_NONE, NULL },
	{ "unpause", UNIT_RUNNING, HEALTH_NONE, NULL },
	{ "destroy", UNIT_ABSENT, HEALTH_NONE, NULL },
	{ "oom", UNIT_RUNNING, HEALTH_NONE, "out of memory" },
	{ "health_status: starting", UNIT_RUNNING, HEALTH_STARTING, NULL },
	{ "health_status: healthy", UNIT_RUNNING, HEALTH_HEALTHY, NULL },
	{ "health_status: unhealthy", UNIT_RUNNING, HEALTH_UNHEALTHY, NULL },
};

static const char *attribute(const struct node *n, const char *key)
{
	return node_text(node_get(node_path(n, "Actor.Attributes"), key));
}

static int number_of(const char *text, int fallback)
{
	int64_t n = fallback;
	return text && parse_int(text, &n) && n >= 0 && n < 1000000 ? (int)n : fallback;
}

bool engine_event_read(
	const struct node *n, int64_t *time_ns, struct container *c, const char **note)
{
	const char *action = node_text(node_get(n, "Action"));
	const char *service = attribute(n, "com.docker.compose.service");
	const char *id = node_text(node_path(n, "Actor.ID"));
	const struct node *time = node_get(n, "timeNano");
	size_t i = 0;
	while (i < countof(actions) && !streq(actions[i].action, action))
		i++;
	if (i == countof(actions) || !service || !id || !time || time->kind != NODE_INT)
		return false;
	*c = (struct container){
		.id = id,
		.service = service,
		.name = attribute(n, "name"),
		.workspace = attribute(n, "devenv.workspace"),
		.number = number_of(attribute(n, "com.docker.compose.container-number"), 1),
		.one_off = streq(attribute(n, "com.docker.compose.oneoff"), "True"),
		.state = actions[i].state,
		.health = actions[i].health,
		.exit_code = number_of(attribute(n, "exitCode"), 0),
		.uptime_s = -1,
	};
	*note = actions[i].note;
	*time_ns = time->integer;
	return true;
}

static void on_line(void *ctx, const char *line, size_t len)
{
	struct engine_events *x = ctx;
	struct arena a = ARENA_INIT;
	struct err ignored = ERR_INIT;
	struct container c;
	const char *note;
	int64_t time_ns;
	const struct node *n = json_read(&a, line, len, "the engine's event", &ignored);
	if (n && engine_event_read(n, &time_ns, &c, &note))
		x->fn(x->ctx, time_ns, &c, note);
	arena_release(&a);
}

static bool on_data(void *ctx, const char *data, size_t len)
{
	struct engine_events *x = ctx;
	lines_feed(&x->lines, data, len);
	return true;
}

static void add_time(struct buf *path, const char *key, int64_t ns)
{
	if (ns)
		buf_addf(path, "&%s=%lld.%09lld", key, (long long)(ns / 1000000000),
			(long long)(ns % 1000000000));
}

struct engine_events *engine_events_begin(struct engine *g, const char *workspace, int64_t since_ns,
	int64_t until_ns, engine_event_fn *fn, void *ctx, struct err *e)
{
	struct engine_events *x = xcalloc(1, sizeof(*x));
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf path = BUF_INIT;
	x->fn = fn;
	x->ctx = ctx;
	x->lines = (struct lines){ .fn = on_line, .ctx = x };
	buf_adds(&path, "/events?filters=");
	url_escape(&path, arena_printf(&a,
				  "{\"type\":[\"container\"],"
				  "\"label\":[\"devenv.workspace=%s\"]}",
				  workspace));
	add_time(&path, "since", since_ns);
	add_time(&path, "until", until_ns);
	struct engine_ask ask = {
		.path = buf_str(&path), .patient = true, .data = on_data, .ctx = x
	};
	x->call = engine_begin(g, &ask, e);
	arena_release(&a);
	if (x->call)
		return x;
	xfree(x);
	return NULL;
}

bool engine_events_done(const struct engine_events *x)
{
	return engine_done(x->call);
}

int engine_events_finish(struct engine_events *x, struct err *e)
{
	return engine_finish(x->call, e);
}

void engine_events_free(struct engine_events *x)
{
	if (!x)
		return;
	engine_call_free(x->call);
	buf_release(&x->lines.rest);
	xfree(x);
}
