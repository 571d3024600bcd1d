/*
 * Steps on containers through the engine's API: start, stop, remove, reload. Comes in: ids. Goes
 * out: done, with a word every second on who is awaited. Several run at once. Readiness is
 * ready.c's.
 */
#include "run/job.h"

#include <stdio.h>
#include <string.h>

#include "run/logs/logs.h"

enum { ASK_AGAIN_MS = 50 };

struct units_state {
	struct strs ids;
	struct engine_call **calls; /* one per id; NULL: done */
	struct engine_run *command; /* RELOAD by a command */
	int64_t grace_ms;
	int64_t asked_at; /* REMOVE: the last of its orders */
	bool restarted;   /* or signalled: calls are awaited */
	bool anew;        /* RELOAD: restarted, since the command failed: it must become ready */
	struct ready_unit *ready;
};

static struct units_state *units_new(struct job *j)
{
	struct units_state *st = xcalloc(1, sizeof(*st));
	j->state = st;
	st->grace_ms = j->step->service ? j->step->service->stop_grace_ms : 10000;
	if (job_containers(j, &st->ids))
		return NULL;
	st->calls = xcalloc(st->ids.count + 1, sizeof(*st->calls));
	return st;
}

static void units_end(struct job *j)
{
	struct units_state *st = j->state;
	for (size_t i = 0; st->calls && i < st->ids.count; i++)
		engine_call_free(st->calls[i]);
	xfree(st->calls);
	engine_run_free(st->command);
	xfree(st);
	j->state = NULL;
}

/* POST /containers/ID/WHAT for every id at once. */
static enum verdict order_all(struct job *j, const char *what)
{
	struct units_state *st = j->state;
	j->run->containers_stale = true;
	for (size_t i = 0; i < st->ids.count; i++) {
		char path[400];
		snprintf(path, sizeof(path), "/containers/%s/%s", st->ids.items[i], what);
		struct engine_ask ask = { .method = "POST", .path = path, .patient = true };
		st->calls[i] = engine_begin(j->run->pf->engine, &ask, &j->error);
		if (!st->calls[i])
			return BROKE;
	}
	return st->ids.count ? GOES_ON : SUCCEEDED;
}

/* gone_is_fine: a 404 is what was wanted. Waits for all even when one failed. */
static enum verdict collect(struct job *j, bool gone_is_fine)
{
	struct units_state *st = j->state;
	size_t pending = 0;
	for (size_t i = 0; i < st->ids.count; i++) {
		struct engine_call *c = st->calls[i];
		struct err one = ERR_INIT;
		if (!c)
			continue;
		if (!engine_done(c)) {
			pending++;
			continue;
		}
		if (!(gone_is_fine && engine_answer(c)->status == 404) && engine_finish(c, &one) &&
			!j->error.code)
			j->error = one;
		engine_call_free(c);
		st->calls[i] = NULL;
	}
	if (pending)
		return GOES_ON;
	return j->error.code ? BROKE : SUCCEEDED;
}

/* ---- start ---- */

static enum verdict start_start(struct job *j)
{
	if (!units_new(j))
		return BROKE;
	struct units_state *st = j->state;
	if (!st->ids.count) {
		err_set(&j->error, ERR_FAILED, "it has no container");
		err_hint(&j->error, "was it removed meanwhile? run `devenv up` again");
		return BROKE;
	}
	return order_all(j, "start");
}

static enum verdict start_tick(struct job *j)
{
	return collect(j, false);
}

const struct step_ops ops_start = { start_start, start_tick, NULL, units_end };

/* ---- stop ---- */

static enum verdict stop_start(struct job *j)
{
	char what[60];
	struct units_state *st = units_new(j);
	if (!st)
		return BROKE;
	if (j->step->timeout_ms > 0)
		st->grace_ms = j->step->timeout_ms;
	if (j->run->hurry)
		st->grace_ms = 0;
	snprintf(what, sizeof(what), "stop?t=%lld", (long long)((st->grace_ms + 999) / 1000));
	return order_all(j, what);
}

static enum verdict stop_tick(struct job *j)
{
	struct units_state *st = j->state;
	enum verdict v = collect(j, true);
	if (v == GOES_ON)
		job_await(j, "waiting for %s to stop: %lld s of %lld s",
			j->step->unit ? j->step->unit : "containers",
			(long long)((now_ms() - j->started) / 1000),
			(long long)(st->grace_ms / 1000));
	return v;
}

/* An interrupt while stopping asks for haste, not for leaving things half-way. */
static void stop_stop(struct job *j, int times)
{
	struct units_state *st = j->state;
	(void)times;
	job_say(j, EV_PROGRESS, "killing", -1);
	for (size_t i = 0; i < st->ids.count; i++) {
		struct err ignored = ERR_INIT;
		if (st->calls[i])
			engine_kill(j->run->pf->engine, st->ids.items[i], "KILL", &ignored);
	}
}

const struct step_ops ops_stop = { stop_start, stop_tick, stop_stop, units_end };

/* ---- remove ---- */

void job_keep_logs(struct job *j, const struct strs *ids)
{
	struct run *r = j->run;
	struct err ignored = ERR_INIT;
	const struct container **list = xcalloc(ids->count + 1, sizeof(*list));
	size_t count = 0;
	for (size_t i = 0; i < r->pf->world->containers.count; i++) {
		const struct container *c = &r->pf->world->containers.items[i];
		if (strs_has(ids, c->id) && !c->one_off)
			list[count++] = c;
	}
	if (count && logs_drain(r->pf->engine, r->pf->places, list, count, &ignored))
		job_say(j, EV_NOTE, ignored.text, -1);
	xfree(list);
}

static int order_removal(struct job *j, size_t i)
{
	struct units_state *st = j->state;
	char path[400];
	snprintf(path, sizeof(path), "/containers/%s?force=1&v=1", st->ids.items[i]);
	struct engine_ask ask = { .method = "DELETE", .path = path, .patient = true };
	st->asked_at = now_ms();
	st->calls[i] = engine_begin(j->run->pf->engine, &ask, &j->error);
	return st->calls[i] ? 0 : -1;
}

static enum verdict remove_start(struct job *j)
{
	struct units_state *st = units_new(j);
	if (!st)
		return BROKE;
	job_keep_logs(j, &st->ids);
	j->run->containers_stale = true;
	for (size_t i = 0; i < st->ids.count; i++) {
		if (order_removal(j, i))
			return BROKE;
	}
	return st->ids.count ? GOES_ON : SUCCEEDED;
}

/* The engine itself removes some when they end: it is asked again until they are gone. */
static enum verdict ask_again(struct job *j)
{
	struct units_state *st = j->state;
	bool any = false;
	for (size_t i = 0; i < st->ids.count; i++) {
		struct engine_call *c = st->calls[i];
		if (!c || !engine_done(c) || engine_answer(c)->status != 409 ||
			!engine_removes(buf_str(&engine_answer(c)->body)))
			continue;
		any = true;
		if (now_ms() - st->asked_at < ASK_AGAIN_MS)
			continue;
		engine_call_free(c);
		st->calls[i] = NULL;
		if (order_removal(j, i))
			return BROKE;
	}
	return any ? GOES_ON : SUCCEEDED;
}

static enum verdict remove_tick(struct job *j)
{
	enum verdict again = ask_again(j);
	if (again != SUCCEEDED)
		return again;
	enum verdict v = collect(j, true);
	if (v == GOES_ON)
		job_await(j, "waiting for %s to be removed",
			j->step->unit ? j->step->unit : "containers");
	return v;
}

static void remove_stop(struct job *j, int times)
{
	(void)j, (void)times; /* what was ordered ends soon, and ends whole */
}

const struct step_ops ops_remove = { remove_start, remove_tick, remove_stop, units_end };

/* ---- reload: the step's command inside the first container, else a restart ---- */

static enum verdict restart(struct job *j)
{
	struct units_state *st = j->state;
	char what[60];
	snprintf(what, sizeof(what), "restart?t=%lld", (long long)((st->grace_ms + 999) / 1000));
	st->restarted = true;
	return order_all(j, what);
}

static enum verdict tell_signal(struct job *j)
{
	struct units_state *st = j->state;
	char what[80];
	const char *name = j->step->signal;
	snprintf(what, sizeof(what), "kill?signal=SIG%.30s",
		starts_with(name, "SIG") ? name + strlen("SIG") : name);
	st->restarted = true;
	return order_all(j, what);
}

static enum verdict reload_start(struct job *j)
{
	struct units_state *st = units_new(j);
	if (!st)
		return BROKE;
	if (!st->ids.count)
		return SUCCEEDED;
	if (j->step->signal)
		return tell_signal(j);
	if (!j->step->argv.count)
		return restart(j);
	struct strs argv = { 0 };
	for (size_t i = 0; i < j->step->argv.count; i++)
		strs_add(&j->run->arena, &argv, j->step->argv.items[i]);
	strs_add(&j->run->arena, &argv, NULL);
	struct exec_request r = { .container = st->ids.items[0], .argv = argv.items };
	st->command = engine_run_begin(j->run->pf->engine, &r);
	return GOES_ON;
}

static enum verdict reload_tick(struct job *j)
{
	struct units_state *st = j->state;
	cleanup_buf struct buf out = BUF_INIT;
	int status = 0;
	job_await(j, "waiting for %s", j->step->unit ? j->step->unit : "the container");
	if (st->ready)
		return job_ready_tick(j, st->ready);
	if (st->restarted) {
		enum verdict v = collect(j, false);
		if (v == SUCCEEDED && st->anew && j->step->service)
			st->ready = job_ready_begin(j, NULL, j->step->service->check.deadline_ms);
		return st->ready ? GOES_ON : v;
	}
	if (!engine_run_done(st->command))
		return GOES_ON;
	if (engine_run_finish(st->command, &out, &status, &j->error) == 0 && status == 0)
		return SUCCEEDED;
	/* A command that fails is no reason to keep a stale dependent. */
	job_say(j, EV_NOTE, status ? buf_str(&out) : j->error.text, -1);
	j->error = (struct err)ERR_INIT;
	st->anew = true;
	return restart(j);
}

const struct step_ops ops_reload = { reload_start, reload_tick, NULL, units_end };
