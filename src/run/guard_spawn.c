/*
 * One child under a guard. Comes in: program, environment, directory, descriptors. Goes out: a pid.
 * Root bears it into the guard's PID namespace and lets it enter the mounts itself; others may not,
 * so an intermediate process enters both and clones the child with us as its parent (as runc does).
 * All share our memory until the program runs, so that 100 starts cost what 100 vforks cost, and
 * say by an errno in it how far they came. Of our descriptors, which are many, only the first few
 * are copied: those that become streams are put there before.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/guardian.h"

enum stage_of_start { AT_ENTER, AT_CLONE, AT_CGROUP, AT_DIR, AT_STREAMS, AT_EXEC };

struct start { /* shared with both processes */
	const struct guard_launch *launch;
	const char *path;
	char *const *env;
	int slots;           /* the first of three descriptors for its streams */
	int pidfd, cgroup;   /* -1: none */
	bool enters;         /* the child has the guard's mounts still before it */
	char *stack;         /* of the child, its upper end */
	volatile int failed; /* errno; 0: it runs */
	volatile enum stage_of_start at;
	volatile pid_t pid;
	uint64_t brand;
};

BORROWED_STACK static _Noreturn void leave(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

BORROWED_STACK static _Noreturn void give_up(struct start *s, enum stage_of_start at)
{
	s->failed = errno;
	s->at = at;
	leave(127);
}

/* Handlers end with exec, what is ignored does not: a child must find SIGPIPE as the system has it.
 */
BORROWED_STACK static void default_signals(void)
{
	/* Not by signal(3): the C library keeps two of them for itself, and they may be ignored. */
	static const char by_default[64]; /* a struct sigaction of the kernel's */
	for (int i = 1; i < NSIG; i++)
		syscall(SYS_rt_sigaction, i, by_default, NULL, (NSIG - 1) / 8);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Our table of descriptors is shared until here: what follows changes the child's alone. */
BORROWED_STACK static int join_streams(const struct start *s)
{
	if (syscall(SYS_close_range, (unsigned)s->slots + 3, ~0u, CLOSE_RANGE_UNSHARE))
		return -1;
	for (int i = 0; i < 3; i++)
		if (dup2(s->slots + i, i) < 0)
			return -1;
	return (int)syscall(SYS_close_range, 3u, ~0u, 0u);
}

BORROWED_STACK static int child(void *arg)
{
	struct start *s = arg;
	if (s->cgroup >= 0 && write(s->cgroup, "0", 1) != 1)
		give_up(s, AT_CGROUP);
	if (s->enters && setns(s->pidfd, CLONE_NEWNS))
		give_up(s, AT_ENTER);
	setsid();
	if (chdir(s->launch->dir))
		give_up(s, AT_DIR);
	if (join_streams(s))
		give_up(s, AT_STREAMS);
	default_signals();
	brand_put(s->brand);
	execve(s->path, (char *const *)(uintptr_t)s->launch->argv, s->env);
	give_up(s, AT_EXEC);
}

enum { CHILD_FLAGS = CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD };

BORROWED_STACK static int intermediate(void *arg)
{
	struct start *s = arg;
	if (setns(s->pidfd, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUSER))
		give_up(s, AT_ENTER);
	pid_t pid = clone(child, s->stack, CHILD_FLAGS | CLONE_PARENT, s);
	if (pid < 0)
		give_up(s, AT_CLONE);
	s->pid = pid;
	leave(0);
}

static int start_through_another(struct guard *g, struct start *s)
{
	pid_t pid = clone(intermediate, (char *)g->stacks + 2 * GUARD_STACK, CHILD_FLAGS, s);
	if (pid < 0)
		return -1;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* Only what we bear in between is in the namespace; we ourselves never are (pid_namespaces(7)). */
static int start_in_namespace(struct guard *g, struct start *s)
{
	s->enters = true;
	if (setns(g->fd, CLONE_NEWPID)) {
		s->failed = errno;
		s->at = AT_ENTER;
		return 0;
	}
	s->pid = clone(child, s->stack, CHILD_FLAGS, s);
	int failed = errno;
	if (setns(g->home, CLONE_NEWPID))
		bug("the way back from a PID namespace is barred: %s", strerror(errno));
	errno = failed;
	return s->pid < 0 ? -1 : 0;
}

static int start_it(struct guard *g, struct start *s)
{
	s->stack = (char *)g->stacks + GUARD_STACK;
	if (g->kind == GUARD_PIDNS)
		return geteuid() ? start_through_another(g, s) : start_in_namespace(g, s);
	s->pid = clone(child, s->stack, CHILD_FLAGS, s);
	return s->pid < 0 ? -1 : 0;
}

static int start_blocked(struct guard *g, struct start *s)
{
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	int rc = start_it(g, s);
	int failed = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (rc) {
		s->failed = failed;
		s->at = AT_CLONE;
		s->pid = 0;
	}
	return s->failed ? -1 : 0;
}

/* ---- before: what can be said without starting anything ---- */

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
		return err_set(e, ERR_FAILED, "cannot run %s: it is no file", path);
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
static int find_program(const struct guard_launch *l, char *path, size_t size, struct err *e)
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
	bool found = guard_direct(&a, l, &direct) &&
		     !find_program(&direct, path, sizeof(path), &ignored);
	arena_release(&a);
	return found ? 0 : find_program(l, path, sizeof(path), e);
}

/* ---- around it ---- */

static bool is_mark(const char *entry)
{
	return starts_with(entry, MARK_WORKSPACE "=") || starts_with(entry, MARK_UNIT "=");
}

static char **marked_environment(
	struct arena *a, const struct guard *g, const struct guard_launch *l)
{
	size_t n = 0, count = 0;
	while (l->env[n])
		n++;
	char **env = arena_array(a, char *, n + 3);
	env[count++] = arena_printf(a, MARK_WORKSPACE "=%s", g->workspace);
	env[count++] = arena_printf(a, MARK_UNIT "=%s", l->unit);
	for (size_t i = 0; i < n; i++)
		if (starts_with(l->env[i], "PWD="))
			env[count++] = arena_printf(a, "PWD=%s", l->dir);
		else if (!is_mark(l->env[i]))
			env[count++] = (char *)(uintptr_t)l->env[i];
	return env;
}

static int explain(const struct start *s, struct err *e)
{
	const char *name = s->launch->argv[0], *why = strerror(s->failed);
	switch (s->at) {
	case AT_ENTER:
		return err_set(e, ERR_FAILED, "cannot run %s: its guardian cannot be reached: %s",
			name, why);
	case AT_CGROUP:
		return err_set(e, ERR_FAILED, "cannot run %s: joining its cgroup: %s", name, why);
	case AT_DIR:
		return err_set(
			e, ERR_FAILED, "cannot run %s: entering %s: %s", name, s->launch->dir, why);
	case AT_EXEC:
		if (s->failed == ENOEXEC) {
			err_set(e, ERR_FAILED, "cannot run %s: it is no program", name);
			err_hint(e, "a script needs a first line such as #!/bin/sh");
			return -1;
		}
		if (s->failed == ENOENT) {
			err_set(e, ERR_FAILED, "cannot run %s: what interprets it is missing",
				name);
			err_hint(e, "look at its first line, or at `file %s`", s->path);
			return -1;
		}
		break;
	default:
		break;
	}
	return err_set(e, ERR_FAILED, "cannot run %s: %s", name, why);
}

/* slots: standard input, which stays, and the two that are this child's. */
static int put_streams(struct guard *g, const struct guard_launch *l)
{
	int given[] = { l->out, l->err };
	for (int i = 0; i < 2; i++)
		if (dup3(given[i] >= 0 ? given[i] : g->slots, g->slots + 1 + i, O_CLOEXEC) < 0)
			return -1;
	return 0;
}

/* Nobody but the child keeps its streams open. */
static void take_streams(struct guard *g)
{
	for (int i = 1; i < 3; i++)
		dup3(g->slots, g->slots + i, O_CLOEXEC);
}

static int spawn(struct guard *g, const struct guard_launch *l, pid_t *pid, struct err *e)
{
	char path[4096];
	if (find_program(l, path, sizeof(path), e))
		return -1;
	struct arena a = ARENA_INIT;
	struct start s = {
		.launch = l, .path = path, .pidfd = g->fd, .slots = g->slots, .cgroup = -1
	};
	s.env = marked_environment(&a, g, l);
	s.brand = brand_of(g->workspace, l->unit).value;
	if (g->kind == GUARD_CGROUP)
		s.cgroup = cgroup_open(g->cgroup, l->unit);
	int rc = put_streams(g, l) ? err_errno(e, "cannot run %s: its streams", l->argv[0]) : 0;
	if (!rc && g->kind == GUARD_CGROUP && s.cgroup < 0)
		rc = err_errno(e, "cannot run %s: making its cgroup", l->argv[0]);
	if (!rc && start_blocked(g, &s)) {
		if (s.pid > 0) /* it came to be and has ended again */
			waitpid(s.pid, NULL, 0);
		rc = explain(&s, e);
		errno = s.failed;
	}
	*pid = s.pid;
	int failed = errno;
	take_streams(g);
	if (s.cgroup >= 0)
		close(s.cgroup);
	arena_release(&a);
	errno = failed;
	return rc;
}

int guard_spawn(struct guard *g, const struct guard_launch *l, pid_t *pid, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct guard_launch direct;
	struct err ignored = ERR_INIT; /* the shell knows better how to run it, or says why not */
	int rc = -1;
	if (guard_direct(&a, l, &direct))
		rc = spawn(g, &direct, pid, &ignored);
	if (rc)
		rc = spawn(g, l, pid, e);
	int failed = errno;
	arena_release(&a);
	errno = failed;
	return rc;
}
