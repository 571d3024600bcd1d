/*
 * The agent's events as text. Comes in: JSON of the control socket. Goes out: lines. Keeps how each
 * module stands and what its stages wrote in the run under way.
 */
#include "cmd/results.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/agent_client.h"
#include "view/footer.h"

enum { LINKS_MAX = 2000, COMMAND_COLUMNS = 60 };

static const char *text_of(const struct node *n, const char *key)
{
	const char *text = node_text(node_get(n, key));
	return text ? text : "";
}

static bool truth(const struct node *n, const char *key)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_BOOL && v->boolean;
}

static void prefix(const struct results *r, struct buf *out, const char *name, const char *sgr)
{
	view_colour(out, r->style, sgr);
	size_t text = out->len;
	view_clean(out, name);
	size_t width = text_width(out->data + text);
	view_colour(out, r->style, "0");
	buf_pad(out, ' ', (size_t)r->width > width ? (size_t)r->width - width : 0);
	buf_adds(out, r->style.unicode ? " » " : " > ");
}

void results_say(const struct results *r, struct buf *out, const char *fmt, ...)
{
	cleanup_buf struct buf text = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_addvf(&text, fmt, ap);
	va_end(ap);
	for (const char *p = buf_str(&text); *p;) {
		size_t len = strcspn(p, "\n");
		prefix(r, out, "devenv", "1");
		text_clean(out, p, len, false);
		buf_addc(out, '\n');
		p += len + (p[len] == '\n');
	}
}

static bool wanted(const struct results *r, const char *service)
{
	return !r->services || !r->services->count || strs_has(r->services, service);
}

static struct module_result *module_of(struct results *r, const char *service)
{
	for (size_t i = 0; i < r->modules.count; i++)
		if (streq(r->modules.items[i].service, service))
			return &r->modules.items[i];
	struct module_result *m = list_push(&r->context->arena, &r->modules);
	m->service = arena_strdup(&r->context->arena, service);
	m->state.service = m->service;
	return m;
}

static void clear_outputs(struct module_result *m)
{
	for (int k = 0; k < STAGES; k++)
		buf_truncate(&m->output[k], 0);
}

static bool bad(enum stage_state s)
{
	return s == STAGE_FAILED || s == STAGE_WARNED;
}

/* The beginning of a long one is enough to know it again. */
static void add_command(struct buf *out, const char *command)
{
	cleanup_buf struct buf clean = BUF_INIT;
	size_t first = command ? strcspn(command, "\n") : 0;
	if (!first)
		return;
	text_clean(&clean, command, first, false);
	bool whole = !command[first] && text_width(buf_str(&clean)) <= COMMAND_COLUMNS;
	buf_adds(out, ": ");
	text_cut(out, buf_str(&clean), COMMAND_COLUMNS);
	buf_adds(out, whole ? "" : " ...");
}

static void show_failure(
	struct results *r, struct module_result *m, enum stage_kind k, struct buf *out)
{
	const struct stage_result *s = &m->state.stages[k];
	struct link_scope scope = { &r->context->project,
		project_service(&r->context->project, m->service), LINKS_MAX };
	struct stage_text t = { .host = r->host, .link = link_to_file, .ctx = &scope };
	cleanup_buf struct buf text = BUF_INIT;
	buf_adds(&text, s->output && s->output[0] ? s->output : buf_str(&m->output[k]));
	if (r->context->vault)
		vault_redact(r->context->vault, &text);
	bool failed = s->state == STAGE_FAILED;
	prefix(r, out, m->service, failed ? "31" : "33");
	buf_addf(out, "%s %s", stage_name(k), failed ? "FAILED" : "warned");
	if (s->status > 0)
		buf_addf(out, " (status %d)", s->status);
	add_command(out, s->command);
	buf_addc(out, '\n');
	view_stage_output(out, &t, buf_str(&text), text.len, r->style);
}

static void show_line(struct results *r, const struct module_result *m, struct buf *out)
{
	prefix(r, out, m->service, "1");
	view_module_line(out, &m->state, r->style);
	buf_addc(out, '\n');
}

static void note_module(struct results *r, const struct node *n, struct buf *out)
{
	const char *service = node_text(node_get(n, "service"));
	if (!service || !wanted(r, service))
		return;
	struct module_result *m = module_of(r, service);
	struct arena old = m->arena;
	struct module_state before = m->state;
	m->arena = (struct arena)ARENA_INIT;
	m->state = (struct module_state){ 0 };
	/* Events may come and go: the values must not hang on them. */
	module_from_node(&m->arena, node_deep(&m->arena, n), &m->state);
	m->state.service = m->service;
	if (m->state.runs != before.runs)
		clear_outputs(m);
	for (int k = 0; k < STAGES && out; k++) {
		if (!bad(m->state.stages[k].state) || m->shown[k] == m->state.runs + 1)
			continue;
		m->shown[k] = m->state.runs + 1;
		show_failure(r, m, (enum stage_kind)k, out);
	}
	bool ended = !m->state.running && (before.running || m->state.runs != before.runs);
	bool turned = m->state.suspended != before.suspended;
	if (out && (ended || turned))
		show_line(r, m, out);
	for (int k = 0; k < STAGES && !out; k++)
		m->shown[k] = m->state.runs + 1;
	arena_release(&old);
}

static void note_output(struct results *r, const struct node *e)
{
	const char *service = text_of(e, "service"), *stage = text_of(e, "stage");
	const char *text = text_of(e, "text");
	if (!service[0] || !wanted(r, service))
		return;
	struct module_result *m = module_of(r, service);
	for (int k = 0; k < STAGES; k++) {
		struct buf *b = &m->output[k];
		if (!streq(stage, stage_name((enum stage_kind)k)))
			continue;
		if (b->len > STAGE_OUTPUT_MAX) {
			const char *half = memchr(b->data + b->len / 2, '\n', b->len - b->len / 2);
			buf_consume(b, half ? (size_t)(half + 1 - b->data) : b->len);
		}
		buf_adds(b, text);
		if (!buf_ends_with(b, "\n"))
			buf_addc(b, '\n');
	}
}

/* Keys are kept: a service that is restarted all day takes no more memory. */
static void set_down(struct results *r, const char *id, bool down)
{
	const char *key = map_has(&r->down, id) ? id : arena_strdup(&r->context->arena, id);
	map_set(&r->down, key, down ? r : NULL);
}

/* One that ended, or ends again and again; and that it is back when it was said to have ended. */
static bool is_news(struct results *r, const struct container *u)
{
	bool ended = u->state == UNIT_EXITED || u->state == UNIT_DEAD;
	if (u->state == UNIT_RESTARTING)
		return u->note && !streq(u->note, unit_state_name(u->state));
	if (ended)
		set_down(r, u->id, true);
	if (ended || u->state != UNIT_RUNNING || !map_get(&r->down, u->id))
		return ended;
	set_down(r, u->id, false);
	return true;
}

static void add_unit(struct buf *line, const struct container *u)
{
	if (u->state == UNIT_RUNNING) {
		buf_adds(line, "running again");
		return;
	}
	if (u->state == UNIT_EXITED && streq(u->note, "stopped")) {
		buf_adds(line, u->note);
		return;
	}
	buf_adds(line, unit_state_name(u->state));
	if (u->exit_code)
		buf_addf(line, " (status %d)", u->exit_code);
	if (u->note) {
		buf_adds(line, ": ");
		view_clean(line, u->note);
	}
}

static void note_unit(struct results *r, const struct node *n, struct buf *out)
{
	struct arena a = ARENA_INIT;
	struct container u = { 0 };
	cleanup_buf struct buf line = BUF_INIT;
	unit_from_node(&a, n, &u);
	if (u.service && u.id && r->units && is_news(r, &u)) {
		prefix(r, &line, u.service, "33");
		add_unit(&line, &u);
		buf_addc(&line, '\n');
	}
	if (!streq(r->told, buf_str(&line)))
		buf_add(out, buf_str(&line), line.len);
	snprintf(r->told, sizeof(r->told), "%s", buf_str(&line));
	arena_release(&a);
}

static void note_switches(struct results *r, const struct node *n, struct buf *out)
{
	bool watch = truth(n, "watch"), lint = truth(n, "lint"), test = truth(n, "test");
	bool other = watch != r->watch || lint != r->lint || test != r->test;
	r->watch = watch;
	r->lint = lint;
	r->test = test;
	if (!out || !other)
		return;
	cleanup_buf struct buf text = BUF_INIT;
	results_switches(r, &text);
	results_say(r, out, "%s", buf_str(&text));
}

void results_switches(const struct results *r, struct buf *out)
{
	buf_addf(out, "watch %s  lint %s  test %s", r->watch ? "on" : "off", r->lint ? "on" : "off",
		r->test ? "on" : "off");
}

static void on_unit(struct results *r, const struct node *e, struct buf *out)
{
	note_unit(r, node_get(e, "unit"), out);
}

static void on_module(struct results *r, const struct node *e, struct buf *out)
{
	note_module(r, node_get(e, "module"), out);
}

static void on_output(struct results *r, const struct node *e, struct buf *out)
{
	(void)out;
	note_output(r, e);
}

static void on_note(struct results *r, const struct node *e, struct buf *out)
{
	results_say(r, out, "%s", text_of(e, "text"));
}

static void on_config(struct results *r, const struct node *e, struct buf *out)
{
	const char *text = text_of(e, "text");
	if (truth(e, "ok"))
		results_say(r, out, "%s", text[0] ? text : "the new configuration is applied");
	else
		results_say(r, out, "the configuration stays as it was:\n%s", text);
}

static void on_dropped(struct results *r, const struct node *e, struct buf *out)
{
	const struct node *count = node_get(e, "count");
	results_say(r, out, "%lld lines dropped: they came faster than they could be shown",
		count && count->kind == NODE_INT ? (long long)count->integer : 0);
}

static void on_bye(struct results *r, const struct node *e, struct buf *out)
{
	const char *why = text_of(e, "why");
	r->ended = true;
	results_say(r, out, "the agent has ended%s%s", why[0] ? ": " : "", why);
}

static const struct {
	const char *event;
	void (*note)(struct results *r, const struct node *e, struct buf *out);
} events[] = {
	{ "unit", on_unit },
	{ "module", on_module },
	{ "output", on_output },
	{ "note", on_note },
	{ "config", on_config },
	{ "switches", note_switches },
	{ "dropped", on_dropped },
	{ "bye", on_bye },
};

void results_event(struct results *r, const struct node *event, struct buf *out)
{
	const char *name = text_of(event, "event");
	for (size_t i = 0; i < countof(events); i++)
		if (streq(events[i].event, name))
			events[i].note(r, event, out);
}

int results_begin(struct results *r, struct context *c, struct control_client *agent,
	const struct strs *services, struct style st, struct err *e)
{
	struct arena a = ARENA_INIT;
	const struct node *item = NULL;
	*r = (struct results){ .context = c, .style = st, .services = services, .width = 6 };
	if (gethostname(r->host, sizeof(r->host) - 1))
		r->host[0] = '\0';
	for (size_t i = 0; i < c->project.services.count; i++) {
		int width = (int)text_width(c->project.services.items[i].name);
		r->width = width > r->width ? width : r->width;
	}
	if (!agent)
		return 0;
	/* First to be told, then to ask: nothing falls between. */
	bool told = control_ask(agent, &a, agent_request(&a, "follow"), e);
	const struct node *now = told ? control_ask(agent, &a, agent_request(&a, "look"), e) : NULL;
	if (now)
		note_switches(r, now, NULL);
	node_each_item(node_get(now, "modules"), i, item) note_module(r, item, NULL);
	arena_release(&a);
	return now ? 0 : -1;
}

void results_modules(const struct results *r, struct arena *a, struct module_states *out)
{
	for (size_t i = 0; i < r->modules.count; i++)
		*list_push(a, out) = r->modules.items[i].state;
}

void results_release(struct results *r)
{
	for (size_t i = 0; i < r->modules.count; i++) {
		arena_release(&r->modules.items[i].arena);
		for (int k = 0; k < STAGES; k++)
			buf_release(&r->modules.items[i].output[k]);
	}
	r->modules.count = 0;
	map_release(&r->down);
}
