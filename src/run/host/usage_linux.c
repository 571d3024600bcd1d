/*
 * What processes take, by Linux: control groups of both versions, /proc. Comes in: a process. Goes
 * out: its processor time and memory. Reads, never writes.
 */
#include "run/host/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum { FILE_MAX = 16 * 1024, PROCESSES_MAX = 256, PATH = 300 };

/* A small file of the kernel's; false: not there, or empty. */
static bool read_small(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n;
	if (fd < 0)
		return false;
	while (have + 1 < size && (n = read(fd, out + have, size - 1 - have)) > 0)
		have += (size_t)n;
	close(fd);
	out[have] = '\0';
	return have > 0;
}

/* "KEY VALUE" on a line of its own; -1: there is none. */
static int64_t value_of(const char *text, const char *key)
{
	size_t len = strlen(key);
	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (!strncmp(p, key, len) && p[len] == ' ')
			return strtoll(p + len + 1, NULL, 10);
	}
	return -1;
}

/* ---- control groups ---- */

/* "9:cpu,cpuacct:/docker/ID": is the controller among them? "0::/..." has none. */
static bool has_controller(const char *list, size_t len, const char *controller)
{
	size_t n = strlen(controller);
	if (!n)
		return len == 0;
	for (size_t i = 0; i + n <= len; i++)
		if (!strncmp(list + i, controller, n) && (i == 0 || list[i - 1] == ',') &&
			(i + n == len || list[i + n] == ','))
			return true;
	return false;
}

/* The group of one controller ("" the unified one), when it is this container's. */
static bool group_of(const char *groups, const char *controller, const char *id, char out[PATH])
{
	for (const char *line = groups; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *first = strchr(line, ':');
		const char *second = first ? strchr(first + 1, ':') : NULL;
		if (!second)
			return false;
		size_t len = strcspn(second + 1, "\n");
		if (!has_controller(first + 1, (size_t)(second - first - 1), controller))
			continue;
		if (len >= PATH || !memmem(second + 1, len, id, strlen(id)))
			return false;
		snprintf(out, PATH, "%.*s", (int)len, second + 1);
		return true;
	}
	return false;
}

static bool find_unified(const char *groups, const char *id, struct usage_place *out)
{
	char group[PATH];
	if (!group_of(groups, "", id, group))
		return false;
	snprintf(out->cpu, sizeof(out->cpu), "/sys/fs/cgroup%s/cpu.stat", group);
	snprintf(out->memory, sizeof(out->memory), "/sys/fs/cgroup%s/memory.current", group);
	snprintf(out->statistics, sizeof(out->statistics), "/sys/fs/cgroup%s/memory.stat", group);
	return access(out->memory, R_OK) == 0 && access(out->cpu, R_OK) == 0;
}

static bool find_separate(const char *groups, const char *id, struct usage_place *out)
{
	char cpu[PATH], memory[PATH];
	if (!group_of(groups, "cpuacct", id, cpu) || !group_of(groups, "memory", id, memory))
		return false;
	snprintf(out->cpu, sizeof(out->cpu), "/sys/fs/cgroup/cpuacct%s/cpuacct.usage", cpu);
	snprintf(out->memory, sizeof(out->memory), "/sys/fs/cgroup/memory%s/memory.usage_in_bytes",
		memory);
	snprintf(out->statistics, sizeof(out->statistics), "/sys/fs/cgroup/memory%s/memory.stat",
		memory);
	return access(out->memory, R_OK) == 0 && access(out->cpu, R_OK) == 0;
}

bool usage_find(pid_t pid, const char *id, struct usage_place *out)
{
	char path[64], groups[FILE_MAX];
	*out = (struct usage_place){ .known = false };
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (pid <= 0 || !read_small(path, groups, sizeof(groups)))
		return false;
	out->unified = find_unified(groups, id, out);
	out->known = out->unified || find_separate(groups, id, out);
	return out->known;
}

/* As the engine itself counts it: files that are merely cached are nobody's. */
bool usage_read(const struct usage_place *p, struct usage *out)
{
	char text[FILE_MAX];
	if (!p->known || !read_small(p->cpu, text, sizeof(text)))
		return false;
	out->cpu_us = p->unified ? value_of(text, "usage_usec") : strtoll(text, NULL, 10) / 1000;
	if (!read_small(p->memory, text, sizeof(text)))
		return false;
	out->memory = strtoll(text, NULL, 10);
	int64_t cached = -1;
	if (read_small(p->statistics, text, sizeof(text)))
		cached = value_of(text, p->unified ? "inactive_file" : "total_inactive_file");
	out->memory -= cached > 0 && cached < out->memory ? cached : 0;
	return true;
}

/* ---- a tree of processes ---- */

/* "PID (NAME) STATE ...": a name may hold anything, blanks and brackets too. */
static bool add_process(pid_t pid, struct usage *out)
{
	char path[64], text[1024];
	unsigned long user, kernel;
	long pages, ended_user, ended_kernel; /* of children that have ended */
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	const char *close = read_small(path, text, sizeof(text)) ? strrchr(text, ')') : NULL;
	if (!close || sscanf(close + 1,
			      " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld %*d "
			      "%*d %*d %*d %*u %*u %ld",
			      &user, &kernel, &ended_user, &ended_kernel, &pages) != 5)
		return false;
	int64_t ticks = (int64_t)(user + kernel) + ended_user + ended_kernel;
	out->cpu_us += ticks * 1000000 / sysconf(_SC_CLK_TCK);
	out->memory += (int64_t)pages * sysconf(_SC_PAGESIZE);
	return true;
}

static size_t add_children(pid_t pid, pid_t *todo, size_t count)
{
	char path[80], text[FILE_MAX];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if (!read_small(path, text, sizeof(text)))
		return count;
	for (char *p = text, *end; count < PROCESSES_MAX; p = end) {
		long child = strtol(p, &end, 10);
		if (end == p)
			break;
		todo[count++] = (pid_t)child;
	}
	return count;
}

bool usage_tree(pid_t pid, struct usage *out)
{
	pid_t todo[PROCESSES_MAX] = { pid };
	size_t count = 1;
	*out = (struct usage){ 0 };
	for (size_t i = 0; i < count; i++) {
		if (!add_process(todo[i], out) && i == 0)
			return false;
		count = add_children(todo[i], todo, count);
	}
	return true;
}
