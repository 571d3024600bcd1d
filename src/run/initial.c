/*
 * What is known of dumps that are not loaded yet. Comes in and goes out: names of the engine's
 * volumes, as files. Loads nothing itself.
 */
#include "run/initial.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

static char *folder(struct arena *a, const struct places *pl)
{
	return path_join(a, pl->state, "initial");
}

void initial_list(struct arena *a, const struct places *pl, struct world *w)
{
	DIR *d = opendir(folder(a, pl));
	w->unloaded = (struct strs){ 0 };
	for (const struct dirent *f; d && (f = readdir(d));)
		if (f->d_name[0] != '.')
			strs_add(a, &w->unloaded, arena_strdup(a, f->d_name));
	if (d)
		closedir(d);
	strs_sort(&w->unloaded);
}

int initial_begin(const struct places *pl, const char *volume, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *dir = folder(&a, pl);
	int rc = dir_make(dir, 0700, e) ||
				 file_write(path_join(&a, dir, volume), "", 0, 0600, true, e)
			 ? -1
			 : 0;
	arena_release(&a);
	return rc;
}

int initial_end(const struct places *pl, const char *volume, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *path = path_join(&a, folder(&a, pl), volume);
	int rc = unlink(path) && errno != ENOENT ? err_errno(e, "%s", path) : 0;
	arena_release(&a);
	return rc;
}
