/*
 * Look-ups in a finished project, by name, and the identity of a workspace. Knows no tree.
 */
#include "model/project.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { SLUG_MAX = 30, ID_HEX = 8 };

static const char *name_of(const void *item)
{
	return *(const char *const *)item;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(name_of(*(const void *const *)a), name_of(*(const void *const *)b));
}

void names_index(struct arena *a, struct names *n, const void *items, size_t count, size_t size)
{
	n->items = arena_array(a, const void *, count + 1);
	n->count = count;
	for (size_t i = 0; i < count; i++)
		n->items[i] = (const char *)items + i * size;
	qsort(n->items, count, sizeof(*n->items), by_name);
}

static const void *names_find(const struct names *n, const char *name)
{
	if (!name || !n->count)
		return NULL;
	const void *key = &name;
	const void **hit = bsearch(&key, n->items, n->count, sizeof(*n->items), by_name);
	return hit ? *hit : NULL;
}

/* A project that was put together by hand has no index. */
static const void *find(
	const struct names *n, const void *items, size_t count, size_t size, const char *name)
{
	if (n->items)
		return names_find(n, name);
	for (size_t i = 0; name && i < count; i++) {
		const void *item = (const char *)items + i * size;
		if (streq(name_of(item), name))
			return item;
	}
	return NULL;
}

#define FIND(p, list, index, name)                                                                 \
	find(&(p)->index, (p)->list.items, (p)->list.count, sizeof(*(p)->list.items), name)

const struct service *project_service(const struct project *p, const char *name)
{
	return FIND(p, services, service_names, name);
}

bool project_runs(const struct project *p, enum where where)
{
	for (size_t i = 0; i < p->services.count; i++) {
		if (p->services.items[i].where == where && !p->services.items[i].left_out)
			return true;
	}
	return false;
}

const struct image *project_image(const struct project *p, const char *name)
{
	return FIND(p, images, image_names, name);
}

const struct volume *project_volume(const struct project *p, const char *name)
{
	return FIND(p, volumes, volume_names, name);
}

const struct secret *project_secret(const struct project *p, const char *name)
{
	return FIND(p, secrets, secret_names, name);
}

const struct command *project_command(const struct project *p, const char *name)
{
	return FIND(p, commands, command_names, name);
}

const struct port *service_port(const struct service *s, const char *name)
{
	int64_t number;
	bool numeric = name && parse_int(name, &number);
	for (size_t i = 0; i < s->ports.count; i++) {
		const struct port *p = &s->ports.items[i];
		if (!name || streq(p->name, name) || (numeric && p->target == number))
			return p;
	}
	return NULL;
}

bool service_success(const struct service *s, int status)
{
	int64_t code;
	if (!status)
		return true;
	for (size_t i = 0; i < s->success_codes.count; i++) {
		if (parse_int(s->success_codes.items[i], &code) && code == status)
			return true;
	}
	return false;
}

char *project_slug(struct arena *a, const char *name)
{
	char *out = arena_strndup(a, name, strlen(name));
	size_t len = 0;
	for (const char *s = name; *s && len < SLUG_MAX; s++) {
		char c = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (plain)
			out[len++] = c;
		else if (len && out[len - 1] != '-')
			out[len++] = '-';
	}
	while (len && out[len - 1] == '-')
		len--;
	out[len] = '\0';
	return len ? out : arena_strdup(a, "project");
}

char *workspace_run_id(struct arena *a, const char *name, const char *run)
{
	return arena_printf(a, "%s-ci-%s", project_slug(a, name), run);
}

char *workspace_id(struct arena *a, const char *name, const char *dir)
{
	char hex[HASH_HEX + 1];
	hash_hex(dir, strlen(dir), hex);
	return arena_printf(a, "%s-%.*s", project_slug(a, name), ID_HEX, hex);
}
