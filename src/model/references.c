/*
 * ${secret.X} and ${service.X.host|port|url} anywhere under services, hooks, commands and layouts:
 * X must exist, and a service that is asked for its port must have one. Nothing is expanded here.
 */
#include "decode.h"

#include <string.h>

enum { DEEP = 200 }; /* a tree from a file is never so deep */

struct reference {
	const char *text; /* behind "${secret." or "${service." */
	size_t len;       /* to the brace */
	struct place place;
	const char *path;
};

static void secret_known(struct decode *c, const struct reference *r)
{
	const char *name = arena_strndup(c->a, r->text, r->len);
	const struct node *known = node_get(c->tree, "secrets");
	if (!project_secret(c->p, name))
		say_unknown(c, r->place, r->path, "secret", name, known);
}

static void service_known(struct decode *c, const struct reference *r)
{
	static const struct word facts[] = { { "host", 1 }, { "port", 2 }, { "url", 2 },
		{ NULL, 0 } };
	char *name = arena_strndup(c->a, r->text, r->len);
	char *dot = strrchr(name, '.');
	int fact = dot ? meaning(facts, dot + 1) : 0;
	if (!fact) {
		struct diag *d = say(c, SEV_ERROR, r->place, r->path,
			"${service.%s} asks for nothing that is known", name);
		d->hint = "${service.NAME.host}, ${service.NAME.port} or ${service.NAME.url}";
		return;
	}
	*dot = '\0';
	const struct service *s = project_service(c->p, name);
	if (!s)
		say_unknown(c, r->place, r->path, "service", name, node_get(c->tree, "services"));
	else if (fact == 2 && !s->ports.count)
		say(c, SEV_ERROR, r->place, r->path, "${service.%s.%s}: %s has no port", name,
			dot + 1, name)
			->hint = "declare one under its ports:";
}

static const struct {
	const char *prefix;
	void (*known)(struct decode *c, const struct reference *r);
} kinds[] = { { "${secret.", secret_known }, { "${service.", service_known } };

static void text_check(struct decode *c, const struct node *n, const char *path)
{
	for (size_t i = 0; i < countof(kinds); i++) {
		size_t skip = strlen(kinds[i].prefix);
		for (const char *s = n->text; (s = find_reference(s, kinds[i].prefix)); s += skip) {
			const char *end = strchr(s, '}');
			struct reference r = { s + skip, end ? (size_t)(end - s) - skip : 0,
				n->place, path };
			if (end)
				kinds[i].known(c, &r);
		}
	}
}

static void walk(struct decode *c, const struct node *n, const char *path, int deep)
{
	struct node *item;
	const struct node_pair *pair;
	if (n->kind == NODE_STR && n->text && strstr(n->text, "${"))
		text_check(c, n, path);
	if (deep >= DEEP)
		return;
	node_each_item(n, i, item) walk(c, item, path, deep + 1);
	node_each_pair(n, i, pair) walk(c, pair->value, path, deep + 1);
}

void check_references(struct decode *c)
{
	static const char *const sections[] = { "services", "hooks", "commands", "compose",
		"configs", "layouts" };
	for (size_t i = 0; i < countof(sections); i++) {
		const struct node *n = node_get(c->tree, sections[i]);
		const struct node_pair *pair;
		node_each_pair(n, k, pair)
			walk(c, pair->value, path_of(c, sections[i], pair->key), 0);
	}
}
