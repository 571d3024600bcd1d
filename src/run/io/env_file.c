/*
 * Files of variables, as Compose reads them for a service: NAME=VALUE lines, quotes, comments.
 * Comes in: a path. Goes out: "NAME=VALUE" strings. References to other variables stay as they are.
 */
#include "run/io/env_file.h"

#include <ctype.h>
#include <string.h>

#include "base/os.h"

enum { ENV_FILE_MAX = 1 << 20 };

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Inside double quotes; the rest of the escapes stay as written. */
static char unescaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case '"':
	case '\\':
	case '$':
		return c;
	default:
		return 0;
	}
}

/* A quoted value may go over several lines. Behind its end, or NULL: it has none. */
static const char *quoted(const char *p, struct buf *out)
{
	char quote = *p++;
	for (; *p && *p != quote; p++) {
		char c = quote == '"' && *p == '\\' ? unescaped(p[1]) : 0;
		buf_addc(out, c ? c : *p);
		p += c ? 1 : 0;
	}
	return *p ? p + 1 : NULL;
}

static const char *plain(const char *p, struct buf *out)
{
	size_t from = out->len;
	for (; *p && *p != '\n' && !(*p == '#' && blank(p[-1])); p++)
		buf_addc(out, *p);
	while (out->len > from && blank(out->data[out->len - 1]))
		buf_truncate(out, out->len - 1);
	return p;
}

static const char *next_line(const char *p)
{
	const char *nl = strchr(p, '\n');
	return nl ? nl + 1 : p + strlen(p);
}

static const char *skip_blank(const char *p)
{
	while (blank(*p))
		p++;
	return p;
}

/* One variable at p into out, or nothing of a comment or a bare name. NULL: a quote has no end. */
static const char *variable(const char *p, struct buf *out)
{
	p = skip_blank(p);
	if (strncmp(p, "export ", 7) == 0)
		p = skip_blank(p + 7);
	size_t len = 0;
	while (isalnum((unsigned char)p[len]) || (p[len] && strchr("_.-", p[len])))
		len++;
	const char *eq = skip_blank(p + len);
	if (!len || *eq != '=')
		return next_line(p);
	buf_add(out, p, len);
	buf_addc(out, '=');
	p = skip_blank(eq + 1);
	p = *p == '"' || *p == '\'' ? quoted(p, out) : plain(p, out);
	return p ? next_line(p) : NULL;
}

int env_file_read(struct arena *a, const char *path, struct strs *out, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT, one = BUF_INIT;
	if (file_read(path, ENV_FILE_MAX, &text, e))
		return -1;
	for (const char *p = buf_str(&text); p && *p;) {
		buf_truncate(&one, 0);
		p = variable(p, &one);
		if (!p)
			return err_set(e, ERR_CONFIG, "%s: a quote does not end", path);
		if (one.len)
			strs_add(a, out, arena_strdup(a, one.data));
	}
	return 0;
}
