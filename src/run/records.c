/*
 * What is remembered of a workspace between runs: units that were ready, ports that were given.
 * Comes in and goes out: lists of the world, and one small JSON file each, written only when it
 * changed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/records.h"

enum { RECORDS_MAX = 4 << 20 };

/* A file that is absent or damaged is as if nothing were remembered: all of it can be found out
 * again. */
static struct node *read_json(struct arena *a, const char *path)
{
	struct err ignored = ERR_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	if (!file_exists(path) || file_read(path, RECORDS_MAX, &text, &ignored))
		return NULL;
	return json_read(a, buf_str(&text), text.len, path, &ignored);
}

static int64_t number(const struct node *n, const char *key)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_INT ? v->integer : 0;
}

static int write_json(
	const struct places *pl, const char *path, const struct node *n, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	bool changed;
	json_write(&text, n, 2);
	if (!buf_ends_with(&text, "\n"))
		buf_addc(&text, '\n');
	if (dir_make(pl->state, 0700, e))
		return -1;
	return file_update(path, text.data, text.len, 0600, &changed, e);
}

static void put(struct arena *a, struct node *map, const char *key, struct node *value)
{
	struct place none = { 0 };
	map_put(a, map, key, none, value);
}

char *mount_identity(struct arena *a, const char *path)
{
	struct stat st;
	if (stat(path, &st))
		return arena_printf(a, "- %s", path);
	return arena_printf(a, "%llx:%llx %s", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino, path);
}

/* What was deleted and made again, as by `git clean`, is another directory of the same name. */
static void load_mounts(struct arena *a, const struct node *list, struct unit_record *r)
{
	const struct node *n;
	node_each_item(list, i, n)
	{
		const char *was = node_text(n), *path = was ? strchr(was, ' ') : NULL;
		if (!path)
			continue;
		strs_add(a, &r->mounts, was);
		if (!r->stale && !streq(mount_identity(a, path + 1), was))
			r->stale = path + 1;
	}
}

void records_load(struct arena *a, const struct places *pl, struct world *w)
{
	struct node *root = read_json(a, path_join(a, pl->state, "records.json")), *n;
	node_each_item(node_get(root, "units"), i, n)
	{
		const char *service = node_text(node_get(n, "service"));
		if (!service)
			continue;
		struct unit_record *r = list_push(a, &w->records);
		*r = (struct unit_record){
			.service = service,
			.container = node_text(node_get(n, "container")),
			.ready_at = number(n, "ready_at"),
			.job_hash = node_text(node_get(n, "job_hash")),
		};
		load_mounts(a, node_get(n, "mounts"), r);
	}
}

int records_save(const struct places *pl, const struct world *w, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct place none = { 0 };
	struct node *root = node_map(&a, none), *list = node_list(&a, none);
	for (size_t i = 0; i < w->records.count; i++) {
		const struct unit_record *r = &w->records.items[i];
		struct node *n = node_map(&a, none);
		put(&a, n, "service", node_str(&a, r->service, none));
		if (r->container)
			put(&a, n, "container", node_str(&a, r->container, none));
		put(&a, n, "ready_at", node_int(&a, r->ready_at, none));
		if (r->job_hash)
			put(&a, n, "job_hash", node_str(&a, r->job_hash, none));
		struct node *mounts = node_list(&a, none);
		for (size_t k = 0; k < r->mounts.count; k++)
			list_add(&a, mounts, node_str(&a, r->mounts.items[k], none));
		if (r->mounts.count)
			put(&a, n, "mounts", mounts);
		list_add(&a, list, n);
	}
	put(&a, root, "version", node_int(&a, 1, none));
	put(&a, root, "units", list);
	int rc = write_json(pl, path_join(&a, pl->state, "records.json"), root, e);
	arena_release(&a);
	return rc;
}

/* Of a container that is another one by now nothing is known. */
static bool is_later(const struct unit_record *now, const struct unit_record *seen)
{
	return seen->container && seen->ready_at > now->ready_at &&
	       (!now->container || streq(now->container, seen->container));
}

static void note_one(struct arena *a, struct world *w, const struct unit_record *seen)
{
	struct unit_record *r = NULL;
	for (size_t i = 0; i < w->records.count && !r; i++) {
		if (streq(w->records.items[i].service, seen->service))
			r = &w->records.items[i];
	}
	if (!r) {
		r = list_push(a, &w->records);
		*r = (struct unit_record){ .service = seen->service };
	}
	if (!is_later(r, seen))
		return;
	r->container = seen->container;
	r->ready_at = seen->ready_at;
}

int records_note(const struct places *pl, const struct world *seen, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct world w = { .now = 0 };
	records_load(&a, pl, &w);
	for (size_t i = 0; i < seen->records.count; i++)
		note_one(&a, &w, &seen->records.items[i]);
	int rc = records_save(pl, &w, e);
	arena_release(&a);
	return rc;
}

void allocations_load(struct arena *a, const char *state, struct allocations *out)
{
	struct node *root = read_json(a, path_join(a, state, "ports.json")), *n;
	node_each_item(node_get(root, "ports"), i, n)
	{
		const char *service = node_text(node_get(n, "service"));
		const char *protocol = node_text(node_get(n, "protocol"));
		int64_t target = number(n, "target"), published = number(n, "published");
		if (service && protocol && published > 0 && published < 65536)
			*list_push(a, out) = (struct allocation){ .service = service,
				.protocol = protocol,
				.target = (int)target,
				.published = (int)published,
				.moved_from = (int)number(n, "moved_from"),
				.holder = node_text(node_get(n, "holder")) };
	}
}

int allocations_save(const struct places *pl, const struct allocations *list, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct place none = { 0 };
	struct node *root = node_map(&a, none), *ports = node_list(&a, none);
	for (size_t i = 0; i < list->count; i++) {
		const struct allocation *p = &list->items[i];
		struct node *n = node_map(&a, none);
		put(&a, n, "service", node_str(&a, p->service, none));
		put(&a, n, "target", node_int(&a, p->target, none));
		put(&a, n, "protocol", node_str(&a, p->protocol, none));
		put(&a, n, "published", node_int(&a, p->published, none));
		if (p->moved_from)
			put(&a, n, "moved_from", node_int(&a, p->moved_from, none));
		if (p->moved_from && p->holder)
			put(&a, n, "holder", node_str(&a, p->holder, none));
		list_add(&a, ports, n);
	}
	put(&a, root, "version", node_int(&a, 1, none));
	put(&a, root, "ports", ports);
	int rc = write_json(pl, path_join(&a, pl->state, "ports.json"), root, e);
	arena_release(&a);
	return rc;
}
