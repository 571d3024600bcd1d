/*
 * Options of a service that lift its confinement. Comes in: the merged mapping of a service. Goes
 * out: a danger for each, with its place. A table of keys; a key is dangerous for some of its
 * values.
 */
#include <string.h>

#include "run/dangers.h"

typedef bool test_fn(const struct node *value);

static bool is_true(const struct node *v)
{
	return streq(node_text(v), "true");
}

static bool is_set(const struct node *v)
{
	return v->kind != NODE_NULL && !(v->kind == NODE_BOOL && !v->boolean) &&
	       !((v->kind == NODE_LIST || v->kind == NODE_MAP) && !node_count(v));
}

/* Another's namespace: the host's, or that of a container that may not be ours. */
static bool is_foreign(const struct node *v)
{
	const char *text = node_text(v);
	return text && (streq(text, "host") || starts_with(text, "container:"));
}

static bool loosens(const char *text)
{
	return text && (strstr(text, "unconfined") || strstr(text, "disable") ||
			       starts_with(text, "no-new-privileges:false") ||
			       starts_with(text, "no-new-privileges=false") ||
			       starts_with(text, "systempaths"));
}

static bool is_unconfined(const struct node *v)
{
	const struct node *item;
	bool found = loosens(node_text(v));
	node_each_item(v, i, item)
	{
		found = found || loosens(node_text(item));
	}
	return found;
}

/* More than what the engine gives every container that drops none. */
static bool is_more(const struct node *v)
{
	static const char *const usual[] = { "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER",
		"FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID",
		"SETPCAP", "SETUID", "SYS_CHROOT" };
	const struct node *item;
	bool more = false;
	node_each_item(v, i, item)
	{
		const char *name = node_text(item) ? node_text(item) : "";
		bool known = false;
		name += starts_with(name, "CAP_") ? 4 : 0;
		for (size_t k = 0; k < countof(usual); k++)
			known = known || streq(name, usual[k]);
		more = more || !known;
	}
	return more;
}

static const struct option {
	const char *key;
	test_fn *bad;
	bool loud;
} options[] = {
	{ "privileged", is_true, true },
	{ "cap_add", is_more, true },
	{ "devices", is_set, true },
	{ "device_cgroup_rules", is_set, true },
	{ "network_mode", is_foreign, true },
	{ "pid", is_foreign, true },
	{ "ipc", is_foreign, true },
	{ "uts", is_foreign, true },
	{ "userns_mode", is_foreign, true },
	{ "cgroup", is_foreign, true },
	{ "cgroup_parent", is_set, false },
	{ "security_opt", is_unconfined, true },
	{ "volumes_from", is_set, false },
	{ "use_api_socket", is_true, true },
	{ "provider", is_set, true }, /* Compose runs a program of this host for it */
	{ "runtime", is_set, false },
	{ "credential_spec", is_set, false },
	{ "gpus", is_set, false },
};

static const struct option build_options[] = {
	{ "privileged", is_true, true },
	{ "network", is_foreign, true },
	{ "entitlements", is_set, true },
	{ "ssh", is_set, false },
};

/* Values of a danger in one line: "SYS_ADMIN, NET_ADMIN". */
static const char *values(struct arena *a, const struct node *v)
{
	struct strs list = { 0 };
	const struct node *item;
	const struct node_pair *pair;
	if (node_text(v))
		return node_text(v);
	node_each_item(v, i, item)
	{
		const char *source = node_text(node_get(item, "source"));
		const char *text = node_text(item) ? node_text(item) : source;
		strs_add(a, &list, text ? text : "...");
	}
	node_each_pair(v, i, pair)
	{
		strs_add(a, &list, pair->key);
	}
	return strs_join(a, &list, ", ");
}

static void check(struct arena *a, const struct service *s, const struct node *map,
	const char *where, const struct option *list, size_t count, struct dangers *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct node *v = node_get(map, list[i].key);
		if (v && list[i].bad(v))
			danger_add(a, out, list[i].loud, v->place, "%s%s: %s in %s", where,
				list[i].key, values(a, v), s->name);
	}
}

void danger_options(struct arena *a, const struct service *s, struct dangers *out)
{
	check(a, s, s->node, "", options, countof(options), out);
	check(a, s, node_get(s->node, "build"), "build ", build_options, countof(build_options),
		out);
}
