/*
 * Where a stage runs: in the module's own container, in one made for it, on the host. Comes in: a
 * job that has its turn. Goes out: begun, ended, its status; asked to end early, nothing of it
 * stays.
 */
#include <signal.h>
#include <string.h>

#include "run/io/plain_line.h"
#include "run/stage.h"
#include "run/host/supervise.h"

static void stage_line(void *ctx, const char *line, size_t len)
{
	struct job *j = ctx;
	struct stage_job *st = j->state;
	tail_add(&st->tail, line, len);
	job_say_n(j, EV_OUTPUT, line, len, -1);
}

static const char *const *words(struct job *j, const struct strs *list)
{
	struct strs v = { 0 };
	for (size_t i = 0; i < list->count; i++)
		strs_add(&j->run->arena, &v, list->items[i]);
	strs_add(&j->run->arena, &v, NULL);
	return v.items;
}

/* By which the processes of a stage are found again. */
static const char *mark_of(struct arena *a, const char *service)
{
	return arena_printf(a, "DEVENV_STAGE=:%s:", service);
}

/* ---- in the module's own container: an exec, which the engine cannot end ---- */

/*
 * Runs as the same user as the stage, which may therefore look at its processes and end them: those
 * that carry the mark, and those of their sessions (an exec begins one). Arguments: mark, rounds of
 * TERM before KILL. Nothing but the shell's own words is needed, and a sleep.
 */
static const char end_script[] =
	"marked() {\n"
	"  [ $1 != $$ ] || return 1\n"
	"  while IFS= read -r l || [ -n \"$l\" ]; do\n"
	"    case $l in *\"$mark\"*) return 0 ;; esac\n"
	"  done\n"
	"  return 1\n"
	"}\n"
	"session() { # of process $1: session and state\n"
	"  read -r l || return 1\n"
	"  set -- ${l##*) }\n"
	"  state=$1 session=$4\n"
	"}\n"
	"each() {\n"
	"  left=\n"
	"  for d in /proc/[0-9]*; do\n"
	"    marked ${d#/proc/} <$d/environ || continue\n"
	"    session <$d/stat && sessions=\"$sessions$session \"\n"
	"  done\n"
	"  for d in /proc/[0-9]*; do\n"
	"    session <$d/stat || continue\n"
	"    case \"$sessions\" in *\" $session \"*) ;; *) continue ;; esac\n"
	"    [ $state = Z ] || left=\"$left ${d#/proc/}\"\n"
	"  done\n"
	"}\n"
	"exec 2>/dev/null\n"
	"mark=$1 rounds=$2 sessions=' ' round=0\n"
	"while each && [ -n \"$left\" ] && [ $round -lt 60 ]; do\n"
	"  [ $round -lt $rounds ] && signal=TERM || signal=KILL\n"
	"  kill -$signal $left\n"
	"  sleep 0.05 || sleep 1\n"
	"  round=$((round + 1))\n"
	"done\n"
	"[ -z \"$left\" ]\n";

const char *const *stage_end_argv(struct arena *a, const char *service, bool hard)
{
	const char *const argv[] = { "/bin/sh", "-c", end_script, "end", mark_of(a, service),
		hard ? "0" : "20", NULL };
	return arena_copy(a, argv, sizeof(argv));
}

static void begin_ender(struct job *j, const char *container, bool hard)
{
	struct stage_job *st = j->state;
	struct exec_request r = { .container = container,
		.argv = stage_end_argv(&j->run->arena, j->step->unit, hard) };
	engine_run_free(st->ender);
	st->ender = engine_run_begin(j->run->pf->engine, &r);
}

static void begin_run(struct job *j)
{
	struct stage_job *st = j->state;
	strs_add(&j->run->arena, &st->env, mark_of(&j->run->arena, j->step->unit));
	struct exec_request r = {
		.container = j->step->containers.items[0],
		.argv = words(j, &j->step->argv),
		.dir = j->step->dir,
		.env = &st->env,
		.line = stage_line,
		.ctx = j,
	};
	stage_left_note(j->run->pf->places, j->step->unit, r.container);
	st->run = engine_run_begin(j->run->pf->engine, &r);
}

/* What an earlier run left there, when devenv was killed, is ended first. */
static int inside_begin(struct job *j)
{
	const char *left = stage_left_in(&j->run->arena, j->run->pf->places, j->step->unit);
	if (left)
		begin_ender(j, left, false);
	else
		begin_run(j);
	return 0;
}

static bool inside_done(struct job *j, int *status)
{
	struct stage_job *st = j->state;
	if (st->ender && !engine_run_done(st->ender))
		return false;
	if (!st->run && st->phase == STAGE_RUNS) {
		begin_run(j);
		return false;
	}
	if (st->run && !engine_run_done(st->run))
		return false;
	stage_left_forget(j->run->pf->places, j->step->unit);
	if (st->run)
		engine_run_finish(st->run, NULL, status, &j->error);
	return true;
}

static void inside_end(struct job *j, bool hard)
{
	struct stage_job *st = j->state;
	if (!st->ender || engine_run_done(st->ender))
		begin_ender(j, j->step->containers.items[0], hard);
}

/* ---- children: docker compose run, and the host ---- */

static int start_child(struct job *j, const char *const *env)
{
	struct stage_job *st = j->state;
	st->spawn = (struct spawn){
		.argv = words(j, &j->step->argv),
		.dir = j->step->dir,
		.env = env,
		.line = stage_line,
		.ctx = j,
	};
	st->child = child_start(j->run->pf->loop, &st->spawn, &j->error);
	return st->child ? 0 : -1;
}

static bool child_ended(struct job *j, int *status)
{
	struct stage_job *st = j->state;
	if (!child_done(st->child))
		return false;
	*status = child_status(st->child);
	return true;
}

static void child_end(struct job *j, bool hard)
{
	struct stage_job *st = j->state;
	child_signal(st->child, hard ? SIGKILL : SIGTERM);
}

static int apart_begin(struct job *j)
{
	return start_child(j, job_environment(j));
}

/* ---- in a container that is made as the module's own is, which need not run ---- */

static int alike_begin(struct job *j)
{
	struct stage_job *st = j->state;
	if (job_look(j))
		return -1;
	const struct container *own = world_container(j->run->pf->world, j->step->service->name);
	if (!own)
		return err_set(&j->error, ERR_FAILED, "%s: %s has no container", j->step->id,
			j->step->unit);
	struct clone_request r = {
		.like = own->id,
		.name = j->step->containers.items[0],
		.argv = words(j, &j->step->argv),
		.line = stage_line,
		.ctx = j,
	};
	st->clone = engine_clone_begin(j->run->pf->engine, &r);
	return 0;
}

static bool alike_done(struct job *j, int *status)
{
	struct stage_job *st = j->state;
	if (!engine_clone_done(st->clone))
		return false;
	engine_clone_finish(st->clone, status, &j->error);
	return true;
}

/* Its removal is the rest. */
static void alike_end(struct job *j, bool hard)
{
	struct stage_job *st = j->state;
	(void)hard;
	engine_clone_cancel(st->clone);
}

/* ---- on the host ---- */

/* With the variables of the service's first copy, and the mark of a stage. */
static const char *const *host_environment(struct job *j)
{
	const char *const *env = job_host_environment(j, j->step->hosts.items[0]);
	struct strs all = { 0 };
	for (size_t i = 0; env && env[i]; i++)
		strs_add(&j->run->arena, &all, env[i]);
	strs_add(&j->run->arena, &all, mark_of(&j->run->arena, j->step->unit));
	strs_add(&j->run->arena, &all, NULL);
	return env ? all.items : NULL;
}

/* The shell is left out where it would only stand in between; it tries what cannot be started, too:
 * a script without a first line is its business. */
static struct host_run_once *run_once(
	struct job *j, struct hosts *hosts, const struct host_launch *launch)
{
	struct host_spec spec = *launch->spec;
	struct host_launch direct = { .spec = &spec, .env = launch->env };
	struct host_run_once *out = NULL;
	struct err ignored = ERR_INIT;
	spec.argv = (struct strs){ 0 };
	if (plain_line(&j->run->arena, &launch->spec->argv, &spec.argv))
		out = hosts->ops->run(hosts, &direct, stage_line, j, &ignored);
	return out ? out : hosts->ops->run(hosts, launch, stage_line, j, &j->error);
}

static int host_begin(struct job *j)
{
	struct stage_job *st = j->state;
	struct hosts *hosts = j->run->pf->hosts;
	struct host_launch launch = { .spec = j->step->hosts.items[0], .env = host_environment(j) };
	if (!launch.env)
		return -1;
	if (!hosts || !hosts->ops->run)
		return start_child(j, launch.env);
	st->once = run_once(j, hosts, &launch);
	return st->once ? 0 : -1;
}

static bool host_done(struct job *j, int *status)
{
	struct stage_job *st = j->state;
	if (!st->once)
		return child_ended(j, status);
	if (!host_run_done(st->once))
		return false;
	*status = host_run_status(st->once);
	return true;
}

static void host_end(struct job *j, bool hard)
{
	struct stage_job *st = j->state;
	if (st->once)
		host_run_signal(st->once, hard ? SIGKILL : SIGTERM);
	else
		child_end(j, hard);
}

const struct place_ops stage_inside = { inside_begin, inside_done, inside_end, false, false };
const struct place_ops stage_apart = { apart_begin, child_ended, child_end, true, false };
const struct place_ops stage_alike = { alike_begin, alike_done, alike_end, true, true };
const struct place_ops stage_on_host = { host_begin, host_done, host_end, false, false };
