/*
 * The journal as files. Comes in: happenings of several processes. Goes out: the same in the order
 * of their writing, across the turn from one file to the next. A torn or foreign line is skipped.
 */
#include "run/control/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "doc/json.h"

enum { PORTION = 64 * 1024, LINE_LIMIT = 256 * 1024 };

static void path_of(char out[4096 + 40], const char *state, bool older)
{
	snprintf(out, 4096 + 40, "%.4090s/events.jsonl%s", state, older ? ".1" : "");
}

/* ---- writing ---- */

/* The file that was written to last stays open: a start of a hundred services is told in five
 * hundred lines. */
static struct {
	int fd; /* -1: none */
	char path[4096 + 40];
} kept = { .fd = -1 };

static void drop_kept(void)
{
	if (kept.fd >= 0)
		close(kept.fd);
	kept.fd = -1;
}

static bool open_kept(const char *path, const char *state)
{
	struct err ignored = ERR_INIT;
	if (kept.fd >= 0 && streq(kept.path, path))
		return true;
	drop_kept();
	if (dir_make(state, 0700, &ignored))
		return false;
	kept.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	snprintf(kept.path, sizeof(kept.path), "%s", path);
	return kept.fd >= 0;
}

/* Locked, and still the file of that name: its size. -1: it cannot be. */
static off_t lock_kept(const char *path, const char *state)
{
	for (int tries = 0; tries < 10 && open_kept(path, state); tries++) {
		struct stat there, here;
		if (!flock(kept.fd, LOCK_EX) && !fstat(kept.fd, &here) && !stat(path, &there) &&
			here.st_ino == there.st_ino && here.st_dev == there.st_dev)
			return here.st_size;
		drop_kept();
	}
	return -1;
}

static void write_line(const struct buf *line, const char *state)
{
	char path[4096 + 40], older[4096 + 40];
	path_of(path, state, false);
	off_t size = lock_kept(path, state);
	if (size < 0)
		return;
	(void)!fd_write(kept.fd, line->data, line->len);
	path_of(older, state, true);
	if (size + (off_t)line->len >= JOURNAL_MAX)
		(void)!rename(path, older);
	flock(kept.fd, LOCK_UN);
}

void journal_add(const struct places *pl, const struct happening *h)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf line = BUF_INIT;
	struct node *n = happening_to_node(&a, h, NULL);
	int64_t time = h->time_ms ? h->time_ms : clock_ms();
	map_put(&a, n, "time_ms", (struct place){ 0 }, node_int(&a, time, (struct place){ 0 }));
	json_write(&line, n, 0);
	buf_addc(&line, '\n');
	if (line.len < LINE_LIMIT)
		write_line(&line, pl->state);
	arena_release(&a);
}

/* ---- reading ---- */

struct journal {
	char state[4096];
	int fd; /* -1: none yet */
	ino_t inode;
	struct buf in; /* read; lines before `at` were given out */
	size_t at;
};

static bool open_file(struct journal *j, bool older)
{
	char path[4096 + 40];
	struct stat st;
	path_of(path, j->state, older);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (j->fd >= 0 && st.st_ino == j->inode)) {
		close(fd);
		return false;
	}
	if (j->fd >= 0)
		close(j->fd);
	j->fd = fd;
	j->inode = st.st_ino;
	return true;
}

struct journal *journal_open(const struct places *pl)
{
	struct journal *j = xcalloc(1, sizeof(*j));
	j->fd = -1;
	snprintf(j->state, sizeof(j->state), "%s", pl->state);
	if (!open_file(j, true))
		open_file(j, false);
	return j;
}

static bool read_more(struct journal *j)
{
	buf_consume(&j->in, j->at);
	j->at = 0;
	if (j->in.len > LINE_LIMIT)
		buf_truncate(&j->in, 0);
	buf_reserve(&j->in, PORTION);
	ssize_t n = j->fd < 0 ? 0 : read(j->fd, j->in.data + j->in.len, PORTION);
	if (n > 0)
		j->in.len += (size_t)n;
	return n > 0;
}

static bool turned_over(const struct journal *j)
{
	char path[4096 + 40];
	struct stat st;
	path_of(path, j->state, false);
	return stat(path, &st) == 0 && (j->fd < 0 || st.st_ino != j->inode);
}

/* A file that was turned over is not written any more: what is read after that is all of it. */
static bool next_line(struct journal *j, const char **line, size_t *len)
{
	for (;;) {
		const char *from = buf_str(&j->in) + j->at;
		const char *nl = memchr(from, '\n', j->in.len - j->at);
		if (nl) {
			*line = from;
			*len = (size_t)(nl - from);
			j->at += *len + 1;
			return true;
		}
		bool last = turned_over(j);
		if (read_more(j))
			continue;
		if (!last || !open_file(j, false))
			return false;
		buf_truncate(&j->in, 0);
	}
}

bool journal_next(struct journal *j, struct arena *a, struct happening *out)
{
	const char *line;
	size_t len;
	while (next_line(j, &line, &len)) {
		struct err ignored = ERR_INIT;
		struct node *n = json_read(a, line, len, "journal", &ignored);
		if (n && happening_from_node(n, out))
			return true;
	}
	return false;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	buf_release(&j->in);
	xfree(j);
}
