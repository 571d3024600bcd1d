/*
 * Paths to values: how a walk's place in the tree is written, and how a written path is read.
 * In: keys and indices, or "services.api.ports[0]". Out: the other one. Knows no schema and no key.
 */
#include "config/rules.h"

#include <string.h>

const char *trail_text(struct arena *a, const struct trail *t)
{
	const struct trail *row[CONFIG_MAX_DEPTH + 2];
	size_t count = 0;
	const char *path = "";

	for (; t && count < countof(row); t = t->up)
		row[count++] = t;
	while (count--)
		path = row[count]->key ? path_key(a, path, row[count]->key)
				       : path_index(a, path, row[count]->index);
	return path;
}

bool trail_too_deep(const struct trail *t, const struct node *n, struct diags *d)
{
	if (!t || t->depth < CONFIG_MAX_DEPTH)
		return false;
	diag_add(d, SEV_ERROR, n->place, "nested deeper than %d levels", CONFIG_MAX_DEPTH);
	return true;
}

/* "quoted", with backslash before a quote or a backslash; returns what follows, or NULL. */
static const char *read_quoted(struct arena *a, const char *s, const char **key)
{
	cleanup_buf struct buf out = BUF_INIT;

	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && (s[1] == '"' || s[1] == '\\'))
			s++;
		buf_addc(&out, *s);
	}
	*key = arena_strdup(a, buf_str(&out));
	return *s == '"' ? s + 1 : NULL;
}

static const char *read_key(struct arena *a, const char *s, const char **key)
{
	if (*s == '"')
		return read_quoted(a, s, key);
	size_t len = strcspn(s, ".[\"");
	*key = arena_strndup(a, s, len);
	return len ? s + len : NULL;
}

static const char *read_index(const char *s, size_t *index)
{
	size_t digits = strspn(s + 1, "0123456789");

	if (!digits || digits > 6 || s[1 + digits] != ']')
		return NULL;
	*index = 0;
	for (size_t i = 1; i <= digits; i++)
		*index = *index * 10 + (size_t)(s[i] - '0');
	return s + digits + 2;
}

bool path_parse(struct arena *a, const char *text, struct path_steps *out)
{
	const char *s = text;

	while (s && *s) {
		struct path_step step = { NULL, 0 };
		if (*s == '[')
			s = read_index(s, &step.index);
		else if (s == text || *s == '.')
			s = read_key(a, s + (s != text), &step.key);
		else
			s = NULL;
		if (!s || out->count >= CONFIG_MAX_DEPTH)
			return false;
		*list_push(a, out) = step;
	}
	return s && out->count;
}
