/*
 * `volumes:` of a service in its long form, typed mounts out; paths of the host become absolute.
 * Whether they exist is not known here.
 */
#include "decode.h"

#include <string.h>

static const struct word type_words[] = { { "bind", MOUNT_BIND }, { "volume", MOUNT_VOLUME },
	{ "tmpfs", MOUNT_TMPFS }, { NULL, -1 } };

static const char *host_path(struct decode *c, const char *source)
{
	if (*source != '~')
		return project_path(c, source);
	if (!c->req->home || (source[1] && source[1] != '/'))
		return source;
	return arena_printf(c->a, "%s%s", c->req->home, source + 1);
}

static int mount_type(const struct node *n, const char *source)
{
	const char *type = text_at(n, "type");
	if (type)
		return meaning(type_words, type);
	return source && strchr("./~", *source) ? MOUNT_BIND : MOUNT_VOLUME;
}

static void volume_known(struct decode *c, const struct mount *m, const char *path)
{
	const struct node *known = node_get(c->tree, "volumes");
	if (m->kind != MOUNT_VOLUME || !m->source || node_pair(known, m->source))
		return;
	struct place at = place_at(m->node, "source", m->place);
	size_t before = c->d->count;
	say_unknown(c, at, path, "volume", m->source, known);
	if (c->d->count > before && !node_count(known))
		c->d->items[before].hint = arena_printf(
			c->a, "declare it: volumes: { %s: { kind: data } }", m->source);
}

static void mount_read(struct decode *c, struct service *s, const struct node *n, const char *path)
{
	const char *source = text_at(n, "source"), *target = text_at(n, "target");
	int type = mount_type(n, source);
	if (type < 0 || !target)
		return;
	struct mount m = {
		.kind = type, .source = source, .target = target, .node = n, .place = n->place
	};
	m.read_only = truth(node_get(n, "read_only"), false);
	if (*target != '/')
		say(c, SEV_ERROR, place_at(n, "target", n->place), path_of(c, path, "target"),
			"\"%s\" is not an absolute path in the container", target);
	if (m.kind == MOUNT_BIND && !source) {
		say(c, SEV_ERROR, n->place, path, "a bind mount needs a source");
		return;
	}
	if (m.kind == MOUNT_BIND)
		m.source = host_path(c, source);
	volume_known(c, &m, path);
	*list_push(c->a, &s->mounts) = m;
}

void decode_mounts(struct decode *c, struct service *s, const char *path)
{
	struct node *item;
	node_each_item(node_get(s->node, "volumes"), i, item)
	{
		if (item->kind == NODE_MAP)
			mount_read(c, s, item, path_item(c, path_of(c, path, "volumes"), i));
	}
}
