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
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard_start.h"

BORROWED_STACK static _Noreturn void leave(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

BORROWED_STACK static _Noreturn void give_up(struct guard_start *s, enum stage_of_start at)
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
BORROWED_STACK static int join_streams(const struct guard_start *s)
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
	struct guard_start *s = arg;
	if (s->cgroup >= 0 && write(s->cgroup, "0", 1) != 1)
		give_up(s, AT_CGROUP);
	if (s->enters && setns(s->pidfd, CLONE_NEWNS))
		give_up(s, AT_ENTER);
	setsid();
	if (chdir(s->launch.dir))
		give_up(s, AT_DIR);
	if (join_streams(s))
		give_up(s, AT_STREAMS);
	default_signals();
	brand_put(s->brand);
	execve(s->path, (char *const *)(uintptr_t)s->launch.argv, s->env);
	give_up(s, AT_EXEC);
}

enum { CHILD_FLAGS = CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD };

BORROWED_STACK static int intermediate(void *arg)
{
	struct guard_start *s = arg;
	if (setns(s->pidfd, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUSER))
		give_up(s, AT_ENTER);
	pid_t pid = clone(child, s->stack, CHILD_FLAGS | CLONE_PARENT, s);
	if (pid < 0)
		give_up(s, AT_CLONE);
	s->pid = pid;
	leave(0);
}

static int start_through_another(struct guard_start *s)
{
	pid_t pid = clone(intermediate, s->stack + GUARD_STACK, CHILD_FLAGS, s);
	if (pid < 0)
		return -1;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* Only what we bear in between is in the namespace; we ourselves never are (pid_namespaces(7)). */
static int start_in_namespace(struct guard *g, struct guard_start *s)
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

static int start_it(struct guard *g, struct guard_start *s)
{
	if (g->kind == GUARD_PIDNS)
		return geteuid() ? start_through_another(s) : start_in_namespace(g, s);
	s->pid = clone(child, s->stack, CHILD_FLAGS, s);
	return s->pid < 0 ? -1 : 0;
}

static void start_blocked(struct guard *g, struct guard_start *s)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (start_it(g, s)) {
		s->failed = errno;
		s->at = AT_CLONE;
		s->pid = 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* slots: standard input, which stays, and the two that are this child's. */
static int put_streams(int slots, const struct guard_launch *l)
{
	int given[] = { l->out, l->err };
	for (int i = 0; i < 2; i++)
		if (dup3(given[i] >= 0 ? given[i] : slots, slots + 1 + i, O_CLOEXEC) < 0)
			return -1;
	return 0;
}

/* Nobody but the child keeps its streams open. */
static void take_streams(int slots)
{
	for (int i = 1; i < 3; i++)
		dup3(slots, slots + i, O_CLOEXEC);
}

void guard_start_run(struct guard *g, const struct guard_lane *lane, struct guard_start *s)
{
	s->slots = lane->slots;
	s->stack = (char *)lane->stacks + GUARD_STACK;
	if (put_streams(s->slots, &s->launch)) {
		s->failed = errno;
		s->at = AT_STREAMS;
	} else {
		start_blocked(g, s);
	}
	take_streams(s->slots);
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

static int explain(const struct guard_start *s, struct err *e)
{
	const char *name = s->launch.argv[0], *why = strerror(s->failed);
	switch (s->at) {
	case AT_ENTER:
		return err_set(e, ERR_FAILED, "cannot run %s: its guardian cannot be reached: %s",
			name, why);
	case AT_CGROUP:
		return err_set(e, ERR_FAILED, "cannot run %s: joining its cgroup: %s", name, why);
	case AT_DIR:
		return err_set(
			e, ERR_FAILED, "cannot run %s: entering %s: %s", name, s->launch.dir, why);
	case AT_EXEC:
		if (s->failed == ENOEXEC) {
			err_set(e, ERR_FAILED, "cannot run %s: it is not a program", name);
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

/* ---- before and after ---- */

static int prepare(struct guard *g, const struct guard_launch *l, struct guard_start *s)
{
	s->launch = *l;
	if (guard_find(l, s->path, sizeof(s->path), &s->error))
		return -1;
	s->env = marked_environment(&s->arena, g, l);
	s->brand = brand_of(g->workspace, l->unit).value;
	s->pidfd = g->fd;
	s->cgroup = g->kind == GUARD_CGROUP ? cgroup_open(g->cgroup, l->unit) : -1;
	if (g->kind == GUARD_CGROUP && s->cgroup < 0)
		return err_errno(&s->error, "cannot run %s: making its cgroup", l->argv[0]);
	return 0;
}

static struct guard_start *start_new(struct guard *g, const struct guard_launch *l, bool direct)
{
	struct guard_start *s = xcalloc(1, sizeof(*s));
	struct guard_launch without_shell;
	s->guard = g;
	s->plain = *l;
	s->direct = direct && guard_direct(&s->arena, l, &without_shell);
	if (s->direct && !prepare(g, &without_shell, s))
		return s;
	s->direct = false;
	s->error = (struct err)ERR_INIT;
	s->refused = prepare(g, l, s) != 0;
	return s;
}

static void start_free(struct guard_start *s)
{
	if (s->cgroup >= 0)
		close(s->cgroup);
	arena_release(&s->arena);
	xfree(s);
}

/* The shell knows better how to run what cannot be run without it, or says why not. */
static struct guard_start *through_shell(struct guard_start *s)
{
	struct guard *g = s->guard;
	struct guard_start *other = start_new(g, &s->plain, false);
	start_free(s);
	if (!other->refused)
		guard_start_run(g, &g->lanes[0], other);
	return other;
}

static void bury(struct guard_start *s)
{
	if (s->failed && s->pid > 0) /* it came to be and has ended again */
		waitpid(s->pid, NULL, 0);
}

struct guard_start *guard_begin(struct guard *g, const struct guard_launch *l)
{
	struct guard_start *s = start_new(g, l, true);
	if (!s->refused)
		guard_threads_add(g, s);
	return s;
}

int guard_begun(struct guard_start *s, pid_t *pid, struct err *e)
{
	if (!s->refused)
		guard_threads_await(s->guard, s);
	bury(s);
	if (s->failed && s->direct) {
		s = through_shell(s);
		bury(s);
	}
	int rc = 0, failed = s->failed;
	if (s->refused)
		rc = -1, *e = s->error;
	else if (failed)
		rc = explain(s, e);
	*pid = rc ? 0 : s->pid;
	start_free(s);
	errno = failed;
	return rc;
}

int guard_spawn(struct guard *g, const struct guard_launch *l, pid_t *pid, struct err *e)
{
	return guard_begun(guard_begin(g, l), pid, e);
}
