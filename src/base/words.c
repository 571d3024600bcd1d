/*
 * Shell words: splitting a line as a POSIX shell does (no expansion), and quoting for one.
 */
#include <string.h>

#include "base/text.h"

/* Copies one word from s into b; returns what follows, or NULL with *why on an open quote. */
static const char *word(const char *s, struct buf *b, const char **why)
{
	char quote = 0;
	for (; *s && (quote || !strchr(" \t\n", *s)); s++) {
		if (quote == '\'' && *s != '\'')
			buf_addc(b, *s);
		else if (*s == '\\' && s[1] && (quote != '"' || strchr("\"\\$`", s[1])))
			buf_addc(b, *++s);
		else if (quote && *s == quote)
			quote = 0;
		else if (!quote && (*s == '\'' || *s == '"'))
			quote = *s;
		else
			buf_addc(b, *s);
	}
	if (quote)
		*why = quote == '"' ? "a double quote is not closed"
				    : "a single quote is not closed";
	return quote ? NULL : s;
}

char **split_words(struct arena *a, const char *line, size_t *count, const char **why)
{
	struct strs l = { 0 };
	cleanup_buf struct buf b = BUF_INIT;
	for (line += strspn(line, " \t\n"); *line; line += strspn(line, " \t\n")) {
		buf_truncate(&b, 0);
		line = word(line, &b, why);
		if (!line)
			return NULL;
		strs_add(a, &l, arena_strndup(a, buf_str(&b), b.len));
	}
	*count = l.count;
	strs_add(a, &l, NULL);
	return (char **)l.items;
}

void shell_quote(struct buf *out, const char *s)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
	if (*s && strspn(s, plain) == strlen(s)) {
		buf_adds(out, s);
		return;
	}
	buf_addc(out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *s);
	}
	buf_addc(out, '\'');
}
