/*
 * One log file of ours while it is appended to. Comes in: lines with time and kind. Goes out: a
 * file whose last line is whole, turned over at LOG_FILE_MAX. Nothing is synced: after a crash the
 * engine still has what is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "run/logs/log_file.h"

enum { PENDING_MAX = 256 * 1024 };

void log_file_name(
	char *out, size_t size, const char *dir, const char *service, int number, int generation)
{
	char copy[24] = "", old[24] = "";
	if (number > 1)
		snprintf(copy, sizeof(copy), ".%d", number);
	if (generation > 0)
		snprintf(old, sizeof(old), ".%d", generation);
	snprintf(out, size, "%s/%s%s.log%s", dir, service, copy, old);
}

bool log_line_read(const char *line, size_t len, struct log_line *out)
{
	if (len < STAMP_LEN + 5 || line[STAMP_LEN] != ' ')
		return false;
	const char *name = line + STAMP_LEN + 1, *end = line + len;
	const char *blank = memchr(name, ' ', (size_t)(end - name));
	if (!blank || end - blank < 3 || blank[2] != ' ')
		return false;
	out->time_ns = stamp_read(line, len);
	out->kind = blank[1];
	out->text = blank + 3;
	out->len = (size_t)(end - out->text);
	return out->time_ns >= 0;
}

/* Looks at a line found from the end; true when nothing older is needed. */
static bool note_line(struct log_file *f, const char *line, size_t len)
{
	struct log_line l;
	if (!log_line_read(line, len, &l))
		return false;
	if (l.time_ns > f->last_ns)
		f->last_ns = l.time_ns;
	if (l.kind != '-')
		return false;
	snprintf(f->run, sizeof(f->run), "%.*s", (int)l.len, l.text);
	return true;
}

/* From the end to the last separator; returns the length up to the last newline. */
static size_t survey(struct log_file *f, const char *data, size_t size)
{
	const char *nl = memrchr(data, '\n', size);
	size_t whole = nl ? (size_t)(nl - data) + 1 : 0;
	for (size_t end = whole; end > 0;) {
		const char *before = memrchr(data, '\n', end - 1);
		size_t begin = before ? (size_t)(before - data) + 1 : 0;
		if (note_line(f, data + begin, end - 1 - begin))
			break;
		end = begin;
	}
	return whole;
}

static int inspect(struct log_file *f, struct err *e)
{
	struct stat st;
	if (fstat(f->fd, &st) || !S_ISREG(st.st_mode))
		return err_set(e, ERR_FAILED, "%s is not a regular file", f->path);
	f->size = (size_t)st.st_size;
	if (!f->size)
		return 0;
	char *data = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, f->fd, 0);
	if (data == MAP_FAILED)
		return err_errno(e, "reading %s", f->path);
	size_t whole = survey(f, data, f->size);
	munmap(data, f->size);
	if (whole != f->size && ftruncate(f->fd, (off_t)whole))
		return err_errno(e, "repairing %s", f->path);
	f->size = whole;
	return 0;
}

static int open_path(struct log_file *f, struct err *e)
{
	f->fd = open(
		f->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	return f->fd < 0 ? err_errno(e, "opening %s", f->path) : 0;
}

int log_file_open(
	struct log_file *f, const char *dir, const char *service, int number, struct err *e)
{
	*f = (struct log_file){ .fd = -1 };
	log_file_name(f->path, sizeof(f->path), dir, service, number, 0);
	if (number > 1)
		snprintf(f->label, sizeof(f->label), "%.250s.%d", service, number);
	else
		snprintf(f->label, sizeof(f->label), "%.250s", service);
	if (open_path(f, e))
		return -1;
	if (inspect(f, e)) {
		close(f->fd);
		f->fd = -1;
		return -1;
	}
	return 0;
}

static int flush(struct log_file *f, struct err *e)
{
	size_t done = 0;
	while (done < f->pending.len) {
		ssize_t n = write(f->fd, f->pending.data + done, f->pending.len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "writing %s", f->path);
		done += (size_t)n;
	}
	f->size += done;
	buf_truncate(&f->pending, 0);
	return 0;
}

static void put_line(struct log_file *f, int64_t time_ns, char kind, const char *text, size_t len)
{
	char stamp[STAMP_LEN + 1];
	stamp_write(stamp, time_ns);
	buf_add(&f->pending, stamp, STAMP_LEN);
	buf_addc(&f->pending, ' ');
	buf_adds(&f->pending, f->label);
	buf_addc(&f->pending, ' ');
	buf_addc(&f->pending, kind);
	buf_addc(&f->pending, ' ');
	buf_add(&f->pending, text, len);
	buf_addc(&f->pending, '\n');
}

/*
 * SVC.log.1 -> SVC.log.2, SVC.log -> SVC.log.1, a new SVC.log that begins with the same separator.
 * The oldest goes first: a file system that sees one file replaced by another (ext4) would write
 * all of the other to the disk at once.
 */
static int turn_over(struct log_file *f, struct err *e)
{
	char from[sizeof(f->path) + 24], to[sizeof(f->path) + 24];
	snprintf(to, sizeof(to), "%s.%d", f->path, LOG_GENERATIONS - 1);
	unlink(to);
	for (int g = LOG_GENERATIONS - 1; g > 0; g--) {
		snprintf(to, sizeof(to), "%s.%d", f->path, g);
		snprintf(from, sizeof(from), "%s.%d", f->path, g - 1);
		if (g == 1)
			from[strlen(f->path)] = '\0';
		if (rename(from, to) && errno != ENOENT)
			return err_errno(e, "turning over %s", f->path);
	}
	close(f->fd);
	f->size = 0;
	if (open_path(f, e))
		return -1;
	if (f->run[0])
		put_line(f, f->last_ns, '-', f->run, strlen(f->run));
	return 0;
}

int log_file_add(
	struct log_file *f, int64_t time_ns, char kind, const char *text, size_t len, struct err *e)
{
	if (f->fd < 0)
		return err_set(e, ERR_FAILED, "%s cannot be written", f->path);
	put_line(f, time_ns, kind, text, len);
	if (time_ns > f->last_ns)
		f->last_ns = time_ns;
	if (kind == '-')
		snprintf(f->run, sizeof(f->run), "%.*s", (int)len, text);
	if (f->pending.len < PENDING_MAX)
		return 0;
	if (flush(f, e))
		return -1;
	return f->size >= LOG_FILE_MAX ? turn_over(f, e) : 0;
}

/* A write that fell short leaves no torn line behind. */
int log_file_put(struct log_file *f, const char *lines, size_t len, struct err *e)
{
	if (f->fd < 0)
		return err_set(e, ERR_FAILED, "%s cannot be written", f->path);
	if (fd_write(f->fd, lines, len)) {
		err_errno(e, "writing %s", f->path);
		if (ftruncate(f->fd, (off_t)f->size))
			err_wrap(e, "with a torn line");
		return -1;
	}
	f->size += len;
	f->last_ns = clock_ms() * 1000000;
	return f->size < LOG_FILE_MAX || turn_over(f, e) == 0 ? flush(f, e) : -1;
}

void log_file_drop(struct log_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	buf_release(&f->pending);
}

int log_file_close(struct log_file *f, struct err *e)
{
	int rc = f->fd >= 0 ? flush(f, e) : 0;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	buf_release(&f->pending);
	return rc;
}
