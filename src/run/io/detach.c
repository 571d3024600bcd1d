/*
 * Starts a process that outlives this one. Comes in: arguments and a log. Goes out: a pipe on which
 * it says how its start went. The middle process of two forks ends at once, so that nobody has to
 * wait for the other.
 */
#include "run/io/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

const char *own_program(void)
{
	return "/proc/self/exe";
}

void own_name(void)
{
	prctl(PR_SET_NAME, "devenv"); /* else that of the link: "exe" */
}

static int open_log(const char *path)
{
	struct stat st;
	struct arena a = ARENA_INIT;
	if (stat(path, &st) == 0 && st.st_size > DETACHED_LOG_MAX)
		(void)!rename(path, arena_printf(&a, "%s.1", path));
	arena_release(&a);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* What our parent had us ignore, it did not mean for those who outlive it. */
static void reset_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
}

static _Noreturn void become(char *const *argv, int log, int say)
{
	static const char failed[] = "cannot run the program itself\n";
	int null = open("/dev/null", O_RDONLY);
	reset_signals();
	/* Above what is replaced, so that none of the three overwrites another. */
	log = fcntl(log, F_DUPFD, 10);
	say = fcntl(say, F_DUPFD, 10);
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	dup2(say, DETACHED_SAY);
	closefrom(DETACHED_SAY + 1);
	execv(own_program(), argv);
	(void)!write(DETACHED_SAY, failed, sizeof(failed) - 1);
	_exit(127);
}

static int fork_twice(char *const *argv, int log, int say)
{
	pid_t middle = fork();
	if (middle < 0)
		return -1;
	if (middle == 0) {
		setsid();
		pid_t last = fork();
		if (last == 0)
			become(argv, log, say);
		_exit(last < 0);
	}
	int status = 0;
	while (waitpid(middle, &status, 0) < 0 && errno == EINTR)
		;
	errno = EAGAIN;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int detached_start(char *const *argv, const char *log, struct err *e)
{
	int ends[2];
	int out = open_log(log);
	if (out < 0)
		return err_errno(e, "opening %s", log);
	if (pipe2(ends, O_CLOEXEC)) {
		close(out);
		return err_errno(e, "making a pipe");
	}
	int rc = fork_twice(argv, out, ends[1]);
	if (rc)
		err_errno(e, "starting %s", argv[0]);
	close(out);
	close(ends[1]);
	if (!rc)
		return ends[0];
	close(ends[0]);
	return -1;
}
