/*
 * secrets: names and where they come from, one value when asked for it, set, rotate. Values go to
 * standard output on `get` alone.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"

static const char *const recipe_words[] = {
	[RECIPE_PASSWORD] = "generate: password",
	[RECIPE_HEX] = "generate: hex",
	[RECIPE_BASE64] = "generate: base64",
	[RECIPE_UUID] = "generate: uuid",
	[RECIPE_ED25519] = "generate: ed25519",
	[RECIPE_RSA] = "generate: rsa",
	[RECIPE_FILE] = "file",
	[RECIPE_ENVIRONMENT] = "environment",
	[RECIPE_COMMAND] = "command",
	[RECIPE_VALUE] = "value",
};

static int open_keyring(struct context *c, bool create)
{
	int status = create ? take_lock(c) : open_places(c);
	if (status)
		return status;
	c->vault = vault_open(&c->places, create, &c->error);
	return c->vault ? 0 : fail(c);
}

static const struct secret *named_secret(struct context *c, const char *name)
{
	const struct secret *s = project_secret(&c->project, name);
	if (s)
		return s;
	struct strs all = { 0 };
	for (size_t i = 0; i < c->project.secrets.count; i++)
		strs_add(&c->arena, &all, c->project.secrets.items[i].name);
	const char *near = nearest_name(name, all.items, all.count);
	err_set(&c->error, ERR_USAGE, "there is no secret \"%s\" in this project", name);
	if (near)
		err_hint(&c->error, "did you mean %s?", near);
	else
		err_hint(&c->error, "%s",
			all.count ? "`devenv secrets ls` lists them"
				  : "it has none: `secrets:` in devenv.yml declares them");
	fail(c);
	return NULL;
}

static struct strs users_of(struct context *c, const struct secret *secret)
{
	struct strs users = { 0 };
	for (size_t i = 0; i < c->project.services.count; i++) {
		const struct service *s = &c->project.services.items[i];
		for (size_t k = 0; k < s->secrets.count; k++)
			if (streq(s->secrets.items[k].source, secret->name))
				strs_add(&c->arena, &users, s->name);
	}
	return users;
}

/* In the keyring, or else what will happen. */
static const char *state_of(struct context *c, const struct secret *s)
{
	struct err quiet = ERR_INIT;
	cleanup_buf struct buf value = BUF_INIT;
	bool set = c->vault && !vault_get(c->vault, s->name, &value, &quiet);
	buf_wipe(&value);
	bool made = starts_with(recipe_words[s->recipe], "generate");
	return set ? "set" : made ? "not made yet" : "read when needed";
}

static struct node *secret_json(struct context *c, const struct secret *s)
{
	struct place no = { 0 };
	struct strs users = users_of(c, s);
	struct node *n = node_map(&c->arena, no), *names = node_list(&c->arena, no);
	map_put(&c->arena, n, "secret", no, node_str(&c->arena, s->name, no));
	map_put(&c->arena, n, "from", no, node_str(&c->arena, recipe_words[s->recipe], no));
	map_put(&c->arena, n, "state", no, node_str(&c->arena, state_of(c, s), no));
	for (size_t i = 0; i < users.count; i++)
		list_add(&c->arena, names, node_str(&c->arena, users.items[i], no));
	map_put(&c->arena, n, "used_by", no, names);
	return n;
}

static int list_json(struct context *c)
{
	struct node *all = node_list(&c->arena, (struct place){ 0 });
	for (size_t i = 0; i < c->project.secrets.count; i++)
		list_add(&c->arena, all, secret_json(c, &c->project.secrets.items[i]));
	emit_node(all);
	return 0;
}

static int list(struct context *c)
{
	static const char *const head[] = { "SECRET", "FROM", "STATE", "USED BY" };
	int status = open_places(c);
	if (status)
		return status;
	struct err quiet = ERR_INIT;
	c->vault = vault_open(&c->places, false, &quiet);
	if (c->g.json)
		return list_json(c);
	struct table *t = table_new(&c->arena, head, countof(head));
	for (size_t i = 0; i < c->project.secrets.count; i++) {
		const struct secret *s = &c->project.secrets.items[i];
		struct strs users = users_of(c, s);
		table_row(t, (const char *[]){ s->name, recipe_words[s->recipe], state_of(c, s),
				     strs_join(&c->arena, &users, ", ") });
	}
	cleanup_buf struct buf b = BUF_INIT;
	table_write(&b, t, c->out);
	return emit(&b) ? 0 : ERR_FAILED;
}

static int get(struct context *c, const char *name)
{
	struct buf value = BUF_INIT;
	int status = open_keyring(c, true);
	if (status || !named_secret(c, name))
		return status ? status : ERR_USAGE;
	status = ask_trust(c); /* a secret may come from a command or from another's file */
	if (status)
		return status;
	c->loop = loop_new();
	if (vault_ensure(c->vault, c->loop, &c->project, &c->error) ||
		vault_get(c->vault, name, &value, &c->error))
		return fail(c);
	bool done = emit(&value);
	buf_wipe(&value);
	if (isatty(STDOUT_FILENO))
		putchar('\n');
	return done ? 0 : ERR_FAILED;
}

enum { SECRET_MAX = 64 * 1024 };

static bool is_running(struct context *c, const char *service)
{
	struct err quiet = ERR_INIT;
	struct world w = { .now = 0 };
	if (!c->engine)
		c->engine = engine_open(&quiet);
	if (!c->engine || engine_look(c->engine, &c->arena, c->project.workspace, &w, &quiet))
		return false;
	const struct container *k = world_container(&w, service);
	return k && k->state == UNIT_RUNNING;
}

static int changed(struct context *c, const char *name, const char *what, bool followed)
{
	if (followed)
		note(c, "%s %s; all who run have it", name, what);
	else
		note(c, "%s %s; `devenv up` brings it to those who use it", name, what);
	return 0;
}

/*
 * A server that runs and remembers it is told. One that does not may remember this very value, as
 * when a lost keyring is made up for: the next `up` finds out.
 */
static int put(struct context *c, const struct secret *s, const struct buf *value)
{
	bool told = s->on_rotate && is_running(c, node_text(node_get(s->on_rotate, "service")));
	bool followed = false;
	int status = 0;
	if (told)
		status = rotate_secret(c, s, value, &followed);
	else if (vault_set(c->vault, s->name, buf_str(value), value->len, &c->error))
		status = fail(c);
	return status ? status : changed(c, s->name, "is set", followed);
}

/* The value comes on standard input, never as an argument: other users can read those. */
static int set(struct context *c, const char *name)
{
	struct buf value = BUF_INIT;
	char chunk[4096];
	int status = open_keyring(c, true);
	if (status || !named_secret(c, name))
		return status ? status : ERR_USAGE;
	if (isatty(STDIN_FILENO))
		fprintf(stderr, "Value of %s, then Ctrl-D: ", name);
	for (ssize_t n;
		(n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0 && value.len <= SECRET_MAX;)
		buf_add(&value, chunk, (size_t)n);
	explicit_bzero(chunk, sizeof(chunk));
	if (value.len > SECRET_MAX)
		return fail_with(c, ERR_USAGE, "a secret has at most 64 KiB");
	if (value.len && value.data[value.len - 1] == '\n')
		buf_truncate(&value, value.len - 1);
	status = put(c, project_secret(&c->project, name), &value);
	buf_wipe(&value);
	return status;
}

static int rotate(struct context *c, const struct strs *args)
{
	int status = open_keyring(c, true);
	for (size_t i = 1; !status && i < args->count; i++) {
		const struct secret *s = named_secret(c, args->items[i]);
		if (!s)
			return ERR_USAGE;
		bool followed = false;
		status = rotate_secret(c, s, NULL, &followed);
		if (!status)
			changed(c, s->name, "has a new value", followed);
	}
	return status;
}

static const char *const verbs[] = { "ls", "get", "set", "rotate", NULL };

static int run_secrets(struct context *c, const void *opts, const struct strs *args)
{
	(void)opts;
	const char *verb = args->count ? args->items[0] : "ls";
	if (streq(verb, "ls") && args->count <= 1)
		return list(c);
	if (streq(verb, "get") && args->count == 2)
		return get(c, args->items[1]);
	if (streq(verb, "set") && args->count == 2)
		return set(c, args->items[1]);
	if (streq(verb, "rotate") && args->count >= 2)
		return rotate(c, args);
	return wrong_verb(c, verb);
}

const struct cmd cmd_secrets = {
	.name = "secrets",
	.group = "data",
	.args = "ls | get NAME | set NAME | rotate NAME...",
	.help = "the project's secrets: list, show one, set one from standard input, make new "
		"values",
	.detail =
		"Values are made once and kept in the workspace's keyring, outside of the "
		"checkout; they change\n"
		"only when their recipe does, or by set and rotate. Containers get them as files "
		"in /run/secrets.\n"
		"rotate tells the service of `on_rotate`, then starts anew those who read the "
		"secret, one after the\n"
		"other in order of dependency; with `on_restart: reload` under their need of that "
		"service they get\n"
		"SIGHUP instead, with `ignore` they are left alone, as they read the file again by "
		"themselves. Who\n"
		"refuses the new value or does not become ready with it brings all back to the old "
		"one.",
	.max_args = -1,
	.complete = COMPLETE_SECRET,
	.verbs = verbs,
	.run = run_secrets,
};
