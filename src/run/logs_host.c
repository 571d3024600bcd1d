/*
 * Follows log files as they grow: those of host services, which the agent writes. Comes in: the
 * folder. Goes out: each whole line once, across rotations. Files of containers are left to the
 * engine's streams.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/logs_host.h"

enum { FIRST_BYTES = 256 * 1024, READ_BYTES = 64 * 1024, TURN_BYTES = 4 << 20 };

struct log_tail {
	struct log_tail *next;
	struct log_tails *owner;
	char service[256], path[4096 + 300];
	int number, fd;
	ino_t inode;
	off_t at;
	int64_t last_ns;
	bool torn; /* it begins in the middle of a line */
	struct buf rest;
};

struct log_tails {
	const char *dir;
	const struct log_marks *marks;
	struct log_filter *filter;
	log_fn *fn;
	void *ctx;
	struct log_tail *items;
	bool scanned;
};

struct log_tails *log_tails_new(const char *dir, const struct log_marks *marks,
	struct log_filter *filter, log_fn *fn, void *ctx)
{
	struct log_tails *t = xcalloc(1, sizeof(*t));
	*t = (struct log_tails){
		.dir = dir, .marks = marks, .filter = filter, .fn = fn, .ctx = ctx
	};
	return t;
}

static void tail_drop(struct log_tail **at)
{
	struct log_tail *x = *at;
	*at = x->next;
	if (x->fd >= 0)
		close(x->fd);
	buf_release(&x->rest);
	xfree(x);
}

void log_tails_free(struct log_tails *t)
{
	while (t && t->items)
		tail_drop(&t->items);
	xfree(t);
}

/* ---- reading ---- */

static void give_line(struct log_tail *x, const char *text, size_t len)
{
	struct log_tails *t = x->owner;
	struct log_line l;
	if (!log_line_read(text, len, &l) || l.kind == '-' || l.time_ns < x->last_ns)
		return;
	if (log_filter_line(t->filter, l.time_ns, l.text, l.len))
		t->fn(t->ctx, x->service, x->number, l.kind == 'e' ? STREAM_STDERR : STREAM_STDOUT,
			l.time_ns, l.text, l.len);
}

static void give_lines(struct log_tail *x)
{
	size_t done = 0;
	for (;;) {
		const char *at = buf_str(&x->rest) + done;
		const char *nl = x->rest.len > done ? memchr(at, '\n', x->rest.len - done) : NULL;
		if (!nl)
			break;
		if (!x->torn)
			give_line(x, at, (size_t)(nl - at));
		x->torn = false;
		done += (size_t)(nl - at) + 1;
	}
	buf_consume(&x->rest, done);
}

static bool read_on(struct log_tail *x)
{
	char bytes[READ_BYTES];
	bool any = false;
	for (size_t total = 0; x->fd >= 0 && total < TURN_BYTES;) {
		ssize_t n = pread(x->fd, bytes, sizeof(bytes), x->at);
		if (n <= 0)
			break;
		any = true;
		total += (size_t)n;
		x->at += n;
		buf_add(&x->rest, bytes, (size_t)n);
		give_lines(x);
	}
	return any;
}

static void open_tail(struct log_tail *x, bool from_start)
{
	struct stat st;
	x->fd = open(x->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (x->fd < 0 || fstat(x->fd, &st))
		return;
	x->inode = st.st_ino;
	x->at = from_start || st.st_size < FIRST_BYTES ? 0 : st.st_size - FIRST_BYTES;
	x->torn = x->at > 0;
	buf_truncate(&x->rest, 0);
}

/* Another file of that name: what is left of the old one was read before. */
static bool follow_rotation(struct log_tail *x)
{
	struct stat st;
	if (stat(x->path, &st) || (st.st_ino == x->inode && st.st_size >= x->at))
		return false;
	if (x->fd >= 0)
		close(x->fd);
	x->last_ns = 0;
	open_tail(x, true);
	return x->fd >= 0;
}

bool log_tails_read(struct log_tails *t)
{
	bool any = false;
	for (struct log_tail *x = t->items; x; x = x->next) {
		any |= read_on(x);
		if (follow_rotation(x))
			any |= read_on(x);
	}
	return any;
}

/* ---- finding ---- */

/* "api.log" -> api, 1; "api.2.log" -> api, 2. False: it is no such name. */
static bool parse_name(const char *file, char service[static 256], int *number)
{
	size_t len = strlen(file);
	if (len < 5 || len >= 256 || !ends_with(file, ".log"))
		return false;
	memcpy(service, file, len - 4);
	service[len - 4] = '\0';
	*number = 1;
	char *dot = strrchr(service, '.');
	int64_t n = 0;
	if (dot && dot > service && parse_int(dot + 1, &n) && n > 1 && n < 100000) {
		*dot = '\0';
		*number = (int)n;
	}
	return true;
}

static bool has_tail(const struct log_tails *t, const char *service, int number)
{
	for (const struct log_tail *x = t->items; x; x = x->next)
		if (x->number == number && streq(x->service, service))
			return true;
	return false;
}

static void add_tail(struct log_tails *t, const char *service, int number)
{
	struct log_tail *x = xcalloc(1, sizeof(*x));
	x->owner = t;
	x->number = number;
	memcpy(x->service, service, strlen(service) + 1);
	log_file_name(x->path, sizeof(x->path), t->dir, service, number, 0);
	for (size_t i = 0; i < t->marks->count; i++)
		if (t->marks->items[i].number == number &&
			streq(t->marks->items[i].service, service))
			x->last_ns = t->marks->items[i].last_ns + 1;
	open_tail(x, t->scanned);
	x->next = t->items;
	t->items = x;
}

void log_tails_scan(struct log_tails *t, const struct strs *of_engine)
{
	char service[256];
	int number;
	struct dirent *entry;
	for (struct log_tail **at = &t->items; *at;)
		if (strs_has(of_engine, (*at)->service))
			tail_drop(at);
		else
			at = &(*at)->next;
	DIR *d = opendir(t->dir);
	while (d && (entry = readdir(d)))
		if (parse_name(entry->d_name, service, &number) && !strs_has(of_engine, service) &&
			log_filter_service(t->filter, service) && !has_tail(t, service, number))
			add_tail(t, service, number);
	if (d)
		closedir(d);
	t->scanned = true;
}
