/*
 * Processes by their marks: in the environment, and by guard_brand.c's where that was cleared.
 * Comes in: a workspace, a unit, a process group. Goes out: signals and a count. Looks through
 * /proc, and never at ourselves or those we descend from.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/host/guardian.h"
#include "run/host/supervise.h"

enum { ENVIRON_MAX = 256 * 1024, ANCESTORS = 64 };

struct seen_process {
	pid_t pid, parent, group;
	char state;
	unsigned flags; /* PF_... */
	char name[64];
};

struct search {
	const struct proc_match *match;
	char marks[2][400]; /* with their NULs around */
	size_t lens[2];
	struct brand brand;
	pid_t ours[ANCESTORS]; /* ourselves and those we descend from */
	size_t ours_count;
	struct buf environ;
};

enum verdict { OTHER, MATCHES, UNCLEAR };
enum { FLAG_EXITING = 0x4, FLAG_KERNEL = 0x200000 }; /* PF_EXITING, PF_KTHREAD of the kernel */

static ssize_t read_some(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	size_t have = 0;
	ssize_t n = 0;
	while (have < size && (n = read(fd, out + have, size - have)) > 0)
		have += (size_t)n;
	close(fd);
	return n < 0 && !have ? -1 : (ssize_t)have;
}

/* "PID (NAME) STATE PPID PGRP ...": a name may hold anything, blanks and brackets too. */
static bool look_at(pid_t pid, struct seen_process *out)
{
	char path[64], text[512];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	ssize_t n = read_some(path, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	int parent, group;
	if (!open || !close ||
		sscanf(close + 1, " %c %d %d %*d %*d %*d %u", &out->state, &parent, &group,
			&out->flags) != 4)
		return false;
	snprintf(out->name, sizeof(out->name), "%.*s", (int)(close - open - 1), open + 1);
	out->pid = pid;
	out->parent = parent;
	out->group = group;
	return true;
}

static bool has_mark(const struct search *s, int which)
{
	return !s->lens[which] ||
	       memmem(s->environ.data, s->environ.len, s->marks[which], s->lens[which]);
}

/* In the middle of an exec a process has neither environment nor arguments: what it is shows a
 * moment later. */
static bool is_in_exec(pid_t pid)
{
	char path[64], c;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	return read_some(path, &c, 1) == 0;
}

/* The whole environment lies between two NULs, so that an entry is found as a whole. */
static enum verdict marked(struct search *s, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	buf_truncate(&s->environ, 0);
	buf_reserve(&s->environ, ENVIRON_MAX + 2);
	s->environ.data[0] = '\0';
	ssize_t n = read_some(path, s->environ.data + 1, ENVIRON_MAX);
	if (n == 0 &&
		!is_in_exec(pid)) /* empty, or the exec has ended just now: that shows again */
		n = read_some(path, s->environ.data + 1, ENVIRON_MAX);
	if (n < 0)
		return errno == EMFILE || errno == ENFILE ? UNCLEAR : OTHER;
	if (n == 0)
		return is_in_exec(pid) ? UNCLEAR : OTHER;
	s->environ.data[n + 1] = '\0';
	s->environ.len = (size_t)n + 2;
	return has_mark(s, 0) && has_mark(s, 1) ? MATCHES : OTHER;
}

static void search_init(struct search *s, const struct proc_match *m)
{
	*s = (struct search){ .match = m, .brand = brand_of(m->workspace, m->unit) };
	s->lens[0] = (size_t)snprintf(s->marks[0], sizeof(s->marks[0]), "%c" MARK_WORKSPACE "=%s",
			     '\0', m->workspace) +
		     1;
	if (m->unit)
		s->lens[1] = (size_t)snprintf(s->marks[1], sizeof(s->marks[1]),
				     "%c" MARK_UNIT "=%s", '\0', m->unit) +
			     1;
	struct seen_process p;
	for (pid_t pid = getpid(); pid > 0 && s->ours_count < ANCESTORS && look_at(pid, &p);
		pid = p.parent)
		s->ours[s->ours_count++] = pid;
}

static bool is_ours(const struct search *s, pid_t pid)
{
	for (size_t i = 0; i < s->ours_count; i++)
		if (s->ours[i] == pid)
			return true;
	return false;
}

static enum verdict judge(struct search *s, pid_t pid, struct seen_process *p)
{
	if (is_ours(s, pid) || !look_at(pid, p) || p->state == 'Z' || p->state == 'X' ||
		(p->flags & FLAG_KERNEL))
		return OTHER;
	if (s->match->group > 0 && p->group == s->match->group)
		return MATCHES;
	enum verdict v = marked(s, pid);
	if (v == MATCHES || !brand_seen(&s->brand, pid))
		return v;
	/* Two units may share a brand, by one chance in two thousand millions: the environment then
	 * says whose it is. */
	return s->environ.len && has_mark(s, 0) ? OTHER : MATCHES;
}

static size_t scan(struct search *s, int signum, struct arena *a, struct strs *found)
{
	DIR *d = opendir("/proc");
	size_t count = !d; /* no descriptor left: nobody knows */
	for (struct dirent *entry; d && (entry = readdir(d));) {
		struct seen_process p;
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		enum verdict v = judge(s, (pid_t)strtol(entry->d_name, NULL, 10), &p);
		count += v != OTHER;
		if (v == MATCHES && signum)
			kill(p.pid, signum);
		if (v == MATCHES && found)
			strs_add(a, found, arena_printf(a, "%d %s", (int)p.pid, p.name));
	}
	if (d)
		closedir(d);
	return count;
}

/* The kernel lists hundreds at once: one that forks and ends before it is looked at leaves a child
 * that the list does not have. That none is there must be seen twice. */
size_t proc_signal(const struct proc_match *m, int signum, struct arena *a, struct strs *found)
{
	struct search s;
	search_init(&s, m);
	size_t count = scan(&s, signum, a, found);
	if (!count)
		count = scan(&s, signum, a, found);
	buf_release(&s.environ);
	return count;
}

bool proc_ending(pid_t pid)
{
	struct seen_process p;
	return !look_at(pid, &p) || p.state == 'Z' || p.state == 'X' || (p.flags & FLAG_EXITING);
}

bool proc_has_children(pid_t pid)
{
	char path[64], c;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	ssize_t n = read_some(path, &c, 1);
	return n != 0;
}

static void note_new(struct arena *a, struct strs *all, const struct strs *found)
{
	for (size_t i = 0; i < found->count; i++)
		if (!strs_has(all, found->items[i]))
			strs_add(a, all, found->items[i]);
}

int supervise_reconcile(const struct places *pl, const char *workspace, struct strs *ended,
	struct arena *a, struct err *e)
{
	enum { TRIES = 200, PAUSE_US = 10000 };
	struct proc_match all = { .workspace = workspace };
	struct strs left = { 0 };
	(void)pl;
	for (int i = 0; i < TRIES; i++) {
		left = (struct strs){ 0 };
		if (!proc_signal(&all, SIGKILL, a, &left))
			break;
		note_new(a, ended, &left);
		usleep(PAUSE_US);
	}
	cgroup_sweep(workspace);
	if (left.count) /* after two seconds of KILL */
		return err_set(e, ERR_FAILED, "cannot end what an earlier run left behind: %s",
			strs_join(a, &left, ", "));
	return (int)ended->count;
}
