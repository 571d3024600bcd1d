/*
 * `develop:` of a service in, its sources, dependencies and stages out. A pasted Compose service
 * that only says develop.watch is no module.
 */
#include "decode.h"

#include <string.h>

#include "base/os.h"

enum { QUIET_MS = 20 };

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
			"\"%s\" is nothing that can follow a success", word);
		d->hint = "restart, signal:HUP, exec: CMD, or none";
		return;
	}
	dev->success = exec || starts_with(word, "exec:") ? SUCCESS_EXEC
		       : starts_with(word, "signal:")     ? SUCCESS_SIGNAL
		       : streq(word, "none")              ? SUCCESS_NONE
							  : SUCCESS_RESTART;
	dev->success_arg = exec ? exec : arg ? arg + 1 + strspn(arg + 1, " ") : NULL;
}

/* Without rules the whole source is watched. */
static void watch_read(struct decode *c, struct develop *dev, const struct node *list)
{
	const struct node *n;
	node_each_item(list, i, n)
	{
		struct watch_rule *r = list_push(c->a, &dev->watch);
		const char *path = text_at(n, "path");
		r->path = path_normal(c->a, path_join(c->a, dev->source, path ? path : "."));
		r->debounce_ms = duration(node_get(n, "debounce"), QUIET_MS);
		r->place = n->place;
		strs_read(c, node_get(n, "include"), &r->include);
		strs_read(c, node_get(n, "ignore"), &r->ignore);
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
	watch_read(c, dev, node_get(n, "watch"));
	s->develop = dev;
}
