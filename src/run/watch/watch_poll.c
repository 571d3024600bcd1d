/*
 * Directories looked through in turns, where the kernel tells nothing. Comes in: directories, time.
 * Goes out: the same events as the kernel's, as far as two looks can tell. A turn is short, so that
 * a large tree takes longer instead of more of the machine.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/arena.h"
#include "base/text.h"
#include "run/watch/watch_backend.h"

enum { TURN_MS = 20, TURN_WORK_NS = 1000000 };

struct seen {
	const char *name;
	bool directory;
	ino_t inode;
	off_t size;
	struct timespec modified;
};

struct sight {              /* what a directory looked like */
	struct seen *items; /* sorted by name */
	size_t count, cap;
	ino_t inode;
	dev_t device;
	struct arena arena;
};

struct polled {
	struct polled *next, **at;
	struct watch_spot *spot;
	char *path;
	bool follow, gone;
	struct sight sight;
};

struct poller {
	struct watch_backend base;
	uv_timer_t timer;
	struct polled *all, *cursor; /* cursor: the next to be looked at in this cycle */
	int64_t every_ns, began_ns;
	bool in_cycle;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->name, ((const struct seen *)b)->name);
}

static void see_one(struct sight *s, int dir, const struct dirent *d)
{
	struct stat st;
	struct seen one = { .inode = d->d_ino, .directory = d->d_type == DT_DIR };
	if (!one.directory) {
		if (fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW))
			return;
		one.directory = S_ISDIR(st.st_mode);
		one.inode = st.st_ino;
		one.size = one.directory ? 0 : st.st_size;
		one.modified = one.directory ? (struct timespec){ 0 } : st.st_mtim;
	}
	one.name = arena_strdup(&s->arena, d->d_name);
	*list_push(&s->arena, s) = one;
}

/* 0, or an errno. */
static int look(const char *path, bool follow, struct sight *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	*out = (struct sight){ 0 };
	if (!d || fstat(fd, &st))
		return errno;
	out->inode = st.st_ino;
	out->device = st.st_dev;
	for (struct dirent *e; (e = readdir(d));)
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			see_one(out, fd, e);
	closedir(d);
	if (out->count)
		qsort(out->items, out->count, sizeof(struct seen), by_name);
	return 0;
}

static void tell(struct polled *p, enum watch_what what, const struct seen *s)
{
	struct watch_event ev = { .what = what,
		.name = s ? s->name : "",
		.directory = s && s->directory,
		.renamed = s && what == WATCH_LEFT,
		.at_ns = (int64_t)uv_hrtime() };
	p->spot->backend->events++;
	p->spot->fn(p->spot, &ev);
}

static void tell_same(struct polled *p, const struct seen *was, const struct seen *is)
{
	if (was->directory != is->directory || (is->directory && was->inode != is->inode)) {
		tell(p, WATCH_LEFT, was);
		tell(p, WATCH_ARRIVED, is);
	} else if (was->inode != is->inode) {
		tell(p, WATCH_ARRIVED, is);
	} else if (was->size != is->size || was->modified.tv_sec != is->modified.tv_sec ||
		   was->modified.tv_nsec != is->modified.tv_nsec) {
		tell(p, WATCH_MODIFIED, is);
		tell(p, WATCH_CLOSED, is);
	}
}

/* Both are sorted. Whatever the spot's owner drops meanwhile, it is not this spot. */
static void compare(struct polled *p, const struct sight *was, const struct sight *is)
{
	size_t i = 0, j = 0;
	while (i < was->count || j < is->count) {
		const struct seen *a = i < was->count ? &was->items[i] : NULL;
		const struct seen *b = j < is->count ? &is->items[j] : NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);
		if (order < 0)
			tell(p, WATCH_LEFT, a);
		else if (order > 0)
			tell(p, WATCH_ARRIVED, b);
		else
			tell_same(p, a, b);
		i += order <= 0;
		j += order >= 0;
	}
}

static void look_again(struct polled *p)
{
	struct sight is, was = p->sight;
	int why = look(p->path, p->follow, &is);
	bool other = !why && (is.inode != was.inode || is.device != was.device);
	if (why && p->gone)
		return;
	p->sight = is;
	p->gone = why;
	if (why || other)
		tell(p, WATCH_SPOT_GONE, NULL);
	if (!why)
		compare(p, &was, &is);
	arena_release(&was.arena);
}

static void poll_drop(struct watch_spot *s)
{
	struct polled *p = s->polled;
	struct poller *b = (struct poller *)s->backend;
	if (b->cursor == p)
		b->cursor = p->next;
	*p->at = p->next;
	if (p->next)
		p->next->at = p->at;
	b->base.held--;
	s->backend = NULL;
	s->polled = NULL;
	arena_release(&p->sight.arena);
	xfree(p->path);
	xfree(p);
}

static void poll_link(struct poller *b, struct polled *p)
{
	p->next = b->all;
	p->at = &b->all;
	if (b->all)
		b->all->at = &p->next;
	b->all = p;
	b->base.held++;
}

static int poll_add(
	struct watch_backend *base, struct watch_spot *s, const char *path, enum watch_where where)
{
	bool follow = where != WATCH_BELOW;
	struct sight first;
	if (s->backend == base && streq(s->polled->path, path) && !s->polled->gone)
		return 0;
	int why = look(path, follow, &first);
	if (why) {
		arena_release(&first.arena);
		return why;
	}
	if (s->backend)
		s->backend->ops->drop(s);
	struct polled *p = xcalloc(1, sizeof(*p));
	p->spot = s;
	p->path = xstrdup(path);
	p->follow = follow;
	p->sight = first;
	s->polled = p;
	s->backend = base;
	poll_link((struct poller *)base, p);
	return 0;
}

static void on_turn(uv_timer_t *timer)
{
	struct poller *b = timer->data;
	int64_t began = (int64_t)uv_hrtime();
	if (!b->in_cycle) {
		b->began_ns = began;
		b->cursor = b->all;
	}
	b->base.sink.begin(b->base.sink.ctx);
	for (struct polled *p; (p = b->cursor) && (int64_t)uv_hrtime() - began < TURN_WORK_NS;) {
		b->cursor = p->next;
		look_again(p);
	}
	b->in_cycle = b->cursor;
	int64_t rest = (b->began_ns + b->every_ns - began) / 1000000;
	uv_timer_start(timer, on_turn, b->in_cycle || rest < TURN_MS ? TURN_MS : (uint64_t)rest, 0);
	b->base.sink.round(b->base.sink.ctx);
	loop_stir(b->base.loop);
}

static void poll_drain(struct watch_backend *b)
{
	b->sink.round(b->sink.ctx);
}

static void on_closed(uv_handle_t *h)
{
	xfree(h->data);
}

static void poll_free(struct watch_backend *base)
{
	struct poller *b = (struct poller *)base;
	uv_close((uv_handle_t *)&b->timer, on_closed);
}

struct watch_backend *watch_poll_new(struct loop *l, struct watch_sink sink, int64_t every_ms)
{
	static const struct watch_backend_ops ops = { .name = "polling",
		.add = poll_add,
		.drop = poll_drop,
		.drain = poll_drain,
		.free = poll_free };
	struct poller *b = xcalloc(1, sizeof(*b));
	b->base = (struct watch_backend){ .ops = &ops, .loop = l, .sink = sink };
	b->every_ns = every_ms * 1000000;
	uv_timer_init(loop_uv(l), &b->timer);
	b->timer.data = b;
	uv_timer_start(&b->timer, on_turn, (uint64_t)every_ms, 0);
	return &b->base;
}
