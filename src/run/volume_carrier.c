/*
 * The container through which the engine's archives reach a volume. Comes in: the volume's name.
 * Goes out: a container that mounts it and is never started. Its image is empty, ours, and made
 * where the engine lacks it.
 */
#include "volume_carrier.h"

#include <string.h>

#include "doc/json.h"
#include "run/engine.h"

#define CARRIER_IMAGE "devenv/carrier:1"

static const struct place nowhere;

static void put_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	map_put(a, map, key, nowhere, node_str(a, text, nowhere));
}

static void put(struct arena *a, struct node *map, const char *key, struct node *n)
{
	map_put(a, map, key, nowhere, n);
}

/* Nothing of the image is copied into a new volume. */
static struct node *mounts_of(struct arena *a, const char *volume)
{
	struct node *list = node_list(a, nowhere), *mount = node_map(a, nowhere),
		    *options = node_map(a, nowhere);
	put_text(a, mount, "Type", "volume");
	put_text(a, mount, "Source", volume);
	put_text(a, mount, "Target", "/" VOLUME_ROOT);
	put(a, options, "NoCopy", node_bool(a, true, nowhere));
	put(a, mount, "VolumeOptions", options);
	list_add(a, list, mount);
	return list;
}

static struct node *host_of(struct arena *a, const char *volume)
{
	struct node *n = node_map(a, nowhere), *log = node_map(a, nowhere);
	put_text(a, n, "NetworkMode", "none");
	put_text(a, log, "Type", "none");
	put(a, n, "LogConfig", log);
	put(a, n, "Mounts", mounts_of(a, volume));
	return n;
}

static void body_of(
	struct arena *a, const struct volume_desk *d, const char *volume, struct buf *out)
{
	struct node *n = node_map(a, nowhere), *words = node_list(a, nowhere),
		    *labels = node_map(a, nowhere);
	list_add(a, words, node_str(a, "never run", nowhere));
	put_text(a, n, "Image", CARRIER_IMAGE);
	put(a, n, "Cmd", words);
	put_text(a, labels, "devenv.workspace", d->workspace);
	put_text(a, labels, "devenv.root", d->root);
	put_text(a, labels, "devenv.service", VOLUME_CARRIER);
	put_text(a, labels, "devenv.carrier", d->workspace);
	put_text(a, labels, "com.docker.compose.oneoff", "True");
	put(a, n, "Labels", labels);
	put(a, n, "HostConfig", host_of(a, volume));
	json_write(out, n, 0);
}

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

static int create(struct engine *g, struct arena *a, const char *body, struct carrier *out,
	bool *no_image, struct err *e)
{
	struct engine_call *c = NULL;
	struct engine_ask ask = {
		.method = "POST", .path = "/containers/create", .body = body, .patient = true
	};
	*no_image = false;
	if (engine_request(g, &ask, &c, e)) {
		*no_image = strstr(e->text, "o such image") != NULL;
		return -1;
	}
	const struct http_answer *ans = engine_answer(c);
	struct node *n = json_read(a, buf_str(&ans->body), ans->body.len, "the engine's answer", e);
	const char *id = node_text(node_get(n, "Id"));
	engine_call_free(c);
	if (!id || strlen(id) >= sizeof(out->id))
		return err_set(e, ERR_ENGINE,
			"the engine's answer is not understood: a container without Id");
	memcpy(out->id, id, strlen(id) + 1);
	return 0;
}

int carrier_open(
	const struct volume_desk *d, const char *volume, struct carrier *out, struct err *e)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf body = BUF_INIT;
	bool no_image;
	body_of(&a, d, volume, &body);
	int rc = create(d->engine, &a, body.data, out, &no_image, e);
	if (rc && no_image) {
		*e = (struct err)ERR_INIT;
		rc = make_image(d->engine, e);
		rc = rc ? rc : create(d->engine, &a, body.data, out, &no_image, e);
	}
	arena_release(&a);
	return rc;
}

int carrier_close(const struct volume_desk *d, struct carrier *c, struct err *e)
{
	return engine_remove(d->engine, c->id, e);
}
