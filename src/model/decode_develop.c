/*
 * `develop:` of a service in, its sources, dependencies and stages out. A pasted Compose service
 * that only says develop.watch is no module.
 */
#include "decode.h"

#include <string.h>

#include "base/os.h"

enum { QUIET_MS = 20, QUIET_MAX_MS = 60 * 1000 };

static void stage_read(struct stage *stage, const struct node *n)
{
	if (!n || n->kind == NODE_NULL)
		return;
	const char *gate = text_at(n, "gate");
	stage->command = node_is_scalar(n) ? node_text(n) : text_at(n, "command");
	stage->warn = streq(gate, "warn");
	stage->place = n->place;
}

static void deps_read(struct decode *c, struct dependencies *deps, const struct node *n)
{
	static const struct slot slots[] = {
		{ "lock", SLOT_STRS, offsetof(struct dependencies, lock) },
		{ "install", SLOT_TEXT, offsetof(struct dependencies, install) },
		{ "into", SLOT_TEXT, offsetof(struct dependencies, into) },
		{ "cache", SLOT_STRS, offsetof(struct dependencies, cache) },
	};
	if (!n || n->kind != NODE_MAP)
		return;
	slots_read(c, n, slots, countof(slots), deps);
	deps->place = n->place;
}

static bool success_valid(const char *word)
{
	static const char exec[] = "exec:";
	if (streq(word, "restart") || streq(word, "none"))
		return true;
	if (starts_with(word, "signal:"))
		return word[strlen("signal:")] != '\0';
	return starts_with(word, exec) && word[strlen(exec) + strspn(word + strlen(exec), " ")];
}

static void success_read(
	struct decode *c, struct develop *dev, const struct node *n, const char *path)
{
	const char *exec = text_at(n, "exec");
	const char *word = n && node_is_scalar(n) ? node_text(n) : exec ? "none" : "restart";
	const char *arg = strchr(word, ':');
	dev->success_place = n ? n->place : dev->place;
	if (!success_valid(word)) {
		struct diag *d = say(c, SEV_ERROR, n->place, path_of(c, path, "on_success"),
			"\"%s\" is nothing that on_success knows", word);
		d->hint = "restart, signal:HUP, exec: CMD, or none";
		return;
	}
	dev->success = exec || starts_with(word, "exec:") ? SUCCESS_EXEC
		       : starts_with(word, "signal:")     ? SUCCESS_SIGNAL
		       : streq(word, "none")              ? SUCCESS_NONE
							  : SUCCESS_RESTART;
	dev->success_arg = exec ? exec : arg ? arg + 1 + strspn(arg + 1, " ") : NULL;
}

/* Of a rule: absolute, in the project. Compose's own rules count from the project. */
static const char *watched_path(
	struct decode *c, const struct develop *dev, const struct node *n, const char *path)
{
	const char *project = path_normal(c->a, c->req->dir), *said = text_at(n, "path");
	const char *base = node_get(n, "action") ? project : dev->source;
	const char *whole = path_normal(c->a, path_join(c->a, base, said ? said : "."));
	if (path_inside(project, whole))
		return whole;
	say(c, SEV_ERROR, place_at(n, "path", n->place), path_of(c, path, "path"),
		"the watched path \"%s\" lies outside of the project", said)
		->hint = "it is relative to the source of `develop`";
	return NULL;
}

/* A pattern of nothing would match nothing, which nobody means. */
static void patterns_read(
	struct decode *c, const struct node *n, const char *key, const char *path, struct strs *out)
{
	const struct node *list = node_get(n, key);
	strs_read(c, list, out);
	for (size_t i = 0; i < out->count; i++) {
		const char *text = out->items[i];
		if (text[strspn(text, " \t!")])
			continue;
		say(c, SEV_ERROR,
			list->kind == NODE_LIST ? list->list.items[i]->place : list->place,
			path_item(c, path_of(c, path, key), i), "\"%s\" is no pattern", text)
			->hint = "patterns as in .gitignore: \"*.py\", build/, !keep.log";
	}
}

static void rule_read(struct decode *c, struct develop *dev, const struct node *n, const char *path)
{
	struct watch_rule r = { .place = n->place };
	const struct node *quiet = node_get(n, "debounce");
	r.path = watched_path(c, dev, n, path);
	r.debounce_ms = duration(quiet, QUIET_MS);
	if (r.debounce_ms > QUIET_MAX_MS)
		say(c, SEV_ERROR, quiet->place, path_of(c, path, "debounce"),
			"changes would be gathered for longer than a minute")
			->hint = "a quiet time as 20ms or 1s; it begins anew with every change";
	patterns_read(c, n, "include", path, &r.include);
	patterns_read(c, n, "ignore", path, &r.ignore);
	if (r.path)
		*list_push(c->a, &dev->watch) = r;
}

/* Without rules the whole source is watched. */
static void watch_read(
	struct decode *c, struct develop *dev, const struct node *list, const char *path)
{
	const struct node *n;
	path = path_of(c, path, "watch");
	node_each_item(list, i, n)
	{
		if (n->kind == NODE_MAP)
			rule_read(c, dev, n, path_item(c, path, i));
	}
	if (!dev->watch.count)
		*list_push(c->a, &dev->watch) = (struct watch_rule){
			.path = dev->source, .debounce_ms = QUIET_MS, .place = dev->place
		};
}

/* The sources, absolute; NULL after an error. */
static const char *source_read(struct decode *c, const struct node *n, const char *path)
{
	const struct node *source = node_get(n, "source");
	if (!source || !node_is_scalar(source)) {
		struct diag *d = say(c, SEV_ERROR, n->place, path, "develop needs a source");
		d->hint = "the directory of the code, relative to the project: source: api";
		return NULL;
	}
	const char *dir = project_path(c, node_text(source));
	if (path_inside(path_normal(c->a, c->req->dir), dir))
		return dir;
	say(c, SEV_ERROR, source->place, path_of(c, path, "source"),
		"the source \"%s\" lies outside of the project", node_text(source));
	return NULL;
}

static bool only_watch(const struct node *n)
{
	return node_count(n) == 1 && node_get(n, "watch");
}

void decode_develop(struct decode *c, struct service *s, const char *path)
{
	const struct node *n = node_get(s->node, "develop");
	if (!n || n->kind != NODE_MAP || !node_count(n) || only_watch(n))
		return;
	path = path_of(c, path, "develop");
	const char *source = source_read(c, n, path);
	if (!source)
		return;
	struct develop *dev = arena_new(c->a, struct develop);
	dev->source = source;
	dev->place = n->place;
	deps_read(c, &dev->deps, node_get(n, "dependencies"));
	stage_read(&dev->compile, node_get(n, "compile"));
	stage_read(&dev->lint, node_get(n, "lint"));
	stage_read(&dev->test, node_get(n, "test"));
	success_read(c, dev, node_get(n, "on_success"), path);
	watch_read(c, dev, node_get(n, "watch"), path);
	s->develop = dev;
}
