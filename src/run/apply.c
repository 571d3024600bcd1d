/*
 * The generated set. Comes in: the plan's files and directories, the open keyring. Goes out:
 * exactly these below .devenv/generated, others of ours gone, foreign files untouched. All that
 * differs is staged first and renamed into place when every byte has been written, so that an error
 * (a full disk, a missing secret) leaves the old set whole. Content is compared with the disk, not
 * with the manifest, so nothing here needs to survive a power cut: the next run heals what it
 * finds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "run/apply.h"
#include "run/manifest.h"
#include "run/files/places.h"
#include "run/files/tree.h"

#define STAGING "staging"
#define JOURNAL "paths"
#define MANIFEST "manifest.json"

struct staged {
	const struct out_file *file;
	char name[24]; /* in staging */
};

struct apply {
	struct arena *a;
	const struct plan *plan;
	const struct places *places;
	struct vault *vault;
	struct applied *out;
	bool dry;
	struct tree tree;
	int dot, staging;       /* .devenv and its staging; -1: not there */
	struct map dirs;        /* path -> mode_t *: the plan's, and the parents of its files */
	struct map wanted;      /* paths of the plan's files */
	struct map owned;       /* paths that an earlier run wrote */
	struct map before;      /* path -> struct seen_file *, of the last run's manifest */
	struct strs owned_dirs; /* directories that an earlier run made */
	struct strs stale;      /* files and directories to remove, in this order */
	struct manifest manifest;
	LIST_OF(struct staged) staged;
};

/* ---- what is wanted, and what is there ---- */

static void want_dir(struct apply *x, const char *path, const mode_t *mode)
{
	static const mode_t plain = 0755;
	if (mode || !map_has(&x->dirs, path))
		map_set(&x->dirs, path, (void *)(mode ? mode : &plain));
}

static int list_wanted(struct apply *x, struct err *e)
{
	for (size_t i = 0; i < x->plan->files.count; i++) {
		const char *path = x->plan->files.items[i].path;
		if (!tree_path_ok(path) || map_has(&x->wanted, path))
			return err_set(e, ERR_FAILED, "the plan has a bad file name: %s", path);
		map_set(&x->wanted, path, (void *)path);
		for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/'))
			want_dir(x, arena_strndup(x->a, path, (size_t)(s - path)), NULL);
	}
	for (size_t i = 0; i < x->plan->dirs.count; i++) {
		const struct out_dir *d = &x->plan->dirs.items[i];
		if (!tree_path_ok(d->path))
			return err_set(
				e, ERR_FAILED, "the plan has a bad directory name: %s", d->path);
		want_dir(x, d->path, &d->mode);
	}
	for (size_t i = 0; i < x->dirs.count; i++)
		strs_add(x->a, &x->manifest.dirs, x->dirs.entries[i].key);
	strs_sort(&x->manifest.dirs);
	return 0;
}

static void own_line(struct apply *x, const char *line, size_t len)
{
	bool dir = len && line[len - 1] == '/';
	char *path = arena_strndup(x->a, line, len - dir);
	if (tree_path_ok(path) && dir)
		strs_add(x->a, &x->owned_dirs, path);
	else if (tree_path_ok(path))
		map_set(&x->owned, path, path);
}

/* Files of a run that was killed before it wrote its manifest are ours as well. */
static int own_journal(struct apply *x, struct err *e)
{
	struct buf text = BUF_INIT;
	int rc = x->staging < 0 ? 1 : tree_read(x->staging, JOURNAL, MANIFEST_MAX, &text, e);
	for (const char *p = buf_str(&text), *end; !rc && (end = strchr(p, '\n')); p = end + 1)
		own_line(x, p, (size_t)(end - p));
	buf_release(&text);
	return rc < 0 ? -1 : 0;
}

/* One that cannot be read is no absent one: what it lists would never be removed again. */
static int list_owned(struct apply *x, struct err *e)
{
	struct buf text = BUF_INIT;
	struct manifest old = { .files = { 0 } };
	int rc = x->dot < 0 ? 1 : tree_read(x->dot, MANIFEST, MANIFEST_MAX, &text, e);
	if (!rc)
		manifest_parse(x->a, &text, &old);
	buf_release(&text);
	if (rc < 0)
		return err_wrap(e, "%s", x->places->dot);
	for (size_t i = 0; i < old.files.count; i++) {
		map_set(&x->owned, old.files.items[i].path, (void *)old.files.items[i].path);
		map_set(&x->before, old.files.items[i].path, &old.files.items[i]);
	}
	x->owned_dirs = old.dirs;
	return own_journal(x, e);
}

/* Opens, and unless dry makes, .devenv and generated; .gitignore comes before anything else. */
static int open_ours(struct apply *x, struct err *e)
{
	static const struct buf ignore = { (char *)"*\n", 2, 0 };
	int project = open(x->places->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (project < 0)
		return err_errno(e, "%s", x->places->base);
	x->dot = tree_step(project, ".devenv", x->places->dot, 0755, !x->dry, e);
	close(project);
	if (x->dot < 0)
		return e->code ? -1 : 0;
	if (!x->dry && !tree_same(x->dot, ".gitignore", &ignore, 0644)) {
		if (tree_write(x->dot, ".gitignore.new", &ignore, 0644, e))
			return err_wrap(e, "%s", x->places->dot);
		if (renameat(x->dot, ".gitignore.new", x->dot, ".gitignore"))
			return err_errno(e, "writing %s/.gitignore", x->places->dot);
	}
	x->tree.fd = tree_step(x->dot, "generated", x->places->generated, 0755, !x->dry, e);
	if (x->tree.fd < 0 && e->code)
		return -1;
	x->staging = tree_step(x->dot, STAGING, "the directory .devenv/" STAGING, 0700, false, e);
	return x->staging < 0 && e->code ? -1 : 0;
}

static bool kept(const struct apply *x, const char *path)
{
	return map_has(&x->wanted, path) || map_has(&x->dirs, path);
}

/* 1: a file (or link) stands there; 0: none that is ours to remove; -1: it cannot be told. */
static int there(const struct apply *x, const char *path, struct err *e)
{
	struct err why = ERR_INIT;
	struct stat st;
	const char *name;
	if (x->tree.fd < 0)
		return 0;
	int at = tree_parent(&x->tree, path, false, &name, &why);
	int bad = at < 0 ? -1 : fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW), number = errno;
	if (at >= 0)
		close(at);
	if (!bad)
		return !S_ISDIR(st.st_mode);
	if (number == ENOENT || number == ENOTDIR)
		return 0;
	errno = number;
	return err_errno(e, "%s/%s", x->places->generated, path);
}

/* Ours and no longer wanted: by the manifest, and as the plan says. */
static int list_stale(struct apply *x, struct err *e)
{
	const struct strs *said = &x->plan->stale;
	for (size_t i = 0; i < said->count; i++)
		if (tree_path_ok(said->items[i]))
			map_set(&x->owned, said->items[i], (void *)said->items[i]);
	for (size_t i = 0; i < x->owned.count; i++) {
		const char *path = x->owned.entries[i].key;
		int found = kept(x, path) ? 0 : there(x, path, e);
		if (found < 0)
			return -1;
		if (found)
			strs_add(x->a, &x->stale, path);
	}
	strs_sort(&x->stale);
	x->out->removed = x->stale.count;
	return 0;
}

/* ---- staging ---- */

static int open_staging(struct apply *x, struct err *e)
{
	if (x->staging < 0)
		x->staging =
			tree_step(x->dot, STAGING, "the directory .devenv/" STAGING, 0700, true, e);
	return x->staging < 0 ? -1 : 0;
}

static int stage(
	struct apply *x, const struct out_file *f, const struct buf *content, struct err *e)
{
	if (open_staging(x, e))
		return -1;
	struct staged *s = list_push(x->a, &x->staged);
	s->file = f;
	snprintf(s->name, sizeof(s->name), "%zu", x->staged.count);
	if (tree_write(x->staging, s->name, content, f->mode, e))
		return err_wrap(e, "%s/%s", x->places->generated, f->path);
	return 0;
}

static bool same_on_disk(struct apply *x, const struct out_file *f, const struct buf *content)
{
	struct err ignored = ERR_INIT;
	const char *name;
	int at = tree_parent(&x->tree, f->path, false, &name, &ignored);
	bool same = at >= 0 && tree_same(at, name, content, f->mode);
	if (at >= 0)
		close(at);
	return same;
}

/* What is on disk as the manifest says need not be hashed again. */
static const char *content_hash(
	struct apply *x, const struct out_file *f, const struct buf *content, bool same)
{
	const struct seen_file *before = map_get(&x->before, f->path);
	char hex[HASH_HEX + 1];
	if (same && before && before->mode == f->mode && strlen(before->hash) == HASH_HEX)
		return before->hash;
	hash_hex(buf_str(content), content->len, hex);
	return arena_strdup(x->a, hex);
}

static int look_at(struct apply *x, const struct out_file *f, struct err *e)
{
	struct buf content = BUF_INIT;
	int rc = apply_content(x->a, f, x->plan, x->vault, &content, e);
	if (rc && x->dry) { /* no secret or certificate yet: it would be made */
		x->out->written++;
		strs_add(x->a, &x->out->changed, f->path);
		rc = 0;
	} else if (rc) {
		rc = err_wrap(e, "writing %s", f->path);
	} else {
		bool same = same_on_disk(x, f, &content);
		*list_push(x->a, &x->manifest.files) =
			(struct seen_file){ f->path, content_hash(x, f, &content, same), f->mode };
		*(same ? &x->out->unchanged : &x->out->written) += 1;
		if (!same) {
			strs_add(x->a, &x->out->changed, f->path);
			rc = x->dry ? 0 : stage(x, f, &content, e);
		}
	}
	buf_wipe(&content);
	return rc;
}

/* ---- putting into place ---- */

static int write_journal(struct apply *x, struct err *e)
{
	struct buf text = BUF_INIT;
	for (size_t i = 0; i < x->owned.count; i++)
		buf_addf(&text, "%s\n", x->owned.entries[i].key);
	for (size_t i = 0; i < x->wanted.count; i++)
		if (!map_has(&x->owned, x->wanted.entries[i].key))
			buf_addf(&text, "%s\n", x->wanted.entries[i].key);
	for (size_t i = 0; i < x->dirs.count; i++)
		buf_addf(&text, "%s/\n", x->dirs.entries[i].key);
	int rc = tree_write(x->staging, JOURNAL ".new", &text, 0600, e);
	if (!rc && renameat(x->staging, JOURNAL ".new", x->staging, JOURNAL))
		rc = err_errno(e, "writing %s/" STAGING, x->places->dot);
	buf_release(&text);
	return rc;
}

static int remove_stale(struct apply *x, struct err *e)
{
	for (size_t i = 0; i < x->stale.count; i++) {
		const char *name, *path = x->stale.items[i];
		int at = tree_parent(&x->tree, path, false, &name, e);
		if (at < 0)
			return -1;
		int bad = unlinkat(at, name, 0) && errno != ENOENT;
		if (bad)
			err_errno(e, "removing %s/%s", x->places->generated, path);
		close(at);
		if (bad)
			return -1;
		strs_add(x->a, &x->out->changed, path);
	}
	return 0;
}

/* Empty directories of earlier runs, children before parents. */
static void remove_dirs(struct apply *x)
{
	struct err ignored = ERR_INIT;
	strs_sort(&x->owned_dirs);
	for (size_t i = x->owned_dirs.count; i-- > 0;) {
		const char *name, *path = x->owned_dirs.items[i];
		int at = kept(x, path) ? -1 : tree_parent(&x->tree, path, false, &name, &ignored);
		if (at >= 0) {
			unlinkat(at, name, AT_REMOVEDIR);
			close(at);
		}
	}
}

static int make_dirs(struct apply *x, struct err *e)
{
	for (size_t i = 0; i < x->manifest.dirs.count; i++) {
		int fd = tree_dir(&x->tree, x->manifest.dirs.items[i], true, e);
		if (fd < 0)
			return -1;
		close(fd);
	}
	return 0;
}

static int put(struct apply *x, const struct staged *s, struct err *e)
{
	const char *name;
	int at = tree_parent(&x->tree, s->file->path, true, &name, e);
	if (at < 0)
		return -1;
	int bad = renameat(x->staging, s->name, at, name);
	if (bad && errno == EISDIR && !unlinkat(at, name, AT_REMOVEDIR))
		bad = renameat(x->staging, s->name, at, name);
	int why = errno;
	if (bad) {
		err_errno(e, "writing %s/%s", x->places->generated, s->file->path);
		if (why == EISDIR || why == ENOTEMPTY || why == EEXIST)
			err_hint(e, "a directory that is not devenv's stands there: remove it");
	}
	close(at);
	return bad ? -1 : 0;
}

static int put_manifest(struct apply *x, const struct buf *text, struct err *e)
{
	if (tree_write(x->staging, MANIFEST, text, 0600, e))
		return -1;
	if (renameat(x->staging, MANIFEST, x->dot, MANIFEST))
		return err_errno(e, "writing %s/" MANIFEST, x->places->dot);
	return 0;
}

static int commit(struct apply *x, const struct buf *manifest, struct err *e)
{
	if (open_staging(x, e) || write_journal(x, e) || remove_stale(x, e))
		return -1;
	remove_dirs(x);
	if (make_dirs(x, e))
		return -1;
	for (size_t i = 0; i < x->staged.count; i++)
		if (put(x, &x->staged.items[i], e))
			return -1;
	if (put_manifest(x, manifest, e))
		return -1;
	return unlinkat(x->staging, JOURNAL, 0) ? err_errno(e, "%s/" STAGING, x->places->dot) : 0;
}

static int bring(struct apply *x, struct err *e)
{
	struct buf manifest = BUF_INIT;
	int rc = list_wanted(x, e) || open_ours(x, e) || list_owned(x, e);
	if (rc)
		return -1;
	bool killed = x->staging >= 0; /* an earlier run did not come to its end */
	if (killed && !x->dry)
		tree_empty(x->staging, JOURNAL);
	rc = list_stale(x, e);
	for (size_t i = 0; !rc && i < x->plan->files.count; i++)
		rc = look_at(x, &x->plan->files.items[i], e);
	manifest_text(&x->manifest, &manifest);
	if (!rc && x->dry) {
		for (size_t i = 0; i < x->stale.count; i++)
			strs_add(x->a, &x->out->changed, x->stale.items[i]);
	} else if (!rc) {
		bool differs = killed || x->out->written || x->out->removed ||
			       !tree_same(x->dot, MANIFEST, &manifest, 0600);
		rc = differs ? commit(x, &manifest, e) : make_dirs(x, e);
	}
	buf_release(&manifest);
	return rc;
}

static void finish(struct apply *x)
{
	if (x->staging >= 0) {
		if (!x->dry) {
			tree_empty(x->staging, JOURNAL);
			unlinkat(x->dot, STAGING,
				AT_REMOVEDIR); /* stays while the journal is needed */
		}
		close(x->staging);
	}
	if (x->tree.fd >= 0)
		close(x->tree.fd);
	if (x->dot >= 0)
		close(x->dot);
	map_release(&x->dirs);
	map_release(&x->wanted);
	map_release(&x->owned);
	map_release(&x->before);
}

int apply_files(struct arena *a, const struct plan *p, const struct places *pl, struct vault *v,
	bool dry, struct applied *out, struct err *e)
{
	struct apply x = { .a = a,
		.plan = p,
		.places = pl,
		.vault = v,
		.dry = dry,
		.out = out,
		.dot = -1,
		.staging = -1 };
	*out = (struct applied){ 0 };
	*e = (struct err)ERR_INIT;
	x.tree = (struct tree){
		.fd = -1, .path = pl->generated, .dirs = &x.dirs, .owned = &x.owned
	};
	int rc = bring(&x, e);
	finish(&x);
	return rc ? -1 : 0;
}
