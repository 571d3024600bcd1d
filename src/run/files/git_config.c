/*
 * The user's file of ignore patterns, from git's configuration. Comes in: a repository's directory,
 * the environment. Goes out: a path. Understands what git-config(1) allows of a value; what is
 * included on a condition is left aside.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/os.h"
#include "run/files/git_files.h"

enum { CONFIG_MAX = 1 << 20, INCLUDES_MAX = 10 };

struct finding {
	struct arena *a;
	const char *value; /* of core.excludesFile; the last one holds */
	int depth;
};

static const char *expand(struct arena *a, const char *path, const char *beside)
{
	const char *home = getenv("HOME");
	if (starts_with(path, "~/"))
		return home ? path_join(a, home, path + 2) : NULL;
	return beside ? path_join(a, path_dir(a, beside), path) : path;
}

/* A value: quotes, escapes, a comment behind it, a backslash before the end of the line. */
static const char *read_value(struct arena *a, const char **at)
{
	cleanup_buf struct buf out = BUF_INIT;
	const char *p = *at;
	bool quoted = false;
	size_t solid = 0;
	for (; *p && *p != '\n'; p++) {
		if (!quoted && (*p == '#' || *p == ';'))
			break;
		if (*p == '"') {
			quoted = !quoted;
		} else if (*p == '\\' && p[1]) {
			p++;
			if (*p == '\n')
				continue;
			buf_addc(&out, *p == 'n' ? '\n' : *p == 't' ? '\t' : *p);
		} else {
			buf_addc(&out, *p);
		}
		if (quoted || !isspace((unsigned char)*p))
			solid = out.len;
	}
	*at = p + strcspn(p, "\n");
	return arena_strndup(a, buf_str(&out), solid);
}

static void read_config(struct finding *f, const char *file);

static void take(struct finding *f, const char *file, const char *section, const char *key,
	const char *value)
{
	if (!strcasecmp(section, "core") && !strcasecmp(key, "excludesfile"))
		f->value = expand(f->a, value, NULL);
	if (!strcasecmp(section, "include") && !strcasecmp(key, "path"))
		read_config(f, expand(f->a, value, file));
}

static const char *read_section(struct arena *a, const char **at)
{
	size_t len = strcspn(*at, "]\n");
	const char *name = arena_strndup(a, *at, len);
	*at += len + ((*at)[len] == ']');
	return name;
}

static void read_text(struct finding *f, const char *file, const char *p)
{
	const char *section = "";
	while (*p) {
		p += strspn(p, " \t\r\n");
		if (*p == '[') {
			p++;
			section = read_section(f->a, &p);
			continue;
		}
		size_t len = strspn(
			p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
		const char *key = arena_strndup(f->a, p, len);
		p += len;
		p += strspn(p, " \t");
		if (*p == '=' && len) {
			p++;
			p += strspn(p, " \t");
			take(f, file, section, key, read_value(f->a, &p));
		} else {
			p += strcspn(p, "\n");
		}
	}
}

static void read_config(struct finding *f, const char *file)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	if (!file || f->depth >= INCLUDES_MAX || file_read(file, CONFIG_MAX, &text, &e))
		return;
	f->depth++;
	read_text(f, file, arena_strdup(f->a, buf_str(&text)));
	f->depth--;
}

const char *git_users_excludes(struct arena *a, const char *common)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
	const char *global = getenv("GIT_CONFIG_GLOBAL");
	struct finding f = { .a = a };
	const char *config = xdg && *xdg ? xdg : home ? path_join(a, home, ".config") : NULL;
	if (config)
		f.value = path_join(a, config, "git/ignore");
	if (!getenv("GIT_CONFIG_NOSYSTEM"))
		read_config(&f, "/etc/gitconfig");
	if (global) {
		read_config(&f, global);
	} else {
		read_config(&f, config ? path_join(a, config, "git/config") : NULL);
		read_config(&f, home ? path_join(a, home, ".gitconfig") : NULL);
	}
	read_config(&f, path_join(a, common, "config"));
	return f.value;
}
