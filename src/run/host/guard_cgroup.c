/*
 * A cgroup (version 2) per guard, below the one we are in, and one in it per unit. Comes in: names.
 * Goes out: directories, kills. Works only where we may make children and move processes there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/host/guardian.h"

/* Where version 2 is mounted: alone or beside version 1. */
static bool find_mount(char *out, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], dir[4096];
	bool found = false;
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " - cgroup2 ") &&
			sscanf(line, "%*s %*s %*s %*s %4000s", dir) == 1;
	if (f)
		fclose(f);
	return found && (size_t)snprintf(out, size, "%s", dir) < size;
}

/* The directory of the cgroup that we are in. */
static bool find_own(char *out, size_t size)
{
	char mount[4096], line[4096];
	bool found = false;
	if (!find_mount(mount, sizeof(mount)))
		return false;
	FILE *f = fopen("/proc/self/cgroup", "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = starts_with(line, "0::/");
	}
	if (f)
		fclose(f);
	const char *path = streq(line, "0::/") ? "" : line + 3;
	return found && (size_t)snprintf(out, size, "%s%s", mount, path) < size;
}

static int put(const char *dir, const char *unit, const char *name, const char *text)
{
	char path[4096 + 400];
	snprintf(path, sizeof(path), "%s/%s%s%s", dir, unit ? unit : "", unit ? "/" : "", name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fd_write(fd, text, strlen(text));
	if (fd >= 0)
		close(fd);
	return rc;
}

/* May a process be moved there? Only one that was moved tells; the guardian-to-be is a fine one. */
static bool may_move(const char *dir)
{
	char path[4096 + 400];
	snprintf(path, sizeof(path), "%s/cgroup.kill", dir);
	if (access(path, W_OK))
		return false;
	snprintf(path, sizeof(path), "%s/../cgroup.procs", dir);
	return access(path, W_OK) == 0;
}

bool cgroup_make(char *dir, size_t size, const char *workspace)
{
	static unsigned made;
	char own[4096];
	if (!find_own(own, sizeof(own)) ||
		(size_t)snprintf(dir, size, "%s/devenv-%s.%d.%u", own, workspace, (int)getpid(),
			made++) >= size ||
		mkdir(dir, 0755)) {
		dir[0] = '\0';
		return false;
	}
	if (may_move(dir))
		return true;
	rmdir(dir);
	dir[0] = '\0';
	return false;
}

int cgroup_open(const char *dir, const char *unit)
{
	char path[4096 + 400];
	snprintf(path, sizeof(path), "%s/%s", dir, unit);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/cgroup.procs", dir, unit);
	return open(path, O_WRONLY | O_CLOEXEC);
}

size_t cgroup_signal(const char *dir, const char *unit, int signum)
{
	char path[4096 + 400];
	size_t count = 0;
	int pid;
	snprintf(path, sizeof(path), "%s/%s/cgroup.procs", dir, unit);
	FILE *f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1) {
		count++;
		if (signum && signum != SIGKILL)
			kill(pid, signum);
	}
	if (f)
		fclose(f);
	if (signum == SIGKILL)
		put(dir, unit, "cgroup.kill", "1");
	return count;
}

void cgroup_kill(const char *dir)
{
	put(dir, NULL, "cgroup.kill", "1");
}

/* A cgroup can be removed a moment after its last process has gone. */
static void remove_one(const char *dir)
{
	for (int i = 0; i < 100 && rmdir(dir) && errno == EBUSY; i++)
		usleep(1000);
}

void cgroup_remove(const char *dir, const char *unit)
{
	char path[4096 + 400];
	if (unit) {
		snprintf(path, sizeof(path), "%s/%s", dir, unit);
		rmdir(path);
		return;
	}
	DIR *d = opendir(dir);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		remove_one(path);
	}
	if (d)
		closedir(d);
	remove_one(dir);
}

void cgroup_sweep(const char *workspace)
{
	char own[4096], prefix[400], path[4096 + 400];
	if (!find_own(own, sizeof(own)))
		return;
	snprintf(prefix, sizeof(prefix), "devenv-%s.", workspace);
	DIR *d = opendir(own);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		if (!starts_with(entry->d_name, prefix))
			continue;
		snprintf(path, sizeof(path), "%s/%s", own, entry->d_name);
		cgroup_kill(path);
		cgroup_remove(path, NULL);
	}
	if (d)
		closedir(d);
}
