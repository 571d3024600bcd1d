/*
 * Log files of host services while the agent writes them. Comes in: a folder, how far the history
 * went. Goes out: whole lines as they appear, across generations; new copies are found. Which files
 * are a host service's, their separators tell.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "run/logs/log_file.h"

enum { PORTION = 256 * 1024, PORTIONS = 16, SEARCH_MS = 500 };

struct tailed { /* one file */
	struct tailed *next;
	struct log_mark mark;
	char service[300];
	int fd; /* -1: not open */
	off_t at;
	struct buf part;         /* of a line that is not whole yet */
	struct log_past past[2]; /* of its two streams */
};

struct log_tail {
	const char *dir;
	struct log_filter *filter;
	log_fn *fn;
	void *ctx;
	struct tailed *files;
	int64_t search_at;
	char *portion;
};

void log_mark_run(struct log_mark *m, const char *text, size_t len)
{
	static const char begin[] = "process ", rest[] = LOG_AT_REST;
	m->host = len >= strlen(begin) && memcmp(text, begin, strlen(begin)) == 0;
	m->ended = m->host && len >= strlen(rest) &&
		   memcmp(text + len - strlen(rest), rest, strlen(rest)) == 0;
}

static int open_generation(
	const struct log_tail *t, const struct tailed *f, int generation, uint64_t *inode)
{
	char path[4096 + 300];
	struct stat st;
	log_file_name(path, sizeof(path), t->dir, f->service, f->mark.number, generation);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	if (fd >= 0)
		*inode = st.st_ino;
	return fd;
}

/* The generation that was read last, there where that ended; else the oldest that there is. */
static void open_where_it_ended(struct log_tail *t, struct tailed *f)
{
	uint64_t inode = 0;
	for (int g = 0; g < LOG_GENERATIONS && f->fd < 0; g++) {
		int fd = open_generation(t, f, g, &inode);
		bool last = g + 1 == LOG_GENERATIONS || !f->mark.inode;
		if (fd >= 0 && inode != f->mark.inode && !last) {
			close(fd);
			continue;
		}
		f->fd = fd;
		f->at = fd >= 0 && inode == f->mark.inode ? (off_t)f->mark.end : 0;
	}
	if (f->fd >= 0)
		f->mark.inode = inode;
}

/* Asked at every end of what is there, so it takes one look at most times. */
static bool is_newest(const struct log_tail *t, const struct tailed *f)
{
	char path[4096 + 300];
	struct stat st;
	log_file_name(path, sizeof(path), t->dir, f->service, f->mark.number, 0);
	return stat(path, &st) == 0 && st.st_ino == f->mark.inode;
}

/* After the end of one generation: is there a newer one? */
static bool open_newer(struct log_tail *t, struct tailed *f)
{
	if (is_newest(t, f))
		return false;
	uint64_t inode = 0;
	int newer = -1;
	uint64_t newer_inode = 0;
	for (int g = 0; g < LOG_GENERATIONS; g++) {
		int fd = open_generation(t, f, g, &inode);
		if (fd < 0)
			continue;
		if (inode == f->mark.inode) {
			close(fd);
			break;
		}
		if (newer >= 0)
			close(newer);
		newer = fd;
		newer_inode = inode;
	}
	if (newer < 0)
		return false;
	close(f->fd);
	f->fd = newer;
	f->at = 0;
	f->mark.inode = newer_inode;
	buf_truncate(&f->part, 0);
	return true;
}

static void give_line(struct log_tail *t, struct tailed *f, const char *line, size_t len)
{
	struct log_line l;
	if (!log_line_read(line, len, &l))
		return;
	if (l.kind == '-')
		log_mark_run(&f->mark, l.text, l.len);
	else if (f->mark.host &&
		 log_filter_line(t->filter, &f->past[l.kind == 'e'], l.time_ns, l.text, l.len))
		t->fn(t->ctx, f->service, f->mark.number,
			l.kind == 'e' ? STREAM_STDERR : STREAM_STDOUT, l.time_ns, l.text, l.len);
}

static void give_lines(struct log_tail *t, struct tailed *f, const char *data, size_t len)
{
	const char *end = data + len, *nl;
	for (; (nl = memchr(data, '\n', (size_t)(end - data))); data = nl + 1) {
		if (!f->part.len) {
			give_line(t, f, data, (size_t)(nl - data));
			continue;
		}
		buf_add(&f->part, data, (size_t)(nl - data));
		give_line(t, f, f->part.data, f->part.len);
		buf_truncate(&f->part, 0);
	}
	if (data < end && f->part.len < 2 * LINE_MAX_BYTES)
		buf_add(&f->part, data, (size_t)(end - data));
}

/* A bounded number of portions: others want their turn, too. */
static bool read_on(struct log_tail *t, struct tailed *f)
{
	for (int i = 0; i < PORTIONS; i++) {
		if (f->fd < 0)
			open_where_it_ended(t, f);
		ssize_t n = f->fd < 0 ? 0 : pread(f->fd, t->portion, PORTION, f->at);
		if (n > 0) {
			f->at += n;
			give_lines(t, f, t->portion, (size_t)n);
		} else if (f->fd < 0 || !open_newer(t, f)) {
			return false;
		}
	}
	return true;
}

static struct tailed *find(const struct log_tail *t, const char *service, int number)
{
	for (struct tailed *f = t->files; f; f = f->next)
		if (f->mark.number == number && streq(f->service, service))
			return f;
	return NULL;
}

static void add(struct log_tail *t, const char *service, const struct log_mark *m)
{
	struct tailed *f = xcalloc(1, sizeof(*f));
	snprintf(f->service, sizeof(f->service), "%s", service);
	f->mark = *m;
	f->past[0].service = f->past[1].service = f->service;
	f->fd = -1;
	f->next = t->files;
	t->files = f;
}

/* Copies and services that were started meanwhile. */
static void search(struct log_tail *t)
{
	char service[300];
	int number;
	DIR *d = opendir(t->dir);
	t->search_at = now_ms() + SEARCH_MS;
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (log_file_service(entry->d_name, service, sizeof(service), &number) &&
			log_filter_service(t->filter, service) && !find(t, service, number))
			add(t, service, &(struct log_mark){ .number = number });
	if (d)
		closedir(d);
}

struct log_tail *log_tail_new(
	const char *dir, const struct log_marks *marks, struct log_filter *f, log_fn *fn, void *ctx)
{
	struct log_tail *t = xcalloc(1, sizeof(*t));
	*t = (struct log_tail){ .dir = dir, .filter = f, .fn = fn, .ctx = ctx };
	t->portion = xmalloc(PORTION);
	for (size_t i = 0; i < marks->count; i++)
		add(t, marks->items[i].service, &marks->items[i]);
	t->search_at = now_ms() + SEARCH_MS;
	return t;
}

bool log_tail_turn(struct log_tail *t)
{
	bool more = false;
	if (now_ms() >= t->search_at)
		search(t);
	for (struct tailed *f = t->files; f; f = f->next)
		more |= read_on(t, f);
	return more;
}

bool log_tail_alive(const struct log_tail *t)
{
	for (const struct tailed *f = t->files; f; f = f->next)
		if (f->mark.host && !f->mark.ended)
			return true;
	return false;
}

void log_tail_free(struct log_tail *t)
{
	if (!t)
		return;
	for (struct tailed *f; (f = t->files);) {
		t->files = f->next;
		if (f->fd >= 0)
			close(f->fd);
		buf_release(&f->part);
		xfree(f);
	}
	xfree(t->portion);
	xfree(t);
}
