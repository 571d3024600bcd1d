/*
 * What was read from images, kept by their ids. Comes in: facts. Goes out: the same, later. One
 * file per image and set of directories; one that is not understood is as good as none.
 */
#include <string.h>

#include "base/hash.h"
#include "base/os.h"
#include "doc/json.h"
#include "run/engine/image_facts.h"

enum { CACHE_FORMAT = 1, CACHE_MAX = 64 << 20 };

static const struct place no;

static const char *file_of(
	struct arena *a, const char *dir, const char *id, const struct image_ask *ask)
{
	char hex[HASH_HEX + 1];
	struct hasher *h = hasher_new();
	int format = CACHE_FORMAT;
	hasher_field(h, &format, sizeof(format));
	hasher_str(h, id);
	for (size_t i = 0; i < ask->trees.count; i++)
		hasher_str(h, ask->trees.items[i]);
	hasher_field(h, &ask->trees.count, sizeof(ask->trees.count));
	for (size_t i = 0; i < ask->dirs.count; i++)
		hasher_str(h, ask->dirs.items[i]);
	hasher_end(h, hex);
	return arena_printf(a, "%s/images/%s.json", dir, hex);
}

static bool read_fact(struct arena *a, const struct node *n, struct image_facts *out)
{
	if (!n || n->kind != NODE_LIST || n->list.count != 3)
		return false;
	const char *group = node_text(n->list.items[0]), *name = node_text(n->list.items[1]),
		   *value = node_text(n->list.items[2]);
	if (!group || !value)
		return false;
	*list_push(a, &out->items) = (struct image_fact){ group, name, value };
	return true;
}

bool image_cache_load(struct arena *a, const char *dir, const char *id, const struct image_ask *ask,
	struct image_facts *out)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	const struct node *item;
	bool good = true;
	const char *file = file_of(a, dir, id, ask);
	if (!file_exists(file) || file_read(file, CACHE_MAX, &text, &ignored))
		return false;
	struct node *n = json_read(a, buf_str(&text), text.len, "the cache", &ignored);
	const struct node *facts = node_get(n, "facts");
	if (!streq(node_text(node_get(n, "id")), id) || !node_count(facts))
		return false;
	node_each_item(facts, i, item) good = good && read_fact(a, item, out);
	node_texts(a, node_get(n, "unread"), &out->unread);
	if (!good)
		*out = (struct image_facts){ 0 };
	out->id = good ? arena_strdup(a, id) : NULL;
	return good;
}

static struct node *fact_node(struct arena *a, const struct image_fact *f)
{
	struct node *n = node_list(a, no);
	list_add(a, n, node_str(a, f->group, no));
	list_add(a, n, f->name ? node_str(a, f->name, no) : node_null(a, no));
	list_add(a, n, node_str(a, f->value, no));
	return n;
}

void image_cache_save(
	struct arena *a, const char *dir, const struct image_ask *ask, const struct image_facts *f)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	struct node *top = node_map(a, no), *facts = node_list(a, no), *unread = node_list(a, no);
	const char *file = file_of(a, dir, f->id, ask);
	node_reserve(a, facts, f->items.count);
	for (size_t i = 0; i < f->items.count; i++)
		list_add(a, facts, fact_node(a, &f->items.items[i]));
	for (size_t i = 0; i < f->unread.count; i++)
		list_add(a, unread, node_str(a, f->unread.items[i], no));
	map_put(a, top, "id", no, node_str(a, f->id, no));
	map_put(a, top, "facts", no, facts);
	map_put(a, top, "unread", no, unread);
	json_write(&text, top, 0);
	if (dir_make(path_dir(a, file), 0700, &ignored) == 0)
		file_write(file, text.data, text.len, 0600, false, &ignored);
}
