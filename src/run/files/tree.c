/*
 * Directories of ours by descriptor. Comes in: a root, paths below it. Goes out: descriptors,
 * bytes, files with exact modes. Knows nothing of what is written or why.
 */
#include "run/files/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

bool tree_path_ok(const char *path)
{
	for (const char *p = path;;) {
		size_t n = strcspn(p, "/");
		if (!n || (n == 1 && *p == '.') || (n == 2 && !memcmp(p, "..", 2)))
			return false;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
				return false;
		if (!p[n])
			return true;
		p += n + 1;
	}
}

/* What stands where a directory should be. */
static int refuse(int at, const char *name, const char *shown, struct err *e)
{
	int why = errno;
	struct stat st;
	if (!fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode))
		err_set(e, ERR_FAILED, "%s is a symbolic link: refusing to write through it",
			shown);
	else if (why == ENOTDIR)
		err_set(e, ERR_FAILED, "%s is not a directory", shown);
	else {
		errno = why;
		err_errno(e, "%s", shown);
		errno = why;
		return -1;
	}
	err_hint(e, "remove it (`rm %s`) and run this again", shown);
	errno = ENOTDIR;
	return -1;
}

int tree_step(int at, const char *name, const char *shown, mode_t mode, bool make, struct err *e)
{
	struct stat st;
	int fd = openat(at, name, DIR_FLAGS);
	if (fd < 0 && errno == ENOENT) {
		if (!make)
			return -1;
		if (mkdirat(at, name, 0700) && errno != EEXIST)
			return err_errno(e, "making the directory %s", shown);
		fd = openat(at, name, DIR_FLAGS);
	}
	if (fd < 0)
		return refuse(at, name, shown, e);
	if (make && (fstat(fd, &st) || ((st.st_mode & 07777) != mode && fchmod(fd, mode)))) {
		err_errno(e, "setting the mode of %s", shown);
		close(fd);
		return -1;
	}
	return fd;
}

/* A file of an earlier run where a directory is wanted now makes way. */
static void make_way(const struct tree *t, int at, const char *name, const char *path)
{
	struct stat st;
	if (t->owned && map_has(t->owned, path) && !fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) &&
		S_ISREG(st.st_mode))
		unlinkat(at, name, 0);
}

static mode_t wanted_mode(const struct tree *t, const char *path)
{
	const mode_t *mode = t->dirs ? map_get(t->dirs, path) : NULL;
	return mode ? *mode : 0755;
}

int tree_dir(const struct tree *t, const char *path, bool make, struct err *e)
{
	struct arena a = ARENA_INIT;
	int fd = t->fd < 0 ? -1 : fcntl(t->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0 && t->fd >= 0)
		err_errno(e, "%s", t->path);
	for (const char *p = path; fd >= 0 && *p;) {
		size_t n = strcspn(p, "/");
		const char *name = arena_strndup(&a, p, n);
		const char *whole = arena_strndup(&a, path, (size_t)(p - path) + n);
		if (make)
			make_way(t, fd, name, whole);
		int next = tree_step(
			fd, name, path_join(&a, t->path, whole), wanted_mode(t, whole), make, e);
		int why = errno;
		close(fd);
		errno = why;
		fd = next;
		p += n + (p[n] == '/');
	}
	arena_release(&a);
	return fd;
}

int tree_parent(const struct tree *t, const char *path, bool make, const char **name, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *slash = strrchr(path, '/');
	*name = slash ? slash + 1 : path;
	int fd = tree_dir(t, slash ? arena_strndup(&a, path, (size_t)(slash - path)) : "", make, e);
	arena_release(&a);
	return fd;
}

static bool same_bytes(int fd, const struct buf *content)
{
	char chunk[16384];
	size_t seen = 0;
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 && seen == content->len;
		if ((size_t)n > content->len - seen ||
			memcmp(content->data + seen, chunk, (size_t)n))
			return false;
		seen += (size_t)n;
	}
}

bool tree_same(int at, const char *name, const struct buf *content, mode_t mode)
{
	struct stat st;
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;
	/* A second name (st_nlink) would change along with ours: the file is made anew. */
	bool same = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
		    st.st_uid == geteuid() && (st.st_mode & 07777) == mode &&
		    (size_t)st.st_size == content->len && same_bytes(fd, content);
	close(fd);
	return same;
}

static int read_whole(int fd, const char *name, size_t max, struct buf *out, struct err *e)
{
	for (;;) {
		buf_reserve(out, 16384);
		ssize_t n = read(fd, out->data + out->len, 16384);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "reading %s", name);
		if (!n)
			return 0;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len > max)
			return 1;
	}
}

int tree_read(int at, const char *name, size_t max, struct buf *out, struct err *e)
{
	struct stat st;
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) /* ELOOP: a link stands there */
		return errno == ENOENT || errno == ELOOP ? 1 : err_errno(e, "reading %s", name);
	int rc = 1;
	if (fstat(fd, &st))
		rc = err_errno(e, "reading %s", name);
	else if (S_ISREG(st.st_mode) && (size_t)st.st_size <= max)
		rc = read_whole(fd, name, max, out, e);
	close(fd);
	return rc;
}

int tree_write(int at, const char *name, const struct buf *content, mode_t mode, struct err *e)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(at, name, flags, 0600);
	if (fd < 0 && errno == EEXIST && !unlinkat(at, name, 0))
		fd = openat(at, name, flags, 0600);
	if (fd < 0)
		return err_errno(e, "writing %s", name);
	int bad = fd_write(fd, buf_str(content), content->len) || fchmod(fd, mode);
	if (bad)
		err_errno(e, "writing %s", name);
	if (close(fd) && !bad)
		bad = err_errno(e, "writing %s", name);
	if (bad)
		unlinkat(at, name, 0);
	return bad ? -1 : 0;
}

void tree_empty(int at, const char *keep)
{
	struct dirent *entry;
	int copy = openat(at, ".", DIR_FLAGS);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	if (!d && copy >= 0)
		close(copy);
	while (d && (entry = readdir(d)))
		if (!keep || strcmp(entry->d_name, keep) != 0)
			unlinkat(at, entry->d_name, 0);
	if (d)
		closedir(d);
}
