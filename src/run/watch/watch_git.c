/*
 * What git leaves out. Comes in: directories, paths. Goes out: ignored, kept or nothing said, as
 * git says it, from git's own files. Knows nothing of watching.
 */
#include "run/watch/watch_git.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "base/text.h"
#include "run/files/git_files.h"

enum { PATTERNS_MAX = 4 << 20 };

struct git_tree {
	const char *top, *exclude, *users; /* users: the patterns of all the user's work trees */
	const char *own;                   /* the work tree's part of the repository */
	const char *index;
	struct stamp index_seen;
	struct git_names names; /* read when first asked, and when the index is another */
	struct arena arena;
};

static struct stamp stamp_of(const char *path)
{
	struct stat st;
	if (!path || stat(path, &st))
		return (struct stamp){ 0 };
	return (struct stamp){ st.st_ino, st.st_size, st.st_mtim };
}

static bool stamp_equal(struct stamp a, struct stamp b)
{
	return a.inode == b.inode && a.size == b.size && a.modified.tv_sec == b.modified.tv_sec &&
	       a.modified.tv_nsec == b.modified.tv_nsec;
}

/* git reads no .gitignore through a link. */
static bool read_patterns(const char *path, bool links, struct buf *out)
{
	struct stat st;
	struct err e = ERR_INIT;
	if (!links && (lstat(path, &st) || !S_ISREG(st.st_mode)))
		return false;
	return !file_read(path, PATTERNS_MAX, out, &e);
}

static struct git_level *level_of(const char *file, bool links, size_t skip)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct git_level *l = xcalloc(1, sizeof(*l));
	l->skip = skip;
	l->file = arena_strdup(&l->arena, file);
	l->seen = stamp_of(file);
	if (file && read_patterns(file, links, &text))
		patterns_parse(&l->arena, &l->patterns, buf_str(&text), text.len);
	return l;
}

/* One line of a file, without the word that it begins with. */
static const char *line_of(struct arena *a, const char *file, const char *word)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	if (file_read(file, 4096, &text, &e) || !starts_with(buf_str(&text), word))
		return NULL;
	const char *value = buf_str(&text) + strlen(word);
	return arena_strndup(a, value, strcspn(value, "\n"));
}

/* The work tree's own part of its repository. */
static const char *own_dir(struct arena *a, const char *top)
{
	const char *git = path_join(a, top, ".git");
	const char *link = dir_exists(git) ? NULL : line_of(a, git, "gitdir: ");
	return link ? path_join(a, top, link) : git;
}

static struct git_tree *tree_new(const char *top)
{
	struct git_tree *t = xcalloc(1, sizeof(*t));
	t->top = arena_strdup(&t->arena, top);
	t->own = own_dir(&t->arena, top);
	t->index = path_join(&t->arena, t->own, "index");
	const char *shared = line_of(&t->arena, path_join(&t->arena, t->own, "commondir"), "");
	const char *common = shared ? path_join(&t->arena, t->own, shared) : t->own;
	t->exclude = path_join(&t->arena, common, "info/exclude");
	t->users = git_users_excludes(&t->arena, common);
	return t;
}

static void tree_free(struct git_tree *t)
{
	git_names_release(&t->names);
	arena_release(&t->arena);
	xfree(t);
}

static void append(struct git_level **first, struct git_level *more)
{
	while (*first)
		first = &(*first)->next;
	*first = more;
}

struct git_level *git_level_read(const char *dir, bool top)
{
	struct arena a = ARENA_INIT;
	size_t skip = strlen(dir) + !streq(dir, "/");
	struct git_level *out = level_of(path_join(&a, dir, ".gitignore"), false, skip);
	if (top) {
		struct git_level *last = level_of(NULL, false, skip);
		last->tree = tree_new(dir);
		append(&out, level_of(last->tree->exclude, true, skip));
		append(&out, level_of(last->tree->users, true, skip));
		append(&out, last);
	}
	arena_release(&a);
	return out;
}

struct git_level *git_levels_above(const char *dir)
{
	struct arena a = ARENA_INIT;
	struct git_level *out = NULL;
	bool top =
		file_exists(path_join(&a, dir, ".git")) || dir_exists(path_join(&a, dir, ".git"));
	const char *at = dir;
	while (!top && !streq(at, "/")) {
		at = path_dir(&a, at);
		const char *git = path_join(&a, at, ".git");
		top = file_exists(git) || dir_exists(git);
		append(&out, git_level_read(at, top));
	}
	if (!top || at == dir) {
		git_level_free(out);
		out = NULL;
	}
	arena_release(&a);
	return out;
}

void git_level_free(struct git_level *l)
{
	for (struct git_level *next; l; l = next) {
		next = l->next;
		if (l->tree)
			tree_free(l->tree);
		arena_release(&l->arena);
		xfree(l);
	}
}

bool git_level_stale(const struct git_level *l)
{
	while (l && stamp_equal(l->seen, stamp_of(l->file)))
		l = l->next;
	return l;
}

enum git_say git_level_match(
	const struct git_level *l, const char *path, bool directory, struct git_tree **tree)
{
	enum pattern_say say = PATTERN_SILENT;
	for (; l; l = l->next) {
		if (say == PATTERN_SILENT)
			say = patterns_match(&l->patterns, path + l->skip, directory);
		if (l->tree)
			*tree = l->tree;
	}
	return say == PATTERN_SILENT ? GIT_SILENT : say == PATTERN_TAKES ? GIT_IGNORES : GIT_KEEPS;
}

bool git_tracked(struct git_tree *t, const char *path)
{
	struct stamp now = stamp_of(t->index);
	if (!stamp_equal(now, t->index_seen)) {
		git_names_release(&t->names);
		git_names_read(&t->names, t->own);
		t->index_seen = now;
	}
	return git_names_have(&t->names, path + strlen(t->top) + !streq(t->top, "/"));
}
