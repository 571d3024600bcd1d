/*
 * Mounts of the generated compose file, in the long form and absolute: what the service asks for,
 * its sources, dependencies and caches, and the generated directories that concern it. Directories
 * are mounted, never files: a file is replaced by renaming, which a mounted one would not notice.
 */
#include "parts.h"

#include <string.h>

#include "base/hash.h"
#include "base/os.h"

static struct node *mount_of(struct make *m, struct unit *u, const char *type, const char *source,
	const char *target, bool read_only)
{
	struct place at = u->service->place;
	struct node *n = node_map(m->a, at);
	compose_put_text(m, n, "type", type);
	if (source)
		compose_put_text(m, n, "source", compose_text(m, u, source, at));
	compose_put_text(m, n, "target", compose_text(m, u, target, at));
	if (read_only)
		compose_put_bool(m, n, "read_only", true);
	return n;
}

static bool same_place(const struct node *a, const struct node *b)
{
	return a->place.line == b->place.line && a->place.col == b->place.col;
}

/*
 * A source that is not there is an error, not a directory of root's. The short form's "make it" is
 * Compose's habit and nobody's wish; it stands where the mount itself stands.
 */
static void never_create(struct make *m, struct node *mount, const struct mount *own)
{
	const struct node *options = own ? node_get(own->node, "bind") : NULL;
	const struct node *make = node_get(options, "create_host_path");
	struct node *bind = options && options->kind == NODE_MAP ? compose_carry(m, NULL, options)
								 : node_map(m->a, mount->place);
	if (!make || same_place(make, own->node))
		compose_put_bool(m, bind, "create_host_path", false);
	compose_put(m, mount, "bind", bind);
}

static void add_bind(struct make *m, struct unit *u, struct node *list, const char *source,
	const char *target, bool read_only)
{
	struct node *n = mount_of(m, u, "bind", source, target, read_only);
	never_create(m, n, NULL);
	strs_add(m->a, &u->binds, source);
	list_add(m->a, list, n);
}

static const struct mount *typed(const struct service *s, const struct node *item)
{
	for (size_t i = 0; i < s->mounts.count; i++) {
		if (s->mounts.items[i].node == item)
			return &s->mounts.items[i];
	}
	return NULL;
}

/* Compose's entry of the service does not name the engine's volume: another one is another mount.
 */
static void hash_volume(struct make *m, struct unit *u, const struct mount *mount)
{
	const struct volume_record *r =
		mount->kind == MOUNT_VOLUME ? world_volume(m->w, mount->source) : NULL;
	if (r)
		hasher_str(part_hash(u, PART_MOUNTS), r->engine);
}

static struct node *own_mount(struct make *m, struct unit *u, const struct mount *mount)
{
	static const char *const types[] = {
		[MOUNT_BIND] = "bind", [MOUNT_VOLUME] = "volume", [MOUNT_TMPFS] = "tmpfs"
	};
	static const char *const carried[] = { "volume", "tmpfs", "consistency" };
	struct node *n =
		mount_of(m, u, types[mount->kind], mount->source, mount->target, mount->read_only);
	hash_volume(m, u, mount);
	for (size_t i = 0; i < countof(carried); i++) {
		const struct node *option = node_get(mount->node, carried[i]);
		if (option)
			compose_put(m, n, carried[i], compose_carry(m, u, option));
	}
	if (mount->kind == MOUNT_BIND) {
		never_create(m, n, mount);
		strs_add(m->a, &u->binds, mount->source);
	}
	return n;
}

static void add_own(struct make *m, struct unit *u, struct node *list)
{
	struct node *item;
	node_each_item(node_get(u->service->node, "volumes"), i, item)
	{
		const struct mount *mount = typed(u->service, item);
		list_add(m->a, list, mount ? own_mount(m, u, mount) : compose_carry(m, u, item));
	}
}

static bool taken(const struct unit *u, const char *target)
{
	for (size_t i = 0; i < u->service->mounts.count; i++) {
		if (streq(u->service->mounts.items[i].target, target))
			return true;
	}
	return false;
}

static void add_develop(struct make *m, struct unit *u, struct node *list)
{
	const struct develop *d = u->service->develop;
	if (d && u->service->working_dir && !taken(u, u->service->working_dir))
		add_bind(m, u, list, d->source, u->service->working_dir, false);
	for (size_t i = 0; i < u->shared.count; i++) {
		const struct shared *v = &u->shared.items[i];
		const char *point = mount_point(m, u, v->target);
		if (!taken(u, v->target))
			list_add(m->a, list, mount_of(m, u, "volume", v->name, v->target, false));
		if (point)
			strs_add(m->a, &u->binds, point);
	}
}

const char *secret_target(const struct secret_use *use)
{
	static const char dir[] = "/run/secrets/";
	const char *name = starts_with(use->target, dir) ? use->target + strlen(dir) : use->target;
	return strchr(name, '/') || !*name || *name == '.' ? NULL : name;
}

static void add_secrets(struct make *m, struct unit *u, struct node *list)
{
	const struct service *s = u->service;
	bool any = false;
	for (size_t i = 0; i < s->secrets.count; i++) {
		const struct secret_use *use = &s->secrets.items[i];
		const char *name = secret_target(use);
		hasher_str(part_hash(u, PART_SECRETS), use->target);
		hash_secret_file(m, u, use);
		any |= name != NULL;
		if (name)
			continue;
		if (*use->target == '/')
			add_bind(m, u, list,
				generated_path(m,
					arena_printf(m->a, "secrets/%s/%s", s->name, use->source)),
				use->target, true);
		else
			complain(m, use->place, "\"%s\" is no file name for a secret", use->target)
				->hint = "a name below /run/secrets, or an absolute path";
	}
	if (any && !taken(u, "/run/secrets"))
		add_bind(m, u, list, generated_path(m, arena_printf(m->a, "secrets/%s", s->name)),
			"/run/secrets", true);
}

static void hash_certificates(struct make *m, struct unit *u)
{
	struct hasher *h = part_hash(u, PART_CERTIFICATES);
	hasher_str(h, m->w->authority);
	if (!u->routes)
		return;
	hasher_str(h, strs_join(m->a, &m->p->cert_hosts, ","));
	hasher_field(h, &m->w->leaf_not_after, sizeof(m->w->leaf_not_after));
	hasher_str(part_hash(u, PART_ROUTES), u->routes);
}

static void add_generated(struct make *m, struct unit *u, struct node *list)
{
	add_secrets(m, u, list);
	if (!taken(u, "/etc/devenv/trust"))
		add_bind(m, u, list, generated_path(m, "trust"), "/etc/devenv/trust", true);
	if (u->routes) {
		const char *dir = arena_printf(m->a, "nginx/%s", u->service->name);
		add_bind(m, u, list, generated_path(m, dir), "/etc/nginx/conf.d", true);
		add_bind(m, u, list, generated_path(m, "certs/site"), "/etc/devenv/certs", true);
	}
	hash_certificates(m, u);
}

void compose_mounts(struct make *m, struct unit *u)
{
	struct node *list = node_list(m->a, u->service->place);
	add_own(m, u, list);
	add_develop(m, u, list);
	add_generated(m, u, list);
	compose_put(m, u->node, "volumes", list);
}
