/*
 * What can be asked for: one table for keys, the palette and the help. Comes in: an action, the
 * selected unit. Goes out: an intent. What it asks for is done by whoever runs the dashboard.
 */
#include <string.h>

#include "dashboard_parts.h"

const struct dash_action dash_actions[] = {
	{ 'r', VERB_RUN, "restart", NULL, "stop it and start it again", false },
	{ 'R', VERB_RUN, "recreate", NULL, "a new container of the same image", true },
	{ 's', VERB_RUN, "stop", NULL, "stop it; it stays as it is", true },
	{ 'u', VERB_RUN, "up", "-d", "bring it up with all that it needs", false },
	{ 'e', VERB_INSIDE, "shell", NULL, "a shell in it, on this terminal", false },
	{ 'D', VERB_INSIDE, "debug", NULL, "the tools container beside it", false },
	{ 't', VERB_TRACE, "trace", NULL, "one request through every stage of its route", false },
	{ 'o', VERB_RUN, "open", NULL, "its URL in the browser", false },
	{ 0, VERB_RUN, "compile", NULL, "compile its code now", false },
	{ 0, VERB_RUN, "lint", NULL, "lint its code now", false },
	{ 0, VERB_RUN, "test", NULL, "test its code now", false },
	{ 'U', VERB_RUN_ALL, "up", "-d", "bring everything up", false },
	{ 0, VERB_RUN_ALL, "stop", NULL, "stop everything", true },
	{ 0, VERB_RUN_ALL, "plan", NULL, "what `up` would do, and why", false },
	{ 0, VERB_RUN_ALL, "doctor", NULL, "look for what is wrong on this machine", false },
	{ 'x', VERB_OWN, "cancel", NULL, "end the command that runs", false },
	{ '/', VERB_OWN, "search", NULL, "mark what matches; n and N go on, Esc ends it", false },
	{ 'f', VERB_OWN, "filter", NULL, "show only lines that match; Esc ends it", false },
	{ ' ', VERB_OWN, "pause", NULL, "hold what is shown; again: follow", false },
	{ 'w', VERB_OWN, "wrap", NULL, "long lines: folded or cut", false },
	{ '1', VERB_OWN, "show logs", NULL, "of the selected unit", false },
	{ '2', VERB_OWN, "show stages", NULL, "compile, lint and test of the modules", false },
	{ '3', VERB_OWN, "show graph", NULL, "who needs whom", false },
	{ '4', VERB_OWN, "show output", NULL, "of the last command", false },
	{ '?', VERB_OWN, "help", NULL, "keys", false },
	{ 'q', VERB_OWN, "quit", NULL, "leave; nothing is stopped", false },
};
const size_t dash_action_count = countof(dash_actions);

static bool about_unit(const struct dash_action *a)
{
	return a->verb == VERB_RUN || a->verb == VERB_INSIDE || a->verb == VERB_TRACE;
}

bool action_applies(
	const struct dashboard *d, const struct dash_action *a, const struct dash_unit *unit)
{
	static const char *const stages[] = { "compile", "lint", "test" };
	if (a->verb == VERB_OWN)
		return !unit;
	if (!strs_has(&d->commands, a->name) || about_unit(a) != (unit != NULL))
		return false;
	if (unit && unit->orphan)
		return false;
	for (size_t i = 0; i < countof(stages); i++)
		if (streq(a->name, stages[i]))
			return unit->marks[0] != '\0';
	return (a->verb != VERB_TRACE && !streq(a->name, "open")) || unit->url;
}

static void add_word(struct dashboard *d, const char *word)
{
	if (word)
		strs_add(&d->intent_arena, &d->intent.words, arena_strdup(&d->intent_arena, word));
}

void action_begin(struct dashboard *d, const struct dash_action *a, const struct dash_unit *unit)
{
	if (a->verb != VERB_INSIDE && d->running) {
		dashboard_say(d, "%s still runs: x ends it", d->output_title);
		return;
	}
	d->intent.want = a->verb == VERB_INSIDE ? DASH_INSIDE : DASH_RUN;
	add_word(d, a->name);
	add_word(d, a->argument);
	if (unit)
		add_word(d, a->verb == VERB_TRACE ? unit->url : unit->name);
}

/* ---- the help ---- */

static void help_line(struct buf *out, const char *key, const char *name, const char *help)
{
	buf_addf(out, "  %-14s %-14s %s\n", key, name, help);
}

static void help_actions(const struct dashboard *d, struct buf *out, bool own)
{
	for (size_t i = 0; i < dash_action_count; i++) {
		const struct dash_action *a = &dash_actions[i];
		char key[] = { (char)a->key, '\0' };
		bool there = a->verb == VERB_OWN || strs_has(&d->commands, a->name);
		if (a->key && there && own == (a->verb == VERB_OWN))
			help_line(out, a->key == ' ' ? "space" : key, a->name, a->help);
	}
}

void dashboard_help(struct dashboard *d)
{
	cleanup_buf struct buf b = BUF_INIT;
	buf_adds(&b, "The selected unit\n");
	help_actions(d, &b, false);
	buf_adds(&b, "What is shown\n");
	help_actions(d, &b, true);
	help_line(&b, "j k Up Down", "select", "a unit; or click it");
	help_line(&b, "Tab Shift-Tab", "next pane", "or click its name");
	help_line(
		&b, "PgUp PgDn [ ]", "scroll", "or the wheel; Left and Right where lines are cut");
	help_line(&b, "g G Home End", "first, last", "the end is followed");
	help_line(&b, ": Ctrl-P", "commands", "everything by name, of any unit");
	help_line(&b, "Ctrl-L", "redraw", "where others wrote on the terminal");
	help_line(&b, "Esc", "back", "ends help, search, filter, pause in turn");
	pane_text(&d->panes[DASH_HELP], buf_str(&b), b.len);
}
