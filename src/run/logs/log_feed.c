/*
 * The newest lines of a service. Comes in: the engine's streams, our own files. Goes out: lines, at
 * a bounded rate. A stream that brings more is given up and begun anew at its end a moment later;
 * of a file that grows faster the middle is passed over.
 */
#include "run/logs/log_feed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/engine/call.h"
#include "run/logs/log_file.h"

enum {
	BUDGET = 64 * 1024, /* bytes in a window: more is a flood */
	WINDOW_MS = 250,
	PAST_BYTES = 96 * 1024,
	FLOOD_BYTES = 16 * 1024, /* that are read of a file in a flood at a time */
	FLOOD_TAIL = 100,        /* lines of a container in a flood at a time */
	AGAIN_MS = 1000,         /* until a stream that ended is tried again */
	COPIES = 8,
};

struct fed { /* one copy of the service */
	struct log_feed *owner;
	char id[80], name[256];
	int number;
	struct container container; /* its strings are those above */
	struct log_stream *stream;
	int64_t from_ns; /* what the stream brings up to here was given before it began */
	int64_t last_ns, resume_ms, window_ms;
	size_t window;
	struct buf sample; /* lines of a flood, until it is known whether some are missing */
	int sampled;
	bool flood, begun, behind; /* behind: lines were passed over since the last one given */
	bool alive;
	int fd; /* of its file; -1: none */
	uint64_t inode;
	off_t at;
};

struct log_feed {
	struct engine *engine;
	const char *dir;
	const struct log_feed_ops *ops;
	void *ctx;
	char service[300];
	struct fed copies[COPIES];
	size_t count;
};

struct log_feed *log_feed_new(
	struct engine *g, const char *dir, const struct log_feed_ops *ops, void *ctx)
{
	struct log_feed *f = xcalloc(1, sizeof(*f));
	*f = (struct log_feed){ .engine = g, .dir = dir, .ops = ops, .ctx = ctx };
	return f;
}

static void drop(struct fed *c)
{
	log_stream_free(c->stream);
	c->stream = NULL;
	buf_release(&c->sample);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void log_feed_service(struct log_feed *f, const char *service)
{
	for (size_t i = 0; i < f->count; i++)
		drop(&f->copies[i]);
	f->count = 0;
	snprintf(f->service, sizeof(f->service), "%s", service);
}

void log_feed_free(struct log_feed *f)
{
	if (!f)
		return;
	log_feed_service(f, "");
	xfree(f);
}

static void give(struct fed *c, bool error, int64_t time_ns, const char *line, size_t len)
{
	struct log_feed *f = c->owner;
	if (c->behind)
		f->ops->skipped(f->ctx);
	c->behind = false;
	if (time_ns > c->last_ns)
		c->last_ns = time_ns;
	f->ops->line(f->ctx, error, line, len);
}

/* ---- containers ---- */

enum { LINE_COST = 64 };

struct sampled { /* before each line of a sample */
	int64_t time_ns;
	size_t len;
	bool error;
};

static void on_line(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	struct fed *c = ctx;
	(void)service, (void)number;
	c->window += len + LINE_COST;
	/* Two streams have no order between them: a line may be older than the one before. */
	if (time_ns <= c->from_ns)
		return;
	if (!c->flood) {
		give(c, s == STREAM_STDERR, time_ns, line, len);
		return;
	}
	struct sampled head = { time_ns, len, s == STREAM_STDERR };
	buf_add(&c->sample, &head, sizeof(head));
	buf_add(&c->sample, line, len);
	c->sampled++;
}

/* A sample that is not full has all that was written since the one before: the flood has ended. */
static void end_sample(struct fed *c)
{
	struct sampled head;
	c->behind = c->sampled >= FLOOD_TAIL;
	c->flood = c->behind;
	for (size_t at = 0; at < c->sample.len; at += head.len) {
		memcpy(&head, c->sample.data + at, sizeof(head));
		at += sizeof(head);
		give(c, head.error, head.time_ns, c->sample.data + at, head.len);
	}
	buf_truncate(&c->sample, 0);
	c->sampled = 0;
}

static void begin_stream(struct fed *c, int64_t now)
{
	struct err ignored = ERR_INIT;
	struct log_stream_request r = {
		.container = &c->container,
		.follow = !c->flood,
		.since_ns = c->last_ns,
		.tail = c->flood ? FLOOD_TAIL : LOG_FEED_TAIL,
		.fn = on_line,
		.ctx = c,
	};
	c->window = 0;
	c->window_ms = now;
	c->from_ns = c->last_ns;
	c->stream = log_stream_begin(c->owner->engine, &r, &ignored);
	c->resume_ms = now + AGAIN_MS;
}

static void end_stream(struct fed *c, int64_t now)
{
	struct err ignored = ERR_INIT;
	log_stream_finish(c->stream, &ignored);
	log_stream_free(c->stream);
	c->stream = NULL;
	c->resume_ms = now + AGAIN_MS;
	if (!c->flood)
		return;
	end_sample(c);
	c->resume_ms = now + (c->flood ? WINDOW_MS : 0);
}

/* The past comes at once and is no flood. */
static void judge_flood(struct fed *c, int64_t now)
{
	size_t most = c->begun ? BUDGET : 8 * BUDGET;
	if (!c->flood && c->window > most) {
		c->flood = c->begun = true;
		log_stream_free(c->stream);
		c->stream = NULL;
		c->resume_ms = now + WINDOW_MS;
		return;
	}
	if (now - c->window_ms < WINDOW_MS)
		return;
	c->begun = true;
	c->window_ms = now;
	c->window = 0;
}

static void turn_stream(struct fed *c, int64_t now)
{
	if (c->stream && !log_stream_done(c->stream)) {
		judge_flood(c, now);
		return;
	}
	if (c->stream) {
		end_stream(c, now);
		return;
	}
	if (!c->id[0] || now < c->resume_ms || (!c->alive && c->begun))
		return;
	begin_stream(c, now);
	c->begun = c->begun || !c->alive;
}

/* ---- files ---- */

static int open_file(const struct fed *c, uint64_t *inode, off_t *size)
{
	char path[4096 + 300];
	struct stat st;
	log_file_name(path, sizeof(path), c->owner->dir, c->owner->service, c->number, 0);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	if (fd >= 0) {
		*inode = st.st_ino;
		*size = st.st_size;
	}
	return fd;
}

/* Whole lines from `at` on; how many bytes of them there were. */
static size_t give_lines(struct fed *c, const char *data, size_t len)
{
	size_t at = 0;
	struct log_line l;
	for (const char *nl; (nl = memchr(data + at, '\n', len - at));) {
		size_t n = (size_t)(nl - data) - at;
		if (log_line_read(data + at, n, &l) && l.kind != '-')
			give(c, l.kind == 'e', l.time_ns, l.text, l.len);
		at += n + 1;
	}
	return at;
}

static bool read_on(struct fed *c)
{
	char data[PAST_BYTES + 1];
	struct stat st;
	if (fstat(c->fd, &st))
		return false;
	if (st.st_size - c->at > PAST_BYTES) { /* the middle is passed over */
		c->behind = c->begun;
		c->at = st.st_size - (c->begun ? FLOOD_BYTES : PAST_BYTES);
		ssize_t n = pread(c->fd, data, PAST_BYTES, c->at);
		const char *nl = n > 0 ? memchr(data, '\n', (size_t)n) : NULL;
		c->at += nl ? nl - data + 1 : n > 0 ? n : 0;
	}
	c->begun = true;
	ssize_t n = pread(c->fd, data, PAST_BYTES, c->at);
	size_t done = n > 0 ? give_lines(c, data, (size_t)n) : 0;
	/* A line longer than all that is read at once is no line for a screen. */
	c->at += done == 0 && n == PAST_BYTES ? n : (off_t)done;
	return done > 0;
}

static void turn_file(struct fed *c, int64_t now)
{
	uint64_t inode = 0;
	off_t size = 0;
	if (now < c->resume_ms)
		return;
	c->resume_ms = now + WINDOW_MS / 2;
	if (c->fd >= 0)
		read_on(c);
	int fd = open_file(c, &inode, &size);
	if (fd < 0 || (c->fd >= 0 && inode == c->inode)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (c->fd >= 0)
		close(c->fd);
	c->fd = fd;
	c->inode = inode;
	c->at = 0;
	read_on(c);
}

/* ---- who writes ---- */

static struct fed *copy_of(struct log_feed *f, int number)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->copies[i].number == number)
			return &f->copies[i];
	if (f->count == COPIES)
		return NULL;
	struct fed *c = &f->copies[f->count++];
	*c = (struct fed){ .owner = f, .number = number, .fd = -1 };
	return c;
}

static void adopt(struct log_feed *f, const struct container *k)
{
	struct fed *c = copy_of(f, k->number);
	if (!c)
		return;
	bool alive =
		k->state == UNIT_RUNNING || k->state == UNIT_RESTARTING || k->state == UNIT_PAUSED;
	bool again = alive && !c->alive;
	c->alive = alive;
	if (k->host || (streq(c->id, k->id) && !again))
		return;
	bool other = !streq(c->id, k->id);
	snprintf(c->id, sizeof(c->id), "%s", k->id);
	snprintf(c->name, sizeof(c->name), "%s", k->name);
	c->container = (struct container){
		.id = c->id, .name = c->name, .service = f->service, .number = c->number
	};
	c->resume_ms = 0;
	if (!other)
		return;
	drop(c);
	c->begun = c->flood = false;
}

void log_feed_turn(struct log_feed *f, const struct world *w, int64_t now_ms)
{
	bool any = false;
	for (size_t i = 0; f->service[0] && i < w->containers.count; i++) {
		const struct container *k = &w->containers.items[i];
		if (k->one_off || !streq(k->service, f->service))
			continue;
		any = true;
		adopt(f, k);
	}
	if (!any && f->service[0]) /* gone: what is kept of it */
		copy_of(f, 1);
	for (size_t i = 0; i < f->count; i++) {
		struct fed *c = &f->copies[i];
		if (c->id[0] && f->engine)
			turn_stream(c, now_ms);
		else
			turn_file(c, now_ms);
	}
}
