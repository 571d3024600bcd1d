/*
 * Orders to the engine about one object. Comes in: ids and names. Goes out: done, or what the
 * engine said. What is so already (started, stopped, gone) is no error.
 */
#include "base/os.h"
#include "run/engine/call.h"

#include <string.h>

/* An order whose object may be gone: that is what was wanted. */
static int absent_is_fine(struct engine *g, const struct engine_ask *ask, struct err *e)
{
	struct engine_call *c = engine_begin(g, ask, e);
	if (!c)
		return -1;
	while (!engine_done(c))
		engine_turn(g, NULL, 1000);
	int rc = engine_answer(c)->status == 404 ? 0 : engine_finish(c, e);
	engine_call_free(c);
	return rc;
}

static int remove_by_path(
	struct engine *g, const char *prefix, const char *name, const char *query, struct err *e)
{
	cleanup_buf struct buf path = BUF_INIT;
	buf_adds(&path, prefix);
	url_escape(&path, name);
	buf_adds(&path, query);
	struct engine_ask ask = { .method = "DELETE", .path = path.data, .patient = true };
	return absent_is_fine(g, &ask, e);
}

int engine_tag(struct engine *g, const char *image, const char *name, struct err *e)
{
	const char *slash = strrchr(name, '/'), *colon = strrchr(slash ? slash : name, ':');
	return engine_order(g, "POST", e, "/images/%s/tag?repo=%.*s&tag=%s", image,
		(int)(colon ? colon - name : (ptrdiff_t)strlen(name)), name,
		colon ? colon + 1 : "latest");
}

int engine_start(struct engine *g, const char *id, struct err *e)
{
	return engine_order(g, "POST", e, "/containers/%s/start", id);
}

int engine_stop(struct engine *g, const char *id, int64_t grace_ms, struct err *e)
{
	cleanup_buf struct buf path = BUF_INIT;
	buf_addf(&path, "/containers/%s/stop?t=%lld", id, (long long)((grace_ms + 999) / 1000));
	struct engine_ask ask = { .method = "POST", .path = path.data, .patient = true };
	return absent_is_fine(g, &ask, e);
}

int engine_kill(struct engine *g, const char *id, const char *signal, struct err *e)
{
	return engine_order(g, "POST", e, "/containers/%s/kill?signal=%s", id, signal);
}

bool engine_removes(const char *said)
{
	return strstr(said, "removal of container") && strstr(said, "already in progress");
}

/* Who comes second, after the engine itself for one that goes when it ends, waits. */
int engine_remove(struct engine *g, const char *id, struct err *e)
{
	enum { GONE_MS = 10000, PAUSE_MS = 20 };
	int64_t until = now_ms() + GONE_MS;
	while (remove_by_path(g, "/containers/", id, "?force=1&v=1", e)) {
		if (!engine_removes(e->text) || now_ms() > until)
			return -1;
		*e = (struct err)ERR_INIT;
		engine_turn(g, NULL, PAUSE_MS);
	}
	return 0;
}

int engine_remove_volume(struct engine *g, const char *name, struct err *e)
{
	return remove_by_path(g, "/volumes/", name, "", e);
}

/* Its name goes in as it is: the engine takes slashes in this path. */
int engine_remove_image(struct engine *g, const char *name, struct err *e)
{
	cleanup_buf struct buf path = BUF_INIT;
	buf_addf(&path, "/images/%s", name);
	struct engine_ask ask = { .method = "DELETE", .path = path.data, .patient = true };
	return absent_is_fine(g, &ask, e);
}

/* The engine lets two creators at once make two networks of one name; then only ids tell them
 * apart. */
static int remove_twins(struct engine *g, const char *name, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct node *list = NULL;
	const struct node *item;
	int rc = engine_get(g, &a, &list, e, "/networks");
	node_each_item(list, i, item)
	{
		const char *id = node_text(node_get(item, "Id"));
		if (!rc && id && streq(node_text(node_get(item, "Name")), name))
			rc = remove_by_path(g, "/networks/", id, "", e);
	}
	arena_release(&a);
	return rc;
}

int engine_remove_network(struct engine *g, const char *name, struct err *e)
{
	if (!remove_by_path(g, "/networks/", name, "", e))
		return 0;
	if (!strstr(e->text, "is ambiguous"))
		return -1;
	*e = (struct err)ERR_INIT;
	return remove_twins(g, name, e);
}
