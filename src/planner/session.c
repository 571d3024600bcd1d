/*
 * A tmux session from a layout, or from the graph where there is none. Comes in: the project, the
 * world, how devenv itself is called. Goes out: windows and panes, each with the words of its
 * command. Knows neither tmux's syntax nor whether a session is there already.
 */
#include "planner/session.h"

#include <string.h>

#include "planner/planner.h"

enum { COLUMNS = 200, ROWS = 50 };

struct making {
	struct arena *a;
	const struct project *p;
	const struct world *w;
	const struct session_request *req;
	struct session *s;
	struct diags *d;
};

static void add_words(struct making *m, struct strs *argv, const struct strs *words)
{
	for (size_t i = 0; i < words->count; i++)
		strs_add(m->a, argv, words->items[i]);
}

static void add(struct making *m, struct strs *argv, const char *first, const char *second)
{
	strs_add(m->a, argv, first);
	if (second)
		strs_add(m->a, argv, second);
}

/* What a layout says of this machine may ask where a service is. */
static const char *resolved(struct making *m, const char *text, struct place at)
{
	return plan_expand(m->a, m->p, m->w, NULL, text, at, m->d);
}

/* ---- commands ---- */

static void logs_words(struct making *m, const struct pane *p, struct strs *argv)
{
	add(m, argv, "logs", "--follow");
	add(m, argv, "--tail", "200");
	if (p->words.count == 1)
		add(m, argv, "--no-log-prefix", NULL);
	add_words(m, argv, &p->words);
}

static void attach_words(struct making *m, const struct pane *p, struct strs *argv)
{
	add(m, argv, "attach", p->service->client.count ? "--client" : NULL);
	add(m, argv, p->service->name, NULL);
}

static void shell_words(struct making *m, const struct pane *p, struct strs *argv)
{
	add(m, argv, "shell", p->service->name);
}

static void stage_words(struct making *m, const struct pane *p, struct strs *argv)
{
	add(m, argv, "watch", p->service->name);
}

static void run_words(struct making *m, const struct pane *p, struct strs *argv)
{
	add_words(m, argv, &p->words);
}

static void trace_words(struct making *m, const struct pane *p, struct strs *argv)
{
	add(m, argv, "trace", "--watch");
	add_words(m, argv, &p->words);
}

static void (*const words_of[])(struct making *m, const struct pane *p, struct strs *argv) = {
	[PANE_LOGS] = logs_words,
	[PANE_ATTACH] = attach_words,
	[PANE_SHELL] = shell_words,
	[PANE_STAGE] = stage_words,
	[PANE_RUN] = run_words,
	[PANE_TRACE] = trace_words,
};

/* Lines for sh, what comes before them first; `last` behind them when it is not NULL. */
static const char *script_of(
	struct making *m, const struct window *w, const struct pane *p, const char *last)
{
	cleanup_buf struct buf b = BUF_INIT;
	for (size_t i = 0; i < w->before.count; i++)
		buf_addf(&b, "%s\n", resolved(m, w->before.items[i], p->place));
	for (size_t i = 0; i < p->lines.count; i++)
		buf_addf(&b, "%s%s", i ? "\n" : "", resolved(m, p->lines.items[i], p->place));
	buf_adds(&b, last ? last : "");
	return arena_strdup(m->a, buf_str(&b));
}

/* tmux hands a single word to a shell; two or more it runs as they are. */
static void host_words(
	struct making *m, const struct window *w, const struct pane *p, struct strs *argv)
{
	bool shell = p->kind == PANE_OWN_SHELL;
	if (shell && !w->before.count && !p->environment.count)
		return; /* tmux starts it by itself */
	if (!p->lines.count && !w->before.count && !shell) {
		for (size_t i = 0; i < p->words.count; i++)
			add(m, argv, resolved(m, p->words.items[i], p->place), NULL);
		return;
	}
	add(m, argv, "/bin/sh", "-c");
	if (p->lines.count) {
		add(m, argv, script_of(m, w, p, NULL), NULL);
		return;
	}
	add(m, argv, script_of(m, w, p, "exec \"$@\""), "sh");
	if (shell)
		add(m, argv, m->req->shell, NULL);
	for (size_t i = 0; i < p->words.count; i++)
		add(m, argv, resolved(m, p->words.items[i], p->place), NULL);
}

static struct strs argv_of(struct making *m, const struct window *w, const struct pane *p)
{
	struct strs argv = { 0 }, command = { 0 };
	bool host = p->kind == PANE_COMMAND || p->kind == PANE_OWN_SHELL;
	if (host)
		host_words(m, w, p, &command);
	else
		add_words(m, &command, &m->req->self);
	if (!host)
		words_of[p->kind](m, p, &command);
	if (!command.count)
		return argv;
	if (p->environment.count || command.count < 2)
		strs_add(m->a, &argv, "env");
	for (size_t i = 0; i < p->environment.count; i++) {
		const struct var *v = &p->environment.items[i];
		if (v->value)
			strs_add(m->a, &argv,
				arena_printf(
					m->a, "%s=%s", v->name, resolved(m, v->value, v->place)));
	}
	add_words(m, &argv, &command);
	return argv;
}

/* ---- titles ---- */

static const char *clean(struct making *m, const char *text)
{
	cleanup_buf struct buf b = BUF_INIT;
	text_clean(&b, text, strcspn(text, "\n"), false);
	return arena_strdup(m->a, buf_str(&b));
}

/* The program behind a client's words: the last one that a shell line of a template names, too. */
static const char *client_name(struct making *m, const struct service *s)
{
	const char *word = s->client.count ? s->client.items[s->client.count - 1] : "process";
	word = strchr(word, ' ') ? "client" : word;
	return starts_with(word, "-") ? s->client.items[0] : arena_strdup(m->a, word);
}

static const char *title_of(struct making *m, const struct pane *p)
{
	const char *name = p->service ? p->service->name : "";
	switch (p->kind) {
	case PANE_OWN_SHELL:
		return "shell";
	case PANE_LOGS:
		return arena_printf(m->a, "%s logs", strs_join(m->a, &p->words, " "));
	case PANE_ATTACH:
		return arena_printf(m->a, "%s %s", name, client_name(m, p->service));
	case PANE_SHELL:
		return arena_printf(m->a, "%s shell", name);
	case PANE_STAGE:
		return arena_printf(m->a, "%s stages", name);
	case PANE_RUN:
		return strs_join(m->a, &p->words, " ");
	case PANE_TRACE:
		return arena_printf(m->a, "trace %s", strs_join(m->a, &p->words, " "));
	case PANE_COMMAND:
		return p->lines.count ? p->lines.items[p->lines.count - 1]
				      : strs_join(m->a, &p->words, " ");
	}
	bug("pane kind %d", p->kind);
}

/* A window without a name is called by what its first pane is about. */
static const char *window_name(struct making *m, const struct window *w)
{
	const struct pane *p = &w->panes.items[0];
	if (w->name)
		return clean(m, w->name);
	if (p->service)
		return p->service->name;
	const char *title = clean(m, p->title ? p->title : title_of(m, p));
	return arena_strndup(m->a, title, strcspn(title, " "));
}

/* ---- the session ---- */

static void make_pane(
	struct making *m, const struct window *w, const struct pane *p, struct session_window *out)
{
	struct session_pane *pane = list_push(m->a, &out->panes);
	pane->argv = argv_of(m, w, p);
	pane->title = clean(m, p->title ? p->title : title_of(m, p));
	pane->service = p->service ? p->service->name : NULL;
	pane->dir = p->dir ? p->dir : m->p->dir;
	pane->size = p->size;
	pane->place = p->place;
	m->s->host |= p->kind == PANE_COMMAND || p->environment.count || w->before.count;
}

static bool has_options(const struct window *w)
{
	return w->options.count || w->options_after.count;
}

static void make_window(struct making *m, const struct window *w)
{
	struct session_window *out = list_push(m->a, &m->s->windows);
	out->name = window_name(m, w);
	out->layout = w->layout ? w->layout : "tiled";
	out->options = w->options;
	out->options_after = w->options_after;
	out->synchronize = w->synchronize;
	m->s->host |= has_options(w);
	for (size_t i = 0; i < w->panes.count; i++) {
		make_pane(m, w, &w->panes.items[i], out);
		if (w->panes.items[i].focus)
			out->focus = i;
	}
	if (w->focus)
		m->s->focus = m->s->windows.count - 1;
}

static const struct layout *unknown_layout(struct making *m)
{
	struct strs names = { 0 };
	for (size_t i = 0; i < m->p->layouts.count; i++)
		strs_add(m->a, &names, m->p->layouts.items[i].name);
	strs_add(m->a, &names, "auto");
	const char *near = nearest_name(m->req->layout, names.items, names.count);
	diag_add(m->d, SEV_ERROR, (struct place){ 0 }, "there is no layout \"%s\"", m->req->layout)
		->hint = near ? arena_printf(m->a, "did you mean \"%s\"?", near)
			      : arena_printf(m->a, "there are: %s", strs_join(m->a, &names, ", "));
	return NULL;
}

static const struct layout *chosen_layout(struct making *m)
{
	const char *name = m->req->layout;
	const struct layout *l = project_layout(m->p, name ? name : "default");
	if (l)
		return l;
	if (!name && m->p->layouts.count)
		return &m->p->layouts.items[0];
	if (name && !streq(name, "auto"))
		return unknown_layout(m);
	l = session_default(m->a, m->p, &m->req->profiles);
	if (!l->windows.count)
		diag_add(m->d, SEV_ERROR, (struct place){ 0 },
			"there is nothing to show: no service is part of this run")
			->hint = "add --profile, or write a layout under `layouts:`";
	return l->windows.count ? l : NULL;
}

int session_make(struct arena *a, const struct project *p, const struct world *w,
	const struct session_request *req, struct session *out, struct diags *d)
{
	struct making m = { a, p, w, req, out, d };
	size_t before = d->errors;
	const struct layout *l = chosen_layout(&m);
	if (!l)
		return -1;
	*out = (struct session){
		.name = l->name ? arena_printf(a, "%s-%s", p->name, l->name) : p->name,
		.dir = p->dir,
		.title_side = l->title_side ? l->title_side : "top",
		.options = l->options,
		.global_options = l->global_options,
		.host = l->options.count || l->global_options.count,
		.columns = req->columns ? req->columns : COLUMNS,
		.rows = req->rows ? req->rows : ROWS,
	};
	for (size_t i = 0; i < l->windows.count; i++)
		make_window(&m, &l->windows.items[i]);
	out->host = out->host && l->name; /* by the graph, nothing is the project's own */
	add_words(&m, &out->watcher, &req->self);
	add(&m, &out->watcher, "__session", NULL);
	return d->errors == before ? 0 : -1;
}
