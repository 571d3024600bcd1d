/*
 * Nouns on the agent's wire: units, modules and launches as JSON and back. Comes in: a value or a
 * tree. Goes out: the other. What the other side does not say becomes zero; its strings are
 * borrowed from the tree.
 */
#include <string.h>

#include "run/control.h"

static const struct place nowhere;

static void put_text(struct arena *a, struct node *n, const char *key, const char *s)
{
	if (s)
		map_put(a, n, key, nowhere, node_str(a, s, nowhere));
}

static void put_int(struct arena *a, struct node *n, const char *key, int64_t v)
{
	map_put(a, n, key, nowhere, node_int(a, v, nowhere));
}

static void put_true(struct arena *a, struct node *n, const char *key, bool v)
{
	if (v)
		map_put(a, n, key, nowhere, node_bool(a, true, nowhere));
}

static void put_strs(struct arena *a, struct node *n, const char *key, const struct strs *l)
{
	struct node *list = node_list(a, nowhere);
	node_reserve(a, list, l->count);
	for (size_t i = 0; i < l->count; i++)
		list_add(a, list, node_str(a, l->items[i], nowhere));
	map_put(a, n, key, nowhere, list);
}

static const char *get_text(const struct node *n, const char *key)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_STR ? v->text : NULL;
}

static int64_t get_int(const struct node *n, const char *key, int64_t fallback)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_INT ? v->integer : fallback;
}

static bool get_true(const struct node *n, const char *key)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_BOOL && v->boolean;
}

static void get_strs(struct arena *a, const struct node *n, const char *key, struct strs *out)
{
	struct node *item;
	node_each_item(node_get(n, key), i, item)
	{
		if (item->kind == NODE_STR)
			strs_add(a, out, item->text);
	}
}

static void put_place(struct arena *a, struct node *n, struct place at)
{
	if (!at.file)
		return;
	put_text(a, n, "file", at.file);
	put_int(a, n, "line", at.line);
	put_int(a, n, "column", at.col);
}

static struct place get_place(const struct node *n)
{
	return (struct place){ .file = get_text(n, "file"),
		.line = (int)get_int(n, "line", 0),
		.col = (int)get_int(n, "column", 0) };
}

/* ---- units ---- */

static const char *const health_names[] = { "none", "starting", "healthy", "unhealthy" };

static size_t index_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (streq(names[i], name))
			return i;
	return 0;
}

static enum unit_state state_named(const char *name)
{
	for (int s = UNIT_ABSENT; s <= UNIT_DEAD; s++)
		if (streq(unit_state_name((enum unit_state)s), name))
			return (enum unit_state)s;
	return UNIT_ABSENT;
}

struct node *unit_to_node(struct arena *a, const struct container *u)
{
	struct node *n = node_map(a, nowhere), *ports = node_list(a, nowhere);
	put_text(a, n, "id", u->id);
	put_text(a, n, "name", u->name);
	put_text(a, n, "service", u->service);
	put_int(a, n, "number", u->number);
	put_text(a, n, "state", unit_state_name(u->state));
	put_text(a, n, "health", u->health ? health_names[u->health] : NULL);
	put_int(a, n, "exit_code", u->exit_code);
	put_int(a, n, "pid", u->pid);
	put_int(a, n, "restarts", u->restarts);
	put_text(a, n, "note", u->note);
	put_true(a, n, "notified", u->notified);
	put_text(a, n, "workspace", u->workspace);
	put_text(a, n, "root", u->root);
	put_text(a, n, "hash", u->hash);
	put_text(a, n, "inputs", u->inputs);
	put_text(a, n, "image", u->image);
	put_int(a, n, "uptime_s", u->uptime_s);
	put_int(a, n, "created", u->created);
	for (size_t i = 0; i < u->ports.count; i++) {
		const struct seen_port *p = &u->ports.items[i];
		struct node *m = node_map(a, nowhere);
		put_int(a, m, "target", p->target);
		put_int(a, m, "published", p->published);
		put_text(a, m, "protocol", p->protocol);
		put_text(a, m, "host_ip", p->host_ip);
		list_add(a, ports, m);
	}
	map_put(a, n, "ports", nowhere, ports);
	return n;
}

static void ports_from_node(struct arena *a, const struct node *list, struct container *out)
{
	struct node *m;
	node_each_item(list, i, m)
	{
		const char *protocol = get_text(m, "protocol");
		*list_push(a, &out->ports) = (struct seen_port){
			.target = (int)get_int(m, "target", 0),
			.published = (int)get_int(m, "published", 0),
			.protocol = protocol ? protocol : "tcp",
			.host_ip = get_text(m, "host_ip"),
		};
	}
}

static const char *text_or(const char *s, const char *fallback)
{
	return s ? s : fallback;
}

void unit_from_node(struct arena *a, const struct node *n, struct container *out)
{
	*out = (struct container){
		.host = true,
		.id = text_or(get_text(n, "id"), ""),
		.service = text_or(get_text(n, "service"), ""),
		.number = (int)get_int(n, "number", 1),
		.state = state_named(get_text(n, "state")),
		.health = (enum health)index_of(
			health_names, countof(health_names), get_text(n, "health")),
		.exit_code = (int)get_int(n, "exit_code", 0),
		.pid = (pid_t)get_int(n, "pid", 0),
		.restarts = (unsigned)get_int(n, "restarts", 0),
		.note = get_text(n, "note"),
		.notified = get_true(n, "notified"),
		.workspace = get_text(n, "workspace"),
		.root = get_text(n, "root"),
		.hash = get_text(n, "hash"),
		.inputs = get_text(n, "inputs"),
		.image = get_text(n, "image"),
		.uptime_s = get_int(n, "uptime_s", -1),
		.created = get_int(n, "created", 0),
	};
	out->name = text_or(get_text(n, "name"), out->id);
	ports_from_node(a, node_get(n, "ports"), out);
}

/* ---- modules ---- */

static enum stage_state stage_state_named(const char *name)
{
	for (int s = STAGE_ABSENT; s <= STAGE_CANCELLED; s++)
		if (streq(stage_state_name((enum stage_state)s), name))
			return (enum stage_state)s;
	return STAGE_ABSENT;
}

static struct node *stage_to_node(struct arena *a, const struct stage_result *s, bool output)
{
	struct node *n = node_map(a, nowhere);
	put_text(a, n, "state", stage_state_name(s->state));
	put_int(a, n, "status", s->status);
	put_int(a, n, "duration_ms", s->duration_ms);
	put_text(a, n, "command", s->command);
	put_text(a, n, "output", output ? s->output : NULL);
	put_place(a, n, s->place);
	return n;
}

static void stage_from_node(const struct node *n, struct stage_result *out)
{
	*out = (struct stage_result){
		.state = stage_state_named(get_text(n, "state")),
		.status = (int)get_int(n, "status", 0),
		.duration_ms = get_int(n, "duration_ms", 0),
		.command = get_text(n, "command"),
		.output = get_text(n, "output"),
		.place = get_place(n),
	};
}

struct node *module_to_node(struct arena *a, const struct module_state *m, bool output)
{
	struct node *n = node_map(a, nowhere), *stages = node_map(a, nowhere);
	put_text(a, n, "service", m->service);
	put_true(a, n, "running", m->running);
	put_true(a, n, "suspended", m->suspended);
	put_text(a, n, "why", m->why);
	put_text(a, n, "cause", m->cause);
	put_int(a, n, "more", m->more);
	put_int(a, n, "runs", m->runs);
	put_int(a, n, "began_ms", m->began_ms);
	put_int(a, n, "took_ms", m->took_ms);
	for (int k = 0; k < STAGES; k++)
		if (m->stages[k].state != STAGE_ABSENT)
			map_put(a, stages, stage_name((enum stage_kind)k), nowhere,
				stage_to_node(a, &m->stages[k], output));
	map_put(a, n, "stages", nowhere, stages);
	return n;
}

void module_from_node(struct arena *a, const struct node *n, struct module_state *out)
{
	const struct node *stages = node_get(n, "stages");
	(void)a;
	*out = (struct module_state){
		.service = text_or(get_text(n, "service"), ""),
		.running = get_true(n, "running"),
		.suspended = get_true(n, "suspended"),
		.why = get_text(n, "why"),
		.cause = get_text(n, "cause"),
		.more = (unsigned)get_int(n, "more", 0),
		.runs = (unsigned)get_int(n, "runs", 0),
		.began_ms = get_int(n, "began_ms", 0),
		.took_ms = get_int(n, "took_ms", 0),
	};
	for (int k = 0; k < STAGES; k++) {
		const struct node *s = node_get(stages, stage_name((enum stage_kind)k));
		if (s)
			stage_from_node(s, &out->stages[k]);
	}
}

/* ---- launches: the environment is complete and may hold secrets ---- */

static struct node *spec_to_node(struct arena *a, const struct host_spec *s)
{
	struct node *n = node_map(a, nowhere), *ports = node_list(a, nowhere);
	put_text(a, n, "service", s->service);
	put_int(a, n, "number", s->number);
	put_text(a, n, "hash", s->hash);
	put_text(a, n, "inputs", s->inputs);
	put_strs(a, n, "argv", &s->argv);
	put_text(a, n, "dir", s->dir);
	put_text(a, n, "stop_signal", s->stop_signal);
	put_int(a, n, "stop_grace_ms", s->stop_grace_ms);
	put_int(a, n, "restart", s->restart);
	put_int(a, n, "restart_max", s->restart_max);
	put_strs(a, n, "success_codes", &s->success_codes);
	put_true(a, n, "job", s->job);
	put_true(a, n, "notify", s->notify);
	for (size_t i = 0; i < s->ports.count; i++) {
		struct node *m = node_map(a, nowhere);
		put_int(a, m, "target", s->ports.items[i].target);
		put_int(a, m, "published", s->ports.items[i].published);
		put_text(a, m, "protocol", s->ports.items[i].protocol);
		list_add(a, ports, m);
	}
	map_put(a, n, "ports", nowhere, ports);
	put_place(a, n, s->place);
	return n;
}

struct node *launch_to_node(struct arena *a, const struct host_launch *l)
{
	struct node *n = node_map(a, nowhere), *env = node_list(a, nowhere);
	map_put(a, n, "spec", nowhere, spec_to_node(a, l->spec));
	for (size_t i = 0; l->env && l->env[i]; i++)
		if (utf8_valid(l->env[i], strlen(l->env[i]), NULL)) /* else JSON cannot say it */
			list_add(a, env, node_str(a, l->env[i], nowhere));
	map_put(a, n, "env", nowhere, env);
	put_text(a, n, "gateway", l->gateway);
	return n;
}

static struct host_spec *spec_from_node(struct arena *a, const struct node *n)
{
	struct host_spec *s = arena_new(a, struct host_spec);
	int64_t restart = get_int(n, "restart", RESTART_NO);
	struct node *m;
	*s = (struct host_spec){
		.service = get_text(n, "service"),
		.number = (int)get_int(n, "number", 1),
		.hash = get_text(n, "hash"),
		.inputs = get_text(n, "inputs"),
		.dir = get_text(n, "dir"),
		.stop_signal = get_text(n, "stop_signal"),
		.stop_grace_ms = get_int(n, "stop_grace_ms", 10000),
		.restart = restart >= RESTART_NO && restart <= RESTART_UNLESS_STOPPED
				   ? (enum restart)restart
				   : RESTART_NO,
		.restart_max = (int)get_int(n, "restart_max", 0),
		.job = get_true(n, "job"),
		.notify = get_true(n, "notify"),
		.place = get_place(n),
	};
	get_strs(a, n, "argv", &s->argv);
	get_strs(a, n, "success_codes", &s->success_codes);
	node_each_item(node_get(n, "ports"), i, m)
	{
		*list_push(a, &s->ports) = (struct host_port){
			.target = (int)get_int(m, "target", 0),
			.published = (int)get_int(m, "published", 0),
			.protocol = text_or(get_text(m, "protocol"), "tcp"),
		};
	}
	return s;
}

int launch_from_node(struct arena *a, const struct node *n, struct host_launch *out, struct err *e)
{
	const struct node *list = node_get(n, "env");
	struct host_spec *s = spec_from_node(a, node_get(n, "spec"));
	struct strs env = { 0 };
	if (!s->service || !*s->service || s->number < 1 || !s->argv.count || !s->dir ||
		s->dir[0] != '/')
		return err_set(e, ERR_USAGE,
			"a start needs a service, its number from 1, argv and an absolute dir");
	get_strs(a, n, "env", &env);
	if (!list || env.count != node_count(list))
		return err_set(e, ERR_USAGE, "a start needs env, a list of strings");
	strs_add(a, &env, NULL);
	*out = (struct host_launch){
		.spec = s, .env = env.items, .gateway = get_text(n, "gateway")
	};
	return 0;
}
