/*
 * Readiness, seen from outside. Comes in: services whose containers were started. Goes out: ready,
 * or why not, at once when a container ends, restarts or turns unhealthy, with its last lines. All
 * units share one look at the engine per tick; the ways of asking are in ready_probe.c.
 */
#include "run/ready_probe.h"

#include <stdio.h>
#include <string.h>

enum {
	DEADLINE_MS = 60000,
	LOOK_FIRST_MS = 100,
	LOOK_MS = 200,
	LOOK_FAST = 5,
	STEADY_MS = 100,
	HOST_STEADY_MS = 30, /* a process on the host fails sooner than a container */
	LAST_LINES = 20,
	RESTARTS_MAX = 2,
	ABSENT_MAX = 10
};

struct readiness *readiness_new(struct performer *pf, struct arena *a, const struct project *p)
{
	struct readiness *rd = xcalloc(1, sizeof(*rd));
	rd->pf = pf;
	rd->arena = a;
	rd->project = p;
	return rd;
}

static void end_probe(struct ready_unit *u)
{
	if (u->probing && u->ops->end)
		u->ops->end(u);
	u->probing = false;
}

static void unit_free(struct ready_unit *u)
{
	end_probe(u);
	if (u->regex_ready)
		regfree(&u->regex);
	buf_release(&u->output);
	arena_release(&u->arena);
	xfree(u);
}

void readiness_free(struct readiness *rd)
{
	if (!rd)
		return;
	while (rd->units) {
		struct ready_unit *u = rd->units;
		rd->units = u->next;
		unit_free(u);
	}
	engine_call_free(rd->look);
	arena_release(&rd->looks[0]);
	arena_release(&rd->looks[1]);
	arena_release(&rd->host_arena);
	http_free(rd->http);
	xfree(rd);
}

static struct ready_unit *add_copy(
	struct readiness *rd, const struct service *s, int number, int64_t deadline_ms)
{
	struct ready_unit *u = xcalloc(1, sizeof(*u));
	u->owner = rd;
	u->service = s;
	u->number = number;
	u->host = s->where == RUN_HOST;
	u->started = now_ms();
	u->deadline_ms = deadline_ms > 0            ? deadline_ms
			 : s->check.deadline_ms > 0 ? s->check.deadline_ms
						    : DEADLINE_MS;
	u->fd = -1;
	u->ops = s->kind == KIND_JOB ? NULL
		 : u->host           ? host_probe_kinds[s->check.kind]
				     : probe_kinds[s->check.kind];
	u->verdict = GOES_ON;
	unit_awaits(u, "%s",
		s->kind == KIND_JOB ? "its end with status 0"
		: u->ops            ? "its check"
		: u->host           ? "its process to run"
				    : "its container to run");
	u->next = rd->units;
	rd->units = u;
	rd->look_count = rd->host_looks = 0;
	return u;
}

/* The engine's copies are alike and the first speaks for all; host services have ports each. */
struct ready_unit *readiness_add(
	struct readiness *rd, const struct service *s, const char *id, int64_t deadline_ms)
{
	struct ready_unit *first = NULL;
	int copies = s->where == RUN_HOST && s->replicas > 1 ? s->replicas : 1;
	for (int number = copies; number > 0; number--) {
		struct ready_unit *u = add_copy(rd, s, number, deadline_ms);
		u->sibling = first;
		u->only = id;
		first = u;
	}
	return first;
}

enum verdict ready_verdict(const struct ready_unit *first, struct err *e)
{
	enum verdict all = SUCCEEDED;
	for (const struct ready_unit *u = first; u; u = u->sibling) {
		if (u->verdict == BROKE) {
			*e = u->error;
			return BROKE;
		}
		all = u->verdict == GOES_ON ? GOES_ON : all;
	}
	return all;
}

const char *ready_awaited(const struct ready_unit *u)
{
	return u->awaited;
}

/* ---- failing, with the last lines of the log ---- */

static void on_tail(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	(void)service, (void)number, (void)s, (void)time_ns;
	tail_add(ctx, line, len);
}

static void add_log(struct ready_unit *u)
{
	struct container c = {
		.id = u->id, .name = u->name, .service = u->service->name, .number = 1
	};
	const struct container *list = &c;
	struct log_request r = { .containers = &list, .count = 1, .tail = LAST_LINES };
	if (u->host) {
		host_unit_log(u);
		return;
	}
	struct tail *t = xcalloc(1, sizeof(*t));
	struct err ignored = ERR_INIT;
	if (u->id[0] && engine_logs(u->owner->pf->engine, NULL, &r, on_tail, t, &ignored) == 0)
		tail_error(t, &u->error);
	xfree(t);
}

static void unit_failed(struct ready_unit *u)
{
	const struct service *s = u->service;
	u->verdict = BROKE;
	u->error.place =
		s->check.kind != CHECK_NONE && s->check.place.file ? s->check.place : s->place;
	end_probe(u);
	add_log(u);
}

static void late(struct ready_unit *u)
{
	char wanted[16];
	format_duration(wanted, u->deadline_ms);
	err_set(&u->error, ERR_FAILED, "%s is not ready after %s: awaited %s%s%s", u->service->name,
		wanted, u->awaited, u->last[0] ? "; last: " : "", u->last);
	unit_failed(u);
}

/* ---- what a look tells ---- */

static void note_address(struct ready_unit *u, const struct container *c)
{
	int target = u->service->check.port    ? u->service->check.port
		     : u->service->ports.count ? u->service->ports.items[0].target
					       : 0;
	snprintf(u->id, sizeof(u->id), "%s", c->id);
	snprintf(u->name, sizeof(u->name), "%s", c->name);
	snprintf(u->ip, sizeof(u->ip), "%s", c->ip ? c->ip : "");
	u->published = 0;
	for (size_t i = 0; i < c->ports.count; i++)
		if (c->ports.items[i].target == target && c->ports.items[i].published)
			u->published = c->ports.items[i].published;
}

static void note_restarts(struct ready_unit *u, const struct container *c)
{
	bool again = c->state == UNIT_RESTARTING && u->state != UNIT_RESTARTING;
	bool younger = c->state == UNIT_RUNNING && u->state == UNIT_RUNNING && c->uptime_s >= 0 &&
		       (u->host ? c->pid != u->pid : c->uptime_s < u->uptime_s);
	if (u->looks && (again || younger))
		u->restarts++;
	else if (!u->looks && again)
		u->restarts = 1;
	if (again || younger) {
		u->running_since = 0;
		end_probe(u);
	}
}

/* The engine's own count, which sees what happens between two looks. */
static int engine_restarts(struct ready_unit *u)
{
	if (u->host)
		return (int)u->restarts;
	struct arena a = ARENA_INIT;
	struct node *n = NULL;
	struct err ignored = ERR_INIT;
	int count = 0;
	if (engine_get(u->owner->pf->engine, &a, &n, &ignored, "/containers/%s/json", u->id) == 0) {
		const struct node *v = node_get(n, "RestartCount");
		count = v && v->kind == NODE_INT ? (int)v->integer : 0;
	}
	arena_release(&a);
	return count;
}

static void ended(struct ready_unit *u)
{
	char status[16];
	snprintf(status, sizeof(status), "%d", u->exit_code);
	if (u->service->kind == KIND_JOB &&
		(u->exit_code == 0 || strs_has(&u->service->success_codes, status))) {
		u->verdict = SUCCEEDED;
		return;
	}
	err_set(&u->error, ERR_FAILED, "%s ended with status %d", u->service->name, u->exit_code);
	if (u->service->kind != KIND_JOB && u->exit_code == 0)
		err_hint(&u->error, "if it is meant to run once, give it `kind: job`");
	unit_failed(u);
}

static void absent(struct ready_unit *u)
{
	if (++u->absences < ABSENT_MAX && !u->looks)
		return;
	err_set(&u->error, ERR_FAILED, u->host ? "%s was stopped" : "the container of %s is gone",
		u->service->name);
	u->id[0] = '\0';
	unit_failed(u);
}

static void fail_with(struct ready_unit *u, const char *what)
{
	err_set(&u->error, ERR_FAILED, "%s %s", u->service->name, what);
	unit_failed(u);
}

static void judge(struct ready_unit *u)
{
	switch (u->state) {
	case UNIT_EXITED:
		ended(u);
		break;
	case UNIT_DEAD:
		fail_with(u, u->note[0] ? u->note : "is dead");
		break;
	case UNIT_RESTARTING:
		if (u->restarts >= RESTARTS_MAX || engine_restarts(u) >= RESTARTS_MAX)
			fail_with(u, "restarts again and again");
		break;
	case UNIT_RUNNING:
		if (u->health == HEALTH_UNHEALTHY)
			fail_with(u, "is unhealthy, says the engine");
		else if (u->health == HEALTH_HEALTHY && u->service->kind != KIND_JOB)
			u->verdict = SUCCEEDED;
		break;
	default:
		break;
	}
}

static void see(struct ready_unit *u, const struct container *c)
{
	if (!c) {
		absent(u);
		return;
	}
	note_restarts(u, c);
	note_address(u, c);
	u->state = c->state;
	u->health = c->health;
	u->exit_code = c->exit_code;
	u->uptime_s = c->uptime_s;
	u->pid = c->pid;
	u->notified = c->notified;
	if (u->host && c->restarts > u->restarts)
		u->restarts = c->restarts;
	snprintf(u->note, sizeof(u->note), "%s", c->note ? c->note : "");
	u->looks++;
	if (c->state != UNIT_RUNNING)
		u->running_since = 0;
	else if (!u->running_since)
		u->running_since = now_ms();
	judge(u);
}

/* Running is enough: when it runs for a while, and it is still the same run. */
static void check_steady(struct ready_unit *u)
{
	if (u->service->kind == KIND_JOB || u->ops || !u->running_since ||
		u->health == HEALTH_STARTING)
		return;
	if (u->uptime_s < 1 && now_ms() - u->running_since < (u->host ? HOST_STEADY_MS : STEADY_MS))
		return;
	if (!u->host && u->uptime_s < 1 && u->service->restart_policy && engine_restarts(u) > 0)
		u->running_since = now_ms();
	else
		u->verdict = SUCCEEDED;
}

void unit_seen(struct ready_unit *u, const struct container *c)
{
	see(u, c);
	if (u->verdict == GOES_ON)
		check_steady(u);
}

static const struct container *container_of_unit(
	const struct readiness *rd, const struct ready_unit *u)
{
	for (size_t i = 0; i < rd->seen.containers.count; i++) {
		const struct container *c = &rd->seen.containers.items[i];
		bool it = u->only ? streq(c->id, u->only) : c->number == 1;
		if (!c->one_off && it && streq(c->service, u->service->name))
			return c;
	}
	return NULL;
}

void units_failed(struct readiness *rd, bool host, const struct err *e)
{
	for (struct ready_unit *u = rd->units; u; u = u->next) {
		if (u->verdict != GOES_ON || u->host != host)
			continue;
		u->error = *e;
		u->verdict = BROKE;
		end_probe(u);
	}
}

static void end_look(struct readiness *rd)
{
	struct err e = ERR_INIT;
	int next = !rd->present;
	int rc = engine_finish(rd->look, &e);
	if (!rc)
		rc = engine_read_containers(
			rd->pf->engine, &rd->looks[next], engine_answer(rd->look), &rd->seen, &e);
	engine_call_free(rd->look);
	rd->look = NULL;
	if (rc) {
		units_failed(rd, false, &e);
		return;
	}
	rd->present = next;
	for (struct ready_unit *u = rd->units; u; u = u->next) {
		/* What was asked before the unit came says nothing about it. */
		if (u->verdict == GOES_ON && !u->host && u->started <= rd->look_began)
			unit_seen(u, container_of_unit(rd, u));
	}
}

static bool anyone_waits(const struct readiness *rd, bool host)
{
	for (const struct ready_unit *u = rd->units; u; u = u->next)
		if (u->verdict == GOES_ON && u->host == host)
			return true;
	return false;
}

static int64_t next_look(const struct readiness *rd)
{
	return rd->look_began + (rd->look_count < LOOK_FAST ? LOOK_FIRST_MS : LOOK_MS);
}

static void begin_look(struct readiness *rd)
{
	struct err e = ERR_INIT;
	struct arena *a = &rd->looks[!rd->present];
	const char *workspace = rd->workspace ? rd->workspace
				: rd->project ? rd->project->workspace
					      : NULL;
	arena_release(a);
	struct engine_ask ask = { .path = engine_look_path(a, workspace) };
	rd->look_began = now_ms();
	rd->look_count++;
	rd->look = engine_begin(rd->pf->engine, &ask, &e);
	if (!rd->look)
		units_failed(rd, false, &e);
}

static void step_probe(struct ready_unit *u)
{
	int64_t now = now_ms();
	enum probe_answer ans;
	if (!u->ops || !u->running_since || (!u->probing && now < u->probe_next))
		return;
	if (!u->probing) {
		u->probing = true;
		u->probe_began = now;
		ans = u->ops->begin(u);
	} else {
		ans = u->ops->poll(u);
	}
	if (ans == PROBE_PENDING)
		return;
	end_probe(u);
	u->probe_next = now_ms() + u->ops->pause_ms;
	if (ans == PROBE_YES)
		u->verdict = SUCCEEDED;
}

void readiness_tick(struct readiness *rd)
{
	if (rd->look && engine_done(rd->look))
		end_look(rd);
	if (anyone_waits(rd, true))
		readiness_look_at_hosts(rd);
	if (rd->http)
		http_turn(rd->http, NULL, 0);
	if (!rd->look && anyone_waits(rd, false) && now_ms() >= next_look(rd))
		begin_look(rd);
	for (struct ready_unit *u = rd->units; u; u = u->next) {
		if (u->verdict == GOES_ON)
			step_probe(u);
		if (u->verdict == GOES_ON && now_ms() - u->started >= u->deadline_ms)
			late(u);
	}
}

int readiness_timeout(const struct readiness *rd, int max_ms)
{
	int64_t now = now_ms(), at = now + max_ms;
	if (anyone_waits(rd, true) && readiness_next_host_look(rd) < at)
		at = readiness_next_host_look(rd);
	if (anyone_waits(rd, false) && !rd->look && next_look(rd) < at)
		at = next_look(rd);
	for (const struct ready_unit *u = rd->units; u; u = u->next) {
		if (u->verdict != GOES_ON || !u->ops || !u->running_since)
			continue;
		/* Such an attempt is not in the engine's wait: look often while one is open. */
		bool beside = u->fd >= 0 || (u->http && rd->http);
		int64_t due = !u->probing ? u->probe_next : beside ? now + HOST_PROBE_MS : at;
		if (due < at)
			at = due;
	}
	return at > now ? (int)(at - now) : 0;
}

void ready_note(struct readiness *rd, const struct ready_unit *u)
{
	struct world *w = rd->pf->world;
	struct unit_record *rec = NULL;
	for (size_t i = 0; i < w->records.count && !rec; i++)
		if (streq(w->records.items[i].service, u->service->name))
			rec = &w->records.items[i];
	if (!rec) {
		rec = list_push(rd->arena, &w->records);
		rec->service = u->service->name;
	}
	rec->container = arena_strdup(rd->arena, u->id);
	rec->ready_at = clock_ms() / 1000;
}
