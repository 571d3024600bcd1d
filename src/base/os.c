/*
 * Files read and written whole, directories, trees, locks. Every write is a temporary file beside
 * its target, renamed over it: a reader sees the old bytes or the new ones.
 */
#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

static int read_all(int fd, size_t max, struct buf *out)
{
	for (;;) {
		buf_reserve(out, 16384);
		ssize_t n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len > max) {
			errno = EFBIG;
			return -1;
		}
	}
}

int file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_errno(e, "%s", path);
	} else if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_FAILED, "%s is not a regular file", path);
	} else if ((uintmax_t)st.st_size > max) {
		err_set(e, ERR_FAILED, "%s is too large: %jd bytes, at most %zu are read", path,
			(intmax_t)st.st_size, max);
	} else {
		buf_reserve(out, (size_t)st.st_size + 1);
		int bad = read_all(fd, max, out);
		if (bad)
			err_errno(e, "reading %s", path);
		close(fd);
		return bad ? -1 : 0;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

bool file_exists(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISREG(st.st_mode);
}

bool dir_exists(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int fd_write(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_write(
	const char *path, const void *data, size_t len, mode_t mode, bool durable, struct err *e)
{
	struct arena a = ARENA_INIT;
	uint64_t nonce = 0;
	int rc = -1;
	if (random_bytes(&nonce, sizeof(nonce), e))
		return -1;
	char *tmp = arena_printf(&a, "%s.%016llx.tmp", path, (unsigned long long)nonce);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_errno(e, "writing %s", path);
		goto out;
	}
	if (fd_write(fd, data, len) || fchmod(fd, mode) || (durable && fsync(fd))) {
		err_errno(e, "writing %s", path);
		close(fd);
		unlink(tmp);
		goto out;
	}
	if (close(fd) || rename(tmp, path)) {
		err_errno(e, "writing %s", path);
		unlink(tmp);
		goto out;
	}
	rc = 0;
out:
	arena_release(&a);
	return rc;
}

int file_update(
	const char *path, const void *data, size_t len, mode_t mode, bool *changed, struct err *e)
{
	cleanup_buf struct buf old = BUF_INIT;
	struct err ignored = ERR_INIT;
	struct stat st;
	*changed = lstat(path, &st) || !S_ISREG(st.st_mode) || (st.st_mode & 07777) != mode ||
		   (size_t)st.st_size != len || file_read(path, len, &old, &ignored) ||
		   memcmp(buf_str(&old), data, len) != 0;
	return *changed ? file_write(path, data, len, mode, false, e) : 0;
}

int dir_make(const char *path, mode_t mode, struct err *e)
{
	struct arena a = ARENA_INIT;
	char *p = arena_strdup(&a, path);
	struct stat st;
	int rc = 0;
	if (!stat(path, &st) && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == mode) {
		arena_release(&a);
		return 0;
	}
	for (char *s = p + 1; !rc && *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		rc = mkdir(p, 0755) && errno != EEXIST;
		*s = '/';
	}
	if (!rc)
		rc = mkdir(p, mode) && errno != EEXIST;
	if (!rc && stat(p, &st))
		rc = -1;
	else if (!rc && !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		rc = -1;
	} else if (!rc && (st.st_mode & 07777) != mode)
		rc = chmod(p, mode);
	if (rc)
		err_errno(e, "making the directory %s", path);
	arena_release(&a);
	return rc ? -1 : 0;
}

/* NAME.0123456789abcdef.tmp, as file_write() names them. */
static bool is_temporary(const char *name)
{
	enum { NONCE = 16 };
	size_t len = strlen(name), tail = NONCE + sizeof(".tmp");
	return len > tail && name[len - tail] == '.' && ends_with(name, ".tmp") &&
	       strspn(name + len - tail + 1, "0123456789abcdef") == NONCE;
}

void dir_sweep(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	while (d && (entry = readdir(d)))
		if (is_temporary(entry->d_name))
			unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int tree_remove(const char *path, struct err *e)
{
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		return err_errno(e, "removing %s", path);
	return 0;
}

/* What it says of itself; 0: nothing. */
static long holder_of(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	return n > 0 ? strtol(text, NULL, 10) : 0;
}

/* Whoever takes it again and again does not write again and again. */
static void note_holder(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (holder_of(fd) == getpid())
		return;
	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)len, 0) != len)
		return; /* advice only: the flock is what counts */
}

static int lock_busy(long holder, bool orphan, struct err *e)
{
	if (orphan) {
		err_set(e, ERR_BUSY, "what a killed devenv (pid %ld) began is still at work",
			holder);
		err_hint(e, "wait until `docker compose` has finished, or end it");
	} else {
		err_set(e, ERR_BUSY, "another devenv is at work here (pid %ld)", holder);
		err_hint(e, "wait until it has finished, or end it");
	}
	return -1;
}

int lock_take(struct lock *l, const char *path, int64_t wait_ms, struct err *e)
{
	int64_t begun = now_ms();
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->fd < 0)
		return err_errno(e, "opening the lock %s", path);
	while (flock(l->fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			err_errno(e, "taking the lock %s", path);
			lock_drop(l);
			return -1;
		}
		long holder = holder_of(l->fd);
		bool orphan = holder > 0 && kill((pid_t)holder, 0) && errno == ESRCH;
		if (now_ms() - begun >= wait_ms * (orphan ? ORPHAN_PATIENCE : 1)) {
			lock_drop(l);
			return lock_busy(holder, orphan, e);
		}
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	note_holder(l->fd);
	return 0;
}

void lock_inherit(const struct lock *l, bool on)
{
	if (l && l->fd >= 0)
		fcntl(l->fd, F_SETFD, on ? 0 : FD_CLOEXEC);
}

void lock_drop(struct lock *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int random_bytes(void *out, size_t len, struct err *e)
{
	for (unsigned char *p = out; len;) {
		ssize_t n = getrandom(p, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "the system gives no random bytes");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
