/*
 * Which field of the schema describes a value, and what makes two items of a list the same thing.
 * In: tables and nodes. Out: fields and identities. Knows the shapes of canonical forms, no more.
 */
#include "config/rules.h"

#include <stdint.h>
#include <string.h>

/* Addresses of a host in extra_hosts: gathered, as Compose does. */
static const struct field address_list = {
	.types = T_LIST, .merge = MERGE_UNIQUE, .flags = FIELD_COMPOSE
};

bool is_extension(const char *key)
{
	return key[0] == 'x' && key[1] == '-';
}

/*
 * As schema_field(), which every pass asks for every key: the answers of late are kept by the key's
 * first letters, and a table of sixty fields is seldom walked.
 */
static const struct field *find_field(const struct schema *s, const char *key)
{
	static _Thread_local struct {
		const struct schema *schema;
		const struct field *field;
	} late[256];
	const struct field *f;

	if (!s->fields || !s->fields->name || !*key)
		return schema_field(s, key);
	size_t at = ((uintptr_t)s / 16 + (unsigned char)key[0] * 7u + (unsigned char)key[1] * 31u +
			    (key[1] ? (unsigned char)key[2] : 0u) * 5u) %
		    countof(late);
	if (late[at].schema == s && !strcmp(late[at].field->name, key))
		return late[at].field;
	f = schema_field(s, key);
	if (f && f->name) {
		late[at].schema = s;
		late[at].field = f;
	}
	return f;
}

const struct field *field_under(const struct field *parent, const char *key)
{
	if (!parent || is_extension(key))
		return NULL;
	if (parent->form == FORM_EXTRA_HOSTS)
		return &address_list;
	return parent->map ? find_field(parent->map, key) : NULL;
}

static const char *joined(struct arena *a, const char *x, const char *sep, const char *y)
{
	size_t nx = strlen(x), ns = strlen(sep), ny = strlen(y);
	char *out = arena_alloc(a, nx + ns + ny + 1);

	memcpy(out, x, nx);
	memcpy(out + nx, sep, ns);
	memcpy(out + nx + ns, y, ny);
	return out;
}

static const char *port_identity(struct arena *a, const struct node *item)
{
	const char *target = node_text(node_get(item, "target"));
	const char *protocol = node_text(node_get(item, "protocol"));

	return target ? joined(a, target, "/", protocol ? protocol : "tcp") : NULL;
}

/* A path without the slashes at its end. */
static const char *mount_identity(struct arena *a, const struct node *item)
{
	const char *target = node_text(node_get(item, "target"));
	size_t len = target ? strlen(target) : 0;

	while (len > 1 && target[len - 1] == '/')
		len--;
	return target && target[len] ? arena_strndup(a, target, len) : target;
}

static const char *grant_identity(struct arena *a, const struct node *item)
{
	const char *target = node_text(node_get(item, "target"));
	const char *source = node_text(node_get(item, "source"));

	if (!target)
		target = source;
	if (!target)
		return NULL;
	return *target == '/' ? target : joined(a, "/run/secrets", "/", target);
}

/* What the fields marked as keys say, or their defaults; NULL: none is marked. */
static const char *key_identity(struct arena *a, const struct field *field, const struct node *item)
{
	const char *whole = NULL;

	for (; field && field->name; field++) {
		const char *text = node_text(node_get(item, field->name));
		if (!(field->flags & FIELD_KEY))
			continue;
		text = text ? text : field->value ? field->value : "";
		whole = whole ? joined(a, whole, " ", text) : text;
	}
	return whole;
}

/* Lists of our own: by their keys, by `name`, else by the first field that every item must have. */
static const char *own_identity(struct arena *a, const struct field *f, const struct node *item)
{
	const struct field *field = f->item && f->item->map ? f->item->map->fields : NULL;
	const char *name = key_identity(a, field, item);

	name = name ? name : node_text(node_get(item, "name"));
	if (name || node_is_scalar(item))
		return name ? name : node_text(item);
	for (; field && field->name; field++)
		if (field->flags & FIELD_REQUIRED)
			return node_text(node_get(item, field->name));
	return NULL;
}

const char *item_identity(struct arena *a, const struct field *f, const struct node *item)
{
	if (f && f->form == FORM_PORTS)
		return port_identity(a, item);
	if (f && f->form == FORM_VOLUMES)
		return mount_identity(a, item);
	if (f && f->form == FORM_SECRETS)
		return grant_identity(a, item);
	return f ? own_identity(a, f, item) : NULL;
}

const char *item_alias(const struct field *f, const struct node *item)
{
	if (f && f->form == FORM_PORTS)
		return node_text(node_get(item, "name"));
	if (f && f->form == FORM_VOLUMES && !node_get(item, "target"))
		return node_text(node_get(item, "source"));
	return NULL;
}
