/*
 * What the agent is asked. Comes in: a request, checked field by field, for whoever is this user
 * may write there. Goes out: the reply. Each answers at once; what takes time is seen by events.
 */
#include "cmd/agent_requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct place nowhere;

static void put_text(struct arena *a, struct node *n, const char *key, const char *s)
{
	if (s)
		map_put(a, n, key, nowhere, node_str(a, s, nowhere));
}

static void put_bool(struct arena *a, struct node *n, const char *key, bool v)
{
	map_put(a, n, key, nowhere, node_bool(a, v, nowhere));
}

static bool get_bool(const struct node *n, const char *key, bool fallback)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_BOOL ? v->boolean : fallback;
}

static struct node *done(struct arena *a)
{
	return node_map(a, nowhere);
}

static struct develop_loop *develop_of(const struct agent *g)
{
	return g->now ? generation_develop(g->now) : NULL;
}

struct develop_switches agent_switches(const struct agent *g)
{
	struct develop_loop *d = develop_of(g);
	return d ? develop_switches(d) : (struct develop_switches){ 0 };
}

/* ---- looking ---- */

static struct node *hello(
	struct agent *g, struct arena *a, const struct node *request, struct err *e)
{
	struct node *n = node_map(a, nowhere), *argv = node_list(a, nowhere);
	(void)request, (void)e;
	map_put(a, n, "pid", nowhere, node_int(a, getpid(), nowhere));
	put_text(a, n, "version", DEVENV_VERSION);
	put_text(a, n, "workspace", g->base->project.workspace);
	put_text(a, n, "root", g->base->project.dir);
	put_text(a, n, "config", g->adoption.config);
	put_bool(a, n, "host", g->adoption.host);
	put_bool(a, n, "ending", g->ending);
	for (size_t i = 0; i < g->adoption.argv.count; i++)
		list_add(a, argv, node_str(a, g->adoption.argv.items[i], nowhere));
	map_put(a, n, "argv", nowhere, argv);
	return n;
}

static struct node *units_node(struct agent *g, struct arena *a, struct err *e)
{
	struct world w = { 0 };
	struct hosts *h = supervisor_hosts(g->supervisor);
	struct node *list = node_list(a, nowhere);
	if (h->ops->look(h, a, &w, e))
		return NULL;
	node_reserve(a, list, w.containers.count);
	for (size_t i = 0; i < w.containers.count; i++)
		list_add(a, list, unit_to_node(a, &w.containers.items[i]));
	return list;
}

static struct node *modules_node(struct agent *g, struct arena *a, bool output)
{
	struct module_states all = { 0 };
	struct node *list = node_list(a, nowhere);
	if (develop_of(g))
		develop_modules(develop_of(g), a, &all);
	for (size_t i = 0; i < all.count; i++)
		list_add(a, list, module_to_node(a, &all.items[i], output));
	return list;
}

static struct node *look_now(
	struct agent *g, struct arena *a, const struct node *request, struct err *e)
{
	struct node *n = hello(g, a, request, e), *units = units_node(g, a, e);
	struct develop_switches on = agent_switches(g);
	if (!units)
		return NULL;
	put_text(a, n, "guard", supervisor_guard(g->supervisor));
	put_bool(a, n, "watch", on.watch);
	put_bool(a, n, "lint", on.lint);
	put_bool(a, n, "test", on.test);
	map_put(a, n, "units", nowhere, units);
	map_put(a, n, "modules", nowhere, modules_node(g, a, get_bool(request, "output", false)));
	return n;
}

/* ---- host services ---- */

static int refuse_ending(const struct agent *g, struct err *e)
{
	if (!g->ending)
		return 0;
	err_set(e, ERR_BUSY, "the agent is ending");
	err_hint(e, "run the command again in a moment");
	return -1;
}

static struct node *start(
	struct agent *g, struct arena *a, const struct node *request, struct err *e)
{
	struct hosts *h = supervisor_hosts(g->supervisor);
	size_t count;
	struct host_start *list =
		refuse_ending(g, e) ? NULL : starts_from_node(a, request, &count, e);
	if (!list)
		return NULL;
	hosts_start_all(h, list, count);
	for (size_t i = 0; i < count; i++) {
		const struct host_launch *l = &list[i].launch;
		if (!list[i].failed)
			relays_start(g->relays, host_id(a, l->spec->service, l->spec->number), l);
	}
	return outcomes_to_node(a, list, count);
}

static const char *id_of(const struct node *request, struct err *e)
{
	const char *id = node_text(node_get(request, "id"));
	if (!id)
		err_set(e, ERR_USAGE, "it needs an id");
	return id;
}

static struct node *stop(
	struct agent *g, struct arena *a, const struct node *request, struct err *e)
{
	struct hosts *h = supervisor_hosts(g->supervisor);
	const char *id = id_of(request, e);
	const struct node *grace = node_get(request, "grace_ms");
	int64_t ms = grace && grace->kind == NODE_INT ? grace->integer : -1;
	if (!id || h->ops->stop(h, id, ms, get_bool(request, "remove", false), e))
		return NULL;
	if (get_bool(request, "remove", false))
		relays_stop(g->relays, id);
	return done(a);
}

static struct node *restart(
	struct agent *g, struct arena *a, const struct node *request, struct err *e)
{
	struct hosts *h = supervisor_hosts(g->supervisor);
	const char *id = id_of(request, e);
	if (refuse_ending(g, e) || !id || h->ops->restart(h, id, e))
		return NULL;
	return done(a);
}

static struct node *send_signal(
	struct agent *g, struct arena *a, const struct node *request, struct err *e)
{
	struct hosts *h = supervisor_hosts(g->supervisor);
	const char *id = id_of(request, e), *name = node_text(node_get(request, "signal"));
	if (id && !name)
		err_set(e, ERR_USAGE, "it needs a signal");
	if (!id || !name || h->ops->signal(h, id, name, e))
		return NULL;
	return done(a);
}

static struct node *launched(
	struct agent *g, struct arena *a, const struct node *request, struct err *e)
{
	struct hosts *h = supervisor_hosts(g->supervisor);
	const char *id = id_of(request, e);
	struct host_launch l;
	if (!id || h->ops->launched(h, a, id, &l, e))
		return NULL;
	return launch_to_node(a, &l);
}

/* Cleaned: JSON has no place for what is no UTF-8. */
static struct node *output(
	struct agent *g, struct arena *a, const struct node *request, struct err *e)
{
	const char *id = id_of(request, e);
	cleanup_buf struct buf raw = BUF_INIT, clean = BUF_INIT;
	uint64_t dropped = 0;
	if (!id)
		return NULL;
	supervisor_output(g->supervisor, id, &raw, &dropped);
	text_clean(&clean, buf_str(&raw), raw.len, true);
	struct node *n = done(a);
	put_text(a, n, "text", buf_str(&clean));
	return n;
}

/* ---- the develop loop ---- */

static struct node *set(struct agent *g, struct arena *a, const struct node *request, struct err *e)
{
	struct develop_switches on = agent_switches(g);
	if (!develop_of(g)) {
		err_set(e, ERR_FAILED, "there is no module to watch");
		return NULL;
	}
	on.watch = get_bool(request, "watch", on.watch);
	on.lint = get_bool(request, "lint", on.lint);
	on.test = get_bool(request, "test", on.test);
	develop_set(develop_of(g), on);
	agent_switched(g);
	return done(a);
}

static int stages_of(const struct node *list, unsigned *out, struct err *e)
{
	struct node *item;
	node_each_item(list, i, item)
	{
		int k = 0;
		while (k < STAGES && !streq(stage_name((enum stage_kind)k), node_text(item)))
			k++;
		if (k == STAGES)
			return err_set(e, ERR_USAGE, "there is no such stage");
		*out |= 1u << k;
	}
	return 0;
}

static int ask_all(struct agent *g, struct arena *a, unsigned stages, struct err *e)
{
	struct module_states all = { 0 };
	develop_modules(develop_of(g), a, &all);
	for (size_t i = 0; i < all.count; i++)
		if (develop_ask(develop_of(g), all.items[i].service, stages, e))
			return -1;
	return 0;
}

static struct node *run(struct agent *g, struct arena *a, const struct node *request, struct err *e)
{
	const struct node *services = node_get(request, "services");
	struct node *item;
	unsigned stages = 0;
	if (!develop_of(g)) {
		err_set(e, ERR_FAILED, "there is no module to run stages of");
		return NULL;
	}
	if (stages_of(node_get(request, "stages"), &stages, e))
		return NULL;
	if (!node_count(services))
		return ask_all(g, a, stages, e) ? NULL : done(a);
	node_each_item(services, i, item)
	{
		if (!node_text(item) || develop_ask(develop_of(g), node_text(item), stages, e))
			return NULL;
	}
	return done(a);
}

/* ---- the configuration ---- */

static void take_environment(const struct node *list)
{
	struct node *item;
	clearenv();
	node_each_item(list, i, item)
	{
		const char *text = node_text(item), *eq = text ? strchr(text, '=') : NULL;
		struct arena a = ARENA_INIT;
		if (eq && eq > text)
			setenv(arena_strndup(&a, text, (size_t)(eq - text)), eq + 1, 1);
		arena_release(&a);
	}
}

static struct adoption copy_adoption(struct arena *a, const struct node *request)
{
	struct adoption out = { .config = arena_strdup(a, node_text(node_get(request, "config"))),
		.host = get_bool(request, "host", false) };
	struct node *item;
	node_each_item(node_get(request, "argv"), i, item)
	{
		if (node_text(item))
			strs_add(a, &out.argv, arena_strdup(a, node_text(item)));
	}
	return out;
}

static struct node *adopt_newer(
	struct agent *g, struct arena *a, const struct node *request, struct err *e)
{
	struct arena kept = ARENA_INIT;
	if (refuse_ending(g, e))
		return NULL;
	struct adoption what = copy_adoption(&kept, request);
	if (node_count(node_get(request, "env")))
		take_environment(node_get(request, "env"));
	struct generation *next = generation_new(
		g->loop, supervisor_hosts(g->supervisor), &what, &agent_develop_ops, g, e);
	if (!next) {
		arena_release(&kept);
		return NULL;
	}
	if (g->now && generation_develop(g->now) && generation_develop(next))
		develop_take_over(generation_develop(next), generation_develop(g->now));
	generation_retire(&g->spent, g->now);
	arena_release(&g->adopted);
	g->now = next;
	g->adopted = kept;
	g->adoption = what;
	agent_switched(g);
	return done(a);
}

/* ---- the connection ---- */

static void disown(struct agent *g, const struct control_peer *p)
{
	size_t kept = 0;
	for (size_t i = 0; i < g->owner_count; i++)
		if (g->owners[i] != p)
			g->owners[kept++] = g->owners[i];
	g->owner_count = kept;
}

static struct node *own(struct agent *g, struct control_peer *p, struct arena *a,
	const struct node *request, struct err *e)
{
	disown(g, p);
	if (!get_bool(request, "on", true))
		return done(a);
	if (g->owner_count == OWNERS_MAX) {
		err_set(e, ERR_FAILED, "too many own this agent");
		return NULL;
	}
	g->owners[g->owner_count++] = p;
	return done(a);
}

static const struct {
	const char *what;
	struct node *(*answer)(
		struct agent *g, struct arena *a, const struct node *request, struct err *e);
} requests[] = {
	{ "hello", hello },
	{ "look", look_now },
	{ "start", start },
	{ "stop", stop },
	{ "restart", restart },
	{ "signal", send_signal },
	{ "launched", launched },
	{ "output", output },
	{ "set", set },
	{ "run", run },
	{ "adopt", adopt_newer },
};

static struct node *answer(void *ctx, struct control_peer *p, struct arena *a,
	const struct node *request, struct err *e)
{
	struct agent *g = ctx;
	const char *what = node_text(node_get(request, "do"));
	g->had_peers = true;
	for (size_t i = 0; i < countof(requests); i++)
		if (streq(what, requests[i].what))
			return requests[i].answer(g, a, request, e);
	if (streq(what, "own"))
		return own(g, p, a, request, e);
	if (streq(what, "follow")) {
		control_follow(p, true);
		return done(a);
	}
	if (streq(what, "end")) {
		agent_end(g, "it was told to");
		return done(a);
	}
	err_set(e, ERR_USAGE, "the agent cannot \"%.60s\"", what);
	return NULL;
}

static void gone(void *ctx, struct control_peer *p)
{
	struct agent *g = ctx;
	size_t before = g->owner_count;
	disown(g, p);
	if (before && !g->owner_count && before != g->owner_count && !g->ending)
		agent_end(g, "the terminal that it belongs to has gone");
}

const struct control_ops agent_control_ops = { .request = answer, .gone = gone };
