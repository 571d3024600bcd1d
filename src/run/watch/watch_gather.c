/*
 * Changes of paths become a batch. Comes in: what happened to a path, and when. Goes out: which
 * paths are not what they were. Looks at the disk only to see whether a new file is still empty.
 */
#include "run/watch/watch_gather.h"

#include <string.h>
#include <sys/stat.h>

#include "base/os.h"

struct gathered {
	bool counts; /* something happened that is to be given out */
	bool fresh;  /* was not there when the batch began: gone again, it is no change */
	bool unsure; /* came by a rename: may have replaced another of the name */
	bool weak;   /* named only where there is nothing better to name */
	bool gone;
	bool created;     /* neither written to nor closed yet */
	bool open;        /* written to, not closed yet */
	bool streaming;   /* was given out while open: the next writes wait for nobody */
	int64_t since_ns; /* open: of the first write */
};

static bool came_and_went(const struct gathered *p)
{
	return p->gone && p->fresh;
}

static struct gathered *entry(struct gather *g, const char *path)
{
	struct gathered *p = map_get(&g->paths, path);
	if (p || g->paths.count >= GATHER_PATHS)
		return p;
	p = arena_new(&g->arena, struct gathered);
	map_set(&g->paths, arena_strdup(&g->arena, path), p);
	return p;
}

static void touch(struct gather *g, int64_t now)
{
	if (!g->first_ns)
		g->first_ns = now;
	g->last_ns = now;
}

static void appears(struct gathered *p, bool fresh, const struct watch_change *c)
{
	bool first = !p->counts && !p->gone;
	p->fresh = p->fresh || (first && fresh);
	p->unsure = p->unsure || (first && !fresh);
	p->weak = c->directory;
	p->created = fresh && !c->directory;
	p->gone = p->open = p->streaming = false; /* what was written to was another file */
}

static void leaves(struct gathered *p, const struct watch_change *c)
{
	p->weak = (c->directory && !c->whole) || (p->counts && p->unsure);
	p->gone = true;
	p->open = p->created = false;
}

static void written(struct gather *g, struct gathered *p, int64_t now)
{
	if (!p->open)
		p->since_ns = now;
	p->open = true;
	p->created = p->weak = false;
	if (!g->open_ns)
		g->open_ns = now;
}

/* A close alone is no change: `touch` does just that. */
static void closed(struct gather *g, const char *path, int64_t now)
{
	struct gathered *p = map_get(&g->paths, path);
	if (!p)
		return;
	p->open = p->created = p->streaming = false;
	if (p->counts)
		touch(g, now);
}

void gather_change(struct gather *g, const char *path, const struct watch_change *c)
{
	struct gathered *p = c->what == WATCH_CLOSED ? NULL : entry(g, path);
	if (c->what == WATCH_CLOSED) {
		closed(g, path, c->at_ns);
		return;
	}
	if (!p) {
		g->spilled++;
		touch(g, c->at_ns);
		return;
	}
	if (c->what == WATCH_CREATED || c->what == WATCH_ARRIVED)
		appears(p, c->what == WATCH_CREATED, c);
	else if (c->what == WATCH_LEFT)
		leaves(p, c);
	else
		written(g, p, c->at_ns);
	p->counts = true;
	if (!p->open || !p->streaming)
		touch(g, c->at_ns);
}

void gather_everything(struct gather *g, int64_t now_ns)
{
	g->everything = true;
	touch(g, now_ns);
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t gather_due(const struct gather *g)
{
	int64_t due = INT64_MAX;
	if (g->first_ns)
		due = earliest(g->last_ns + g->quiet_ns, g->first_ns + g->limit_ns);
	else if (g->storm)
		due = g->last_ns + g->quiet_ns;
	if (g->open_ns)
		due = earliest(due, g->open_ns + g->limit_ns);
	return due;
}

/* Somebody made it and has not written to it yet. What is linked or renamed into place is whole. */
static bool still_empty(const struct gather *g, const char *path)
{
	struct arena a = ARENA_INIT;
	struct stat st;
	bool out = !lstat(path_join(&a, g->project, path), &st) && S_ISREG(st.st_mode) &&
		   !st.st_size && st.st_nlink == 1;
	arena_release(&a);
	return out;
}

static bool ready(struct gather *g, const char *path, struct gathered *p, int64_t now)
{
	if (p->created && still_empty(g, path)) {
		p->open = true;
		p->since_ns = g->first_ns ? g->first_ns : now;
	}
	p->created = false;
	return !p->open || now - p->since_ns >= g->limit_ns;
}

/* What waits for its close, or is known to be written to again and again, stays for the next. */
static void keep(struct gather *next, const char *path, const struct gathered *p)
{
	struct gathered *q = entry(next, path);
	*q = *p;
	if (q->counts && q->open)
		next->open_ns = next->open_ns ? earliest(next->open_ns, q->since_ns) : q->since_ns;
}

static void name_paths(struct arena *a, struct strs *strong, struct strs *weak,
	const struct gather *g, struct watch_batch *out)
{
	struct strs *best = strong->count || g->everything || g->spilled ? strong : weak;
	strs_sort(best);
	for (size_t i = 0; i < best->count && i < WATCH_NAMES; i++)
		strs_add(a, &out->paths, arena_strdup(a, best->items[i]));
	out->more = best->count - out->paths.count + g->spilled;
}

static void sort_out(struct gather *g, int64_t now, struct arena *a, struct gather *next,
	struct strs *strong, struct strs *weak)
{
	for (size_t i = 0; i < g->paths.count; i++) {
		const char *path = g->paths.entries[i].key;
		struct gathered *p = g->paths.entries[i].value;
		if (!p->counts && p->streaming)
			keep(next, path, p);
		if (!p->counts || came_and_went(p))
			continue;
		if (!ready(g, path, p, now)) {
			keep(next, path, p);
			continue;
		}
		strs_add(a, p->weak ? weak : strong, path);
		if (p->open)
			keep(next, path, &(struct gathered){ .streaming = true });
	}
}

bool gather_take(struct gather *g, int64_t now_ns, struct arena *a, struct watch_batch *out)
{
	struct gather next = {
		.project = g->project, .quiet_ns = g->quiet_ns, .limit_ns = g->limit_ns
	};
	struct strs strong = { 0 }, weak = { 0 };
	sort_out(g, now_ns, a, &next, &strong, &weak);
	*out = (struct watch_batch){ .everything = g->everything };
	out->first_ns = g->first_ns ? g->first_ns : g->open_ns;
	out->last_ns = g->first_ns ? g->last_ns : now_ns;
	bool any = strong.count || weak.count || g->everything || g->spilled;
	bool pauses = now_ns >= g->last_ns + g->quiet_ns;
	next.storm = out->storm = !pauses && (any || g->storm);
	next.last_ns = next.storm ? g->last_ns : 0;
	any |= g->storm && pauses;
	name_paths(a, &strong, &weak, g, out);
	gather_release(g);
	*g = next;
	return any;
}

void gather_release(struct gather *g)
{
	map_release(&g->paths);
	arena_release(&g->arena);
}
