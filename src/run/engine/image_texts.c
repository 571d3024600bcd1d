/*
 * What an image says of itself: the engine's answer about it, and the few files in which a system
 * keeps its release, packages and accounts. Comes in: text of any origin. Goes out: facts. Skips
 * what it does not understand.
 */
#include <string.h>

#include "doc/json.h"
#include "run/engine/contents.h"
#include "run/engine/image_facts.h"

void image_fact(struct arena *a, struct image_facts *out, const char *group, const char *name,
	const char *value)
{
	*list_push(a, &out->items) =
		(struct image_fact){ group, arena_strdup(a, name), arena_strdup(a, value) };
}

/* ---- lines ---- */

struct line {
	const char *at;
	size_t len;
};

static bool next_line(const char **rest, struct line *out)
{
	if (!**rest)
		return false;
	out->at = *rest;
	out->len = strcspn(*rest, "\n");
	*rest += out->len + ((*rest)[out->len] == '\n');
	return true;
}

/* "Package: x" with "Package: " gives x. */
static char *after(struct arena *a, const struct line *l, const char *prefix)
{
	size_t n = strlen(prefix);
	return l->len >= n && !memcmp(l->at, prefix, n) ? arena_strndup(a, l->at + n, l->len - n)
							: NULL;
}

/* KEY=value or KEY="value" of a shell's kind. */
static char *assigned(struct arena *a, const struct line *l, const char *key)
{
	char *value = after(a, l, arena_printf(a, "%s=", key));
	size_t len = value ? strlen(value) : 0;
	if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
		value[len - 1] = '\0';
		value++;
	}
	return value;
}

void facts_of_release(struct arena *a, const char *text, struct image_facts *out)
{
	static const struct {
		const char *key, *name;
	} keys[] = { { "ID", "id" }, { "VERSION_ID", "version" }, { "PRETTY_NAME", "name" } };
	struct line l;
	while (next_line(&text, &l)) {
		for (size_t i = 0; i < countof(keys); i++) {
			const char *value = assigned(a, &l, keys[i].key);
			if (value)
				image_fact(a, out, "os", keys[i].name, value);
		}
	}
}

void facts_of_locale(struct arena *a, const char *text, struct image_facts *out)
{
	struct line l;
	while (next_line(&text, &l)) {
		size_t len = 0;
		while (len < l.len && l.at[len] != '=')
			len++;
		const char *key = arena_strndup(a, l.at, len);
		const char *value = len < l.len ? assigned(a, &l, key) : NULL;
		if (value && (starts_with(key, "LC_") || starts_with(key, "LANG")))
			image_fact(a, out, "locale", arena_printf(a, "system_%s", key), value);
	}
}

/* "app:x:1000:1000:..." and "app:x:1000:...": name, and what is behind the password. */
void facts_of_accounts(
	struct arena *a, const char *group, const char *text, struct image_facts *out)
{
	size_t wanted = streq(group, "users") ? 2 : 1;
	struct line l;
	while (next_line(&text, &l)) {
		char *line = arena_strndup(a, l.at, l.len);
		char *password = strchr(line, ':'),
		     *ids = password ? strchr(password + 1, ':') : NULL;
		if (!ids)
			continue;
		*password = '\0';
		char *end = ++ids;
		for (size_t i = 0; end && i < wanted; i++)
			end = strchr(i ? end + 1 : end, ':');
		if (end)
			*end = '\0';
		image_fact(a, out, group, line, ids);
	}
}

/* ---- packages ---- */

void facts_of_dpkg(struct arena *a, const char *text, struct image_facts *out)
{
	struct packages list = { 0 };
	dpkg_status(a, text, strlen(text), &list);
	for (size_t i = 0; i < list.count; i++)
		image_fact(a, out, "packages", list.items[i].name, list.items[i].version);
}

/* Lines "P:musl" and "V:1.2.5-r0", an empty one between two packages (apk-v2(5)). */
void facts_of_apk(struct arena *a, const char *text, struct image_facts *out)
{
	const char *name = NULL;
	struct line l;
	while (next_line(&text, &l)) {
		const char *its_name = after(a, &l, "P:"), *version = after(a, &l, "V:");
		name = !l.len ? NULL : its_name ? its_name : name;
		if (version && name)
			image_fact(a, out, "packages", name, version);
	}
}

/* ---- the engine's answer ---- */

static void environment(struct arena *a, const struct node *list, struct image_facts *out)
{
	const struct node *item;
	node_each_item(list, i, item)
	{
		const char *text = node_text(item);
		size_t len = text ? strcspn(text, "=") : 0;
		if (!text || !text[len])
			continue;
		const char *name = arena_strndup(a, text, len);
		bool locale = starts_with(name, "LC_") || starts_with(name, "LANG");
		image_fact(a, out,
			locale              ? "locale"
			: streq(name, "TZ") ? "timezone"
					    : "environment",
			name, text + len + 1);
	}
}

static void one_value(
	struct arena *a, const char *group, const struct node *n, struct image_facts *out)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (!n || n->kind == NODE_NULL || (node_text(n) && !*node_text(n)))
		return;
	if (!node_text(n))
		json_write(&b, n, 0);
	image_fact(a, out, group, NULL, node_text(n) ? node_text(n) : buf_str(&b));
}

static void keys_of(struct arena *a, const char *group, const struct node *n, bool values,
	struct image_facts *out)
{
	const struct node_pair *pair;
	node_each_pair(n, i, pair)
	{
		const char *text = node_text(pair->value);
		image_fact(a, out, group, pair->key, values && text ? text : "yes");
	}
}

/* A label that says when it was built says nothing else; of devenv's own only the rung counts. */
static void labels(struct arena *a, const struct node *n, struct image_facts *out)
{
	static const char *const passing[] = { "org.opencontainers.image.created",
		"devenv.version" };
	const struct node_pair *pair;
	node_each_pair(n, i, pair)
	{
		bool kept = node_text(pair->value) != NULL;
		for (size_t k = 0; k < countof(passing); k++)
			kept = kept && !streq(pair->key, passing[k]);
		if (kept)
			image_fact(a, out, "labels", pair->key, node_text(pair->value));
	}
}

void facts_of_config(struct arena *a, const struct node *inspect, struct image_facts *out)
{
	static const struct {
		const char *key, *group;
	} single[] = {
		{ "Entrypoint", "entrypoint" },
		{ "Cmd", "command" },
		{ "User", "user" },
		{ "WorkingDir", "working_dir" },
		{ "StopSignal", "stop_signal" },
		{ "Healthcheck", "healthcheck" },
	};
	const struct node *config = node_get(inspect, "Config");
	for (size_t i = 0; i < countof(single); i++)
		one_value(a, single[i].group, node_get(config, single[i].key), out);
	one_value(a, "architecture", node_get(inspect, "Architecture"), out);
	environment(a, node_get(config, "Env"), out);
	keys_of(a, "ports", node_get(config, "ExposedPorts"), false, out);
	keys_of(a, "volumes", node_get(config, "Volumes"), false, out);
	labels(a, node_get(config, "Labels"), out);
}
