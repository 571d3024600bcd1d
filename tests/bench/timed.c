/*
 * Runs one program to its end and prints what it cost. Comes in: a limit in seconds, files for its
 * stdout and stderr, the program and its arguments. Goes out, on one line: wall clock and CPU time
 * in microseconds, largest resident size of one process in KiB, exit status (128 + signal).
 * Small on purpose: what a forked child inherits from its parent counts as its memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child;

static void time_is_up(int number)
{
	(void)number;
	kill(-child, SIGKILL);
}

static long long now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static long long us(struct timeval t)
{
	return t.tv_sec * 1000000LL + t.tv_usec;
}

static void redirect(const char *path, int flags, int to)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0 || dup2(fd, to) < 0)
		_exit(126);
}

static void become(char **v)
{
	setpgid(0, 0);
	redirect("/dev/null", O_RDONLY, 0);
	redirect(v[2], O_WRONLY | O_CREAT | O_TRUNC, 1);
	redirect(v[3], O_WRONLY | O_CREAT | O_TRUNC, 2);
	execvp(v[4], v + 4);
	_exit(127);
}

int main(int argc, char **v)
{
	struct rusage u;
	int st;
	if (argc < 5)
		return 2;
	signal(SIGALRM, time_is_up);
	long long start = now_us();
	child = fork();
	if (child < 0)
		return 1;
	if (child == 0)
		become(v);
	setpgid(child, child);
	alarm((unsigned)atol(v[1]));
	while (wait4(child, &st, 0, &u) < 0)
		if (errno != EINTR)
			return 1;
	long long wall = now_us() - start;
	int status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	printf("%lld %lld %ld %d\n", wall, us(u.ru_utime) + us(u.ru_stime), u.ru_maxrss, status);
	return 0;
}
