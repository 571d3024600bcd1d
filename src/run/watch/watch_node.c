/*
 * The nodes of a watched tree, one a directory. Comes in: parents and names. Goes out: nodes,
 * paths. Found by parent and name in one table, so that a directory of thousands costs no more than
 * one.
 */
#include <string.h>

#include "base/text.h"
#include "watch_parts.h"

static void add_path(const struct watch_node *n, const char *name, struct buf *out)
{
	if (n && n->parent)
		add_path(n->parent, n->name, out);
	if (out->len && *name)
		buf_addc(out, '/');
	buf_adds(out, name);
}

void spot_path(const struct watch_node *n, const char *name, struct buf *out)
{
	buf_truncate(out, 0);
	add_path(n, name, out);
}

static size_t slot_of(const struct watch_tree *t, const struct watch_node *parent, const char *name)
{
	uint64_t h =
		hash_bytes(name, strlen(name)) ^ ((uint64_t)(uintptr_t)parent * 0x9e3779b97f4a7c15);
	return (h ^ h >> 32) & (t->table_size - 1);
}

struct watch_node *spot_find(
	const struct watch_tree *t, const struct watch_node *parent, const char *name)
{
	struct watch_node *n = t->table_size ? t->table[slot_of(t, parent, name)] : NULL;
	while (n && (n->parent != parent || !streq(n->name, name)))
		n = n->chain;
	return n;
}

static void table_grow(struct watch_tree *t)
{
	struct watch_node **old = t->table;
	size_t count = t->table_size;
	t->table_size = count ? 2 * count : 32;
	t->table = xcalloc(t->table_size, sizeof(struct watch_node *));
	for (size_t i = 0; i < count; i++)
		for (struct watch_node *n = old[i], *next; n; n = next) {
			next = n->chain;
			size_t slot = slot_of(t, n->parent, n->name);
			n->chain = t->table[slot];
			t->table[slot] = n;
		}
	xfree(old);
}

struct watch_node *spot_new(struct watch_tree *t, struct watch_node *parent, const char *name)
{
	size_t len = strlen(name) + 1;
	struct watch_node *n = xcalloc(1, sizeof(*n) + len);
	memcpy(n->name, name, len);
	n->tree = t;
	n->spot.fn = spot_event;
	n->parent = parent;
	if (t->nodes >= t->table_size)
		table_grow(t);
	size_t slot = slot_of(t, parent, name);
	n->chain = t->table[slot];
	t->table[slot] = n;
	t->nodes++;
	if (parent) {
		n->sibling = parent->children;
		parent->children = n;
	} else {
		t->top = n;
	}
	return n;
}

static void node_free(struct watch_tree *t, struct watch_node *n)
{
	struct watch_node **at = &t->table[slot_of(t, n->parent, n->name)];
	while (*at != n)
		at = &(*at)->chain;
	*at = n->chain;
	t->nodes--;
	if (n->spot.backend)
		n->spot.backend->ops->drop(&n->spot);
	git_level_free(n->level);
	xfree(n);
}

static void subtree_free(struct watch_tree *t, struct watch_node *n)
{
	for (struct watch_node *c = n->children, *next; c; c = next) {
		next = c->sibling;
		subtree_free(t, c);
	}
	node_free(t, n);
}

void spot_drop(struct watch_tree *t, struct watch_node *n)
{
	struct watch_node **at = n->parent ? &n->parent->children : &t->top;
	while (*at != n)
		at = &(*at)->sibling;
	*at = n->sibling;
	subtree_free(t, n);
}
