/*
 * An image looked into. Comes in: its name. Goes out: facts. Means: a container that is created,
 * read through the engine's archives and removed; nothing in it ever runs, so an image without a
 * shell, or without anything, is as good as any.
 */
#include "run/image_facts.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "doc/json.h"
#include "run/engine.h"

#define CARRIER "devenv-facts" /* label devenv.service of the container */

struct look { /* at one image */
	struct engine *engine;
	struct arena *a;
	const struct image_ask *ask;
	struct image_facts *out;
	const char *dir; /* the image's working directory; NULL: none of its own */
	char id[130];    /* of the container; "": none */
};

/* ---- the container ---- */

static const struct place no;

static void put(struct arena *a, struct node *map, const char *key, const char *text)
{
	map_put(a, map, key, no, node_str(a, text, no));
}

/* A one-off of the workspace: `status` does not take it for a service, `down` takes it away. */
static void body_of(struct look *l, struct buf *out)
{
	struct arena *a = l->a;
	struct node *n = node_map(a, no), *labels = node_map(a, no), *words = node_list(a, no);
	put(a, labels, "devenv.workspace", l->ask->workspace);
	put(a, labels, "devenv.service", CARRIER);
	put(a, labels, "com.docker.compose.oneoff", "True");
	list_add(a, words, node_str(a, "never", no));
	put(a, n, "Image", l->ask->reference);
	map_put(a, n, "Cmd", no, words);
	map_put(a, n, "Labels", no, labels);
	map_put(a, n, "NetworkDisabled", no, node_bool(a, true, no));
	json_write(out, n, 0);
}

static int create(struct look *l, struct err *e)
{
	cleanup_buf struct buf body = BUF_INIT;
	struct engine_call *c = NULL;
	body_of(l, &body);
	struct engine_ask ask = {
		.method = "POST",
		.path = "/containers/create",
		.body = body.data,
		.patient = true,
	};
	if (engine_request(l->engine, &ask, &c, e))
		return -1;
	const struct http_answer *ans = engine_answer(c);
	struct node *n =
		json_read(l->a, buf_str(&ans->body), ans->body.len, "the engine's answer", e);
	const char *id = node_text(node_get(n, "Id"));
	engine_call_free(c);
	if (!id || strlen(id) >= sizeof(l->id))
		return err_set(e, ERR_ENGINE,
			"the engine's answer is not understood: a container without Id");
	memcpy(l->id, id, strlen(id) + 1);
	return 0;
}

/* ---- what is in it ---- */

enum found { FOUND, ABSENT, FAILED };

static enum found read_path(struct look *l, const struct image_path *path, struct err *e)
{
	cleanup_buf struct buf url = BUF_INIT;
	struct image_tree *tree = image_tree_new(l->a, path, l->out);
	buf_addf(&url, "/containers/%s/archive?path=", l->id);
	url_escape(&url, path->path);
	struct engine_ask ask = {
		.path = url.data, .patient = true, .data = image_tree_feed, .ctx = tree
	};
	struct engine_call *c = engine_begin(l->engine, &ask, e);
	while (c && !engine_done(c))
		engine_turn(l->engine, NULL, 1000);
	bool absent = c && engine_answer(c)->status == 404;
	enum found f = absent ? ABSENT : !c || engine_finish(c, e) ? FAILED : FOUND;
	engine_call_free(c);
	struct strs before = l->out->unread;
	image_tree_end(tree);
	if (f != FOUND)
		l->out->unread = before;
	return f;
}

static bool interrupted(struct err *e)
{
	sigset_t waiting;
	sigpending(&waiting);
	if (!sigismember(&waiting, SIGINT) && !sigismember(&waiting, SIGTERM) &&
		!sigismember(&waiting, SIGHUP))
		return false;
	err_set(e, ERR_FAILED, "interrupted");
	return true;
}

/* The first that is there. */
static int read_first(struct look *l, const char *const *paths, const char **which, struct err *e)
{
	*which = NULL;
	for (; *paths; paths++) {
		enum found f = interrupted(e)
				       ? FAILED
				       : read_path(l, &(struct image_path){ *paths, 0, 0 }, e);
		if (f == FOUND)
			*which = *paths;
		if (f != ABSENT)
			return f == FOUND ? 0 : -1;
	}
	return 0;
}

static int read_packages(struct look *l, struct err *e)
{
	static const char *const databases[] = { "/var/lib/dpkg/status", "/lib/apk/db/installed",
		"/usr/lib/apk/db/installed", "/var/lib/dpkg/status.d", NULL };
	static const char *const rpm[] = { "/var/lib/rpm", "/usr/lib/sysimage/rpm", NULL };
	const char *which;
	if (read_first(l, databases, &which, e))
		return -1;
	if (which)
		return 0;
	struct image_facts *out = l->out, ignored = { 0 };
	l->out = &ignored;
	int rc = read_first(l, rpm, &which, e);
	l->out = out;
	if (!rc && which)
		strs_add(l->a, &out->unread,
			arena_printf(l->a,
				"the packages of %s are not known: rpm's database is not read",
				l->ask->reference));
	return rc;
}

/* Is it below a directory that is read whole anyway? */
static bool is_read(const struct look *l, const char *dir)
{
	static const char *const whole[] = { "/etc", "/srv", "/usr/local" };
	for (size_t i = 0; i < countof(whole); i++) {
		if (path_inside(whole[i], dir))
			return true;
	}
	return l->dir && path_inside(l->dir, dir);
}

static int read_dirs(struct look *l, struct err *e)
{
	LIST_OF(struct image_path) paths = { 0 };
	static const char *const usual[] = { "/srv", "/usr/local" };
	if (l->dir)
		*list_push(l->a, &paths) = (struct image_path){ .path = l->dir, .files = true };
	for (size_t i = 0; i < countof(usual); i++) {
		if (!l->dir || !path_inside(l->dir, usual[i]))
			*list_push(l->a, &paths) = (struct image_path){ .path = usual[i] };
	}
	for (size_t i = 0; i < l->ask->dirs.count; i++) {
		if (!is_read(l, l->ask->dirs.items[i]))
			*list_push(l->a, &paths) =
				(struct image_path){ .path = l->ask->dirs.items[i], .alone = true };
	}
	for (size_t i = 0; i < paths.count; i++) {
		if (interrupted(e) || read_path(l, &paths.items[i], e) == FAILED)
			return -1;
	}
	return 0;
}

static bool knows_release(const struct look *l)
{
	for (size_t i = 0; i < l->out->items.count; i++) {
		const struct image_fact *f = &l->out->items.items[i];
		if (streq(f->group, "os") && streq(f->name, "id"))
			return true;
	}
	return false;
}

static int read_all(struct look *l, struct err *e)
{
	static const char *const etc[] = { "/etc", NULL }, *const release[] = {
		"/usr/lib/os-release", NULL
	};
	const char *which;
	if (read_first(l, etc, &which, e))
		return -1;
	if (!knows_release(l) && read_first(l, release, &which, e))
		return -1;
	return read_packages(l, e) || read_dirs(l, e) ? -1 : 0;
}

/* Files of two trees that overlap are told once. */
static int by_all(const void *a, const void *b)
{
	const struct image_fact *x = a, *y = b;
	int order = strcmp(x->group, y->group);
	if (!order && x->name && y->name)
		order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->value, y->value);
}

static void tidy(struct image_facts *f)
{
	size_t kept = 0;
	if (f->items.count)
		qsort(f->items.items, f->items.count, sizeof(*f->items.items), by_all);
	for (size_t i = 0; i < f->items.count; i++) {
		if (!kept || by_all(&f->items.items[kept - 1], &f->items.items[i]))
			f->items.items[kept++] = f->items.items[i];
	}
	f->items.count = kept;
}

/* A kill would leave the container: it waits until that is gone. */
static int look_inside(struct look *l, struct err *e)
{
	sigset_t endings, before;
	struct err leaving = ERR_INIT;
	sigemptyset(&endings);
	sigaddset(&endings, SIGINT);
	sigaddset(&endings, SIGTERM);
	sigaddset(&endings, SIGHUP);
	sigprocmask(SIG_BLOCK, &endings, &before);
	int rc = create(l, e);
	rc = rc ? rc : read_all(l, e);
	if (l->id[0] && engine_remove(l->engine, l->id, &leaving) && !rc) {
		*e = leaving;
		rc = -1;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* The engine's word on it; *n NULL: it has none of that name. */
static int inspect(
	struct engine *g, struct arena *a, const char *reference, struct node **n, struct err *e)
{
	struct engine_call *c = engine_begin(g,
		&(struct engine_ask){ .path = arena_printf(a, "/images/%s/json", reference) }, e);
	*n = NULL;
	while (c && !engine_done(c))
		engine_turn(g, NULL, 1000);
	bool absent = c && engine_answer(c)->status == 404;
	int rc = absent ? 0 : c ? engine_finish(c, e) : -1;
	if (!rc && !absent) {
		const struct http_answer *ans = engine_answer(c);
		*n = json_read(a, buf_str(&ans->body), ans->body.len, "the engine's answer", e);
		rc = *n ? 0 : -1;
	}
	engine_call_free(c);
	return rc;
}

int image_facts_read(struct engine *g, struct arena *a, const char *cache,
	const struct image_ask *ask, struct image_facts *out, struct err *e)
{
	struct look l = { .engine = g, .a = a, .ask = ask, .out = out };
	struct node *n;
	*out = (struct image_facts){ 0 };
	if (inspect(g, a, ask->reference, &n, e))
		return err_wrap(e, "looking at image %s", ask->reference);
	const char *id = node_text(node_get(n, "Id"));
	if (!id || image_cache_load(a, cache, id, ask, out))
		return 0;
	const char *dir = node_text(node_path(n, "Config.WorkingDir"));
	l.dir = dir && *dir == '/' && dir[1] ? path_normal(a, dir) : NULL;
	facts_of_config(a, n, out);
	if (look_inside(&l, e))
		return err_wrap(e, "looking into image %s", ask->reference);
	tidy(out);
	out->id = id;
	image_cache_save(a, cache, ask, out);
	return 0;
}
