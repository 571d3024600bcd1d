/*
 * The index of git, versions 2 to 4. Comes in: a repository's directory. Goes out: the set of names
 * in it, as hashes of 64 bits: a watcher of ten thousands of files keeps no list of them.
 */
#include <string.h>

#include "base/map.h"
#include "base/os.h"
#include "run/files/git_files.h"

enum { INDEX_MAX = 512 << 20, HEADER = 12, STATS = 40, SHA1 = 20, SHA256 = 32, EXTENDED = 0x4000 };

struct reader {
	const unsigned char *at, *end;
	unsigned version, entries;
	size_t id; /* bytes of an object's name */
	struct buf name;
	struct git_names *out;
};

static unsigned number(const unsigned char *p, size_t len)
{
	unsigned out = 0;
	for (size_t i = 0; i < len; i++)
		out = out << 8 | p[i];
	return out;
}

static void put(struct git_names *n, uint64_t hash);

static void grow(struct git_names *n)
{
	struct git_names old = *n;
	n->size = old.size ? 2 * old.size : 256;
	n->slots = xcalloc(n->size, sizeof(*n->slots));
	n->count = 0;
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i])
			put(n, old.slots[i]);
	xfree(old.slots);
}

static void put(struct git_names *n, uint64_t hash)
{
	if (4 * (n->count + 1) > 3 * n->size)
		grow(n);
	size_t i = hash & (n->size - 1);
	while (n->slots[i] && n->slots[i] != hash)
		i = (i + 1) & (n->size - 1);
	n->count += !n->slots[i];
	n->slots[i] = hash;
}

static uint64_t hash_of(const char *path, size_t len)
{
	uint64_t h = hash_bytes(path, len);
	h ^= h >> 29;
	return h ? h : 1;
}

bool git_names_have(const struct git_names *n, const char *path)
{
	uint64_t hash = hash_of(path, strlen(path));
	size_t i = n->size ? hash & (n->size - 1) : 0;
	while (n->size && n->slots[i] && n->slots[i] != hash)
		i = (i + 1) & (n->size - 1);
	return n->size && n->slots[i];
}

void git_names_release(struct git_names *n)
{
	xfree(n->slots);
	*n = (struct git_names){ 0 };
}

/* kept: bytes that the name shares with the one before it, whose directories are known. */
static void add_name(struct reader *r, size_t kept)
{
	const char *name = buf_str(&r->name);
	for (size_t i = kept; i < r->name.len; i++)
		if (name[i] == '/')
			put(r->out, hash_of(name, i));
	put(r->out, hash_of(name, r->name.len));
}

/* Version 4: how much of the last name goes away, in git's own variable length. */
static bool stripped(struct reader *r, size_t *out)
{
	size_t value = 0;
	unsigned char c = 0x80;
	for (int i = 0; i < 5 && (c & 0x80) && r->at < r->end; i++) {
		c = *r->at++;
		value = i ? ((value + 1) << 7) + (c & 0x7f) : (size_t)(c & 0x7f);
	}
	*out = value;
	return !(c & 0x80) && value <= r->name.len;
}

static size_t shared(const struct buf *last, const char *name, size_t len)
{
	size_t i = 0;
	while (i < last->len && i < len && last->data[i] == name[i])
		i++;
	return i;
}

static bool read_entry(struct reader *r)
{
	const unsigned char *start = r->at;
	size_t fixed = STATS + r->id + 2, strip = 0;
	if ((size_t)(r->end - r->at) < fixed + 2)
		return false;
	unsigned flags = number(r->at + fixed - 2, 2), len = flags & 0xfff;
	r->at += fixed + (flags & EXTENDED ? 2 : 0);
	if (r->version == 4 && !stripped(r, &strip))
		return false;
	const char *name = (const char *)r->at;
	const unsigned char *nul = memchr(r->at, 0, (size_t)(r->end - r->at));
	if (!nul)
		return false;
	size_t rest = (size_t)(nul - r->at);
	size_t kept = r->version == 4 ? r->name.len - strip : shared(&r->name, name, rest);
	size_t from = r->version == 4 ? 0 : kept;
	buf_truncate(&r->name, kept);
	buf_add(&r->name, name + from, rest - from);
	if (len != 0xfff && len != r->name.len)
		return false;
	add_name(r, kept);
	r->at = r->version == 4 ? nul + 1 : start + ((size_t)(nul - start) + 8) / 8 * 8;
	return r->at <= r->end;
}

static bool read_entries(struct reader *r)
{
	for (unsigned i = 0; i < r->entries; i++)
		if (!read_entry(r))
			return false;
	return true;
}

/* A split index names the file that has most of it. What is gone from that one counts as known:
 * that errs towards watching. */
static char *shared_index(struct arena *a, const struct reader *r, const char *dir)
{
	cleanup_buf struct buf hex = BUF_INIT;
	for (const unsigned char *p = r->at; r->end - p >= 8 + (ptrdiff_t)r->id;) {
		size_t size = number(p + 4, 4);
		if (!memcmp(p, "link", 4) && size >= r->id) {
			for (size_t i = 0; i < r->id; i++)
				buf_addf(&hex, "%02x", p[8 + i]);
			return arena_printf(a, "%s/sharedindex.%s", dir, buf_str(&hex));
		}
		if (size > (size_t)(r->end - p) - 8)
			break;
		p += 8 + size;
	}
	return NULL;
}

/* The names of objects are 20 bytes or 32: read with the wrong one, the entries make no sense. */
static char *read_index(struct git_names *n, struct arena *a, const char *file, const char *dir)
{
	static const size_t ids[] = { SHA1, SHA256 };
	cleanup_buf struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	if (file_read(file, INDEX_MAX, &text, &e) || text.len < HEADER ||
		memcmp(text.data, "DIRC", 4))
		return NULL;
	const unsigned char *data = (const unsigned char *)text.data;
	char *more = NULL;
	for (size_t i = 0; i < countof(ids); i++) {
		struct git_names own = { 0 };
		struct reader r = { .at = data + HEADER,
			.end = data + text.len,
			.version = number(data + 4, 4),
			.entries = number(data + 8, 4),
			.id = ids[i],
			.out = n->count ? n : &own };
		bool good = r.version >= 2 && r.version <= 4 && read_entries(&r);
		buf_release(&r.name);
		if (good && !n->count)
			*n = own;
		else
			git_names_release(&own);
		if (good) {
			more = shared_index(a, &r, dir);
			break;
		}
	}
	return more;
}

void git_names_read(struct git_names *n, const char *dir)
{
	struct arena a = ARENA_INIT;
	*n = (struct git_names){ 0 };
	const char *more = read_index(n, &a, path_join(&a, dir, "index"), dir);
	if (more)
		read_index(n, &a, more, dir);
	arena_release(&a);
}
