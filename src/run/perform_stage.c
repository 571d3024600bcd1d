/*
 * Steps that are a stage of a module: a shell line where the module runs. Comes in: argv and where.
 * Goes out: lines as they come, exit status, the end of the output as the error. One run of a
 * module's stages at a time, whoever asks: a lock per module says so. Ended early, it leaves no
 * process behind; how is stage_places.c's.
 */
#include "run/stage.h"
#include "run/host/supervise.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { ENDING_MS = 15000, AGAIN_MS = 500 };

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

int stages_lock(const struct places *pl, const char *service, struct lock *l, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *dir = pl->turns ? pl->turns : path_join(&a, pl->state, "stages");
	const char *path = path_join(&a, dir, arena_printf(&a, "%s.lock", service));
	int rc = dir_make(dir, 0700, e) ? -1 : lock_take(l, path, 0, e);
	arena_release(&a);
	return rc;
}

static enum verdict take_turn(struct job *j)
{
	struct stage_job *st = j->state;
	struct err e = ERR_INIT;
	if (stages_lock(j->run->pf->places, j->step->unit, &st->lock, &e)) {
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
	st->ops = j->step->hosts.count ? &stage_on_host
		  : j->step->alike     ? &stage_alike
		  : j->step->one_off   ? &stage_apart
				       : &stage_inside;
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
	j->step->status = j->error.code || st->stopped ? -1 : status; /* how it dies says nothing */
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

/* Inside it is looked for again: it may have been about to start more. Elsewhere once more is for
 * what ignored TERM; where a container is removed, that does it. */
static enum verdict ending_tick(struct job *j)
{
	struct stage_job *st = j->state;
	int64_t now = now_ms();
	bool hard = now - st->ending > ENDING_MS / 3;
	if (now - st->ending > ENDING_MS)
		return give_up(j);
	if (now - st->asked > AGAIN_MS && !st->ops->removes && (hard || st->ops == &stage_inside))
		ask_end(j, hard);
	return GOES_ON;
}

static enum verdict running_tick(struct job *j)
{
	struct stage_job *st = j->state;
	int status = -1;
	if (st->ops->done(j, &status)) {
		bool gone = st->phase == STAGE_RUNS && !st->ops->stays;
		if (gone || !st->ops->removes)
			return conclude(j, status);
		if (!removed(st)) /* a second removal would be refused, and the first forgotten */
			return GOES_ON;
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
	engine_clone_free(st->clone);
	engine_call_free(st->removal);
	child_free(st->child);
	if (st->once)
		host_run_free(st->once);
	lock_drop(&st->lock);
	xfree(st);
	j->state = NULL;
}

const struct step_ops ops_stage = { stage_start, stage_tick, stage_stop, stage_end };
