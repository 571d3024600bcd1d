/*
 * The tools container of `devenv debug`. Comes in: what it is to be, and its scripts. Goes out: a
 * container that runs as long as this process holds a connection to it. Knows nothing of why it is
 * as it is.
 */
#include "run/tools.h"

#include <string.h>

#include "doc/json.h"
#include "run/files/archive.h"
#include "run/engine/hijack.h"

enum { TOOLS_MAX_BYTES = 16 << 20, PIDS = 512 };

struct tools {
	struct engine *engine;
	struct hijack lifeline; /* input of the first process: its end is the container's */
	char id[130];
};

/* ---- its body, as the engine wants it ---- */

static const struct place nowhere;

static void put_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	map_put(a, map, key, nowhere, node_str(a, text, nowhere));
}

static void put_bool(struct arena *a, struct node *map, const char *key, bool value)
{
	map_put(a, map, key, nowhere, node_bool(a, value, nowhere));
}

static void put_list(struct arena *a, struct node *map, const char *key, const struct strs *items)
{
	struct node *list = node_list(a, nowhere);
	for (size_t i = 0; i < items->count; i++)
		list_add(a, list, node_str(a, items->items[i], nowhere));
	map_put(a, map, key, nowhere, list);
}

static struct node *labels_node(struct arena *a, const struct strs *labels)
{
	struct node *map = node_map(a, nowhere);
	for (size_t i = 0; i < labels->count; i++) {
		const char *text = labels->items[i];
		size_t len = strcspn(text, "=");
		put_text(a, map, arena_strndup(a, text, len), text + len + (text[len] == '='));
	}
	return map;
}

static struct node *mounts_node(struct arena *a, const struct tools_mounts *mounts)
{
	struct node *list = node_list(a, nowhere);
	for (size_t i = 0; i < mounts->count; i++) {
		const struct tools_mount *m = &mounts->items[i];
		struct node *n = node_map(a, nowhere);
		put_text(a, n, "Type", m->type);
		put_text(a, n, "Source", m->source);
		put_text(a, n, "Target", m->target);
		put_bool(a, n, "ReadOnly", m->read_only);
		list_add(a, list, n);
	}
	return list;
}

static struct node *host_node(struct arena *a, const struct tools_spec *s)
{
	struct node *n = node_map(a, nowhere), *log = node_map(a, nowhere);
	const char *confined = "no-new-privileges:true";
	const struct strs options = { &confined, 1, 1 };
	put_bool(a, n, "AutoRemove", true);
	put_text(a, n, "NetworkMode", s->network);
	if (s->pid)
		put_text(a, n, "PidMode", s->pid);
	else
		put_bool(a, n, "Init", true);
	put_list(a, n, "CapAdd", &s->cap_add);
	put_list(a, n, "CapDrop", &s->cap_drop);
	put_list(a, n, "SecurityOpt", &options);
	put_list(a, n, "ExtraHosts", &s->hosts);
	map_put(a, n, "Mounts", nowhere, mounts_node(a, &s->mounts));
	map_put(a, n, "PidsLimit", nowhere, node_int(a, PIDS, nowhere));
	put_text(a, log, "Type", "none");
	map_put(a, n, "LogConfig", nowhere, log);
	return n;
}

static void body_of(struct arena *a, const struct tools_spec *s, struct buf *out)
{
	static const char *const words[] = { "/bin/sh", "-c", "exec cat >/dev/null" };
	struct strs first = { 0 };
	struct node *n = node_map(a, nowhere);
	for (size_t i = 0; i < countof(words); i++)
		strs_add(a, &first, words[i]);
	put_text(a, n, "Image", s->image);
	put_list(a, n, "Entrypoint", &first);
	put_list(a, n, "Cmd", &(struct strs){ 0 });
	put_list(a, n, "Env", &s->env);
	if (s->user)
		put_text(a, n, "User", s->user);
	put_bool(a, n, "AttachStdin", true);
	put_bool(a, n, "AttachStdout", true); /* never written: its end is what counts */
	put_bool(a, n, "OpenStdin", true);
	put_bool(a, n, "StdinOnce", true);
	map_put(a, n, "Labels", nowhere, labels_node(a, &s->labels));
	map_put(a, n, "HostConfig", nowhere, host_node(a, s));
	json_write(out, n, 0);
}

/* ---- its life ---- */

static int create(struct tools *t, struct arena *a, const struct tools_spec *s, struct err *e)
{
	cleanup_buf struct buf body = BUF_INIT;
	struct engine_call *c = NULL;
	body_of(a, s, &body);
	struct engine_ask ask = {
		.method = "POST",
		.path = arena_printf(a, "/containers/create?name=%s", s->name),
		.body = body.data,
		.patient = true,
	};
	if (engine_request(t->engine, &ask, &c, e)) {
		if (strstr(e->text, "o such image"))
			err_hint(e, "`docker pull %s` brings it", s->image);
		return -1;
	}
	const struct http_answer *ans = engine_answer(c);
	struct node *n = json_read(a, buf_str(&ans->body), ans->body.len, "the engine's answer", e);
	const char *id = node_text(node_get(n, "Id"));
	engine_call_free(c);
	if (!id || strlen(id) >= sizeof(t->id))
		return err_set(e, ERR_ENGINE,
			"the engine's answer is not understood: a container without Id");
	memcpy(t->id, id, strlen(id) + 1);
	return 0;
}

static int send_files(
	struct tools *t, struct arena *a, const struct tools_files *files, struct err *e)
{
	cleanup_buf struct buf tar = BUF_INIT;
	struct engine_call *c = NULL;
	if (context_pack(a, &files->files, &tar, e))
		return -1;
	if (tar.len > TOOLS_MAX_BYTES) {
		err_set(e, ERR_FAILED, "the project's scripts take %zu MiB, at most %d are copied",
			tar.len >> 20, TOOLS_MAX_BYTES >> 20);
		err_hint(e, "name the folder that holds nothing but scripts, as in debug: { tools: "
			    "scripts/debug }");
		return -1;
	}
	struct engine_ask ask = {
		.method = "PUT",
		.path = arena_printf(a, "/containers/%s/archive?path=/", t->id),
		.body = tar.data,
		.body_len = tar.len,
		.patient = true,
	};
	int rc = engine_request(t->engine, &ask, &c, e);
	engine_call_free(c);
	return rc;
}

static int connect_networks(
	struct tools *t, struct arena *a, const struct strs *networks, struct err *e)
{
	for (size_t i = 0; i < networks->count; i++) {
		cleanup_buf struct buf path = BUF_INIT;
		struct engine_call *c = NULL;
		buf_adds(&path, "/networks/");
		url_escape(&path, networks->items[i]);
		buf_adds(&path, "/connect");
		struct engine_ask ask = {
			.method = "POST",
			.path = path.data,
			.body = arena_printf(a, "{\"Container\":\"%s\"}", t->id),
			.patient = true,
		};
		int rc = engine_request(t->engine, &ask, &c, e);
		engine_call_free(c);
		if (rc)
			return -1;
	}
	return 0;
}

/* Held before it starts: whenever this process dies from now on, so does the container. */
static int start(struct tools *t, struct arena *a, struct err *e)
{
	if (hijack_open(t->engine,
		    arena_printf(a, "/containers/%s/attach?stream=1&stdin=1&stdout=1", t->id), NULL,
		    &t->lifeline, e))
		return -1;
	return engine_start(t->engine, t->id, e);
}

struct tools *tools_open(struct engine *g, const struct tools_spec *spec,
	const struct tools_files *files, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct tools *t = xcalloc(1, sizeof(*t));
	t->engine = g;
	t->lifeline.fd = -1;
	int rc = create(t, &a, spec, e);
	rc = rc ? rc : send_files(t, &a, files, e);
	rc = rc ? rc : connect_networks(t, &a, &spec->networks, e);
	rc = rc ? rc : start(t, &a, e);
	if (rc) {
		struct err ignored = ERR_INIT;
		tools_close(t, &ignored);
		t = NULL;
		err_wrap(e, "the tools container");
	}
	arena_release(&a);
	return t;
}

const char *tools_id(const struct tools *t)
{
	return t->id;
}

int tools_lifeline(const struct tools *t)
{
	return t->lifeline.fd;
}

int tools_close(struct tools *t, struct err *e)
{
	if (!t)
		return 0;
	int rc = t->id[0] ? engine_remove(t->engine, t->id, e) : 0;
	hijack_close(&t->lifeline);
	buf_release(&t->lifeline.early);
	xfree(t);
	return rc;
}
