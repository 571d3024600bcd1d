/*
 * What the agent has read: one generation of the configuration and the develop loop over it. Comes
 * in: the command line and the environment of an `up`. Goes out: a generation, or why it cannot be
 * read; the one before goes on meanwhile. Decides nothing.
 */
#include <string.h>

#include "cmd/agent_client.h"
#include "cmd/opt.h"

struct generation {
	struct context c;
	struct develop_loop *develop;
	struct generation *next; /* retired, too */
};

static int parse(struct generation *g, const struct strs *argv, struct parsed *p, struct err *e)
{
	struct context *c = &g->c;
	char **words = arena_array(&c->arena, char *, argv->count + 1);
	for (size_t i = 0; i < argv->count; i++)
		words[i] = arena_strdup(&c->arena, argv->items[i]);
	if (opt_parse(&c->arena, (int)argv->count, words, &c->g, p, e))
		return -1;
	if (!p->cmd || !streq(p->cmd->name, "up"))
		return err_set(e, ERR_USAGE, "only an `up` can be adopted");
	c->cmd = p->cmd;
	return 0;
}

static int load(struct generation *g, struct err *e)
{
	int status = open_places(&g->c);
	if (!status)
		return 0;
	if (g->c.error.code)
		*e = g->c.error;
	else
		err_set(e, (enum err_code)status, "the configuration cannot be read");
	err_hint(e, "`devenv config -q` says more");
	return -1;
}

static bool has_modules(const struct project *p)
{
	for (size_t i = 0; i < p->services.count; i++)
		if (p->services.items[i].develop)
			return p->dev;
	return false;
}

static int begin(struct generation *g, const struct parsed *p, struct hosts *hosts,
	const struct develop_ops *ops, void *ctx, struct err *e)
{
	if (!has_modules(&g->c.project))
		return 0;
	g->develop = develop_new(
		&g->c, hosts, &p->args, switches_of(&g->c.project, p->opts), ops, ctx, e);
	return g->develop ? 0 : -1;
}

struct generation *generation_new(struct loop *l, struct hosts *hosts, const struct adoption *what,
	const struct develop_ops *ops, void *ctx, struct err *e)
{
	struct generation *g = xcalloc(1, sizeof(*g));
	struct parsed p = { 0 };
	g->c.lock.fd = g->c.summoned = -1;
	g->c.diags.arena = &g->c.arena;
	g->c.loop = l;
	g->c.hosts = hosts;
	g->c.host = what->host;
	g->c.sought = true; /* it is the agent itself that reads */
	if (parse(g, &what->argv, &p, e) || load(g, e) || begin(g, &p, hosts, ops, ctx, e)) {
		generation_free(g);
		return NULL;
	}
	return g;
}

struct context *generation_context(struct generation *g)
{
	return &g->c;
}

struct develop_loop *generation_develop(struct generation *g)
{
	return g->develop;
}

void generation_free(struct generation *g)
{
	if (!g)
		return;
	if (g->develop)
		develop_free(g->develop);
	g->c.loop = NULL; /* the agent's */
	context_release(&g->c);
	xfree(g);
}

void generation_retire(struct generation **spent, struct generation *g)
{
	if (!g)
		return;
	g->next = *spent;
	*spent = g;
}

void generation_sweep(struct generation **spent)
{
	while (*spent) {
		struct generation *g = *spent;
		*spent = g->next;
		generation_free(g);
	}
}
