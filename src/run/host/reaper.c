/*
 * Orphans that became children of ours. Comes in: SIGCHLD. Goes out: waits. Leaves alone the
 * children of the loop's own process handles and those that somebody knows.
 */
#include "run/host/reaper.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/arena.h"

struct reaper {
	uv_signal_t handle; /* first */
	uv_loop_t *uv;
	bool (*known)(void *ctx, int pid);
	void *ctx;
};

struct search {
	int pid;
	bool found;
};

static void compare(uv_handle_t *h, void *arg)
{
	struct search *s = arg;
	if (uv_handle_get_type(h) == UV_PROCESS && uv_process_get_pid((uv_process_t *)h) == s->pid)
		s->found = true;
}

static bool somebody_waits(const struct reaper *r, int pid)
{
	struct search s = { .pid = pid };
	uv_walk(r->uv, compare, &s);
	return s.found || r->known(r->ctx, pid);
}

static void on_child(uv_signal_t *h, int signum)
{
	struct reaper *r = (struct reaper *)(void *)h;
	char path[64];
	int pid;
	(void)signum;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		if (!somebody_waits(r, pid))
			waitpid(pid, NULL, WNOHANG);
	if (f)
		fclose(f);
}

struct reaper *reaper_new(struct loop *l, bool (*known)(void *ctx, int pid), void *ctx)
{
	struct reaper *r = xcalloc(1, sizeof(*r));
	r->uv = loop_uv(l);
	r->known = known;
	r->ctx = ctx;
	uv_signal_init(r->uv, &r->handle);
	uv_signal_start(&r->handle, on_child, SIGCHLD);
	return r;
}

static void give_back(uv_handle_t *h)
{
	xfree(h);
}

void reaper_free(struct reaper *r)
{
	if (r)
		uv_close((uv_handle_t *)&r->handle, give_back);
}
