/*
 * The develop loop: what was saved and asked for in, runs of stages out. The decisions are
 * planner/develop.c's, the steps planner/stages.c's; here they meet the watcher, the clock and the
 * performer. Prints nothing: what happens goes to its ops.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/develop_parts.h"

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void develop_note(struct develop_loop *d, const char *fmt, ...)
{
	struct arena a = ARENA_INIT;
	va_list ap;
	va_start(ap, fmt);
	d->ops->note(d->ctx, arena_vprintf(&a, fmt, ap));
	va_end(ap);
	arena_release(&a);
}

void module_tell(struct module *m)
{
	m->state.cause = m->cause.len ? m->cause.data : NULL;
	m->state.why = m->why.len ? m->why.data : NULL;
	for (int k = 0; k < STAGES; k++)
		m->state.stages[k].output = m->output[k].len ? m->output[k].data : NULL;
	m->loop->ops->module(m->loop->ctx, &m->state);
}

void module_why(struct module *m, const char *fmt, ...)
{
	va_list ap;
	buf_truncate(&m->why, 0);
	va_start(ap, fmt);
	buf_addvf(&m->why, fmt, ap);
	va_end(ap);
}

/* ---- which stages there are, and which are switched on ---- */

static bool has_stage(const struct service *s, enum stage_kind k)
{
	return k == STAGE_SUCCESS ? s->develop->success != SUCCESS_NONE
				  : service_stage(s, k) != NULL;
}

static bool is_on(const struct develop_loop *d, enum stage_kind k)
{
	return k == STAGE_LINT ? d->on.lint : k == STAGE_TEST ? d->on.test : true;
}

unsigned module_stages(const struct module *m)
{
	unsigned bits = 0;
	for (enum stage_kind k = 0; k < STAGES; k++)
		bits |= has_stage(m->service, k) && is_on(m->loop, k) ? 1U << k : 0;
	return bits;
}

static const char *command_of(struct arena *a, const struct service *s, enum stage_kind k)
{
	static const char *const words[] = {
		[SUCCESS_RESTART] = "restart",
		[SUCCESS_SIGNAL] = "signal:",
		[SUCCESS_EXEC] = "exec: ",
		[SUCCESS_NONE] = "none",
	};
	const struct develop *dev = s->develop;
	const struct stage *stage = service_stage(s, k);
	if (k == STAGE_SUCCESS)
		return arena_printf(
			a, "%s%s", words[dev->success], dev->success_arg ? dev->success_arg : "");
	return stage ? stage->command : NULL;
}

/* States of stages that say nothing of a run. */
static void rest(struct module *m)
{
	for (enum stage_kind k = 0; k < STAGES; k++) {
		struct stage_result *r = &m->state.stages[k];
		bool idle = r->state == STAGE_OFF || r->state == STAGE_ABSENT;
		if (!has_stage(m->service, k))
			r->state = STAGE_ABSENT;
		else if (!is_on(m->loop, k))
			r->state = STAGE_OFF;
		else if (idle)
			r->state = STAGE_IDLE;
	}
}

/* ---- modules and groups ---- */

static bool held_back(const struct develop_loop *d, const struct service *s)
{
	const struct strs *up = &d->c->project.up.services;
	if (up->count)
		return !strs_has(up, s->name);
	for (size_t i = 0; i < s->profiles.count; i++)
		if (strs_has(&d->c->g.profiles, s->profiles.items[i]))
			return false;
	return s->profiles.count > 0;
}

/* The named services or the default set, and all that they need. */
static bool *choose(struct develop_loop *d, const struct strs *named)
{
	const struct project *p = &d->c->project;
	bool *in = arena_array(&d->arena, bool, p->services.count + 1);
	for (size_t i = p->services.count; i-- > 0;) {
		const struct service *s = &p->services.items[i];
		in[i] |= named && named->count ? strs_has(named, s->name) : !held_back(d, s);
		for (size_t k = 0; in[i] && k < s->needs.count; k++)
			in[s->needs.items[k].service - p->services.items] = true;
	}
	return in;
}

static void add_module(struct develop_loop *d, const struct service *s)
{
	struct module *m = &d->modules[d->count++];
	*m = (struct module){ .loop = d, .service = s, .lock.fd = -1 };
	m->state.service = s->name;
	for (enum stage_kind k = 0; k < STAGES; k++) {
		const struct stage *stage = service_stage(s, k);
		m->state.stages[k].command = command_of(&d->arena, s, k);
		m->state.stages[k].place = stage ? stage->place : s->develop->success_place;
	}
	rest(m);
}

static void join_group(struct develop_loop *d, struct module *m)
{
	struct group *g = NULL;
	each_module(d, other)
	{
		if (other == m)
			break;
		if (!stages_shared(m->service, other->service))
			continue;
		struct group *old = other->group;
		each_module(d, any) any->group = g && any->group == old ? g : any->group;
		g = g ? g : old;
	}
	m->group = g ? g : &d->groups[m - d->modules];
}

static void find_modules(struct develop_loop *d, const struct strs *named)
{
	const struct project *p = &d->c->project;
	const bool *in = choose(d, named);
	d->modules = arena_array(&d->arena, struct module, p->services.count + 1);
	for (size_t i = 0; i < p->services.count; i++)
		if (in[i] && p->services.items[i].develop)
			add_module(d, &p->services.items[i]);
	d->groups = arena_array(&d->arena, struct group, d->count + 1);
	for (size_t i = 0; i < d->count; i++)
		d->groups[i].loop = d;
	each_module(d, m) join_group(d, m);
}

static size_t members(const struct group *g)
{
	size_t n = 0;
	each_module(g->loop, m) n += m->group == g;
	return n;
}

/* ---- what the decisions ask for ---- */

static void suspend(struct group *g)
{
	each_module(g->loop, m)
	{
		if (m->group != g || !m->dirty)
			continue;
		const char *stage =
			m->next_stage < 0 ? "run" : stage_name((enum stage_kind)m->next_stage);
		m->state.suspended = true;
		m->dirty = false;
		module_why(m, "its own %s changes %s%s; suspended until somebody saves something",
			stage, buf_str(&m->next_cause), m->next_more ? " and more" : "");
		develop_note(g->loop,
			"%s runs again and again, because its own %s changes %s; it is suspended "
			"(`ignore:` of develop.watch, or .gitignore, leaves that out)",
			m->service->name, stage, buf_str(&m->next_cause));
		buf_truncate(&m->next_cause, 0);
		m->next_more = 0;
		module_tell(m);
	}
}

void develop_act(struct group *g, enum turn_do what)
{
	if (what == TURN_SUSPEND)
		suspend(g);
	if (what == TURN_BEGIN)
		g->due = now_ms() + (members(g) > 1 ? TOGETHER_MS : 0);
	if (what == TURN_CANCEL && g->run)
		run_cancel(g);
	else if (what == TURN_CANCEL) { /* it had not begun yet */
		g->due = 0;
		develop_act(g, turn_ended(&g->turn, now_ns()));
	}
}

/* When the turn wants to be asked again. What is gathered now comes to it by itself; 0: never. */
static int64_t tick_ms(const struct group *g)
{
	int64_t due = turn_due(&g->turn);
	each_module(g->loop, m)
	{
		if (m->group == g && m->watch && watch_gathers(m->watch))
			return 0;
	}
	return due ? (due + 999999) / 1000000 : 0;
}

static void group_turn(struct group *g)
{
	int64_t now = now_ms(), tick = tick_ms(g);
	if (tick && now >= tick)
		develop_act(g, turn_tick(&g->turn, now_ns()));
	if (g->due && now >= g->due) {
		g->due = 0;
		run_begin(g);
	}
	if (g->run)
		run_turn(g);
}

void develop_turn(struct develop_loop *d)
{
	for (size_t i = 0; i < d->count; i++)
		group_turn(&d->groups[i]);
	seen_turn(d);
}

static int sooner(int ms, int64_t at)
{
	int64_t left = at - now_ms();
	return left < 0 ? 0 : left < ms ? (int)left : ms;
}

int develop_timeout(const struct develop_loop *d, int max_ms)
{
	int ms = d->seen.retry ? sooner(max_ms, d->seen.retry) : max_ms;
	for (size_t i = 0; i < d->count; i++) {
		const struct group *g = &d->groups[i];
		int64_t tick = tick_ms(g);
		if (g->due)
			ms = sooner(ms, g->due);
		if (tick)
			ms = sooner(ms, tick);
		if (g->run && g->run->performance)
			ms = perform_timeout(g->run->performance, ms);
		else if (g->run && g->retry)
			ms = sooner(ms, g->retry);
	}
	return ms;
}

/* ---- doors ---- */

static int open_world(struct develop_loop *d, struct err *e)
{
	struct context *c = d->c;
	bool containers = false, secrets = c->project.secrets.count > 0;
	each_module(d, m) containers |= m->service->where == RUN_CONTAINER;
	if (containers && !c->engine)
		c->engine = engine_open(e);
	if (containers && !c->engine)
		return -1;
	if (containers)
		stages_end_left(c->engine, &c->places);
	struct err ignored = ERR_INIT;
	if (secrets && !c->vault)
		c->vault = vault_open(&c->places, false, &ignored);
	return 0;
}

struct develop_loop *develop_new(struct context *c, struct hosts *hosts,
	const struct strs *services, struct develop_switches on, const struct develop_ops *ops,
	void *ctx, struct err *e)
{
	struct develop_loop *d = xcalloc(1, sizeof(*d));
	d->c = c;
	d->hosts = hosts;
	d->ops = ops;
	d->ctx = ctx;
	d->on = on;
	find_modules(d, services);
	if (open_world(d, e) || watch_all(d, e)) {
		develop_free(d);
		return NULL;
	}
	return d;
}

void develop_free(struct develop_loop *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->count; i++)
		run_free(&d->groups[i]);
	seen_free(d);
	watch_none(d);
	each_module(d, m)
	{
		buf_release(&m->cause);
		buf_release(&m->next_cause);
		buf_release(&m->why);
		for (int k = 0; k < STAGES; k++)
			buf_release(&m->output[k]);
	}
	arena_release(&d->arena);
	xfree(d);
}

struct develop_switches develop_switches(const struct develop_loop *d)
{
	return d->on;
}

/* What was saved while nobody watched is run as soon as somebody does. */
static void catch_up(struct module *m)
{
	int64_t now = now_ns();
	struct turn_change c = { .first_ns = now, .last_ns = now };
	if (m->dirty && m->unseen) {
		m->unseen = false;
		develop_act(m->group, turn_changed(&m->group->turn, &c, c.last_ns));
	}
}

void develop_set(struct develop_loop *d, struct develop_switches on)
{
	d->on = on;
	each_module(d, m)
	{
		if (!m->state.running)
			rest(m);
		if (on.watch)
			catch_up(m);
		module_tell(m);
	}
}

static void ask_module(struct module *m, unsigned stages)
{
	m->asked |= stages ? stages : module_stages(m);
	m->dirty = true;
	m->unseen = false;
	if (!m->next_cause.len)
		buf_adds(&m->next_cause, "asked");
	m->state.suspended = false;
	develop_act(m->group, turn_asked(&m->group->turn, now_ns()));
}

int develop_ask(struct develop_loop *d, const char *service, unsigned stages, struct err *e)
{
	bool any = false;
	each_module(d, m)
	{
		if (service && !streq(service, m->service->name))
			continue;
		ask_module(m, stages);
		any = true;
	}
	if (any || !service)
		return 0;
	return err_set(e, ERR_USAGE, "%s is not a module that is watched here", service);
}

void develop_settled(struct develop_loop *d, bool ok)
{
	d->applying = false;
	if (!ok)
		inputs_unknown(d);
	for (size_t i = 0; i < d->count; i++)
		develop_act(&d->groups[i], turn_hold(&d->groups[i].turn, false, now_ns()));
}

bool develop_busy(const struct develop_loop *d)
{
	bool busy = d->applying;
	for (size_t i = 0; i < d->count; i++)
		busy |= d->groups[i].turn.phase != TURN_IDLE || d->groups[i].turn.pending;
	return busy;
}

static void copy_texts(struct arena *a, struct module_state *s)
{
	s->cause = arena_strdup(a, s->cause);
	s->why = arena_strdup(a, s->why);
	for (int k = 0; k < STAGES; k++)
		s->stages[k].output = arena_strdup(a, s->stages[k].output);
}

void develop_modules(const struct develop_loop *d, struct arena *a, struct module_states *out)
{
	each_module(d, m)
	{
		struct module_state *s = list_push(a, out);
		*s = m->state;
		for (int k = 0; k < STAGES; k++) {
			s->stages[k].output = m->output[k].len ? m->output[k].data : NULL;
			if (s->stages[k].state == STAGE_RUNNING)
				s->stages[k].duration_ms = now_ms() - m->began[k];
		}
		s->cause = m->cause.len ? m->cause.data : NULL;
		s->why = m->why.len ? m->why.data : NULL;
		copy_texts(a, s);
	}
}

/* ---- a newer configuration ---- */

static struct module *module_named(struct develop_loop *d, const char *name)
{
	each_module(d, m)
	{
		if (streq(m->service->name, name))
			return m;
	}
	return NULL;
}

static void inherit_results(struct module *m, const struct module *old)
{
	m->state.cause = NULL;
	m->state.runs = old->state.runs;
	m->state.more = old->state.more;
	m->state.began_ms = old->state.began_ms;
	m->state.took_ms = old->state.took_ms;
	buf_adds(&m->cause, buf_str(&old->cause));
	for (int k = 0; k < STAGES; k++) {
		struct stage_result *to = &m->state.stages[k];
		const struct stage_result *from = &old->state.stages[k];
		bool done = from->state >= STAGE_PASSED;
		if (!done || to->state != STAGE_IDLE || !streq(to->command, from->command))
			continue;
		to->state = from->state;
		to->status = from->status;
		to->duration_ms = from->duration_ms;
		buf_add(&m->output[k], buf_str(&old->output[k]), old->output[k].len);
	}
}

/* A run that the old one had under way is begun anew. */
static void inherit_changes(struct module *m, const struct module *old)
{
	bool under_way = old->taking_part && old->group->turn.phase != TURN_IDLE;
	if (!old->dirty && !under_way)
		return;
	m->dirty = m->unseen = true;
	m->asked = old->asked;
	m->next_more = old->next_more;
	buf_adds(&m->next_cause, old->next_cause.len ? old->next_cause.data : buf_str(&old->cause));
}

void develop_take_over(struct develop_loop *d, struct develop_loop *old)
{
	d->applying = old->applying;
	for (size_t i = 0; i < d->count && d->applying; i++)
		turn_hold(&d->groups[i].turn, true, now_ns());
	each_module(d, m)
	{
		const struct module *was = module_named(old, m->service->name);
		if (!was)
			continue;
		inherit_results(m, was);
		inherit_changes(m, was);
		if (d->on.watch || m->asked)
			catch_up(m);
	}
}
