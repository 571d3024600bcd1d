/*
 * What the keys of the foreground do. Comes in: intents. Goes out: requests to the agent, a child
 * that restarts a service, the way the foreground ends.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/agent_client.h"
#include "foreground_parts.h"
#include "run/io/spawn.h"

extern char **environ;

enum { LOOK_MS = 50 };

void foreground_end(struct foreground *f, enum ending e)
{
	if (f->ending)
		return;
	f->ending = e;
	loop_interrupt(f->context->loop, SIGINT);
}

/* ---- the filter ---- */

bool filter_passes(struct foreground *f, const char *line, size_t len)
{
	if (!f->filtering)
		return true;
	regmatch_t all = { .rm_so = 0, .rm_eo = (regoff_t)len };
	return regexec(&f->filter, line, 0, &all, REG_STARTEND) == 0;
}

static void set_filter(struct foreground *f, const char *text)
{
	char why[200];
	regex_t fresh;
	int rc = *text ? regcomp(&fresh, text, REG_EXTENDED | REG_NOSUB) : 0;
	if (rc) {
		regerror(rc, &fresh, why, sizeof(why));
		show_say(f, "\"%s\" is not a regular expression: %s", text, why);
		return;
	}
	if (f->filtering)
		regfree(&f->filter);
	f->filtering = *text != '\0';
	if (f->filtering)
		f->filter = fresh;
	snprintf(f->filter_text, sizeof(f->filter_text), "%s", text);
	show_say(f, f->filtering ? "only lines that match %s" : "all lines%s", text);
}

/* ---- switches ---- */

static void flip(struct foreground *f, const char *name, bool now)
{
	struct arena a = ARENA_INIT;
	struct place no = { 0 };
	struct err e = ERR_INIT;
	if (!f->agent) {
		show_say(f, "nothing is watched here: no service has develop:, or it is up "
			    "--no-watch");
		return;
	}
	struct node *n = agent_request(&a, "set");
	map_put(&a, n, name, no, node_bool(&a, !now, no));
	if (!control_ask(f->agent, &a, n, &e))
		show_say(f, "%s", e.text);
	arena_release(&a);
	on_agent(f); /* its events may have come before its answer */
}

/* ---- restart ---- */

void restart_release(struct restarting *r)
{
	loop_hook_free(r->look);
	if (r->child)
		child_free(r->child);
	*r = (struct restarting){ 0 };
}

static void on_restart_line(void *ctx, const char *line, size_t len)
{
	show_say(ctx, "%.*s", (int)(len < 4096 ? len : 4096), line);
}

static void on_restart_look(void *ctx)
{
	struct foreground *f = ctx;
	struct restarting *r = &f->restart;
	if (!child_done(r->child))
		return;
	if (child_status(r->child))
		show_say(f, "%s was not restarted", r->service);
	restart_release(r);
	show_footer(f);
}

static struct strs restart_argv(struct context *c, const char *service)
{
	static const char *const words[] = { "--progress", "plain", "--ansi", "never", "restart" };
	struct strs v = self_argv(c, own_program());
	for (size_t i = 0; i < countof(words); i++)
		strs_add(&c->arena, &v, words[i]);
	strs_add(&c->arena, &v, service);
	strs_add(&c->arena, &v, NULL);
	return v;
}

static void restart_service(struct foreground *f, const char *service)
{
	struct restarting *r = &f->restart;
	struct err e = ERR_INIT;
	if (r->child) {
		show_say(f, "%s is being restarted: one at a time", r->service);
		return;
	}
	snprintf(r->service, sizeof(r->service), "%s", service);
	r->argv = restart_argv(f->context, service);
	r->spawn = (struct spawn){ .argv = r->argv.items,
		.env = (const char *const *)environ,
		.line = on_restart_line,
		.ctx = f };
	r->child = child_start(f->context->loop, &r->spawn, &e);
	if (!r->child) {
		show_say(f, "restarting %s: %s", service, e.text);
		restart_release(r);
		return;
	}
	r->look = loop_every(f->context->loop, LOOK_MS, on_restart_look, f);
}

/* By number, by name, by the beginning of one name. */
static const char *restart_choice(const struct foreground *f, const char *text)
{
	int64_t number = 0;
	const char *begun = NULL;
	size_t matches = 0;
	if (parse_int(text, &number) && number > 0 && (size_t)number <= f->names.count)
		return f->names.items[number - 1];
	for (size_t i = 0; i < f->names.count; i++) {
		if (streq(f->names.items[i], text))
			return f->names.items[i];
		if (!starts_with(f->names.items[i], text))
			continue;
		begun = f->names.items[i];
		matches++;
	}
	return matches == 1 ? begun : NULL;
}

static void restart_answer(struct foreground *f, const char *text)
{
	const char *service = *text ? restart_choice(f, text) : NULL;
	if (service)
		restart_service(f, service);
	else if (*text)
		show_say(f, "there is no service \"%s\" here", text);
}

static void help(struct foreground *f)
{
	cleanup_buf struct buf out = BUF_INIT;
	view_keys(&out, f->results.style);
	show_lines(f, &out);
}

static void act(struct foreground *f, enum intent i)
{
	const char *typed = buf_str(&f->keys.line);
	switch (i) {
	case INTENT_WATCH:
		flip(f, "watch", f->results.watch);
		break;
	case INTENT_LINT:
		flip(f, "lint", f->results.lint);
		break;
	case INTENT_TEST:
		flip(f, "test", f->results.test);
		break;
	case INTENT_RESTART:
		restart_answer(f, typed);
		break;
	case INTENT_FILTER:
		set_filter(f, typed);
		break;
	case INTENT_DETACH:
		foreground_end(f, ENDING_DETACH);
		break;
	case INTENT_QUIT:
		f->quit = true;
		foreground_end(f, ENDING_STOP);
		break;
	case INTENT_HELP:
		help(f);
		break;
	case INTENT_REDRAW:
		show_again(f);
		break;
	case INTENT_NONE:
		break;
	}
}

void on_key(void *foreground, unsigned char byte)
{
	struct foreground *f = foreground;
	bool changed = false, asked = f->keys.asking != INTENT_NONE;
	if (f->ending)
		return;
	enum intent i = keys_byte(&f->keys, byte, &changed);
	if (!asked && f->keys.asking == INTENT_RESTART && f->names.count == 1) {
		f->keys.asking = INTENT_NONE; /* there is only one to ask about */
		restart_service(f, f->names.items[0]);
	} else {
		act(f, i);
	}
	if (changed || i)
		show_footer(f);
}
