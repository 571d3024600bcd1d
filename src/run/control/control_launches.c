/*
 * Launches of host services on the agent's wire, as JSON and back. Comes in: a value or a tree.
 * Goes out: the other; strings are borrowed from the tree. The environments are complete and may
 * hold secrets. What those of many have in common is said once.
 */
#include <string.h>

#include "run/control/control.h"

#include "control_fields.h"

static const struct place nowhere;

static void put_strs(struct arena *a, struct node *n, const char *key, const struct strs *l)
{
	struct node *list = node_list(a, nowhere);
	node_reserve(a, list, l->count);
	for (size_t i = 0; i < l->count; i++)
		list_add(a, list, node_str(a, l->items[i], nowhere));
	map_put(a, n, key, nowhere, list);
}

/* Without what JSON cannot say, and without NULLs. */
static void put_env(struct arena *a, struct node *n, const struct strs *env)
{
	struct strs said = { 0 };
	for (size_t i = 0; i < env->count; i++)
		if (env->items[i] && utf8_valid(env->items[i], strlen(env->items[i]), NULL))
			strs_add(a, &said, env->items[i]);
	put_strs(a, n, "env", &said);
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

static struct node *spec_to_node(struct arena *a, const struct host_spec *s)
{
	struct node *n = node_map(a, nowhere), *ports = node_list(a, nowhere);
	control_put_text(a, n, "service", s->service);
	control_put_int(a, n, "number", s->number);
	control_put_text(a, n, "hash", s->hash);
	control_put_text(a, n, "inputs", s->inputs);
	put_strs(a, n, "argv", &s->argv);
	control_put_text(a, n, "dir", s->dir);
	control_put_text(a, n, "stop_signal", s->stop_signal);
	control_put_int(a, n, "stop_grace_ms", s->stop_grace_ms);
	control_put_int(a, n, "restart", s->restart);
	control_put_int(a, n, "restart_max", s->restart_max);
	put_strs(a, n, "success_codes", &s->success_codes);
	control_put_true(a, n, "job", s->job);
	control_put_true(a, n, "notify", s->notify);
	for (size_t i = 0; i < s->ports.count; i++) {
		struct node *m = node_map(a, nowhere);
		control_put_int(a, m, "target", s->ports.items[i].target);
		control_put_int(a, m, "published", s->ports.items[i].published);
		control_put_text(a, m, "protocol", s->ports.items[i].protocol);
		list_add(a, ports, m);
	}
	map_put(a, n, "ports", nowhere, ports);
	control_put_place(a, n, s->place);
	return n;
}

/* common: what is said elsewhere of the environment, by its place there; NULL: not this. */
static struct node *launch_without(
	struct arena *a, const struct host_launch *l, const struct strs *common)
{
	struct node *n = node_map(a, nowhere);
	struct strs env = { 0 };
	map_put(a, n, "spec", nowhere, spec_to_node(a, l->spec));
	for (size_t i = 0; l->env && l->env[i]; i++)
		if (i >= common->count || !common->items[i])
			strs_add(a, &env, l->env[i]);
	put_env(a, n, &env);
	control_put_text(a, n, "gateway", l->gateway);
	return n;
}

struct node *launch_to_node(struct arena *a, const struct host_launch *l)
{
	return launch_without(a, l, &(struct strs){ 0 });
}

static bool all_have(const struct host_start *list, size_t count, size_t at)
{
	for (size_t i = 0; i < count; i++)
		if (!streq(list[i].launch.env[at], list[0].launch.env[at]))
			return false;
	return true;
}

static bool any_ends(const struct host_start *list, size_t count, size_t at)
{
	for (size_t i = 0; i < count; i++)
		if (!list[i].launch.env[at])
			return true;
	return false;
}

/* Environments that begin with the same one have its variables in the same places. */
static struct strs common_env(struct arena *a, const struct host_start *list, size_t count)
{
	struct strs common = { 0 };
	for (size_t i = 0; count > 1 && !any_ends(list, count, i); i++)
		strs_add(a, &common, all_have(list, count, i) ? list[0].launch.env[i] : NULL);
	return common;
}

struct node *starts_to_node(struct arena *a, const struct host_start *list, size_t count)
{
	struct node *n = node_map(a, nowhere), *starts = node_list(a, nowhere);
	struct strs common = common_env(a, list, count);
	put_env(a, n, &common);
	for (size_t i = 0; i < count; i++)
		list_add(a, starts, launch_without(a, &list[i].launch, &common));
	map_put(a, n, "starts", nowhere, starts);
	return n;
}

static struct host_spec *spec_from_node(struct arena *a, const struct node *n)
{
	struct host_spec *s = arena_new(a, struct host_spec);
	int64_t restart = control_get_int(n, "restart", RESTART_NO);
	struct node *m;
	*s = (struct host_spec){
		.service = control_get_text(n, "service"),
		.number = (int)control_get_int(n, "number", 1),
		.hash = control_get_text(n, "hash"),
		.inputs = control_get_text(n, "inputs"),
		.dir = control_get_text(n, "dir"),
		.stop_signal = control_get_text(n, "stop_signal"),
		.stop_grace_ms = control_get_int(n, "stop_grace_ms", 10000),
		.restart = restart >= RESTART_NO && restart <= RESTART_UNLESS_STOPPED
				   ? (enum restart)restart
				   : RESTART_NO,
		.restart_max = (int)control_get_int(n, "restart_max", 0),
		.job = control_get_true(n, "job"),
		.notify = control_get_true(n, "notify"),
		.place = control_get_place(n),
	};
	get_strs(a, n, "argv", &s->argv);
	get_strs(a, n, "success_codes", &s->success_codes);
	node_each_item(node_get(n, "ports"), i, m)
	{
		const char *protocol = control_get_text(m, "protocol");
		*list_push(a, &s->ports) = (struct host_port){
			.target = (int)control_get_int(m, "target", 0),
			.published = (int)control_get_int(m, "published", 0),
			.protocol = protocol ? protocol : "tcp",
		};
	}
	return s;
}

static int get_env(struct arena *a, const struct node *n, struct strs *env, struct err *e)
{
	const struct node *list = node_get(n, "env");
	size_t before = env->count;
	get_strs(a, n, "env", env);
	if (!list || env->count - before != node_count(list))
		return err_set(e, ERR_USAGE, "a start needs env, a list of strings");
	return 0;
}

/* With the variables that are said of all. */
static int launch_with(struct arena *a, const struct node *n, const struct strs *common,
	struct host_launch *out, struct err *e)
{
	struct host_spec *s = spec_from_node(a, node_get(n, "spec"));
	struct strs env = { 0 };
	if (!s->service || !*s->service || s->number < 1 || !s->argv.count || !s->dir ||
		s->dir[0] != '/')
		return err_set(e, ERR_USAGE,
			"a start needs a service, its number from 1, argv and an absolute dir");
	for (size_t i = 0; i < common->count; i++)
		strs_add(a, &env, common->items[i]);
	if (get_env(a, n, &env, e))
		return -1;
	strs_add(a, &env, NULL);
	*out = (struct host_launch){
		.spec = s, .env = env.items, .gateway = control_get_text(n, "gateway")
	};
	return 0;
}

int launch_from_node(struct arena *a, const struct node *n, struct host_launch *out, struct err *e)
{
	return launch_with(a, n, &(struct strs){ 0 }, out, e);
}

struct host_start *starts_from_node(
	struct arena *a, const struct node *n, size_t *count, struct err *e)
{
	const struct node *starts = node_get(n, "starts"), *item;
	struct host_start *list = arena_array(a, struct host_start, node_count(starts) + 1);
	struct strs common = { 0 };
	*count = 0;
	if (get_env(a, n, &common, e))
		return NULL;
	node_each_item(starts, i, item)
	{
		if (launch_with(a, item, &common, &list[*count].launch, e))
			return NULL;
		++*count;
	}
	return list;
}

/* ---- what became of them ---- */

struct node *outcomes_to_node(struct arena *a, const struct host_start *list, size_t count)
{
	struct node *n = node_map(a, nowhere), *failed = node_list(a, nowhere);
	for (size_t i = 0; i < count; i++) {
		struct node *m = node_map(a, nowhere);
		if (!list[i].failed)
			continue;
		control_put_int(a, m, "start", (int64_t)i);
		control_put_error(a, m, &list[i].error);
		list_add(a, failed, m);
	}
	map_put(a, n, "failed", nowhere, failed);
	return n;
}

void outcomes_from_node(const struct node *n, struct host_start *list, size_t count)
{
	struct node *item;
	node_each_item(node_get(n, "failed"), i, item)
	{
		int64_t at = control_get_int(item, "start", -1);
		if (at < 0 || at >= (int64_t)count)
			continue;
		list[at].failed = true;
		control_get_error(item, &list[at].error);
	}
}
