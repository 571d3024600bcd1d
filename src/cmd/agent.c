/*
 * `devenv __agent`: the process that an `up` leaves behind. It supervises host services, watches
 * modules and answers on its socket; one thread, one loop. Comes in: requests, saved files,
 * children that end, signals. Goes out: replies and events. When something changes that only a plan
 * of the whole can follow, it runs `devenv up -d` as everybody would.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/agent_requests.h"
#include "cmd/commands.h"
#include "cmd/journaling.h"
#include "run/io/detach.h"
#include "run/engine/call.h"

enum { TURN_MS = 20000, FIRST_MS = 10000 };

/* ---- what is told to followers ---- */

static const struct place nowhere;

static struct node *event_of(struct arena *a, const char *kind)
{
	struct node *n = node_map(a, nowhere);
	map_put(a, n, "event", nowhere, node_str(a, kind, nowhere));
	return n;
}

static void tell(struct agent *g, struct arena *a, struct node *event)
{
	control_event(g->control, event);
	arena_release(a);
}

static void on_unit(void *ctx, const struct container *unit)
{
	struct agent *g = ctx;
	struct arena a = ARENA_INIT;
	struct node *n = event_of(&a, "unit");
	note_unit(g->base, g->told, unit);
	map_put(&a, n, "unit", nowhere, unit_to_node(&a, unit));
	tell(g, &a, n);
}

static void on_module(void *ctx, const struct module_state *m)
{
	struct agent *g = ctx;
	struct arena a = ARENA_INIT;
	struct node *n = event_of(&a, "module");
	note_module(g->base, g->told, m);
	map_put(&a, n, "module", nowhere, module_to_node(&a, m, false));
	tell(g, &a, n);
}

static void on_output(
	void *ctx, const char *service, enum stage_kind stage, const char *line, size_t len)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf clean = BUF_INIT;
	struct node *n = event_of(&a, "output");
	text_clean(&clean, line, len, true);
	map_put(&a, n, "service", nowhere, node_str(&a, service, nowhere));
	map_put(&a, n, "stage", nowhere, node_str(&a, stage_name(stage), nowhere));
	map_put(&a, n, "text", nowhere, node_strn(&a, buf_str(&clean), clean.len, nowhere));
	tell(ctx, &a, n);
}

/* Also into the log, which is kept small: an agent may live for weeks. */
static void on_note(void *ctx, const char *text)
{
	struct agent *g = ctx;
	struct stat st;
	struct arena a = ARENA_INIT;
	struct node *n = event_of(&a, "note");
	if (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > DETACHED_LOG_MAX)
		(void)!ftruncate(STDERR_FILENO, 0);
	cleanup_buf struct buf clean = BUF_INIT;
	text_clean(&clean, text, strlen(text), false);
	fprintf(stderr, "%s\n", buf_str(&clean));
	map_put(&a, n, "text", nowhere, node_str(&a, text, nowhere));
	note_agent(g->base, HAPPENED_NOTE, NULL, text);
	tell(g, &a, n);
}

void agent_switched(struct agent *g)
{
	struct arena a = ARENA_INIT;
	struct develop_switches on = agent_switches(g);
	struct node *n = event_of(&a, "switches");
	map_put(&a, n, "watch", nowhere, node_bool(&a, on.watch, nowhere));
	map_put(&a, n, "lint", nowhere, node_bool(&a, on.lint, nowhere));
	map_put(&a, n, "test", nowhere, node_bool(&a, on.test, nowhere));
	tell(g, &a, n);
}

/* ---- the configuration changed: `devenv up -d`, as a child ---- */

static void on_line(void *ctx, const char *line, size_t len)
{
	struct agent *g = ctx;
	if (g->applied.len > APPLIED_MAX)
		buf_consume(&g->applied, g->applied.len / 2);
	text_clean(&g->applied, line, len, true);
	buf_addc(&g->applied, '\n');
}

static void apply_begin(struct agent *g)
{
	struct err e = ERR_INIT;
	arena_release(&g->apply_arena);
	const char **argv = arena_array(&g->apply_arena, const char *, g->adoption.argv.count + 2);
	memcpy(argv, g->adoption.argv.items, g->adoption.argv.count * sizeof(*argv));
	argv[0] = own_program();
	g->apply_again = false;
	g->apply_spawn = (struct spawn){ .argv = argv, .dir = "/", .line = on_line, .ctx = g };
	buf_truncate(&g->applied, 0);
	on_note(g, "bringing everything up anew");
	g->apply = child_start(g->loop, &g->apply_spawn, &e);
	if (g->apply)
		return;
	on_note(g, e.text);
	develop_settled(generation_develop(g->now), false);
}

static void on_changed(void *ctx, const char *service, const struct strs *paths)
{
	struct agent *g = ctx;
	(void)service, (void)paths;
	if (g->apply)
		g->apply_again = true;
	else
		apply_begin(g);
}

static void tell_applied(struct agent *g, int status)
{
	struct arena a = ARENA_INIT;
	struct node *n = event_of(&a, "config");
	if (status == ERR_CONSENT)
		buf_adds(&g->applied, "run `devenv up` to look at it and to agree\n");
	map_put(&a, n, "passed", nowhere, node_bool(&a, status == 0, nowhere));
	map_put(&a, n, "text", nowhere, node_str(&a, buf_str(&g->applied), nowhere));
	if (status)
		fprintf(stderr, "%s", buf_str(&g->applied));
	note_agent(g->base, HAPPENED_CONFIG, status ? "failed" : "passed", buf_str(&g->applied));
	tell(g, &a, n);
}

static void apply_turn(struct agent *g)
{
	if (!g->apply || !child_done(g->apply))
		return;
	int status = child_status(g->apply);
	child_free(g->apply);
	g->apply = NULL;
	tell_applied(g, status);
	if (g->apply_again && !g->ending) {
		apply_begin(g);
		return;
	}
	if (g->now && generation_develop(g->now))
		develop_settled(generation_develop(g->now), status == 0);
}

const struct develop_ops agent_develop_ops = {
	.module = on_module,
	.output = on_output,
	.note = on_note,
	.changed = on_changed,
};

/* ---- ending ---- */

void agent_end(struct agent *g, const char *why)
{
	if (!g->ending)
		fprintf(stderr, "ending: %s\n", why);
	g->why = g->ending ? g->why : why;
	g->ending = true;
	generation_retire(&g->spent, g->now); /* nothing is begun any more */
	g->now = NULL;
	supervisor_stop(g->supervisor, ++g->stops);
}

static bool socket_is_ours(const struct agent *g)
{
	struct stat st;
	return lstat(g->socket, &st) == 0 && st.st_ino == g->socket_inode;
}

/* Nobody can reach it, or it has nothing to do and nobody came: then there is no reason to stay. */
static void look_around(struct agent *g)
{
	int interrupts = loop_interrupts(g->loop);
	if (interrupts > g->interrupts)
		agent_end(g, "by a signal");
	g->interrupts = interrupts;
	if (g->ending)
		return;
	bool idle = !g->now && !supervisor_units(g->supervisor) && !control_peers(g->control);
	if (idle && (g->had_peers || now_ms() - g->began > FIRST_MS))
		agent_end(g, "there is nothing to do");
	else if (now_ms() >= g->next_look) {
		g->next_look = now_ms() + TURN_MS;
		if (!socket_is_ours(g))
			agent_end(g, "its socket is gone");
	}
}

/* ---- the loop ---- */

static int wait_ms(const struct agent *g)
{
	struct develop_loop *d = g->now ? generation_develop(g->now) : NULL;
	int most = g->ending ? 100 : g->had_peers ? TURN_MS : FIRST_MS;
	most = relays_timeout(g->relays, most);
	return d ? develop_timeout(d, most) : most;
}

static void turn(struct agent *g)
{
	struct context *c = g->now ? generation_context(g->now) : NULL;
	engine_turn(c ? c->engine : NULL, g->loop, wait_ms(g));
	generation_sweep(&g->spent);
	if (g->now && generation_develop(g->now))
		develop_turn(generation_develop(g->now));
	apply_turn(g);
	relays_turn(g->relays);
	look_around(g);
}

static bool runs_hosts(const struct project *p)
{
	for (size_t i = 0; i < p->services.count; i++)
		if (p->services.items[i].where == RUN_HOST)
			return true;
	return false;
}

/* While who asked first still makes its plan, the guardian comes to be. */
static void drive(struct agent *g)
{
	while (!g->ending && !g->had_peers)
		turn(g);
	if (!g->ending && runs_hosts(&g->base->project))
		supervisor_prepare(g->supervisor);
	while (!g->ending || supervisor_running(g->supervisor) > 0)
		turn(g);
}

/* ---- starting ---- */

static void say(const char *word)
{
	cleanup_buf struct buf b = BUF_INIT;
	buf_addf(&b, "%s\n", word);
	if (fcntl(DETACHED_SAY, F_GETFD) >= 0)
		(void)!write(DETACHED_SAY, b.data, b.len);
	close(DETACHED_SAY);
}

/* The file keeps the holder's pid: one that ended in order leaves it empty. */
static bool was_killed(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && st.st_size > 0;
}

static void heal(struct agent *g)
{
	struct strs ended = { 0 };
	struct err e = ERR_INIT;
	struct context *c = g->base;
	supervise_reconcile(&c->places, c->project.workspace, &ended, &c->arena, &e);
	note_agent(c, HAPPENED_NOTE, NULL, "an agent was killed: what it left is ended");
	for (size_t i = 0; i < ended.count; i++)
		fprintf(stderr, "ended what a killed agent left: %s\n", ended.items[i]);
}

static int listen_and_supervise(struct agent *g, struct err *e)
{
	struct context *c = g->base;
	struct stat st;
	g->loop = c->loop = loop_new();
	g->told = told_new();
	g->began = now_ms();
	g->socket = control_path(&c->arena, &c->places);
	g->supervisor = supervisor_new(g->loop, &c->places, on_unit, g, e);
	if (!g->supervisor)
		return -1;
	g->relays = relays_new(g->loop, on_note, g);
	g->control = control_listen(g->loop, g->socket, &agent_control_ops, g, e);
	if (!g->control)
		return -1;
	g->socket_inode = lstat(g->socket, &st) ? 0 : st.st_ino;
	g->next_look = now_ms() + TURN_MS;
	return 0;
}

static void release(struct agent *g)
{
	if (g->control) {
		struct arena a = ARENA_INIT;
		struct node *n = event_of(&a, "bye");
		map_put(&a, n, "why", nowhere, node_str(&a, g->why ? g->why : "", nowhere));
		tell(g, &a, n);
	}
	generation_sweep(&g->spent);
	generation_free(g->now);
	child_free(g->apply);
	relays_free(g->relays);
	supervisor_free(g->supervisor);
	control_close(g->control);
	told_free(g->told);
	buf_release(&g->applied);
	arena_release(&g->adopted);
	arena_release(&g->apply_arena);
}

static int serve(struct agent *g)
{
	struct context *c = g->base;
	if (listen_and_supervise(g, &c->error)) {
		say(c->error.code == ERR_BUSY ? "busy" : c->error.text);
		release(g);
		return c->error.code == ERR_BUSY ? 0 : fail(c);
	}
	fprintf(stderr, "agent %ld of %s listens\n", (long)getpid(), c->project.workspace);
	say("listening");
	note_agent(c, HAPPENED_AGENT, "started", NULL);
	drive(g);
	note_agent(c, HAPPENED_AGENT, "ended", g->why);
	release(g);
	return 0;
}

static int run_agent(struct context *c, const void *opts, const struct strs *args)
{
	struct agent g = { .base = c };
	struct lock lock = { .fd = -1 };
	(void)opts, (void)args;
	own_name();
	heap_gives_back();
	c->sought = true;
	int status = open_places(c);
	if (status) {
		say(c->error.code ? c->error.text : "the configuration cannot be read");
		return status;
	}
	const char *path = path_join(&c->arena, c->places.state, "agent.lock");
	bool killed = was_killed(path);
	if (dir_make(c->places.state, 0700, &c->error) || lock_take(&lock, path, 0, &c->error)) {
		say(c->error.code == ERR_BUSY ? "busy" : c->error.text);
		return c->error.code;
	}
	if (chdir("/")) /* no folder is kept busy */
		return fail_with(c, ERR_FAILED, "there is no /");
	if (killed)
		heal(&g);
	status = serve(&g);
	(void)!ftruncate(lock.fd, 0);
	lock_drop(&lock);
	return status;
}

const struct cmd cmd_agent = {
	.name = "__agent",
	.group = "",
	.help = "supervise and watch for `up`",
	.run = run_agent,
};
