/*
 * __session: beside a tmux session, for as long as its server runs. Titles follow the states of
 * services; a pane whose command has ended is started again when its service was. Started by tmux
 * itself, so that it ends with it.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/context.h"
#include "run/control/control.h"
#include "run/engine/engine_changes.h"
#include "run/probe.h"
#include "run/tmux.h"

enum {
	IDLE_MS = 5000,    /* between looks, when nothing happens */
	HOSTS_MS = 1000,   /* the same where there are host services */
	SETTLE_MS = 500,   /* and while something does */
	SETTLE_LOOKS = 20, /* so many of them after the last change */
	ENGINE_AGAIN_MS = 2000,
	TOO_SOON_S = 2, /* what fails so soon met a service that was not quite up yet */
	TRIES = 8,
	HANDOVER_MS = 10000,
};

struct started { /* a pane whose command the watcher has begun again */
	const char *pane;
	int64_t at; /* seconds since 1970 */
	int tries;  /* in a row */
};

struct watcher {
	struct context *c;
	LIST_OF(struct started) started; /* in the context's arena */
	struct tmux tmux;
	struct engine_changes *changes;
	struct strs words; /* of the next call of tmux, in the look's arena */
	int settle;        /* quick looks to come */
	bool hosts;        /* there are host services: nobody tells when they change */
};

static const char *colour_of(const char *word)
{
	static const struct {
		const char *word, *colour;
	} table[] = {
		{ "ready", "green" },
		{ "running", "green" },
		{ "healthy", "green" },
		{ "done", "green" },
		{ "starting", "yellow" },
		{ "restarting", "yellow" },
		{ "created", "yellow" },
		{ "paused", "yellow" },
		{ "unhealthy", "red" },
		{ "exited", "red" },
		{ "dead", "red" },
	};
	for (size_t i = 0; i < countof(table); i++)
		if (streq(table[i].word, word))
			return table[i].colour;
	return "default";
}

static void say(struct watcher *x, struct arena *a, const char *const *words)
{
	if (x->words.count)
		strs_add(a, &x->words, ";");
	for (; *words; words++)
		strs_add(a, &x->words, *words);
}

static void set(struct watcher *x, struct arena *a, const struct tmux_pane *p, const char *name,
	const char *value)
{
	say(x, a, (const char *const[]){ "set-option", "-p", "-t", p->id, name, value, NULL });
}

static bool is_alarm(const char *word)
{
	return streq(colour_of(word), "red");
}

/* The window's mark in the status line, by all of its panes. Told at the first of them. */
static void mark_window(struct watcher *x, struct arena *a, const struct tmux_panes *panes,
	const char *const *states, size_t first)
{
	const struct tmux_pane *p = &panes->items[first];
	bool alarm = false;
	for (size_t i = 0; i < panes->count; i++) {
		if (!streq(panes->items[i].window, p->window))
			continue;
		if (i < first)
			return;
		alarm = alarm || is_alarm(states[i]);
	}
	if (alarm != p->alarm)
		say(x, a,
			(const char *const[]){ "set-option", "-w", "-t", p->window, "@devenv_alarm",
				alarm ? "on" : "", NULL });
}

static void show_state(
	struct watcher *x, struct arena *a, const struct tmux_pane *p, const char *word)
{
	if (streq(p->state, word))
		return;
	set(x, a, p, "@devenv_state", word);
	set(x, a, p, "@devenv_colour", colour_of(word));
}

static struct started *started_of(struct watcher *x, const char *pane)
{
	for (size_t i = 0; i < x->started.count; i++)
		if (streq(x->started.items[i].pane, pane))
			return &x->started.items[i];
	struct started *s = list_push(&x->c->arena, &x->started);
	s->pane = arena_strdup(&x->c->arena, pane);
	return s;
}

static void start_again(struct watcher *x, struct arena *a, const struct tmux_pane *p, bool fresh)
{
	struct started *s = started_of(x, p->id);
	if (!fresh && (s->tries >= TRIES || p->died - s->at > TOO_SOON_S))
		return;
	s->tries = fresh ? 1 : s->tries + 1;
	s->at = clock_ms() / 1000;
	say(x, a, (const char *const[]){ "respawn-pane", "-t", p->id, NULL });
}

/*
 * A pane remembers the run of its service that its command belongs to. One that has ended under an
 * earlier run (or before there was any) begins again; one that ended within this run was ended by
 * the developer, unless it failed as soon as it was begun again: a container that has just started
 * may refuse what it takes a moment later.
 */
static void keep_alive(
	struct watcher *x, struct arena *a, const struct tmux_pane *p, const struct container *k)
{
	if (!k || k->state != UNIT_RUNNING || (!p->dead && *p->run))
		return;
	const char *run = k->host ? arena_printf(a, "%s@%ld", k->id, (long)k->pid)
				  : engine_run_of(x->c->engine, a, k->id);
	bool fresh = run && !streq(run, p->run);
	if (fresh)
		set(x, a, p, "@devenv_run", run);
	if (run && p->dead && (fresh || p->failed))
		start_again(x, a, p, fresh);
}

/* Host services are the agent's: without one there are none. */
static bool look_at_hosts(struct context *c, struct arena *a, struct world *now)
{
	struct err ignored = ERR_INIT;
	struct control_client *agent = control_connect(control_path(a, &c->places), &ignored);
	bool seen = !ignored.code;
	if (agent) {
		struct hosts *h = control_hosts(agent);
		seen = !h->ops->look(h, a, now, &ignored);
	}
	control_disconnect(agent);
	return seen;
}

/* Everything is told to tmux in one call. -1: its server has gone. */
static int look_once(struct watcher *x, struct arena *a)
{
	struct context *c = x->c;
	struct world now = { 0 };
	struct tmux_panes panes = { 0 };
	struct err ignored = ERR_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	int status = 0;
	if (tmux_look(&x->tmux, a, &panes, &ignored))
		return -1;
	probe_local(a, &c->project, &c->places, &now, &ignored);
	bool seen[] = {
		[RUN_CONTAINER] = c->engine &&
				  !engine_look(c->engine, a, c->project.workspace, &now, &ignored),
		[RUN_HOST] = x->hosts && look_at_hosts(c, a, &now),
	};
	x->words = (struct strs){ 0 };
	const char **states = arena_array(a, const char *, panes.count + 1);
	for (size_t i = 0; i < panes.count; i++) {
		const struct tmux_pane *p = &panes.items[i];
		const struct service *s = project_service(&c->project, p->service);
		bool known = s && seen[s->where];
		states[i] = !s ? "gone" : known ? view_unit_word(s, &now) : "unknown";
		show_state(x, a, p, states[i]);
		if (known)
			keep_alive(x, a, p, world_container(&now, s->name));
	}
	for (size_t i = 0; i < panes.count; i++)
		mark_window(x, a, &panes, states, i);
	if (x->words.count) {
		x->settle = SETTLE_LOOKS;
		tmux_ask(&x->tmux, &x->words, &out, &status, &ignored);
	}
	map_release(&now.inputs);
	return 0;
}

static void listen(struct watcher *x)
{
	struct err ignored = ERR_INIT;
	struct context *c = x->c;
	if (!c->engine)
		c->engine = engine_open(&ignored);
	if (c->engine && !x->changes)
		x->changes = engine_changes_begin(c->engine, c->project.workspace, &ignored);
}

static void deafen(struct watcher *x)
{
	engine_changes_free(x->changes);
	engine_close(x->c->engine);
	x->changes = NULL;
	x->c->engine = NULL;
}

/* Until something happens at the engine, or it is time to look anyway. */
static void pause_between(struct watcher *x)
{
	int64_t end = now_ms() + (x->settle > 0 ? SETTLE_MS : x->hosts ? HOSTS_MS : IDLE_MS);
	bool lost = false;
	x->settle -= x->settle > 0;
	if (!x->changes) {
		loop_turn(x->c->loop, x->hosts ? HOSTS_MS : ENGINE_AGAIN_MS);
		return;
	}
	for (int64_t left; (left = end - now_ms()) > 0 && !loop_signal(x->c->loop);) {
		if (!engine_changes_wait(x->changes, x->c->loop, (int)left, &lost))
			continue;
		x->settle = SETTLE_LOOKS;
		break;
	}
	if (lost)
		deafen(x);
}

static int run_session(struct context *c, const void *opts, const struct strs *args)
{
	struct watcher x = { .c = c };
	struct lock lock = { .fd = -1 };
	pid_t parent = getppid();
	(void)opts;
	(void)args;
	int status = open_places(c);
	if (status)
		return status;
	c->loop = loop_new();
	x.tmux = (struct tmux){ c->loop, tmux_socket(&c->arena, &c->places, &c->error) };
	if (!x.tmux.socket)
		return fail(c);
	/* One for all sessions of the server; the one of a server before is about to end. */
	if (lock_take(&lock, path_join(&c->arena, c->places.state, "session.lock"), HANDOVER_MS,
		    &c->error))
		return c->error.code;
	for (size_t i = 0; i < c->project.services.count; i++)
		x.hosts = x.hosts || c->project.services.items[i].where == RUN_HOST;
	while (getppid() == parent && !loop_signal(c->loop)) {
		struct arena a = ARENA_INIT;
		listen(&x);
		int gone = look_once(&x, &a);
		arena_release(&a);
		if (gone)
			break;
		pause_between(&x);
	}
	engine_changes_free(x.changes);
	lock_drop(&lock);
	return 0;
}

const struct cmd cmd_session = {
	.name = "__session",
	.group = "",
	.help = "keeps the titles and panes of a tmux session up to date",
	.run = run_session,
};
