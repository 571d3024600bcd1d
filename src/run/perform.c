/*
 * Carries a plan out: a ready queue over its graph, one thread, one loop. Comes in: a plan and what
 * it may touch. Goes out: events, the world noted into, the first error. Decides nothing: what a
 * step does is in the table of its kind.
 */
#include "run/apply.h"
#include "run/job.h"

#include <string.h>
#include <unistd.h>

enum { STEP_WAITING, STEP_RUNNING, STEP_DONE, STEP_FAILED, STEP_SKIPPED };

static enum verdict verdict_of(int rc)
{
	return rc ? BROKE : SUCCEEDED;
}

static enum verdict write_start(struct job *j)
{
	struct performer *pf = j->run->pf;
	struct applied done = { 0 };
	return verdict_of(apply_files(
		&j->run->arena, j->run->plan, pf->places, pf->vault, false, &done, &j->error));
}

static enum verdict drop_volume_start(struct job *j)
{
	return verdict_of(engine_remove_volume(j->run->pf->engine, j->step->unit, &j->error));
}

static enum verdict drop_network_start(struct job *j)
{
	return verdict_of(engine_remove_network(j->run->pf->engine, j->step->unit, &j->error));
}

static const struct step_ops ops_write = { .start = write_start };
static const struct step_ops ops_drop_volume = { .start = drop_volume_start };
static const struct step_ops ops_drop_network = { .start = drop_network_start };

static const struct step_kind_row {
	const struct step_ops *ops;
	const char *doing;           /* in front of an error: "building python" */
	const struct step_ops *host; /* about a host service; NULL: the same */
	bool engine;                 /* without one it can only be about a host service */
} kinds[] = {
	[STEP_WRITE] = { &ops_write, "writing the generated files" },
	[STEP_BUILD] = { &ops_build, "building" },
	[STEP_EXEC] = { &ops_exec, NULL },
	[STEP_START] = { &ops_start, "starting", &ops_host_start, true },
	[STEP_STOP] = { &ops_stop, "stopping", &ops_host_stop, true },
	[STEP_REMOVE] = { &ops_remove, "removing", &ops_host_remove, true },
	[STEP_READY] = { &ops_ready, NULL, NULL, true },
	[STEP_RELOAD] = { &ops_reload, "reloading", &ops_host_reload, true },
	[STEP_STAGE] = { &ops_stage, NULL, NULL, true },
	[STEP_DROP_VOLUME] = { &ops_drop_volume, "removing volume", NULL, true },
	[STEP_DROP_NETWORK] = { &ops_drop_network, "removing network", NULL, true },
};

/* Puts "building python: " in front and the place of the step behind, unless a nearer one is known.
 */
static void dress_error(struct job *j)
{
	const char *doing = kinds[j->step->kind].doing;
	if (doing)
		err_wrap(&j->error, "%s%s%s", doing, j->step->unit ? " " : "",
			j->step->unit ? j->step->unit : "");
	if (!j->error.place.file)
		j->error.place = j->step->place;
	if (!j->error.code)
		j->error.code = ERR_FAILED;
}

static bool needs(const struct step *s, const struct step *needed)
{
	for (size_t i = 0; i < s->needs.count; i++)
		if (s->needs.items[i] == needed)
			return true;
	return false;
}

/* One less to wait for, for all that need s. */
static void release_dependents(struct run *r, const struct step *s)
{
	for (size_t i = 0; i < r->plan->steps.count; i++) {
		struct step *d = r->plan->steps.items[i];
		if (d->state == STEP_WAITING && needs(d, s))
			d->waiting--;
	}
}

static void skip(struct run *r, struct step *d, const struct step *because)
{
	d->state = STEP_SKIPPED;
	run_say(r, &(struct event){
			   .kind = EV_SKIPPED, .step = d, .text = because->id, .fraction = -1 });
}

static void skip_dependents(struct run *r, const struct step *s)
{
	for (size_t i = 0; i < r->plan->steps.count; i++) {
		struct step *d = r->plan->steps.items[i];
		if (d->state != STEP_WAITING || !needs(d, s))
			continue;
		skip(r, d, s);
		skip_dependents(r, d);
	}
}

static void skip_waiting(struct run *r, const struct step *failed)
{
	for (size_t i = 0; i < r->plan->steps.count; i++)
		if (r->plan->steps.items[i]->state == STEP_WAITING)
			skip(r, r->plan->steps.items[i], failed);
}

/* A stage whose gate lets it fail. */
static bool only_warns(const struct step *s)
{
	const struct stage *stage =
		s->kind == STEP_STAGE ? service_stage(s->service, (enum stage_kind)s->stage) : NULL;
	return stage && stage->warn;
}

static void settle(struct job *j, enum verdict v)
{
	struct run *r = j->run;
	struct step *s = j->step;
	if (v == SUCCEEDED) {
		s->state = STEP_DONE;
		job_say(j, EV_DONE, "", 1);
		release_dependents(r, s);
		return;
	}
	dress_error(j);
	s->state = STEP_FAILED;
	run_say(r, &(struct event){ .kind = EV_FAILED,
			   .step = s,
			   .text = j->error.text,
			   .error = &j->error,
			   .elapsed_ms = now_ms() - j->started,
			   .fraction = -1 });
	if (r->pf->first_ends && !r->hurry && !only_warns(s))
		skip_waiting(r, s);
	if (s->soft || r->hurry) {
		release_dependents(r, s);
		return;
	}
	if (!r->failed)
		r->first = j->error;
	r->failed = true;
	skip_dependents(r, s);
}

static void job_free(struct job *j)
{
	for (struct job **p = &j->run->jobs; *p; p = &(*p)->next) {
		if (*p == j) {
			*p = j->next;
			break;
		}
	}
	if (j->step->kind == STEP_BUILD)
		j->run->builds--;
	if (j->ops->end && j->state)
		j->ops->end(j);
	buf_release(&j->scratch);
	xfree(j);
}

/* Whoever made the plan without an engine meant no step that needs one. */
static int check_engine(struct job *j)
{
	const struct step_kind_row *row = &kinds[j->step->kind];
	if (j->run->pf->engine || !row->engine || step_on_host(j->step))
		return 0;
	return err_set(&j->error, ERR_ENGINE, "no engine was asked");
}

static void begin(struct run *r, struct step *s)
{
	struct job *j = xcalloc(1, sizeof(*j));
	j->run = r;
	j->step = s;
	const struct step_kind_row *row = &kinds[s->kind];
	j->ops = s->replaces.count              ? &ops_replace
		 : row->host && step_on_host(s) ? row->host
						: row->ops;
	j->started = now_ms();
	j->next = r->jobs;
	r->jobs = j;
	s->state = STEP_RUNNING;
	if (s->kind == STEP_BUILD)
		r->builds++;
	job_say(j, EV_START, s->why ? s->why : "", -1);
	enum verdict v = check_engine(j) ? BROKE : j->ops->start(j);
	if (v == GOES_ON)
		return;
	settle(j, v);
	job_free(j);
}

static bool can_begin(const struct step *s)
{
	return s->state == STEP_WAITING && !s->waiting;
}

/* Of the builds that could begin, the one that the longest chain waits for. */
static struct step *next_build(const struct run *r)
{
	struct step *best = NULL;
	for (size_t i = 0; i < r->plan->steps.count; i++) {
		struct step *s = r->plan->steps.items[i];
		if (s->kind == STEP_BUILD && can_begin(s) && (!best || s->height > best->height))
			best = s;
	}
	return best;
}

/* Starts all that can be; true when something was. */
static bool begin_ready(struct run *r)
{
	bool any = false;
	for (size_t i = 0; i < r->plan->steps.count && !r->stopping; i++) {
		struct step *s = r->plan->steps.items[i];
		if (s->kind == STEP_BUILD || !can_begin(s))
			continue;
		begin(r, s);
		any = true;
	}
	for (struct step *s; r->builds < r->parallel && !r->stopping && (s = next_build(r));) {
		begin(r, s);
		any = true;
	}
	return any;
}

static void tick_jobs(struct run *r)
{
	if (r->readiness)
		readiness_tick(r->readiness);
	for (struct job *j = r->jobs, *next; j; j = next) {
		next = j->next;
		enum verdict v = j->ops->tick(j);
		if (v == GOES_ON)
			continue;
		settle(j, v);
		job_free(j);
	}
}

/* Is all of the plan on the way down? Then to leave in the middle would leave survivors. */
static bool goes_down(const struct plan *p)
{
	bool stops = false;
	for (size_t i = 0; i < p->steps.count; i++) {
		enum step_kind k = p->steps.items[i]->kind;
		if (k == STEP_WRITE || k == STEP_BUILD || k == STEP_START || k == STEP_READY)
			return false;
		stops |= k == STEP_STOP;
	}
	return stops;
}

/* The n-th interrupt: children are told; what only waits is abandoned. */
static void stop_jobs(struct run *r, int times)
{
	r->hurry = goes_down(r->plan) && times < 3;
	r->stopping = !r->hurry;
	for (struct job *j = r->jobs, *next; j; j = next) {
		next = j->next;
		if (j->ops->stop) {
			j->ops->stop(j, times);
			continue;
		}
		err_set(&j->error, ERR_FAILED, "interrupted");
		settle(j, BROKE);
		job_free(j);
	}
}

/* To build and to install for a service takes long, whatever it is; all else is quick. */
static unsigned weight(const struct step *s)
{
	return s->kind == STEP_BUILD || (s->kind == STEP_EXEC && s->unit) ? 8 : 1;
}

static void raise_needs(const struct step *s)
{
	for (size_t i = 0; i < s->needs.count; i++) {
		struct step *n = s->needs.items[i];
		unsigned height = s->height + weight(s);
		if (n->height >= height)
			continue;
		n->height = height;
		raise_needs(n);
	}
}

static void prepare(struct run *r)
{
	static long cpus; /* asking costs reading a file */
	cpus = cpus ? cpus : sysconf(_SC_NPROCESSORS_ONLN);
	r->parallel = r->pf->parallel > 0 ? r->pf->parallel : cpus > 0 ? (int)cpus : 1;
	for (size_t i = 0; i < r->plan->steps.count; i++) {
		struct step *s = r->plan->steps.items[i];
		s->state = STEP_WAITING;
		s->waiting = (unsigned)s->needs.count;
		s->height = 0;
	}
	for (size_t i = r->plan->steps.count; i-- > 0;)
		raise_needs(r->plan->steps.items[i]);
}

/* A plan whose graph has a circle would end here with work undone and nothing said. */
static void check_complete(const struct run *r)
{
	for (size_t i = 0; i < r->plan->steps.count && !r->stopping; i++)
		if (r->plan->steps.items[i]->state == STEP_WAITING)
			bug("step \"%s\" was never reached", r->plan->steps.items[i]->id);
}

struct performance {
	struct run run;
};

struct performance *perform_begin(struct performer *pf, struct plan *p)
{
	struct performance *x = xcalloc(1, sizeof(*x));
	x->run.pf = pf;
	x->run.plan = p;
	prepare(&x->run);
	return x;
}

bool perform_step(struct performance *x)
{
	struct run *r = &x->run;
	tick_jobs(r);
	while (begin_ready(r))
		;
	return r->jobs;
}

int perform_timeout(const struct performance *x, int max_ms)
{
	int most = x->run.starts ? 0 : x->run.polling ? HOST_LOOK_MS : 200;
	int ms = max_ms < most ? max_ms : most;
	return x->run.readiness ? readiness_timeout(x->run.readiness, ms) : ms;
}

void perform_cancel(struct performance *x, int times)
{
	stop_jobs(&x->run, times);
}

/* Who ends a performance before its steps have ended leaves none of them behind. */
static void abandon_jobs(struct run *r)
{
	while (r->jobs) {
		r->stopping = true;
		job_free(r->jobs);
	}
}

int perform_end(struct performance *x, struct err *e)
{
	struct run *r = &x->run;
	struct err ignored = ERR_INIT;
	int rc = 0;
	abandon_jobs(r);
	check_complete(r);
	readiness_free(r->readiness);
	/* The caller shows the units as they are now. */
	if (r->containers_stale && r->plan->steps.count && !r->stopping && r->plan->project)
		units_look(r->pf->engine, r->pf->hosts, r->plan->arena, r->plan->project->workspace,
			r->pf->world, &ignored);
	arena_release(&r->hosts_arena);
	arena_release(&r->arena);
	if (r->stopping)
		rc = err_set(e, ERR_FAILED, "interrupted");
	else if (r->failed)
		*e = r->first, rc = -1;
	xfree(x);
	return rc;
}

enum { LATE_AGAIN_MS = 15000 };

/* How often time was called: a second time for those who do not heed the first. */
static int called(const struct performer *pf)
{
	int64_t late = pf->until ? now_ms() - pf->until : -1;
	return late < 0 ? 0 : late < LATE_AGAIN_MS ? 1 : 2;
}

int perform(struct performer *pf, struct plan *p, struct err *e)
{
	struct performance *x = perform_begin(pf, p);
	int before = loop_interrupts(pf->loop), seen = before;
	while (perform_step(x)) {
		engine_turn(pf->engine, pf->loop, perform_timeout(x, 200));
		int now = loop_interrupts(pf->loop) + called(pf);
		if (now != seen)
			perform_cancel(x, now - before);
		seen = now;
	}
	return perform_end(x, e);
}
