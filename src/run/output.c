/*
 * Generated files in a directory that is not ours: `generate -o DIR`. Comes in: a plan's files.
 * Goes out: these below DIR, and a manifest by which the next run tells its own files from others'.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "run/apply.h"
#include "run/manifest.h"
#include "run/files/tree.h"

#define MANIFEST ".devenv-manifest.json"

enum { FILE_MAX = 16 << 20 };

struct output {
	struct arena *a;
	const struct plan *plan;
	const char *dir;
	bool dry;
	struct applied *out;
	struct manifest old, fresh;
	struct err *e;
};

static const struct seen_file *seen(const struct manifest *m, const char *path)
{
	for (size_t i = 0; i < m->files.count; i++)
		if (streq(m->files.items[i].path, path))
			return &m->files.items[i];
	return NULL;
}

/* NULL: it is not there, or nothing that could be ours. */
static const char *hash_of(struct output *x, const char *path)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	char hex[HASH_HEX + 1];
	const char *full = path_join(x->a, x->dir, path);
	if (!file_exists(full) || file_read(full, FILE_MAX, &text, &ignored))
		return NULL;
	hash_hex(buf_str(&text), text.len, hex);
	return arena_strdup(x->a, hex);
}

static int read_manifest(struct output *x)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = path_join(x->a, x->dir, MANIFEST);
	if (!file_exists(path))
		return 0;
	if (file_read(path, MANIFEST_MAX, &text, x->e))
		return -1;
	manifest_parse(x->a, &text, &x->old);
	return 0;
}

static int look_at(struct output *x, const struct out_file *f, const struct buf *text)
{
	const char *now = hash_of(x, f->path);
	char hex[HASH_HEX + 1];
	hash_hex(buf_str(text), text->len, hex);
	*list_push(x->a, &x->fresh.files) =
		(struct seen_file){ f->path, arena_strdup(x->a, hex), f->mode };
	if (now && !streq(now, hex) && !seen(&x->old, f->path)) {
		err_set(x->e, ERR_FAILED, "%s/%s is there and was not written by devenv", x->dir,
			f->path);
		err_hint(x->e, "choose another directory, or remove the file");
		return -1;
	}
	*(streq(now, hex) ? &x->out->unchanged : &x->out->written) += 1;
	if (!streq(now, hex))
		strs_add(x->a, &x->out->changed, f->path);
	return 0;
}

static int write_one(struct output *x, const struct out_file *f, const struct buf *text)
{
	bool changed;
	const char *full = path_join(x->a, x->dir, f->path);
	if (dir_make(path_dir(x->a, full), 0755, x->e))
		return -1;
	return file_update(full, buf_str(text), text->len, f->mode, &changed, x->e);
}

static int each_file(
	struct output *x, int (*fn)(struct output *, const struct out_file *, const struct buf *))
{
	for (size_t i = 0; i < x->plan->files.count; i++) {
		cleanup_buf struct buf text = BUF_INIT;
		const struct out_file *f = &x->plan->files.items[i];
		if (apply_content(x->a, f, x->plan, NULL, &text, x->e) || fn(x, f, &text))
			return -1;
	}
	return 0;
}

/* Who edited a file of ours keeps it. */
static void remove_stale(struct output *x)
{
	for (size_t i = 0; i < x->old.files.count; i++) {
		const struct seen_file *f = &x->old.files.items[i];
		const char *full = path_join(x->a, x->dir, f->path);
		if (seen(&x->fresh, f->path) || !streq(hash_of(x, f->path), f->hash))
			continue;
		x->out->removed++;
		strs_add(x->a, &x->out->changed, f->path);
		if (x->dry || unlink(full))
			continue;
		rmdir(path_dir(x->a, full)); /* when it was the last one */
	}
}

static int write_manifest(struct output *x)
{
	cleanup_buf struct buf text = BUF_INIT;
	bool changed;
	manifest_text(&x->fresh, &text);
	return file_update(
		path_join(x->a, x->dir, MANIFEST), buf_str(&text), text.len, 0644, &changed, x->e);
}

int output_files(struct arena *a, const struct plan *p, const char *dir, bool dry,
	struct applied *out, struct err *e)
{
	struct output x = { .a = a, .plan = p, .dir = dir, .dry = dry, .out = out, .e = e };
	*out = (struct applied){ 0 };
	if (read_manifest(&x) || each_file(&x, look_at))
		return -1;
	if (!dry && (dir_make(dir, 0755, e) || each_file(&x, write_one)))
		return -1;
	remove_stale(&x);
	return dry ? 0 : write_manifest(&x);
}
