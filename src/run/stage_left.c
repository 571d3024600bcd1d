/*
 * What a stage leaves inside a container when nobody is left to end it: the engine goes on with an
 * exec whose devenv was killed. Comes in: which module's exec runs where, noted in the workspace's
 * state while it runs. Goes out: the same ended, before another begins or by the next agent.
 */
#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "run/stage.h"

enum { LEFT_MS = 15000, ID_MAX = 200 };

static const char suffix[] = ".inside";

static const char *folder(struct arena *a, const struct places *pl)
{
	return path_join(a, pl->state, "stages");
}

static const char *note_path(struct arena *a, const struct places *pl, const char *service)
{
	return path_join(a, folder(a, pl), arena_printf(a, "%s%s", service, suffix));
}

void stage_left_note(const struct places *pl, const char *service, const char *container)
{
	struct arena a = ARENA_INIT;
	struct err ignored = ERR_INIT; /* it runs all the same */
	dir_make(folder(&a, pl), 0700, &ignored);
	file_write(note_path(&a, pl, service), container, strlen(container), 0600, false, &ignored);
	arena_release(&a);
}

void stage_left_forget(const struct places *pl, const char *service)
{
	struct arena a = ARENA_INIT;
	unlink(note_path(&a, pl, service));
	arena_release(&a);
}

const char *stage_left_in(struct arena *a, const struct places *pl, const char *service)
{
	cleanup_buf struct buf id = BUF_INIT;
	struct err ignored = ERR_INIT;
	if (file_read(note_path(a, pl, service), ID_MAX, &id, &ignored) || !id.len)
		return NULL;
	return arena_strndup(a, id.data, id.len);
}

/* A container that is gone, or stopped, has ended it: what the engine says then is no error. */
static void end_one(struct engine *g, struct arena *a, const struct places *pl, const char *service)
{
	const char *container = stage_left_in(a, pl, service);
	cleanup_buf struct buf out = BUF_INIT;
	struct err ignored = ERR_INIT;
	int status;
	if (!container)
		return;
	struct exec_request r = { .container = container,
		.argv = stage_end_argv(a, service, false) };
	engine_exec_capture(g, &r, &out, &status, LEFT_MS, &ignored);
	stage_left_forget(pl, service);
}

void stages_end_left(struct engine *g, const struct places *pl)
{
	struct arena a = ARENA_INIT;
	DIR *d = opendir(folder(&a, pl));
	for (struct dirent *entry; d && (entry = readdir(d));) {
		size_t len = strlen(entry->d_name);
		struct lock lock = { .fd = -1 };
		struct err busy = ERR_INIT;
		if (len < sizeof(suffix) ||
			!streq(entry->d_name + len - (sizeof(suffix) - 1), suffix))
			continue;
		const char *service = arena_strndup(&a, entry->d_name, len - (sizeof(suffix) - 1));
		if (stages_lock(pl, service, &lock, &busy))
			continue; /* somebody is there who ends it */
		end_one(g, &a, pl, service);
		lock_drop(&lock);
	}
	if (d)
		closedir(d);
	arena_release(&a);
}
