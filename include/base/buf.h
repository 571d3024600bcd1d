/* A growing byte string. data is always terminated by a NUL that len does not count. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* never NULL after the first add; owned by the buf */
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_addvf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_pad(struct buf *b, char c, size_t n); /* n times c */
void buf_truncate(struct buf *b, size_t len);  /* len must not exceed b->len */
void buf_reserve(struct buf *b, size_t extra); /* room for extra more bytes */
void buf_consume(struct buf *b, size_t n);     /* drops the first n bytes */
const char *buf_str(const struct buf *b);      /* "" when nothing was added */
void buf_release(struct buf *b);               /* frees; the buf is empty and usable again */
void buf_wipe(struct buf *b);                  /* overwrites, then releases: for secrets */
bool buf_ends_with(const struct buf *b, const char *suffix);

/* `cleanup_buf struct buf b = BUF_INIT;` releases b at the end of its scope. */
#define cleanup_buf __attribute__((cleanup(buf_release)))

#endif
