/*
 * Compressed streams by libarchive's filters, loaded on first use. Comes in: a descriptor, bytes.
 * Goes out: the same bytes, packed or unpacked. What the bytes mean is not known here.
 */
#include "run/files/packed.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "base/text.h"
#include "run/files/libarchive.h"

static int failed(struct archive *a, const char *name, struct err *e)
{
	const char *text = lib_archive_error_string(a);
	return err_set(e, ERR_FAILED, "%s: %s", name, text ? text : "unknown reason");
}

struct unpacking {
	struct archive *archive;
	const char *name;
	int fd, error; /* of read(2) */
	bool ended;
	const char *block; /* unpacked, not given out yet */
	size_t left;
	char chunk[65536];
};

static la_ssize_t from_fd(struct archive *a, void *ctx, const void **data)
{
	struct unpacking *u = ctx;
	ssize_t n;
	(void)a;
	do
		n = read(u->fd, u->chunk, sizeof(u->chunk));
	while (n < 0 && errno == EINTR);
	u->error = n < 0 ? errno : 0;
	*data = u->chunk;
	return n < 0 ? ARCHIVE_FATAL : n;
}

static int read_failed(struct unpacking *u, struct err *e)
{
	if (!u->error)
		return failed(u->archive, u->name, e);
	errno = u->error;
	return err_errno(e, "%s", u->name);
}

struct unpacking *unpacking_new(int fd, const char *name, struct err *e)
{
	struct archive_entry *entry;
	if (libarchive_load(e))
		return NULL;
	struct unpacking *u = xcalloc(1, sizeof(*u));
	u->fd = fd;
	u->name = name;
	u->archive = lib_archive_read_new();
	lib_archive_read_support_filter_bzip2(u->archive);
	lib_archive_read_support_filter_gzip(u->archive);
	lib_archive_read_support_filter_xz(u->archive);
	lib_archive_read_support_filter_zstd(u->archive);
	lib_archive_read_support_format_empty(u->archive);
	lib_archive_read_support_format_raw(u->archive);
	int rc = lib_archive_read_open(u->archive, u, NULL, from_fd, NULL);
	rc = rc < ARCHIVE_WARN ? rc : lib_archive_read_next_header(u->archive, &entry);
	u->ended = rc == ARCHIVE_EOF;
	if (rc >= ARCHIVE_WARN)
		return u;
	read_failed(u, e);
	unpacking_free(u);
	return NULL;
}

/* Not archive_read_data(): that waits until `to` is full, and a slow pipe would hold up all else.
 */
ssize_t unpacking_read(struct unpacking *u, void *to, size_t size, struct err *e)
{
	while (!u->ended && !u->left) {
		const void *block = NULL;
		la_int64_t offset;
		int rc = lib_archive_read_data_block(u->archive, &block, &u->left, &offset);
		u->block = block;
		u->ended = rc == ARCHIVE_EOF;
		if (rc < ARCHIVE_WARN)
			return read_failed(u, e);
	}
	size_t n = u->left < size ? u->left : size;
	if (n)
		memcpy(to, u->block, n);
	u->block += n;
	u->left -= n;
	return (ssize_t)n;
}

void unpacking_free(struct unpacking *u)
{
	if (!u)
		return;
	lib_archive_read_free(u->archive);
	xfree(u);
}

struct packing {
	struct archive *archive;
	const char *name;
	int fd, error; /* of write(2) */
};

static la_ssize_t to_fd(struct archive *a, void *ctx, const void *data, size_t len)
{
	struct packing *p = ctx;
	(void)a;
	if (!fd_write(p->fd, data, len))
		return (la_ssize_t)len;
	p->error = errno;
	return -1;
}

static int write_failed(struct packing *p, struct err *e)
{
	if (!p->error)
		return failed(p->archive, p->name, e);
	errno = p->error;
	return err_errno(e, "writing %s", p->name);
}

static int begin(struct packing *p)
{
	int (*filter)(struct archive *) =
		ends_with(p->name, ".gz")    ? lib_archive_write_add_filter_gzip
		: ends_with(p->name, ".zst") ? lib_archive_write_add_filter_zstd
					     : lib_archive_write_add_filter_none;
	struct archive_entry *entry = lib_archive_entry_new();
	lib_archive_entry_set_pathname(entry, "data");
	lib_archive_entry_set_filetype(entry, AE_IFREG);
	lib_archive_write_set_bytes_per_block(p->archive, 65536);
	lib_archive_write_set_bytes_in_last_block(p->archive, 1);
	bool bad = filter(p->archive) < ARCHIVE_WARN ||
		   lib_archive_write_set_format_raw(p->archive) < ARCHIVE_WARN ||
		   lib_archive_write_open(p->archive, p, NULL, to_fd, NULL) < ARCHIVE_WARN ||
		   lib_archive_write_header(p->archive, entry) < ARCHIVE_WARN;
	lib_archive_entry_free(entry);
	return bad ? -1 : 0;
}

struct packing *packing_new(int fd, const char *name, struct err *e)
{
	if (libarchive_load(e))
		return NULL;
	struct packing *p = xcalloc(1, sizeof(*p));
	p->fd = fd;
	p->name = name;
	p->archive = lib_archive_write_new();
	if (!begin(p))
		return p;
	write_failed(p, e);
	packing_free(p);
	return NULL;
}

int packing_write(struct packing *p, const void *data, size_t len, struct err *e)
{
	return lib_archive_write_data(p->archive, data, len) == (la_ssize_t)len
		       ? 0
		       : write_failed(p, e);
}

int packing_end(struct packing *p, struct err *e)
{
	return lib_archive_write_close(p->archive) < ARCHIVE_WARN ? write_failed(p, e) : 0;
}

void packing_free(struct packing *p)
{
	if (!p)
		return;
	lib_archive_write_free(p->archive);
	xfree(p);
}
