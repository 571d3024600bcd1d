/*
 * What is known of volumes that are not filled yet. Comes in and goes out: names of the engine's
 * volumes, as files: empty for a dump, else with the name of the volume that is copied. Fills
 * nothing itself.
 */
#include "base/os.h"
#include "run/data/initial.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 4096 };

static char *folder(struct arena *a, const struct places *pl)
{
	return path_join(a, pl->state, "initial");
}

static void read_one(struct arena *a, const char *dir, const char *name, struct world *w)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	if (file_read(path_join(a, dir, name), NAME_MAX_BYTES, &text, &e))
		return;
	*list_push(a, &w->unfilled) = (struct unfilled){
		.volume = arena_strdup(a, name),
		.from = text.len ? arena_strdup(a, buf_str(&text)) : NULL,
	};
}

void initial_list(struct arena *a, const struct places *pl, struct world *w)
{
	const char *dir = folder(a, pl);
	DIR *d = opendir(dir);
	w->unfilled.count = 0;
	for (const struct dirent *f; d && (f = readdir(d));)
		if (f->d_name[0] != '.')
			read_one(a, dir, f->d_name, w);
	if (d)
		closedir(d);
}

int initial_begin(const struct places *pl, const struct unfilled *u, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *dir = folder(&a, pl), *from = u->from ? u->from : "";
	int rc = dir_make(dir, 0700, e);
	rc = rc ? rc : file_write(path_join(&a, dir, u->volume), from, strlen(from), 0600, true, e);
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

int initial_forget(const struct places *pl, struct err *e)
{
	struct arena a = ARENA_INIT;
	int rc = tree_remove(folder(&a, pl), e);
	arena_release(&a);
	return rc;
}
