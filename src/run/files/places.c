/*
 * Where a workspace keeps its things (DESIGN 4). Comes in: the checkout and the workspace's id.
 * Goes out: absolute directories, none of them made yet. What must survive `git clean -fdx` is not
 * in the checkout.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "run/files/places.h"

static char *xdg_needed(struct arena *a, enum xdg which, const char *variable, struct err *e)
{
	char *dir = xdg_dir(a, which);
	if (!dir) {
		err_set(e, ERR_FAILED, "neither HOME nor %s is an absolute path", variable);
		err_hint(e, "set HOME: devenv keeps keys, ports and logs below it");
	}
	return dir;
}

/* Root that came through sudo must not leave files in its caller's home that the caller cannot
 * change. */
static int check_sudo(struct arena *a, const char *dir, struct err *e)
{
	const char *caller = getenv("SUDO_UID");
	struct stat st;
	if (geteuid() || !caller || streq(caller, "0"))
		return 0;
	while (stat(dir, &st) && errno == ENOENT && strlen(dir) > 1)
		dir = path_dir(a, dir);
	if (!stat(dir, &st) && st.st_uid != 0) {
		err_set(e, ERR_FAILED,
			"refusing to write files of root into %s, which belongs to uid %ld", dir,
			(long)st.st_uid);
		err_hint(e, "run devenv without sudo, or with `sudo -H`");
		return -1;
	}
	return 0;
}

/* Compose files are UTF-8 and mounts are lines of text: such a path would name another directory
 * there. */
static int check_path(const char *dir, struct err *e)
{
	bool bad = !utf8_valid(dir, strlen(dir), NULL);
	for (const char *p = dir; !bad && *p; p++)
		bad = (unsigned char)*p < 0x20 || *p == 0x7f;
	if (!bad)
		return 0;
	err_set(e, ERR_CONFIG,
		"the path of this checkout cannot be mounted: %s has a line break, a control"
		" character or bytes that are not UTF-8",
		dir);
	err_hint(e, "move it to a path of plain characters");
	return -1;
}

int places_find(struct arena *a, const char *project_dir, const char *workspace, struct places *out,
	struct err *e)
{
	const char *state = xdg_needed(a, XDG_STATE, "XDG_STATE_HOME", e);
	const char *data = state ? xdg_needed(a, XDG_DATA, "XDG_DATA_HOME", e) : NULL;
	const char *cache = data ? xdg_needed(a, XDG_CACHE, "XDG_CACHE_HOME", e) : NULL;
	if (!cache || check_path(project_dir, e) || check_sudo(a, state, e) ||
		check_sudo(a, data, e))
		return -1;
	*out = (struct places){
		.project = arena_strdup(a, project_dir),
		.base = arena_strdup(a, project_dir),
		.dot = path_join(a, project_dir, ".devenv"),
		.generated = path_join(a, project_dir, ".devenv/generated"),
		.logs = path_join(a, project_dir, ".devenv/logs"),
		.state = path_join(a, state, workspace),
		.data = data,
		.cache = cache,
		.turns = path_join(a, path_join(a, state, workspace), "stages"),
	};
	return 0;
}

bool places_hold(const struct places *pl, const struct project *p)
{
	struct arena a = ARENA_INIT;
	const char *state = path_real(&a, pl->state);
	bool inside = state && path_inside(state, p->dir);
	arena_release(&a);
	return inside;
}

/* Sources are the checkout's, whoever works on them: who compiles there takes turns with others. */
int places_of_project(struct arena *a, const struct project *p, struct places *out, struct err *e)
{
	if (places_find(a, p->dir, p->workspace, out, e))
		return -1;
	if (!p->run)
		return 0;
	out->base = out->state;
	out->dot = path_join(a, out->base, ".devenv");
	out->generated = path_join(a, out->dot, "generated");
	out->logs = path_join(a, out->dot, "logs");
	if (places_hold(out, p))
		return 0;
	out->turns = path_join(a, path_dir(a, out->state),
		path_join(a, workspace_id(a, p->name, p->dir), "stages"));
	return 0;
}
