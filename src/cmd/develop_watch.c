/*
 * What the develop loop is told by the watcher: saves of modules' sources, and changes of what the
 * configuration, images and dependencies are made of. The latter count when their content changed.
 */
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/hash.h"
#include "cmd/develop_parts.h"

enum { INPUT_MAX_BYTES = 64 << 20 };

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- inputs: files by their content ---- */

static void content_of(const char *path, char hex[static HASH_HEX + 1])
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	hex[0] = '\0';
	if (!file_read(path, INPUT_MAX_BYTES, &text, &ignored))
		hash_hex(buf_str(&text), text.len, hex);
}

static void remember(struct develop_loop *d, const char *path, const char *hex)
{
	char *slot = map_get(&d->hashes, path);
	if (!slot) {
		slot = arena_alloc(&d->arena, HASH_HEX + 1);
		map_set(&d->hashes, arena_strdup(&d->arena, path), slot);
	}
	memcpy(slot, hex, HASH_HEX + 1);
}

/* Is its content another than the one that was applied last? Remembers it. */
static bool input_differs(struct develop_loop *d, const char *path)
{
	char hex[HASH_HEX + 1];
	const char *old = map_get(&d->hashes, path);
	content_of(path, hex);
	if (old && streq(old, hex))
		return false;
	remember(d, path, hex);
	return true;
}

/* The next save of any of them is tried, whatever it holds. */
void inputs_unknown(struct develop_loop *d)
{
	for (size_t i = 0; i < d->hashes.count; i++)
		memcpy(d->hashes.entries[i].value, "?", 2);
}

static void apply(struct develop_loop *d, const char *service, const struct strs *paths)
{
	d->applying = true;
	for (size_t i = 0; i < d->count; i++)
		turn_hold(&d->groups[i].turn, true, now_ns());
	d->ops->changed(d->ctx, service, paths);
}

/* ---- a batch ---- */

struct batch { /* one, sorted into what it means */
	struct strs inputs;
	size_t sources;
	const char *first; /* of the sources */
	uint64_t files;
	struct arena arena;
};

static void sort_path(
	struct develop_loop *d, const struct service *s, const char *path, struct batch *b)
{
	const struct project *p = &d->c->project;
	const char *file = path_join(&b->arena, p->dir, path);
	if (plan_change(p, &d->c->config.files, s, path) != CHANGE_SOURCE) {
		if (input_differs(d, file))
			strs_add(&b->arena, &b->inputs, path);
		return;
	}
	b->first = b->first ? b->first : path;
	b->files += hash_bytes(path, strlen(path));
	b->sources++;
}

static void check_all_inputs(struct develop_loop *d, struct batch *b)
{
	for (size_t i = 0; i < d->hashes.count; i++) {
		const char *path = d->hashes.entries[i].key;
		if (input_differs(d, path))
			strs_add(&b->arena, &b->inputs, path);
	}
}

static struct batch sort_batch(
	struct develop_loop *d, const struct service *s, const struct watch_batch *w)
{
	struct batch b = { .first = NULL };
	for (size_t i = 0; i < w->paths.count; i++)
		sort_path(d, s, w->paths.items[i], &b);
	if (w->everything || w->more)
		check_all_inputs(d, &b);
	return b;
}

/* Of the module's last run, the stage at that moment; -1: none. */
static int stage_at(const struct module *m, int64_t ns)
{
	int64_t ms = ns / 1000000;
	int found = -1;
	for (int k = 0; k < STAGES; k++) {
		const struct stage_result *r = &m->state.stages[k];
		bool open = r->state == STAGE_RUNNING || ms <= m->began[k] + r->duration_ms;
		if (m->began[k] && ms >= m->began[k] && open)
			found = k;
	}
	return found;
}

static void note_cause(struct module *m, const struct batch *b, const struct watch_batch *w)
{
	size_t more = b->sources + w->more;
	const char *first = b->first ? b->first : "everything";
	if (m->next_cause.len) {
		m->next_more += (unsigned)more;
		return;
	}
	buf_adds(&m->next_cause, first);
	m->next_stage = stage_at(m, w->first_ns);
	m->next_more = more ? (unsigned)more - 1 : 0;
}

/* Will a run that is due, or did one that has begun, see it anyway? */
static bool covered(struct module *m, const struct turn_change *c)
{
	if (!turn_covers(&m->group->turn, c))
		return false;
	if (m->group->due)
		m->dirty = true;
	return m->group->due || m->taking_part;
}

/* One that shares its work is enough. */
static bool storms(const struct group *g)
{
	each_module(g->loop, m)
	{
		if (m->group == g && m->storm)
			return true;
	}
	return false;
}

static void calm(struct module *m)
{
	if (!storms(m->group))
		develop_act(m->group, turn_calm(&m->group->turn, now_ns()));
}

static struct turn_change change_of(
	const struct module *m, const struct batch *b, const struct watch_batch *w)
{
	return (struct turn_change){ .first_ns = w->first_ns,
		.last_ns = w->last_ns,
		.files = b->files,
		.count = w->everything ? STORM_FILES : (unsigned)(b->sources + w->more),
		.storm = storms(m->group) };
}

/* Said once, and until it runs. */
static void say_it_waits(struct module *m)
{
	if (!m->group->turn.storm || m->group->turn.phase != TURN_IDLE || m->why.len)
		return;
	module_why(m, "%s", "runs as soon as its files stop changing");
	module_tell(m);
}

static void save(struct module *m, const struct batch *b, const struct watch_batch *w)
{
	struct turn_change c = change_of(m, b, w);
	bool suspended = m->state.suspended;
	if (covered(m, &c)) {
		if (m->group->due)
			note_cause(m, b, w);
		calm(m);
		return;
	}
	note_cause(m, b, w);
	m->dirty = true;
	develop_act(m->group, turn_changed(&m->group->turn, &c, now_ns()));
	m->state.suspended = m->group->turn.suspended;
	if (suspended && !m->state.suspended)
		module_why(m, "%s", "");
	say_it_waits(m);
}

static void on_sources(void *ctx, const struct watch_batch *w)
{
	struct module *m = ctx;
	struct develop_loop *d = m->loop;
	bool any = w->paths.count || w->more || w->everything;
	m->storm = w->storm;
	if (any && !d->on.watch)
		m->dirty = m->unseen = true;
	if (!any || !d->on.watch) {
		calm(m);
		return;
	}
	branch_look(d);
	struct batch b = sort_batch(d, m->service, w);
	if (b.inputs.count)
		apply(d, m->service->name, &b.inputs);
	if (b.sources || w->everything || w->more)
		save(m, &b, w);
	else
		calm(m);
	arena_release(&b.arena);
}

static void on_inputs(void *ctx, const struct watch_batch *w)
{
	struct develop_loop *d = ctx;
	if (!d->on.watch)
		return;
	struct batch b = sort_batch(d, NULL, w);
	if (!w->everything && !w->more) /* lock files, which belong to a module */
		for (size_t i = 0; i < w->paths.count; i++) {
			const char *file =
				path_join(&b.arena, d->c->project.dir, w->paths.items[i]);
			if (map_has(&d->hashes, file) && input_differs(d, file))
				strs_add(&b.arena, &b.inputs, w->paths.items[i]);
		}
	if (b.inputs.count)
		apply(d, NULL, &b.inputs);
	arena_release(&b.arena);
}

static void on_note(void *ctx, const char *text)
{
	develop_note(ctx, "%s", text);
}

/* ---- what is watched ---- */

struct rules {
	struct watch_rule_set *items;
	size_t count, cap;
};

static int watch_module(struct develop_loop *d, struct module *m, struct err *e)
{
	const struct develop *dev = m->service->develop;
	struct rules rules = { 0 };
	int64_t quiet = WATCH_QUIET_MS;
	for (size_t i = 0; i < dev->watch.count; i++) {
		const struct watch_rule *r = &dev->watch.items[i];
		*list_push(&d->arena, &rules) = (struct watch_rule_set){
			.path = r->path, .include = r->include, .ignore = r->ignore, .git = true
		};
		quiet = i && quiet > r->debounce_ms ? quiet : r->debounce_ms;
	}
	struct watch_request req = { .name = m->service->name,
		.rules = rules.items,
		.count = rules.count,
		.quiet_ms = quiet,
		.fn = on_sources,
		.ctx = m };
	m->watch = watch_add(d->watcher, &req, e);
	return m->watch ? 0 : -1;
}

/* Files by their own path; directories of contexts with all that git does not ignore. */
static void add_input(struct develop_loop *d, struct rules *rules, const char *path)
{
	struct stat st;
	char hex[HASH_HEX + 1];
	if (stat(path, &st))
		return;
	if (S_ISREG(st.st_mode)) {
		content_of(path, hex);
		remember(d, path, hex);
	}
	*list_push(&d->arena, rules) =
		(struct watch_rule_set){ .path = path, .git = S_ISDIR(st.st_mode) };
}

static bool is_source(const struct project *p, const char *path)
{
	for (size_t i = 0; i < p->services.count; i++)
		if (p->services.items[i].develop &&
			streq(p->services.items[i].develop->source, path))
			return true;
	return false;
}

/* Overlays that may come: only the folder itself, none below it. */
static void add_folder(struct develop_loop *d, struct rules *rules, const char *dir,
	const char *pattern, const char *second)
{
	struct watch_rule_set *r;
	if (!dir_exists(dir))
		return;
	r = list_push(&d->arena, rules);
	r->path = dir;
	strs_add(&d->arena, &r->include, pattern);
	strs_add(&d->arena, &r->include, second);
	strs_add(&d->arena, &r->ignore, "*/");
}

static int watch_inputs(struct develop_loop *d, struct err *e)
{
	const struct project *p = &d->c->project;
	const struct strs *files = &d->c->config.files;
	struct rules rules = { 0 };
	struct strs inputs = { 0 };
	add_folder(d, &rules, p->dir, "/devenv.yml", "/devenv.*.yml");
	add_folder(d, &rules, path_join(&d->arena, p->dir, "devenv.d"), "/*.yml", "/*.yml");
	for (size_t i = 0; i < files->count; i++)
		add_input(d, &rules, files->items[i]);
	plan_inputs(&d->arena, p, &inputs);
	for (size_t i = 0; i < inputs.count; i++)
		if (!is_source(p, inputs.items[i]))
			add_input(d, &rules, inputs.items[i]);
	struct watch_request req = { .name = "the configuration",
		.rules = rules.items,
		.count = rules.count,
		.quiet_ms = WATCH_QUIET_MS,
		.fn = on_inputs,
		.ctx = d };
	d->inputs = watch_add(d->watcher, &req, e);
	return d->inputs ? 0 : -1;
}

int watch_all(struct develop_loop *d, struct err *e)
{
	d->watcher = watcher_new(d->c->loop, d->c->project.dir, on_note, d, e);
	if (!d->watcher || watch_inputs(d, e))
		return -1;
	each_module(d, m)
	{
		struct err why = ERR_INIT;
		if (!watch_module(d, m, &why))
			continue;
		module_why(m, "%s", why.text);
		develop_note(d, "%s is not watched: %s", m->service->name, why.text);
	}
	return 0;
}

void watch_none(struct develop_loop *d)
{
	watcher_free(d->watcher);
	map_release(&d->hashes);
}
