/*
 * The develop loop before it is wired: it keeps its switches and watches no module.
 */
#include "cmd/develop.h"

struct develop_loop {
	struct develop_switches on;
};

struct develop_loop *develop_new(struct context *c, struct hosts *hosts,
	const struct strs *services, struct develop_switches on, const struct develop_ops *ops,
	void *ctx, struct err *e)
{
	(void)c, (void)hosts, (void)services, (void)ops, (void)ctx, (void)e;
	struct develop_loop *d = xcalloc(1, sizeof(*d));
	d->on = on;
	return d;
}

void develop_turn(struct develop_loop *d)
{
	(void)d;
}

int develop_timeout(const struct develop_loop *d, int max_ms)
{
	(void)d;
	return max_ms;
}

void develop_set(struct develop_loop *d, struct develop_switches on)
{
	d->on = on;
}

int develop_ask(struct develop_loop *d, const char *service, unsigned stages, struct err *e)
{
	(void)d, (void)stages;
	return err_set(e, ERR_USAGE, "%s has no stages", service);
}

void develop_settled(struct develop_loop *d, bool ok)
{
	(void)d, (void)ok;
}

bool develop_busy(const struct develop_loop *d)
{
	(void)d;
	return false;
}

void develop_modules(const struct develop_loop *d, struct arena *a, struct module_states *out)
{
	(void)d, (void)a;
	*out = (struct module_states){ 0 };
}

struct develop_switches develop_switches(const struct develop_loop *d)
{
	return d->on;
}

void develop_free(struct develop_loop *d)
{
	xfree(d);
}
