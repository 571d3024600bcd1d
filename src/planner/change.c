/*
 * What a changed file means, by the configuration alone: sources, a lock file, an input of an
 * image, the configuration itself. Comes in: a path relative to the project. Never looks at disk.
 */
#include "planner/planner.h"

#include <fnmatch.h>

#include "base/os.h"

/* Overlays that are not there yet are configuration, too, as soon as they are. */
static bool names_configuration(const char *path)
{
	return fnmatch("devenv.yml", path, FNM_PATHNAME) == 0 ||
	       fnmatch("devenv.*.yml", path, FNM_PATHNAME) == 0 ||
	       fnmatch("devenv.d/*.yml", path, FNM_PATHNAME) == 0;
}

static bool is_lock(const struct service *s, const char *path)
{
	for (size_t i = 0;
		s->develop && s->develop->deps.install && i < s->develop->deps.lock.count; i++) {
		struct arena a = ARENA_INIT;
		bool same = streq(path, path_normal(&a, s->develop->deps.lock.items[i]));
		arena_release(&a);
		if (same)
			return true;
	}
	return false;
}

static bool in_sources(const struct project *p, const char *file)
{
	for (size_t i = 0; i < p->services.count; i++) {
		const struct develop *dev = p->services.items[i].develop;
		if (dev && path_inside(dev->source, file))
			return true;
	}
	return false;
}

static bool is_named_input(
	struct arena *a, const struct project *p, const struct image *i, const char *file)
{
	if (i->dockerfile && streq(file, path_normal(a, path_join(a, p->dir, i->dockerfile))))
		return true;
	for (size_t k = 0; k < i->files.count; k++) {
		const struct image_file *f = &i->files.items[k];
		if (!f->template &&
			path_inside(path_normal(a, path_join(a, p->dir, f->source)), file))
			return true;
	}
	return false;
}

/* Sources in the context of one's own Dockerfile are mounted over it: they build nothing anew. */
static bool is_image_input(
	struct arena *a, const struct project *p, const struct image *i, const char *file)
{
	if (is_named_input(a, p, i, file))
		return true;
	if (!i->dockerfile || in_sources(p, file))
		return false;
	const char *context = i->context ? path_join(a, p->dir, i->context)
					 : path_dir(a, path_join(a, p->dir, i->dockerfile));
	return path_inside(path_normal(a, context), file);
}

static bool is_any_image_input(
	struct arena *a, const struct project *p, const struct service *s, const char *file)
{
	if (s) {
		for (const struct image *i = s->image; i; i = i->parent) {
			if (is_image_input(a, p, i, file))
				return true;
		}
		return false;
	}
	for (size_t i = 0; i < p->images.count; i++) {
		if (p->images.items[i].used && is_image_input(a, p, &p->images.items[i], file))
			return true;
	}
	return false;
}

enum change plan_change(const struct project *p, const struct strs *config_files,
	const struct service *s, const char *path)
{
	struct arena a = ARENA_INIT;
	const char *file = path_normal(&a, path_join(&a, p->dir, path));
	bool configuration = strs_has(config_files, file) || names_configuration(path);
	bool image = !configuration && is_any_image_input(&a, p, s, file);
	bool lock = !configuration && !image && s && is_lock(s, path);
	arena_release(&a);
	return configuration ? CHANGE_CONFIGURATION
	       : image       ? CHANGE_IMAGE
	       : lock        ? CHANGE_DEPENDENCIES
			     : CHANGE_SOURCE;
}
