/*
 * The store of snapshots: a directory of directories. Comes in: names and what is to be under them.
 * Goes out: whole snapshots only. Knows nothing of volumes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doc/json.h"
#include "snapshot_meta.h"

#define DRAFT ".draft-"
#define DRAFT_LOCK ".lock"
enum { STORE_WAIT_MS = 10000 };

const char *snapshots_dir(struct arena *a, const struct places *pl, const char *project)
{
	return arena_printf(a, "%s/snapshots/%s", pl->data, project);
}

bool snapshot_name_fits(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-";
	size_t len = strlen(name);
	return len && len <= 200 && strspn(name, plain) == len && !strchr("._-", *name);
}

static int newest_first(const void *a, const void *b)
{
	const struct snapshot *x = a, *y = b;
	if (x->time_ms != y->time_ms)
		return x->time_ms > y->time_ms ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* A clock that was wrong once must not make every later snapshot the oldest, which goes first. */
static void future_last(struct arena *a, struct snapshots *s, int64_t now)
{
	size_t n = 0;
	while (n < s->count && s->items[n].time_ms > now)
		n++;
	const struct snapshot *future = arena_copy(a, s->items, n * sizeof(*s->items));
	memmove(s->items, s->items + n, (s->count - n) * sizeof(*s->items));
	memcpy(s->items + s->count - n, future, n * sizeof(*s->items));
}

int snapshots_list(
	struct arena *a, const char *dir, struct snapshots *out, struct strs *bad, struct err *e)
{
	struct dirent *entry;
	struct snapshot s;
	DIR *d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : err_errno(e, "%s", dir);
	while ((entry = readdir(d))) {
		struct err ignored = ERR_INIT;
		if (entry->d_name[0] == '.')
			continue;
		if (snapshot_read(a, path_join(a, dir, entry->d_name), &s, &ignored))
			strs_add(a, bad, arena_strdup(a, entry->d_name));
		else
			*list_push(a, out) = s;
	}
	closedir(d);
	if (!out->count)
		return 0;
	qsort(out->items, out->count, sizeof(*out->items), newest_first);
	future_last(a, out, clock_ms());
	return 0;
}

/* ---- drafts ---- */

static int store_lock(const char *store, struct lock *l, struct err *e)
{
	struct arena a = ARENA_INIT;
	int rc = dir_make(store, 0700, e);
	rc = rc ? rc : lock_take(l, path_join(&a, store, ".store-lock"), STORE_WAIT_MS, e);
	arena_release(&a);
	return rc;
}

static char *draft_name(const char *store, struct err *e)
{
	uint32_t random;
	cleanup_buf struct buf b = BUF_INIT;
	if (random_bytes(&random, sizeof(random), e))
		return NULL;
	buf_addf(&b, "%s/" DRAFT "%08x", store, random);
	return xstrdup(b.data);
}

int snapshot_begin(const char *store, struct snapshot_draft *d, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct lock l = { .fd = -1 };
	*d = (struct snapshot_draft){ .lock = { .fd = -1 } };
	int rc = store_lock(store, &l, e);
	d->dir = rc ? NULL : draft_name(store, e);
	if (!d->dir || dir_make(d->dir, 0700, e) ||
		lock_take(&d->lock, path_join(&a, d->dir, DRAFT_LOCK), 0, e)) {
		snapshot_abandon(d);
		rc = -1;
	}
	lock_drop(&l);
	arena_release(&a);
	return rc;
}

static int sync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) ? err_errno(e, "%s", path) : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

static int name_it(const char *from, const char *to, const char *name, struct err *e)
{
	struct stat st;
	bool there = !lstat(to, &st);
	if (!there && !rename(from, to))
		return 0;
	if (!there && errno != EEXIST && errno != ENOTEMPTY)
		return err_errno(e, "%s", to);
	err_set(e, ERR_USAGE, "snapshot %s exists already", name);
	err_hint(e, "`devenv snapshot rm %s` removes it", name);
	return -1;
}

/* Under the store's lock: between the draft's own lock and its name nobody else looks. */
static int publish(struct arena *a, const struct snapshot_draft *d, const char *store,
	const struct snapshot *s, struct err *e)
{
	struct lock l = { .fd = -1 };
	if (store_lock(store, &l, e))
		return -1;
	unlink(path_join(a, d->dir, DRAFT_LOCK));
	int rc = sync_dir(d->dir, e);
	rc = rc ? rc : name_it(d->dir, path_join(a, store, s->name), s->name, e);
	rc = rc ? rc : sync_dir(store, e);
	lock_drop(&l);
	return rc;
}

int snapshot_commit(
	struct snapshot_draft *d, const char *store, const struct snapshot *s, struct err *e)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	json_write(&text, snapshot_node(&a, s), 2);
	if (!buf_ends_with(&text, "\n"))
		buf_addc(&text, '\n');
	int rc = file_write(
		path_join(&a, d->dir, SNAPSHOT_META), text.data, text.len, 0600, true, e);
	rc = rc ? rc : publish(&a, d, store, s, e);
	arena_release(&a);
	return rc;
}

void snapshot_abandon(struct snapshot_draft *d)
{
	struct err ignored = ERR_INIT;
	if (d->dir)
		tree_remove(d->dir, &ignored);
	lock_drop(&d->lock);
	xfree(d->dir);
	d->dir = NULL;
}

int snapshot_remove(const char *dir, const struct snapshot *s, struct err *e)
{
	struct lock l = { .fd = -1 };
	char *away = store_lock(dir, &l, e) ? NULL : draft_name(dir, e);
	int rc = away ? 0 : -1;
	if (!rc && rename(s->dir, away))
		rc = err_errno(e, "%s", s->dir);
	rc = rc ? rc : tree_remove(away, e);
	lock_drop(&l);
	xfree(away);
	return rc;
}

/* Its maker holds its lock for as long as it lives. */
static int sweep_one(struct arena *a, const char *path, struct err *e)
{
	struct lock l = { .fd = -1 };
	struct err busy = ERR_INIT;
	if (lock_take(&l, path_join(a, path, DRAFT_LOCK), 0, &busy) && busy.code == ERR_BUSY)
		return 0;
	int rc = tree_remove(path, e);
	lock_drop(&l);
	return rc;
}

int snapshots_sweep(const char *dir, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct lock l = { .fd = -1 };
	struct dirent *entry;
	int rc = 0;
	if (!dir_exists(dir))
		return 0;
	DIR *d = store_lock(dir, &l, e) ? NULL : opendir(dir);
	while (d && !rc && (entry = readdir(d)))
		if (starts_with(entry->d_name, DRAFT))
			rc = sweep_one(&a, path_join(&a, dir, entry->d_name), e);
	rc = d ? rc : -1;
	if (d)
		closedir(d);
	lock_drop(&l);
	arena_release(&a);
	return rc;
}
