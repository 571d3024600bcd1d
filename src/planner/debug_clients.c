/*
 * What lets clients in the tools container find the project's services without a word: variables,
 * password files, the addresses of routes for curl. Comes in: the project. Goes out: variables and
 * files of the tools container; a password is in a file only. Services are known by the template
 * that they extend.
 */
#include "planner/debug.h"

#include <string.h>

#include "parts.h"

struct clients {
	struct arena *a;
	const struct project *p;
	const struct service *joined; /* NULL: none */
	struct tools_spec *out;
};

struct client_kind {
	const char *template, *user, *fallback_user, *database, *fallback_database;
	const char *passwords[2]; /* variables: NAME, and NAME_FILE */
	void (*choose)(struct clients *c, const struct client_kind *k, const struct service *s);
};

static const char secrets_dir[] = "/run/secrets/", secret_mark[] = "${secret.";

/* ---- what a service says of itself ---- */

/* NULL: it does not say it, or not in plain words. */
static const char *variable(const struct service *s, const char *name)
{
	for (size_t i = 0; name && i < s->environment.count; i++) {
		const struct var *v = &s->environment.items[i];
		if (streq(v->name, name))
			return v->value && *v->value ? v->value : NULL;
	}
	return NULL;
}

static const char *plain(const struct service *s, const char *name, const char *fallback)
{
	const char *v = variable(s, name);
	return v && !strstr(v, "${") && !strpbrk(v, "\r\n") ? v : fallback;
}

static const char *user_of(const struct client_kind *k, const struct service *s)
{
	return plain(s, k->user, k->fallback_user);
}

static const char *database_of(const struct client_kind *k, const struct service *s)
{
	const char *other = k->fallback_database ? k->fallback_database : user_of(k, s);
	return plain(s, k->database, other);
}

static int port_of(const struct service *s, int usual)
{
	return s->ports.count ? s->ports.items[0].target : usual;
}

/* The secret behind "/run/secrets/NAME" or "${secret.NAME}". */
static const char *secret_of(
	struct clients *c, const struct service *s, const struct client_kind *k)
{
	const char *file = variable(s, k->passwords[1]), *value = variable(s, k->passwords[0]);
	for (size_t i = 0; file && i < s->secrets.count; i++) {
		const struct secret_use *use = &s->secrets.items[i];
		const char *target = secret_target(use);
		if (streq(file,
			    arena_printf(c->a, "%s%s", secrets_dir, target ? target : use->source)))
			return use->source;
	}
	if (!value || !starts_with(value, secret_mark) || !ends_with(value, "}"))
		return NULL;
	const char *name = value + strlen(secret_mark);
	size_t len = strcspn(name, "}");
	return name[len + 1] ? NULL : arena_strndup(c->a, name, len);
}

/* ---- files ---- */

static struct out_file *file_of(struct clients *c, const char *name)
{
	for (size_t i = 0; i < c->out->files.count; i++)
		if (streq(c->out->files.items[i].path, name))
			return &c->out->files.items[i];
	struct out_file *f = list_push(c->a, &c->out->files);
	f->path = name;
	f->mode = 0444;
	f->source = FROM_PIECES;
	return f;
}

static void put(struct clients *c, struct out_file *f, const char *text)
{
	*list_push(c->a, &f->pieces) = (struct piece){ .text = text, .len = strlen(text) };
}

static const char *escaped(struct clients *c, const char *text, const char *special)
{
	cleanup_buf struct buf b = BUF_INIT;
	text_escape(&b, text, strlen(text), special);
	return arena_strdup(c->a, buf_str(&b));
}

/* False: none is known. */
static bool put_password(struct clients *c, struct out_file *f, const struct service *s,
	const struct client_kind *k, enum escape how, const char *special)
{
	const char *secret = secret_of(c, s, k), *word = plain(s, k->passwords[0], NULL);
	if (secret)
		*list_push(c->a, &f->pieces) = (struct piece){ .secret = secret, .escape = how };
	else if (word)
		put(c, f, escaped(c, word, special));
	return secret || word;
}

static void set(struct clients *c, const char *name, const char *value)
{
	strs_add(c->a, &c->out->env, arena_printf(c->a, "%s=%s", name, value));
}

static void set_number(struct clients *c, const char *name, int value)
{
	set(c, name, arena_printf(c->a, "%d", value));
}

/* ---- kinds ---- */

static bool is_of(const struct service *s, const struct client_kind *k)
{
	return s->where == RUN_CONTAINER && streq(s->template, k->template);
}

/* libpq looks for the server in its password file: all of them stand there. */
static void add_pgpass(struct clients *c, const struct client_kind *k)
{
	const struct node_pair *pair;
	node_each_pair(node_get(c->p->tree, "services"), i, pair)
	{
		const struct service *s = project_service(c->p, pair->key);
		if (!s || !is_of(s, k) || (!secret_of(c, s, k) && !plain(s, k->passwords[0], NULL)))
			continue;
		struct out_file *f = file_of(c, "pgpass");
		put(c, f,
			arena_printf(c->a, "%s:%d:*:%s:", s->name, port_of(s, 5432),
				escaped(c, user_of(k, s), ":\\")));
		put_password(c, f, s, k, ESC_PGPASS, ":\\");
		put(c, f, "\n");
	}
}

static void choose_postgres(struct clients *c, const struct client_kind *k, const struct service *s)
{
	set(c, "PGHOST", s->name);
	set_number(c, "PGPORT", port_of(s, 5432));
	set(c, "PGUSER", user_of(k, s));
	set(c, "PGDATABASE", database_of(k, s));
	set(c, "PGPASSFILE", "/tmp/.pgpass");
	add_pgpass(c, k);
}

static void choose_mariadb(struct clients *c, const struct client_kind *k, const struct service *s)
{
	struct out_file *f = file_of(c, "my.cnf");
	set(c, "MYSQL_HOST", s->name);
	set_number(c, "MYSQL_TCP_PORT", port_of(s, 3306));
	put(c, f,
		arena_printf(c->a, "[client]\nhost=%s\nport=%d\nuser=\"%s\"\npassword=\"", s->name,
			port_of(s, 3306), escaped(c, user_of(k, s), "\"\\")));
	put_password(c, f, s, k, ESC_QUOTED, "\"\\");
	put(c, f,
		arena_printf(c->a, "\"\n[mysql]\ndatabase=\"%s\"\n",
			escaped(c, database_of(k, s), "\"\\")));
}

/* redis-cli reads neither host nor password from a file: our shim of that name does. */
static void choose_redis(struct clients *c, const struct client_kind *k, const struct service *s)
{
	int port = port_of(s, 6379);
	set(c, "REDIS_HOST", s->name);
	set_number(c, "REDIS_PORT", port);
	set(c, "REDIS_URL", arena_printf(c->a, "redis://%s:%d", s->name, port));
	if (secret_of(c, s, k) || plain(s, k->passwords[0], NULL))
		put_password(c, file_of(c, "redis-auth"), s, k, ESC_NONE, "");
}

static const struct client_kind kinds[] = {
	{ "postgres", "POSTGRES_USER", "postgres", "POSTGRES_DB", NULL,
		{ "POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE" }, choose_postgres },
	{ "mariadb", "MARIADB_USER", "app", "MARIADB_DATABASE", "app",
		{ "MARIADB_PASSWORD", "MARIADB_PASSWORD_FILE" }, choose_mariadb },
	{ "redis", NULL, "", NULL, "", { "REDIS_PASSWORD", "REDIS_PASSWORD_FILE" }, choose_redis },
};

static bool is_needed(const struct service *joined, const struct service *s)
{
	for (size_t i = 0; i < joined->needs.count; i++)
		if (joined->needs.items[i].service == s)
			return true;
	return false;
}

/* The joined one itself, else one that it needs, else the first as they are written. */
static const struct service *chosen(const struct clients *c, const struct client_kind *k)
{
	const struct service *first = NULL, *needed = NULL;
	const struct node_pair *pair;
	node_each_pair(node_get(c->p->tree, "services"), i, pair)
	{
		const struct service *s = project_service(c->p, pair->key);
		if (!s || !is_of(s, k))
			continue;
		if (s == c->joined)
			return s;
		first = first ? first : s;
		needed = !needed && c->joined && is_needed(c->joined, s) ? s : needed;
	}
	return needed ? needed : first;
}

/* ---- routes ---- */

static bool connects(const struct service *s, int target)
{
	for (size_t i = 0; s->where == RUN_CONTAINER && i < s->ports.count; i++)
		if (s->ports.items[i].target == target)
			return true;
	return false;
}

/* Under the URL that is told on the host, too: its port there is not the one in here. */
static void add_route(struct clients *c, const struct world *w, const struct route *r)
{
	struct out_file *f;
	for (size_t i = 0; r->via && i < r->via->ports.count; i++) {
		const struct port *port = &r->via->ports.items[i];
		int outside = published_port(w, r->via, port);
		if (strchr(r->host, '*') || (port->target != 80 && port->target != 443) ||
			!connects(r->via, port->target))
			continue;
		f = file_of(c, "curlrc");
		put(c, f,
			arena_printf(c->a, "connect-to = \"%s:%d:%s:%d\"\n", r->host, port->target,
				r->via->name, port->target));
		if (outside && outside != port->target)
			put(c, f,
				arena_printf(c->a, "connect-to = \"%s:%d:%s:%d\"\n", r->host,
					outside, r->via->name, port->target));
	}
}

static bool first_of_host(const struct project *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (streq(p->routes.items[k].host, p->routes.items[i].host))
			return false;
	return true;
}

void tools_clients(struct arena *a, const struct project *p, const struct world *w,
	const struct service *joined, struct tools_spec *out)
{
	struct clients c = { a, p, joined, out };
	for (size_t i = 0; i < countof(kinds); i++) {
		const struct service *s = chosen(&c, &kinds[i]);
		if (s)
			kinds[i].choose(&c, &kinds[i], s);
	}
	for (size_t i = 0; i < p->routes.count; i++)
		if (first_of_host(p, i))
			add_route(&c, w, &p->routes.items[i]);
}
