/*
 * Which volume of the engine serves a volume of the project. Comes in and goes out: records of the
 * world and one small JSON file, replaced whole. Knows nothing of what is in them.
 */
#include "run/data/volume_map.h"

#include <errno.h>
#include <unistd.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/files/places.h"

enum { MAP_MAX = 4 << 20 };

static const struct place nowhere;

static const char *map_path(struct arena *a, const struct places *pl)
{
	return path_join(a, pl->state, "volumes.json");
}

static int damaged(const char *path, struct err *e)
{
	err_set(e, ERR_FAILED, "%s is damaged", path);
	err_hint(e, "it names the volumes that hold this workspace's data: put it back, or remove "
		    "it and look at `docker volume ls`");
	return -1;
}

static int load_one(
	struct arena *a, const struct node *n, const char *path, struct world *w, struct err *e)
{
	const struct node *serves = node_get(n, "serves");
	struct volume_record r = {
		.key = node_text(node_get(n, "volume")),
		.branch = node_text(node_get(n, "branch")),
		.engine = node_text(node_get(n, "engine")),
		.before = node_text(node_get(n, "before")),
		.serves = serves && serves->kind == NODE_BOOL && serves->boolean,
	};
	if (!r.key || !r.engine)
		return damaged(path, e);
	*list_push(a, &w->volume_map) = r;
	return 0;
}

static void forget(struct world *w)
{
	w->volume_map.count = 0;
	w->leaving = (struct strs){ 0 };
	w->halted = (struct halted){ 0 };
}

int volume_map_load(struct arena *a, const struct places *pl, struct world *w, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = map_path(a, pl);
	struct node *n;
	int rc = 0;
	forget(w);
	if (!file_exists(path))
		return 0;
	if (file_read(path, MAP_MAX, &text, e))
		return -1;
	struct node *root = json_read(a, buf_str(&text), text.len, path, e);
	if (!root || !node_get(root, "volumes"))
		return damaged(path, e);
	node_each_item(node_get(root, "volumes"), i, n)
	{
		rc = rc ? rc : load_one(a, n, path, w, e);
	}
	w->leaving = (struct strs){ 0 };
	node_texts(a, node_get(root, "leaving"), &w->leaving);
	w->halted.by = node_text(node_path(root, "halted.by"));
	w->halted.services = (struct strs){ 0 };
	node_texts(a, node_path(root, "halted.services"), &w->halted.services);
	return rc;
}

static void put_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (text)
		map_put(a, map, key, nowhere, node_str(a, text, nowhere));
}

static struct node *record_node(struct arena *a, const struct volume_record *r)
{
	struct node *n = node_map(a, nowhere);
	put_text(a, n, "volume", r->key);
	put_text(a, n, "branch", r->branch);
	put_text(a, n, "engine", r->engine);
	put_text(a, n, "before", r->before);
	map_put(a, n, "serves", nowhere, node_bool(a, r->serves, nowhere));
	return n;
}

static struct node *texts_node(struct arena *a, const struct strs *list)
{
	struct node *n = node_list(a, nowhere);
	for (size_t i = 0; i < list->count; i++)
		list_add(a, n, node_str(a, list->items[i], nowhere));
	return n;
}

static struct node *halted_node(struct arena *a, const struct halted *h)
{
	struct node *n = node_map(a, nowhere);
	put_text(a, n, "by", h->by);
	map_put(a, n, "services", nowhere, texts_node(a, &h->services));
	return n;
}

int volume_map_save(const struct places *pl, const struct world *w, struct err *e)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct node *root = node_map(&a, nowhere), *list = node_list(&a, nowhere);
	for (size_t i = 0; i < w->volume_map.count; i++)
		list_add(&a, list, record_node(&a, &w->volume_map.items[i]));
	map_put(&a, root, "version", nowhere, node_int(&a, 1, nowhere));
	map_put(&a, root, "volumes", nowhere, list);
	if (w->leaving.count)
		map_put(&a, root, "leaving", nowhere, texts_node(&a, &w->leaving));
	if (w->halted.services.count)
		map_put(&a, root, "halted", nowhere, halted_node(&a, &w->halted));
	json_write(&text, root, 2);
	if (!buf_ends_with(&text, "\n"))
		buf_addc(&text, '\n');
	int rc = dir_make(pl->state, 0700, e);
	rc = rc ? rc : file_write(map_path(&a, pl), text.data, text.len, 0600, true, e);
	arena_release(&a);
	return rc;
}

struct volume_record *volume_map_at(
	struct arena *a, struct world *w, const char *key, const char *branch)
{
	for (size_t i = 0; i < w->volume_map.count; i++) {
		struct volume_record *r = &w->volume_map.items[i];
		if (streq(r->key, key) && streq(r->branch, branch))
			return r;
	}
	struct volume_record *r = list_push(a, &w->volume_map);
	*r = (struct volume_record){ .key = key, .branch = branch };
	return r;
}

void volume_map_serve(struct world *w, struct volume_record *r)
{
	for (size_t i = 0; i < w->volume_map.count; i++)
		if (streq(w->volume_map.items[i].key, r->key))
			w->volume_map.items[i].serves = false;
	r->serves = true;
}

int volume_map_name(
	struct arena *a, const char *workspace, const char *key, const char **name, struct err *e)
{
	uint32_t random;
	if (random_bytes(&random, sizeof(random), e))
		return -1;
	*name = arena_printf(a, "%s_%s.%08x", workspace, key, random);
	return 0;
}

int volume_map_forget(const struct places *pl, struct world *w, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *path = map_path(&a, pl);
	forget(w);
	int rc = unlink(path) && errno != ENOENT ? err_errno(e, "%s", path) : 0;
	arena_release(&a);
	return rc;
}
