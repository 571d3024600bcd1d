/*
 * Plain fields by table, and words for what is wrong. In: nodes of the merged tree; out: members
 * of structs. Knows no field by name.
 */
#include "decode.h"

#include <string.h>

#include "base/os.h"

struct diag *say(
	struct decode *c, enum severity s, struct place at, const char *path, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = arena_vprintf(c->a, fmt, ap);
	va_end(ap);
	struct diag *d = diag_add(c->d, s, at, "%s", text);
	d->path = path;
	return d;
}

bool is_private(const char *key)
{
	return key[0] == 'x' && key[1] == '-';
}

const char *nearest_key(struct decode *c, const struct node *known, const char *word)
{
	size_t count = 0;
	const struct node_pair *pair;
	if (!known || known->kind != NODE_MAP || c->d->count >= DIAGS_MAX)
		return NULL;
	const char **names = arena_array(c->a, const char *, known->map.count + 1);
	node_each_pair(known, i, pair) names[count++] = pair->key;
	return nearest_name(word, names, count);
}

/* All names there are, when they are few. */
static const char *known_names(struct decode *c, const struct node *known)
{
	enum { FEW = 8 };
	struct strs names = { 0 };
	const struct node_pair *pair;
	if (!node_count(known) || node_count(known) > FEW)
		return NULL;
	node_each_pair(known, i, pair) strs_add(c->a, &names, pair->key);
	return arena_printf(c->a, "known: %s", strs_join(c->a, &names, ", "));
}

void say_unknown(struct decode *c, struct place at, const char *path, const char *what,
	const char *word, const struct node *known)
{
	struct diag *d = say(c, SEV_ERROR, at, path, "unknown %s \"%s\"", what, word);
	const char *near = nearest_key(c, known, word);
	d->hint = near                ? arena_printf(c->a, "did you mean \"%s\"?", near)
		  : node_count(known) ? known_names(c, known)
				      : arena_printf(c->a, "declare it under `%ss:`", what);
}

/* Asked for at every field of every service, so put together by hand. */
char *path_of(struct decode *c, const char *parent, const char *key)
{
	size_t up = strlen(parent), len = strlen(key), quote = strpbrk(key, ".[]\"") ? 1 : 0;
	char *path = arena_alloc(c->a, up + len + 4), *at = path + up;
	memcpy(path, parent, up);
	if (up)
		*at++ = '.';
	if (quote)
		*at++ = '"';
	memcpy(at, key, len);
	if (quote)
		at[len] = '"';
	return path;
}

char *path_item(struct decode *c, const char *parent, size_t index)
{
	return arena_printf(c->a, "%s[%zu]", parent, index);
}

const char *text_at(const struct node *n, const char *key)
{
	const struct node *v = node_get(n, key);
	return v && node_is_scalar(v) ? node_text(v) : NULL;
}

struct place place_at(const struct node *n, const char *key, struct place otherwise)
{
	const struct node *v = node_get(n, key);
	return v ? v->place : otherwise;
}

bool truth(const struct node *n, bool otherwise)
{
	static const struct word words[] = { { "true", 1 }, { "yes", 1 }, { "on", 1 }, { "y", 1 },
		{ "1", 1 }, { "false", 0 }, { "no", 0 }, { "off", 0 }, { "n", 0 }, { "0", 0 },
		{ NULL, -1 } };
	if (n && n->kind == NODE_BOOL)
		return n->boolean;
	int m = n && n->kind == NODE_STR ? meaning(words, n->text) : -1;
	return m < 0 ? otherwise : m;
}

bool integer(const struct node *n, int64_t *out)
{
	if (n && n->kind == NODE_INT) {
		*out = n->integer;
		return true;
	}
	return n && n->kind == NODE_STR && parse_int(n->text, out);
}

int64_t duration(const struct node *n, int64_t otherwise)
{
	const char *text = n && node_is_scalar(n) ? node_text(n) : NULL;
	int64_t ms;
	return text && parse_duration(text, &ms) && ms >= 0 ? ms : otherwise;
}

const char *template_of(struct decode *c, struct place at)
{
	static const char prefix[] = "template ";
	if (!at.layer || !starts_with(at.layer, prefix))
		return NULL;
	return arena_strdup(c->a, at.layer + strlen(prefix));
}

bool from_template(const struct node *n)
{
	return n->place.layer && starts_with(n->place.layer, "template ");
}

char *project_path(struct decode *c, const char *path)
{
	return path_normal(c->a, path_join(c->a, c->req->dir, path));
}

void strs_read(struct decode *c, const struct node *n, struct strs *out)
{
	struct node *item;
	if (n && node_is_scalar(n))
		strs_add(c->a, out, node_text(n));
	node_each_item(n, i, item)
	{
		if (node_is_scalar(item))
			strs_add(c->a, out, node_text(item));
	}
}

void vars_read(struct decode *c, const struct node *n, vars *out)
{
	const struct node_pair *pair;
	node_each_pair(n, i, pair)
	{
		if (!node_is_scalar(pair->value) && pair->value->kind != NODE_NULL)
			continue;
		struct var *v = list_push(c->a, out);
		v->name = pair->key;
		v->value = node_text(pair->value);
		v->place = pair->key_place.file ? pair->key_place : pair->value->place;
	}
}

static void slot_read(struct decode *c, const struct node *v, const struct slot *s, void *at)
{
	int64_t i;
	switch (s->kind) {
	case SLOT_TEXT:
		if (node_is_scalar(v))
			*(const char **)at = node_text(v);
		break;
	case SLOT_TRUTH:
		*(bool *)at = truth(v, *(bool *)at);
		break;
	case SLOT_MS:
		*(int64_t *)at = duration(v, *(int64_t *)at);
		break;
	case SLOT_INT:
		if (integer(v, &i) && i >= INT32_MIN && i <= INT32_MAX)
			*(int *)at = (int)i;
		break;
	case SLOT_STRS:
		strs_read(c, v, at);
		break;
	case SLOT_VARS:
		vars_read(c, v, at);
		break;
	case SLOT_NODE:
		*(const struct node **)at = v->kind == NODE_NULL ? NULL : v;
		break;
	}
}

void slots_read(
	struct decode *c, const struct node *n, const struct slot *slots, size_t count, void *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct node *v = node_get(n, slots[i].key);
		if (v)
			slot_read(c, v, &slots[i], (char *)out + slots[i].offset);
	}
}

int meaning(const struct word *words, const char *word)
{
	while (words->word && !(word && streq(words->word, word)))
		words++;
	return words->means;
}
