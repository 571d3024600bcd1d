/* String to pointer, in order of insertion; look-up by hash. Keys are borrowed and must outlive the
 * map. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
	const char *key;
	void *value;
};

struct map {
	struct map_entry *entries; /* in order of insertion; removed ones leave no gap */
	size_t count, cap;
	uint32_t *slots; /* open addressing over entries; index + 1, 0 is free */
	size_t slot_count;
};

#define MAP_INIT                                                                                   \
	{                                                                                          \
		NULL, 0, 0, NULL, 0                                                                \
	}

void *map_get(const struct map *m, const char *key); /* NULL when absent */
bool map_has(const struct map *m, const char *key);
void map_set(struct map *m, const char *key, void *value); /* adds or replaces */
bool map_remove(struct map *m, const char *key);           /* keeps the order of the rest */
void map_release(struct map *m);                           /* frees the table, not the values */

#define cleanup_map __attribute__((cleanup(map_release)))

uint64_t hash_bytes(const void *data, size_t len); /* FNV-1a, for tables only */

#endif
