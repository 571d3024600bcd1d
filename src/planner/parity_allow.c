/*
 * Patterns of `parity: allow` against the paths of differences. Comes in: both as text. Goes out:
 * yes or no. Knows which words begin a path of the configuration, and nothing else.
 */
#include <string.h>

#include "parity_parts.h"

/* "a.b[0].\"c.d\"" into a, b, [0], c.d. */
static void split_path(struct arena *a, const char *p, struct strs *out)
{
	while (*p) {
		cleanup_buf struct buf part = BUF_INIT;
		p += *p == '.';
		if (*p == '[') {
			size_t len = strcspn(p, "]") + 1;
			buf_add(&part, p, strnlen(p, len));
			p += strnlen(p, len);
		} else if (*p == '"') {
			for (p++; *p && *p != '"'; p++) {
				p += *p == '\\' && p[1];
				buf_addc(&part, *p);
			}
			p += *p == '"';
		} else {
			size_t len = strcspn(p, ".[");
			buf_add(&part, p, len);
			p += len;
		}
		strs_add(a, out, arena_strndup(a, buf_str(&part), part.len));
	}
}

/* `*` stands for any text; no other sign is special. Linear but for the last star. */
static bool part_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;
	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == *text) {
			pattern++, text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static bool begins(const struct strs *pattern, size_t skip, const struct strs *path, size_t from)
{
	if (!pattern->count || pattern->count - skip > path->count - from)
		return false;
	for (size_t i = skip; i < pattern->count; i++) {
		if (!part_matches(pattern->items[i], path->items[from + i - skip]))
			return false;
	}
	return true;
}

static bool of_configuration(const char *word)
{
	static const char *const sections[] = { "services", "images", "routes", "networks",
		"volumes", "caches", "configs", "secrets" };
	for (size_t i = 0; i < countof(sections); i++) {
		if (streq(sections[i], word))
			return true;
	}
	return false;
}

enum { CONTENT = 3 /* services.NAME.image.HERE */ };

static bool is_content(const struct strs *path)
{
	return path->count > CONTENT && streq(path->items[0], "services") &&
	       streq(path->items[2], "image");
}

static bool names_image(
	const struct strs *pattern, const struct strs *path, const char *const names[2])
{
	if (pattern->count < 2 || !streq(pattern->items[0], "images"))
		return false;
	bool named = (names[0] && part_matches(pattern->items[1], names[0])) ||
		     (names[1] && part_matches(pattern->items[1], names[1]));
	return named && begins(pattern, 2, path, CONTENT);
}

bool parity_allows(
	struct arena *a, const char *pattern, const char *path, const char *const names[2])
{
	struct strs wanted = { 0 }, there = { 0 };
	split_path(a, pattern, &wanted);
	split_path(a, path, &there);
	if (begins(&wanted, 0, &there, 0))
		return true;
	if (!wanted.count || !is_content(&there))
		return false;
	if (!of_configuration(wanted.items[0]))
		return begins(&wanted, 0, &there, CONTENT);
	return names_image(&wanted, &there, names);
}

bool parity_is_content(struct arena *a, const char *pattern)
{
	struct strs wanted = { 0 };
	split_path(a, pattern, &wanted);
	if (!wanted.count || !of_configuration(wanted.items[0]))
		return true;
	return streq(wanted.items[0], "images") || is_content(&wanted);
}
