/*
 * Happenings to trees and back. Comes in: a value or a tree of any origin. Goes out: the other.
 * Knows the names of the fields and nothing of what they mean.
 */
#include "model/happening.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

static const struct place nowhere;

static const char *const kinds[] = {
	[HAPPENED_UNIT] = "unit",
	[HAPPENED_STAGE] = "stage",
	[HAPPENED_PLAN] = "plan",
	[HAPPENED_STEP] = "step",
	[HAPPENED_AGENT] = "agent",
	[HAPPENED_ENGINE] = "engine",
	[HAPPENED_CONFIG] = "config",
	[HAPPENED_NOTE] = "note",
};

/* What `name` is called, by kind. */
static const char *const name_keys[HAPPENED_KINDS] = {
	[HAPPENED_STAGE] = "stage",
	[HAPPENED_PLAN] = "command",
	[HAPPENED_STEP] = "step",
};

static const struct {
	const char *key;
	size_t offset;
} texts[] = {
	{ "service", offsetof(struct happening, service) },
	{ "state", offsetof(struct happening, state) },
	{ "where", offsetof(struct happening, where) },
	{ "id", offsetof(struct happening, id) },
	{ "cause", offsetof(struct happening, cause) },
	{ "text", offsetof(struct happening, text) },
}, numbers[] = {
	{ "pid", offsetof(struct happening, pid) },
	{ "steps", offsetof(struct happening, steps) },
	{ "status", offsetof(struct happening, status) },
	{ "duration_ms", offsetof(struct happening, duration_ms) },
};

const char *happening_kind_name(enum happening_kind k)
{
	return kinds[k];
}

static void put_text(struct arena *a, struct node *n, const char *key, const char *s)
{
	if (s)
		map_put(a, n, key, nowhere, node_str(a, s, nowhere));
}

static void put_int(struct arena *a, struct node *n, const char *key, int64_t v)
{
	map_put(a, n, key, nowhere, node_int(a, v, nowhere));
}

struct node *happening_to_node(struct arena *a, const struct happening *h, const char *time)
{
	struct node *n = node_map(a, nowhere);
	put_int(a, n, "version", 1);
	put_text(a, n, "time", time);
	put_text(a, n, "kind", kinds[h->kind]);
	if (name_keys[h->kind])
		put_text(a, n, name_keys[h->kind], h->name);
	for (size_t i = 0; i < countof(texts); i++)
		put_text(a, n, texts[i].key,
			*(const char *const *)((const char *)h + texts[i].offset));
	if (h->kind == HAPPENED_UNIT)
		put_int(a, n, "number", h->number);
	for (size_t i = 0; i < countof(numbers); i++) {
		int64_t v = *(const int64_t *)(const void *)((const char *)h + numbers[i].offset);
		int64_t none = numbers[i].offset >= offsetof(struct happening, status) ? -1 : 0;
		if (v != none)
			put_int(a, n, numbers[i].key, v);
	}
	return n;
}

static int64_t get_int(const struct node *n, const char *key, int64_t fallback)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_INT ? v->integer : fallback;
}

static const char *get_text(const struct node *n, const char *key)
{
	const struct node *v = key ? node_get(n, key) : NULL;
	return v && v->kind == NODE_STR ? v->text : NULL;
}

bool happening_from_node(const struct node *n, struct happening *out)
{
	const char *kind = get_text(n, "kind");
	int k = 0;
	while (k < HAPPENED_KINDS && !streq(kinds[k], kind))
		k++;
	if (k == HAPPENED_KINDS)
		return false;
	*out = HAPPENING((enum happening_kind)k);
	out->time_ms = get_int(n, "time_ms", -1);
	out->name = get_text(n, name_keys[k]);
	out->number = (int)get_int(n, "number", 0);
	for (size_t i = 0; i < countof(texts); i++)
		*(const char **)((char *)out + texts[i].offset) = get_text(n, texts[i].key);
	for (size_t i = 0; i < countof(numbers); i++) {
		int64_t none = numbers[i].offset >= offsetof(struct happening, status) ? -1 : 0;
		*(int64_t *)(void *)((char *)out + numbers[i].offset) =
			get_int(n, numbers[i].key, none);
	}
	return out->time_ms >= 0;
}
