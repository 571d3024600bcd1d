/*
 * Steps that are a stage of a module: a shell line where the module runs. Comes in: argv and where.
 * Goes out: lines as they come, exit status, the end of the output as the error. One run of a
 * module's stages at a time, whoever asks: a lock per module says so. Ended early, it leaves no
 * process behind; how is told by the three places in which it can run.
 */
#include "run/perform.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { ENDING_MS = 15000, AGAIN_MS = 500 };

enum phase { STAGE_AWAITS_LOCK, STAGE_CLEANS, STAGE_RUNS, STAGE_ENDS, STAGE_SWEEPS };

struct stage_job {
	enum phase phase;
	const struct place_ops *ops;
	struct lock lock;
	int64_t began, ending, asked; /* asked: when it was last told to end */
	bool late, stopped;
	int stops;
	struct tail tail;
	struct strs env;
	/* in the module's container */
	struct engine_run *run, *ender;
	/* in a container of its own, or on the host */
	struct child *child;
	struct spawn spawn;
	struct engine_call *removal;
};

struct place_ops {
	int (*begin)(struct job *j);
	bool (*done)(struct job *j, int *status); /* job->error.code when it could not be run */
	void (*end)(struct job *j, bool hard);    /* may be asked more than once */
	bool removes; /* a container of its own is removed before, and after an early end */
};

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
static const char *mark_of(struct job *j)
{
	return arena_printf(&j->run->arena, "DEVENV_STAGE=:%s:", j->step->unit);
}

/* ---- in the module's own container: an exec, which the engine cannot end ---- */

static int inside_begin(struct job *j)
{
	struct stage_job *st = j->state;
	strs_add(&j->run->arena, &st->env, mark_of(j));
	struct exec_request r = {
		.container = j->step->containers.items[0],
		.argv = words(j, &j->step->argv),
		.dir = j->step->dir,
		.env = &st->env,
		.line = stage_line,
		.ctx = j,
	};
	st->run = engine_run_begin(j->run->pf->engine, &r);
	return 0;
}

static bool inside_done(struct job *j, int *status)
{
	struct stage_job *st = j->state;
	bool ender = !st->ender || engine_run_done(st->ender);
	if (!engine_run_done(st->run) || !ender)
		return false;
	engine_run_finish(st->run, NULL, status, &j->error);
	return true;
}

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

static void inside_end(struct job *j, bool hard)
{
	struct stage_job *st = j->state;
	const char *argv[] = { "/bin/sh", "-c", end_script, "end", mark_of(j), hard ? "0" : "20",
		NULL };
	if (st->ender && !engine_run_done(st->ender))
		return;
	engine_run_free(st->ender);
	struct exec_request r = { .container = j->step->containers.items[0], .argv = argv };
	st->ender = engine_run_begin(j->run->pf->engine, &r);
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

/* ---- on the host ---- */

static int host_begin(struct job *j)
{
	struct stage_job *st = j->state;
	strs_add(&j->run->arena, &st->env, mark_of(j));
	return start_child(j, (const char *const *)clean_environment(&j->run->arena, &st->env));
}

static const struct place_ops inside = { inside_begin, inside_done, inside_end, false };
static const struct place_ops apart = { apart_begin, child_ended, child_end, true };
static const struct place_ops on_host = { host_begin, child_ended, child_end, false };

/* ---- the life of a stage ---- */

static void remove_container(struct job *j)
{
	struct stage_job *st = j->state;
	char path[400];
	snprintf(path, sizeof(path), "/containers/%s?force=1&v=1", j->step->containers.items[0]);
	struct engine_ask ask = { .method = "DELETE", .path = path, .patient = true };
	struct err ignored = ERR_INIT;
	engine_call_free(st->removal);
	st->removal = engine_begin(j->run->pf->engine, &ask, &ignored);
}

static bool removed(const struct stage_job *st)
{
	return !st->removal || engine_done(st->removal);
}

static enum verdict begin(struct job *j)
{
	struct stage_job *st = j->state;
	st->phase = STAGE_RUNS;
	st->began = now_ms();
	return st->ops->begin(j) ? BROKE : GOES_ON;
}

static enum verdict take_turn(struct job *j)
{
	struct stage_job *st = j->state;
	struct arena *a = &j->run->arena;
	const char *dir = path_join(a, j->run->pf->places->state, "stages");
	const char *path = path_join(a, dir, arena_printf(a, "%s.lock", j->step->unit));
	struct err e = ERR_INIT;
	if (st->stopped)
		return BROKE;
	if (dir_make(dir, 0700, &j->error))
		return BROKE;
	if (lock_take(&st->lock, path, 0, &e)) {
		job_await(j, "waiting for another run of %s's stages", j->step->unit);
		if (e.code != ERR_BUSY)
			j->error = e;
		return e.code == ERR_BUSY ? GOES_ON : BROKE;
	}
	if (!st->ops->removes)
		return begin(j);
	remove_container(j);
	st->phase = STAGE_CLEANS;
	return GOES_ON;
}

static enum verdict stage_start(struct job *j)
{
	struct stage_job *st = xcalloc(1, sizeof(*st));
	j->state = st;
	st->lock.fd = -1;
	st->ops = j->step->hosts.count ? &on_host : j->step->one_off ? &apart : &inside;
	j->step->status = -1;
	return take_turn(j);
}

static void ask_end(struct job *j, bool hard)
{
	struct stage_job *st = j->state;
	if (st->phase != STAGE_RUNS && st->phase != STAGE_ENDS)
		return;
	if (st->phase == STAGE_RUNS)
		st->ending = now_ms();
	st->phase = STAGE_ENDS;
	st->asked = now_ms();
	st->ops->end(j, hard);
	if (st->ops->removes)
		remove_container(j);
}

static void stage_stop(struct job *j, int times)
{
	struct stage_job *st = j->state;
	st->stopped = true;
	ask_end(j, times > 1);
}

static const char *what_of(const struct job *j)
{
	return arena_printf(&j->run->arena, "%s of %s", stage_name((enum stage_kind)j->step->stage),
		j->step->unit);
}

/* What it came to, in words. */
static enum verdict conclude(struct job *j, int status)
{
	struct stage_job *st = j->state;
	const char *what = what_of(j);
	char limit[16];
	j->step->status = j->error.code ? -1 : status;
	if (st->stopped)
		err_set(&j->error, ERR_FAILED, "%s: interrupted", what);
	else if (j->error.code)
		err_wrap(&j->error, "%s", what);
	else if (st->late)
		format_duration(limit, j->step->timeout_ms),
			err_set(&j->error, ERR_FAILED, "%s did not end within %s", what, limit);
	else if (status > 128 && status < 128 + NSIG)
		err_set(&j->error, ERR_FAILED, "%s was ended by signal %d (%s)", what, status - 128,
			strsignal(status - 128));
	else if (status)
		err_set(&j->error, ERR_FAILED, "%s ended with status %d", what, status);
	else
		return SUCCEEDED;
	if (!st->stopped)
		tail_error(&st->tail, &j->error);
	return BROKE;
}

static enum verdict give_up(struct job *j)
{
	err_set(&j->error, ERR_FAILED, "%s could not be ended", what_of(j));
	return BROKE;
}

static enum verdict ending_tick(struct job *j)
{
	struct stage_job *st = j->state;
	int64_t now = now_ms();
	if (now - st->ending > ENDING_MS)
		return give_up(j);
	if (now - st->asked > AGAIN_MS && st->ops == &inside)
		ask_end(j, now - st->ending > ENDING_MS / 3);
	return GOES_ON;
}

static enum verdict running_tick(struct job *j)
{
	struct stage_job *st = j->state;
	int status = -1;
	if (st->ops->done(j, &status)) {
		if (st->phase == STAGE_RUNS || !st->ops->removes)
			return conclude(j, status);
		j->step->status = status;
		remove_container(j); /* it may have been made after it was first told to go */
		st->phase = STAGE_SWEEPS;
		return GOES_ON;
	}
	if (st->phase == STAGE_ENDS)
		return ending_tick(j);
	if (j->step->timeout_ms && now_ms() - st->began > j->step->timeout_ms) {
		st->late = true;
		ask_end(j, false);
	}
	return GOES_ON;
}

static enum verdict stage_tick(struct job *j)
{
	struct stage_job *st = j->state;
	switch (st->phase) {
	case STAGE_AWAITS_LOCK:
		return st->stopped ? conclude(j, -1) : take_turn(j);
	case STAGE_CLEANS:
		if (!removed(st))
			return GOES_ON;
		return st->stopped ? conclude(j, -1) : begin(j);
	case STAGE_SWEEPS:
		return removed(st) ? conclude(j, j->step->status) : GOES_ON;
	default:
		return running_tick(j);
	}
}

static void stage_end(struct job *j)
{
	struct stage_job *st = j->state;
	engine_run_free(st->run);
	engine_run_free(st->ender);
	engine_call_free(st->removal);
	child_free(st->child);
	lock_drop(&st->lock);
	xfree(st);
	j->state = NULL;
}

const struct step_ops ops_stage = { stage_start, stage_tick, stage_stop, stage_end };
