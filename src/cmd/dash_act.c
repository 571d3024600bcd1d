/*
 * What the dashboard asks for, done by devenv itself as a child. Comes in: an intent. Goes out: a
 * command whose lines are shown, or one that has the whole terminal meanwhile.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/lifecycle.h"
#include "dash_parts.h"
#include "run/io/detach.h"
#include "run/io/spawn.h"

extern char **environ;

static void on_output(void *ctx, const char *line, size_t len)
{
	dashboard_output(&((struct dash *)ctx)->view, line, len);
}

/* "devenv restart api" as it could be typed. */
static const char *title_of(struct arena *a, const struct strs *words)
{
	cleanup_buf struct buf b = BUF_INIT;
	buf_adds(&b, "devenv");
	for (size_t i = 0; i < words->count; i++) {
		buf_addc(&b, ' ');
		shell_quote(&b, words->items[i]);
	}
	return arena_strndup(a, buf_str(&b), b.len);
}

static const char *const *argv_of(
	struct context *c, struct arena *a, const struct strs *words, bool plain)
{
	struct strs v = self_argv(c, own_program());
	if (plain) {
		strs_add(&c->arena, &v, "--progress");
		strs_add(&c->arena, &v, "plain");
	}
	for (size_t i = 0; i < words->count; i++)
		strs_add(&c->arena, &v, arena_strdup(a, words->items[i]));
	strs_add(&c->arena, &v, NULL);
	return v.items;
}

static void run(struct dash *d, const struct strs *words)
{
	struct context *c = d->context;
	struct err e = ERR_INIT;
	arena_release(&d->child_arena);
	dashboard_run(&d->view, title_of(&d->child_arena, words));
	d->spawn = (struct spawn){
		.argv = argv_of(c, &d->child_arena, words, true),
		.env = (const char *const *)environ,
		.line = on_output,
		.ctx = d,
	};
	d->child = child_start(c->loop, &d->spawn, &e);
	if (d->child)
		return;
	dashboard_ran(&d->view, ERR_FAILED);
	dashboard_say(&d->view, "%s", e.text);
}

/* Until it ends, the terminal is its own. */
static void inside(struct dash *d, const struct strs *words)
{
	struct context *c = d->context;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct spawn s = {
		.argv = argv_of(c, &a, words, false),
		.env = (const char *const *)environ,
		.interactive = true,
	};
	int status = 0, before = loop_interrupts(c->loop);
	dash_keys_on(d, false);
	screen_leave(d->screen);
	printf("%s\n", title_of(&a, words));
	fflush(stdout);
	int bad = spawn_run(c->loop, &s, &status, &e);
	screen_enter(d->screen);
	dash_keys_on(d, true);
	/* Its Ctrl-C was not ours. */
	if (loop_interrupts(c->loop) != before && loop_signal(c->loop) == SIGINT)
		loop_rearm(c->loop);
	if (bad)
		dashboard_say(&d->view, "%s", e.text);
	else if (status)
		dashboard_say(&d->view, "%s: exit status %d", title_of(&a, words), status);
	sight_hurry(d->sight);
	arena_release(&a);
}

void dash_act(struct dash *d, const struct dash_intent *i)
{
	switch (i->want) {
	case DASH_NOTHING:
		break;
	case DASH_QUIT:
		d->leave = true;
		break;
	case DASH_RUN:
		run(d, &i->words);
		break;
	case DASH_INSIDE:
		inside(d, &i->words);
		break;
	case DASH_CANCEL:
		if (d->child)
			child_signal(d->child, SIGINT);
		break;
	case DASH_REDRAW:
		screen_spoilt(d->screen);
		break;
	}
}

void dash_act_turn(struct dash *d)
{
	if (!d->child || !child_done(d->child))
		return;
	dashboard_ran(&d->view, child_status(d->child));
	child_free(d->child);
	d->child = NULL;
	sight_hurry(d->sight);
}

/* What was begun is carried through: leaving stops nothing. */
void dash_act_close(struct dash *d)
{
	while (d->child && !child_done(d->child) && !loop_interrupts(d->context->loop))
		sight_wait(d->sight, d->context->loop, 500);
	child_free(d->child);
	arena_release(&d->child_arena);
}
