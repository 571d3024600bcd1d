/*
 * The dashboard's state. Comes in: the nouns as they are now, samples, lines, the time. Goes out: a
 * dashboard that is to be drawn anew. Keys are dashboard_keys.c's, the picture dashboard_draw.c's.
 */
#include "view/dashboard.h"

#include <stdio.h>
#include <string.h>

#include "dashboard_parts.h"

enum { MESSAGE_MS = 6000, SAMPLED_MS = 2000 };

void dashboard_init(struct dashboard *d, int width, int height)
{
	*d = (struct dashboard){ .width = width, .height = height, .dirty = true };
	for (int i = 0; i < DASH_PANES; i++)
		d->panes[i].found = d->panes[i].end = UINT64_MAX;
	d->panes[DASH_LOGS].tails = d->panes[DASH_LOGS].follow = true;
	d->panes[DASH_OUTPUT].tails = d->panes[DASH_OUTPUT].follow = true;
	d->panes[DASH_LOGS].wrap = d->panes[DASH_OUTPUT].wrap = true;
	d->panes[DASH_HELP].wrap = d->panes[DASH_STAGES].wrap = true;
}

void dashboard_release(struct dashboard *d)
{
	for (int i = 0; i < DASH_PANES; i++)
		pane_release(&d->panes[i]);
	for (size_t i = 0; i < d->histories.count; i++) {
		xfree((void *)(uintptr_t)d->histories.entries[i].key);
		xfree(d->histories.entries[i].value);
	}
	map_release(&d->histories);
	xfree(d->selected);
	buf_release(&d->typed);
	arena_release(&d->arena);
	arena_release(&d->intent_arena);
}

/* ---- units ---- */

static struct dash_history *history_of(struct dashboard *d, const char *name)
{
	struct dash_history *h = map_get(&d->histories, name);
	if (!h) {
		h = xcalloc(1, sizeof(*h));
		map_set(&d->histories, xstrdup(name), h);
	}
	return h;
}

static const char *clean(struct arena *a, const char *s)
{
	cleanup_buf struct buf b = BUF_INIT;
	view_clean(&b, s ? s : "");
	return arena_strndup(a, buf_str(&b), b.len);
}

static const char *url_of(struct arena *a, const struct project *p, const char *service)
{
	for (size_t i = 0; i < p->routes.count; i++) {
		const struct route *r = &p->routes.items[i];
		if (streq(r->to_name, service) || streq(r->via_name, service))
			return arena_printf(a, "https://%s%s", r->host, r->path);
	}
	return NULL;
}

static const char *note_of(struct arena *a, const struct service *s, const struct container *k)
{
	if (!s)
		return "no longer configured";
	if (!k)
		return s->left_out ? "cannot run on the host" : "";
	if (k->note)
		return clean(a, k->note);
	if (k->state == UNIT_EXITED && (k->exit_code || s->kind != KIND_JOB))
		return arena_printf(a, "exit status %d", k->exit_code);
	return "";
}

static const char *marks_of(
	struct dashboard *d, const struct module_states *modules, const char *name)
{
	cleanup_buf struct buf b = BUF_INIT;
	for (size_t i = 0; modules && i < modules->count; i++)
		if (streq(modules->items[i].service, name))
			view_module_marks(
				&b, &modules->items[i], (struct style){ .unicode = d->unicode });
	/* The name is a column of its own. */
	const char *space = strchr(buf_str(&b), ' ');
	d->any_marks = d->any_marks || b.len;
	return arena_strdup(&d->arena, space ? space + 1 : "");
}

static void add_unit(struct dashboard *d, const struct project *p, const struct world *w,
	const struct module_states *modules, const struct service *s, const struct container *k)
{
	struct arena *a = &d->arena;
	const char *name = s ? s->name : k->service;
	struct dash_unit u = {
		.name = clean(a, name),
		.word = s ? view_unit_word(s, w) : unit_state_name(k->state),
		.note = note_of(a, s, k),
		.ports = view_ports(a, k, false),
		.url = url_of(a, p, name),
		.marks = marks_of(d, modules, name),
		.uptime_s = k && k->state == UNIT_RUNNING ? k->uptime_s : -1,
		.restarts = k ? k->restarts : 0,
		.orphan = !s,
		.history = history_of(d, name),
	};
	*list_push(a, &d->units) = u;
}

static void add_units(struct dashboard *d, const struct project *p, const struct world *w,
	const struct module_states *modules)
{
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		const struct container *k = world_container(w, s->name);
		if (k || !s->profiles.count)
			add_unit(d, p, w, modules, s, k);
	}
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *k = &w->containers.items[i];
		if (!k->one_off && k->number == 1 && !project_service(p, k->service))
			add_unit(d, p, w, modules, NULL, k);
	}
}

static void draw_graph(struct dashboard *d, const struct project *p)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	view_graph(&b, &a, p, GRAPH_ASCII,
		(struct style){ .colour = d->colour, .unicode = d->unicode });
	pane_text(&d->panes[DASH_GRAPH], buf_str(&b), b.len);
	arena_release(&a);
}

void dashboard_look(struct dashboard *d, const struct project *p, const struct world *w,
	const struct module_states *modules)
{
	arena_release(&d->arena);
	d->units.items = NULL;
	d->units.count = d->units.cap = 0;
	d->any_marks = false;
	d->project = p->name;
	add_units(d, p, w, modules);
	draw_graph(d, p);
	d->dirty = true;
	if (d->units.count && !dashboard_selected(d))
		dashboard_choose(d, d->units.items[0].name);
}

const struct dash_unit *dashboard_selected(const struct dashboard *d)
{
	for (size_t i = 0; i < d->units.count; i++)
		if (streq(d->units.items[i].name, d->selected))
			return &d->units.items[i];
	return NULL;
}

size_t dashboard_index(const struct dashboard *d)
{
	const struct dash_unit *u = dashboard_selected(d);
	return u ? (size_t)(u - d->units.items) : 0;
}

void dashboard_choose(struct dashboard *d, const char *name)
{
	char *copy = xstrdup(name);
	xfree(d->selected);
	d->selected = copy;
	d->dirty = true;
}

void dashboard_usage(struct dashboard *d, const char *service, int cpu, int64_t memory)
{
	struct dash_history *h = history_of(d, service);
	h->cpu[h->at] = cpu;
	h->memory[h->at] = memory;
	h->at = (h->at + 1) % DASH_SAMPLES;
	h->count += h->count < DASH_SAMPLES;
	d->dirty = true;
}

void dashboard_requests(struct dashboard *d, const char *service, int a_second)
{
	struct dash_history *h = history_of(d, service);
	h->requests[h->request_at] = a_second;
	h->request_at = (h->request_at + 1) % DASH_SAMPLES;
	h->request_count += h->request_count < DASH_SAMPLES;
	d->dirty = true;
}

/* ---- lines ---- */

/* What is too long to be read on a screen is cut. */
static void add_line(struct dash_pane *p, const char *before, const char *line, size_t len)
{
	cleanup_buf struct buf b = BUF_INIT;
	size_t cut = len;
	while (cut > DASH_LINE_MAX ||
		(cut < len && cut && ((unsigned char)line[cut] & 0xc0) == 0x80))
		cut = cut > DASH_LINE_MAX ? DASH_LINE_MAX : cut - 1;
	buf_adds(&b, before);
	text_clean(&b, line, cut, true);
	if (cut < len)
		buf_addf(&b, " ... %zu more bytes", len - cut);
	for (char *nl = b.data; nl && (nl = strpbrk(nl, "\r\n"));)
		*nl = ' ';
	pane_add(p, buf_str(&b), b.len);
}

void dashboard_log(struct dashboard *d, bool error, const char *line, size_t len)
{
	/* Carriage returns at the end are those of programs that believe in a terminal. */
	while (len && line[len - 1] == '\r')
		len--;
	add_line(&d->panes[DASH_LOGS], error && d->colour ? "\033[33m" : "", line, len);
	d->dirty = true;
}

void dashboard_log_clear(struct dashboard *d)
{
	pane_clear(&d->panes[DASH_LOGS]);
	d->sampled_until = 0;
	d->dirty = true;
}

void dashboard_log_skip(struct dashboard *d)
{
	static const char text[] =
		"... more was written than can be shown; `devenv logs` has it all";
	d->sampled_until = d->now_ms + SAMPLED_MS;
	add_line(&d->panes[DASH_LOGS], d->colour ? "\033[2m" : "", text, strlen(text));
	d->dirty = true;
}

void dashboard_stages(struct dashboard *d, const char *text, size_t len)
{
	pane_text(&d->panes[DASH_STAGES], text, len);
	d->dirty = true;
}

void dashboard_run(struct dashboard *d, const char *title)
{
	pane_clear(&d->panes[DASH_OUTPUT]);
	cleanup_buf struct buf b = BUF_INIT;
	view_clean(&b, title);
	snprintf(d->output_title, sizeof(d->output_title), "%s", buf_str(&b));
	d->running = true;
	d->pane = DASH_OUTPUT;
	add_line(&d->panes[DASH_OUTPUT], "$ ", title, strlen(title));
	d->dirty = true;
}

void dashboard_output(struct dashboard *d, const char *line, size_t len)
{
	add_line(&d->panes[DASH_OUTPUT], "", line, len);
	d->dirty = true;
}

void dashboard_ran(struct dashboard *d, int status)
{
	d->running = false;
	if (status)
		dashboard_say(d, "%s: exit status %d", d->output_title, status);
	else
		dashboard_say(d, "%s: done", d->output_title);
	dashboard_output(d, d->message, strlen(d->message));
}

/* ---- the rest ---- */

void dashboard_say(struct dashboard *d, const char *fmt, ...)
{
	cleanup_buf struct buf raw = BUF_INIT, b = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_addvf(&raw, fmt, ap);
	va_end(ap);
	view_clean(&b, buf_str(&raw));
	snprintf(d->message, sizeof(d->message), "%s", buf_str(&b));
	d->message_until = d->now_ms + MESSAGE_MS;
	d->dirty = true;
}

void dashboard_resize(struct dashboard *d, int width, int height)
{
	d->width = width;
	d->height = height;
	d->dirty = true;
}

void dashboard_tick(struct dashboard *d, int64_t now_ms)
{
	d->now_ms = now_ms;
	if (d->sampled_until && now_ms >= d->sampled_until) {
		d->sampled_until = 0;
		d->dirty = true;
	}
	if (!d->message[0] || now_ms < d->message_until)
		return;
	d->message[0] = '\0';
	d->dirty = true;
}
