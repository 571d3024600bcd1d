/*
 * The process of one copy of a host service on its way. Comes in: what the copy is started from,
 * the owner's guard. Goes out: a process, or why there is none. When it is started is
 * host_unit.c's.
 */
#include <errno.h>
#include <stdio.h>

#include "run/host/host_unit.h"

struct unit_start {         /* heap */
	struct arena arena; /* holds launch */
	struct guard_launch launch;
	struct host_process *process; /* NULL: it could not even begin */
	struct err error;
	int failed; /* errno */
};

/* ---- sd_notify ---- */

static void on_notify(void *ctx, const char *name, const char *value)
{
	struct host_unit *u = ctx;
	if (streq(name, "READY") && streq(value, "1"))
		u->notified = true;
	else if (streq(name, "STATUS"))
		snprintf(u->note, sizeof(u->note), "%s", value);
	else
		return;
	u->owner->changed(u->owner->ctx, u);
}

static int prepare_notify(struct host_unit *u, struct arena *a, struct err *e)
{
	u->notified = false;
	if (!u->launched->spec.notify || u->notify)
		return 0;
	const char *dir = path_join(a, u->owner->places->state, "notify");
	u->notify = notify_new(u->owner->loop, dir, u->label, on_notify, u, e);
	return u->notify ? 0 : -1;
}

/* ---- what is run ---- */

static const char *const *argv_of(struct arena *a, const struct host_spec *s)
{
	const char **argv = arena_array(a, const char *, s->argv.count + 1);
	for (size_t i = 0; i < s->argv.count; i++)
		argv[i] = s->argv.items[i];
	return argv;
}

static const char *const *env_of(struct arena *a, const struct host_unit *u)
{
	size_t n = 0, count = 0;
	while (u->launched->env[n])
		n++;
	const char **env = arena_array(a, const char *, n + 2);
	if (u->notify)
		env[count++] = arena_printf(a, "NOTIFY_SOCKET=%s", notify_path(u->notify));
	for (size_t i = 0; i < n; i++)
		if (!starts_with(u->launched->env[i], "NOTIFY_SOCKET="))
			env[count++] = u->launched->env[i];
	return env;
}

static struct guard_launch launch_of(struct arena *a, const struct host_unit *u)
{
	return (struct guard_launch){
		.unit = u->label,
		.argv = argv_of(a, &u->launched->spec),
		.env = env_of(a, u),
		.dir = u->launched->spec.dir,
	};
}

int unit_check(const struct host_launch *l, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct guard_launch check = {
		.argv = argv_of(&a, l->spec), .env = l->env, .dir = l->spec->dir
	};
	int rc = guard_check(&check, e);
	arena_release(&a);
	return rc;
}

/* ---- on its way ---- */

static void begin_under(struct host_unit *u, struct unit_start *st)
{
	u->guard = u->owner->guard(u->owner->ctx, &st->error);
	if (u->guard)
		st->process = host_process_begin(
			u->owner->loop, u->guard, &st->launch, &unit_process_ops, u, &st->error);
	st->failed = errno;
}

void unit_begin(struct host_unit *u)
{
	struct unit_start *st = u->start = xcalloc(1, sizeof(*st));
	if (prepare_notify(u, &st->arena, &st->error))
		return;
	st->launch = launch_of(&st->arena, u);
	begin_under(u, st);
}

static bool has_begun(struct unit_start *st)
{
	if (!st->process)
		return false;
	if (!host_process_begun(st->process, &st->error))
		return true;
	st->failed = errno;
	st->process = NULL;
	return false;
}

int unit_begun(struct host_unit *u, struct err *e)
{
	struct unit_start *st = u->start;
	u->start = NULL;
	bool begun = has_begun(st);
	if (!begun && u->guard && u->owner->guard_failed(u->owner->ctx, u->guard, st->failed)) {
		st->error = (struct err)ERR_INIT;
		begin_under(u, st);
		begun = has_begun(st);
	}
	u->process = st->process;
	*e = st->error;
	arena_release(&st->arena);
	xfree(st);
	return begun ? 0 : -1;
}
