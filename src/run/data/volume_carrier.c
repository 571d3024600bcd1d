/*
 * The container through which the engine's archives reach a volume. Comes in: the volume's name.
 * Goes out: a container that mounts it and is never started. Its image is empty, ours, and made
 * where the engine lacks it.
 */
#include "volume_carrier.h"

#include <string.h>

#define CARRIER_IMAGE "devenv/carrier:1"

/* An image of an empty archive. */
static int make_image(struct engine *g, struct err *e)
{
	enum { BLOCKS = 1024 };
	static const char nothing[BLOCKS];
	struct engine_call *c = NULL;
	struct engine_ask ask = {
		.method = "POST",
		.path = "/images/create?fromSrc=-&repo=devenv/carrier&tag=1"
			"&changes=LABEL%20devenv.image%3Dcarrier",
		.body = nothing,
		.body_len = sizeof(nothing),
		.patient = true,
	};
	int rc = engine_request(g, &ask, &c, e);
	if (!rc && strstr(buf_str(&engine_answer(c)->body), "\"error\""))
		rc = err_set(e, ERR_ENGINE, "the engine cannot make an empty image: %.300s",
			buf_str(&engine_answer(c)->body));
	engine_call_free(c);
	return rc;
}

int carrier_open(
	const struct volume_desk *d, const char *volume, struct carrier *out, struct err *e)
{
	struct carrier_wish w = { .image = CARRIER_IMAGE,
		.workspace = d->workspace,
		.service = VOLUME_CARRIER,
		.root = d->root,
		.volume = volume };
	int rc = carrier_make(d->engine, &w, out->id, e);
	if (!rc || !strstr(e->text, "o such image"))
		return rc;
	*e = (struct err)ERR_INIT;
	rc = make_image(d->engine, e);
	return rc ? rc : carrier_make(d->engine, &w, out->id, e);
}

int carrier_close(const struct volume_desk *d, struct carrier *c, struct err *e)
{
	return engine_remove(d->engine, c->id, e);
}
