/*
 * What services run as processes of this machine: commands, checks, stages, directories. The list
 * is the same with and without --host, so that one consent holds for both; what only --host would
 * run is marked.
 */
#include <string.h>

#include "run/dangers.h"

struct look {
	struct arena *a;
	const struct project *p;
	const struct service *s;
	struct dangers *out;
	bool with_host; /* only then */
};

static void add(struct look *l, struct place at, const char *what, const char *text)
{
	if (!text || !*text)
		return;
	danger_add(l->a, l->out, false, at, "%s%s %s: %s", l->with_host ? "with --host, " : "",
		what, l->s->name, text);
	struct danger *d = &l->out->items[l->out->count - 1];
	d->with_host = l->with_host;
	d->service = l->s;
}

static const char *line(struct arena *a, const struct node *n)
{
	struct strs words = { 0 };
	const struct node *item;
	node_each_item(n, i, item)
	{
		strs_add(a, &words, node_text(item) ? node_text(item) : "");
	}
	return words.count ? strs_join(a, &words, " ") : node_text(n);
}

static void look_command(struct look *l)
{
	const struct node *own = l->s->on_host->command;
	bool behind = !own || own == l->s->command;
	const char *entry = behind ? line(l->a, l->s->entrypoint) : NULL;
	const char *command = line(l->a, own);
	add(l, l->s->on_host->place, "host service",
		arena_printf(l->a, "%s%s%s", entry ? entry : "", entry && command ? " " : "",
			command ? command : ""));
}

static void look_stages(struct look *l, const struct develop *d)
{
	add(l, d->deps.place, "install on this host of", d->deps.install);
	add(l, d->compile.place, "compile on this host of", d->compile.command);
	add(l, d->lint.place, "lint on this host of", d->lint.command);
	add(l, d->test.place, "test on this host of", d->test.command);
	if (d->success == SUCCESS_EXEC)
		add(l, d->success_place, "on_success on this host of", d->success_arg);
}

/* Hooks of a service run where the service does. */
static void look_hooks(struct look *l)
{
	for (size_t i = 0; i < l->p->hooks.count; i++) {
		const struct hook *h = &l->p->hooks.items[i];
		if (!h->host && streq(h->service, l->s->name))
			add(l, h->place, arena_printf(l->a, "hook %s on this host of", h->event),
				h->command);
	}
}

void danger_host(
	struct arena *a, const struct project *p, const struct service *s, struct dangers *out)
{
	struct look l = { a, p, s, out, !streq(node_text(node_get(s->node, "run")), "host") };
	if (!s->on_host)
		return;
	look_command(&l);
	if (s->check.kind == CHECK_EXEC)
		add(&l, s->check.place, "healthcheck on this host of",
			strs_join(a, &s->check.argv, " "));
	if (danger_outside(a, p, s->on_host->working_dir))
		add(&l, s->on_host->place, "directory outside of the checkout of",
			s->on_host->working_dir);
	if (s->develop)
		look_stages(&l, s->develop);
	look_hooks(&l);
}
