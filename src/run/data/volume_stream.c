/*
 * Volumes as tar streams. Comes in: a volume's name. Goes out: its content, piece by piece, or it
 * has taken what it was given. Every carrier is removed again; does not look into the stream.
 */
#include "run/io/conduit.h"
#include "run/engine/call.h"
#include "volume_carrier.h"

/* The engine would make one that is mounted and not there. */
static int must_exist(const struct volume_desk *d, struct arena *a, const char *name, struct err *e)
{
	struct volume_seen seen;
	if (volume_look(d->engine, a, name, &seen, e))
		return -1;
	return seen.exists ? 0 : err_set(e, ERR_FAILED, "the engine has no such volume");
}

/* The carrier goes whatever happened; what happened first is told. */
static int with_carrier(const struct volume_desk *d, const char *name, struct engine_ask *ask,
	const char *path, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct carrier c;
	struct err late = ERR_INIT;
	int rc = must_exist(d, &a, name, e);
	rc = rc ? rc : carrier_open(d, name, &c, e);
	if (!rc) {
		ask->path = arena_printf(&a, "/containers/%s/archive?path=%s", c.id, path);
		ask->patient = true;
		rc = engine_await(d->engine, d->loop, ask, NULL, e);
		if (carrier_close(d, &c, &late) && !rc) {
			*e = late;
			rc = -1;
		}
	}
	arena_release(&a);
	return rc ? err_wrap(e, "volume %s", name) : 0;
}

struct taker {
	bool (*put)(void *ctx, const char *data, size_t len);
	void *ctx;
	bool gone;
};

static bool put_on(void *ctx, const char *data, size_t len)
{
	struct taker *t = ctx;
	t->gone = !t->put(t->ctx, data, len);
	return !t->gone;
}

int volume_export(const struct volume_desk *d, const char *name,
	bool (*put)(void *ctx, const char *data, size_t len), void *ctx, struct err *e)
{
	struct taker t = { .put = put, .ctx = ctx };
	struct engine_ask ask = { .data = put_on, .ctx = &t };
	int rc = with_carrier(d, name, &ask, "/" VOLUME_ROOT, e);
	return rc || !t.gone ? rc
			     : err_set(e, ERR_FAILED, "volume %s: nobody takes its data", name);
}

int volume_import(const struct volume_desk *d, const char *name,
	size_t (*pull)(void *ctx, char *into, size_t size), void *ctx, struct err *e)
{
	struct engine_ask ask = { .method = "PUT", .produce = pull, .ctx = ctx };
	return with_carrier(d, name, &ask, "/", e);
}

/* ---- clone: one connection to the engine gives, another takes ---- */

struct end {
	const struct volume_desk *desk;
	const char *name;
};

static int take(void *ctx, struct conduit *c, struct err *e)
{
	const struct end *to = ctx;
	return volume_import(to->desk, to->name, conduit_pull, c, e);
}

/* Nothing of the other thread's: an engine's connection belongs to one. */
static int give(void *ctx, struct conduit *c, struct err *e)
{
	const struct end *from = ctx;
	struct volume_desk own = *from->desk;
	own.loop = NULL;
	own.engine = engine_open(e);
	int rc = own.engine ? volume_export(&own, from->name, conduit_put, c, e) : -1;
	engine_close(own.engine);
	return rc;
}

int volume_clone(const struct volume_desk *d, const char *from, const char *to, struct err *e)
{
	struct end giver = { d, from }, taker = { d, to };
	if (http_load(d->engine->http, e)) /* once, before there are two threads */
		return -1;
	return conduit_run(&(struct conduit_side){ take, &taker },
		&(struct conduit_side){ give, &giver }, false, e);
}
