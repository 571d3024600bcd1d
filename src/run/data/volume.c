/*
 * Volumes of the engine as objects. Comes in: names and labels. Goes out: a volume as Compose would
 * make it, who uses it, what it is. Does not look into them.
 */
#include "run/data/volume.h"

#include <string.h>

#include "doc/json.h"
#include "run/engine/call.h"

static const struct place nowhere;

static void put_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	map_put(a, map, key, nowhere, node_str(a, text, nowhere));
}

/* Compose takes a mapping or a list of "NAME=VALUE". */
static void carry_labels(struct arena *a, struct node *to, const struct node *from)
{
	const struct node_pair *pair;
	const struct node *item;
	node_each_pair(from, i, pair)
	{
		if (node_is_scalar(pair->value))
			put_text(a, to, pair->key, node_text(pair->value));
	}
	node_each_item(from, i, item)
	{
		const char *text = node_text(item);
		size_t len = text ? strcspn(text, "=") : 0;
		if (len)
			put_text(a, to, arena_strndup(a, text, len),
				text + len + (text[len] == '='));
	}
}

static struct node *labels_of(
	struct arena *a, const struct volume_desk *d, const struct volume_spec *s)
{
	struct node *n = node_map(a, nowhere);
	carry_labels(a, n, node_get(s->node, "labels"));
	put_text(a, n, "com.docker.compose.project", d->workspace);
	put_text(a, n, "com.docker.compose.volume", s->key);
	put_text(a, n, "devenv.workspace", d->workspace);
	put_text(a, n, "devenv.root", d->root);
	put_text(a, n, "devenv.kind", s->kind);
	return n;
}

int volume_make(const struct volume_desk *d, const struct volume_spec *s, struct err *e)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf body = BUF_INIT;
	struct engine_call *c = NULL;
	struct node *n = node_map(&a, nowhere), *options = node_map(&a, nowhere);
	const char *driver = node_text(node_get(s->node, "driver"));
	put_text(&a, n, "Name", s->name);
	if (driver)
		put_text(&a, n, "Driver", driver);
	carry_labels(&a, options, node_get(s->node, "driver_opts"));
	if (node_count(options))
		map_put(&a, n, "DriverOpts", nowhere, options);
	map_put(&a, n, "Labels", nowhere, labels_of(&a, d, s));
	json_write(&body, n, 0);
	struct engine_ask ask = {
		.method = "POST", .path = "/volumes/create", .body = body.data, .patient = true
	};
	int rc = engine_request(d->engine, &ask, &c, e);
	engine_call_free(c);
	arena_release(&a);
	return rc ? err_wrap(e, "volume %s", s->name) : 0;
}

static const char *filtered(struct arena *a, const char *path, const char *key, const char *value)
{
	cleanup_buf struct buf json = BUF_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	buf_addf(&json, "{\"%s\":[", key);
	json_quote(&json, value, strlen(value));
	buf_adds(&json, "]}");
	buf_addf(&out, "%sfilters=", path);
	url_escape(&out, json.data);
	return arena_strdup(a, out.data);
}

static int list_containers(
	struct engine *g, struct arena *a, const char *path, struct world *w, struct err *e)
{
	struct engine_ask ask = { .path = path };
	struct engine_call *c = NULL;
	if (engine_request(g, &ask, &c, e))
		return -1;
	int rc = engine_read_containers(g, a, engine_answer(c), w, e);
	engine_call_free(c);
	return rc;
}

int volume_users(
	struct engine *g, struct arena *a, const char *name, struct world *out, struct err *e)
{
	size_t kept = 0;
	if (list_containers(g, a, filtered(a, "/containers/json?all=1&", "volume", name), out, e))
		return -1;
	for (size_t i = 0; i < out->containers.count; i++)
		if (!streq(out->containers.items[i].service, VOLUME_CARRIER))
			out->containers.items[kept++] = out->containers.items[i];
	out->containers.count = kept;
	return 0;
}

int volume_look(
	struct engine *g, struct arena *a, const char *name, struct volume_seen *out, struct err *e)
{
	cleanup_buf struct buf escaped = BUF_INIT;
	struct node *n;
	url_escape(&escaped, name);
	*out = (struct volume_seen){ 0 };
	if (engine_find(g, a, &n, e, "/volumes/%s", buf_str(&escaped)))
		return -1;
	const struct node *labels = node_get(n, "Labels");
	out->exists = n != NULL;
	out->workspace = node_text(node_get(labels, "devenv.workspace"));
	out->key = node_text(node_get(labels, "com.docker.compose.volume"));
	out->kind = node_text(node_get(labels, "devenv.kind"));
	out->driver = node_text(node_get(n, "Driver"));
	out->fixed = node_get(node_get(n, "Options"), "device") != NULL;
	return 0;
}

int volume_sizes(
	struct engine *g, struct arena *a, const struct strs *names, int64_t *bytes, struct err *e)
{
	struct engine_ask ask = { .path = "/system/df?type=volume", .patient = true };
	struct engine_call *c = NULL;
	const struct node *item;
	for (size_t i = 0; i < names->count; i++)
		bytes[i] = -1;
	if (engine_request(g, &ask, &c, e))
		return -1;
	const struct http_answer *ans = engine_answer(c);
	struct node *n = json_read(a, buf_str(&ans->body), ans->body.len, "the engine's answer", e);
	engine_call_free(c);
	node_each_item(node_get(n, "Volumes"), i, item)
	{
		const char *name = node_text(node_get(item, "Name"));
		const struct node *size = node_get(node_get(item, "UsageData"), "Size");
		for (size_t k = 0; name && k < names->count; k++)
			if (streq(names->items[k], name) && size && size->kind == NODE_INT)
				bytes[k] = size->integer;
	}
	return n ? 0 : -1;
}

int volume_tidy(const struct volume_desk *d, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct world w = { .now = 0 };
	int rc = list_containers(d->engine, &a,
		filtered(&a, "/containers/json?all=1&", "label",
			arena_printf(&a, "devenv.carrier=%s", d->workspace)),
		&w, e);
	for (size_t i = 0; !rc && i < w.containers.count; i++)
		rc = engine_remove(d->engine, w.containers.items[i].id, e);
	arena_release(&a);
	return rc;
}
