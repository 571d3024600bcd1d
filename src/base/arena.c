/*
 * Arenas: blocks that double in size up to a huge page, handed out from the front, freed together.
 * Comes in: sizes. Goes out: zeroed memory. Knows nothing of what is stored.
 */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(max_align_t) unsigned char data[];
};

enum { FIRST_BLOCK = 4096, HUGE_BLOCK = 2 << 20, LARGE = 128 * 1024 };

static _Noreturn void out_of_memory(size_t size)
{
	fprintf(stderr, "devenv: out of memory (%zu bytes)\n", size);
	abort();
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);
	if (!p)
		out_of_memory(size);
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);
	if (!p)
		out_of_memory(size);
	return p;
}

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		out_of_memory(size);
	return p;
}

char *xstrdup(const char *s)
{
	size_t len = strlen(s) + 1;
	return memcpy(xmalloc(len), s, len);
}

void xfree(void *p)
{
	free(p);
}

/*
 * Left to itself glibc takes the largest block that was ever freed as the measure of what is not
 * worth giving back, and keeps twice as much: one flood of log lines would cost 4 MiB for ever.
 */
void heap_gives_back(void)
{
#ifdef M_TRIM_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_TRIM_THRESHOLD, LARGE);
#endif
}

/*
 * Much memory comes in huge pages where the system has them: the first touch of small ones is a
 * fifth of the time of reading 1 000 services.
 */
static struct arena_block *huge_block(size_t size)
{
	void *p = NULL;
	size = (size + HUGE_BLOCK - 1) & ~(size_t)(HUGE_BLOCK - 1);
	if (posix_memalign(&p, HUGE_BLOCK, size))
		out_of_memory(size);
#ifdef MADV_HUGEPAGE
	madvise(p, size, MADV_HUGEPAGE); /* advice: without it, small pages */
#endif
	struct arena_block *b = p;
	b->size = size - sizeof(*b);
	return b;
}

static struct arena_block *block_add(struct arena *a, size_t size)
{
	size_t want = a->head ? a->head->size * 2 : FIRST_BLOCK;
	if (want < size)
		want = size;
	struct arena_block *b;
	if (want + sizeof(*b) >= HUGE_BLOCK) {
		b = huge_block(size + sizeof(*b));
	} else {
		b = xmalloc(sizeof(*b) + want);
		b->size = want;
	}
	b->next = a->head;
	b->used = 0;
	a->head = b;
	return b;
}

/* Uncleared memory for those who fill it at once. */
static void *arena_take(struct arena *a, size_t size, size_t align)
{
	if (size > SIZE_MAX / 2)
		out_of_memory(size);
	struct arena_block *b = a->head;
	size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0;
	if (!b || at + size > b->size) {
		b = block_add(a, size);
		at = 0;
	}
	b->used = at + size;
	a->total += size;
	return b->data + at;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *p = arena_take(a, size ? size : 1, _Alignof(max_align_t));
	return memset(p, 0, size);
}

void *arena_copy(struct arena *a, const void *data, size_t size)
{
	void *p = arena_take(a, size ? size : 1, _Alignof(max_align_t));
	if (size)
		memcpy(p, data, size);
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_take(a, len + 1, 1);
	if (len)
		memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

/* Most texts fit behind what is taken already: they are formatted once, in place. */
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	struct arena_block *b = a->head;
	size_t room = b ? b->size - b->used : 0;
	va_list again;
	va_copy(again, ap);
	int len = vsnprintf(room ? (char *)b->data + b->used : NULL, room, fmt, ap);
	size_t size = (size_t)(len < 0 ? 0 : len) + 1;
	char *p = arena_take(a, size, 1);
	if (size > room)
		vsnprintf(p, size, fmt, again);
	if (len < 0)
		*p = '\0';
	va_end(again);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

void *arena_grow(struct arena *a, void *items, size_t used, size_t *cap, size_t want, size_t size)
{
	if (want <= *cap)
		return items;
	size_t more = *cap ? *cap * 2 : 4;
	if (more < want)
		more = want;
	void *p = arena_alloc(a, more * size);
	if (used)
		memcpy(p, items, used * size);
	*cap = more;
	return p;
}

void arena_release(struct arena *a)
{
	for (struct arena_block *b = a->head; b;) {
		struct arena_block *next = b->next;
		free(b);
		b = next;
	}
	*a = (struct arena)ARENA_INIT;
}
