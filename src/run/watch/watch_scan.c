/*
 * What is in a watched tree, and what of it counts. Comes in: directories of the disk. Goes out:
 * nodes that are watched, changes for files that are new. Never follows a link, never enters
 * another file system.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "watch_parts.h"

/* Editors' and desktops' own files: they come with opening a file, not with changing one. The
 * rule's `ignore` is asked first and may take one back. */
static const char *const never[] = { ".*.sw[a-p]", ".*.swx", "*~", "4913", ".#*", "#*#",
	"*___jb_tmp___", "*___jb_old___", ".~lock.*", ".*.kate-swp", ".nfs*", ".DS_Store",
	".goutputstream-*" };

static void add_all(struct watch_tree *t, struct patterns *p, const struct strs *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		patterns_add(&t->arena, p, lines->items[i], strlen(lines->items[i]));
}

void rules_init(struct watch_tree *t, const struct watch_rule_set *rule)
{
	for (size_t i = 0; i < countof(never); i++)
		patterns_add(&t->arena, &t->own, never[i], strlen(never[i]));
	add_all(t, &t->own, &rule->ignore);
	add_all(t, &t->include, &rule->include);
	t->git = rule->git;
}

/* By the patterns. Below a directory that is ignored no pattern takes anything back. */
static bool git_ignores_it(struct watch_tree *t, const struct watch_node *n, const char *whole,
	bool directory, struct git_tree **top)
{
	enum git_say say = GIT_SILENT;
	for (; n && !*top; n = n->parent) {
		enum git_say here = git_level_match(n->level, whole, directory, top);
		say = n->ignored ? GIT_IGNORES : say ? say : here;
	}
	if (!*top) {
		enum git_say here = git_level_match(t->above, whole, directory, top);
		say = say ? say : here;
	}
	return *top && say == GIT_IGNORES;
}

/* What git says of a path, as far as the rule itself says nothing of it. */
static bool by_git(struct watch_tree *t, const struct watch_node *n, const char *path,
	bool directory, bool *tracked)
{
	cleanup_buf struct buf whole = BUF_INIT;
	struct git_tree *top = NULL;
	if (!t->git || patterns_match(&t->own, path, directory) != PATTERN_SILENT)
		return false;
	buf_addf(&whole, "%s/%s", streq(t->real, "/") ? "" : t->real, path);
	bool out = git_ignores_it(t, n, buf_str(&whole), directory, &top);
	*tracked = out && git_tracked(top, buf_str(&whole));
	return out;
}

bool left_out(struct watch_tree *t, const struct watch_node *n, const char *path, bool directory)
{
	const char *name = path_base(path);
	bool tracked = false;
	if (streq(name, ".git") || streq(name, ".devenv"))
		return true;
	if (patterns_match(&t->own, path, directory) == PATTERN_TAKES)
		return true;
	return by_git(t, n, path, directory, &tracked) && !tracked;
}

bool included(const struct watch_tree *t, const char *path, bool directory)
{
	return !t->include.count || patterns_cover(&t->include, path, directory);
}

struct listing {
	struct strs directories, files, special;
	bool ignores, git;
	dev_t device;
	struct arena arena;
};

static unsigned char type_at(int dir, const struct dirent *d)
{
	struct stat st;
	if (d->d_type != DT_UNKNOWN)
		return d->d_type;
	return fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW)
		       ? DT_UNKNOWN
		       : (unsigned char)IFTODT(st.st_mode);
}

static void list_one(struct listing *l, int dir, const struct dirent *d, bool files)
{
	unsigned char type = type_at(dir, d);
	l->git = l->git || streq(d->d_name, ".git");
	l->ignores = l->ignores || streq(d->d_name, ".gitignore");
	if (type != DT_DIR && type != DT_REG && type != DT_LNK && type != DT_UNKNOWN)
		strs_add(&l->arena, &l->special, arena_strdup(&l->arena, d->d_name));
	else if (type == DT_DIR)
		strs_add(&l->arena, &l->directories, arena_strdup(&l->arena, d->d_name));
	else if (files)
		strs_add(&l->arena, &l->files, arena_strdup(&l->arena, d->d_name));
}

/* 0, or an errno. */
static int list_dir(const char *path, bool follow, bool files, struct listing *l)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d || fstat(fd, &st))
		return errno;
	l->device = st.st_dev;
	for (struct dirent *e; (e = readdir(d));)
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			list_one(l, fd, e, files);
	closedir(d);
	return 0;
}

static void tell_file(struct watch_tree *t, const char *path)
{
	if (included(t, path, false))
		t->ops->change(
			t->ctx, &(struct watch_change){ path, WATCH_ARRIVED, false, false, 0 });
}

void special_add(struct watch_tree *t, const char *path)
{
	char *key = map_has(&t->special, path) ? NULL : xstrdup(path);
	if (key)
		map_set(&t->special, key, key);
}

bool special_gone(struct watch_tree *t, const char *path)
{
	char *key = map_get(&t->special, path);
	if (key)
		map_remove(&t->special, path);
	xfree(key);
	return key;
}

static void level_renew(struct watch_tree *t, struct watch_node *n, const struct listing *l)
{
	cleanup_buf struct buf path = BUF_INIT;
	git_level_free(n->level);
	n->level = NULL;
	if (!t->git || (!l->ignores && !l->git))
		return;
	cleanup_buf struct buf whole = BUF_INIT;
	if (n->parent)
		spot_path(n->parent, n->name, &path);
	buf_adds(&whole, t->real);
	if (path.len)
		buf_addf(&whole, "/%s", buf_str(&path));
	n->level = git_level_read(buf_str(&whole), l->git);
}

/* The names found in a directory. tell: its files are news. */
static void take_listing(
	struct watch_tree *t, struct watch_node *n, const struct listing *l, bool tell)
{
	cleanup_buf struct buf path = BUF_INIT;
	level_renew(t, n, l);
	for (size_t i = 0; i < l->special.count; i++) {
		spot_path(n, l->special.items[i], &path);
		special_add(t, buf_str(&path));
	}
	for (size_t i = 0; tell && i < l->files.count; i++) {
		spot_path(n, l->files.items[i], &path);
		if (!left_out(t, n, buf_str(&path), false))
			tell_file(t, buf_str(&path));
	}
	for (size_t i = 0; i < l->directories.count; i++) {
		spot_path(n, l->directories.items[i], &path);
		if (!left_out(t, n, buf_str(&path), true))
			visit(t, n, l->directories.items[i], tell);
	}
}

static void drop_unseen(struct watch_tree *t, struct watch_node *n)
{
	for (struct watch_node *c = n->children, *next; c; c = next) {
		next = c->sibling;
		if (c->seen != t->scan)
			spot_drop(t, c);
	}
}

/* Watches n, then looks what is in it. False: it is not watched (anymore). */
static bool cover(struct watch_tree *t, struct watch_node *n, bool fresh, bool tell)
{
	cleanup_buf struct buf rest = BUF_INIT;
	struct listing l = { 0 };
	struct arena a = ARENA_INIT;
	bool tracked = false;
	if (n->parent)
		spot_path(n->parent, n->name, &rest);
	const char *path = rest.len ? path_join(&a, t->root, buf_str(&rest)) : t->root;
	int why = t->ops->attach(t->ctx, &n->spot, path, n->parent ? WATCH_BELOW : WATCH_ROOT);
	if (!why && !t->only)
		why = list_dir(path, !n->parent, tell, &l);
	if (!n->parent)
		t->device = l.device;
	bool mount = !why && !t->only && l.device != t->device;
	n->ignored = n->parent && by_git(t, n->parent, buf_str(&rest), true, &tracked);
	t->unreadable += why == EACCES || why == EPERM;
	t->mounts += mount;
	n->seen = t->scan;
	if (!why && !mount)
		take_listing(t, n, &l, tell);
	if (!fresh && !why && !mount)
		drop_unseen(t, n);
	arena_release(&l.arena);
	arena_release(&a);
	return !why && !mount;
}

bool visit(struct watch_tree *t, struct watch_node *parent, const char *name, bool tell)
{
	struct watch_node *n = spot_find(t, parent, name);
	bool fresh = !n;
	if (fresh)
		n = spot_new(t, parent, name);
	if (cover(t, n, fresh, tell || (fresh && t->stale)))
		return true;
	spot_drop(t, n);
	return false;
}

/* One sentence for each reason, once. */
void scan_notes(struct watch_tree *t)
{
	struct arena a = ARENA_INIT;
	if (t->unreadable && !t->unreadable_said)
		t->ops->note(t->ctx,
			arena_printf(&a, "%zu %s below %s cannot be read and %s not watched",
				t->unreadable, t->unreadable == 1 ? "directory" : "directories",
				t->root, t->unreadable == 1 ? "is" : "are"));
	if (t->mounts && !t->mounts_said)
		t->ops->note(t->ctx, arena_printf(&a, "%zu %s below %s %s not watched", t->mounts,
					     t->mounts == 1 ? "mount point" : "mount points",
					     t->root, t->mounts == 1 ? "is" : "are"));
	t->unreadable_said = t->unreadable_said || t->unreadable;
	t->mounts_said = t->mounts_said || t->mounts;
	t->unreadable = t->mounts = 0;
	arena_release(&a);
}
