/*
 * Dotted paths: services.api.ports[0], keys with other characters in quotes: labels."a.b".
 * Reads them against a tree and writes them for messages.
 */
#include "doc/node.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

/* A key in quotes (\" and \\ are the only escapes) into out; what follows the closing quote, or
 * NULL. */
static const char *quoted_key(const char *p, struct buf *out)
{
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		buf_addc(out, *p);
	}
	return *p == '"' ? p + 1 : NULL;
}

static const char *bare_key(const char *p, struct buf *out)
{
	size_t len = strcspn(p, ".[\"");
	buf_add(out, p, len);
	return len ? p + len : NULL;
}

/* "[12]" at p: the item of n, and where the path goes on; NULL when bad or absent. */
static struct node *item_at(const struct node *n, const char *p, const char **end)
{
	size_t i = 0;
	const char *d = p + 1;
	for (; isdigit((unsigned char)*d) && d - p < 10; d++)
		i = i * 10 + (size_t)(*d - '0');
	if (d == p + 1 || *d != ']' || n->kind != NODE_LIST || i >= n->list.count)
		return NULL;
	*end = d + 1;
	return n->list.items[i];
}

struct node *node_path(const struct node *n, const char *path)
{
	const char *p = path;
	while (n && *p) {
		if (*p == '[') {
			n = item_at(n, p, &p);
			continue;
		}
		if (p != path && *p++ != '.')
			return NULL;
		cleanup_buf struct buf key = BUF_INIT;
		p = *p == '"' ? quoted_key(p, &key) : bare_key(p, &key);
		n = p ? node_get(n, buf_str(&key)) : NULL;
	}
	return (struct node *)n;
}

const char *path_nearest(struct arena *a, const struct node *n, const char *path)
{
	const char *p = path, *there = "";
	while (n && *p && *p != '[') {
		cleanup_buf struct buf key = BUF_INIT;
		const struct node_pair *pair;
		struct strs names = { 0 };
		p += p != path && *p == '.';
		p = *p == '"' ? quoted_key(p, &key) : bare_key(p, &key);
		const struct node *next = p ? node_get(n, buf_str(&key)) : NULL;
		if (next) {
			there = path_key(a, there, buf_str(&key));
			n = next;
			continue;
		}
		node_each_pair(n, i, pair) strs_add(a, &names, pair->key);
		const char *near = p ? nearest_name(buf_str(&key), names.items, names.count) : NULL;
		if (!near)
			break;
		const char *meant = path_key(a, there, near),
			   *whole = arena_printf(a, "%s%s", meant, p);
		return node_path(node_get(n, near), *p == '.' ? p + 1 : p) ? whole : meant;
	}
	return NULL;
}

static bool bare(const char *key)
{
	return *key && !key[strcspn(key, ".[]\"\\ \t\n")];
}

const char *path_key(struct arena *a, const char *path, const char *key)
{
	const char *dot = path && *path ? "." : "";
	if (bare(key))
		return arena_printf(a, "%s%s%s", path ? path : "", dot, key);
	cleanup_buf struct buf b = BUF_INIT;
	buf_addf(&b, "%s%s\"", path ? path : "", dot);
	for (; *key; key++) {
		if (*key == '"' || *key == '\\')
			buf_addc(&b, '\\');
		buf_addc(&b, *key);
	}
	buf_addc(&b, '"');
	return arena_strndup(a, b.data, b.len);
}

const char *path_index(struct arena *a, const char *path, size_t index)
{
	return arena_printf(a, "%s[%zu]", path ? path : "", index);
}
