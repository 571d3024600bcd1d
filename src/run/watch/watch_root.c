/*
 * A watched tree as a whole. Comes in: what back ends tell of names in its directories, and of the
 * directories above its root. Goes out: changes of paths that the rule does not leave out. Knows
 * nothing of time.
 */
#include "run/watch/watch_tree.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/os.h"
#include "watch_parts.h"

static void report(struct watch_tree *t, const char *path, const struct watch_event *ev)
{
	bool whole = ev->directory && ev->renamed && ev->what == WATCH_LEFT;
	if (whole || included(t, path, ev->directory))
		t->ops->change(t->ctx,
			&(struct watch_change){ path, ev->what, ev->directory, whole, ev->at_ns });
}

/* FIFOs, sockets and devices are no sources: a server makes its socket in the tree at each start.
 */
static bool is_special(struct watch_tree *t, const char *path, enum watch_what what)
{
	struct arena a = ARENA_INIT;
	struct stat st = { 0 };
	bool out = false;
	if (what == WATCH_LEFT)
		return special_gone(t, path);
	if ((what == WATCH_CREATED || what == WATCH_ARRIVED) &&
		!lstat(path_join(&a, t->root, path), &st))
		out = !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode) && !S_ISDIR(st.st_mode);
	if (out)
		special_add(t, path);
	arena_release(&a);
	return out;
}

static void directory_event(struct watch_tree *t, struct watch_node *n, const char *path,
	const struct watch_event *ev, bool out)
{
	struct watch_node *child = spot_find(t, n, ev->name);
	if (child && ev->what == WATCH_LEFT)
		spot_drop(t, child);
	if (out)
		return;
	report(t, path, ev);
	if (ev->what == WATCH_CREATED || ev->what == WATCH_ARRIVED)
		visit(t, n, ev->name, true);
}

void spot_event(struct watch_spot *s, const struct watch_event *ev)
{
	struct watch_node *n = (struct watch_node *)s;
	struct watch_tree *t = n->tree;
	cleanup_buf struct buf path = BUF_INIT;
	if (ev->what == WATCH_SPOT_GONE) {
		t->gone = t->gone || !n->parent;
		t->check = t->check || !n->parent;
		return;
	}
	if (t->only) {
		if (streq(ev->name, t->only) && !ev->directory)
			report(t, ev->name, ev);
		return;
	}
	bool rules = streq(ev->name, ".gitignore") || streq(ev->name, ".git");
	t->stale = t->stale || (rules && t->git && ev->what != WATCH_MODIFIED);
	spot_path(n, ev->name, &path);
	bool out = left_out(t, n, buf_str(&path), ev->directory);
	if (ev->directory)
		directory_event(t, n, buf_str(&path), ev, out);
	else if (!out && !is_special(t, buf_str(&path), ev->what))
		report(t, buf_str(&path), ev);
}

/* ---- The root and what is above it. ---- */

static void anchor_event(struct watch_spot *s, const struct watch_event *ev)
{
	struct watch_anchor *an = (struct watch_anchor *)s;
	struct watch_tree *t = an->tree;
	bool moves =
		ev->what == WATCH_CREATED || ev->what == WATCH_ARRIVED || ev->what == WATCH_LEFT;
	if (ev->what == WATCH_SPOT_GONE || (moves && streq(ev->name, an->next)))
		t->check = true;
	if (t->git && streq(ev->name, ".gitignore") && ev->what != WATCH_MODIFIED)
		t->stale = true;
}

static void anchors_init(struct watch_tree *t)
{
	size_t count = 0;
	for (const char *s = t->root; *s; s++)
		count += *s == '/';
	t->anchors = arena_array(&t->arena, struct watch_anchor, count);
	for (const char *at = t->root; !streq(at, "/") && t->anchor_count < count;) {
		struct watch_anchor *an = &t->anchors[t->anchor_count++];
		an->spot.fn = anchor_event;
		an->tree = t;
		an->next = path_base(at);
		at = an->path = path_dir(&t->arena, at);
	}
}

static void anchor_drop(struct watch_anchor *an)
{
	if (an->spot.backend)
		an->spot.backend->ops->drop(&an->spot);
}

/* The directories above the root are watched up to `stop`, or to the first that is there. */
static void anchors_set(struct watch_tree *t)
{
	bool enough = false, held = false;
	for (size_t i = 0; i < t->anchor_count; i++) {
		struct watch_anchor *an = &t->anchors[i];
		if (enough || t->ops->attach(t->ctx, &an->spot, an->path, WATCH_ABOVE))
			anchor_drop(an);
		held = held || an->spot.backend;
		enough = held && (!path_inside(t->stop, an->path) || streq(t->stop, an->path));
	}
}

static bool arm(struct watch_tree *t, struct stat *st)
{
	struct arena a = ARENA_INIT;
	const char *real = path_real(&a, t->root);
	bool there = real && !stat(real, st) && S_ISDIR(st->st_mode);
	if (there) {
		xfree(t->real);
		t->real = xstrdup(real);
		git_level_free(t->above);
		t->above = t->git ? git_levels_above(real) : NULL;
		t->scan++;
		there = visit(t, NULL, "", false);
		t->inode = st->st_ino;
	}
	arena_release(&a);
	return there;
}

static void look_for_root(struct watch_tree *t)
{
	struct stat st;
	bool had = t->top, gone = t->gone;
	t->check = t->gone = false;
	anchors_set(t);
	if (had && !gone && !stat(t->root, &st) && st.st_ino == t->inode && st.st_dev == t->device)
		return;
	if (t->top)
		spot_drop(t, t->top);
	if (arm(t, &st) || had)
		t->ops->all(t->ctx);
}

static void scan_again(struct watch_tree *t)
{
	t->scan++;
	git_level_free(t->above);
	t->above = t->git ? git_levels_above(t->real) : NULL;
	if (!visit(t, NULL, "", false))
		t->check = true;
}

void watch_tree_lost(struct watch_tree *t)
{
	t->lost = true;
}

void watch_tree_settle(struct watch_tree *t, bool scan)
{
	if (t->check || (t->lost && scan))
		look_for_root(t);
	if (!scan)
		return;
	bool git = t->top && t->git;
	if (git && (git_level_stale(t->above) || git_level_stale(t->top->level)))
		t->stale = true;
	if (t->top && (t->lost || t->stale))
		scan_again(t);
	if (t->lost)
		t->ops->all(t->ctx);
	t->lost = t->stale = false;
	scan_notes(t);
}

struct watch_tree *watch_tree_new(const struct watch_rule_set *rule, const char *stop,
	const struct watch_tree_ops *ops, void *ctx, struct err *e)
{
	struct stat st;
	if (stat(rule->path, &st)) {
		err_errno(e, "watching %s", rule->path);
		return NULL;
	}
	struct watch_tree *t = xcalloc(1, sizeof(*t));
	t->ops = ops;
	t->ctx = ctx;
	t->root = arena_strdup(&t->arena, rule->path);
	t->stop = arena_strdup(&t->arena, stop);
	if (!S_ISDIR(st.st_mode)) {
		t->only = path_base(t->root);
		t->root = path_dir(&t->arena, t->root);
	}
	rules_init(t, rule);
	if (t->only)
		t->include.count = 0;
	anchors_init(t);
	anchors_set(t);
	if (!arm(t, &st)) {
		err_set(e, ERR_FAILED, "%s cannot be watched", rule->path);
		err_hint(e, "Is it readable?");
		watch_tree_free(t);
		return NULL;
	}
	scan_notes(t);
	return t;
}

void watch_tree_free(struct watch_tree *t)
{
	if (!t)
		return;
	if (t->top)
		spot_drop(t, t->top);
	for (size_t i = 0; i < t->anchor_count; i++)
		anchor_drop(&t->anchors[i]);
	for (size_t i = 0; i < t->special.count; i++)
		xfree(t->special.entries[i].value);
	map_release(&t->special);
	git_level_free(t->above);
	xfree(t->table);
	xfree(t->real);
	arena_release(&t->arena);
	xfree(t);
}
