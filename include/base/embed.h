#ifndef BASE_EMBED_H
#define BASE_EMBED_H

#include <stdbool.h>
#include <stddef.h>

/* A file of templates/ as it was when the program was built. */
struct embedded {
	const char *path;          /* relative to templates/ */
	const unsigned char *data; /* size bytes and one NUL that is not counted */
	size_t size;               /* bytes */
	bool executable;           /* the file's x bit */
};

/* Sorted by path in byte order. */
extern const struct embedded embedded_files[];
extern const size_t embedded_count;

/* NULL when there is no such file. */
const struct embedded *embed_find(const char *path);

#endif
