/*
 * Names of files, by text alone but for path_real(). Results live in the arena that is passed.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "base/text.h"

char *path_join(struct arena *a, const char *dir, const char *name)
{
	if (*name == '/')
		return arena_strdup(a, name);
	return arena_printf(a, "%s%s%s", dir, ends_with(dir, "/") ? "" : "/", name);
}

char *path_real(struct arena *a, const char *path)
{
	char *real = realpath(path, NULL);
	char *copy = arena_strdup(a, real);
	free(real);
	return copy;
}

char *path_normal(struct arena *a, const char *path)
{
	bool absolute = *path == '/';
	char *out = arena_strndup(a, path, strlen(path) + 1);
	size_t len = 0, floor = 0; /* floor: leading ../ that cannot be taken back */
	for (const char *p = path; *p;) {
		p += strspn(p, "/");
		size_t n = strcspn(p, "/");
		bool up = n == 2 && !memcmp(p, "..", 2);
		if (up && len > floor) {
			while (len > floor && out[len - 1] != '/')
				len--;
			len -= len > floor;
		} else if (n && !(n == 1 && *p == '.') && !(up && absolute)) {
			if (len || absolute)
				out[len++] = '/';
			memmove(out + len, p, n);
			len += n;
			floor = up ? len : floor;
		}
		p += n;
	}
	if (!len)
		out[len++] = absolute ? '/' : '.';
	out[len] = '\0';
	return out;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

char *path_dir(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return arena_strdup(a, ".");
	return arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path));
}

bool path_inside(const char *dir, const char *path)
{
	size_t len = strlen(dir);
	if (len && dir[len - 1] == '/')
		len--;
	return !strncmp(dir, path, len) && (path[len] == '/' || !path[len]);
}

char *xdg_dir(struct arena *a, enum xdg which)
{
	static const struct {
		const char *variable, *fallback;
	} table[] = {
		[XDG_CONFIG] = { "XDG_CONFIG_HOME", ".config" },
		[XDG_STATE] = { "XDG_STATE_HOME", ".local/state" },
		[XDG_DATA] = { "XDG_DATA_HOME", ".local/share" },
		[XDG_CACHE] = { "XDG_CACHE_HOME", ".cache" },
		[XDG_RUNTIME] = { "XDG_RUNTIME_DIR", NULL },
	};
	const char *dir = getenv(table[which].variable), *home = getenv("HOME");
	if (dir && *dir == '/')
		return path_join(a, dir, "devenv");
	if (!table[which].fallback || !home || *home != '/')
		return NULL;
	return arena_printf(a, "%s/%s/devenv", home, table[which].fallback);
}
