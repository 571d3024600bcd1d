/*
 * `volumes:`, `caches:` and `secrets:` of the file in, typed ones out. Recipes are chosen here,
 * values are made elsewhere.
 */
#include "decode.h"

#include <string.h>

enum { SECRET_LENGTH = 32, RSA_BITS = 3072, RSA_BITS_MIN = 2048 };

static struct place pair_place(const struct node_pair *pair)
{
	return pair->key_place.file ? pair->key_place : pair->value->place;
}

static bool is_external(const struct node *n)
{
	const struct node *external = node_get(n, "external");
	return external && (external->kind == NODE_MAP || truth(external, false));
}

/* By its name: "seed.sql", "seed.sql.zst", "cache.rdb". The rest are archives. */
static bool is_dump(struct arena *a, const char *file)
{
	static const char *const packed[] = { ".gz", ".zst", ".xz", ".bz2" };
	for (size_t i = 0; i < countof(packed); i++)
		if (ends_with(file, packed[i]))
			file = arena_strndup(a, file, strlen(file) - strlen(packed[i]));
	return ends_with(file, ".sql") || ends_with(file, ".rdb");
}

static void volume_read(struct decode *c, struct volume *v, const struct node_pair *pair)
{
	static const struct word kinds[] = { { "cache", VOLUME_CACHE },
		{ "scratch", VOLUME_SCRATCH }, { NULL, VOLUME_DATA } };
	const struct node *n = pair->value;
	v->name = pair->key;
	v->node = n;
	v->place = pair_place(pair);
	v->kind = meaning(kinds, text_at(n, "kind"));
	v->per_branch = streq(text_at(n, "per"), "branch");
	if (text_at(n, "initial")) {
		v->initial = project_path(c, text_at(n, "initial"));
		v->initial_place = node_get(n, "initial")->place;
		v->dump = is_dump(c->a, v->initial);
	}
	v->external = is_external(n);
}

static void cache_read(struct decode *c, const struct node_pair *pair)
{
	const struct node *n = pair->value;
	struct cache cache = { .name = pair->key, .place = pair_place(pair) };
	cache.target = node_is_scalar(n) ? node_text(n) : text_at(n, "target");
	if (!cache.target)
		return;
	if (*cache.target == '/')
		*list_push(c->a, &c->p->caches) = cache;
	else
		say(c, SEV_ERROR, n->place, arena_printf(c->a, "caches.%s.target", cache.name),
			"\"%s\" is not an absolute path in the container", cache.target);
}

struct origin {
	const char *key;
	enum recipe recipe;
};

static const struct origin origins[] = { { "value", RECIPE_VALUE },
	{ "environment", RECIPE_ENVIRONMENT }, { "file", RECIPE_FILE },
	{ "command", RECIPE_COMMAND } };

static const struct word recipes[] = { { "hex", RECIPE_HEX }, { "base64", RECIPE_BASE64 },
	{ "uuid", RECIPE_UUID }, { "ed25519", RECIPE_ED25519 }, { "rsa", RECIPE_RSA },
	{ NULL, RECIPE_PASSWORD } };

/* Any stated origin beats `generate`, which is often a template's; two of them contradict. */
static const struct origin *origin_of(struct decode *c, const struct node *n, const char *name)
{
	const struct origin *found = NULL;
	for (size_t i = 0; i < countof(origins); i++) {
		const struct node *v = node_get(n, origins[i].key);
		if (!v || !node_is_scalar(v))
			continue;
		if (found) {
			struct diag *d = say(c, SEV_ERROR, v->place,
				arena_printf(c->a, "secrets.%s.%s", name, origins[i].key),
				"secret %s has both %s and %s", name, found->key, origins[i].key);
			d->other = node_get(n, found->key)->place;
			d->other_label = "the other one";
			d->hint = "keep one; `!reset` takes away what a lower layer says";
			continue;
		}
		found = &origins[i];
	}
	return found;
}

static void value_is_local(struct decode *c, const struct secret *s, const struct node *value)
{
	const struct place *at = &value->place;
	if (!at->file || strstr(at->file, ".local."))
		return;
	struct diag *d = say(c, SEV_ERROR, *at, arena_printf(c->a, "secrets.%s.value", s->name),
		"the value of secret %s stands in a file that is shared", s->name);
	d->hint = "move it to devenv.local.yml, or use generate, environment, file or command";
}

static void length_read(struct decode *c, struct secret *s, const struct node *n)
{
	int64_t length;
	s->length = s->recipe == RECIPE_RSA ? RSA_BITS : SECRET_LENGTH;
	if (!integer(node_get(n, "length"), &length) || length < 1 || length > 16384)
		return;
	s->length = (int)length;
	if (s->recipe == RECIPE_RSA && length < RSA_BITS_MIN)
		say(c, SEV_ERROR, node_get(n, "length")->place,
			arena_printf(c->a, "secrets.%s.length", s->name),
			"an rsa key needs at least %d bits", RSA_BITS_MIN);
}

static void secret_read(struct decode *c, struct secret *s, const struct node_pair *pair)
{
	const struct node *n = pair->value;
	const struct origin *origin = origin_of(c, n, pair->key);
	s->name = pair->key;
	s->place = pair_place(pair);
	s->recipe = meaning(recipes, text_at(n, "generate"));
	s->on_rotate = node_get(n, "on_rotate");
	length_read(c, s, n);
	if (!origin)
		return;
	s->recipe = origin->recipe;
	s->source = text_at(n, origin->key);
	if (s->recipe == RECIPE_VALUE)
		value_is_local(c, s, node_get(n, "value"));
	if (s->recipe == RECIPE_FILE && *s->source != '~')
		s->source = project_path(c, s->source);
}

void decode_data(struct decode *c)
{
	struct project *p = c->p;
	const struct node_pair *pair;
	node_each_entry(node_get(c->tree, "volumes"), i, pair)
		volume_read(c, list_push(c->a, &p->volumes), pair);
	node_each_entry(node_get(c->tree, "caches"), i, pair) cache_read(c, pair);
	node_each_entry(node_get(c->tree, "secrets"), i, pair)
	{
		if (!is_external(pair->value))
			secret_read(c, list_push(c->a, &p->secrets), pair);
	}
	names_index(
		c->a, &p->volume_names, p->volumes.items, p->volumes.count, sizeof(struct volume));
	names_index(
		c->a, &p->secret_names, p->secrets.items, p->secrets.count, sizeof(struct secret));
}
