/*
 * The environment of a service: what may be seen goes into the compose file, what holds a secret
 * into an env file of its own that only the developer reads; and the variables by which software
 * finds the trusted certificates, unless somebody set them.
 */
#include "parts.h"

#include <string.h>

#include "base/hash.h"
#include "base/os.h"

#define BUNDLE "/etc/devenv/trust/ca-bundle.crt"

const struct trust_variable trust_variables[] = {
	{ "SSL_CERT_FILE", BUNDLE },
	{ "NODE_EXTRA_CA_CERTS", BUNDLE },
	{ "REQUESTS_CA_BUNDLE", BUNDLE },
	{ "CURL_CA_BUNDLE", BUNDLE },
	{ "GIT_SSL_CAINFO", BUNDLE },
	{ "npm_config_cafile", BUNDLE },
	{ NULL, NULL },
};

static bool has_variable(const vars *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (streq(list->items[i].name, name))
			return true;
	}
	return false;
}

bool says_variable(const struct unit *u, const char *name)
{
	if (has_variable(&u->service->environment, name))
		return true;
	for (const struct rung *r = u->rung; r; r = r->parent) {
		if (has_variable(&r->image->env, name))
			return true;
	}
	return false;
}

static void add_piece(struct make *m, struct unit *u, const char *text, size_t len)
{
	if (len)
		*list_push(m->a, &u->secret_env) = (struct piece){ .text = text, .len = len };
}

/* Literal text between the double quotes of an env file, as Compose reads them. */
static void add_literal(struct make *m, struct unit *u, const char *text, size_t len)
{
	cleanup_buf struct buf out = BUF_INIT;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' || text[i] == '\r') {
			buf_adds(&out, text[i] == '\n' ? "\\n" : "\\r");
			continue;
		}
		i += escaped_reference(text + i);
		if (strchr("\\\"$", text[i]))
			buf_addc(&out, '\\');
		buf_addc(&out, text[i]);
	}
	add_piece(m, u, arena_strndup(m->a, buf_str(&out), out.len), out.len);
}

/* A secret between "://" and the next "/" is part of a URL's authority. */
bool in_authority(const char *value, const char *at)
{
	const char *scheme = NULL;
	for (const char *s = value; (s = strstr(s, "://")) && s < at; s += 3)
		scheme = s + 3;
	return scheme && !memchr(scheme, '/', (size_t)(at - scheme)) && strchr(at, '@');
}

static void add_value(struct make *m, struct unit *u, const char *value)
{
	static const char mark[] = "${secret.";
	const char *rest = value;
	for (const char *at; (at = find_reference(rest, mark));) {
		const char *name = at + strlen(mark), *end = strchr(name, '}');
		if (!end)
			break;
		add_literal(m, u, rest, (size_t)(at - rest));
		const char *secret = arena_strndup(m->a, name, (size_t)(end - name));
		*list_push(m->a, &u->secret_env) = (struct piece){ .secret = secret,
			.escape = in_authority(value, at) ? ESC_URL : ESC_ENV_FILE };
		hasher_str(part_hash(u, PART_SECRETS), map_get(&m->fingerprints, secret));
		rest = end + 1;
	}
	add_literal(m, u, rest, strlen(rest));
}

static bool name_valid(struct make *m, const struct var *v)
{
	if (*v->name && !strpbrk(v->name, "=\"'\\$# \t\r\n"))
		return true;
	complain(m, v->place, "\"%s\" is no name of a variable that can hold a secret", v->name);
	return false;
}

static void add_secret_line(struct make *m, struct unit *u, const struct var *v, const char *value)
{
	if (!name_valid(m, v))
		return;
	hasher_str(part_hash(u, PART_ENVIRONMENT), v->name);
	hasher_str(part_hash(u, PART_ENVIRONMENT), value);
	const char *open = arena_printf(m->a, "%s=\"", v->name);
	add_piece(m, u, open, strlen(open));
	add_value(m, u, value);
	add_piece(m, u, "\"\n", 2);
}

static void add_variable(struct make *m, struct unit *u, struct node *env, const struct var *v)
{
	const char *value = plan_expand(m->a, m->p, m->w, u->service, v->value, v->place, m->d);
	if (!value)
		compose_put(m, env, v->name, node_null(m->a, v->place));
	else if (holds_secret(value))
		add_secret_line(m, u, v, value);
	else
		compose_put_text(m, env, v->name, compose_text(m, u, value, v->place));
}

static void add_trust(struct make *m, struct unit *u, struct node *env)
{
	for (const struct trust_variable *v = trust_variables; v->name; v++) {
		if (!says_variable(u, v->name))
			compose_put_text(m, env, v->name, v->value);
	}
}

/* Root under another name: the engine would look up root's home. */
static void add_home(struct make *m, struct unit *u, struct node *env)
{
	struct owner o = owner_of(m, u->service);
	if (o.known && !o.uid && starts_with(o.home, "/home/") && !says_variable(u, "HOME"))
		compose_put_text(m, env, "HOME", o.home);
}

static void add_env_files(struct make *m, struct unit *u)
{
	struct node *files = node_list(m->a, u->service->place), *item;
	node_each_item(node_get(u->service->node, "env_file"), i, item)
	{
		struct node *entry = compose_carry(m, u, item);
		const char *path = node_text(node_get(item, "path"));
		if (path && *path != '/')
			compose_put_text(m, entry, "path",
				compose_text(m, u,
					path_normal(m->a, path_join(m->a, m->p->dir, path)),
					item->place));
		bool brief = path && streq(node_text(node_get(item, "required")), "true") &&
			     !node_get(item, "format");
		list_add(m->a, files, brief ? node_get(entry, "path") : entry);
	}
	if (u->secret_env.count)
		compose_add_text(m, files,
			compose_text(m, u,
				generated_path(
					m, arena_printf(m->a, "env/%s.env", u->service->name)),
				u->service->place));
	if (node_count(files))
		compose_put(m, u->node, "env_file", files);
}

void compose_environment(struct make *m, struct unit *u)
{
	struct node *env = node_map(m->a, u->service->place);
	for (size_t i = 0; i < u->service->environment.count; i++)
		add_variable(m, u, env, &u->service->environment.items[i]);
	add_home(m, u, env);
	add_trust(m, u, env);
	compose_put(m, u->node, "environment", env);
	add_env_files(m, u);
}
