/*
 * What a unit leaves behind when its leader has ended. Comes in: its mark and process group. Goes
 * out: signals and a count. The cheap question comes first: mostly there is nothing.
 */
#include "run/host/guardian.h"

/* Orphans of a PID namespace become children of its first process: without any, none is left. */
static bool quiet(const struct guard *g)
{
	return g->kind == GUARD_PIDNS && !proc_has_children(g->pid);
}

size_t guard_rest(struct guard *g, const char *unit, pid_t group, int signum)
{
	if (g->cgroup[0])
		return cgroup_signal(g->cgroup, unit, signum);
	if (quiet(g))
		return 0;
	struct proc_match left = { .workspace = g->workspace, .unit = unit, .group = group };
	return proc_signal(&left, signum, NULL, NULL);
}

void guard_forget(struct guard *g, const char *unit)
{
	if (g->cgroup[0])
		cgroup_remove(g->cgroup, unit);
}
