/*
 * Steps on host services: start, stop, remove, reload, through whoever runs them. Comes in: specs
 * and ids. Goes out: done when a look shows it. Opens secrets only into the environment that is
 * handed on. Readiness is ready.c's.
 */
#include <stdio.h>
#include <string.h>

#include "run/job.h"

enum { STOP_SLACK_MS = 10000 };

struct host_state {
	struct strs ids;
	pid_t *before;       /* of each id; RELOAD waits until it is another */
	struct child *child; /* RELOAD by a command */
	struct spawn spawn;
	int64_t grace_ms, asked_at;
	bool restarted;
};

int units_look(struct engine *g, struct hosts *h, struct arena *a, const char *workspace,
	struct world *w, struct err *e)
{
	if (!g && !h)
		return 0;
	w->containers.count = 0;
	if (g && engine_look(g, a, workspace, w, e))
		return -1;
	return h ? h->ops->look(h, a, w, e) : 0;
}

/* ---- one look serves all steps of a turn ---- */

const struct container *run_host_unit(struct run *r, const char *id)
{
	for (size_t i = 0; i < r->hosts_seen.containers.count; i++)
		if (streq(r->hosts_seen.containers.items[i].id, id))
			return &r->hosts_seen.containers.items[i];
	return NULL;
}

static int host_look(struct job *j, bool fresh)
{
	struct run *r = j->run;
	struct hosts *h = r->pf->hosts;
	if (!h)
		return err_set(&j->error, ERR_FAILED, "there is no agent to run it");
	if (!fresh && now_ms() - r->hosts_at < HOST_LOOK_MS)
		return 0;
	arena_release(&r->hosts_arena);
	r->hosts_seen = (struct world){ 0 };
	r->hosts_at = now_ms();
	return h->ops->look(h, &r->hosts_arena, &r->hosts_seen, &j->error);
}

static bool has_process(const struct container *c)
{
	return c && c->state != UNIT_EXITED && c->state != UNIT_DEAD && c->state != UNIT_ABSENT;
}

/* Ids named by the step, else those of its service now. */
static struct host_state *host_new(struct job *j)
{
	struct host_state *st = xcalloc(1, sizeof(*st));
	const struct step *s = j->step;
	const char *service = s->service ? s->service->name : s->unit;
	j->state = st;
	j->run->polling++;
	st->asked_at = now_ms();
	st->grace_ms = s->service ? s->service->stop_grace_ms : 10000;
	/* Named ones only need to have been seen: a hundred stops are not worth a hundred looks. */
	bool named = s->containers.count && (s->kind == STEP_STOP || s->kind == STEP_REMOVE);
	if (host_look(j, !named))
		return NULL;
	for (size_t i = 0; i < s->containers.count; i++)
		strs_add(&j->run->arena, &st->ids, s->containers.items[i]);
	for (size_t i = 0; !s->containers.count && i < j->run->hosts_seen.containers.count; i++) {
		const struct container *c = &j->run->hosts_seen.containers.items[i];
		if (streq(c->service, service))
			strs_add(&j->run->arena, &st->ids, arena_strdup(&j->run->arena, c->id));
	}
	return st;
}

static void host_end(struct job *j)
{
	struct host_state *st = j->state;
	j->run->polling--;
	child_free(st->child);
	xfree(st->before);
	xfree(st);
	j->state = NULL;
}

/* ---- start ---- */

const char *const *job_host_environment(struct job *j, const struct host_spec *s)
{
	struct run *r = j->run;
	if (!r->environment)
		r->environment = clean_environment(&r->arena, NULL);
	return host_launch_environment(
		&r->arena, r->environment, s, r->plan, r->pf->vault, &j->error);
}

/*
 * What can start now is asked for at once, by the first of the steps that is looked at again: a
 * hundred questions one after another would cost more than a hundred processes.
 */
struct start_state {
	struct start_state *next;
	struct job *job;
	bool asked;
};

static size_t count_starts(const struct run *r)
{
	size_t n = 0;
	for (const struct start_state *st = r->starts; st; st = st->next)
		n += st->job->step->hosts.count;
	return n;
}

static void add_starts(struct job *j, struct host_start *list, size_t *count)
{
	for (size_t i = 0; i < j->step->hosts.count && !j->error.code; i++) {
		const struct host_spec *s = j->step->hosts.items[i];
		const char *const *env = job_host_environment(j, s);
		if (env)
			list[(*count)++].launch = (struct host_launch){
				.spec = s, .env = env, .gateway = j->run->pf->gateway
			};
		else if (!j->error.place.file)
			j->error.place = s->place;
	}
}

static void note_failure(struct run *r, const struct host_start *s)
{
	for (struct start_state *st = r->starts; st; st = st->next) {
		const struct step *step = st->job->step;
		for (size_t i = 0; i < step->hosts.count; i++)
			if (step->hosts.items[i] == s->launch.spec && !st->job->error.code) {
				st->job->error = s->error;
				st->job->error.place = s->launch.spec->place;
			}
	}
}

static void ask_starts(struct run *r)
{
	struct host_start *list = xcalloc(count_starts(r) + 1, sizeof(*list));
	size_t count = 0;
	for (struct start_state *st = r->starts; st; st = st->next)
		add_starts(st->job, list, &count);
	hosts_start_all(r->pf->hosts, list, count);
	for (size_t i = 0; i < count; i++)
		if (list[i].failed)
			note_failure(r, &list[i]);
	xfree(list);
	while (r->starts) {
		r->starts->asked = true;
		r->starts = r->starts->next;
	}
}

/* Those that are there already, as they were started before. */
static enum verdict restart_copies(struct job *j)
{
	struct hosts *h = j->run->pf->hosts;
	struct host_state *st = host_new(j);
	if (!st)
		return BROKE;
	if (!st->ids.count) {
		err_set(&j->error, ERR_FAILED, "it was never started");
		err_hint(&j->error, "run `devenv up` again");
		return BROKE;
	}
	for (size_t i = 0; i < st->ids.count; i++)
		if (h->ops->restart(h, st->ids.items[i], &j->error))
			return BROKE;
	return SUCCEEDED;
}

static enum verdict start_again(struct job *j)
{
	enum verdict v = restart_copies(j);
	host_end(j);
	return v;
}

static enum verdict start_start(struct job *j)
{
	if (!j->run->pf->hosts) {
		err_set(&j->error, ERR_FAILED, "there is no agent to run it");
		return BROKE;
	}
	j->run->containers_stale = true;
	if (!j->step->hosts.count)
		return start_again(j);
	struct start_state *st = xcalloc(1, sizeof(*st));
	struct start_state **last = &j->run->starts;
	while (*last)
		last = &(*last)->next;
	*last = st;
	st->job = j;
	j->state = st;
	return GOES_ON;
}

static enum verdict start_tick(struct job *j)
{
	struct start_state *st = j->state;
	if (!st->asked)
		ask_starts(j->run);
	return j->error.code ? BROKE : SUCCEEDED;
}

static void start_end(struct job *j)
{
	struct start_state *st = j->state;
	for (struct start_state **at = &j->run->starts; *at; at = &(*at)->next)
		if (*at == st) {
			*at = st->next;
			break;
		}
	xfree(st);
	j->state = NULL;
}

/* ---- stop, remove ---- */

static enum verdict stop_all(struct job *j, int64_t grace_ms, bool forget)
{
	struct host_state *st = j->state;
	struct hosts *h = j->run->pf->hosts;
	j->run->containers_stale = true;
	for (size_t i = 0; i < st->ids.count; i++)
		if (run_host_unit(j->run, st->ids.items[i]) &&
			h->ops->stop(h, st->ids.items[i], grace_ms, forget, &j->error))
			return BROKE;
	return st->ids.count ? GOES_ON : SUCCEEDED;
}

static enum verdict stop_start(struct job *j)
{
	struct host_state *st = host_new(j);
	if (!st)
		return BROKE;
	if (j->step->timeout_ms > 0)
		st->grace_ms = j->step->timeout_ms;
	if (j->run->hurry)
		st->grace_ms = 0;
	return stop_all(j, st->grace_ms, false);
}

static size_t still_there(struct job *j, bool any)
{
	struct host_state *st = j->state;
	size_t n = 0;
	for (size_t i = 0; i < st->ids.count; i++) {
		const struct container *c = run_host_unit(j->run, st->ids.items[i]);
		n += any ? c != NULL : has_process(c);
	}
	return n;
}

/* What was seen before it was told to end says nothing; one look after it serves all who were. */
static enum verdict await_gone(struct job *j, bool any)
{
	struct host_state *st = j->state;
	if (host_look(j, j->run->hosts_at <= st->asked_at))
		return BROKE;
	if (!still_there(j, any))
		return SUCCEEDED;
	job_await(j, "waiting for %s to stop: %lld s of %lld s",
		j->step->unit ? j->step->unit : "it", (long long)((now_ms() - j->started) / 1000),
		(long long)(st->grace_ms / 1000));
	if (now_ms() - st->asked_at < st->grace_ms + STOP_SLACK_MS)
		return GOES_ON;
	err_set(&j->error, ERR_FAILED, "it does not end, not even when killed");
	return BROKE;
}

static enum verdict stop_tick(struct job *j)
{
	return await_gone(j, false);
}

static void stop_stop(struct job *j, int times)
{
	(void)times;
	job_say(j, EV_PROGRESS, "killing", -1);
	stop_all(j, 0, j->step->kind == STEP_REMOVE);
}

static enum verdict remove_start(struct job *j)
{
	struct host_state *st = host_new(j);
	return st ? stop_all(j, j->run->hurry ? 0 : st->grace_ms, true) : BROKE;
}

static enum verdict remove_tick(struct job *j)
{
	return await_gone(j, true);
}

/* ---- reload: a signal, a command beside it, else a restart ---- */

static enum verdict restart_all(struct job *j)
{
	struct host_state *st = j->state;
	struct hosts *h = j->run->pf->hosts;
	st->restarted = true;
	st->asked_at = now_ms();
	st->before = xcalloc(st->ids.count + 1, sizeof(*st->before));
	j->run->containers_stale = true;
	for (size_t i = 0; i < st->ids.count; i++) {
		const struct container *c = run_host_unit(j->run, st->ids.items[i]);
		st->before[i] = c ? c->pid : 0;
		if (h->ops->restart(h, st->ids.items[i], &j->error))
			return BROKE;
	}
	return st->ids.count ? GOES_ON : SUCCEEDED;
}

static enum verdict signal_all(struct job *j)
{
	struct host_state *st = j->state;
	struct hosts *h = j->run->pf->hosts;
	for (size_t i = 0; i < st->ids.count; i++)
		if (h->ops->signal(h, st->ids.items[i], j->step->signal, &j->error))
			return BROKE;
	return SUCCEEDED;
}

static enum verdict command_start(struct job *j)
{
	struct host_state *st = j->state;
	struct hosts *h = j->run->pf->hosts;
	struct host_launch l;
	if (!h->ops->launched ||
		h->ops->launched(h, &j->run->arena, st->ids.items[0], &l, &j->error))
		return BROKE;
	struct strs argv = { 0 };
	for (size_t i = 0; i < j->step->argv.count; i++)
		strs_add(&j->run->arena, &argv, j->step->argv.items[i]);
	strs_add(&j->run->arena, &argv, NULL);
	st->spawn = (struct spawn){
		.argv = argv.items, .dir = j->step->dir ? j->step->dir : l.spec->dir, .env = l.env
	};
	st->child = child_start(j->run->pf->loop, &st->spawn, &j->error);
	return st->child ? GOES_ON : BROKE;
}

static enum verdict reload_start(struct job *j)
{
	struct host_state *st = host_new(j);
	if (!st)
		return BROKE;
	if (!st->ids.count)
		return SUCCEEDED;
	if (j->step->signal)
		return signal_all(j);
	return j->step->argv.count ? command_start(j) : restart_all(j);
}

/* Another process than before, or none any more: readiness says the rest. */
static bool is_restarted(struct job *j, size_t i)
{
	struct host_state *st = j->state;
	const struct container *c = run_host_unit(j->run, st->ids.items[i]);
	return !has_process(c) || (c->pid && c->pid != st->before[i]);
}

static enum verdict restart_tick(struct job *j)
{
	struct host_state *st = j->state;
	if (host_look(j, false))
		return BROKE;
	for (size_t i = 0; i < st->ids.count; i++) {
		if (is_restarted(j, i))
			continue;
		job_await(j, "waiting for %s to stop", j->step->unit ? j->step->unit : "it");
		if (now_ms() - st->asked_at < st->grace_ms + STOP_SLACK_MS)
			return GOES_ON;
		err_set(&j->error, ERR_FAILED, "it does not end");
		return BROKE;
	}
	return SUCCEEDED;
}

static enum verdict reload_tick(struct job *j)
{
	struct host_state *st = j->state;
	if (st->restarted)
		return restart_tick(j);
	if (!child_done(st->child))
		return GOES_ON;
	int status = child_status(st->child);
	child_free(st->child);
	st->child = NULL;
	if (!status)
		return SUCCEEDED;
	/* A command that fails is no reason to keep a stale dependent. */
	job_say(j, EV_NOTE, "its command failed: restarting it", -1);
	return restart_all(j);
}

static void reload_stop(struct job *j, int times)
{
	struct host_state *st = j->state;
	if (st->child)
		child_signal(st->child, times > 1 ? 9 : 15);
}

const struct step_ops ops_host_start = { start_start, start_tick, NULL, start_end };
const struct step_ops ops_host_stop = { stop_start, stop_tick, stop_stop, host_end };
const struct step_ops ops_host_remove = { remove_start, remove_tick, stop_stop, host_end };
const struct step_ops ops_host_reload = { reload_start, reload_tick, reload_stop, host_end };
