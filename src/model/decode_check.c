/*
 * `healthcheck:` in, how readiness shows out. Of several kinds the project's own wins over its
 * template's; two of one author are an error.
 */
#include "decode.h"

#include <string.h>

struct way {
	const char *key;
	enum check_kind kind;
};

static const struct way ways[] = { { "http", CHECK_HTTP }, { "tcp", CHECK_TCP },
	{ "log", CHECK_LOG }, { "notify", CHECK_NOTIFY }, { "test", CHECK_EXEC } };

static bool says_so(const struct node *v)
{
	return v && v->kind != NODE_NULL && !(v->kind == NODE_BOOL && !v->boolean);
}

static const struct way *way_of(struct decode *c, const struct node *n, const char *path)
{
	const struct way *best = NULL;
	const struct node *said = NULL;
	for (size_t i = 0; i < countof(ways); i++) {
		const struct node *v = node_get(n, ways[i].key);
		if (!says_so(v) || (said && from_template(v) && !from_template(said)))
			continue;
		if (said && from_template(v) == from_template(said)) {
			struct diag *d = say(c, SEV_ERROR, v->place, path_of(c, path, ways[i].key),
				"healthcheck says both %s and %s", best->key, ways[i].key);
			d->other = said->place;
			d->other_label = "the other one";
			d->hint = "keep one; `!reset` takes away what a lower layer says";
		}
		best = &ways[i];
		said = v;
	}
	return best;
}

static void shell_words(struct decode *c, struct strs *argv, const char *line)
{
	strs_add(c->a, argv, "sh");
	strs_add(c->a, argv, "-c");
	strs_add(c->a, argv, line);
}

static void test_list(struct decode *c, struct check *check, const struct node *n, const char *path)
{
	struct strs words = { 0 };
	strs_read(c, n, &words);
	const char *first = words.count ? words.items[0] : "";
	if (streq(first, "NONE")) {
		check->kind = CHECK_NONE;
	} else if (streq(first, "CMD-SHELL") && words.count == 2) {
		shell_words(c, &check->argv, words.items[1]);
	} else if (streq(first, "CMD") && words.count > 1) {
		for (size_t i = 1; i < words.count; i++)
			strs_add(c->a, &check->argv, words.items[i]);
	} else {
		struct diag *d = say(c, SEV_ERROR, n->place, path_of(c, path, "test"),
			"healthcheck.test must be [CMD, ...], [CMD-SHELL, line] or [NONE]");
		d->hint = "a shell line may also stand as one string";
		check->kind = CHECK_NONE;
	}
}

static void test_read(struct decode *c, struct check *check, const struct node *n, const char *path)
{
	if (n->kind == NODE_LIST)
		test_list(c, check, n, path);
	else if (node_is_scalar(n) && *node_text(n))
		shell_words(c, &check->argv, node_text(n));
	else
		check->kind = CHECK_NONE;
}

/* The port that http and tcp ask: `port`, tcp's own value, else the first one. */
static void port_of(struct decode *c, const struct service *s, struct check *check,
	const struct node *n, const char *path)
{
	const struct node *v = node_get(n, "port");
	const struct node *tcp = check->kind == CHECK_TCP ? node_get(n, "tcp") : NULL;
	if (!v && tcp && tcp->kind != NODE_BOOL)
		v = tcp;
	const char *name = v && node_is_scalar(v) ? node_text(v) : NULL;
	const struct port *port = service_port(s, name);
	int64_t number;
	if (port)
		check->port = port->target;
	else if (name && parse_int(name, &number) && number >= 1 && number <= 65535)
		check->port = (int)number;
	if (check->port)
		return;
	struct diag *d = say(c, SEV_ERROR, v ? v->place : n->place, path,
		name ? "%s has no port \"%s\"" : "the healthcheck of %s needs a port%s", s->name,
		name ? name : "");
	d->hint = s->ports.count && s->ports.items[0].name
			  ? arena_printf(c->a, "its first port is \"%s\"", s->ports.items[0].name)
			  : arena_printf(c->a, "declare one: ports: { http: { target: 8000 } }");
}

void decode_check(struct decode *c, struct service *s, const char *path)
{
	static const struct slot slots[] = {
		{ "http", SLOT_TEXT, offsetof(struct check, path) },
		{ "log", SLOT_TEXT, offsetof(struct check, regex) },
		{ "status", SLOT_INT, offsetof(struct check, status) },
		{ "tls", SLOT_TRUTH, offsetof(struct check, tls) },
		{ "interval", SLOT_MS, offsetof(struct check, interval_ms) },
		{ "timeout", SLOT_MS, offsetof(struct check, timeout_ms) },
		{ "start_period", SLOT_MS, offsetof(struct check, start_period_ms) },
		{ "retries", SLOT_INT, offsetof(struct check, retries) },
		{ "deadline", SLOT_MS, offsetof(struct check, deadline_ms) },
	};
	const struct node *n = node_get(s->node, "healthcheck");
	struct check *check = &s->check;
	if (!n || n->kind != NODE_MAP)
		return;
	path = path_of(c, path, "healthcheck");
	const struct way *way = way_of(c, n, path);
	check->place = n->place;
	slots_read(c, n, slots, countof(slots), check);
	if (!way || truth(node_get(n, "disable"), false))
		return;
	check->kind = way->kind;
	check->place = node_get(n, way->key)->place;
	if (way->kind == CHECK_EXEC)
		test_read(c, check, node_get(n, "test"), path);
	if (way->kind == CHECK_HTTP || way->kind == CHECK_TCP)
		port_of(c, s, check, n, path);
}
