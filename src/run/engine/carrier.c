/*
 * A container that never runs. Comes in: image, workspace, a volume or none. Goes out: the request
 * that makes it, and its id.
 */
#include "run/engine/carrier.h"

#include <string.h>

#include "doc/json.h"

static const struct place nowhere;

static void put_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (text)
		map_put(a, map, key, nowhere, node_str(a, text, nowhere));
}

static void put(struct arena *a, struct node *map, const char *key, struct node *n)
{
	map_put(a, map, key, nowhere, n);
}

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
	if (volume)
		put(a, n, "Mounts", mounts_of(a, volume));
	return n;
}

static struct node *labels_of(struct arena *a, const struct carrier_wish *w)
{
	struct node *n = node_map(a, nowhere);
	put_text(a, n, "devenv.workspace", w->workspace);
	put_text(a, n, "devenv.root", w->root);
	put_text(a, n, "devenv.service", w->service);
	put_text(a, n, "devenv.carrier", w->volume ? w->workspace : NULL);
	put_text(a, n, "com.docker.compose.oneoff", "True");
	return n;
}

struct engine_ask carrier_ask(struct arena *a, const struct carrier_wish *w)
{
	cleanup_buf struct buf body = BUF_INIT;
	struct node *n = node_map(a, nowhere), *words = node_list(a, nowhere);
	list_add(a, words, node_str(a, "never run", nowhere));
	put_text(a, n, "Image", w->image);
	put(a, n, "Cmd", words);
	put(a, n, "Labels", labels_of(a, w));
	put(a, n, "HostConfig", host_of(a, w->volume));
	json_write(&body, n, 0);
	return (struct engine_ask){
		.method = "POST",
		.path = w->name ? arena_printf(a, "/containers/create?name=%s", w->name)
				: "/containers/create",
		.body = arena_strdup(a, buf_str(&body)),
		.patient = true,
	};
}

int carrier_read(const struct http_answer *answer, char id[static CARRIER_ID], struct err *e)
{
	struct arena a = ARENA_INIT;
	struct node *n =
		json_read(&a, buf_str(&answer->body), answer->body.len, "the engine's answer", e);
	const char *text = node_text(node_get(n, "Id"));
	int rc = n ? 0 : -1;
	if (n && (!text || strlen(text) >= CARRIER_ID))
		rc = err_set(e, ERR_ENGINE,
			"the engine's answer is not understood: a container without Id");
	else if (n)
		memcpy(id, text, strlen(text) + 1);
	arena_release(&a);
	return rc;
}

int carrier_make(
	struct engine *g, const struct carrier_wish *w, char id[static CARRIER_ID], struct err *e)
{
	struct arena a = ARENA_INIT;
	struct engine_call *c = NULL;
	struct engine_ask ask = carrier_ask(&a, w);
	int rc = engine_request(g, &ask, &c, e);
	rc = rc ? rc : carrier_read(engine_answer(c), id, e);
	engine_call_free(c);
	arena_release(&a);
	return rc;
}
