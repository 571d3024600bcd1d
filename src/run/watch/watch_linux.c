/*
 * inotify(7). Comes in: directories. Goes out: what happened to the names in them. Spots of one
 * directory share the kernel's watch: it is found by inode, whatever the path. Knows no trees.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <uv.h>

#include "base/arena.h"
#include "base/os.h"
#include "base/text.h"
#include "run/watch/watch_backend.h"

enum {
	NAMES = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF |
		IN_MOVE_SELF | IN_ONLYDIR,
	ALL = NAMES | IN_CLOSE_WRITE | IN_MODIFY | IN_EXCL_UNLINK,
	READ_SIZE = 64 * 1024,
	ROUND_READS = 64, /* then others of the loop have their turn */
	SELF_TEST_MS = 50,
};

struct inotify {
	struct watch_backend base;
	uv_poll_t poll;
	int fd;
	struct watch_spot **slots; /* by id, chained; of a power of two */
	size_t slot_count, spots;
	struct watch_spot *cursor; /* the next to be told of the event at hand */
	bool reading;
};

static struct watch_spot **slot_of(const struct inotify *n, int id)
{
	return &n->slots[(unsigned)id & (n->slot_count - 1)];
}

static void slots_grow(struct inotify *n)
{
	size_t count = n->slot_count;
	struct watch_spot **old = n->slots;
	n->slot_count = count ? 2 * count : 64;
	n->slots = xcalloc(n->slot_count, sizeof(struct watch_spot *));
	for (size_t i = 0; i < count; i++)
		for (struct watch_spot *s = old[i], *next; s; s = next) {
			next = s->next;
			s->next = *slot_of(n, s->id);
			*slot_of(n, s->id) = s;
		}
	xfree(old);
}

static struct watch_spot *same_from(struct watch_spot *s, int id)
{
	while (s && s->id != id)
		s = s->next;
	return s;
}

static void spot_link(struct inotify *n, struct watch_spot *s, int id)
{
	if (n->spots >= n->slot_count && !n->cursor)
		slots_grow(n);
	n->base.held += !same_from(*slot_of(n, id), id);
	s->id = id;
	s->backend = &n->base;
	s->next = *slot_of(n, id);
	*slot_of(n, id) = s;
	n->spots++;
}

/* true: nobody else has this watch. */
static bool spot_unlink(struct inotify *n, struct watch_spot *s)
{
	struct watch_spot **at = slot_of(n, s->id);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	if (n->cursor == s)
		n->cursor = same_from(s->next, s->id);
	n->spots--;
	s->backend = NULL;
	bool last = !same_from(*slot_of(n, s->id), s->id);
	n->base.held -= last;
	return last;
}

static void inotify_drop(struct watch_spot *s)
{
	struct inotify *n = (struct inotify *)s->backend;
	if (n && spot_unlink(n, s))
		inotify_rm_watch(n->fd, s->id);
}

static int inotify_add(
	struct watch_backend *b, struct watch_spot *s, const char *path, enum watch_where where)
{
	struct inotify *n = (struct inotify *)b;
	/* IN_MASK_ADD: another spot of the directory may want more than this one. */
	uint32_t mask = IN_MASK_ADD | (where == WATCH_ABOVE ? NAMES : ALL);
	int id = inotify_add_watch(n->fd, path, mask | (where == WATCH_BELOW ? IN_DONT_FOLLOW : 0));
	if (id < 0)
		return errno;
	if (s->backend == b && s->id == id)
		return 0;
	if (s->backend)
		s->backend->ops->drop(s);
	spot_link(n, s, id);
	return 0;
}

static bool what_of(uint32_t mask, enum watch_what *out)
{
	static const struct {
		uint32_t mask;
		enum watch_what what;
	} table[] = {
		{ IN_CREATE, WATCH_CREATED },
		{ IN_MODIFY, WATCH_MODIFIED },
		{ IN_CLOSE_WRITE, WATCH_CLOSED },
		{ IN_MOVED_TO, WATCH_ARRIVED },
		{ IN_MOVED_FROM | IN_DELETE, WATCH_LEFT },
		{ IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED, WATCH_SPOT_GONE },
	};
	for (size_t i = 0; i < countof(table); i++)
		if (mask & table[i].mask) {
			*out = table[i].what;
			return true;
		}
	return false;
}

/* The kernel has taken the watch away: its number means nothing from now on. */
static void forget(struct inotify *n, int id)
{
	for (struct watch_spot *s; (s = same_from(*slot_of(n, id), id));) {
		spot_unlink(n, s);
		s->id = -1;
	}
}

static void tell(struct inotify *n, const struct inotify_event *ie, int64_t now)
{
	struct watch_event ev = { .name = ie->len ? ie->name : "",
		.directory = ie->mask & IN_ISDIR,
		.renamed = ie->mask & IN_MOVED_FROM,
		.at_ns = now };
	n->base.events++;
	if (ie->mask & IN_Q_OVERFLOW) {
		n->base.sink.lost(n->base.sink.ctx);
		return;
	}
	if (!what_of(ie->mask, &ev.what))
		return;
	n->cursor = same_from(*slot_of(n, ie->wd), ie->wd);
	for (struct watch_spot *s; (s = n->cursor);) {
		n->cursor = same_from(s->next, ie->wd);
		s->fn(s, &ev);
	}
	if (ie->mask & IN_IGNORED)
		forget(n, ie->wd);
}

static bool read_once(struct inotify *n)
{
	_Alignas(struct inotify_event) char data[READ_SIZE];
	ssize_t got = read(n->fd, data, sizeof(data));
	int64_t now = (int64_t)uv_hrtime();
	for (ssize_t at = 0; at < got;) {
		const struct inotify_event *ie = (const void *)(data + at);
		at += (ssize_t)(sizeof(*ie) + ie->len);
		tell(n, ie, now);
	}
	return got > 0;
}

static void inotify_drain(struct watch_backend *b)
{
	struct inotify *n = (struct inotify *)b;
	if (n->reading)
		return;
	n->reading = true;
	n->base.sink.begin(n->base.sink.ctx);
	for (int i = 0; i < ROUND_READS && read_once(n); i++)
		;
	n->reading = false;
	n->base.sink.round(n->base.sink.ctx);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct inotify *n = poll->data;
	(void)status, (void)events;
	inotify_drain(&n->base);
	loop_stir(n->base.loop);
}

static void on_closed(uv_handle_t *h)
{
	struct inotify *n = h->data;
	close(n->fd);
	xfree(n->slots);
	xfree(n);
}

static void inotify_free(struct watch_backend *b)
{
	struct inotify *n = (struct inotify *)b;
	uv_close((uv_handle_t *)&n->poll, on_closed);
}

struct watch_backend *watch_inotify_new(struct loop *l, struct watch_sink sink, int *why)
{
	static const struct watch_backend_ops ops = { .name = "inotify",
		.add = inotify_add,
		.drop = inotify_drop,
		.drain = inotify_drain,
		.free = inotify_free };
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0) {
		*why = errno;
		return NULL;
	}
	struct inotify *n = xcalloc(1, sizeof(*n));
	n->base = (struct watch_backend){ .ops = &ops, .loop = l, .sink = sink };
	n->fd = fd;
	slots_grow(n);
	uv_poll_init(loop_uv(l), &n->poll, fd);
	n->poll.data = n;
	uv_poll_start(&n->poll, UV_READABLE, on_readable);
	return &n->base;
}

/* statfs(2). What another machine or the host of a virtual one changes on these is never told. */
bool watch_fs_tells(const char *path, const char **kind)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} silent[] = {
		{ 0x6969, "nfs" },
		{ 0x01021997, "9p" },
		{ 0xff534d42, "cifs" },
		{ 0xfe534d42, "smb2" },
		{ 0x517b, "smb" },
		{ 0x65735546, "fuse" },
		{ 0x786f4256, "vboxsf" },
		{ 0xbacbacbc, "vmhgfs" },
		{ 0x7c7c6673, "prl_fs" },
		{ 0x6a656a63, "virtiofs" },
		{ 0x5346414f, "afs" },
		{ 0x00c36400, "ceph" },
	};
	struct statfs fs;
	if (statfs(path, &fs))
		return true;
	for (size_t i = 0; i < countof(silent); i++)
		if (silent[i].magic == ((unsigned long)fs.f_type & 0xffffffff)) {
			*kind = silent[i].name;
			return false;
		}
	return true;
}

bool watch_self_test(const char *dir)
{
	struct arena a = ARENA_INIT;
	char *path = arena_printf(&a, "%s/.watch-XXXXXX", dir);
	int n = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	bool told = n < 0 || inotify_add_watch(n, dir, IN_CREATE | IN_ONLYDIR) < 0;
	int fd = told ? -1 : mkostemp(path, O_CLOEXEC);
	if (fd >= 0) {
		struct pollfd p = { .fd = n, .events = POLLIN };
		unlink(path);
		close(fd);
		told = poll(&p, 1, SELF_TEST_MS) > 0;
	} else {
		told = true;
	}
	if (n >= 0)
		close(n);
	arena_release(&a);
	return told;
}

static long read_number(const char *path)
{
	struct buf text = BUF_INIT;
	struct err e;
	long out = file_read(path, 64, &text, &e) ? -1 : strtol(buf_str(&text), NULL, 10);
	buf_release(&text);
	return out;
}

struct watch_limit watch_limit(int why)
{
	return why == ENOSPC ? (struct watch_limit){ "fs.inotify.max_user_watches",
		read_number("/proc/sys/fs/inotify/max_user_watches") }
			     : (struct watch_limit){ "fs.inotify.max_user_instances",
				       read_number("/proc/sys/fs/inotify/max_user_instances") };
}
