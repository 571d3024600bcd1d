/*
 * What can be said of a launch without starting anything. Comes in: program, environment,
 * directory. Goes out: the path of what would run, or why it cannot.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard_start.h"

static int not_there(const struct guard_launch *l, struct err *e)
{
	err_set(e, ERR_FAILED, "cannot run %s: it is not installed", l->argv[0]);
	err_hint(e, "install %s, or put its directory into PATH", l->argv[0]);
	return -1;
}

static int check_program(const char *path, struct err *e)
{
	struct stat st;
	if (stat(path, &st))
		return err_set(e, ERR_FAILED, "cannot run %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_FAILED, "cannot run %s: it is not a file", path);
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS)) {
		err_set(e, ERR_FAILED, "cannot run %s: it is not executable", path);
		err_hint(e, "chmod +x %s", path);
		return -1;
	}
	return 0;
}

const char *guard_variable(const char *const *env, const char *name)
{
	size_t len = strlen(name);
	for (; *env; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static bool runnable(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* Only absolute folders of PATH: the rest depends on where one stands. */
static bool find_in_path(const struct guard_launch *l, char *path, size_t size)
{
	const char *list = guard_variable(l->env, "PATH");
	if (!list)
		list = "/usr/local/bin:/usr/bin:/bin";
	while (*list) {
		size_t n = strcspn(list, ":");
		if (*list == '/' &&
			(size_t)snprintf(path, size, "%.*s/%s", (int)n, list, l->argv[0]) < size &&
			runnable(path))
			return true;
		list += n + (list[n] == ':');
	}
	return false;
}

/* path: what would be run. */
int guard_find(const struct guard_launch *l, char *path, size_t size, struct err *e)
{
	const char *name = l->argv[0];
	struct stat st;
	if (stat(l->dir, &st) || !S_ISDIR(st.st_mode))
		return err_set(
			e, ERR_FAILED, "cannot run %s: the directory %s is gone", name, l->dir);
	if (!name[0])
		return err_set(e, ERR_FAILED, "cannot run an empty command");
	if (!strchr(name, '/'))
		return find_in_path(l, path, size) ? 0 : not_there(l, e);
	int n = name[0] == '/' ? snprintf(path, size, "%s", name)
			       : snprintf(path, size, "%s/%s", l->dir, name);
	if ((size_t)n >= size)
		return err_set(e, ERR_FAILED, "cannot run %s: the name is too long", name);
	return check_program(path, e);
}

/* The shell that would be left out needs not be found. */
int guard_check(const struct guard_launch *l, struct err *e)
{
	char path[4096];
	struct arena a = ARENA_INIT;
	struct guard_launch direct;
	struct err ignored = ERR_INIT;
	bool found =
		guard_direct(&a, l, &direct) && !guard_find(&direct, path, sizeof(path), &ignored);
	arena_release(&a);
	return found ? 0 : guard_find(l, path, sizeof(path), e);
}
