/*
 * Names as keys: which letters they may have, and which of them would become one on the engine or
 * on disk. Rungs, services, caches and commands are checked by the schema's key format.
 */
#include "decode.h"

#include <ctype.h>
#include <string.h>

enum { NAME_LEN = 63 };

/* Compose's own rule for volumes, networks, secrets and configs. */
static bool name_valid(const char *s)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(s);
	return len && len <= NAME_LEN && strchr(letters, s[0]) &&
	       len == strspn(s,
			      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
}

static char *folded(struct arena *a, const char *name)
{
	char *out = arena_strdup(a, name);
	for (char *s = out; *s; s++)
		*s = *s == '.' ? '_' : (char)tolower((unsigned char)*s);
	return out;
}

static struct place pair_place(const struct node_pair *pair)
{
	return pair->key_place.file ? pair->key_place : pair->value->place;
}

static void collisions(struct decode *c, const char *section, const struct node *n)
{
	cleanup_map struct map seen = MAP_INIT;
	struct node_pair *pair;
	node_each_entry(n, i, pair)
	{
		char *key = folded(c->a, pair->key);
		const struct node_pair *first = map_get(&seen, key);
		if (!first) {
			map_set(&seen, key, pair);
			continue;
		}
		struct diag *d = say(c, SEV_ERROR, pair_place(pair), path_of(c, section, pair->key),
			"\"%s\" and \"%s\" would have the same name on disk and at the engine",
			pair->key, first->key);
		d->other = pair_place(first);
		d->other_label = "the other one";
		d->hint = "names must differ by more than capitals, or a dot for an underscore";
	}
}

static void letters(struct decode *c, const char *section, const struct node *n)
{
	const struct node_pair *pair;
	node_each_entry(n, i, pair)
	{
		if (name_valid(pair->key))
			continue;
		struct diag *d = say(c, SEV_ERROR, pair_place(pair), path_of(c, section, pair->key),
			"\"%s\" is no name for one of %s", pair->key, section);
		d->hint = "letters, digits, dot, dash and underscore, a letter or digit first, at "
			  "most 63";
	}
}

void check_names(struct decode *c)
{
	static const struct {
		const char *section;
		bool free; /* the schema leaves the letters to us */
	} sections[] = { { "services", false }, { "images", false }, { "volumes", true },
		{ "networks", true }, { "secrets", true }, { "configs", true } };
	for (size_t i = 0; i < countof(sections); i++) {
		const struct node *n = node_get(c->tree, sections[i].section);
		collisions(c, sections[i].section, n);
		if (sections[i].free)
			letters(c, sections[i].section, n);
	}
}
