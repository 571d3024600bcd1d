/*
 * A session as commands of tmux. Comes in: the value. Goes out: the text of a file for source-file,
 * every word quoted by one function. Panes are addressed by the order in which they are made, so
 * that base-index and the like of the developer's own tmux.conf do not matter.
 */
#include <string.h>

#include "planner/session.h"

void tmux_quote(struct buf *out, const char *word)
{
	buf_addc(out, '\'');
	for (const char *s = word; *s; s++) {
		if (*s == '\'')
			buf_adds(out, "'\\''");
		else if ((unsigned char)*s < 0x20 || *s == 0x7f) /* tmux trims lines in quotes */
			buf_addf(out, "'\"\\%03o\"'", (unsigned char)*s);
		else
			buf_addc(out, *s);
	}
	buf_addc(out, '\'');
}

static void word(struct buf *out, const char *text)
{
	buf_addc(out, ' ');
	tmux_quote(out, text);
}

static const char *doubled(struct buf *b, const char *text)
{
	for (const char *s = text; *s; s++)
		buf_adds(b, *s == '#' ? "##" : (char[]){ *s, '\0' });
	return buf_str(b);
}

/* For arguments that tmux takes as a format: names and folders are none. */
static void plain_word(struct buf *out, const char *text)
{
	cleanup_buf struct buf b = BUF_INIT;
	word(out, doubled(&b, text));
}

struct script {
	struct buf *out;
	const struct session *s;
	const char *target; /* the session's current window and pane */
};

static void target(struct script *x)
{
	buf_adds(x->out, " -t");
	word(x->out, x->target);
}

static void option(struct script *x, const char *scope, const char *name, const char *value)
{
	buf_addf(x->out, "set-option%s%s", *scope ? " " : "", scope);
	if (!streq(scope, "-g"))
		target(x);
	word(x->out, name);
	word(x->out, value);
	buf_addc(x->out, '\n');
}

/* What is a switch in YAML is one for tmux, too. */
static void options(struct script *x, const char *scope, const vars *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const char *value = l->items[i].value;
		value = streq(value, "true") ? "on" : streq(value, "false") ? "off" : value;
		if (value)
			option(x, scope, l->items[i].name, value);
	}
}

/* The border shows ours: the pane's own title is what its program says. */
static void title(struct script *x, const struct session_pane *p)
{
	cleanup_buf struct buf b = BUF_INIT;
	option(x, "-p", "@devenv_title", doubled(&b, p->title));
	buf_adds(x->out, "select-pane");
	target(x);
	buf_adds(x->out, " -T");
	plain_word(x->out, p->title);
	buf_addc(x->out, '\n');
}

static void command(struct script *x, const struct session_pane *p)
{
	buf_adds(x->out, " -c");
	plain_word(x->out, p->dir);
	if (p->argv.count)
		buf_adds(x->out, " --");
	for (size_t i = 0; i < p->argv.count; i++)
		word(x->out, p->argv.items[i]);
	buf_addc(x->out, '\n');
}

/* How a command has ended, and the key that starts it again. */
#define ENDED                                                                                      \
	"#{?pane_dead_signal,killed by signal #{pane_dead_signal},"                                \
	"ended with status #{pane_dead_status}}; "                                                 \
	"#{s/^C-(.)$/Ctrl-\\1/:prefix} R starts it again"

/* tmux would write that over the pane and scroll its first line away: the border says it instead,
 * where there is one. */
static void pane_options(struct script *x, const struct session_pane *p)
{
	option(x, "-p", "remain-on-exit", "on");
	option(x, "-p", "remain-on-exit-format", streq(x->s->title_side, "off") ? ENDED : "");
	if (p->service)
		option(x, "-p", "@devenv_service", p->service);
	title(x, p);
}

static void open_window(struct script *x, const struct session_window *w, bool first)
{
	if (first) {
		buf_adds(x->out, "new-session -d -s");
		word(x->out, x->s->name);
		buf_addf(x->out, " -x %d -y %d", x->s->columns, x->s->rows);
	} else {
		buf_adds(x->out, "new-window -a -t"); /* behind the last one that was made */
		word(x->out, x->target);
	}
	buf_adds(x->out, " -n");
	plain_word(x->out, w->name);
	command(x, &w->panes.items[0]);
}

static void border(struct script *x)
{
	option(x, "-w", "pane-border-status", x->s->title_side);
	option(x, "-w", "pane-border-format",
		" #{?@devenv_colour,#[fg=#{@devenv_colour}],}#{@devenv_title}"
		"#{?@devenv_state, (#{@devenv_state}),}#[default]"
		"#{?pane_dead, -- " ENDED ",} ");
	option(x, "-w", "automatic-rename", "off");
	option(x, "-w", "allow-rename", "off");
}

static void select_layout(struct script *x, const char *layout)
{
	buf_adds(x->out, "select-layout");
	target(x);
	word(x->out, layout);
	buf_addc(x->out, '\n');
}

/* The n-th pane behind the current one; from the last on it begins anew. */
static void resize(struct script *x, const struct session_window *w, size_t i)
{
	const char *size = w->panes.items[i].size;
	bool columns = streq(w->layout, "main-vertical") || streq(w->layout, "even-horizontal");
	bool rest = i && (streq(w->layout, "main-vertical") || streq(w->layout, "main-horizontal"));
	buf_adds(x->out, "resize-pane -t");
	buf_addf(x->out, " '%s.+%zu' %s", x->target, i + 1, columns != rest ? "-x" : "-y");
	word(x->out, size);
	buf_addc(x->out, '\n');
}

static void window(struct script *x, const struct session_window *w, bool first)
{
	open_window(x, w, first);
	border(x);
	options(x, "-w", &w->options);
	for (size_t i = 0; i < w->panes.count; i++) {
		if (i) {
			buf_adds(x->out, "split-window");
			target(x);
			command(x, &w->panes.items[i]);
		}
		pane_options(x, &w->panes.items[i]);
		if (i && i + 1 < w->panes.count) /* makes room for the next */
			select_layout(x, "tiled");
	}
	if (w->panes.count > 1)
		select_layout(x, w->layout);
	for (size_t i = 0; i < w->panes.count; i++)
		if (w->panes.items[i].size)
			resize(x, w, i);
	buf_addf(x->out, "select-pane -t '%s.+%zu'\n", x->target, w->focus + 1);
	options(x, "-w", &w->options_after);
	if (w->synchronize)
		option(x, "-w", "synchronize-panes", "on");
}

/* A window in the background tells that a service of it is down. Once for each server: the
 * developer's own format stays in front. */
static void marks(struct script *x)
{
	static const char mark[] = "#{?@devenv_alarm,#[fg=red] !#[default],}";
	cleanup_buf struct buf b = BUF_INIT;
	buf_adds(&b, "set-option -g @devenv_marks on");
	buf_adds(&b, " ; set-option -g -a window-status-format");
	word(&b, mark);
	buf_adds(&b, " ; set-option -g -a window-status-current-format");
	word(&b, mark);
	buf_adds(x->out, "if-shell -F '#{@devenv_marks}' ''");
	word(x->out, buf_str(&b));
	buf_addc(x->out, '\n');
}

/* run-shell takes a shell's line, and that line as a format: the one place where words are joined.
 */
static void watcher(struct script *x)
{
	cleanup_buf struct buf line = BUF_INIT;
	buf_adds(&line, "exec");
	for (size_t i = 0; i < x->s->watcher.count; i++) {
		buf_addc(&line, ' ');
		shell_quote(&line, x->s->watcher.items[i]);
	}
	buf_adds(&line, " </dev/null >/dev/null 2>&1");
	buf_adds(x->out, "run-shell -b");
	plain_word(x->out, buf_str(&line));
	buf_addc(x->out, '\n');
}

void session_script(struct buf *out, const struct session *s)
{
	cleanup_buf struct buf name = BUF_INIT;
	buf_addf(&name, "=%s:", s->name);
	struct script x = { out, s, buf_str(&name) };
	buf_adds(out, "# Generated by devenv. Changes are lost.\n");
	options(&x, "-g", &s->global_options);
	for (size_t i = 0; i < s->windows.count; i++) {
		window(&x, &s->windows.items[i], i == 0);
		if (i)
			continue;
		option(&x, "", "destroy-unattached", "off");
		options(&x, "", &s->options);
	}
	marks(&x);
	buf_adds(out, "bind-key R respawn-pane -k\n");
	buf_addf(out, "select-window -t '%s^'\n", x.target);
	if (s->focus)
		buf_addf(out, "select-window -t '%s+%zu'\n", x.target, s->focus);
	watcher(&x);
}
