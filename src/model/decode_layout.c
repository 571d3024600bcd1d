/*
 * `layouts:` decoded: the words of tmuxinator and tmuxp become one form, names are resolved, and
 * what tmux would refuse only when it runs is refused here, with its place.
 */
#include <ctype.h>
#include <string.h>

#include "base/os.h"
#include "decode.h"
#include "model/layout.h"

struct scope { /* what panes inherit from their window and layout */
	const char *dir;
	vars environment;
	struct strs before;
};

/* A value under either of two names that mean the same; both is an error. */
static const struct node *either(struct decode *c, const struct node *n, const char *name,
	const char *same, const char *path)
{
	const struct node *one = node_get(n, name), *two = node_get(n, same);
	if (one && two)
		say(c, SEV_ERROR, two->place, path_of(c, path, same),
			"%s and %s are the same: keep one of them", name, same);
	return one ? one : two;
}

static const char *dir_read(
	struct decode *c, const struct node *n, const char *otherwise, const char *path)
{
	const char *dir = node_text(either(c, n, "root", "start_directory", path));
	if (!dir)
		return otherwise;
	if (dir[0] == '~' && (!dir[1] || dir[1] == '/') && c->req->home)
		return path_normal(c->a, path_join(c->a, c->req->home, dir[1] ? dir + 2 : ""));
	return path_normal(c->a, path_join(c->a, otherwise, dir));
}

/* What tmux is given stands in the arguments of processes, for everybody to see. */
static void no_secrets(struct decode *c, const vars *l, const char *path)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].value && find_reference(l->items[i].value, "${secret."))
			say(c, SEV_ERROR, l->items[i].place, path_of(c, path, l->items[i].name),
				"a secret would be visible here to every process of this machine")
				->hint = "run a command of a service that has the secret";
}

static void inherit(struct decode *c, const vars *from, vars *to)
{
	for (size_t i = 0; i < from->count; i++)
		*list_push(c->a, to) = from->items[i];
}

static vars vars_at(struct decode *c, const struct node *n, const char *key, const char *path)
{
	vars l = { 0 };
	vars_read(c, node_get(n, key), &l);
	no_secrets(c, &l, path_of(c, path, key));
	return l;
}

static struct scope scope_read(
	struct decode *c, const struct node *n, const struct scope *outer, const char *path)
{
	struct scope s = { .dir = dir_read(c, n, outer->dir, path) };
	vars own = vars_at(c, n, "environment", path);
	inherit(c, &outer->environment, &s.environment);
	inherit(c, &own, &s.environment);
	return s;
}

static struct strs before_read(struct decode *c, const struct node *n, const struct strs *outer,
	const char *same, const char *path)
{
	struct strs l = { 0 };
	for (size_t i = 0; i < outer->count; i++)
		strs_add(c->a, &l, outer->items[i]);
	strs_read(c, either(c, n, "shell_command_before", same, path), &l);
	return l;
}

/* ---- what a pane shows ---- */

static const struct service *service_named(
	struct decode *c, const struct node *v, const char *name, const char *path)
{
	const struct service *s = project_service(c->p, name);
	if (!s)
		say_unknown(c, v->place, path, "service", name, node_get(c->tree, "services"));
	return s;
}

static void logs_read(struct decode *c, struct pane *p, const struct node *v, const char *path)
{
	struct node *item;
	strs_read(c, v, &p->words);
	for (size_t i = 0; i < p->words.count; i++) {
		item = v->kind == NODE_LIST ? v->list.items[i] : (struct node *)v;
		const struct service *s = service_named(c, item, p->words.items[i], path);
		p->service = p->service ? p->service : s;
	}
}

static void service_read(struct decode *c, struct pane *p, const struct node *v, const char *path)
{
	p->service = service_named(c, v, node_text(v), path);
}

static void stage_read(struct decode *c, struct pane *p, const struct node *v, const char *path)
{
	service_read(c, p, v, path);
	if (p->service && !service_code(p->service))
		say(c, SEV_ERROR, v->place, path, "%s has no stages", p->service->name)->hint =
			"only a service with `develop:` is compiled, linted and tested";
}

static bool words_read(struct decode *c, struct pane *p, const struct node *v, const char *path)
{
	const char *why = "";
	size_t count = 0;
	const char *text = node_text(v);
	char **words = split_words(c->a, text ? text : "", &count, &why);
	if (!words || !count)
		say(c, SEV_ERROR, v->place, path, "%s", words ? "nothing is named here" : why);
	for (size_t i = 0; words && i < count; i++)
		strs_add(c->a, &p->words, words[i]);
	return words && count;
}

static void run_read(struct decode *c, struct pane *p, const struct node *v, const char *path)
{
	if (!words_read(c, p, v, path))
		return;
	const struct command *cmd = project_command(c->p, p->words.items[0]);
	if (!cmd)
		say_unknown(c, v->place, path, "command", p->words.items[0],
			node_get(c->tree, "commands"));
	else if (cmd->service)
		p->service = project_service(c->p, cmd->service);
}

static void trace_read(struct decode *c, struct pane *p, const struct node *v, const char *path)
{
	/* What reads or writes files of this host is the developer's to type. */
	static const char *const allowed[] = { "--all", "--every", "--from", "--header", "-H",
		"--timeout", "-t" };
	words_read(c, p, v, path);
	for (size_t i = 0; i < p->words.count; i++) {
		const char *word = p->words.items[i];
		const char *name = arena_strndup(c->a, word, strcspn(word, "="));
		bool known = word[0] != '-';
		for (size_t k = 0; k < countof(allowed); k++)
			known = known || streq(name, allowed[k]);
		if (!known)
			say(c, SEV_ERROR, v->place, path, "a pane's trace takes no %s", name)
				->hint =
				"--every SECONDS, --from STAGE, --header, --timeout, --all";
	}
}

static void command_read(struct decode *c, struct pane *p, const struct node *v, const char *path)
{
	(void)path;
	if (v->kind == NODE_LIST)
		strs_read(c, v, &p->words);
	else
		strs_add(c->a, &p->lines, node_text(v));
}

static void lines_read(struct decode *c, struct pane *p, const struct node *v, const char *path)
{
	(void)path;
	strs_read(c, v, &p->lines);
}

static const struct {
	const char *key;
	enum pane_kind kind;
	void (*read)(struct decode *c, struct pane *p, const struct node *v, const char *path);
} shows[] = {
	{ "logs", PANE_LOGS, logs_read },
	{ "attach", PANE_ATTACH, service_read },
	{ "shell", PANE_SHELL, service_read },
	{ "stage", PANE_STAGE, stage_read },
	{ "run", PANE_RUN, run_read },
	{ "trace", PANE_TRACE, trace_read },
	{ "command", PANE_COMMAND, command_read },
	{ "shell_command", PANE_COMMAND, lines_read },
};

static void shows_read(struct decode *c, struct pane *p, const struct node *n, const char *path)
{
	const char *first = NULL;
	for (size_t i = 0; i < countof(shows); i++) {
		const struct node *v = node_get(n, shows[i].key);
		if (!v || v->kind == NODE_NULL)
			continue;
		if (first) {
			say(c, SEV_ERROR, v->place, path_of(c, path, shows[i].key),
				"a pane shows one thing: %s or %s", first, shows[i].key)
				->hint = "make two panes of it";
			continue;
		}
		first = shows[i].key;
		p->kind = shows[i].kind;
		shows[i].read(c, p, v, path_of(c, path, shows[i].key));
	}
}

static bool size_valid(const char *s)
{
	size_t digits = strspn(s, "0123456789");
	return digits && digits < 5 && s[0] != '0' && (!s[digits] || streq(s + digits, "%"));
}

static void size_read(struct decode *c, struct pane *p, const struct node *n, const char *path)
{
	p->size = text_at(n, "size");
	if (p->size && !size_valid(p->size)) {
		say(c, SEV_ERROR, place_at(n, "size", n->place), path_of(c, path, "size"),
			"expected a number of cells or a percentage, got \"%s\"", p->size);
		p->size = NULL;
	}
}

static void pane_read(struct decode *c, struct window *w, const struct node *n,
	const struct scope *outer, const char *path)
{
	struct pane *p = list_push(c->a, &w->panes);
	struct scope own = scope_read(c, n, outer, path);
	p->place = n->place;
	p->dir = own.dir;
	p->environment = own.environment;
	if (n->kind == NODE_STR) {
		p->kind = PANE_COMMAND;
		strs_add(c->a, &p->lines, node_text(n));
	}
	shows_read(c, p, n, path);
	size_read(c, p, n, path);
	p->title = node_text(either(c, n, "title", "name", path));
	p->focus = truth(node_get(n, "focus"), false);
}

/* ---- windows ---- */

/* tmux's own sum over what follows the first comma. */
static unsigned layout_sum(const char *s)
{
	unsigned sum = 0;
	for (; *s; s++)
		sum = (((sum >> 1) + ((sum & 1) << 15)) + (unsigned char)*s) & 0xffff;
	return sum;
}

static bool custom_layout(const char *s)
{
	return strlen(s) > 5 && strspn(s, "0123456789abcdef") == 4 && s[4] == ',' &&
	       isdigit((unsigned char)s[5]) && strspn(s + 5, "0123456789x,{}[]") == strlen(s + 5);
}

static void layout_check(struct decode *c, const struct node *v, const char *path)
{
	static const char *const known[] = { "even-horizontal", "even-vertical", "main-horizontal",
		"main-vertical", "tiled" };
	const char *text = node_text(v);
	unsigned sum = custom_layout(text) ? layout_sum(text + 5) : 0;
	for (size_t i = 0; i < countof(known); i++)
		if (streq(known[i], text))
			return;
	if (!custom_layout(text)) {
		struct diag *d =
			say(c, SEV_ERROR, v->place, path, "tmux has no layout \"%s\"", text);
		const char *near = nearest_name(text, known, countof(known));
		d->hint = near ? arena_printf(c->a, "did you mean \"%s\"?", near)
			       : "even-horizontal, even-vertical, main-horizontal, main-vertical, "
				 "tiled, or what `tmux display -p '#{window_layout}'` prints";
	} else if (strncmp(text, arena_printf(c->a, "%04x", sum), 4) != 0) {
		say(c, SEV_ERROR, v->place, path,
			"this layout does not carry its own check sum, %04x: tmux would refuse it",
			sum)
			->hint = "take it whole from `tmux display -p '#{window_layout}'`";
	}
}

static void window_read(struct decode *c, struct layout *l, const struct node *n,
	const struct scope *outer, const char *path)
{
	struct window *w = list_push(c->a, &l->windows);
	struct node *item;
	struct scope own = scope_read(c, n, outer, path);
	own.before = before_read(c, n, &outer->before, "pre", path);
	w->place = n->place;
	w->name = node_text(either(c, n, "name", "window_name", path));
	w->layout = text_at(n, "layout");
	if (w->layout)
		layout_check(c, node_get(n, "layout"), path_of(c, path, "layout"));
	w->before = own.before;
	w->options = vars_at(c, n, "options", path);
	w->options_after = vars_at(c, n, "options_after", path);
	w->focus = truth(node_get(n, "focus"), false);
	const char *synchronize = text_at(n, "synchronize");
	w->synchronize = synchronize && !streq(synchronize, "false");
	node_each_item(node_get(n, "panes"), i, item)
		pane_read(c, w, item, &own, path_item(c, path_of(c, path, "panes"), i));
}

/* tmuxinator's way to say where to start; a number counts from 0. */
static void startup_read(struct decode *c, struct layout *l, const struct node *v, const char *path)
{
	const char *want = v ? node_text(v) : NULL;
	int64_t number = -1;
	if (!want)
		return;
	parse_int(want, &number);
	for (size_t i = 0; i < l->windows.count; i++) {
		struct window *w = &l->windows.items[i];
		if (streq(w->name, want) || (int64_t)i == number) {
			w->focus = true;
			return;
		}
	}
	say(c, SEV_ERROR, v->place, path_of(c, path, "startup_window"),
		"there is no window \"%s\" here", want);
}

static void layout_read(struct decode *c, const struct node_pair *pair)
{
	const struct node *n = pair->value;
	const char *path = path_of(c, "layouts", pair->key);
	struct layout *l = list_push(c->a, &c->p->layouts);
	struct scope top = { .dir = c->p->dir }, own;
	struct node *item;
	own = scope_read(c, n, &top, path);
	own.before = before_read(c, n, &top.before, "pre_window", path);
	l->name = pair->key;
	l->place = pair->key_place.file ? pair->key_place : n->place;
	l->options = vars_at(c, n, "options", path);
	l->global_options = vars_at(c, n, "global_options", path);
	l->title_side = text_at(n, "pane_title_position");
	node_each_item(node_get(n, "windows"), i, item)
	{
		if (item->kind == NODE_MAP)
			window_read(c, l, item, &own, path_item(c, path_of(c, path, "windows"), i));
	}
	startup_read(c, l, node_get(n, "startup_window"), path);
}

void decode_layouts(struct decode *c)
{
	const struct node_pair *pair;
	node_each_entry(node_get(c->tree, "layouts"), i, pair)
	{
		if (pair->value->kind == NODE_MAP)
			layout_read(c, pair);
	}
}

const struct layout *project_layout(const struct project *p, const char *name)
{
	for (size_t i = 0; i < p->layouts.count; i++)
		if (streq(p->layouts.items[i].name, name))
			return &p->layouts.items[i];
	return NULL;
}
