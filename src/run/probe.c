/*
 * The local half of the world: who runs this, what was written and remembered, what inputs hold.
 * Comes in: the project and its places. Goes out: facts in the world. Looks, never touches.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/os.h"
#include "run/files/archive.h"
#include "run/secrets/authority.h"
#include "run/files/git_branch.h"
#include "run/data/initial.h"
#include "run/manifest.h"
#include "run/secrets/marks.h"
#include "run/probe.h"
#include "run/records.h"
#include "run/data/volume_map.h"

enum { INPUT_MAX = 1 << 30 };

/* Under sudo the files of the checkout belong to the caller, and so should those in containers. */
static unsigned long caller_id(const char *variable, unsigned long own)
{
	const char *text = geteuid() ? NULL : getenv(variable);
	int64_t n;
	return text && parse_int(text, &n) && n >= 0 && n <= UINT32_MAX ? (unsigned long)n : own;
}

static void load_manifest(struct arena *a, const struct places *pl, struct world *w)
{
	struct err ignored = ERR_INIT;
	struct manifest m = { .files = { 0 } };
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = path_join(a, pl->dot, "manifest.json");
	if (!file_exists(path) || file_read(path, MANIFEST_MAX, &text, &ignored))
		return;
	manifest_parse(a, &text, &m);
	w->files.items = m.files.items;
	w->files.count = m.files.count;
	w->files.cap = m.files.cap;
}

int probe_local(struct arena *a, const struct project *p, const struct places *pl, struct world *w,
	struct err *e)
{
	struct allocations ports = { 0 };
	if (volume_map_load(a, pl, w, e))
		return -1;
	w->uid = (uid_t)caller_id("SUDO_UID", geteuid());
	w->gid = (gid_t)caller_id("SUDO_GID", getegid());
	w->now = clock_ms() / 1000;
	load_manifest(a, pl, w);
	records_load(a, pl, w);
	marks_load(a, pl, &w->marks);
	initial_list(a, pl, w);
	for (size_t i = 0; i < p->volumes.count && !w->checkout.repository; i++)
		if (p->volumes.items[i].per_branch)
			git_branch_look(a, p->dir, &w->checkout);
	allocations_load(a, pl->state, &ports);
	w->allocations.items = ports.items;
	w->allocations.count = ports.count;
	w->allocations.cap = ports.cap;
	certificate_probe(a, pl, p, w);
	return 0;
}

static int hash_file(const char *path, const struct stat *st, char hex[65], struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (file_read(path, INPUT_MAX, &text, e))
		return -1;
	struct hasher *h = hasher_new();
	hasher_str(h, st->st_mode & 0100 ? "x" : "-");
	hasher_field(h, buf_str(&text), text.len);
	hasher_end(h, hex);
	return 0;
}

int probe_inputs(struct arena *a, const struct strs *paths, struct world *w, struct err *e)
{
	for (size_t i = 0; i < paths->count; i++) {
		const char *path = paths->items[i];
		char hex[HASH_HEX + 1];
		struct stat st;
		if (map_has(&w->inputs, path))
			continue;
		if (stat(path, &st)) {
			if (errno == ENOENT || errno == ENOTDIR)
				continue;
			return err_errno(e, "%s", path);
		}
		if (S_ISDIR(st.st_mode) ? context_hash(a, path, hex, e)
					: hash_file(path, &st, hex, e))
			return -1;
		map_set(&w->inputs, arena_strdup(a, path), arena_strdup(a, hex));
	}
	return 0;
}
