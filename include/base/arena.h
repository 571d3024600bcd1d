/* Memory with one owner: everything taken from an arena lives until the arena is released. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *head; /* newest block first; NULL while nothing was taken */
	size_t total;             /* bytes handed out, for budgets and reports */
};

#define ARENA_INIT                                                                                 \
	{                                                                                          \
		NULL, 0                                                                            \
	}

/* Zeroed memory, aligned for any type; never NULL: running out of memory aborts. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_copy(struct arena *a, const void *data, size_t size);
char *arena_strdup(struct arena *a, const char *s);              /* NULL stays NULL */
char *arena_strndup(struct arena *a, const char *s, size_t len); /* always terminated */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
/* Doubles an arena array: returns storage for at least want items, the first `used` copied. */
void *arena_grow(struct arena *a, void *items, size_t used, size_t *cap, size_t want, size_t size);
void arena_release(struct arena *a); /* frees everything; the arena may be used again */

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

/*
 * A growing array of items inside a struct: `T *items; size_t count, cap;`.
 * list_push(arena, &list) makes room for one more, counts it and yields its (zeroed) place.
 */
#define list_push(a, l)                                                                            \
	((l)->items = arena_grow(                                                                  \
		 (a), (l)->items, (l)->count, &(l)->cap, (l)->count + 1, sizeof(*(l)->items)),     \
		&(l)->items[(l)->count++])

/* Heap with abort on exhaustion, for the few things that outlive an arena. */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
void xfree(void *p); /* free(3) for rooms that may not name it */
/*
 * For a process that lives for weeks, called once before it takes much: whatever is large goes back
 * to the system as soon as it is freed. No-op where the heap has no such switch.
 */
void heap_gives_back(void);

#endif
