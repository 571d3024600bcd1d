/*
 * Which file a name in a tool's output means. Comes in: a name as the tool knows it, in a container
 * or on the host. Goes out: a file of the project's, or nothing.
 */
#include <string.h>
#include <sys/stat.h>

#include "cmd/results.h"

/* A regular file, seen through links, that lies in the project. */
static bool is_ours(struct arena *a, const struct project *p, const char *path, struct buf *out)
{
	struct stat st;
	const char *real = path_real(a, path);
	if (!real || !path_inside(p->dir, real) || stat(real, &st) || !S_ISREG(st.st_mode))
		return false;
	buf_adds(out, real);
	return true;
}

/* A path in the container, as its mounts show it here. */
static bool by_mount(struct arena *a, const struct link_scope *l, const char *target,
	const char *source, const char *name, struct buf *out)
{
	size_t len = target ? strlen(target) : 0;
	if (!source || !len || !starts_with(name, target) || (name[len] && name[len] != '/'))
		return false;
	while (name[len] == '/')
		len++;
	return is_ours(a, l->project, path_join(a, source, name + len), out);
}

static bool absolute(struct arena *a, const struct link_scope *l, const char *name, struct buf *out)
{
	const struct service *s = l->service;
	if (is_ours(a, l->project, name, out))
		return true;
	if (s && s->develop && by_mount(a, l, s->working_dir, s->develop->source, name, out))
		return true;
	for (size_t i = 0; s && i < s->mounts.count; i++) {
		const struct mount *m = &s->mounts.items[i];
		if (m->kind == MOUNT_BIND && by_mount(a, l, m->target, m->source, name, out))
			return true;
	}
	return false;
}

static bool relative(struct arena *a, const struct link_scope *l, const char *name, struct buf *out)
{
	const struct service *s = l->service;
	const char *dirs[] = {
		s && s->develop ? s->develop->source : NULL,
		s && s->on_host ? s->on_host->working_dir : NULL,
		l->project->dir,
	};
	for (size_t i = 0; i < countof(dirs); i++)
		if (dirs[i] && is_ours(a, l->project, path_join(a, dirs[i], name), out))
			return true;
	return false;
}

bool link_to_file(void *scope, const char *name, size_t len, struct buf *out)
{
	struct link_scope *l = scope;
	struct arena a = ARENA_INIT;
	if (!len || l->left <= 0)
		return false;
	l->left--;
	const char *path = arena_strndup(&a, name, len);
	bool found = path[0] == '/' ? absolute(&a, l, path, out) : relative(&a, l, path, out);
	arena_release(&a);
	return found;
}
