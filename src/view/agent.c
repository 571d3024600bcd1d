/*
 * The agent of a workspace. Comes in: what was seen of it. Goes out: a line of text and its
 * modules, or JSON; nothing where none runs.
 */
#include "view/view.h"

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

void view_agent(struct buf *out, const struct agent_seen *g, int64_t now_ms, struct style st)
{
	if (!g->runs)
		return;
	buf_addf(out, "\nagent (pid %ld)", (long)g->pid);
	if (g->guard)
		buf_addf(out, " supervises by %s", g->guard);
	if (g->modules.count)
		buf_addf(out, "%s watch %s, lint %s, test %s", g->guard ? ";" : ":",
			on_off(g->watch), on_off(g->lint), on_off(g->test));
	buf_addc(out, '\n');
	if (g->modules.count)
		view_modules(out, &g->modules, now_ms, st);
}

struct node *view_agent_json(struct arena *a, const struct agent_seen *g)
{
	struct place no = { 0 };
	if (!g->runs)
		return node_null(a, no);
	struct node *n = node_map(a, no);
	map_put(a, n, "pid", no, node_int(a, g->pid, no));
	map_put(a, n, "guard", no, g->guard ? node_str(a, g->guard, no) : node_null(a, no));
	map_put(a, n, "watch", no, node_bool(a, g->watch, no));
	map_put(a, n, "lint", no, node_bool(a, g->lint, no));
	map_put(a, n, "test", no, node_bool(a, g->test, no));
	map_put(a, n, "modules", no, view_modules_json(a, &g->modules));
	return n;
}
