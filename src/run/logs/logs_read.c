/*
 * History from our own files. Comes in: a query. Goes out: lines of several services in order of
 * time. The files are mapped and merged by their times without copying a line; text passes raw.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "run/logs/log_file.h"
#include "run/io/loop.h"

enum { GIVE_BACK = 1 << 18 }; /* a multiple of every page size */

struct piece_of_log { /* one generation */
	const char *data;
	size_t size;   /* of its whole lines: a torn end may be cut off by others while we read */
	size_t mapped; /* bytes */
	uint64_t inode;
};

struct source_of_log { /* one copy of a service: its generations, oldest first */
	char service[300];
	int number;
	struct piece_of_log pieces[LOG_GENERATIONS];
	int count, at;    /* at: the piece that is read */
	const char *next; /* in it */
	size_t dropped;   /* bytes of it that were given back */
	struct log_line head;
	struct log_past past[2]; /* of its two streams */
	bool ended;
};

struct sources {
	struct source_of_log *items;
	size_t count, cap;
};

/* ---- finding and mapping ---- */

static void map_piece(struct source_of_log *s, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		size_t mapped = (size_t)st.st_size;
		char *data = mmap(NULL, mapped, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
#ifdef MADV_NOHUGEPAGE /* huge ones would come back whole after a part was given back */
			madvise(data, mapped, MADV_NOHUGEPAGE);
#endif
			const char *last = memrchr(data, '\n', mapped);
			size_t whole = last ? (size_t)(last - data) + 1 : 0;
			s->pieces[s->count++] =
				(struct piece_of_log){ data, whole, mapped, st.st_ino };
		}
	}
	close(fd);
}

static void sources_release(struct sources *list)
{
	for (size_t i = 0; i < list->count; i++)
		for (int k = 0; k < list->items[i].count; k++)
			munmap((void *)(uintptr_t)list->items[i].pieces[k].data,
				list->items[i].pieces[k].mapped);
}

bool log_file_service(const char *name, char *service, size_t size, int *number)
{
	size_t len = strlen(name);
	if (!ends_with(name, ".log") || name[0] == '.' || len >= size)
		return false;
	memcpy(service, name, len - 4);
	service[len - 4] = '\0';
	*number = 1;
	char *dot = strchr(service, '.');
	if (!dot)
		return true;
	*dot = '\0';
	int64_t n = 0;
	if (!parse_int(dot + 1, &n) || n < 2 || n > 100000)
		return false;
	*number = (int)n;
	return true;
}

static void add_source(
	struct arena *a, struct sources *list, const char *dir, const char *service, int number)
{
	char path[4096 + 300];
	struct source_of_log *s = list_push(a, list);
	snprintf(s->service, sizeof(s->service), "%s", service);
	s->number = number;
	for (int g = LOG_GENERATIONS - 1; g >= 0; g--) {
		log_file_name(path, sizeof(path), dir, service, number, g);
		map_piece(s, path);
	}
}

static int by_name(const void *x, const void *y)
{
	const struct source_of_log *a = x, *b = y;
	int c = strcmp(a->service, b->service);
	return c ? c : a->number - b->number;
}

static int find_sources(struct arena *a, const char *dir, const struct log_filter *f,
	struct sources *list, struct err *e)
{
	DIR *d = opendir(dir);
	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return err_errno(e, "reading %s", dir);
	for (struct dirent *entry; (entry = readdir(d));) {
		char service[300];
		int number;
		if (log_file_service(entry->d_name, service, sizeof(service), &number) &&
			log_filter_service(f, service))
			add_source(a, list, dir, service, number);
	}
	closedir(d);
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), by_name);
	return 0;
}

/* ---- reading ---- */

/* What lies before the next line is given back: a long history must not look like memory in use. */
static void give_back(struct source_of_log *s, const struct piece_of_log *p)
{
	size_t done = (size_t)(s->next - p->data) & ~(size_t)(GIVE_BACK - 1);
	if (done > s->dropped)
		madvise((char *)(uintptr_t)p->data + s->dropped, done - s->dropped, MADV_DONTNEED);
	s->dropped = done;
}

/* The next line of ours into head; separators are for those who read the file. */
static void advance(struct source_of_log *s)
{
	while (s->at < s->count) {
		const struct piece_of_log *p = &s->pieces[s->at];
		const char *end = p->data + p->size;
		const char *nl =
			s->next < end ? memchr(s->next, '\n', (size_t)(end - s->next)) : NULL;
		if (!nl) { /* the rest is torn or nothing */
			if (++s->at < s->count)
				s->next = s->pieces[s->at].data;
			s->dropped = 0;
			continue;
		}
		const char *line = s->next;
		give_back(s, p);
		s->next = nl + 1;
		if (log_line_read(line, (size_t)(nl - line), &s->head) && s->head.kind != '-')
			return;
	}
	s->ended = true;
}

static void rewind_source(struct source_of_log *s)
{
	s->past[0].service = s->past[1].service = s->service;
	s->at = 0;
	s->next = s->count ? s->pieces[0].data : NULL;
	s->ended = s->count == 0;
}

/* Moves the beginning so that at most tail lines that pass the filter are left. */
static void begin_at_tail(struct source_of_log *s, struct log_filter *f, int tail)
{
	int left = tail;
	rewind_source(s);
	for (int k = s->count - 1; k >= 0; k--) {
		const struct piece_of_log *p = &s->pieces[k];
		size_t end = p->size;
		if (k == s->count - 1) {
			s->at = k;
			s->next = p->data + end;
		}
		while (end > 0 && left > 0) {
			const char *before = memrchr(p->data, '\n', end - 1);
			size_t begin = before ? (size_t)(before - p->data) + 1 : 0;
			struct log_line l;
			if (log_line_read(p->data + begin, end - 1 - begin, &l) && l.kind != '-' &&
				log_filter_line(f, NULL, l.time_ns, l.text, l.len)) {
				left--;
				s->at = k;
				s->next = p->data + begin;
			}
			end = begin;
		}
	}
}

static struct source_of_log *earliest(struct sources *list, int64_t *second)
{
	struct source_of_log *best = NULL;
	*second = INT64_MAX;
	for (size_t i = 0; i < list->count; i++) {
		struct source_of_log *s = &list->items[i];
		if (s->ended)
			continue;
		if (!best || s->head.time_ns < best->head.time_ns) {
			*second = best ? best->head.time_ns : INT64_MAX;
			best = s;
		} else if (s->head.time_ns < *second) {
			*second = s->head.time_ns;
		}
	}
	return best;
}

static void merge(struct sources *list, struct log_filter *f, struct loop *l, log_fn *fn, void *ctx)
{
	int before = loop_interrupts(l);
	int64_t second;
	unsigned turns = 0;
	for (struct source_of_log *s; (s = earliest(list, &second));) {
		/* As long as it stays the earliest there is nothing to compare. */
		do {
			if (log_filter_line(f, &s->past[s->head.kind == 'e'], s->head.time_ns,
				    s->head.text, s->head.len))
				fn(ctx, s->service, s->number,
					s->head.kind == 'e' ? STREAM_STDERR : STREAM_STDOUT,
					s->head.time_ns, s->head.text, s->head.len);
			advance(s);
		} while (!s->ended && s->head.time_ns <= second);
		if (l && ++turns % 4096 == 0) {
			loop_turn(l, 0);
			if (loop_interrupts(l) != before)
				return;
		}
	}
}

/* ---- lines of a proxy that belong to a request without saying so ---- */

static void note_line(
	struct log_filter *f, const struct source_of_log *s, const char *line, const char *end)
{
	const struct log_query *q = f->query;
	struct log_line l;
	if (log_line_read(line, (size_t)(end - line), &l) && l.kind != '-' &&
		line_has_id(l.text, l.len, q->request, f->request_len))
		log_join_note(f, s->service, l.time_ns, l.text, l.len);
}

/* Looked for before all else: an error line comes before the access line that tells whose it is. */
static void find_accesses(struct log_filter *f, const struct source_of_log *s)
{
	for (int k = 0; k < s->count; k++) {
		const struct piece_of_log *p = &s->pieces[k];
		const char *at = p->data, *end = p->data + p->size;
		while ((at = memmem(at, (size_t)(end - at), f->query->request, f->request_len))) {
			const char *before = memrchr(p->data, '\n', (size_t)(at - p->data));
			const char *nl = memchr(at, '\n', (size_t)(end - at));
			nl = nl ? nl : end;
			note_line(f, s, before ? before + 1 : p->data, nl);
			at = nl;
		}
		madvise((char *)(uintptr_t)p->data, p->mapped, MADV_DONTNEED);
	}
}

/* Time of the last whole line. */
static int64_t last_time(const struct source_of_log *s)
{
	for (int k = s->count - 1; k >= 0; k--) {
		const struct piece_of_log *p = &s->pieces[k];
		for (size_t end = p->size; end > 0;) {
			const char *before = memrchr(p->data, '\n', end - 1);
			size_t begin = before ? (size_t)(before - p->data) + 1 : 0;
			struct log_line l;
			if (log_line_read(p->data + begin, end - 1 - begin, &l))
				return l.time_ns;
			end = begin;
		}
	}
	return 0;
}

/* Of the newest generation that has one. */
static void note_run(const struct source_of_log *s, struct log_mark *m)
{
	for (int k = s->count - 1; k >= 0; k--) {
		const struct piece_of_log *p = &s->pieces[k];
		for (size_t end = p->size; end > 0;) {
			const char *before = memrchr(p->data, '\n', end - 1);
			size_t begin = before ? (size_t)(before - p->data) + 1 : 0;
			struct log_line l;
			if (log_line_read(p->data + begin, end - 1 - begin, &l) && l.kind == '-') {
				log_mark_run(m, l.text, l.len);
				return;
			}
			end = begin;
		}
	}
}

static void note_marks(
	struct arena *a, const struct sources *list, bool follow, struct log_marks *marks)
{
	for (size_t i = 0; i < list->count; i++) {
		struct log_mark *m = list_push(a, marks);
		m->service = arena_strdup(a, list->items[i].service);
		m->number = list->items[i].number;
		const struct source_of_log *s = &list->items[i];
		m->last_ns = last_time(s);
		if (s->count) {
			m->inode = s->pieces[s->count - 1].inode;
			m->end = s->pieces[s->count - 1].size;
		}
		if (follow)
			note_run(s, m);
	}
}

static int history(struct arena *a, struct loop *l, const char *dir, const char *once,
	struct log_filter *f, struct log_marks *marks, log_fn *fn, void *ctx, struct err *e)
{
	struct sources list = { 0 };
	int rc = find_sources(a, dir, f, &list, e);
	note_marks(a, &list, f->query->follow, marks);
	size_t kept = list.count;
	if (!rc && once)
		rc = find_sources(a, once, f, &list, e);
	for (size_t i = kept; i < list.count; i++)
		list.items[i].number = 0;
	for (size_t i = 0; i < list.count && !rc && f->request_len; i++)
		find_accesses(f, &list.items[i]);
	for (size_t i = 0; i < list.count && !rc; i++) {
		if (f->query->tail >= 0)
			begin_at_tail(&list.items[i], f, f->query->tail);
		else
			rewind_source(&list.items[i]);
		advance(&list.items[i]);
	}
	if (!rc)
		merge(&list, f, l, fn, ctx);
	if (!rc && f->query->pause)
		f->query->pause(ctx);
	sources_release(&list);
	return rc;
}

/* ---- what the engine has and we have not ---- */

/* Its absence does not keep the history from being read. */
static int drain(struct engine *g, const struct places *pl, const struct world *w,
	struct log_filter *f, bool one_off, struct err *e)
{
	const struct container **list = xcalloc(w->containers.count + 1, sizeof(*list));
	struct container *copies = xcalloc(w->containers.count + 1, sizeof(*copies));
	size_t count = 0;
	for (size_t i = 0; i < w->containers.count; i++) {
		struct container *c = &copies[count];
		*c = w->containers.items[i];
		if (c->host || c->one_off != one_off || c->state == UNIT_CREATED ||
			!log_filter_service(f, c->service))
			continue;
		c->number = one_off ? (int)count + 1 : c->number; /* a file for each */
		list[count++] = c;
	}
	int rc = logs_drain(g, pl, list, count, e);
	xfree(copies);
	xfree(list);
	return rc && e->code == ERR_BUSY ? 0 : rc;
}

/* What `run` made is not kept with its service's log: it is read into a folder that goes again. */
static char *drain_one_offs(struct arena *a, struct engine *g, const struct places *pl,
	const struct world *w, struct log_filter *f, struct err *e)
{
	struct places there = *pl;
	char *dir = arena_printf(a, "%s/.once.XXXXXX", pl->logs);
	if (dir_make(pl->logs, 0755, e))
		return NULL;
	if (!mkdtemp(dir)) {
		err_errno(e, "making a folder in %s", pl->logs);
		return NULL;
	}
	there.logs = dir;
	if (drain(g, &there, w, f, true, e)) {
		tree_remove(dir, &(struct err)ERR_INIT);
		return NULL;
	}
	return dir;
}

int logs_read(struct engine *g, struct loop *l, const struct places *pl, const struct world *w,
	const struct log_query *q, log_fn *fn, void *ctx, struct err *e)
{
	struct log_filter f;
	if (log_filter_init(&f, q, e))
		return -1;
	struct arena a = ARENA_INIT;
	struct log_marks marks = { 0 };
	struct err late = ERR_INIT;
	int drained = g ? drain(g, pl, w, &f, false, &late) : 0;
	char *once = g && q->one_offs ? drain_one_offs(&a, g, pl, w, &f, &late) : NULL;
	drained |= late.code != ERR_OK && late.code != ERR_BUSY;
	int rc = history(&a, l, pl->logs, once, &f, &marks, fn, ctx, e);
	if (once)
		tree_remove(once, &(struct err)ERR_INIT);
	if (!rc && drained) {
		*e = late;
		rc = -1;
	}
	if (!rc && q->follow && l && !loop_interrupts(l))
		rc = logs_follow(g, l, pl, w, q, &marks, fn, ctx, e);
	log_filter_release(&f);
	arena_release(&a);
	return rc;
}
