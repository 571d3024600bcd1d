/*
 * The workspace's secrets. Comes in: the project's recipes, the keyring. Goes out: values that stay
 * the same until their recipe changes or a rotation is asked for, keyed fingerprints of them, and
 * text without them. A value that cannot be had is an error only when it is wanted.
 */
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "run/io/base64.h"
#include "run/secrets/keyring.h"
#include "run/files/places.h"
#include "run/secrets/vault.h"

static int load(struct vault *v, struct err *e)
{
	if (stat(v->path, &v->seen))
		v->seen = (struct stat){ 0 };
	return keyring_load(v, e);
}

struct vault *vault_open(const struct places *pl, bool create, struct err *e)
{
	struct vault *v = xcalloc(1, sizeof(*v));
	v->path = path_join(&v->arena, pl->state, "keyring.json");
	v->project = arena_strdup(&v->arena, pl->project);
	v->create = create;
	if (load(v, e)) {
		vault_close(v);
		return NULL;
	}
	return v;
}

static void forget(struct vault *v)
{
	for (size_t i = 0; i < v->kept.count; i++) {
		buf_wipe(&v->kept.items[i].value);
		buf_wipe(&v->kept.items[i].public);
		buf_wipe(&v->kept.items[i].previous);
		buf_wipe(&v->kept.items[i].previous_public);
	}
	arena_release(&v->arena);
	wipe(v, sizeof(*v));
}

void vault_close(struct vault *v)
{
	if (!v)
		return;
	forget(v);
	xfree(v);
}

/* Every write gives the file another inode. */
static bool is_current(const struct vault *v)
{
	struct stat now = { 0 };
	if (stat(v->path, &now))
		return !v->seen.st_nlink;
	return now.st_ino == v->seen.st_ino && now.st_size == v->seen.st_size &&
	       now.st_mtim.tv_sec == v->seen.st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == v->seen.st_mtim.tv_nsec;
}

int vault_refresh(struct vault *v, struct err *e)
{
	struct vault now = { .create = v->create };
	if (v->dirty || is_current(v))
		return 0;
	now.path = arena_strdup(&now.arena, v->path);
	now.project = arena_strdup(&now.arena, v->project);
	if (load(&now, e)) {
		forget(&now);
		return -1;
	}
	forget(v);
	*v = now;
	return 0;
}

bool vault_fresh(const struct vault *v)
{
	return v->fresh;
}

static void note_failure(struct vault *v, struct kept *k, const struct err *why)
{
	k->failure = arena_strdup(&v->arena, why->text);
	k->hint = arena_strdup(&v->arena, why->hint);
	k->ready = false;
}

/* Replaces the value; the buffers are taken over. */
static void settle(struct kept *k, struct buf *value, struct buf *public)
{
	buf_wipe(&k->value);
	buf_wipe(&k->public);
	k->value = *value;
	k->public = *public;
	k->ready = true;
	k->failure = NULL;
}

/* The value stays at hand until its consumer has followed the one that comes. */
static void put_beside(struct kept *k)
{
	if (!k->ready || k->unsettled)
		return;
	k->previous = k->value;
	k->previous_public = k->public;
	k->value = k->public = (struct buf)BUF_INIT;
	k->unsettled = true;
}

static void make(
	struct vault *v, struct loop *l, const struct secret *s, struct kept *k, const char *recipe)
{
	struct buf value = BUF_INIT, public = BUF_INIT;
	struct err why = ERR_INIT;
	bool stored = recipe_stored(s->recipe);
	if (stored && !v->create) {
		err_set(&why, ERR_FAILED, "it was not made yet");
		err_hint(&why, "`devenv up` makes it");
		note_failure(v, k, &why);
		return;
	}
	if (recipe_make(v, l, s, &value, &public, &why)) {
		note_failure(v, k, &why);
		return;
	}
	if (s->on_rotate && stored && k->stored)
		put_beside(k);
	settle(k, &value, &public);
	k->stored = stored;
	k->given = false;
	k->created = clock_ms() / 1000;
	k->generation++;
	snprintf(k->recipe, sizeof(k->recipe), "%s", recipe);
	v->dirty = v->dirty || stored;
}

/* One that cannot be made is noted: it fails where it is wanted. */
static void ensure_one(struct vault *v, struct loop *l, const struct secret *s)
{
	char recipe[65];
	struct kept *k = keyring_find(v, s->name);
	recipe_hash(v, s, recipe);
	if (!k)
		k = keyring_add(v, s->name);
	k->place = s->place;
	bool keep = k->ready && k->stored && (recipe_stored(s->recipe) || k->given) &&
		    (streq(k->recipe, recipe) || !*k->recipe);
	if (!keep) {
		make(v, l, s, k, recipe);
	} else if (!*k->recipe && v->create) { /* set by hand before the recipe was known */
		memcpy(k->recipe, recipe, sizeof(recipe));
		v->dirty = true;
	}
}

int vault_ensure(struct vault *v, struct loop *l, const struct project *p, struct err *e)
{
	for (size_t i = 0; i < p->secrets.count; i++)
		ensure_one(v, l, &p->secrets.items[i]);
	return v->dirty && v->create ? keyring_save(v, e) : 0;
}

static const struct kept *wanted(const struct vault *v, const char *name, struct err *e)
{
	const struct kept *k = v ? keyring_find(v, name) : NULL;
	if (k && k->ready)
		return k;
	err_set(e, ERR_FAILED, "secret %s has no value%s%s", name, k && k->failure ? ": " : "",
		k && k->failure ? k->failure : "");
	if (k && k->hint)
		err_hint(e, "%s", k->hint);
	if (k)
		e->place = k->place;
	return NULL;
}

int vault_get(struct vault *v, const char *name, struct buf *out, struct err *e)
{
	const struct kept *k = wanted(v, name, e);
	if (!k)
		return -1;
	buf_add(out, buf_str(&k->value), k->value.len);
	return 0;
}

int vault_public(struct vault *v, const char *name, struct buf *out, struct err *e)
{
	const struct kept *k = wanted(v, name, e);
	if (!k)
		return -1;
	if (!k->public.len)
		return err_set(
			e, ERR_FAILED, "secret %s is not a key pair: it has no public half", name);
	buf_add(out, k->public.data, k->public.len);
	return 0;
}

int vault_set(struct vault *v, const char *name, const void *value, size_t len, struct err *e)
{
	struct buf copy = BUF_INIT, none = BUF_INIT;
	if (len > SECRET_MAX)
		return err_set(e, ERR_FAILED, "secret %s: larger than %d bytes", name, SECRET_MAX);
	struct kept *k = keyring_find(v, name);
	if (!k)
		k = keyring_add(v, name);
	if (!k->stored) /* the recipe it had was one of those that are read on every run */
		k->recipe[0] = '\0';
	buf_add(&copy, value, len);
	settle(k, &copy, &none);
	k->given = k->stored = true;
	k->created = clock_ms() / 1000;
	k->generation++;
	return keyring_save(v, e);
}

/* ---- rotation: the old value stays beside the new one until the service that uses it has followed
 * ---- */

int vault_rotate(struct vault *v, const struct secret *s, struct err *e)
{
	struct buf value = BUF_INIT, public = BUF_INIT;
	char recipe[65];
	struct kept *k = keyring_find(v, s->name);
	if (!recipe_stored(s->recipe))
		return err_set(e, ERR_FAILED,
			"secret %s is not made by devenv: change it where it comes from", s->name);
	recipe_hash(v, s, recipe);
	if (recipe_make(v, NULL, s, &value, &public, e))
		return err_wrap(e, "secret %s", s->name);
	if (!k)
		k = keyring_add(v, s->name);
	put_beside(k);
	settle(k, &value, &public);
	k->stored = true;
	k->given = false;
	k->created = clock_ms() / 1000;
	k->generation++;
	memcpy(k->recipe, recipe, sizeof(recipe));
	return keyring_save(v, e);
}

int vault_offer(struct vault *v, const char *name, const void *value, size_t len, struct err *e)
{
	struct kept *k = keyring_find(v, name);
	if (k && len <= SECRET_MAX)
		put_beside(k);
	return vault_set(v, name, value, len, e);
}

bool vault_previous(struct vault *v, const char *name, struct buf *out)
{
	const struct kept *k = keyring_find(v, name);
	if (!k || !k->unsettled)
		return false;
	buf_add(out, buf_str(&k->previous), k->previous.len);
	return true;
}

int vault_swap(struct vault *v, const char *name, struct err *e)
{
	struct kept *k = keyring_find(v, name);
	if (!k || !k->unsettled)
		return 0;
	struct buf value = k->value, public = k->public;
	k->value = k->previous;
	k->public = k->previous_public;
	k->previous = value;
	k->previous_public = public;
	return keyring_save(v, e);
}

int vault_settle(struct vault *v, const char *name, bool accept, struct err *e)
{
	struct kept *k = keyring_find(v, name);
	if (!k || !k->unsettled)
		return 0;
	if (!accept) {
		settle(k, &k->previous, &k->previous_public);
		k->previous = k->previous_public = (struct buf)BUF_INIT;
	}
	buf_wipe(&k->previous);
	buf_wipe(&k->previous_public);
	k->unsettled = false;
	return keyring_save(v, e);
}

/* Tells values apart, and whether it is the same of the same secret; tells nothing else. */
static const char *fingerprint(
	struct arena *a, const unsigned char *key, const char *name, const struct buf *value)
{
	struct buf text = BUF_INIT;
	char hex[65];
	buf_add(&text, name, strlen(name) + 1);
	buf_add(&text, buf_str(value), value->len);
	keyed_hash(key, KEYED_HASH_KEY, text.data, text.len, hex);
	buf_wipe(&text);
	return arena_strdup(a, hex);
}

void vault_fingerprints(struct vault *v, struct arena *a, const struct project *p, struct world *w)
{
	w->secrets.count = 0;
	for (size_t i = 0; i < p->secrets.count; i++) {
		const struct kept *k = keyring_find(v, p->secrets.items[i].name);
		if (k && k->ready)
			*list_push(a, &w->secrets) =
				(struct seen_secret){ .name = p->secrets.items[i].name,
					.fingerprint = fingerprint(a, v->key, k->name, &k->value) };
	}
}

void vault_marks(struct vault *v, struct arena *a, const unsigned char key[32], struct world *w)
{
	for (size_t i = 0; v && i < w->secrets.count; i++) {
		struct seen_secret *seen = &w->secrets.items[i];
		const struct kept *k = keyring_find(v, seen->name);
		if (k && k->ready)
			seen->mark = fingerprint(a, key, k->name, &k->value);
		if (k && k->unsettled)
			seen->previous_mark = fingerprint(a, key, k->name, &k->previous);
	}
}

int vault_proof(struct vault *v, const char *name, bool previous, const char *salt, int rounds,
	char hex[65], struct err *e)
{
	const struct kept *k = v ? keyring_find(v, name) : NULL;
	if (!k || !(previous ? k->unsettled : k->ready))
		return 1;
	return slow_hash(salt, rounds, previous ? &k->previous : &k->value, hex, e);
}
