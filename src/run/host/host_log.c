/*
 * From a child's bytes to lines in a file. Comes in: portions of two streams. Goes out: stamped
 * lines to a writer thread, one write at a time; while it writes, the next buffer fills. When the
 * disk does not follow, the child is let wait a moment, then lines are dropped and counted.
 */
#include "base/os.h"
#include "run/host/host_log.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	KEPT = 64 * 1024, /* of an idle buffer */
	NOTE_MS = 5,      /* a note may wait so long: a hundred starts are not held up by files */
};

struct host_log {
	struct loop *loop;
	poller_fn *room;
	void *ctx;
	struct ticker *patience, *soon;
	char dir[4096], service[300];
	int number;
	struct buf filling;
	struct buf rest[2]; /* the unfinished line of each stream */
	char prefix[STAMP_LEN + 320];
	size_t prefix_len, kind_at;
	uint64_t dropped, unsaid; /* bytes in all, and not yet told in the file */
	bool wanted;              /* somebody waits for room */
	bool lossy;               /* and has waited long enough */
	bool freed;
	struct { /* the thread's while it is busy */
		bool busy, opened, failed;
		struct log_file file;
		struct buf data;
		char run[sizeof(((struct log_file *)0)->run)];
		struct err error;
	} writer;
	char run[sizeof(((struct log_file *)0)->run)]; /* for the next write */
};

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- the writer ---- */

/* A file that somebody removed takes lines that nobody will read. */
static bool removed(const struct log_file *f)
{
	struct stat st;
	return fstat(f->fd, &st) != 0 || st.st_nlink == 0;
}

static void write_out(void *ctx)
{
	struct host_log *g = ctx;
	struct err *e = &g->writer.error;
	*e = (struct err)ERR_INIT;
	if (g->writer.opened && removed(&g->writer.file)) {
		log_file_drop(&g->writer.file);
		g->writer.opened = false;
	}
	g->writer.failed = !g->writer.opened &&
			   (dir_make(g->dir, 0755, e) || log_file_open(&g->writer.file, g->dir,
								 g->service, g->number, e));
	if (g->writer.failed)
		return;
	g->writer.opened = true;
	if (g->writer.run[0])
		snprintf(g->writer.file.run, sizeof(g->writer.file.run), "%s", g->writer.run);
	g->writer.failed =
		log_file_put(&g->writer.file, g->writer.data.data, g->writer.data.len, e) != 0;
	if (g->writer.failed) { /* from the start again: the folder may have been removed */
		log_file_drop(&g->writer.file);
		g->writer.opened = false;
	}
}

static void release(struct host_log *g)
{
	if (g->writer.opened)
		log_file_drop(&g->writer.file);
	buf_release(&g->filling);
	buf_release(&g->writer.data);
	for (int i = 0; i < 2; i++)
		buf_release(&g->rest[i]);
	xfree(g);
}

static void begin_write(struct host_log *g);

static void lose(struct host_log *g, size_t bytes)
{
	g->dropped += bytes;
	g->unsaid += bytes;
}

static void trim(struct buf *b)
{
	buf_truncate(b, 0);
	if (b->cap > KEPT)
		buf_release(b);
}

static void on_written(void *ctx)
{
	struct host_log *g = ctx;
	g->writer.busy = false;
	if (g->writer.failed)
		lose(g, g->writer.data.len);
	buf_truncate(&g->writer.data, 0);
	g->lossy = false;
	if (g->filling.len) {
		begin_write(g);
	} else {
		trim(&g->writer.data);
		trim(&g->filling);
	}
	if (!g->freed && g->wanted) {
		g->wanted = false;
		ticker_set(g->patience, -1);
		g->room(g->ctx);
	}
	if (g->freed && !g->writer.busy)
		release(g);
}

static void put_note(struct host_log *g, const char *text);

static void begin_write(struct host_log *g)
{
	if (g->writer.busy)
		return;
	if (g->unsaid && !g->writer.failed) {
		char text[100];
		snprintf(text, sizeof(text), "%llu bytes were lost: the disk did not take them",
			(unsigned long long)g->unsaid);
		g->unsaid = 0;
		put_note(g, text);
	}
	struct buf full = g->filling;
	g->filling = g->writer.data;
	g->writer.data = full;
	memcpy(g->writer.run, g->run, sizeof(g->run));
	g->writer.failed = false;
	g->writer.busy = work_start(g->loop, write_out, on_written, g);
	if (!g->writer.busy) {
		lose(g, full.len);
		buf_truncate(&g->writer.data, 0);
	}
}

/* ---- taking ---- */

static void stamp(struct host_log *g, char kind)
{
	char text[STAMP_LEN + 1];
	stamp_write(text, now_ns());
	memcpy(g->prefix, text, STAMP_LEN);
	g->prefix[g->kind_at] = kind;
}

static char *put_bytes(char *at, const char *data, size_t len)
{
	memcpy(at, data, len);
	return at + len;
}

static void put_line(struct host_log *g, const char *line, size_t len)
{
	struct buf *b = &g->filling;
	size_t need = g->prefix_len + len + 2;
	if (b->cap - b->len < need || !b->data)
		buf_reserve(b, need);
	char *at = b->data + b->len;
	at = put_bytes(at, g->prefix, g->prefix_len);
	at = put_bytes(at, line, len && line[len - 1] == '\r' ? len - 1 : len);
	*at++ = '\n';
	b->len = (size_t)(at - b->data);
}

static void put_note(struct host_log *g, const char *text)
{
	stamp(g, '-');
	put_line(g, text, strlen(text));
}

/* A line that began in an earlier portion; cut into pieces where it gets too long. */
static void add_rest(struct host_log *g, struct buf *rest, const char *data, size_t len)
{
	while (rest->len + len >= LINE_MAX_BYTES) {
		size_t take = LINE_MAX_BYTES - rest->len;
		buf_add(rest, data, take);
		put_line(g, rest->data, rest->len);
		buf_truncate(rest, 0);
		data += take;
		len -= take;
	}
	if (len)
		buf_add(rest, data, len);
}

static void put_lines(struct host_log *g, struct buf *rest, const char *data, size_t len)
{
	const char *end = data + len;
	while (data < end) {
		const char *nl = memchr(data, '\n', (size_t)(end - data));
		size_t n = (size_t)((nl ? nl : end) - data);
		if (nl && !rest->len && n < LINE_MAX_BYTES) {
			put_line(g, data, n);
		} else {
			add_rest(g, rest, data, n);
			if (nl) {
				put_line(g, buf_str(rest), rest->len);
				buf_truncate(rest, 0);
			}
		}
		data += n + (nl != NULL);
	}
}

void host_log_feed(struct host_log *g, enum stream s, const char *data, size_t len)
{
	if (g->lossy && g->filling.len >= HOST_LOG_FULL) {
		lose(g, len);
		return;
	}
	stamp(g, s == STREAM_STDERR ? 'e' : 'o');
	put_lines(g, &g->rest[s == STREAM_STDERR], data, len);
	if (g->filling.len)
		begin_write(g);
	if (g->filling.len >= HOST_LOG_FULL && !g->wanted) {
		g->wanted = true;
		ticker_set(g->patience, HOST_LOG_PATIENCE_MS);
	}
}

void host_log_end(struct host_log *g, enum stream s)
{
	struct buf *rest = &g->rest[s == STREAM_STDERR];
	if (rest->len) {
		stamp(g, s == STREAM_STDERR ? 'e' : 'o');
		put_line(g, rest->data, rest->len);
		begin_write(g);
	}
	buf_release(rest);
}

void host_log_note(struct host_log *g, bool state, const char *text)
{
	if (state)
		snprintf(g->run, sizeof(g->run), "%s", text);
	put_note(g, text);
	ticker_set(g->soon, NOTE_MS);
}

bool host_log_full(const struct host_log *g)
{
	return g->filling.len >= HOST_LOG_FULL && !g->lossy;
}

uint64_t host_log_dropped(const struct host_log *g)
{
	return g->dropped;
}

static void on_patience(void *ctx)
{
	struct host_log *g = ctx;
	g->lossy = true;
	g->wanted = false;
	g->room(g->ctx);
}

static void on_soon(void *ctx)
{
	struct host_log *g = ctx;
	if (g->filling.len)
		begin_write(g);
}

struct host_log *host_log_new(struct loop *l, const char *dir, const char *service, int number,
	poller_fn *room, void *ctx)
{
	struct host_log *g = xcalloc(1, sizeof(*g));
	char copy[24] = "";
	g->loop = l;
	g->room = room;
	g->ctx = ctx;
	g->number = number;
	g->patience = ticker_new(l, on_patience, g);
	g->soon = ticker_new(l, on_soon, g);
	snprintf(g->dir, sizeof(g->dir), "%s", dir);
	snprintf(g->service, sizeof(g->service), "%s", service);
	if (number > 1)
		snprintf(copy, sizeof(copy), ".%d", number);
	g->prefix_len = (size_t)snprintf(
		g->prefix, sizeof(g->prefix), "%*s %.250s%s o ", STAMP_LEN, "", service, copy);
	g->kind_at = g->prefix_len - 2;
	return g;
}

void host_log_free(struct host_log *g)
{
	if (!g)
		return;
	g->freed = true;
	ticker_free(g->patience);
	ticker_free(g->soon);
	on_soon(g);
	if (!g->writer.busy)
		release(g);
}
