/*
 * tmux: a session of panes on logs, clients and shells, in a server of the workspace's own. Made by
 * one call from one file of commands; a second call attaches to what is there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/hash.h"
#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "planner/session.h"
#include "run/io/detach.h"
#include "run/registry.h"
#include "run/tmux.h"

struct tmux_opts {
	bool print, detach, kill;
};

#define TMUX(field) offsetof(struct tmux_opts, field)
static const struct opt tmux_options[] = {
	{ "print", 0, OPT_FLAG, NULL, "print the commands for tmux, and start nothing", NULL,
		COMPLETE_NONE, TMUX(print), false },
	{ "detach", 'd', OPT_FLAG, NULL, "make the session, and do not attach", NULL, COMPLETE_NONE,
		TMUX(detach), false },
	{ "kill", 0, OPT_FLAG, NULL, "end the session of LAYOUT, or all sessions of this workspace",
		NULL, COMPLETE_NONE, TMUX(kill), false },
	{ 0 },
};

/* ---- the value ---- */

static const char *program(struct context *c, bool print)
{
	const char *path = print ? NULL : path_real(&c->arena, own_program());
	return path ? path : "devenv";
}

static void screen_size(struct session_request *r)
{
	struct winsize w = { 0 };
	if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_row > 1) {
		r->columns = w.ws_col;
		r->rows = w.ws_row - 1; /* tmux's own line */
	}
}

static int make(struct context *c, const struct tmux_opts *o, const char *layout, struct session *s)
{
	const char *shell = getenv("SHELL");
	struct session_request r = {
		.layout = layout,
		.self = self_argv(c, program(c, o->print)),
		.profiles = c->g.profiles,
		.shell = shell && shell[0] == '/' ? shell : "/bin/sh",
	};
	if (!o->print)
		screen_size(&r);
	return session_make(&c->arena, &c->project, &c->world, &r, s, &c->diags) ? report(c) : 0;
}

/* ---- the server ---- */

static struct strs words_of(struct context *c, const char *const *words)
{
	struct strs l = { 0 };
	for (; *words; words++)
		strs_add(&c->arena, &l, *words);
	return l;
}

#define WORDS(...) words_of(c, (const char *const[]){ __VA_ARGS__, NULL })

static const char *named(struct context *c, const char *session, const char *behind)
{
	return arena_printf(&c->arena, "=%s%s", session, behind);
}

/* The digest of what a running session was made from; NULL: there is none of that name. */
static int find(struct context *c, const struct tmux *t, const char *session, const char **made)
{
	cleanup_buf struct buf out = BUF_INIT;
	int status = 0;
	struct strs ask = WORDS("show-options", "-v", "-t", named(c, session, ":"), "@devenv_made");
	*made = NULL;
	if (!file_exists(t->socket) && access(t->socket, F_OK))
		return 0;
	if (tmux_ask(t, &ask, &out, &status, &c->error))
		return fail(c);
	if (!status)
		*made = arena_strdup(&c->arena, buf_str(&out));
	return 0;
}

/* tmux goes on behind a command that failed: half a session is worse than none. */
static int give_up(struct context *c, const struct tmux *t, const struct session *s,
	const char *said, const char *layout)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct err ignored = ERR_INIT;
	int status;
	struct strs words = WORDS("kill-session", "-t", named(c, s->name, ""));
	tmux_ask(t, &words, &out, &status, &ignored);
	const struct layout *l = project_layout(&c->project, layout ? layout : "default");
	err_set(&c->error, ERR_FAILED, "tmux could not make the session: %s", said);
	if (l)
		c->error.place = l->place;
	if (strstr(said, "no space"))
		err_hint(&c->error, "make the terminal larger, or divide the window");
	else
		err_hint(&c->error, "`devenv tmux --print` shows what it was told");
	return fail(c);
}

static int create(struct context *c, const struct tmux *t, const struct session *s,
	const char *layout, const struct buf *script, const char *digest)
{
	const char *dir = path_join(&c->arena, c->places.state, "tmux");
	const char *file = arena_printf(&c->arena, "%s/%s.conf", dir, s->name);
	cleanup_buf struct buf out = BUF_INIT;
	int status = 0;
	if (dir_make(dir, 0700, &c->error) ||
		file_write(file, buf_str(script), script->len, 0600, false, &c->error))
		return fail(c);
	struct strs words = WORDS("start-server", ";", "source-file", file, ";", "set-option", "-t",
		named(c, s->name, ":"), "@devenv_made", digest);
	if (tmux_ask(t, &words, &out, &status, &c->error))
		return fail(c);
	return status ? give_up(c, t, s, buf_str(&out), layout) : 0;
}

/* Two calls at once make one session. */
static int ensure(
	struct context *c, const struct tmux *t, const struct session *s, const char *layout)
{
	struct lock lock = { .fd = -1 };
	cleanup_buf struct buf script = BUF_INIT;
	char digest[HASH_HEX + 1];
	const char *made = NULL;
	session_script(&script, s);
	hash_hex(buf_str(&script), script.len, digest);
	if (registry_note(&c->places, &c->project, &c->error) ||
		lock_take(&lock, path_join(&c->arena, c->places.state, "tmux.lock"), 10000,
			&c->error))
		return fail(c);
	int status = find(c, t, s->name, &made);
	if (!status && !made)
		status = create(c, t, s, layout, &script, digest);
	else if (!status && !streq(made, digest))
		note(c, "note: the layout has changed since this session was made; `devenv tmux "
			"--kill` ends it");
	lock_drop(&lock);
	return status;
}

/* ---- what is asked for ---- */

static int join(struct context *c, const struct tmux *t, const struct session *s)
{
	int status = 0;
	bool inside = tmux_inside(&c->arena, t->socket);
	struct strs words =
		WORDS(inside ? "switch-client" : "attach-session", "-t", named(c, s->name, ""));
	return tmux_client(t, &words, inside, &status, &c->error) ? fail(c) : status;
}

static int end(struct context *c, const struct tmux *t, const char *layout)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct tmux_opts plain = { .print = true };
	struct session s;
	int status = layout ? make(c, &plain, layout, &s) : 0;
	if (status)
		return status;
	struct strs words =
		layout ? WORDS("kill-session", "-t", named(c, s.name, "")) : WORDS("kill-server");
	if (tmux_ask(t, &words, &out, &status, &c->error))
		return fail(c);
	note(c, status ? "There is no session." : "Ended.");
	return 0;
}

static bool on_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static int print(const struct session *s)
{
	cleanup_buf struct buf b = BUF_INIT;
	session_script(&b, s);
	return emit(&b) ? 0 : ERR_FAILED;
}

static int run_tmux(struct context *c, const void *opts, const struct strs *args)
{
	const struct tmux_opts *o = opts;
	const char *layout = args->count ? args->items[0] : NULL;
	struct session s;
	struct tmux t = { 0 };
	int status = open_places(c);
	if (status)
		return status;
	if (!o->print) {
		c->loop = loop_new();
		t.loop = c->loop;
		t.socket = tmux_socket(&c->arena, &c->places, &c->error);
		if (!t.socket)
			return fail(c);
	}
	if (o->kill)
		return o->print ? fail_with(c, ERR_USAGE, "--print and --kill exclude each other")
				: end(c, &t, layout);
	status = make(c, o, layout, &s);
	if (status || o->print || c->g.dry_run)
		return status ? status : print(&s);
	if (!o->detach && !on_terminal())
		return fail_with(
			c, ERR_USAGE, "there is no terminal to attach: use --detach, or --print");
	status = s.host ? ask_trust(c) : 0;
	if (!status)
		status = ensure(c, &t, &s, layout);
	if (status)
		return status;
	if (!o->detach)
		return join(c, &t, &s);
	note(c, "Session %s is there: `devenv tmux%s%s` attaches.", s.name, layout ? " " : "",
		layout ? layout : "");
	return 0;
}

const struct cmd cmd_tmux = {
	.name = "tmux",
	.group = "inside",
	.args = "[LAYOUT]",
	.help = "panes on logs, database clients and shells, in a tmux session of their own",
	.detail = "LAYOUT is one of `layouts:` in devenv.yml; without it the one called default, "
		  "else the first. Where\n"
		  "there is none, or for LAYOUT auto: one window for each group of services that "
		  "interact, with their\n"
		  "logs, the clients of their databases and a shell.\n"
		  "\n"
		  "A second call attaches to the session that is there; inside of it, it switches. "
		  "Titles show the\n"
		  "state of their service. A pane whose command has ended stays, and starts again "
		  "with its service,\n"
		  "or with Ctrl-b R. The server is the workspace's own, with your tmux.conf.",
	.opts = tmux_options,
	.opts_size = sizeof(struct tmux_opts),
	.max_args = 1,
	.complete = COMPLETE_LAYOUT,
	.run = run_tmux,
};
