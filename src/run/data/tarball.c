/*
 * Tar archives from descriptor to descriptor, by libarchive, loaded on first use. Comes in: a
 * stream. Goes out: the same entries as another one, each looked at on the way. What may be in one
 * is tarball_rules.c's to say.
 */
#include "run/data/tarball.h"

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "base/text.h"
#include "run/files/libarchive.h"

int tarball_load(struct err *e)
{
	return libarchive_load(e);
}

enum { PIECE = 256 * 1024 };

struct passage { /* one archive on its way */
	struct archive *in, *out;
	struct conduit *volume;              /* the one end of it */
	int file;                            /* the other */
	int error;                           /* errno of the file */
	struct hasher *hash;                 /* of the file */
	int64_t length;                      /* the same, so far */
	const struct tarball_budget *budget; /* NULL: packing */
	struct tarball_facts *facts;
	struct tarball_rules rules;
	char read_buf[PIECE], piece[PIECE];
};

static void sum(struct passage *p, const void *data, size_t len)
{
	hasher_add(p->hash, data, len);
	p->length += (int64_t)len;
}

static la_ssize_t from_file(struct archive *a, void *ctx, const void **data)
{
	struct passage *p = ctx;
	ssize_t n;
	(void)a;
	do
		n = read(p->file, p->read_buf, sizeof(p->read_buf));
	while (n < 0 && errno == EINTR);
	p->error = n < 0 ? errno : 0;
	*data = p->read_buf;
	if (n > 0)
		sum(p, p->read_buf, (size_t)n);
	return n < 0 ? ARCHIVE_FATAL : n;
}

static la_ssize_t to_file(struct archive *a, void *ctx, const void *data, size_t len)
{
	struct passage *p = ctx;
	(void)a;
	if (fd_write(p->file, data, len)) {
		p->error = errno;
		return -1;
	}
	sum(p, data, len);
	return (la_ssize_t)len;
}

static la_ssize_t from_volume(struct archive *a, void *ctx, const void **data)
{
	struct passage *p = ctx;
	const char *block;
	(void)a;
	ssize_t n = conduit_take(p->volume, &block);
	*data = block;
	return n < 0 ? ARCHIVE_FATAL : n;
}

static la_ssize_t to_volume(struct archive *a, void *ctx, const void *data, size_t len)
{
	struct passage *p = ctx;
	(void)a;
	return conduit_put(p->volume, data, len) ? (la_ssize_t)len : -1;
}

static int failed(const struct passage *p, struct archive *a, struct err *e)
{
	const char *text = lib_archive_error_string(a);
	errno = p->error;
	if (errno)
		return err_errno(e, "the archive");
	return err_set(e, ERR_FAILED, "the archive: %s", text ? text : "unknown reason");
}

static int open_both(struct passage *p, struct err *e)
{
	bool packs = !p->budget;
	lib_archive_read_support_format_tar(p->in);
	if (!packs)
		lib_archive_read_support_filter_all(p->in);
	if (lib_archive_read_open(p->in, p, NULL, packs ? from_volume : from_file, NULL) <
		ARCHIVE_WARN)
		return failed(p, p->in, e);
	lib_archive_write_set_format_pax_restricted(p->out);
	lib_archive_write_set_bytes_per_block(p->out, PIECE);
	lib_archive_write_set_bytes_in_last_block(p->out, 1);
	if (packs && (lib_archive_write_add_filter_zstd(p->out) < ARCHIVE_WARN ||
			     lib_archive_write_set_filter_option(
				     p->out, "zstd", "compression-level", "1") < ARCHIVE_WARN))
		return failed(p, p->out, e);
	return lib_archive_write_open(p->out, p, NULL, packs ? to_file : to_volume, NULL) <
			       ARCHIVE_WARN
		       ? failed(p, p->out, e)
		       : 0;
}

static bool is_device(unsigned type)
{
	return type == AE_IFBLK || type == AE_IFCHR;
}

/* Type and rights of what is to be unpacked. */
static int check_kind(
	struct passage *p, struct archive_entry *entry, const char *name, struct err *e)
{
	unsigned type = lib_archive_entry_filetype(entry);
	bool special = type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK &&
		       !(type == AE_IFIFO && !p->budget->foreign);
	if (special && !(type == 0 && lib_archive_entry_hardlink(entry)))
		return err_set(e, ERR_FAILED,
			"\"%.200s\" in the archive is a device or another special file", name);
	if (!p->budget->foreign)
		return 0;
	lib_archive_entry_set_perm(
		entry, lib_archive_entry_perm(entry) & (mode_t) ~(S_ISUID | S_ISGID));
	lib_archive_entry_xattr_clear(entry);
	return 0;
}

/* The entry under its name in the volume. */
static int check(struct passage *p, struct archive_entry *entry, struct err *e)
{
	bool foreign = p->budget && p->budget->foreign;
	const char *given = lib_archive_entry_pathname(entry),
		   *link = lib_archive_entry_hardlink(entry);
	const char *name = tarball_name(&p->rules, given, foreign, e);
	if (!name || (p->budget && check_kind(p, entry, name, e)))
		return -1;
	lib_archive_entry_set_pathname(entry, name);
	if (link) {
		link = tarball_name(&p->rules, link, foreign, e);
		if (!link)
			return -1;
		lib_archive_entry_set_hardlink(entry, link);
	}
	if (lib_archive_entry_filetype(entry) == AE_IFLNK)
		tarball_note_link(&p->rules, name);
	return 0;
}

static int count(struct passage *p, int64_t entries, int64_t bytes, struct err *e)
{
	struct tarball_facts *f = p->facts;
	f->entries += entries;
	f->bytes += bytes;
	if (!p->budget || (f->entries <= p->budget->entries && f->bytes <= p->budget->bytes))
		return 0;
	return err_set(e, ERR_FAILED,
		"the archive holds more than it may: %lld entries and %lld bytes at most",
		(long long)p->budget->entries, (long long)p->budget->bytes);
}

static unsigned depth_of(const char *name)
{
	unsigned n = 0;
	for (; *name; name++)
		n += *name == '/';
	return n;
}

/* The uppermost file that names a server counts: PostgreSQL has one per database, too. */
static void recognise(struct tarball_facts *f, const char *name, const char *data, size_t len)
{
	const char *engine = tarball_mark(name);
	unsigned depth = depth_of(name);
	char version[32];
	if (!engine || (f->engine[0] && f->depth <= depth) ||
		!tarball_version(engine, data, len, version))
		return;
	memcpy(f->version, version, sizeof(version));
	memcpy(f->engine, engine, strlen(engine) + 1);
	f->depth = depth;
}

static int copy_data(struct passage *p, const char *name, struct err *e)
{
	bool first = true;
	for (;;) {
		la_ssize_t n = lib_archive_read_data(p->in, p->piece, sizeof(p->piece));
		if (n < 0)
			return failed(p, p->in, e);
		if (n == 0)
			return 0;
		if (first)
			recognise(p->facts, name, p->piece, (size_t)n);
		first = false;
		if (count(p, 0, n, e))
			return -1;
		if (lib_archive_write_data(p->out, p->piece, (size_t)n) != n)
			return failed(p, p->out, e);
	}
}

static int copy_entry(struct passage *p, struct archive_entry *entry, struct err *e)
{
	if (!p->budget && is_device(lib_archive_entry_filetype(entry))) {
		p->facts->left_out++;
		return 0;
	}
	if (check(p, entry, e) || count(p, 1, 0, e))
		return -1;
	/* Told before they are read: what is over budget is not even begun. */
	if (p->budget && lib_archive_entry_size(entry) > p->budget->bytes - p->facts->bytes)
		return count(p, 0, p->budget->bytes + 1, e);
	lib_archive_entry_sparse_clear(entry);
	if (lib_archive_write_header(p->out, entry) < ARCHIVE_WARN)
		return failed(p, p->out, e);
	return lib_archive_entry_size(entry) > 0
		       ? copy_data(p, lib_archive_entry_pathname(entry), e)
		       : 0;
}

static int copy_all(struct passage *p, struct err *e)
{
	struct archive_entry *entry;
	int got, rc = 0;
	while (!rc && (got = lib_archive_read_next_header(p->in, &entry)) != ARCHIVE_EOF)
		rc = got < ARCHIVE_WARN ? failed(p, p->in, e) : copy_entry(p, entry, e);
	if (!rc && lib_archive_write_close(p->out) < ARCHIVE_WARN)
		rc = failed(p, p->out, e);
	return rc;
}

/* What is behind the archive is a part of the file, too. */
static int read_rest(struct passage *p, struct err *e)
{
	const void *data;
	la_ssize_t n;
	do
		n = from_file(p->in, p, &data);
	while (n > 0);
	return n < 0 ? err_errno(e, "the archive") : 0;
}

/* libarchive reads names by the locale of the thread. */
static int pass(struct passage *p, struct tarball_sum *of_file, struct err *e)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
	*p->facts = (struct tarball_facts){ 0 };
	p->hash = hasher_new();
	p->in = lib_archive_read_new();
	p->out = lib_archive_write_new();
	int rc = open_both(p, e);
	rc = rc ? rc : copy_all(p, e);
	rc = rc || !p->budget ? rc : read_rest(p, e);
	lib_archive_read_free(p->in);
	lib_archive_write_free(p->out);
	tarball_rules_release(&p->rules);
	hasher_end(p->hash, of_file->hex);
	of_file->len = p->length;
	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
	return rc;
}

int tarball_pack(struct conduit *from, int to, struct tarball_facts *f, struct tarball_sum *of_file,
	struct err *e)
{
	struct passage *p = xcalloc(1, sizeof(*p));
	p->volume = from;
	p->file = to;
	p->facts = f;
	int rc = pass(p, of_file, e);
	xfree(p);
	return rc;
}

int tarball_unpack(int from, struct conduit *to, const struct tarball_budget *b,
	struct tarball_facts *f, struct tarball_sum *of_file, struct err *e)
{
	struct passage *p = xcalloc(1, sizeof(*p));
	p->volume = to;
	p->file = from;
	p->facts = f;
	p->budget = b;
	int rc = pass(p, of_file, e);
	xfree(p);
	return rc;
}

int tarball_sum_up(int fd, struct tarball_sum *of_file, struct err *e)
{
	struct passage *p = xcalloc(1, sizeof(*p));
	p->file = fd;
	p->hash = hasher_new();
	int rc = read_rest(p, e);
	hasher_end(p->hash, of_file->hex);
	of_file->len = p->length;
	xfree(p);
	return rc;
}
