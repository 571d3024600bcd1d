/*
 * What data volumes know of secrets. Comes in: the workspace's state, labels. Goes out: marks,
 * which are compared elsewhere. A record that is absent or damaged is as if nothing were
 * remembered.
 */
#include "run/secrets/marks.h"

#include <string.h>

#include "base/os.h"
#include "doc/json.h"
#include "doc/record.h"
#include "run/secrets/keys.h"
#include "run/secrets/private.h"

enum { MARKS_MAX = 1 << 20, MARK_HEX = 64 };

const char marks_label[] = "devenv.secrets";

static int read_key(const char *path, unsigned char key[32], struct err *e)
{
	struct buf text = BUF_INIT;
	int rc = file_read(path, KEYED_HASH_KEY, &text, e);
	if (!rc && text.len != KEYED_HASH_KEY) {
		rc = err_set(e, ERR_FAILED, "the key of fingerprints %s is damaged", path);
		err_hint(e, "restore it from a backup, or remove it: what the volumes of this "
			    "machine were initialised with is not known any more then");
	}
	if (!rc)
		memcpy(key, text.data, KEYED_HASH_KEY);
	buf_wipe(&text);
	return rc;
}

int marks_key(const struct places *pl, bool create, unsigned char key[32], struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *path = path_join(&a, pl->data, "fingerprint.key");
	int rc = private_check(path, "key of fingerprints", e);
	if (rc == 0)
		rc = read_key(path, key, e);
	else if (rc > 0 && create)
		rc = dir_make(pl->data, 0700, e) || random_bytes(key, KEYED_HASH_KEY, e) ||
				     file_write(path, key, KEYED_HASH_KEY, 0600, true, e)
			     ? -1
			     : 0;
	arena_release(&a);
	return rc;
}

const char *marks_machine(struct arena *a, const struct places *pl)
{
	static const char what[] = "machine";
	unsigned char key[KEYED_HASH_KEY];
	char hex[65];
	struct err none = ERR_INIT;
	if (marks_key(pl, false, key, &none))
		return "";
	keyed_hash(key, sizeof(key), what, sizeof(what), hex);
	explicit_bzero(key, sizeof(key));
	return arena_strdup(a, hex);
}

static struct volume_mark *mark_of(
	struct arena *a, struct volume_marks *out, const char *volume, const char *secret)
{
	struct volume_mark *m = volume_mark_find(out, volume, secret);
	if (!m) {
		m = list_push(a, out);
		*m = (struct volume_mark){ .volume = volume, .secret = secret };
	}
	return m;
}

void marks_load(struct arena *a, const struct places *pl, struct volume_marks *out)
{
	struct err ignored = ERR_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = path_join(a, pl->state, "marks.json");
	const struct node *n;
	if (!file_exists(path) || file_read(path, MARKS_MAX, &text, &ignored))
		return;
	const struct node *root = json_read(a, buf_str(&text), text.len, path, &ignored);
	node_each_item(node_get(root, "volumes"), i, n)
	{
		const char *volume = node_text(node_get(n, "volume"));
		const char *secret = node_text(node_get(n, "secret"));
		if (!volume || !secret)
			continue;
		struct volume_mark *m = mark_of(a, out, volume, secret);
		node_texts(a, node_get(n, "marks"), &m->marks);
	}
}

static struct node *mark_node(struct arena *a, const struct volume_mark *m)
{
	struct place none = { 0 };
	struct node *n = node_map(a, none), *marks = node_list(a, none);
	map_put(a, n, "volume", none, node_str(a, m->volume, none));
	map_put(a, n, "secret", none, node_str(a, m->secret, none));
	for (size_t i = 0; i < m->marks.count; i++)
		list_add(a, marks, node_str(a, m->marks.items[i], none));
	map_put(a, n, "marks", none, marks);
	return n;
}

int marks_save(const struct places *pl, const struct volume_marks *list, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct place none = { 0 };
	cleanup_buf struct buf text = BUF_INIT;
	struct node *root = node_map(&a, none), *all = node_list(&a, none);
	bool changed;
	for (size_t i = 0; i < list->count; i++)
		list_add(&a, all, mark_node(&a, &list->items[i]));
	map_put(&a, root, "version", none, node_int(&a, 1, none));
	map_put(&a, root, "volumes", none, all);
	json_write(&text, root, 2);
	buf_addc(&text, '\n');
	int rc = dir_make(pl->state, 0700, e);
	if (!rc)
		rc = file_update(path_join(&a, pl->state, "marks.json"), text.data, text.len, 0600,
			&changed, e);
	arena_release(&a);
	return rc;
}

void marks_parse(struct arena *a, const char *volume, const char *label, struct volume_marks *out)
{
	for (const char *s = label; s && *s;) {
		size_t len = strcspn(s, " "), name = strcspn(s, "=");
		if (name && name < len && len - name - 1 == MARK_HEX)
			strs_add(a, &mark_of(a, out, volume, arena_strndup(a, s, name))->marks,
				arena_strndup(a, s + name + 1, MARK_HEX));
		s += len + strspn(s + len, " ");
	}
}
