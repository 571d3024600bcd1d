/*
 * dash: units, stages, logs and the graph on the whole terminal. Comes in: what the engine, the
 * agent and the keys tell. Goes out: at most thirty pictures a second, and intents that are carried
 * out by running devenv itself. Leaving it stops nothing.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "dash_parts.h"

/* A few frames may follow each other at once; over a second they are thirty at most. */
enum { FRAME_MS = 37, BURST_MS = 2 * FRAME_MS, QUIET_FRAME_MS = 100 };

static void draw(struct dash *d, int64_t now)
{
	int x = -1, y = -1;
	dashboard_draw(&d->view, &d->grid);
	if (!dashboard_cursor(&d->view, &x, &y))
		x = -1;
	screen_draw(d->screen, &d->grid, x, y);
	d->due = (d->due > now - BURST_MS ? d->due : now - BURST_MS) + FRAME_MS;
	d->drawn = now;
	d->touched = false;
}

/* What its user did is answered at once; what merely happens may wait a little. */
static int64_t next_frame(const struct dash *d)
{
	int64_t quiet = d->drawn + QUIET_FRAME_MS;
	return d->touched || d->due > quiet ? d->due : quiet;
}

static void on_keys(void *ctx)
{
	struct dash *d = ctx;
	struct dash_input in;
	/* A shell that was asked for takes the keys that come after it. */
	while (d->keys && !d->leave && screen_input(d->screen, &in)) {
		struct dash_intent i = dashboard_input(&d->view, &in);
		d->touched = true;
		dash_act(d, &i);
	}
	d->leave = d->leave || screen_gone(d->screen);
}

void dash_keys_on(struct dash *d, bool on)
{
	loop_hook_free(d->keys);
	d->keys = on ? loop_on_readable(d->context->loop, screen_fd(d->screen), on_keys, d) : NULL;
}

static void resize(struct dash *d)
{
	int width, height;
	if (d->resizes == loop_resizes(d->context->loop))
		return;
	d->resizes = loop_resizes(d->context->loop);
	screen_resized(d->screen);
	screen_size(d->screen, &width, &height);
	dashboard_resize(&d->view, width, height);
	d->touched = true;
}

static int timeout(const struct dash *d, int64_t now)
{
	int wait = dash_world_timeout(d);
	int64_t frame = next_frame(d) - now;
	if (!d->view.dirty || frame >= wait)
		return wait;
	return frame > 0 ? (int)frame : 0;
}

static void live(struct dash *d)
{
	struct loop *l = d->context->loop;
	int before = loop_interrupts(l);
	while (!d->leave && loop_interrupts(l) == before) {
		int64_t now = now_ms();
		dashboard_tick(&d->view, now);
		if (d->view.dirty && now >= next_frame(d))
			draw(d, now);
		sight_wait(d->sight, l, timeout(d, now));
		resize(d);
		dash_act_turn(d);
		dash_world_turn(d, now_ms());
	}
}

static void open_view(struct dash *d)
{
	struct context *c = d->context;
	int width, height;
	screen_size(d->screen, &width, &height);
	dashboard_init(&d->view, width, height);
	d->view.colour = screen_colours(d->screen);
	d->view.unicode = c->out.unicode;
	for (size_t i = 0; commands[i]; i++)
		strs_add(&c->arena, &d->view.commands, commands[i]->name);
	d->resizes = loop_resizes(c->loop);
}

static int run_dash(struct context *c, const void *opts, const struct strs *args)
{
	(void)opts;
	struct dash d = { .context = c };
	int status = look(c);
	if (!status)
		status = check_services(c, args);
	if (status)
		return status;
	c->loop = c->loop ? c->loop : loop_new();
	d.screen = screen_open(c->out.colour, &c->error);
	if (!d.screen)
		return fail(c);
	open_view(&d);
	dash_world_open(&d);
	if (args->count)
		dashboard_choose(&d.view, args->items[0]);
	dash_keys_on(&d, true);
	live(&d);
	dash_keys_on(&d, false);
	dash_act_close(&d);
	dash_world_close(&d);
	screen_close(d.screen);
	dashboard_release(&d.view);
	grid_release(&d.grid);
	int by = loop_signal(c->loop);
	return by && by != SIGINT ? 128 + by : 0;
}

const struct cmd cmd_dash = {
	.name = "dash",
	.group = "daily",
	.args = "[SVC]",
	.help = "units, stages, logs and the graph on the whole terminal",
	.detail =
		"Shows each unit with its state, uptime, processor time, memory, restarts, stages "
		"and ports; below it\n"
		"the log of the selected one, the stages of the modules, the graph, or what the "
		"last command said.\n\n"
		"? shows the keys: r restarts, R recreates, s stops, e opens a shell, t traces; / "
		"searches, f filters,\n"
		"space pauses, w wraps; : finds every command by name. The mouse works, too. "
		"Leaving (q) stops nothing.\n\n"
		"Where a log is written faster than it can be read, a sample of it is shown and "
		"that is said: `devenv\n"
		"logs` has all of it. Without a terminal `status`, `graph` and `logs` print the "
		"same.",
	.max_args = 1,
	.complete = COMPLETE_SERVICE,
	.run = run_dash,
};
