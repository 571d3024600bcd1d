/*
 * tmuxinator's and tmuxp's files as a layout. Comes in: their tree. Goes out: a value of layouts:.
 * Most words are the same; what differs is the shape of windows and panes, and what belongs to
 * another part of devenv.yml is named in a warning.
 */
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "planner/import.h"

struct import {
	struct arena *a;
	struct diags *d;
	enum import_kind kind;
	const struct node *pane_focus; /* tmuxinator's startup_pane */
};

static const struct place nowhere;

/* ---- words ---- */

const char *import_line(struct arena *a, const char *line)
{
	cleanup_buf struct buf b = BUF_INIT;
	for (const char *s = line; *s; s++)
		buf_adds(&b, *s == '$' ? "$$" : (char[]){ *s, '\0' });
	return arena_strdup(a, buf_str(&b));
}

static struct node *line_node(struct import *m, const struct node *n)
{
	const char *text = node_text(n);
	return node_str(m->a, text ? import_line(m->a, text) : "", n->place);
}

static void put(struct import *m, struct node *map, const char *key, struct node *value)
{
	map_put(m->a, map, key, nowhere, value);
}

/* A command of tmuxp may be a map, {cmd: ...}. */
static const struct node *command_of(const struct node *n)
{
	return n->kind == NODE_MAP ? node_get(n, "cmd") : n;
}

/* One or several shell lines as a list. */
static struct node *lines_of(struct import *m, const struct node *n)
{
	struct node *out = node_list(m->a, n->place), *item;
	if (node_is_scalar(n))
		list_add(m->a, out, line_node(m, n));
	node_each_item(n, i, item)
	{
		const struct node *line = command_of(item);
		if (line && node_is_scalar(line))
			list_add(m->a, out, line_node(m, line));
	}
	return out;
}

enum how { AS_IS, LINES, IN_SILENCE, BY_HAND };

struct word {
	const char *theirs, *ours;
	enum how how;
};

static void drop(struct import *m, const struct node_pair *pair, const char *advice)
{
	diag_add(m->d, SEV_WARNING, pair->key_place, "%s is not taken over", pair->key)->hint =
		advice;
}

static const struct word *word_of(const struct word *words, const char *key)
{
	while (words->theirs && !streq(words->theirs, key))
		words++;
	return words->theirs ? words : NULL;
}

/* What both know by the same or another name; the rest is said. */
static void take(struct import *m, const struct node *from, struct node *to,
	const struct word *words, const char *advice)
{
	const struct node_pair *pair;
	node_each_pair(from, i, pair)
	{
		const struct word *w = word_of(words, pair->key);
		if (!w)
			drop(m, pair, advice);
		else if (w->how == AS_IS && pair->value->kind != NODE_NULL)
			put(m, to, w->ours ? w->ours : w->theirs, pair->value);
		else if (w->how == LINES && pair->value->kind != NODE_NULL)
			put(m, to, w->ours, lines_of(m, pair->value));
	}
}

/* ---- panes ---- */

static bool blank(const struct node *n)
{
	const char *text = node_is_scalar(n) ? node_text(n) : NULL;
	return n->kind == NODE_NULL ||
	       (text && (!*text || streq(text, "blank") || streq(text, "pane")));
}

static struct node *lines_pane(struct import *m, const struct node *n)
{
	struct node *lines = lines_of(m, n), *pane = node_map(m->a, n->place);
	if (!node_count(lines))
		return node_null(m->a, n->place);
	if (node_count(lines) == 1)
		put(m, pane, "command", lines->list.items[0]);
	else
		put(m, pane, "shell_command", lines);
	return pane;
}

static struct node *simple_pane(struct import *m, const struct node *n)
{
	if (blank(n))
		return node_null(m->a, n->place);
	return node_is_scalar(n) ? line_node(m, n) : lines_pane(m, n);
}

/* tmuxinator: {title: commands}. */
static struct node *titled_pane(struct import *m, const struct node *n)
{
	const struct node_pair *pair = &n->map.items[0];
	struct node *value = simple_pane(m, pair->value), *pane = value;
	if (value->kind != NODE_MAP) {
		pane = node_map(m->a, n->place);
		if (value->kind != NODE_NULL)
			put(m, pane, "command", value);
	}
	put(m, pane, "title", node_str(m->a, pair->key, pair->key_place));
	return pane;
}

static struct node *tmuxp_pane(struct import *m, const struct node *n)
{
	static const struct word words[] = { { "shell_command", NULL, IN_SILENCE },
		{ "focus", NULL, IN_SILENCE }, { "start_directory", "root", AS_IS },
		{ "environment", NULL, AS_IS }, { "title", NULL, AS_IS },
		{ "enter", NULL, IN_SILENCE }, { "suppress_history", NULL, IN_SILENCE },
		{ "sleep_before", NULL, IN_SILENCE }, { "sleep_after", NULL, IN_SILENCE },
		{ NULL, NULL, AS_IS } };
	const struct node *command = node_get(n, "shell_command");
	const char *focus = node_text(node_get(n, "focus"));
	struct node *pane = command && !blank(command) ? lines_pane(m, command) : NULL;
	if (!pane || pane->kind != NODE_MAP)
		pane = node_map(m->a, n->place);
	take(m, n, pane, words, "a pane runs its own lines only");
	if (focus && !streq(focus, "false"))
		put(m, pane, "focus", node_bool(m->a, true, nowhere));
	return node_count(pane) ? pane : node_null(m->a, n->place);
}

static struct node *pane(struct import *m, const struct node *n)
{
	if (n->kind != NODE_MAP || !node_count(n))
		return simple_pane(m, n);
	return m->kind == IMPORT_TMUXP ? tmuxp_pane(m, n) : titled_pane(m, n);
}

static struct node *panes(struct import *m, const struct node *list, struct place at)
{
	struct node *out = node_list(m->a, at), *item;
	node_each_item(list, i, item) list_add(m->a, out, pane(m, item));
	if (!node_count(out))
		list_add(
			m->a, out, list && !node_count(list) ? pane(m, list) : node_null(m->a, at));
	return out;
}

/* ---- windows ---- */

static const struct word tmuxp_window[] = { { "window_name", "name", AS_IS },
	{ "layout", NULL, AS_IS }, { "focus", NULL, IN_SILENCE },
	{ "start_directory", "root", AS_IS }, { "options", NULL, AS_IS },
	{ "options_after", NULL, AS_IS }, { "environment", NULL, AS_IS },
	{ "shell_command_before", "shell_command_before", LINES }, { "panes", NULL, IN_SILENCE },
	{ "suppress_history", NULL, IN_SILENCE }, { "window_index", NULL, IN_SILENCE },
	{ NULL, NULL, AS_IS } };

static const struct word tmuxinator_window[] = { { "layout", NULL, AS_IS }, { "root", NULL, AS_IS },
	{ "pre", "shell_command_before", LINES }, { "synchronize", NULL, AS_IS },
	{ "panes", NULL, IN_SILENCE }, { NULL, NULL, AS_IS } };

static struct node *tmuxp_window_of(struct import *m, const struct node *n)
{
	struct node *w = node_map(m->a, n->place);
	const char *focus = node_text(node_get(n, "focus"));
	take(m, n, w, tmuxp_window, "set it as one of `options:`");
	if (focus && !streq(focus, "false"))
		put(m, w, "focus", node_bool(m->a, true, nowhere));
	put(m, w, "panes", panes(m, node_get(n, "panes"), n->place));
	return w;
}

/* tmuxinator: {name: command | [commands] | nothing | {layout:, panes:, ...}}. */
static struct node *tmuxinator_window_of(
	struct import *m, const char *name, struct place at, const struct node *n)
{
	struct node *w = node_map(m->a, at), *one;
	put(m, w, "name", node_str(m->a, name, at));
	if (n->kind == NODE_MAP) {
		take(m, n, w, tmuxinator_window, "set it as one of `options:`");
		put(m, w, "panes", panes(m, node_get(n, "panes"), at));
		return w;
	}
	one = node_list(m->a, at);
	list_add(m->a, one, simple_pane(m, n));
	put(m, w, "panes", one);
	return w;
}

static struct node *windows(struct import *m, const struct node *list)
{
	struct node *out = node_list(m->a, nowhere), *item;
	const struct node_pair *pair;
	node_each_item(list, i, item)
	{
		if (m->kind == IMPORT_TMUXP && item->kind == NODE_MAP)
			list_add(m->a, out, tmuxp_window_of(m, item));
		else if (item->kind == NODE_MAP && node_count(item))
			list_add(m->a, out,
				tmuxinator_window_of(m, item->map.items[0].key, item->place,
					item->map.items[0].value));
		else if (node_is_scalar(item))
			list_add(m->a, out,
				tmuxinator_window_of(m, node_text(item), item->place,
					node_null(m->a, item->place)));
	}
	node_each_pair(list, i, pair) list_add(
		m->a, out, tmuxinator_window_of(m, pair->key, pair->key_place, pair->value));
	return out;
}

/* ---- the file ---- */

static const struct word tmuxp_top[] = { { "session_name", NULL, IN_SILENCE },
	{ "start_directory", "root", AS_IS }, { "environment", NULL, AS_IS },
	{ "options", NULL, AS_IS }, { "global_options", NULL, AS_IS },
	{ "shell_command_before", "shell_command_before", LINES }, { "windows", NULL, IN_SILENCE },
	{ "suppress_history", NULL, IN_SILENCE }, { NULL, NULL, AS_IS } };

static const struct word tmuxinator_top[] = { { "name", NULL, IN_SILENCE },
	{ "project_name", NULL, IN_SILENCE }, { "root", NULL, AS_IS },
	{ "project_root", "root", AS_IS }, { "pre_window", "shell_command_before", LINES },
	{ "pre_tab", "shell_command_before", LINES }, { "startup_window", NULL, AS_IS },
	{ "startup_pane", NULL, IN_SILENCE }, { "pane_title_position", NULL, AS_IS },
	{ "enable_pane_titles", NULL, IN_SILENCE }, { "attach", NULL, IN_SILENCE },
	{ "tmux_detached", NULL, IN_SILENCE }, { "windows", NULL, IN_SILENCE },
	{ "tabs", NULL, IN_SILENCE }, { NULL, NULL, AS_IS } };

/* A key of layouts: small letters, digits, dashes. */
static const char *key_of(struct import *m, const char *name)
{
	char *out = arena_strdup(m->a, name && *name ? name : "session");
	for (char *s = out; *s; s++)
		*s = isalnum((unsigned char)*s) ? (char)tolower((unsigned char)*s) : '-';
	out += strspn(out, "-");
	out[strnlen(out, 60)] = '\0';
	return *out ? out : "session";
}

static void focus_pane(struct import *m, struct node *layout, const struct node *wanted)
{
	const struct node *list = node_get(layout, "windows");
	const char *start = node_text(node_get(layout, "startup_window"));
	const char *text = wanted ? node_text(wanted) : NULL;
	int64_t number;
	if (!text || !parse_int(text, &number) || !node_count(list))
		return;
	struct node *w = list->list.items[0], *item;
	node_each_item(list, i, item)
	{
		if (start && streq(node_text(node_get(item, "name")), start))
			w = item;
	}
	struct node *all = node_get(w, "panes");
	if (number < 0 || (size_t)number >= node_count(all))
		return;
	struct node **at = &all->list.items[number];
	if ((*at)->kind != NODE_MAP) {
		struct node *whole = node_map(m->a, (*at)->place);
		if ((*at)->kind != NODE_NULL)
			put(m, whole, "command", *at);
		*at = whole;
	}
	put(m, *at, "focus", node_bool(m->a, true, nowhere));
}

struct node *import_layout(struct arena *a, enum import_kind kind, const struct node *file,
	const char **name, struct diags *d)
{
	bool tmuxp = kind == IMPORT_TMUXP;
	struct import m = { .a = a, .d = d, .kind = kind };
	const struct node *list = node_get(file, "windows");
	const struct node *title = node_get(file, tmuxp ? "session_name" : "name");
	struct node *out = node_map(a, file->place);
	list = list ? list : node_get(file, "tabs");
	title = title ? title : node_get(file, "project_name");
	if (!node_count(list)) {
		diag_add(d, SEV_ERROR, list ? list->place : file->place, "there are no windows");
		return NULL;
	}
	*name = key_of(&m, title && node_is_scalar(title) ? node_text(title) : NULL);
	take(&m, file, out, tmuxp ? tmuxp_top : tmuxinator_top,
		"what is to run before belongs under `hooks:`; devenv has a socket of its own");
	put(&m, out, "windows", windows(&m, list));
	focus_pane(&m, out, tmuxp ? NULL : node_get(file, "startup_pane"));
	return out;
}
