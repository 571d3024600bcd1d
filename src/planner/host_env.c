/*
 * The environment of a host service's copy: what devenv gives every process, the service's own
 * variables as the host reaches others, those of `host:` over them. Secrets stay names; files of
 * secrets are found below the generated set, where a container would look into /run/secrets.
 */
#include "parts.h"

#include <string.h>

#include "base/hash.h"

static const char run_secrets[] = "/run/secrets/";

static bool has_variable(const vars *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (streq(list->items[i].name, name))
			return true;
	}
	return false;
}

static bool said(const struct unit *u, const char *name)
{
	return has_variable(&u->service->environment, name) ||
	       has_variable(&u->service->on_host->environment, name);
}

static struct host_var *add_variable(struct make *m, struct host_spec *spec, const char *name)
{
	struct host_var *v = list_push(m->a, &spec->env);
	v->name = name;
	return v;
}

static void add_piece(struct make *m, struct host_var *v, const char *text, size_t len)
{
	if (len)
		*list_push(m->a, &v->value) = (struct piece){ .text = text, .len = len };
}

static void add_default(
	struct make *m, struct unit *u, struct host_spec *spec, const char *name, const char *value)
{
	if (!said(u, name))
		add_piece(m, add_variable(m, spec, name), value, strlen(value));
}

/* ---- what everybody gets ---- */

static const char *variable_of(struct make *m, const struct port *p)
{
	char *name = p->name ? arena_printf(m->a, "PORT_%s", p->name)
			     : arena_printf(m->a, "PORT_%d", p->target);
	for (char *s = name; *s; s++) {
		if (*s >= 'a' && *s <= 'z')
			*s = (char)(*s - 'a' + 'A');
		else if (!((*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9')))
			*s = '_';
	}
	return name;
}

static void add_ports(struct make *m, struct unit *u, struct host_spec *spec)
{
	for (size_t i = 0; i < spec->ports.count; i++) {
		const char *number = arena_printf(m->a, "%d", spec->ports.items[i].published);
		if (!i)
			add_default(m, u, spec, "PORT", number);
		add_default(m, u, spec, variable_of(m, &u->service->ports.items[i]), number);
	}
}

static const char *secrets_dir(struct make *m, const struct unit *u)
{
	return generated_path(m, arena_printf(m->a, "secrets/%s", u->service->name));
}

static void add_defaults(struct make *m, struct unit *u, struct host_spec *spec)
{
	const char *bundle = generated_path(m, "trust/ca-bundle.crt");
	for (const struct trust_variable *v = trust_variables; v->name; v++)
		add_default(m, u, spec, v->name, bundle);
	add_default(m, u, spec, "DEVENV_WORKSPACE", m->p->workspace);
	add_default(m, u, spec, "DEVENV_SERVICE", u->service->name);
	if (u->service->secrets.count)
		add_default(m, u, spec, "DEVENV_SECRETS", secrets_dir(m, u));
	add_ports(m, u, spec);
}

/* ---- what the configuration says ---- */

/* The generated file that stands for a path in a container; NULL: it is none of its secrets. */
static const char *secret_file(struct make *m, const struct unit *u, const char *text, size_t *len)
{
	const struct service *s = u->service;
	const char *found = NULL;
	for (size_t i = 0; i < s->secrets.count; i++) {
		const struct secret_use *use = &s->secrets.items[i];
		const char *name = secret_target(use);
		const char *path =
			name ? arena_printf(m->a, "%s%s", run_secrets, name) : use->target;
		size_t size = strlen(path);
		bool ends = !strncmp(text, path, size) &&
			    !(text[size] && !strchr(":,; \"'&?#", text[size]));
		if (!ends)
			continue;
		*len = size;
		found = arena_printf(m->a, "%s/%s", secrets_dir(m, u), name ? name : use->source);
	}
	return found;
}

static void add_literal(
	struct make *m, const struct unit *u, struct host_var *v, const char *text, size_t len)
{
	cleanup_buf struct buf out = BUF_INIT;
	for (size_t i = 0; i < len;) {
		size_t size = 0;
		const char *file = text[i] == '/' ? secret_file(m, u, text + i, &size) : NULL;
		if (file) {
			buf_adds(&out, file);
			i += size;
			continue;
		}
		i += escaped_reference(text + i);
		buf_addc(&out, text[i++]);
	}
	add_piece(m, v, arena_strndup(m->a, buf_str(&out), out.len), out.len);
}

static void add_value(struct make *m, struct unit *u, struct host_var *v, const char *value)
{
	static const char mark[] = "${secret.";
	const char *rest = value;
	for (const char *at; (at = find_reference(rest, mark));) {
		const char *name = at + strlen(mark), *end = strchr(name, '}');
		if (!end)
			break;
		add_literal(m, u, v, rest, (size_t)(at - rest));
		const char *secret = arena_strndup(m->a, name, (size_t)(end - name));
		*list_push(m->a, &v->value) = (struct piece){ .secret = secret,
			.escape = in_authority(value, at) ? ESC_URL : ESC_NONE };
		hasher_str(part_hash(u, PART_SECRETS), map_get(&m->fingerprints, secret));
		rest = end + 1;
	}
	add_literal(m, u, v, rest, strlen(rest));
}

/* A bare name comes from the environment of the one who asks, which is there anyway. */
static void add_own(struct make *m, struct unit *u, struct host_spec *spec, const struct var *v)
{
	const char *value = expand_for_copy(m, u->service, spec->number, v->value, v->place);
	hasher_str(part_hash(u, PART_ENVIRONMENT), v->name);
	hasher_str(part_hash(u, PART_ENVIRONMENT), value);
	if (value)
		add_value(m, u, add_variable(m, spec, v->name), value);
}

void host_environment(struct make *m, struct unit *u, struct host_spec *spec)
{
	const vars *own = &u->service->environment, *over = &u->service->on_host->environment;
	add_defaults(m, u, spec);
	for (size_t i = 0; i < own->count; i++) {
		if (!has_variable(over, own->items[i].name))
			add_own(m, u, spec, &own->items[i]);
	}
	for (size_t i = 0; i < over->count; i++)
		add_own(m, u, spec, &over->items[i]);
}
