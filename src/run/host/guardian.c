/*
 * The guardian process. Comes in: a workspace. Goes out: a process that ends what runs under it
 * when the caller's end of a pipe closes, whatever closed it. Which kind it is depends on what the
 * kernel allows. Knows nothing of services.
 */
#include "run/host/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *name, *forced;
} kinds[] = {
	[GUARD_PIDNS] = { "pid namespace", "pidns" },
	[GUARD_CGROUP] = { "cgroup", "cgroup" },
	[GUARD_SUBREAPER] = { "subreaper", "subreaper" },
};

const char *guard_name(enum guard_kind k)
{
	return kinds[k].name;
}

/* ---- in the guardian: after a raw clone nothing but system calls ---- */

static _Noreturn void leave(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

static void close_all_but(int kept)
{
	if (kept > 0)
		syscall(SYS_close_range, 0u, (unsigned)kept - 1, 0u);
	syscall(SYS_close_range, (unsigned)kept + 1, ~0u, 0u);
}

static int put_text(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, len);
	if (fd >= 0)
		close(fd);
	return n == (ssize_t)len ? 0 : -1;
}

/* The signals of a terminal and of a session's end are the agent's affair. */
static void become_quiet(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD, SIGTSTP,
		SIGUSR1, SIGUSR2 };
	for (size_t i = 0; i < countof(ignored); i++)
		signal(ignored[i], SIG_IGN); /* SIGCHLD: orphans are reaped by the kernel */
	setsid();
	prctl(PR_SET_NAME, "devenv-guard");
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void wait_for_the_end(int lifeline)
{
	char c;
	for (;;) {
		ssize_t n = read(lifeline, &c, 1);
		if (n == 0 || (n < 0 && errno != EINTR))
			return;
	}
}

struct first { /* prepared by the agent: text without a system call of ours */
	char uid_map[64], gid_map[64];
	size_t uid_len, gid_len;
	bool user;
	int lifeline, report;
};

/* First process of the namespace. */
static _Noreturn void first_process(const struct first *f)
{
	char ok = 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (f->user && (put_text("/proc/self/setgroups", "deny", 4) ||
			       put_text("/proc/self/uid_map", f->uid_map, f->uid_len) ||
			       put_text("/proc/self/gid_map", f->gid_map, f->gid_len)))
		leave(1);
	if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL))
		leave(1);
	/* Refused where parts of the outer /proc are covered: then /proc shows the outer pids. */
	mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	become_quiet();
	if (write(f->report, &ok, 1) != 1)
		leave(1);
	close_all_but(f->lifeline);
	wait_for_the_end(f->lifeline);
	leave(0);
}

/* A forked copy of the agent: it may use memory. */
static _Noreturn void watcher_process(const struct guard *g, int lifeline, int report)
{
	char ok = 1;
	become_quiet();
	if (write(report, &ok, 1) != 1)
		leave(1);
	close_all_but(lifeline);
	wait_for_the_end(lifeline);
	struct proc_match all = { .workspace = g->workspace };
	for (int i = 0; i < 100; i++) {
		if (g->kind == GUARD_CGROUP)
			cgroup_kill(g->cgroup);
		if (!proc_signal(&all, SIGKILL, NULL, NULL))
			break;
		poll(NULL, 0, 10);
	}
	if (g->kind == GUARD_CGROUP)
		cgroup_remove(g->cgroup, NULL);
	leave(0);
}

/* ---- in the agent ---- */

static struct first prepare(int lifeline, int report)
{
	struct first f = { .lifeline = lifeline, .report = report, .user = geteuid() != 0 };
	f.uid_len = (size_t)snprintf(f.uid_map, sizeof(f.uid_map), "%u %u 1", geteuid(), geteuid());
	f.gid_len = (size_t)snprintf(f.gid_map, sizeof(f.gid_map), "%u %u 1", getegid(), getegid());
	return f;
}

static pid_t start_first(int lifeline, int report)
{
	struct first f = prepare(lifeline, report);
	unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | SIGCHLD | (f.user ? CLONE_NEWUSER : 0);
	pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (pid == 0)
		first_process(&f);
	return pid;
}

static pid_t start_watcher(const struct guard *g, int lifeline, int report)
{
	pid_t pid = fork();
	if (pid == 0)
		watcher_process(g, lifeline, report);
	return pid;
}

/* The guardian says one byte when it is ready; it ends without one when the kernel refuses. */
static bool reported(int fd)
{
	char c;
	ssize_t n;
	do
		n = read(fd, &c, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

static void pipe_close(int p[2])
{
	for (int i = 0; i < 2; i++)
		if (p[i] >= 0)
			close(p[i]);
}

/* Every signal stays blocked until the child has its own handlers: none of ours runs in it. */
static pid_t start_blocked(struct guard *g, int lifeline, int report)
{
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = g->kind == GUARD_PIDNS ? start_first(lifeline, report)
					   : start_watcher(g, lifeline, report);
	int failed = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = failed;
	return pid;
}

static int start_guardian(struct guard *g, struct err *e)
{
	int life[2] = { -1, -1 }, said[2] = { -1, -1 };
	if (pipe2(life, O_CLOEXEC) || pipe2(said, O_CLOEXEC)) {
		pipe_close(life);
		return err_errno(e, "starting the guardian");
	}
	g->pid = start_blocked(g, life[0], said[1]);
	int failed = errno;
	close(life[0]);
	close(said[1]);
	g->pipe = life[1];
	bool ready = g->pid > 0 && reported(said[0]);
	close(said[0]);
	if (ready)
		g->fd = (int)syscall(SYS_pidfd_open, g->pid, 0);
	if (ready && g->fd >= 0)
		return 0;
	errno = g->pid > 0 ? EPERM : failed;
	return err_errno(e, "starting the guardian (%s)", guard_name(g->kind));
}

/* A namespace ends when the last in it has ended: one that hangs in the kernel must not hang us. */
static void wait_bounded(pid_t pid)
{
	for (int ms = 0; ms < GUARD_END_MS && waitpid(pid, NULL, WNOHANG) == 0; ms++)
		poll(NULL, 0, 1);
}

/* One that could not be had leaves nothing behind. */
static void drop_guardian(struct guard *g)
{
	if (g->pipe >= 0)
		close(g->pipe);
	if (g->pid > 0) {
		kill(g->pid, SIGKILL);
		wait_bounded(g->pid);
	}
	if (g->fd >= 0)
		close(g->fd);
	if (g->cgroup[0])
		cgroup_remove(g->cgroup, NULL);
	g->pid = 0;
	g->pipe = g->fd = -1;
	g->cgroup[0] = '\0';
}

static bool try_kind(struct guard *g, enum guard_kind k, struct err *e)
{
	g->kind = k;
	if (k == GUARD_CGROUP && !cgroup_make(g->cgroup, sizeof(g->cgroup), g->workspace)) {
		err_set(e, ERR_FAILED, "no cgroup can be made here");
		return false;
	}
	if (k == GUARD_SUBREAPER)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!start_guardian(g, e)) {
		pid_t pid = 0;
		static const char *const argv[] = { "/bin/true", NULL }, *const none[] = { NULL };
		struct guard_launch probe = {
			.unit = "probe", .argv = argv, .env = none, .dir = "/", .out = -1, .err = -1
		};
		if (k != GUARD_PIDNS)
			return true;
		/* A namespace that cannot be entered (old kernel, policy) is of no use. */
		if (!guard_spawn(g, &probe, &pid, e)) {
			waitpid(pid, NULL, 0);
			return true;
		}
	}
	drop_guardian(g);
	return false;
}

static bool forbidden(enum guard_kind k)
{
	const char *forced = getenv("DEVENV_GUARD");
	return forced && *forced && !streq(forced, kinds[k].forced);
}

/* Three in a row; -1: they cannot be had. */
static int open_slots(int null)
{
	int all[32], count = 0, slots = -1;
	while (count < (int)countof(all) && (all[count] = fcntl(null, F_DUPFD_CLOEXEC, 3)) >= 0) {
		if (++count < 3 || all[count - 1] != all[count - 3] + 2)
			continue;
		count -= 3;
		slots = all[count];
		break;
	}
	while (count > 0)
		close(all[--count]);
	return slots;
}

/* Low numbers, as these are had early: what a child copies of our descriptors ends with them. */
static int open_descriptors(struct guard *g)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool all = null >= 0;
	g->home = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < GUARD_LANES && all; i++) {
		g->lanes[i].slots = open_slots(null);
		all = g->lanes[i].slots >= 0;
	}
	if (null >= 0)
		close(null);
	return g->home < 0 || !all ? -1 : 0;
}

static char *map_stacks(void)
{
	void *p = mmap(NULL, (size_t)GUARD_LANES * GUARD_STACK * 2, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

static int make_lanes(struct guard *g)
{
	char *stacks = map_stacks();
	for (int i = 0; i < GUARD_LANES; i++)
		g->lanes[i] =
			(struct guard_lane){ -1, stacks ? stacks + i * GUARD_STACK * 2 : NULL };
	return !stacks || open_descriptors(g) ? -1 : 0;
}

struct guard *guard_new(const char *workspace, struct err *e)
{
	struct guard *g = xcalloc(1, sizeof(*g));
	snprintf(g->workspace, sizeof(g->workspace), "%s", workspace);
	g->fd = g->pipe = g->home = -1;
	if (make_lanes(g)) {
		err_errno(e, "starting the guardian");
		guard_free(g);
		return NULL;
	}
	err_set(e, ERR_FAILED, "DEVENV_GUARD names no guard (pidns, cgroup, subreaper)");
	for (size_t k = 0; k < countof(kinds); k++)
		if (!forbidden((enum guard_kind)k) && try_kind(g, (enum guard_kind)k, e)) {
			*e = (struct err)ERR_INIT;
			return g;
		}
	guard_free(g);
	return NULL;
}

bool guard_ending(const struct guard *g)
{
	return proc_ending(g->pid);
}

void guard_end(struct guard *g)
{
	if (g->kind == GUARD_PIDNS && g->pid > 0)
		kill(g->pid, SIGKILL);
	if (g->cgroup[0])
		cgroup_kill(g->cgroup);
	if (g->kind != GUARD_PIDNS) {
		struct proc_match all = { .workspace = g->workspace };
		proc_signal(&all, SIGKILL, NULL, NULL);
	}
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	guard_end(g);
	guard_threads_free(g);
	if (g->lanes[0].stacks)
		munmap(g->lanes[0].stacks, (size_t)GUARD_LANES * GUARD_STACK * 2);
	/* The others would look for what is left once more: there is nothing. */
	drop_guardian(g);
	for (int i = 0; i < GUARD_LANES * 3; i++)
		if (g->lanes[i / 3].slots >= 0)
			close(g->lanes[i / 3].slots + i % 3);
	if (g->home >= 0)
		close(g->home);
	xfree(g);
}
