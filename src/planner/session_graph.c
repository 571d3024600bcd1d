/*
 * What `devenv tmux` shows where no layout says it: one window for each group of services that
 * interact. Comes in: the project and the profiles that were asked for. Goes out: a
 * layout without a name. Groups grow from the services written here, those that routes lead to and
 * those that nobody needs; a database that several groups use is shown with the first of them.
 */
#include <stdlib.h>

#include "planner/session.h"

enum { FEW = 2, SOME = 4, MANY = 8, NOWHERE = -1 };

struct member { /* beside the service of the same index */
	const struct service *s;
	bool active, seed, proxy, apart;
	size_t rank;   /* by routes, then as written */
	int group;     /* index of the seed it belongs to */
	unsigned seen; /* by which walk it was met last */
};

struct groups {
	struct arena *a;
	const struct project *p;
	struct member *m;
	size_t count;
	size_t *by_rank; /* indices of members */
	unsigned walk;
};

static size_t index_of(const struct groups *g, const struct service *s)
{
	return (size_t)(s - g->p->services.items);
}

static bool held_back(const struct service *s, const struct strs *profiles)
{
	for (size_t i = 0; i < s->profiles.count; i++)
		if (strs_has(profiles, s->profiles.items[i]))
			return false;
	return s->profiles.count > 0;
}

static bool routed(const struct groups *g, const struct service *s)
{
	for (size_t i = 0; i < g->p->routes.count; i++)
		if (g->p->routes.items[i].to == s)
			return true;
	return false;
}

static bool needed(const struct groups *g, const struct service *s)
{
	for (size_t i = 0; i < g->count; i++)
		for (size_t k = 0; g->m[i].active && k < g->m[i].s->needs.count; k++)
			if (!g->m[i].proxy && g->m[i].s->needs.items[k].service == s)
				return true;
	return false;
}

static bool is_seed(const struct groups *g, const struct member *m)
{
	return m->active && !m->proxy && m->s->kind != KIND_JOB &&
	       (m->s->develop || routed(g, m->s) || !needed(g, m->s));
}

/* ---- order ---- */

static void rank_all(struct groups *g)
{
	size_t next = 1;
	const struct node_pair *pair;
	for (size_t i = 0; i < g->p->routes.count; i++) {
		struct member *m = g->p->routes.items[i].to
					   ? &g->m[index_of(g, g->p->routes.items[i].to)]
					   : NULL;
		if (m && !m->rank)
			m->rank = next++;
	}
	node_each_pair(node_get(g->p->tree, "services"), i, pair)
	{
		const struct service *s = project_service(g->p, pair->key);
		if (s && !g->m[index_of(g, s)].rank)
			g->m[index_of(g, s)].rank = next++;
	}
	for (size_t i = 0; i < g->count; i++)
		if (g->m[i].rank)
			g->by_rank[g->m[i].rank - 1] = i;
}

/* ---- who belongs to whom ---- */

static int leader(const struct groups *g, int i)
{
	while (g->m[i].group != i)
		i = g->m[i].group;
	return i;
}

/* The group whose leader stands first keeps its name. */
static void join(struct groups *g, int one, int two)
{
	one = leader(g, one);
	two = leader(g, two);
	if (g->m[one].rank < g->m[two].rank)
		g->m[two].group = one;
	else
		g->m[one].group = two;
}

/* Follows needs from a seed: other seeds join it, what is none is taken when it is free. */
static void spread(struct groups *g, size_t seed, size_t at, bool joins)
{
	const struct service *s = g->m[at].s;
	for (size_t i = 0; i < s->needs.count; i++) {
		if (!s->needs.items[i].service)
			continue;
		size_t next = index_of(g, s->needs.items[i].service);
		struct member *n = &g->m[next];
		if (!n->active || n->proxy || n->seen == g->walk)
			continue;
		n->seen = g->walk;
		if (n->seed) {
			if (joins && !n->apart && !g->m[seed].apart)
				join(g, (int)seed, (int)next);
			continue;
		}
		if (!joins && n->s->kind != KIND_JOB && n->group == NOWHERE)
			n->group = (int)seed;
		spread(g, seed, next, joins);
	}
}

static void place_proxies(struct groups *g)
{
	for (size_t i = 0; i < g->p->routes.count; i++) {
		const struct route *r = &g->p->routes.items[i];
		struct member *via = r->via ? &g->m[index_of(g, r->via)] : NULL;
		if (via && via->active && via->group == NOWHERE && r->to)
			via->group = g->m[index_of(g, r->to)].group;
	}
}

static void spread_all(struct groups *g, bool joins)
{
	for (size_t i = 0; i < g->count; i++) {
		size_t seed = g->by_rank[i];
		g->walk++;
		if (g->m[seed].seed)
			spread(g, seed, seed, joins);
	}
}

static void assign(struct groups *g)
{
	for (size_t i = 0; i < g->count; i++)
		g->m[i].group = g->m[i].seed ? (int)i : NOWHERE;
	spread_all(g, true);
	spread_all(g, false);
	place_proxies(g);
	for (size_t i = 0; i < g->count; i++)
		if (g->m[i].group != NOWHERE)
			g->m[i].group = leader(g, (int)i);
}

static size_t size_of(const struct groups *g, int group)
{
	size_t n = 0;
	for (size_t i = 0; i < g->count; i++)
		n += g->m[i].group == group;
	return n;
}

/* What would be too small to read is divided: each of its seeds gets a window. */
static bool divide(struct groups *g)
{
	bool any = false;
	for (size_t i = 0; i < g->count; i++) {
		struct member *m = &g->m[i];
		bool alone = m->group == (int)i && size_of(g, m->group) == 1;
		if (m->seed && !m->apart && !alone && size_of(g, m->group) > MANY)
			any = m->apart = true;
	}
	return any;
}

/* ---- windows ---- */

/* A client that is a mere shell says less than the log. */
static bool has_client(const struct service *s)
{
	const char *first = s->client.count ? s->client.items[0] : NULL;
	return first && !(s->client.count == 1 && (streq(first, "bash") || streq(first, "sh")));
}

static struct pane *add_pane(
	struct groups *g, struct window *w, enum pane_kind kind, const struct service *s)
{
	struct pane *p = list_push(g->a, &w->panes);
	*p = (struct pane){ .kind = kind, .service = s, .place = s->place };
	if (kind == PANE_LOGS)
		strs_add(g->a, &p->words, s->name);
	return p;
}

static bool has_stages(const struct service *s)
{
	return s->develop->compile.command || s->develop->lint.command || s->develop->test.command;
}

static void fill_window(struct groups *g, struct window *w, int group)
{
	const struct service *home = NULL;
	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < g->count; i++) {
			const struct member *m = &g->m[g->by_rank[i]];
			if (m->group != group || m->seed != (pass == 0))
				continue;
			bool client = has_client(m->s) && !m->proxy && m->s->where == RUN_CONTAINER;
			add_pane(g, w, client ? PANE_ATTACH : PANE_LOGS, m->s);
			if (!home && m->s->develop && m->s->where == RUN_CONTAINER)
				home = m->s;
		}
	}
	if (home)
		add_pane(g, w, PANE_SHELL, home);
	if (home && has_stages(home))
		add_pane(g, w, PANE_STAGE, home);
	w->name = home ? home->name : g->m[group].s->name;
	w->layout = w->panes.count <= FEW    ? "even-vertical"
		    : w->panes.count <= SOME ? "main-vertical"
					     : "tiled";
	*list_push(g->a, &w->options) = (struct var){ .name = "main-pane-width", .value = "55%" };
}

struct layout *session_default(
	struct arena *a, const struct project *p, const struct strs *profiles)
{
	struct groups g = { .a = a, .p = p, .count = p->services.count };
	struct layout *l = arena_new(a, struct layout);
	g.m = arena_array(a, struct member, g.count + 1);
	g.by_rank = arena_array(a, size_t, g.count + 1);
	for (size_t i = 0; i < g.count; i++) {
		g.m[i].s = &p->services.items[i];
		g.m[i].active = !held_back(g.m[i].s, profiles);
	}
	for (size_t i = 0; i < p->routes.count; i++)
		if (p->routes.items[i].via)
			g.m[index_of(&g, p->routes.items[i].via)].proxy = true;
	for (size_t i = 0; i < g.count; i++)
		g.m[i].seed = is_seed(&g, &g.m[i]);
	rank_all(&g);
	assign(&g);
	if (divide(&g))
		assign(&g);
	for (size_t i = 0; i < g.count; i++) {
		int group = (int)g.by_rank[i];
		if (g.m[group].seed && g.m[group].group == group)
			fill_window(&g, list_push(a, &l->windows), group);
	}
	return l;
}
