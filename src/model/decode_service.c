/*
 * `services:` in, typed services out, in the order written; resolve.c links and sorts them.
 */
#include "decode.h"

#include <string.h>

enum { GRACE_MS = 10000 };

static const struct slot service_slots[] = {
	{ "build", SLOT_NODE, offsetof(struct service, build) },
	{ "command", SLOT_NODE, offsetof(struct service, command) },
	{ "entrypoint", SLOT_NODE, offsetof(struct service, entrypoint) },
	{ "working_dir", SLOT_TEXT, offsetof(struct service, working_dir) },
	{ "user", SLOT_TEXT, offsetof(struct service, user) },
	{ "environment", SLOT_VARS, offsetof(struct service, environment) },
	{ "labels", SLOT_VARS, offsetof(struct service, labels) },
	{ "profiles", SLOT_STRS, offsetof(struct service, profiles) },
	{ "success_exit_codes", SLOT_STRS, offsetof(struct service, success_codes) },
	{ "client", SLOT_STRS, offsetof(struct service, client) },
	{ "dump", SLOT_STRS, offsetof(struct service, dump) },
	{ "stop_signal", SLOT_TEXT, offsetof(struct service, stop_signal) },
	{ "stop_grace_period", SLOT_MS, offsetof(struct service, stop_grace_ms) },
	{ "tty", SLOT_TRUTH, offsetof(struct service, tty) },
	{ "stdin_open", SLOT_TRUTH, offsetof(struct service, stdin_open) },
};

static const struct word condition_words[] = { { "service_healthy", COND_HEALTHY },
	{ "service_completed_successfully", COND_COMPLETED }, { NULL, COND_STARTED } };
static const struct word follow_words[] = { { "restart", FOLLOW_RESTART },
	{ "reload", FOLLOW_RELOAD }, { "ignore", FOLLOW_IGNORE }, { NULL, FOLLOW_DEFAULT } };
static const struct word where_words[] = { { "host", RUN_HOST }, { NULL, RUN_CONTAINER } };
static const struct word kind_words[] = { { "job", KIND_JOB }, { NULL, KIND_SERVICE } };

static void need_read(struct decode *c, struct service *s, const struct node_pair *pair)
{
	const struct node *n = pair->value;
	struct need *need = list_push(c->a, &s->needs);
	need->name = pair->key;
	need->place = pair->key_place.file ? pair->key_place : n->place;
	need->condition = meaning(condition_words, text_at(n, "condition"));
	need->required = truth(node_get(n, "required"), true);
	need->on_restart = meaning(follow_words, text_at(n, "on_restart"));
	if (need->on_restart == FOLLOW_DEFAULT && truth(node_get(n, "restart"), false))
		need->on_restart = FOLLOW_RESTART;
}

static void need_imply(struct decode *c, struct service *s, const char *name, struct place at)
{
	for (size_t i = 0; i < s->needs.count; i++) {
		if (streq(s->needs.items[i].name, name))
			return;
	}
	*list_push(c->a, &s->needs) = (struct need){ .name = name, .required = true, .place = at };
}

/* `network_mode: service:db` and its like need the named service as much as depends_on does. */
static void needs_of_namespaces(struct decode *c, struct service *s)
{
	static const char *const keys[] = { "network_mode", "pid", "ipc" };
	for (size_t i = 0; i < countof(keys); i++) {
		const char *text = text_at(s->node, keys[i]);
		if (text && starts_with(text, "service:"))
			need_imply(
				c, s, text + strlen("service:"), node_get(s->node, keys[i])->place);
	}
}

/* links: "db:alias"; volumes_from: "db:ro" or "container:x", which is none of ours. */
static void needs_of_lists(struct decode *c, struct service *s)
{
	static const char *const keys[] = { "links", "volumes_from" };
	struct node *item;
	for (size_t i = 0; i < countof(keys); i++) {
		node_each_item(node_get(s->node, keys[i]), k, item)
		{
			const char *text = node_is_scalar(item) ? node_text(item) : "container:";
			if (!starts_with(text, "container:"))
				need_imply(c, s, arena_strndup(c->a, text, strcspn(text, ":")),
					item->place);
		}
	}
}

static void needs_read(struct decode *c, struct service *s)
{
	const struct node *n = node_get(s->node, "depends_on");
	const struct node_pair *pair;
	node_each_pair(n, i, pair) need_read(c, s, pair);
	needs_of_namespaces(c, s);
	needs_of_lists(c, s);
}

static void image_of(struct decode *c, struct service *s, const char *path)
{
	const struct node *n = node_get(s->node, "image"), *rungs = node_get(c->tree, "images");
	const char *name = n && node_is_scalar(n) ? node_text(n) : NULL;
	if (!name)
		return;
	s->image = project_image(c->p, name);
	if (s->image)
		return;
	s->image_name = name;
	const char *near = s->build || strpbrk(name, ":/.") ? NULL : nearest_key(c, rungs, name);
	if (near) {
		struct diag *d = say(c, SEV_WARNING, n->place, path_of(c, path, "image"),
			"no rung is called \"%s\": taken as an image of a registry", name);
		d->hint = arena_printf(c->a, "did you mean \"%s\"?", near);
	}
}

static void secrets_read(struct decode *c, struct service *s, const char *path)
{
	const struct node *known = node_get(c->tree, "secrets");
	struct node *item;
	node_each_item(node_get(s->node, "secrets"), i, item)
	{
		const char *source =
			node_is_scalar(item) ? node_text(item) : text_at(item, "source");
		if (!source)
			continue;
		if (!node_get(known, source))
			say_unknown(c, place_at(item, "source", item->place),
				path_item(c, path_of(c, path, "secrets"), i), "secret", source,
				known);
		if (!project_secret(c->p, source))
			continue; /* kept by a cluster: carried */
		struct secret_use *use = list_push(c->a, &s->secrets);
		use->source = source;
		use->target = text_at(item, "target");
		if (!use->target)
			use->target = source;
		use->place = item->place;
	}
}

static int replicas_of(const struct node *n)
{
	int64_t copies;
	if (integer(node_get(n, "scale"), &copies) ||
		integer(node_get(node_get(n, "deploy"), "replicas"), &copies))
		return copies >= 0 && copies <= 1000 ? (int)copies : 1;
	return 1;
}

static void load_read(struct decode *c, struct load *load, const struct node *n)
{
	bool map = n && n->kind == NODE_MAP;
	const struct node *command = map ? node_get(n, "command") : n;
	if (!command)
		return;
	strs_read(c, command, &load->command);
	load->place = n->place;
	load->begin = map ? text_at(n, "begin") : NULL;
	load->end = map ? text_at(n, "end") : NULL;
}

static void service_read(struct decode *c, struct service *s, const struct node_pair *pair)
{
	const char *path = path_of(c, "services", pair->key);
	s->name = pair->key;
	s->place = pair->key_place.file ? pair->key_place : pair->value->place;
	s->node = pair->value;
	s->stop_grace_ms = GRACE_MS;
	slots_read(c, s->node, service_slots, countof(service_slots), s);
	s->where = meaning(where_words, text_at(s->node, "run"));
	s->kind = meaning(kind_words, text_at(s->node, "kind"));
	s->template = text_at(node_get(s->node, "extends"), "template");
	s->replicas = replicas_of(s->node);
	s->start_first =
		streq(node_text(node_path(s->node, "deploy.update_config.order")), "start-first");
	decode_restart(c, s, path);
	image_of(c, s, path);
	load_read(c, &s->load, node_get(s->node, "load"));
	needs_read(c, s);
	secrets_read(c, s, path);
	decode_ports(c, s, path);
	decode_mounts(c, s, path);
	decode_check(c, s, path);
	decode_develop(c, s, path);
	decode_release(c, s, path);
	decode_host(c, s, path);
	leave_development(c, s);
}

void decode_services(struct decode *c)
{
	const struct node_pair *pair;
	node_each_entry(node_get(c->tree, "services"), i, pair)
	{
		service_read(c, list_push(c->a, &c->p->services), pair);
	}
}
