/*
 * Patterns of .gitignore's kind, as git matches them (gitignore(5), wildmatch.c of git): the last
 * that matches decides, `!` takes back, a slash at the end wants a directory, a slash elsewhere
 * binds to the directory that the patterns stand in. Knows no disk.
 */
#ifndef RUN_FILES_PATTERNS_H
#define RUN_FILES_PATTERNS_H

#include <stdbool.h>

#include "base/arena.h"

struct pattern {
	const char *text;  /* without `!` and the slash at the end */
	size_t len, plain; /* bytes; of them before the first wildcard */
	bool except;       /* written with `!` */
	bool directory;    /* matches directories only */
	bool anywhere;     /* no slash: matches the last part of a path */
};

struct patterns {
	struct pattern *items;
	size_t count, cap;
};

enum pattern_say { PATTERN_SILENT, PATTERN_TAKES, PATTERN_LEAVES };

/* One pattern; what stands for nothing (a comment, an empty line) adds none. */
void patterns_add(struct arena *a, struct patterns *p, const char *line, size_t len);
void patterns_parse(struct arena *a, struct patterns *p, const char *text, size_t len);
/* path: relative to where the patterns stand, no slash at either end. Of this path alone: what
 * holds for the directories above it is the caller's to ask first. */
enum pattern_say patterns_match(const struct patterns *p, const char *path, bool directory);
/* The same for the path and each directory above it: what the outermost that is taken decides. */
bool patterns_cover(const struct patterns *p, const char *path, bool directory);

#endif
