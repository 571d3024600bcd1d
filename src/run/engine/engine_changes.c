/*
 * The engine's own word that something happened: its stream of events, kept open. Comes in: a
 * workspace. Goes out: that one should look again. What happened is seen by looking, so a lost
 * event costs time and nothing else.
 */
#include "run/engine/call.h"
#include "run/engine/engine_changes.h"

struct engine_changes {
	struct engine *engine;
	struct engine_call *call;
	bool dirty;
};

static bool on_data(void *ctx, const char *data, size_t len)
{
	struct engine_changes *x = ctx;
	(void)data;
	x->dirty |= len > 0;
	return true;
}

struct engine_changes *engine_changes_begin(struct engine *g, const char *workspace, struct err *e)
{
	struct engine_changes *x = xcalloc(1, sizeof(*x));
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf path = BUF_INIT;
	x->engine = g;
	buf_adds(&path, "/events?filters=");
	url_escape(&path, arena_printf(&a,
				  "{\"type\":[\"container\"],"
				  "\"label\":[\"devenv.workspace=%s\"]}",
				  workspace));
	struct engine_ask ask = {
		.path = buf_str(&path), .patient = true, .data = on_data, .ctx = x
	};
	x->call = engine_begin(g, &ask, e);
	arena_release(&a);
	if (!x->call) {
		xfree(x);
		return NULL;
	}
	return x;
}

bool engine_changes_wait(struct engine_changes *x, struct loop *l, int max_ms, bool *lost)
{
	if (!x->dirty && !engine_done(x->call))
		engine_turn(x->engine, l, max_ms);
	*lost = engine_done(x->call);
	bool seen = x->dirty || *lost;
	x->dirty = false;
	return seen;
}

void engine_changes_free(struct engine_changes *x)
{
	if (!x)
		return;
	engine_call_free(x->call);
	xfree(x);
}

char *engine_run_of(struct engine *g, struct arena *a, const char *container)
{
	struct node *n = NULL;
	struct err gone = ERR_INIT;
	if (engine_get(g, a, &n, &gone, "/containers/%s/json", container))
		return NULL;
	const char *started = node_text(node_path(n, "State.StartedAt"));
	return started ? arena_printf(a, "%.12s@%s", container, started) : NULL;
}
