/*
 * Images looked into, several at once. Comes in: their names. Goes out: facts. Means: for each a
 * container that is created, read through the engine's archives and removed; nothing in it ever
 * runs, so an image without a shell, or without anything, is as good as any.
 */
#include "run/engine/image_facts.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "run/engine/carrier.h"
#include "run/engine/call.h"

#define CARRIER "devenv-facts" /* label devenv.service of the containers */

enum { AT_ONCE = 4 };

enum phase { LOOK_WAITS, LOOK_CREATES, LOOK_READS, LOOK_REMOVES, LOOK_OVER };

/* What is looked for at a path, where there are several that may have it. */
enum subject { SUBJECT_PLACE, SUBJECT_RELEASE, SUBJECT_PACKAGES, SUBJECT_RPM, SUBJECTS };

struct reading {
	struct image_path path;
	enum subject subject;
};

struct look { /* at one image */
	struct engine *engine;
	struct arena *a;
	const struct image_ask *ask;
	struct image_facts facts;
	enum phase phase;
	struct engine_call *call;
	struct image_tree *tree;
	LIST_OF(struct reading) readings;
	size_t next;          /* of them */
	bool found[SUBJECTS]; /* by one of them; no other is read for it */
	char id[CARRIER_ID];  /* of the container; "": none */
	struct err error;
};

/* ---- what is read ---- */

static void add_reading(struct look *l, const char *path, enum subject s, bool files, bool alone)
{
	*list_push(l->a, &l->readings) = (struct reading){ { path, files, alone }, s };
}

static bool is_read(const struct look *l, const char *path)
{
	for (size_t i = 0; i < l->readings.count; i++) {
		const struct reading *r = &l->readings.items[i];
		if (r->subject == SUBJECT_PLACE && path_inside(r->path.path, path))
			return true;
	}
	return false;
}

/* dir: the image's working directory, or NULL. */
static void list_readings(struct look *l, const char *dir)
{
	static const struct {
		const char *path;
		enum subject subject;
	} usual[] = {
		{ "/etc", SUBJECT_PLACE },
		{ "/usr/lib/os-release", SUBJECT_RELEASE },
		{ "/var/lib/dpkg/status", SUBJECT_PACKAGES },
		{ "/lib/apk/db/installed", SUBJECT_PACKAGES },
		{ "/usr/lib/apk/db/installed", SUBJECT_PACKAGES },
		{ "/var/lib/dpkg/status.d", SUBJECT_PACKAGES },
		{ "/var/lib/rpm", SUBJECT_RPM },
		{ "/usr/lib/sysimage/rpm", SUBJECT_RPM },
		{ "/srv", SUBJECT_PLACE },
		{ "/usr/local", SUBJECT_PLACE },
	};
	if (dir)
		add_reading(l, dir, SUBJECT_PLACE, true, false);
	for (size_t i = 0; i < l->ask->trees.count; i++) {
		if (!is_read(l, l->ask->trees.items[i]))
			add_reading(l, l->ask->trees.items[i], SUBJECT_PLACE, true, false);
	}
	for (size_t i = 0; i < countof(usual); i++) {
		if (usual[i].subject != SUBJECT_PLACE || !is_read(l, usual[i].path))
			add_reading(l, usual[i].path, usual[i].subject, false,
				usual[i].subject == SUBJECT_RPM);
	}
	for (size_t i = 0; i < l->ask->dirs.count; i++) {
		if (!is_read(l, l->ask->dirs.items[i]))
			add_reading(l, l->ask->dirs.items[i], SUBJECT_PLACE, false, true);
	}
}

static bool knows_release(const struct image_facts *f)
{
	for (size_t i = 0; i < f->items.count; i++) {
		if (streq(f->items.items[i].group, "os") && streq(f->items.items[i].name, "id"))
			return true;
	}
	return false;
}

/* Nobody needs a second answer to the same question. */
static bool is_answered(const struct look *l, const struct reading *r)
{
	if (r->subject == SUBJECT_RELEASE)
		return knows_release(&l->facts);
	return r->subject != SUBJECT_PLACE && (l->found[SUBJECT_PACKAGES] || l->found[SUBJECT_RPM]);
}

/* ---- one request after the other ---- */

static void leave(struct look *l);

static void begin(struct look *l, enum phase phase, const struct engine_ask *ask)
{
	l->phase = phase;
	l->call = engine_begin(l->engine, ask, &l->error);
	if (!l->call)
		l->phase = LOOK_OVER;
}

static void begin_create(struct look *l)
{
	struct carrier_wish w = {
		.image = l->ask->reference, .workspace = l->ask->workspace, .service = CARRIER
	};
	struct engine_ask ask = carrier_ask(l->a, &w);
	begin(l, LOOK_CREATES, &ask);
}

static void read_next(struct look *l)
{
	cleanup_buf struct buf url = BUF_INIT;
	while (l->next < l->readings.count && is_answered(l, &l->readings.items[l->next]))
		l->next++;
	if (l->next == l->readings.count) {
		leave(l);
		return;
	}
	const struct image_path *path = &l->readings.items[l->next].path;
	l->tree = image_tree_new(l->a, path, &l->facts);
	buf_addf(&url, "/containers/%s/archive?path=", l->id);
	url_escape(&url, path->path);
	begin(l, LOOK_READS,
		&(struct engine_ask){ .path = buf_str(&url),
			.patient = true,
			.data = image_tree_feed,
			.ctx = l->tree });
}

static void leave(struct look *l)
{
	if (!l->id[0]) {
		l->phase = LOOK_OVER;
		return;
	}
	begin(l, LOOK_REMOVES,
		&(struct engine_ask){ .method = "DELETE",
			.path = arena_printf(l->a, "/containers/%s?force=1&v=1", l->id),
			.patient = true });
}

/* What is absent is no fact. */
static void has_read(struct look *l, bool there)
{
	struct strs before = l->facts.unread;
	const struct reading *r = &l->readings.items[l->next++];
	image_tree_end(l->tree, there);
	l->tree = NULL;
	if (!there)
		return;
	l->found[r->subject] = true;
	if (r->subject == SUBJECT_RPM) {
		l->facts.unread = before;
		strs_add(l->a, &l->facts.unread,
			"its packages are not known: rpm's database is not read");
	}
}

static void go_on(struct look *l)
{
	enum phase was = l->phase;
	bool absent = was == LOOK_READS && engine_answer(l->call)->status == 404;
	if (!absent && engine_finish(l->call, &l->error) == 0 && was == LOOK_CREATES)
		carrier_read(engine_answer(l->call), l->id, &l->error);
	if (was == LOOK_READS)
		has_read(l, !absent && !l->error.code);
	engine_call_free(l->call);
	l->call = NULL;
	if (was == LOOK_REMOVES)
		l->phase = LOOK_OVER;
	else if (l->error.code)
		leave(l);
	else
		read_next(l);
}

/* ---- several at once ---- */

/* A kill would leave the containers: it waits until they are gone, which is soon. */
static bool is_interrupted(void)
{
	sigset_t waiting;
	sigpending(&waiting);
	return sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1 ||
	       sigismember(&waiting, SIGHUP) == 1;
}

static void serve(struct look *looks, size_t count)
{
	for (size_t busy = 1; busy;) {
		bool ends = is_interrupted();
		busy = 0;
		for (size_t i = 0; i < count; i++) {
			struct look *l = &looks[i];
			if (ends && !l->error.code)
				err_set(&l->error, ERR_FAILED, "interrupted");
			if (l->phase == LOOK_WAITS && ends)
				l->phase = LOOK_OVER;
			else if (l->phase == LOOK_WAITS && busy < AT_ONCE)
				begin_create(l);
			else if (l->call && engine_done(l->call))
				go_on(l);
			busy += l->phase != LOOK_OVER;
		}
		if (busy)
			engine_turn(looks[0].engine, NULL, 200);
	}
}

static void serve_unkilled(struct look *looks, size_t count)
{
	sigset_t endings, before;
	sigemptyset(&endings);
	sigaddset(&endings, SIGINT);
	sigaddset(&endings, SIGTERM);
	sigaddset(&endings, SIGHUP);
	sigprocmask(SIG_BLOCK, &endings, &before);
	serve(looks, count);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* ---- which of them are to be looked into ---- */

static int by_all(const void *a, const void *b)
{
	const struct image_fact *x = a, *y = b;
	int order = strcmp(x->group, y->group);
	if (!order && x->name && y->name)
		order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->value, y->value);
}

/* In a fixed order; what trees that overlap both said, once. */
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

/* 1: it has to be looked into; 0: all is known that is wanted. */
static int prepare_look(struct look *l, const char *cache, struct err *e)
{
	struct node *n;
	if (engine_find(l->engine, l->a, &n, e, "/images/%s/json", l->ask->reference))
		return err_wrap(e, "looking at image %s", l->ask->reference);
	const char *id = node_text(node_get(n, "Id"));
	const char *dir = node_text(node_path(n, "Config.WorkingDir"));
	*l->ask->out = (struct image_facts){ .id = id };
	if (!id || l->ask->id_alone || image_cache_load(l->a, cache, id, l->ask, l->ask->out))
		return 0;
	l->facts.id = id;
	facts_of_config(l->a, n, &l->facts);
	list_readings(l, dir && *dir == '/' && dir[1] ? path_normal(l->a, dir) : NULL);
	return 1;
}

static int take(struct look *l, const char *cache, struct err *e)
{
	if (l->error.code) {
		*e = l->error;
		return err_wrap(e, "looking into image %s", l->ask->reference);
	}
	tidy(&l->facts);
	*l->ask->out = l->facts;
	image_cache_save(l->a, cache, l->ask, &l->facts);
	return 0;
}

int image_facts_read(struct engine *g, struct arena *a, const char *cache,
	const struct image_ask *asks, size_t count, struct err *e)
{
	struct look *looks = arena_array(a, struct look, count + 1);
	size_t wanted = 0;
	for (size_t i = 0; i < count; i++) {
		looks[wanted] = (struct look){ .engine = g, .a = a, .ask = &asks[i] };
		int rc = prepare_look(&looks[wanted], cache, e);
		if (rc < 0)
			return -1;
		wanted += (size_t)rc;
	}
	serve_unkilled(looks, wanted);
	int rc = 0;
	for (size_t i = 0; i < wanted; i++)
		rc = take(&looks[i], cache, rc ? &(struct err)ERR_INIT : e) ? -1 : rc;
	return rc;
}
