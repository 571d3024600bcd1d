/*
 * What the dashboard sees. Comes in: containers from the engine, host services and modules from the
 * agent, lines of the selected unit's log. Goes out: the dashboard's state. Nothing here waits for
 * the engine; the agent answers at once.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/agent_client.h"
#include "dash_parts.h"
#include "run/probe.h"

enum { MEET_MS = 1000, STAGES_MS = 250, TURN_MS = 120 };

/* ---- the log ---- */

/* A record as `devenv logs` shows it: its time, level, message and fields, on lines of their own.
 */
static void show_record(struct dash *d, const char *line, size_t len)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct log_style ls = { .style = { .colour = d->view.colour, .unicode = d->view.unicode },
		.no_prefix = true };
	view_log_line(&b, &ls, d->fed, 1, 0, 0, line, len);
	if (d->context->vault) /* an escape undone may have brought a value to light */
		vault_redact(d->context->vault, &b);
	for (const char *at = buf_str(&b), *nl; (nl = strchr(at, '\n')); at = nl + 1)
		dashboard_log(&d->view, false, at, (size_t)(nl - at));
}

static void on_line(void *ctx, bool error, const char *line, size_t len)
{
	struct dash *d = ctx;
	cleanup_buf struct buf clear = BUF_INIT;
	if (d->context->vault) {
		buf_add(&clear, line, len);
		vault_redact(d->context->vault, &clear);
		line = buf_str(&clear);
		len = clear.len;
	}
	if (len && *line == '{')
		show_record(d, line, len);
	else
		dashboard_log(&d->view, error, line, len);
}

static void on_skipped(void *ctx)
{
	dashboard_log_skip(&((struct dash *)ctx)->view);
}

static void feed_selected(struct dash *d)
{
	const struct dash_unit *u = dashboard_selected(&d->view);
	if (!u || streq(u->name, d->fed))
		return;
	snprintf(d->fed, sizeof(d->fed), "%s", u->name);
	dashboard_log_clear(&d->view);
	log_feed_service(d->feed, u->name);
}

/* ---- the agent ---- */

static void drop_agent(struct dash *d)
{
	loop_hook_free(d->agent_hook);
	d->agent_hook = NULL;
	control_disconnect(d->agent);
	d->agent = NULL;
	results_release(&d->results);
	arena_release(&d->agent_arena);
	d->agent_world = (struct world){ 0 };
	d->units_stale = d->modules_new = true;
}

static void on_event(struct dash *d, const struct node *event)
{
	static const char *const told[] = { "note", "config" };
	const char *name = node_text(node_get(event, "event"));
	const char *text = node_text(node_get(event, "text"));
	cleanup_buf struct buf lines = BUF_INIT;
	results_event(&d->results, event, &lines);
	d->units_stale = d->units_stale || streq(name, "unit");
	d->modules_new = true;
	for (size_t i = 0; text && i < countof(told); i++)
		if (streq(name, told[i]))
			dashboard_say(&d->view, "%.*s", (int)strcspn(text, "\n"), text);
}

static void on_agent(void *ctx)
{
	struct dash *d = ctx;
	struct node *event = NULL;
	int rc = 0;
	do {
		struct arena a = ARENA_INIT;
		rc = control_next(d->agent, &a, &event, 0);
		if (rc > 0)
			on_event(d, event);
		arena_release(&a);
	} while (rc > 0);
	if (rc < 0)
		drop_agent(d);
}

/* Its own connection: the one of the context is asked by others. */
static void meet_agent(struct dash *d)
{
	struct context *c = d->context;
	struct err ignored = ERR_INIT;
	struct style st = { .colour = d->view.colour, .unicode = d->view.unicode };
	d->agent = control_connect(control_path(&c->arena, &c->places), &ignored);
	if (!d->agent)
		return;
	if (results_begin(&d->results, c, d->agent, NULL, st, &ignored)) {
		drop_agent(d);
		return;
	}
	d->agent_hook = loop_on_readable(c->loop, control_fd(d->agent), on_agent, d);
	d->units_stale = d->modules_new = true;
	on_agent(d); /* what came while the answers were awaited */
}

/* Host units anew; an agent that does not answer is dropped, and met again when it does. */
static void look_at_units(struct dash *d)
{
	struct arena a = ARENA_INIT;
	struct err ignored = ERR_INIT;
	struct node *seen = control_ask(d->agent, &a, agent_request(&a, "look"), &ignored);
	if (!seen) {
		arena_release(&a);
		drop_agent(d);
		return;
	}
	arena_release(&d->agent_arena);
	d->agent_arena = a;
	d->agent_world = (struct world){ 0 };
	control_read_look(&d->agent_arena, seen, &d->agent_world);
}

static void name_agent(struct dash *d)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (d->agent && d->results.modules.count)
		results_switches(&d->results, &b);
	else if (d->agent)
		buf_adds(&b, "agent");
	snprintf(d->agent_words, sizeof(d->agent_words), "%s", buf_str(&b));
	d->view.agent = d->agent_words;
}

/* ---- stages ---- */

static void add_output(struct dash *d, const struct module_result *m, int k, struct buf *out)
{
	const struct stage_result *s = &m->state.stages[k];
	const char *text = s->output && s->output[0] ? s->output : buf_str(&m->output[k]);
	bool telling =
		s->state == STAGE_FAILED || s->state == STAGE_WARNED || s->state == STAGE_RUNNING;
	struct stage_text t = { .host = "" };
	cleanup_buf struct buf clear = BUF_INIT;
	if (!telling || !text[0])
		return;
	buf_adds(&clear, text);
	if (d->context->vault)
		vault_redact(d->context->vault, &clear);
	buf_addf(out, "  %s:\n", stage_name((enum stage_kind)k));
	view_stage_output(out, &t, buf_str(&clear), clear.len,
		(struct style){ .colour = d->view.colour, .unicode = d->view.unicode });
}

static void show_stages(struct dash *d)
{
	struct arena a = ARENA_INIT;
	struct module_states list = { 0 };
	struct style st = { .colour = d->view.colour, .unicode = d->view.unicode };
	cleanup_buf struct buf b = BUF_INIT;
	results_modules(&d->results, &a, &list);
	view_modules(&b, &list, clock_ms(), st);
	for (size_t i = 0; i < d->results.modules.count; i++) {
		const struct module_result *m = &d->results.modules.items[i];
		size_t before = b.len;
		buf_addf(&b, "\n%s\n", m->service);
		size_t head = b.len;
		for (int k = 0; k < STAGES; k++)
			add_output(d, m, k, &b);
		if (b.len == head)
			buf_truncate(&b, before);
	}
	dashboard_stages(&d->view, buf_str(&b), b.len);
	arena_release(&a);
}

/* ---- all of it ---- */

static void show_units(struct dash *d)
{
	struct context *c = d->context;
	struct arena a = ARENA_INIT, modules_arena = ARENA_INIT;
	struct world now = { .now = clock_ms() / 1000, .uid = c->world.uid, .gid = c->world.gid };
	struct module_states modules = { 0 };
	struct err ignored = ERR_INIT;
	probe_local(&a, &c->project, &c->places, &now, &ignored);
	sight_tell(d->sight, &a, &now);
	for (size_t i = 0; i < d->agent_world.containers.count; i++) {
		struct container *u = list_push(&a, &now.containers);
		*u = d->agent_world.containers.items[i];
		if (u->pid) /* as of now, not as of when it was asked */
			u->uptime_s = now.now - u->created;
	}
	map_release(&d->now.inputs);
	arena_release(&d->arena);
	d->arena = a;
	d->now = now;
	results_modules(&d->results, &modules_arena, &modules);
	name_agent(d);
	d->view.trouble = c->engine ? sight_trouble(d->sight) : NULL;
	dashboard_look(&d->view, &c->project, &d->now, &modules);
	arena_release(&modules_arena);
}

static void on_usage(void *ctx, const char *service, int cpu, int64_t memory)
{
	dashboard_usage(&((struct dash *)ctx)->view, service, cpu, memory);
}

void dash_world_open(struct dash *d)
{
	static const struct log_feed_ops ops = { .line = on_line, .skipped = on_skipped };
	struct context *c = d->context;
	struct err ignored = ERR_INIT;
	c->vault = c->vault ? c->vault : vault_open(&c->places, false, &ignored);
	if (c->vault)
		vault_fingerprints(c->vault, &c->arena, &c->project, &c->world);
	dash_config_open(d);
	leave_agent(c); /* another connection is made, and made again when it must be */
	d->sight = sight_new(c->engine, c->project.workspace);
	d->feed = log_feed_new(c->engine, c->places.logs, &ops, d);
	d->units_stale = true;
	dash_world_turn(d, now_ms());
}

void dash_world_turn(struct dash *d, int64_t now_ms)
{
	bool fresh = sight_turn(d->sight, now_ms);
	fresh |= dash_config_turn(d, now_ms);
	if (!d->agent && now_ms >= d->next_meet) {
		d->next_meet = now_ms + MEET_MS;
		meet_agent(d);
		fresh = true;
	} else if (d->agent && now_ms >= d->next_meet) { /* time goes on for host services, too */
		d->next_meet = now_ms + MEET_MS;
		fresh = true;
	}
	if (d->units_stale && d->agent)
		look_at_units(d);
	fresh |= d->units_stale;
	d->units_stale = false;
	if (d->modules_new && now_ms >= d->next_stages) {
		d->next_stages = now_ms + STAGES_MS;
		d->modules_new = false;
		show_stages(d);
		fresh = true;
	}
	if (fresh)
		show_units(d);
	sight_measure(d->sight, &d->now, now_ms, on_usage, d);
	dash_requests_turn(d, now_ms);
	feed_selected(d);
	log_feed_turn(d->feed, &d->now, now_ms);
}

int dash_world_timeout(const struct dash *d)
{
	(void)d;
	return TURN_MS;
}

void dash_world_close(struct dash *d)
{
	drop_agent(d);
	dash_requests_close(d);
	dash_config_close(d);
	log_feed_free(d->feed);
	sight_free(d->sight);
	map_release(&d->now.inputs);
	arena_release(&d->arena);
}
