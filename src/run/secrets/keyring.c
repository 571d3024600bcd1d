/*
 * keyring.json, 0600 in a 0700 directory. Comes in: a path. Goes out: values in buffers, or a
 * refusal: a keyring that is open to others, not ours or damaged is neither used nor replaced.
 */
#include "run/secrets/keyring.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/io/base64.h"
#include "run/secrets/private.h"
#include "run/secrets/vault.h"

enum { KEYRING_MAX = 64 << 20 };

struct kept *keyring_find(const struct vault *v, const char *name)
{
	for (size_t i = 0; i < v->kept.count; i++)
		if (streq(v->kept.items[i].name, name))
			return &v->kept.items[i];
	return NULL;
}

struct kept *keyring_add(struct vault *v, const char *name)
{
	struct kept *k = list_push(&v->arena, &v->kept);
	k->name = arena_strdup(&v->arena, name);
	return k;
}

static int check_dir(struct vault *v, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct stat st;
	const char *dir = path_dir(&a, v->path);
	int rc = 0;
	if (!stat(dir, &st) && (st.st_uid != geteuid() || (st.st_mode & 022))) {
		rc = err_set(e, ERR_FAILED,
			"the directory %s of the keyring can be changed by others", dir);
		err_hint(e, "chown %ld %s; chmod 700 %s", (long)geteuid(), dir, dir);
	}
	arena_release(&a);
	return rc;
}

static bool bytes(const struct node *n, const char *key, struct buf *out)
{
	const struct node *v = node_get(n, key);
	bool ok = v && v->kind == NODE_STR && base64_decode(out, v->text, v->len);
	if (v)
		wipe_text(v->text);
	return ok;
}

static int64_t number(const struct node *n, const char *key)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_INT ? v->integer : 0;
}

static bool load_one(struct vault *v, const struct node_pair *pair)
{
	const struct node *n = pair->value, *given = node_get(n, "given");
	const char *recipe = node_text(node_get(n, "recipe"));
	struct kept *k = keyring_add(v, pair->key);
	k->stored = true;
	k->ready = bytes(n, "value", &k->value);
	k->unsettled = bytes(n, "previous", &k->previous);
	bytes(n, "public", &k->public);
	bytes(n, "previous_public", &k->previous_public);
	k->created = number(n, "created");
	k->generation = number(n, "generation");
	k->given = given && given->kind == NODE_BOOL && given->boolean;
	if (recipe && strlen(recipe) < sizeof(k->recipe))
		memcpy(k->recipe, recipe, strlen(recipe) + 1);
	return k->ready;
}

static bool load_all(struct vault *v, const struct node *root)
{
	const struct node_pair *pair;
	struct buf key = BUF_INIT;
	bool ok = bytes(root, "key", &key) && key.len == sizeof(v->key);
	if (ok)
		memcpy(v->key, key.data, sizeof(v->key));
	buf_wipe(&key);
	node_each_pair(node_get(root, "secrets"), i, pair)
	{
		ok = load_one(v, pair) && ok;
	}
	return ok;
}

int keyring_load(struct vault *v, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct buf text = BUF_INIT;
	int rc = check_dir(v, e) ? -1 : private_check(v->path, "keyring", e);
	if (rc) {
		v->fresh = rc > 0;
		return rc > 0 ? random_bytes(v->key, sizeof(v->key), e) : -1;
	}
	rc = file_read(v->path, KEYRING_MAX, &text, e);
	if (!rc) {
		const struct node *root = json_read(&a, buf_str(&text), text.len, v->path, e);
		rc = root ? 0 : -1;
		if (root && !load_all(v, root))
			rc = err_set(e, ERR_FAILED, "the keyring %s is damaged", v->path);
		if (rc)
			err_hint(e,
				"restore it from a backup; or move it away and give the services "
				"that remember its values new ones");
	}
	buf_wipe(&text);
	arena_release(&a);
	return rc;
}

static void put_bytes(struct buf *out, const char *key, const struct buf *value)
{
	buf_addf(out, ",\n      \"%s\": \"", key);
	base64_encode(out, buf_str(value), value->len);
	buf_addc(out, '"');
}

static void put_one(struct buf *out, const struct kept *k)
{
	json_string(out, k->name, strlen(k->name));
	buf_addf(out, ": {\n      \"recipe\": \"%s\"", k->recipe);
	put_bytes(out, "value", &k->value);
	if (k->public.len)
		put_bytes(out, "public", &k->public);
	if (k->unsettled)
		put_bytes(out, "previous", &k->previous);
	if (k->previous_public.len)
		put_bytes(out, "previous_public", &k->previous_public);
	buf_addf(out, ",\n      \"created\": %lld,\n      \"generation\": %lld",
		(long long)k->created, (long long)k->generation);
	buf_adds(out, k->given ? ",\n      \"given\": true\n    }" : "\n    }");
}

int keyring_save(struct vault *v, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct buf text = BUF_INIT;
	bool first = true;
	buf_adds(&text, "{\n  \"version\": 1,\n  \"key\": \"");
	base64_encode(&text, v->key, sizeof(v->key));
	buf_adds(&text, "\",\n  \"secrets\": {");
	for (size_t i = 0; i < v->kept.count; i++) {
		const struct kept *k = &v->kept.items[i];
		if (!k->stored || !k->ready)
			continue;
		buf_adds(&text, first ? "\n    " : ",\n    ");
		put_one(&text, k);
		first = false;
	}
	buf_adds(&text, "\n  }\n}\n");
	int rc = dir_make(path_dir(&a, v->path), 0700, e);
	if (!rc)
		rc = file_write(v->path, text.data, text.len, 0600, true, e);
	v->dirty = v->dirty && rc;
	buf_wipe(&text);
	arena_release(&a);
	return rc;
}
