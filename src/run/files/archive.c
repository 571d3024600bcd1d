/*
 * The one user of libarchive, loaded on first use. Comes in: a list of files. Goes out: a tar
 * archive that is the same for the same content (sorted, no owners, times 0), and the hash of that
 * content.
 */
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "run/files/archive.h"
#include "run/files/context.h"
#include "run/files/libarchive.h"

static int failed(struct archive *w, const char *path, struct err *e)
{
	const char *text = lib_archive_error_string(w);
	return err_set(e, ERR_FAILED, "packing %s: %s", path, text ? text : "unknown reason");
}

static la_ssize_t to_buf(struct archive *w, void *ctx, const void *data, size_t len)
{
	(void)w;
	buf_add(ctx, data, len);
	return (la_ssize_t)len;
}

/* Reads a file's bytes in chunks; fewer or more than announced is an error. */
typedef int chunk_fn(void *ctx, const void *data, size_t len, struct err *e);
static int each_chunk(const struct context_entry *entry, chunk_fn *fn, void *ctx, struct err *e)
{
	char chunk[65536];
	size_t seen = 0;
	if (!entry->source)
		return entry->len ? fn(ctx, entry->data, entry->len, e) : 0;
	int fd = context_open(entry, e), rc = fd < 0 ? -1 : 0;
	while (!rc) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			rc = n < 0 ? err_errno(e, "%s", entry->source) : 0;
			break;
		}
		seen += (size_t)n;
		rc = seen > entry->len ? 0 : fn(ctx, chunk, (size_t)n, e);
	}
	if (fd >= 0)
		close(fd);
	if (!rc && seen != entry->len)
		rc = err_set(e, ERR_FAILED, "%s changed while it was read", entry->source);
	return rc;
}

static int write_chunk(void *ctx, const void *data, size_t len, struct err *e)
{
	if (lib_archive_write_data(ctx, data, len) != (la_ssize_t)len)
		return failed(ctx, "a file", e);
	return 0;
}

static int pack_one(struct archive *w, struct archive_entry *to, const struct context_entry *from,
	struct err *e)
{
	static const unsigned types[] = {
		[CONTEXT_DIR] = AE_IFDIR,
		[CONTEXT_FILE] = AE_IFREG,
		[CONTEXT_LINK] = AE_IFLNK,
	};
	lib_archive_entry_clear(to);
	lib_archive_entry_set_pathname(to, from->path);
	if (from->kind == CONTEXT_LINK)
		lib_archive_entry_set_symlink(to, from->target);
	lib_archive_entry_set_filetype(to, types[from->kind]);
	lib_archive_entry_set_perm(to, from->mode);
	lib_archive_entry_set_uid(to, 0);
	lib_archive_entry_set_gid(to, 0);
	lib_archive_entry_set_mtime(to, 0, 0);
	lib_archive_entry_set_size(to, from->kind == CONTEXT_FILE ? (la_int64_t)from->len : 0);
	if (lib_archive_write_header(w, to) < ARCHIVE_WARN)
		return failed(w, from->path, e);
	return from->kind == CONTEXT_FILE ? each_chunk(from, write_chunk, w, e) : 0;
}

static int pack(const struct context *c, struct buf *tar, struct err *e)
{
	struct archive *w = lib_archive_write_new();
	struct archive_entry *entry = lib_archive_entry_new();
	int rc = 0;
	if (lib_archive_write_set_format_pax_restricted(w) ||
		lib_archive_write_open(w, tar, NULL, to_buf, NULL))
		rc = failed(w, "the build context", e);
	for (size_t i = 0; !rc && i < c->entries.count; i++)
		rc = pack_one(w, entry, &c->entries.items[i], e);
	if (!rc && lib_archive_write_close(w))
		rc = failed(w, "the build context", e);
	lib_archive_entry_free(entry);
	lib_archive_write_free(w);
	return rc;
}

/* libarchive reads names by the locale; the archive must not depend on that of whoever runs us. */
static int pack_utf8(const struct context *c, struct buf *tar, struct err *e)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "en_US.UTF-8", (locale_t)0);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
	int rc = pack(c, tar, e);
	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
	return rc;
}

/* In front: `docker build -` looks at the first block alone, which a long or foreign name would
 * fill. */
static void dockerfile_first(struct context *c, const char *path)
{
	for (size_t i = 0; i < c->entries.count; i++) {
		struct context_entry found = c->entries.items[i];
		if (!streq(found.path, path))
			continue;
		memmove(c->entries.items + 1, c->entries.items, i * sizeof(found));
		c->entries.items[0] = found;
		return;
	}
}

static int gather(struct arena *a, const struct build *b, struct context *c, struct err *e)
{
	const char *always = b->dockerfile ? NULL : b->dockerfile_path;
	if (b->context_dir && context_add_dir(a, c, b->context_dir, "", always, e))
		return -1;
	for (size_t i = 0; i < b->files.count; i++) {
		const struct context_file *f = &b->files.items[i];
		if (f->source) {
			if (context_add_path(a, c, f, e))
				return -1;
			continue;
		}
		*list_push(a, &c->entries) = (struct context_entry){ .path = f->path,
			.kind = CONTEXT_FILE,
			.mode = f->mode ? f->mode : 0644,
			.data = f->data,
			.len = f->len };
	}
	if (b->dockerfile)
		*list_push(a, &c->entries) =
			(struct context_entry){ .path = b->dockerfile_path ? b->dockerfile_path
									   : "Dockerfile",
				.kind = CONTEXT_FILE,
				.mode = 0644,
				.data = b->dockerfile,
				.len = strlen(b->dockerfile) };
	context_sort(c);
	dockerfile_first(c, b->dockerfile_path ? b->dockerfile_path : "Dockerfile");
	return 0;
}

int context_pack(struct arena *a, const struct build *b, struct buf *tar, struct err *e)
{
	struct context c = { .bytes = 0 };
	if (libarchive_load(e) || gather(a, b, &c, e) || pack_utf8(&c, tar, e))
		return err_wrap(e, "image %s", b->image ? b->image->name : b->tag);
	return 0;
}

static int hash_chunk(void *ctx, const void *data, size_t len, struct err *e)
{
	(void)e;
	hasher_add(ctx, data, len);
	return 0;
}

static int hash_one(struct hasher *whole, const struct context_entry *entry, struct err *e)
{
	static const char *const kinds[] = { "dir", "file", "link" };
	char hex[HASH_HEX + 1] = "";
	hasher_str(whole, entry->path);
	hasher_str(whole, kinds[entry->kind]);
	hasher_field(whole, &(char){ entry->mode & 0100 ? 'x' : '-' }, 1);
	hasher_str(whole, entry->target);
	if (entry->kind != CONTEXT_FILE)
		return 0;
	struct hasher *h = hasher_new();
	int rc = each_chunk(entry, hash_chunk, h, e);
	hasher_end(h, hex);
	hasher_str(whole, hex);
	return rc;
}

int context_hash(struct arena *a, const char *dir, char hex[65], struct err *e)
{
	struct context c = { .bytes = 0 };
	if (context_add_dir(a, &c, dir, "", NULL, e))
		return -1;
	context_sort(&c);
	struct hasher *h = hasher_new();
	int rc = 0;
	for (size_t i = 0; !rc && i < c.entries.count; i++)
		rc = hash_one(h, &c.entries.items[i], e);
	hasher_end(h, hex);
	return rc;
}
