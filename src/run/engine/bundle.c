/*
 * Files bound into one and taken apart again. Comes in: a directory and a manifest, or a file of
 * anybody's. Goes out: the other of the two. Checks every length and digest before it says that all
 * is well; knows nothing of what the parts are.
 */
#include "run/engine/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/os.h"
#include "base/text.h"
#include "doc/json.h"
#include "run/files/tar.h"

enum { BLOCK = 512, PIECE = 256 << 10, MANIFEST_MAX = 1 << 20, PARTS_MAX = 4096 };

/* ---- writing ---- */

/* Base 8 holds eight gigabytes; what is larger is written as GNU does. */
static void put_size(char *field, int64_t size)
{
	if (size < (int64_t)1 << 33) {
		snprintf(field, 12, "%011llo", (unsigned long long)size & 0x1ffffffffULL);
		return;
	}
	field[0] = (char)0x80;
	for (int i = 11; i > 3; i--, size >>= 8)
		field[i] = (char)size;
}

static void header_of(char h[BLOCK], const char *name, int64_t size)
{
	unsigned sum = 0;
	memset(h, 0, BLOCK);
	memcpy(h, name, strnlen(name, 99));
	memcpy(h + 100, "0000600", 8);
	memcpy(h + 108, "0000000", 8);
	memcpy(h + 116, "0000000", 8);
	put_size(h + 124, size);
	memcpy(h + 136, "00000000000", 12);
	memset(h + 148, ' ', 8);
	h[156] = '0';
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum & 0777777);
}

static int put(int fd, const char *data, size_t len, struct err *e)
{
	return fd_write(fd, data, len) ? err_errno(e, "writing the archive") : 0;
}

static int pad(int fd, int64_t size, struct err *e)
{
	static const char zeros[BLOCK];
	return put(fd, zeros, (size_t)(-size & (BLOCK - 1)), e);
}

static int copy_bytes(int from, int to, int64_t size, struct err *e)
{
	char piece[8192];
	int64_t left = size;
	while (left > 0) {
		ssize_t n = read(from, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "reading a part of the archive");
		if (!n || n > left)
			return err_set(e, ERR_FAILED, "a part of the archive changed meanwhile");
		if (put(to, piece, (size_t)n, e))
			return -1;
		left -= n;
	}
	return 0;
}

static int put_part(
	struct arena *a, int fd, const char *dir, const struct node *part, struct err *e)
{
	char header[BLOCK];
	const char *file = node_text(node_get(part, "file"));
	int64_t size = node_get(part, "bytes")->integer;
	const char *path = path_join(a, dir, file);
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (from < 0)
		return err_errno(e, "%s", path);
	header_of(header, file, size);
	int rc = put(fd, header, BLOCK, e) || copy_bytes(from, fd, size, e) || pad(fd, size, e);
	close(from);
	return rc ? -1 : 0;
}

static int put_all(
	struct arena *a, int fd, const char *dir, const struct node *manifest, struct err *e)
{
	static const char end[2 * BLOCK];
	cleanup_buf struct buf text = BUF_INIT;
	char header[BLOCK];
	const struct node *part;
	json_write(&text, manifest, 2);
	buf_addc(&text, '\n');
	header_of(header, BUNDLE_MANIFEST, (int64_t)text.len);
	if (put(fd, header, BLOCK, e) || put(fd, text.data, text.len, e) ||
		pad(fd, (int64_t)text.len, e))
		return -1;
	node_each_item(node_get(manifest, "parts"), i, part)
	{
		if (put_part(a, fd, dir, part, e))
			return -1;
	}
	if (put(fd, end, sizeof(end), e))
		return -1;
	return fsync(fd) ? err_errno(e, "writing the archive") : 0;
}

int bundle_write(struct arena *a, const char *path, const char *dir, const struct node *manifest,
	int64_t *size, struct err *e)
{
	const char *draft = path_join(a, dir, "bundle");
	struct stat st;
	int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "%s", draft);
	int rc = put_all(a, fd, dir, manifest, e);
	if (!rc && fstat(fd, &st))
		rc = err_errno(e, "%s", draft);
	close(fd);
	if (!rc && rename(draft, path))
		rc = err_errno(e, "%s", path);
	if (!rc)
		*size = st.st_size;
	return rc;
}

/* ---- reading ---- */

struct reading {
	struct arena *a;
	const char *path, *dir;
	struct err *e;
	struct node *manifest; /* NULL: not read yet */
	struct buf text;       /* of it */
	size_t next;           /* of its parts */
	int fd;                /* of the part that comes; -1: none */
	struct hasher *hash;
	int64_t left;     /* of it */
	int64_t expected; /* bytes of the whole file, by what was seen so far */
	bool failed;
};

static int damaged(struct reading *r, const char *why)
{
	if (!r->failed) {
		err_set(r->e, ERR_FAILED, "%s cannot be used: %s", r->path, why);
		err_hint(r->e, "nothing was restored from it; save it again where it came from");
	}
	r->failed = true;
	return -1;
}

static const struct node *part_at(const struct reading *r, size_t i)
{
	const struct node *parts = node_get(r->manifest, "parts");
	return i < node_count(parts) ? parts->list.items[i] : NULL;
}

static bool plain_name(const char *name)
{
	return name && *name && *name != '.' && !strchr(name, '/') && strlen(name) < 100 &&
	       !streq(name, "bundle") && !streq(name, BUNDLE_MANIFEST);
}

static int check_manifest(struct reading *r)
{
	const struct node *parts = node_get(r->manifest, "parts"), *part;
	if (!parts || parts->kind != NODE_LIST || node_count(parts) > PARTS_MAX)
		return damaged(r, "its manifest lists no parts");
	node_each_item(parts, i, part)
	{
		const struct node *bytes = node_get(part, "bytes");
		const char *sum = node_text(node_get(part, "sha256"));
		if (!plain_name(node_text(node_get(part, "file"))) || !bytes ||
			bytes->kind != NODE_INT || bytes->integer < 0 || !sum ||
			strlen(sum) != HASH_HEX)
			return damaged(r, "its manifest is not understood");
	}
	return 0;
}

static bool begin_part(struct reading *r, const struct tar_entry *t)
{
	const struct node *part = part_at(r, r->next);
	if (!part || !streq(t->path, node_text(node_get(part, "file"))) ||
		t->size != node_get(part, "bytes")->integer)
		return damaged(r, "it holds something else than its manifest says") == 0;
	const char *path = path_join(r->a, r->dir, t->path);
	r->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->fd < 0) {
		r->failed = true;
		return err_errno(r->e, "%s", path) == 0;
	}
	r->hash = hasher_new();
	return true;
}

static bool begin_entry(void *ctx, const struct tar_entry *t)
{
	struct reading *r = ctx;
	if (r->failed) /* the entry before it was no good */
		return false;
	r->expected += BLOCK + ((t->size + BLOCK - 1) & ~(int64_t)(BLOCK - 1));
	if (t->kind != TAR_FILE)
		return damaged(r, "it holds something that is no plain file") == 0;
	if (r->manifest)
		return begin_part(r, t);
	if (!streq(t->path, BUNDLE_MANIFEST) || t->size > MANIFEST_MAX)
		return damaged(r, "it does not begin with a manifest: `devenv cache save` made it "
				  "not") == 0;
	return true;
}

static void entry_data(void *ctx, const char *data, size_t len)
{
	struct reading *r = ctx;
	if (!r->manifest) {
		buf_add(&r->text, data, len);
	} else if (!r->failed && r->fd >= 0) {
		hasher_add(r->hash, data, len);
		if (fd_write(r->fd, data, len)) {
			err_errno(r->e, "unpacking %s", r->path);
			r->failed = true;
		}
	}
}

static void end_part(struct reading *r)
{
	char hex[HASH_HEX + 1];
	const char *sum = node_text(node_get(part_at(r, r->next), "sha256"));
	hasher_end(r->hash, hex);
	r->hash = NULL;
	close(r->fd);
	r->fd = -1;
	r->next++;
	if (!streq(hex, sum))
		damaged(r, "a part of it is not what was written");
}

static void end_entry(void *ctx)
{
	struct reading *r = ctx;
	struct err bad = ERR_INIT;
	if (r->fd >= 0)
		end_part(r);
	if (r->manifest || r->failed)
		return;
	r->manifest = json_read(r->a, buf_str(&r->text), r->text.len, BUNDLE_MANIFEST, &bad);
	if (!r->manifest)
		damaged(r, bad.text);
	else
		check_manifest(r);
}

static int feed(struct reading *r, struct tar *t, int fd)
{
	char piece[8192];
	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(r->e, "reading %s", r->path);
		if (!n || r->failed || !tar_feed(t, piece, (size_t)n) || r->failed)
			return r->failed ? -1 : 0;
	}
}

static int check_end(struct reading *r, const struct tar *t, int64_t size)
{
	if (r->failed)
		return -1;
	if (tar_broken(t) || !tar_whole(t) || !r->manifest)
		return damaged(r, "it is cut short, or no such archive");
	if (part_at(r, r->next))
		return damaged(r, "a part is missing");
	if (size != r->expected + 2 * BLOCK)
		return damaged(r, "there is something behind its end");
	return 0;
}

int bundle_read(
	struct arena *a, const char *path, const char *dir, struct node **manifest, struct err *e)
{
	struct reading r = { .a = a, .path = path, .dir = dir, .e = e, .fd = -1 };
	struct tar_sink sink = { begin_entry, entry_data, end_entry, &r };
	char unused[HASH_HEX + 1];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(e, "%s", path);
	struct tar *t = tar_new(&sink);
	int rc = fstat(fd, &st) || !S_ISREG(st.st_mode)
			 ? err_set(e, ERR_USAGE, "%s is no file", path)
			 : feed(&r, t, fd);
	rc = rc ? rc : check_end(&r, t, st.st_size);
	if (r.fd >= 0)
		close(r.fd);
	if (r.hash)
		hasher_end(r.hash, unused);
	tar_free(t);
	buf_release(&r.text);
	close(fd);
	*manifest = rc ? NULL : r.manifest;
	return rc;
}
