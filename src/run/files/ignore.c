/*
 * .dockerignore. Comes in: its text, paths of a context. Goes out: excluded or not, by Docker's
 * rules (the last rule that matches decides). Knows no disk.
 */
#include <string.h>

#include "base/os.h"
#include "run/files/context.h"

struct rule {
	const char *pattern; /* clean, no slash at either end */
	bool except;         /* written with `!` */
};

struct ignore_rules {
	LIST_OF(struct rule) rules;
	bool exceptions;
};

/* Docker cleans the path of a rule, but `**` and escapes stay as they are. */
static void add_rule(struct arena *a, struct ignore_rules *r, const char *line, size_t len)
{
	bool except = len && *line == '!';
	line += except;
	len -= except;
	while (len && strchr(" \t\r", *line))
		line++, len--;
	while (len && strchr(" \t\r", line[len - 1]))
		len--;
	if (!len)
		return;
	char *clean = path_normal(a, arena_strndup(a, line, len));
	clean += *clean == '/';
	if (!*clean)
		return;
	*list_push(a, &r->rules) = (struct rule){ clean, except };
	r->exceptions = r->exceptions || except;
}

struct ignore_rules *ignore_parse(struct arena *a, const char *text, size_t len)
{
	struct ignore_rules *r = arena_new(a, struct ignore_rules);
	const char *end = text + len;
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);
		const char *line = text;
		text += n + 1;
		if (n && *line == '#')
			continue;
		while (n && strchr(" \t\r", *line))
			line++, n--;
		add_rule(a, r, line, n);
	}
	return r;
}

/* "[a-c]", "[^x]" as Go's regular expressions read them; returns behind it, or NULL when it has no
 * end. */
static const char *match_class(const char *p, char c, bool *hit)
{
	bool not = p[1] == '^', found = false;
	p += 1 + not ;
	for (bool first = true; *p && (*p != ']' || first); first = false) {
		char low = *p == '\\' && p[1] ? *++p : *p, high = low;
		p++;
		if (*p == '-' && p[1] && p[1] != ']') {
			high = p[1] == '\\' && p[2] ? p[2] : p[1];
			p += p[1] == '\\' && p[2] ? 3 : 2;
		}
		found = found || ((unsigned char)low <= (unsigned char)c &&
					 (unsigned char)c <= (unsigned char)high);
	}
	*hit = found != not ;
	return *p == ']' ? p + 1 : NULL;
}

static bool match(const char *p, const char *s);

/* Two stars and the slash behind them: any number of whole parts. At the end: anything. */
static bool match_stars(const char *p, const char *s)
{
	while (*p == '*')
		p++;
	if (!*p)
		return true;
	if (*p == '/')
		p++;
	for (const char *at = s; at; at = strchr(at, '/'), at = at ? at + 1 : NULL)
		if (match(p, at))
			return true;
	return false;
}

static bool match_star(const char *p, const char *s)
{
	for (;; s++) {
		if (match(p, s))
			return true;
		if (!*s || *s == '/')
			return false;
	}
}

static bool match(const char *p, const char *s)
{
	for (; *p; s++) {
		bool hit = false;
		if (p[0] == '*')
			return p[1] == '*' ? match_stars(p, s) : match_star(p + 1, s);
		if (!*s)
			return false;
		if (*p == '[') {
			p = match_class(p, *s, &hit);
			if (!p || !hit)
				return false;
			continue;
		}
		if (*p == '?') {
			hit = *s != '/';
		} else {
			p += *p == '\\' && p[1];
			hit = *p == *s;
		}
		if (!hit)
			return false;
		p++;
	}
	return !*s;
}

/* Docker takes "**x" without another wildcard for "ends in x", even within a part. */
static bool match_whole(const char *pattern, const char *path)
{
	if (starts_with(pattern, "**") && pattern[2] && pattern[2] != '/' &&
		!strpbrk(pattern + 2, "*?[]\\"))
		return ends_with(path, pattern + 2);
	return match(pattern, path);
}

/* The path itself or a directory above it. */
static bool rule_match(struct arena *a, const struct rule *r, const char *path)
{
	if (match_whole(r->pattern, path))
		return true;
	for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/'))
		if (match_whole(r->pattern, arena_strndup(a, path, (size_t)(s - path))))
			return true;
	return false;
}

bool ignore_match(const struct ignore_rules *r, const char *path)
{
	struct arena a = ARENA_INIT;
	bool out = false;
	for (size_t i = 0; i < r->rules.count; i++)
		if (r->rules.items[i].except == out)
			out = rule_match(&a, &r->rules.items[i], path) ? !out : out;
	arena_release(&a);
	return out;
}

bool ignore_exceptions(const struct ignore_rules *r)
{
	return r->exceptions;
}
