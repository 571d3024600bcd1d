/* Small things about strings that every room needs. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

#define countof(x) (sizeof(x) / sizeof((x)[0]))

/* text with a backslash before each byte of special. */
void text_escape(struct buf *out, const char *text, size_t len, const char *special);

/* Borrowed strings in a row; items live in an arena. Used with list_push(). */
struct strs {
	const char **items;
	size_t count, cap;
};

void strs_add(struct arena *a, struct strs *l, const char *s);
bool strs_has(const struct strs *l, const char *s);
void strs_sort(struct strs *l);
const char *strs_join(struct arena *a, const struct strs *l, const char *sep);

bool streq(const char *a, const char *b); /* NULL equals NULL only */
bool starts_with(const char *s, const char *prefix);
bool ends_with(const char *s, const char *suffix);

/* The candidate nearest to word by edit distance, or NULL when none is near enough to be meant. */
const char *nearest_name(const char *word, const char *const *names, size_t count);

/*
 * Text from outside (configuration, containers, requests) on its way to a terminal: control
 * characters, C1 bytes, bidirectional overrides and bad UTF-8 come out as visible escapes (\x1b).
 * SGR colour sequences pass when keep_colour is set. Tab passes, newline passes.
 */
void text_clean(struct buf *out, const char *data, size_t len, bool keep_colour);
void nul_to_space(char *data, size_t len); /* a NUL in a tool's line would hide the rest of it */
size_t text_width(const char *s);          /* columns of valid UTF-8; wide characters count two */
/* The code point at s, *step bytes long, when text_clean() escapes it; else 0. */
uint32_t text_steers(const char *s, size_t len, size_t *step);
bool utf8_valid(const char *data, size_t len, size_t *bad_offset);

/* "1h30m", "10s", "200ms", "1.5s", "2d" -> milliseconds; false when it is none (Compose's
 * durations). */
bool parse_duration(const char *s, int64_t *ms);
/* "64m", "1.5gb", "1024", "2GiB" -> bytes; false when it is none (Compose's byte values). */
bool parse_bytes(const char *s, int64_t *bytes);
bool parse_int(const char *s, int64_t *out); /* decimal, whole string, no leading zeros or plus */
void format_duration(char out[static 16], int64_t ms); /* "340 ms", "2.4 s", "1 min 3 s" */

/* The next reference that begins with mark ("${secret."), or NULL: "$${" is text. */
const char *find_reference(const char *text, const char *mark);

/* Splits a command line as a POSIX shell splits words (quotes, backslash; no expansion).
 * NULL-terminated; NULL and *why on bad quoting. */
char **split_words(struct arena *a, const char *line, size_t *count, const char **why);
void shell_quote(struct buf *out, const char *word); /* one word, quoted for sh only where needed */

#endif
