/*
 * Patterns of .gitignore's kind. Comes in: lines, paths. Goes out: taken, left or nothing said.
 * Follows git in all that its manual leaves open: the part before the first wildcard is compared
 * first, so `a**` + `/b` is `a`, then any number of parts, then `b`.
 */
#include "run/files/patterns.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

/* Blanks at the end go, but for one that a backslash protects. */
static size_t trimmed(const char *line, size_t len)
{
	size_t end = 0;
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\\')
			i++;
		else if (line[i] == ' ')
			continue;
		end = i < len ? i + 1 : len;
	}
	return end;
}

void patterns_add(struct arena *a, struct patterns *p, const char *line, size_t len)
{
	struct pattern new = { .except = len && *line == '!' };
	if (!len || *line == '#')
		return;
	len = trimmed(line, len);
	if (!len)
		return;
	line += new.except;
	len -= new.except;
	new.directory = len &&line[len - 1] == '/';
	len -= new.directory;
	if (!len)
		return;
	new.anywhere = !memchr(line, '/', len);
	if (*line == '/')
		line++, len--;
	new.text = arena_strndup(a, line, len);
	new.len = strlen(new.text);
	new.plain = strcspn(new.text, "*?[\\");
	*list_push(a, p) = new;
}

void patterns_parse(struct arena *a, struct patterns *p, const char *text, size_t len)
{
	const char *end = text + len;
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);
		size_t line = n && text[n - 1] == '\r' ? n - 1 : n;
		patterns_add(a, p, text, line);
		text += n + 1;
	}
}

/* "[[:alpha:]]": hit tells of c; false: no such class. */
static bool named_class(const char *name, size_t len, int c, bool *hit)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} classes[] = { { "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank },
		{ "cntrl", iscntrl }, { "digit", isdigit }, { "graph", isgraph },
		{ "lower", islower }, { "print", isprint }, { "punct", ispunct },
		{ "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit } };
	for (size_t i = 0; i < countof(classes); i++)
		if (strlen(classes[i].name) == len && !strncmp(classes[i].name, name, len)) {
			*hit = *hit || (c < 128 && classes[i].is(c));
			return true;
		}
	return false;
}

/* p behind "[:". Returns behind ":]", or NULL for a class that there is not; *set: it is no class
 * at all but a set that has these characters in it. */
static const char *match_named(const char *p, int c, bool *hit, bool *set)
{
	const char *end = strchr(p, ']');
	if (!end)
		return NULL;
	*set = end == p || end[-1] != ':';
	if (*set)
		return p;
	return named_class(p, (size_t)(end - 1 - p), c, hit) ? end + 1 : NULL;
}

/* One character of a set, unescaped; 0 when the pattern ends. */
static int set_char(const char **p)
{
	if (**p == '\\')
		++*p;
	return **p ? (unsigned char)*(*p)++ : 0;
}

/* p at "[". Returns behind "]", or NULL for a set that has no end. */
static const char *match_set(const char *p, int c, bool *hit)
{
	bool not = p[1] == '!' || p[1] == '^', found = false, first = true;
	int before = 0;
	p += 1 + not ;
	for (; *p != ']' || first; first = false) {
		bool set = false;
		if (*p == '[' && p[1] == ':') {
			const char *behind = match_named(p + 2, c, &found, &set);
			if (!behind)
				return NULL;
			before = set ? '[' : 0;
			found = found || (set && c == '[');
			p = set ? p + 1 : behind;
		} else if (*p == '-' && before && p[1] && p[1] != ']') {
			p++;
			int last = set_char(&p);
			if (!last)
				return NULL;
			found = found || (before <= c && c <= last);
			before = 0;
		} else {
			before = set_char(&p);
			if (!before)
				return NULL;
			found = found || before == c;
		}
	}
	*hit = found != not ;
	return p + 1;
}

/* What a try says besides: ALL, no later start can match either; STARS, only one that crosses a
 * slash can. Both keep stars in a row from trying for ever. */
enum outcome { MATCHES, FAILS, FAILS_ALL, FAILS_STARS };

static enum outcome glob(const char *p, const char *s, bool parts);

/* p behind the star or stars. */
static enum outcome glob_rest(const char *p, const char *s, bool parts, bool crosses)
{
	if (!*p)
		return crosses || !strchr(s, '/') ? MATCHES : FAILS_STARS;
	if (!crosses && *p == '/') {
		s = strchr(s, '/');
		return s ? glob(p + 1, s + 1, parts) : FAILS_ALL;
	}
	for (; *s; s++) {
		enum outcome o = glob(p, s, parts);
		if (o == MATCHES || o == FAILS_ALL || (o == FAILS_STARS && !crosses))
			return o;
		if (!crosses && *s == '/')
			return FAILS_STARS;
	}
	return FAILS_ALL;
}

/* p at the first star. */
static enum outcome glob_star(const char *start, const char *p, const char *s, bool parts)
{
	bool at_part = p == start || p[-1] == '/';
	const char *first = p;
	while (*p == '*')
		p++;
	bool many = p - first > 1;
	if (!parts)
		return glob_rest(p, s, parts, true);
	if (!many || !at_part || (*p && *p != '/' && (p[0] != '\\' || p[1] != '/')))
		return glob_rest(p, s, parts, false);
	if (*p == '/' && glob(p + 1, s, parts) == MATCHES)
		return MATCHES;
	return glob_rest(p, s, parts, true);
}

/* parts: a path, whose slashes only `**` crosses. */
static enum outcome glob(const char *p, const char *s, bool parts)
{
	for (const char *start = p; *p; s++) {
		bool hit = false;
		if (*p == '*')
			return glob_star(start, p, s, parts);
		if (!*s)
			return FAILS_ALL;
		if (*p == '[') {
			p = match_set(p, (unsigned char)*s, &hit);
			if (!p)
				return FAILS_ALL;
			hit = hit && !(parts && *s == '/');
		} else if (*p == '?') {
			hit = !parts || *s != '/';
			p++;
		} else {
			p += *p == '\\';
			hit = *p == *s;
			p += *p != 0;
		}
		if (!hit)
			return FAILS;
	}
	return *s ? FAILS : MATCHES;
}

static bool match_one(const struct pattern *p, const char *path, const char *name)
{
	if (p->anywhere)
		return p->plain == p->len ? streq(p->text, name)
					  : glob(p->text, name, false) == MATCHES;
	if (strncmp(p->text, path, p->plain))
		return false;
	return glob(p->text + p->plain, path + p->plain, true) == MATCHES;
}

enum pattern_say patterns_match(const struct patterns *p, const char *path, bool directory)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	for (size_t i = p->count; i-- > 0;) {
		const struct pattern *one = &p->items[i];
		if ((directory || !one->directory) && match_one(one, path, name))
			return one->except ? PATTERN_LEAVES : PATTERN_TAKES;
	}
	return PATTERN_SILENT;
}

bool patterns_cover(const struct patterns *p, const char *path, bool directory)
{
	struct arena a = ARENA_INIT;
	char *part = arena_strdup(&a, path);
	bool taken = false;
	for (char *s = strchr(part, '/'); s && !taken; s = strchr(s + 1, '/')) {
		*s = 0;
		taken = patterns_match(p, part, true) == PATTERN_TAKES;
		*s = '/';
	}
	taken = taken || patterns_match(p, path, directory) == PATTERN_TAKES;
	arena_release(&a);
	return taken;
}
