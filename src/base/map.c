/*
 * String to pointer: entries in order of insertion beside a table of slots with linear probing.
 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

uint64_t hash_bytes(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h ^ (h >> 32);
}

static size_t slot_of(const struct map *m, const char *key)
{
	size_t i = hash_bytes(key, strlen(key)) & (m->slot_count - 1);
	while (m->slots[i] && strcmp(m->entries[m->slots[i] - 1].key, key))
		i = (i + 1) & (m->slot_count - 1);
	return i;
}

static void rebuild(struct map *m, size_t slots)
{
	free(m->slots);
	m->slots = xcalloc(slots, sizeof(*m->slots));
	m->slot_count = slots;
	for (size_t i = 0; i < m->count; i++)
		m->slots[slot_of(m, m->entries[i].key)] = (uint32_t)i + 1;
}

static struct map_entry *find(const struct map *m, const char *key)
{
	uint32_t at = m->slot_count ? m->slots[slot_of(m, key)] : 0;
	return at ? &m->entries[at - 1] : NULL;
}

void *map_get(const struct map *m, const char *key)
{
	struct map_entry *e = find(m, key);
	return e ? e->value : NULL;
}

bool map_has(const struct map *m, const char *key)
{
	return find(m, key) != NULL;
}

void map_set(struct map *m, const char *key, void *value)
{
	struct map_entry *e = find(m, key);
	if (e) {
		e->value = value;
		return;
	}
	if (m->count == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 8;
		m->entries = xrealloc(m->entries, m->cap * sizeof(*m->entries));
	}
	m->entries[m->count++] = (struct map_entry){ key, value };
	if (m->count * 2 > m->slot_count)
		rebuild(m, m->slot_count ? m->slot_count * 2 : 16);
	else
		m->slots[slot_of(m, key)] = (uint32_t)m->count;
}

bool map_remove(struct map *m, const char *key)
{
	struct map_entry *e = find(m, key);
	if (!e)
		return false;
	size_t at = (size_t)(e - m->entries);
	memmove(e, e + 1, (m->count - at - 1) * sizeof(*e));
	m->count--;
	rebuild(m, m->slot_count);
	return true;
}

void map_release(struct map *m)
{
	free(m->entries);
	free(m->slots);
	*m = (struct map)MAP_INIT;
}
