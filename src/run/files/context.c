/*
 * A directory as a build context. Comes in: a directory and its ignore files. Goes out: a sorted
 * list of files, directories and links. Links are kept as links and never followed; what is neither
 * file, directory nor link is refused.
 */
#include "run/files/context.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"

enum { IGNORE_FILE_MAX = 1 << 20 };

struct walk {
	struct arena *a;
	struct context *context;
	const char *prefix;           /* "" or with a slash at its end */
	const char *always, *without; /* no rule excludes the one or brings back the other */
	struct ignore_rules *docker;  /* NULL: none */
	struct git_ignores *git;      /* NULL: none */
	struct err *e;
};

static bool skipped(const struct walk *w, const char *path, const char *name, bool dir)
{
	if (streq(path, w->always))
		return false;
	if (w->docker)
		return ignore_match(w->docker, path);
	return streq(name, ".git") || (w->git && git_ignores_match(w->git, path, dir));
}

/* The Dockerfile that is always taken may lie in a directory that is not. */
static bool holds_always(const struct walk *w, const char *path)
{
	size_t n = strlen(path);
	return w->always && starts_with(w->always, path) && w->always[n] == '/';
}

static struct context_entry *add(
	struct walk *w, const char *path, enum context_kind kind, mode_t mode)
{
	struct context_entry *entry = list_push(w->a, &w->context->entries);
	entry->path = arena_printf(w->a, "%s%s", w->prefix, path);
	entry->kind = kind;
	entry->mode = mode;
	return entry;
}

static int add_link(struct walk *w, int at, const char *name, const char *path, const char *source)
{
	char target[4097];
	ssize_t n = readlinkat(at, name, target, sizeof(target) - 1);
	if (n < 0)
		return err_errno(w->e, "%s", source);
	add(w, path, CONTEXT_LINK, 0777)->target = arena_strndup(w->a, target, (size_t)n);
	return 0;
}

static int add_file(struct walk *w, const char *path, const char *source, const struct stat *st)
{
	struct context_entry *entry = add(w, path, CONTEXT_FILE, st->st_mode & 0100 ? 0755 : 0644);
	entry->source = source;
	entry->len = (size_t)st->st_size;
	w->context->bytes += entry->len;
	if (w->context->bytes > CONTEXT_MAX_BYTES ||
		w->context->entries.count > CONTEXT_MAX_FILES) {
		err_set(w->e, ERR_FAILED, "the build context is too large at %s", source);
		err_hint(w->e, "exclude what the image does not need in .dockerignore");
		return -1;
	}
	return 0;
}

static int walk(struct walk *w, int at, const char *dir, const char *source);

static int walk_below(
	struct walk *w, int at, const char *name, const char *path, const char *source)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_errno(w->e, "%s", source) : walk(w, fd, path, source);
}

static int walk_one(struct walk *w, int at, const char *name, const char *path, const char *source)
{
	struct stat st;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : err_errno(w->e, "%s", source);
	bool dir = S_ISDIR(st.st_mode), skip = skipped(w, path, name, dir);
	if (dir && streq(name, ".devenv")) /* secrets are in there; no rule brings it back */
		return 0;
	if (streq(path, w->without))
		return 0;
	if (skip &&
		(!dir || !((w->docker && ignore_exceptions(w->docker)) || holds_always(w, path))))
		return 0;
	if (dir && !skip)
		add(w, path, CONTEXT_DIR, 0755);
	if (dir)
		return walk_below(w, at, name, path, source);
	if (S_ISLNK(st.st_mode))
		return add_link(w, at, name, path, source);
	if (S_ISREG(st.st_mode))
		return add_file(w, path, source, &st);
	err_set(w->e, ERR_FAILED, "%s is a socket, FIFO or device: it cannot be part of an image",
		source);
	err_hint(w->e, "name it in .dockerignore");
	return -1;
}

/* Takes the descriptor over. */
static int walk(struct walk *w, int at, const char *dir, const char *source)
{
	struct dirent *entry;
	int rc = 0;
	DIR *d = fdopendir(at);
	if (!d) {
		close(at);
		return err_errno(w->e, "%s", source);
	}
	while (!rc && (entry = readdir(d))) {
		const char *name = entry->d_name;
		if (streq(name, ".") || streq(name, ".."))
			continue;
		const char *path = *dir ? path_join(w->a, dir, name) : arena_strdup(w->a, name);
		rc = walk_one(w, dirfd(d), name, path, path_join(w->a, source, name));
	}
	closedir(d);
	return rc;
}

/* The rules that hold in dir: those of the Dockerfile, of the directory, or git's. */
static int read_rules(struct walk *w, const char *dir)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *own =
		w->always ? arena_printf(w->a, "%s/%s.dockerignore", dir, w->always) : NULL;
	const char *path = own && file_exists(own) ? own : path_join(w->a, dir, ".dockerignore");
	if (file_exists(path)) {
		if (file_read(path, IGNORE_FILE_MAX, &text, w->e))
			return -1;
		w->docker = ignore_parse(w->a, buf_str(&text), text.len);
		return 0;
	}
	return git_ignores_open(dir, &w->git, w->e);
}

static int walk_from(struct walk *w, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(w->e, "build context %s", dir);
	int rc = read_rules(w, dir);
	if (rc)
		close(fd);
	else
		rc = walk(w, fd, "", dir);
	git_ignores_close(w->git);
	return rc;
}

int context_add_dir(struct arena *a, struct context *c, const char *dir, const char *prefix,
	const char *always, struct err *e)
{
	struct walk w = { .a = a, .context = c, .always = always, .e = e };
	w.prefix = *prefix ? arena_printf(a, "%s/", prefix) : "";
	return walk_from(&w, dir);
}

int context_add_path(
	struct arena *a, struct context *c, const struct context_file *f, struct err *e)
{
	struct walk w = { .a = a, .context = c, .prefix = "", .without = f->without, .e = e };
	struct stat st;
	if (stat(f->source, &st))
		return err_errno(e, "%s", f->source);
	if (S_ISDIR(st.st_mode)) {
		add(&w, f->path, CONTEXT_DIR, 0755);
		w.prefix = arena_printf(a, "%s/", f->path);
		return walk_from(&w, f->source);
	}
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_FAILED, "%s is neither a file nor a directory", f->source);
	const char *source = path_real(a, f->source);
	if (!source || add_file(&w, f->path, source, &st))
		return -1;
	if (f->mode)
		c->entries.items[c->entries.count - 1].mode = f->mode;
	return 0;
}

struct ranked {
	struct context_entry entry;
	size_t rank; /* order of adding */
};

static int by_path(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = strcmp(x->entry.path, y->entry.path);
	return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

void context_sort(struct context *c)
{
	size_t n = c->entries.count, kept = 0;
	struct ranked *list = xcalloc(n ? n : 1, sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = (struct ranked){ c->entries.items[i], i };
	qsort(list, n, sizeof(*list), by_path);
	for (size_t i = 0; i < n; i++) {
		bool again = i + 1 < n && streq(list[i].entry.path, list[i + 1].entry.path);
		if (!again)
			c->entries.items[kept++] = list[i].entry;
	}
	c->entries.count = kept;
	xfree(list);
}

int context_open(const struct context_entry *entry, struct err *e)
{
	struct stat st;
	int fd = open(entry->source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		err_errno(e, "%s", entry->source);
	} else if (!S_ISREG(st.st_mode) || (size_t)st.st_size != entry->len) {
		err_set(e, ERR_FAILED, "%s changed while it was read", entry->source);
		err_hint(e, "run this again");
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}
