/*
 * Remembers what each copy was last started with, for checks, exec and shell, which need its
 * directory and its whole environment. Comes in: the supervisor's interface. Goes out: the same,
 * with a memory. Knows nothing of processes.
 */
#include "run/launches.h"

#include <string.h>

struct launch {
	struct launch *next;
	struct arena a; /* holds all below */
	const char *id;
	struct host_launch what;
};

struct launches {
	struct hosts hosts; /* first: the operations come back from it */
	struct hosts *inner;
	struct launch *items;
};

static struct launches *launches_of(struct hosts *h)
{
	return (struct launches *)h;
}

static void launch_free(struct launch *x)
{
	struct arena a = x->a;
	arena_release(&a);
	xfree(x);
}

static void forget(struct launches *l, const char *id)
{
	for (struct launch **at = &l->items; *at; at = &(*at)->next) {
		if (!streq((*at)->id, id))
			continue;
		struct launch *x = *at;
		*at = x->next;
		launch_free(x);
		return;
	}
}

static struct strs copy_strs(struct arena *a, const struct strs *l)
{
	struct strs out = { 0 };
	for (size_t i = 0; i < l->count; i++)
		strs_add(a, &out, arena_strdup(a, l->items[i]));
	return out;
}

static struct host_spec *copy_spec(struct arena *a, const struct host_spec *s)
{
	struct host_spec *out = arena_copy(a, s, sizeof(*s));
	out->service = arena_strdup(a, s->service);
	out->hash = arena_strdup(a, s->hash);
	out->inputs = arena_strdup(a, s->inputs);
	out->argv = copy_strs(a, &s->argv);
	out->dir = arena_strdup(a, s->dir);
	out->stop_signal = arena_strdup(a, s->stop_signal);
	out->success_codes = copy_strs(a, &s->success_codes);
	out->ports.items = s->ports.count ? arena_copy(a, s->ports.items,
						    s->ports.count * sizeof(*s->ports.items))
					  : NULL;
	for (size_t i = 0; i < s->ports.count; i++)
		out->ports.items[i].protocol = arena_strdup(a, s->ports.items[i].protocol);
	out->ports.cap = s->ports.count;
	out->place.file = arena_strdup(a, s->place.file);
	out->place.layer = NULL;
	memset(&out->env, 0, sizeof(out->env)); /* the whole environment stands for it */
	return out;
}

static void remember(struct launches *l, const struct host_launch *what)
{
	struct launch *x = xcalloc(1, sizeof(*x));
	struct strs env = { 0 };
	for (size_t i = 0; what->env && what->env[i]; i++)
		strs_add(&x->a, &env, arena_strdup(&x->a, what->env[i]));
	strs_add(&x->a, &env, NULL);
	x->id = host_id(&x->a, what->spec->service, what->spec->number);
	x->what = (struct host_launch){
		.spec = copy_spec(&x->a, what->spec),
		.env = env.items,
		.gateway = arena_strdup(&x->a, what->gateway),
	};
	forget(l, x->id);
	x->next = l->items;
	l->items = x;
}

static int start(struct hosts *h, const struct host_launch *what, struct err *e)
{
	struct launches *l = launches_of(h);
	int rc = l->inner->ops->start(l->inner, what, e);
	if (!rc)
		remember(l, what);
	return rc;
}

static int stop(struct hosts *h, const char *id, int64_t grace_ms, bool gone, struct err *e)
{
	struct launches *l = launches_of(h);
	int rc = l->inner->ops->stop(l->inner, id, grace_ms, gone, e);
	if (!rc && gone)
		forget(l, id);
	return rc;
}

static int restart(struct hosts *h, const char *id, struct err *e)
{
	struct launches *l = launches_of(h);
	return l->inner->ops->restart(l->inner, id, e);
}

static int send_signal(struct hosts *h, const char *id, const char *name, struct err *e)
{
	struct launches *l = launches_of(h);
	return l->inner->ops->signal(l->inner, id, name, e);
}

static int look(struct hosts *h, struct arena *a, struct world *w, struct err *e)
{
	struct launches *l = launches_of(h);
	return l->inner->ops->look(l->inner, a, w, e);
}

static struct host_run_once *run_once(struct hosts *h, const struct host_launch *what,
	void (*line)(void *ctx, const char *line, size_t len), void *ctx, struct err *e)
{
	struct launches *l = launches_of(h);
	return l->inner->ops->run(l->inner, what, line, ctx, e);
}

static int launched(
	struct hosts *h, struct arena *a, const char *id, struct host_launch *out, struct err *e)
{
	(void)a; /* its strings stay until the copy is started anew or removed */
	for (const struct launch *x = launches_of(h)->items; x; x = x->next) {
		if (!streq(x->id, id))
			continue;
		*out = x->what;
		return 0;
	}
	return err_set(e, ERR_FAILED, "%s was not started", id);
}

static const struct hosts_ops ops = {
	.start = start,
	.stop = stop,
	.restart = restart,
	.signal = send_signal,
	.run = run_once,
	.look = look,
	.launched = launched,
};

struct launches *launches_new(struct hosts *inner)
{
	struct launches *l = xcalloc(1, sizeof(*l));
	*l = (struct launches){ .hosts.ops = &ops, .inner = inner };
	return l;
}

struct hosts *launches_hosts(struct launches *l)
{
	return &l->hosts;
}

size_t launches_count(const struct launches *l)
{
	size_t n = 0;
	for (const struct launch *x = l->items; x; x = x->next)
		n++;
	return n;
}

void launches_free(struct launches *l)
{
	while (l && l->items) {
		struct launch *x = l->items;
		l->items = x->next;
		launch_free(x);
	}
	xfree(l);
}
