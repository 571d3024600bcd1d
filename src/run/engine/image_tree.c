/*
 * One archive out of an image, as it comes. Comes in: its bytes. Goes out: owners and modes of
 * directories, digests of files where they are wanted, what the texts of a system say. Bounded in
 * entries and bytes; writes nothing.
 */
#include <string.h>

#include "base/hash.h"
#include "base/os.h"
#include "run/engine/image_facts.h"
#include "run/files/tar.h"

enum { TEXT_MAX = 32 << 20, ENTRIES_MAX = 200000, DIGEST = 12 };
static const int64_t bytes_max = (int64_t)4 << 30;

struct image_tree {
	struct arena *a;
	struct image_path want;
	struct image_facts *out;
	struct tar *tar;
	size_t entries;
	int64_t bytes;
	bool enough, too_much;
	/* The entry that is on its way. */
	const char *path; /* absolute */
	enum tar_kind kind;
	mode_t mode;
	int64_t uid, gid, size;
	const struct text_file *wanted; /* its text is; NULL: not */
	struct buf text;
	struct hasher *hash; /* NULL: no digest is wanted */
};

/* ---- texts of interest ---- */

static void users(struct arena *a, const char *text, struct image_facts *out)
{
	facts_of_accounts(a, "users", text, out);
}

static void groups(struct arena *a, const char *text, struct image_facts *out)
{
	facts_of_accounts(a, "groups", text, out);
}

static void first_line(struct arena *a, const char *group, const char *name, const char *text,
	struct image_facts *out)
{
	image_fact(a, out, group, name, arena_strndup(a, text, strcspn(text, "\n")));
}

static void debian(struct arena *a, const char *text, struct image_facts *out)
{
	first_line(a, "os", "debian", text, out);
}

static void alpine(struct arena *a, const char *text, struct image_facts *out)
{
	first_line(a, "os", "alpine", text, out);
}

static void zone(struct arena *a, const char *text, struct image_facts *out)
{
	first_line(a, "timezone", "system", text, out);
}

static const struct text_file {
	const char *path;
	void (*read)(struct arena *a, const char *text, struct image_facts *out);
} text_files[] = {
	{ "/etc/passwd", users },
	{ "/etc/group", groups },
	{ "/etc/os-release", facts_of_release },
	{ "/usr/lib/os-release", facts_of_release },
	{ "/etc/debian_version", debian },
	{ "/etc/alpine-release", alpine },
	{ "/etc/timezone", zone },
	{ "/etc/locale.conf", facts_of_locale },
	{ "/etc/default/locale", facts_of_locale },
	{ "/var/lib/dpkg/status", facts_of_dpkg },
	{ "/lib/apk/db/installed", facts_of_apk },
	{ "/usr/lib/apk/db/installed", facts_of_apk },
};

static const struct text_file *text_file(const char *path)
{
	for (size_t i = 0; i < countof(text_files); i++) {
		if (streq(text_files[i].path, path))
			return &text_files[i];
	}
	/* Images without a package manager keep a file per package. */
	static const struct text_file single = { NULL, facts_of_dpkg };
	return starts_with(path, "/var/lib/dpkg/status.d/") && !ends_with(path, ".md5sums")
		       ? &single
		       : NULL;
}

/* ---- entries ---- */

/* "etc/passwd" in an archive of /etc is /etc/passwd. */
static const char *absolute(struct image_tree *t, const char *path)
{
	const char *parent = path_dir(t->a, t->want.path);
	return path_normal(t->a, arena_printf(t->a, "%s/%s", parent, path));
}

static const char *owned(struct image_tree *t, const char *rest)
{
	return arena_printf(t->a, "%04o %lld:%lld%s", (unsigned)t->mode, (long long)t->uid,
		(long long)t->gid, rest);
}

static void take_link(struct image_tree *t, const char *target)
{
	static const char zones[] = "/zoneinfo/";
	const char *name = strstr(target, zones);
	if (streq(t->path, "/etc/localtime"))
		image_fact(t->a, t->out, "timezone", "localtime",
			name ? name + strlen(zones) : target);
	if (t->want.files)
		image_fact(t->a, t->out, "files", t->path, arena_printf(t->a, "-> %s", target));
}

static bool begin_entry(void *ctx, const struct tar_entry *e)
{
	struct image_tree *t = ctx;
	t->bytes += e->size;
	t->too_much = ++t->entries > ENTRIES_MAX || t->bytes > bytes_max;
	if (t->too_much)
		return false;
	t->path = absolute(t, e->path);
	t->kind = e->kind;
	t->mode = e->mode;
	t->uid = e->uid;
	t->gid = e->gid;
	t->size = e->size;
	t->wanted = e->kind == TAR_FILE && e->size <= TEXT_MAX ? text_file(t->path) : NULL;
	t->hash = t->want.files && e->kind == TAR_FILE ? hasher_new() : NULL;
	if (e->kind == TAR_DIR)
		image_fact(t->a, t->out, "directories", t->path, owned(t, ""));
	else if (e->kind == TAR_LINK)
		take_link(t, e->target);
	else if (e->kind == TAR_HARD_LINK && t->want.files)
		image_fact(t->a, t->out, "files", t->path,
			arena_printf(t->a, "-> %s (hard link)", absolute(t, e->target)));
	t->enough = t->want.alone;
	return !t->enough;
}

static void entry_data(void *ctx, const char *data, size_t len)
{
	struct image_tree *t = ctx;
	if (t->wanted)
		buf_add(&t->text, data, len);
	if (t->hash)
		hasher_add(t->hash, data, len);
}

static void end_entry(void *ctx)
{
	struct image_tree *t = ctx;
	char hex[HASH_HEX + 1];
	if (t->wanted)
		t->wanted->read(t->a, buf_str(&t->text), t->out);
	buf_truncate(&t->text, 0);
	if (!t->hash)
		return;
	hasher_end(t->hash, hex);
	t->hash = NULL;
	image_fact(t->a, t->out, "files", t->path,
		owned(t, arena_printf(t->a, " %lld bytes %.*s", (long long)t->size, DIGEST, hex)));
}

/* ---- doors ---- */

struct image_tree *image_tree_new(
	struct arena *a, const struct image_path *path, struct image_facts *out)
{
	struct image_tree *t = xcalloc(1, sizeof(*t));
	t->a = a;
	t->want = *path;
	t->out = out;
	struct tar_sink sink = { begin_entry, entry_data, end_entry, t };
	t->tar = tar_new(&sink);
	return t;
}

bool image_tree_feed(void *tree, const char *data, size_t len)
{
	struct image_tree *t = tree;
	return tar_feed(t->tar, data, len);
}

void image_tree_end(struct image_tree *t, bool there)
{
	char hex[HASH_HEX + 1];
	const char *why = t->too_much                      ? "it holds too much"
			  : t->enough || tar_whole(t->tar) ? NULL
							   : "its archive is broken";
	if (there && why)
		strs_add(t->a, &t->out->unread,
			arena_printf(t->a, "%s was not read to its end: %s", t->want.path, why));
	if (t->hash)
		hasher_end(t->hash, hex);
	tar_free(t->tar);
	buf_release(&t->text);
	xfree(t);
}
