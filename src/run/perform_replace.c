/*
 * START of copies that stand beside those which serve: one after the other, each awaited before the
 * next of those is touched. Comes in: the ids of those that serve, who goes first, and the proxies
 * in front of them. Goes out: the others in their place. Left anywhere in between, some of both
 * serve; the next plan goes on from there. One that does not become ready is stopped, so that no
 * request is led to it.
 */
#include "run/job.h"

#include <stdio.h>
#include <string.h>

enum { TAKEN_UP_MS = 250 /* by a proxy's workers, after it said that it was told */ };

enum act { ACT_START, ACT_AWAIT, ACT_STOP, ACT_REMOVE, ACT_RELOAD, ACT_PAUSE };

struct move {
	enum act act;
	const char *id; /* of the container */
};

struct replace_state {
	LIST_OF(struct move) moves;
	size_t at;
	bool begun, failed;
	int64_t since;
	struct engine_call *call;   /* START, STOP, REMOVE */
	struct engine_run *command; /* RELOAD */
	struct ready_unit *ready;   /* AWAIT */
};

/* ---- what is to be done ---- */

static void add(struct job *j, enum act act, const char *id)
{
	struct replace_state *st = j->state;
	*list_push(&j->run->arena, &st->moves) = (struct move){ act, id };
}

/* An address that is gone costs whoever still tries it seconds; one that is new is not known. */
static void tell_proxies(struct job *j)
{
	const struct strs *proxies = &j->step->proxies;
	for (size_t i = 0; i < proxies->count; i++)
		add(j, ACT_RELOAD, proxies->items[i]);
	if (proxies->count)
		add(j, ACT_PAUSE, NULL);
}

static void bring_in(struct job *j, const char *id)
{
	add(j, ACT_START, id);
	add(j, ACT_AWAIT, id);
	tell_proxies(j);
}

static void take_out(struct job *j, const char *id)
{
	add(j, ACT_STOP, id);
	tell_proxies(j);
	add(j, ACT_REMOVE, id);
}

/* Those that take nobody's place come before anybody goes: what went may have had it. */
static void plan_moves(struct job *j, const struct strs *in)
{
	const struct strs *out = &j->step->replaces;
	size_t next = 0, ahead = in->count > out->count ? in->count - out->count : 0;
	ahead += j->step->start_first;
	while (next < in->count && next < ahead)
		bring_in(j, in->items[next++]);
	for (size_t i = 0; i < out->count; i++) {
		take_out(j, out->items[i]);
		if (next < in->count)
			bring_in(j, in->items[next++]);
	}
}

static void add_copies(struct job *j, struct strs *in, bool running)
{
	const struct world *w = j->run->pf->world;
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *c = &w->containers.items[i];
		if (!c->host && !c->one_off && streq(c->service, j->step->service->name) &&
			(c->state == UNIT_RUNNING) == running &&
			!strs_has(&j->step->replaces, c->id))
			strs_add(&j->run->arena, in, arena_strdup(&j->run->arena, c->id));
	}
}

/* What an interrupted run has started already is nearer to being ready. */
static int find_copies(struct job *j, struct strs *in)
{
	if (job_look(j))
		return -1;
	add_copies(j, in, true);
	add_copies(j, in, false);
	return 0;
}

static enum verdict replace_start(struct job *j)
{
	struct strs in = { 0 };
	j->state = xcalloc(1, sizeof(struct replace_state));
	if (find_copies(j, &in))
		return BROKE;
	j->run->containers_stale = true;
	plan_moves(j, &in);
	return GOES_ON;
}

/* ---- one move after the other ---- */

static int order(struct job *j, const char *method, const char *path)
{
	struct replace_state *st = j->state;
	struct engine_ask ask = { .method = method, .path = path, .patient = true };
	st->call = engine_begin(j->run->pf->engine, &ask, &j->error);
	return st->call ? 0 : -1;
}

static int begin_stop(struct job *j, const char *id)
{
	int64_t grace = j->step->service->stop_grace_ms;
	return order(j, "POST",
		arena_printf(&j->run->arena, "/containers/%s/stop?t=%lld", id,
			(long long)((grace + 999) / 1000)));
}

static int begin_remove(struct job *j, const char *id)
{
	struct strs ids = { 0 };
	strs_add(&j->run->arena, &ids, id);
	job_keep_logs(j, &ids);
	return order(j, "DELETE", arena_printf(&j->run->arena, "/containers/%s?force=1&v=1", id));
}

static int begin_reload(struct job *j, const char *id)
{
	static const char *const argv[] = { "nginx", "-s", "reload", NULL };
	struct replace_state *st = j->state;
	struct exec_request r = { .container = id, .argv = argv };
	st->command = engine_run_begin(j->run->pf->engine, &r);
	return 0;
}

static int begin_move(struct job *j, const struct move *v)
{
	struct replace_state *st = j->state;
	st->begun = true;
	st->since = now_ms();
	switch (v->act) {
	case ACT_START:
		return order(
			j, "POST", arena_printf(&j->run->arena, "/containers/%s/start", v->id));
	case ACT_AWAIT:
		st->ready = job_ready_begin(j, v->id, j->step->service->check.deadline_ms);
		return 0;
	case ACT_STOP:
		return begin_stop(j, v->id);
	case ACT_REMOVE:
		return begin_remove(j, v->id);
	case ACT_RELOAD:
		return begin_reload(j, v->id);
	case ACT_PAUSE:
		break;
	}
	return 0;
}

/* One that is gone already was to be stopped or removed. */
static enum verdict call_tick(struct job *j, enum act act)
{
	struct replace_state *st = j->state;
	if (!engine_done(st->call))
		return GOES_ON;
	struct err why = ERR_INIT;
	bool gone = act != ACT_START && engine_answer(st->call)->status == 404;
	int bad = gone ? 0 : engine_finish(st->call, &why);
	if (bad && !st->failed)
		j->error = why;
	engine_call_free(st->call);
	st->call = NULL;
	return bad ? BROKE : SUCCEEDED;
}

/* The follower's own step tells it once more, and restarts it where that fails, too. */
static enum verdict reload_tick(struct job *j)
{
	struct replace_state *st = j->state;
	cleanup_buf struct buf out = BUF_INIT;
	struct err ignored = ERR_INIT;
	int status = 0;
	if (!engine_run_done(st->command))
		return GOES_ON;
	engine_run_finish(st->command, &out, &status, &ignored);
	engine_run_free(st->command);
	st->command = NULL;
	return SUCCEEDED;
}

static enum verdict move_tick(struct job *j, const struct move *v)
{
	struct replace_state *st = j->state;
	switch (v->act) {
	case ACT_AWAIT:
		return job_ready_tick(j, st->ready);
	case ACT_RELOAD:
		return reload_tick(j);
	case ACT_PAUSE:
		return now_ms() - st->since >= TAKEN_UP_MS ? SUCCEEDED : GOES_ON;
	default:
		return call_tick(j, v->act);
	}
}

/* The rest is left as it is: it serves. */
static enum verdict give_up(struct job *j, const struct move *v)
{
	struct replace_state *st = j->state;
	if (st->failed || v->act != ACT_AWAIT)
		return BROKE;
	st->failed = true;
	st->moves.items[0] = (struct move){ ACT_STOP, v->id };
	st->moves.count = 1;
	st->at = 0;
	return GOES_ON;
}

static enum verdict replace_tick(struct job *j)
{
	struct replace_state *st = j->state;
	job_await(j, "one after the other: %zu of %zu", st->at + 1, st->moves.count);
	while (st->at < st->moves.count) {
		const struct move v = st->moves.items[st->at];
		enum verdict now = !st->begun && begin_move(j, &v) ? BROKE : move_tick(j, &v);
		if (now == GOES_ON)
			return GOES_ON;
		st->begun = false;
		if (now == SUCCEEDED)
			st->at++;
		else if (give_up(j, &v) == BROKE)
			return BROKE;
	}
	return st->failed ? BROKE : SUCCEEDED;
}

static void replace_end(struct job *j)
{
	struct replace_state *st = j->state;
	engine_call_free(st->call);
	engine_run_free(st->command);
	xfree(st);
	j->state = NULL;
}

const struct step_ops ops_replace = { replace_start, replace_tick, NULL, replace_end };
