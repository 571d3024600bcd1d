/*
 * A command that runs once under the supervisor's guard. Comes in: a launch. Goes out: lines of
 * both streams, an exit status. What it leaves running in its group ends with it; nothing of it is
 * logged.
 */
#include <errno.h>
#include <stdio.h>

#include "run/io/lines.h"
#include "run/host/supervisor.h"

enum { LINGER_MS = 300 }; /* how long streams may stay open after its end: others hold them */

struct host_run_once {
	struct supervisor *owner;
	struct host_run_once *next;
	struct host_process *process;
	struct ticker *linger;
	struct lines lines[2];
	char label[320];
	struct guard *guard;
	int status;
	bool done;
};

static void finish(void *ctx)
{
	struct host_run_once *r = ctx;
	if (r->done)
		return;
	host_process_drain(r->process);
	for (int i = 0; i < 2; i++)
		lines_end(&r->lines[i]);
	r->done = true;
}

static void on_output(void *ctx, enum stream s, const char *data, size_t len)
{
	struct host_run_once *r = ctx;
	if (!r->done)
		lines_feed(&r->lines[s == STREAM_STDERR], data, len);
}

static void on_exited(void *ctx, int status)
{
	struct host_run_once *r = ctx;
	r->status = status;
	if (!host_process_open(r->process))
		finish(r);
	else
		ticker_set(r->linger, LINGER_MS);
}

static const struct host_process_ops process_ops = { .output = on_output, .exited = on_exited };

static int start(struct host_run_once *r, const struct host_launch *l, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char **argv = arena_array(&a, const char *, l->spec->argv.count + 1);
	for (size_t i = 0; i < l->spec->argv.count; i++)
		argv[i] = l->spec->argv.items[i];
	struct guard_launch launch = {
		.unit = r->label, .argv = argv, .env = l->env, .dir = l->spec->dir
	};
	struct supervisor *s = r->owner;
	for (int tries = 0; tries < 2 && !r->process; tries++) {
		r->guard = s->owner.guard(s->owner.ctx, e);
		if (r->guard)
			r->process =
				host_process_start(s->loop, r->guard, &launch, &process_ops, r, e);
		if (!r->guard ||
			(!r->process && !s->owner.guard_failed(s->owner.ctx, r->guard, errno)))
			break;
	}
	arena_release(&a);
	return r->process ? 0 : -1;
}

struct host_run_once *supervisor_run(struct supervisor *s, const struct host_launch *l,
	void (*line)(void *ctx, const char *line, size_t len), void *ctx, struct err *e)
{
	static unsigned count;
	if (!l->spec->argv.count) {
		err_set(e, ERR_FAILED, "there is no command");
		return NULL;
	}
	struct host_run_once *r = xcalloc(1, sizeof(*r));
	r->owner = s;
	for (int i = 0; i < 2; i++)
		r->lines[i] = (struct lines){ .fn = line, .ctx = ctx };
	snprintf(r->label, sizeof(r->label), "%.250s.run.%u", l->spec->service, ++count);
	r->linger = ticker_new(s->loop, finish, r);
	r->next = s->runs;
	s->runs = r;
	if (!start(r, l, e))
		return r;
	host_run_free(r);
	return NULL;
}

bool host_run_done(const struct host_run_once *r)
{
	return r->done;
}

int host_run_status(const struct host_run_once *r)
{
	return r->status;
}

void host_run_signal(struct host_run_once *r, int signum)
{
	host_process_signal(r->process, signum);
}

pid_t host_run_pid(const struct host_run_once *r)
{
	return r->process && !host_process_exited(r->process) ? host_process_pid(r->process) : 0;
}

struct host_run_once *host_run_next(const struct host_run_once *r)
{
	return r->next;
}

static void unlink_run(struct host_run_once *r)
{
	for (struct host_run_once **at = &r->owner->runs; *at; at = &(*at)->next)
		if (*at == r) {
			*at = r->next;
			return;
		}
}

void host_run_free(struct host_run_once *r)
{
	if (!r)
		return;
	unlink_run(r);
	pid_t group = r->process ? host_process_pid(r->process) : 0;
	if (group) {
		host_process_signal(r->process, SIGKILL);
		guard_rest(r->guard, r->label, group, SIGKILL);
	}
	host_process_free(r->process);
	if (group)
		guard_forget(r->guard, r->label);
	for (int i = 0; i < 2; i++)
		buf_release(&r->lines[i].rest);
	ticker_free(r->linger);
	xfree(r);
}
