/*
 * Why a container is made anew or an image built: the digests of its parts that the old container
 * carries as a label, compared with what they are now.
 */
#include "parts.h"

#include <string.h>

const struct part_word part_words[PARTS] = {
	[PART_IMAGE] = { "image", "image changed" },
	[PART_COMMAND] = { "command", "command changed" },
	[PART_ENVIRONMENT] = { "environment", "environment changed" },
	[PART_PORTS] = { "ports", "ports changed" },
	[PART_MOUNTS] = { "mounts", "mounts changed" },
	[PART_SECRETS] = { "secrets", "a secret changed" },
	[PART_CERTIFICATES] = { "certificates", "certificates changed" },
	[PART_ROUTES] = { "routes", "routes changed" },
	[PART_DEPENDENCIES] = { "dependencies", "lock files changed" },
	[PART_SOURCES] = { "sources", "its sources changed" },
	[PART_HEALTH] = { "healthcheck", "health check changed" },
	[PART_REST] = { "rest", "configuration changed" },
};

const struct part_word rung_part_words[RUNG_PARTS] = {
	[RUNG_FROM] = { "from", "the image it stands on" },
	[RUNG_PACKAGES] = { "packages", "packages" },
	[RUNG_USER] = { "user", "user" },
	[RUNG_LOCALE] = { "locale", "locale or time zone" },
	[RUNG_FILES] = { "files", "files" },
	[RUNG_RUN] = { "run", "run lines" },
	[RUNG_ENV] = { "env", "env" },
	[RUNG_ARGS] = { "args", "build arguments" },
	[RUNG_CERTIFICATES] = { "certificates", "the host's certificates" },
	[RUNG_LOCK] = { "lock", "devenv.lock" },
	[RUNG_DOCKERFILE] = { "dockerfile", "its Dockerfile" },
};

/* The digest that `name` had: the word behind "NAME=", or NULL. */
static const char *digest_of(const char *inputs, const char *name)
{
	size_t len = strlen(name);
	for (const char *s = inputs; s && *s;) {
		if (!strncmp(s, name, len) && s[len] == '=')
			return s + len + 1;
		s = strchr(s, ' ');
		s = s ? s + 1 : NULL;
	}
	return NULL;
}

static bool differs(const char *inputs, const char *name, const char *now)
{
	const char *old = digest_of(inputs, name);
	return old ? strncmp(old, now, SHORT_HEX) != 0 || !*now : *now != '\0';
}

/* The parts of a rung that changed, as words; "" when none is known to. */
static const char *rung_changes(struct make *m, const struct rung *r, const char *inputs)
{
	struct strs changed = { 0 };
	for (size_t i = 0; i < RUNG_PARTS; i++) {
		const char *name =
			arena_printf(m->a, "%s.%s", r->image->name, rung_part_words[i].name);
		bool follows = i == RUNG_DOCKERFILE && changed.count;
		if (!follows && differs(inputs, name, r->parts[i]))
			strs_add(m->a, &changed, rung_part_words[i].says);
	}
	return strs_join(m->a, &changed, ", ");
}

/* The lowest rung that changed explains the others. */
static const char *image_change(struct make *m, const struct unit *u, const char *inputs)
{
	const char *found = NULL;
	for (const struct rung *r = u->rung; r; r = r->parent) {
		if (!digest_of(inputs, arena_printf(m->a, "%s.dockerfile", r->image->name)))
			continue;
		const char *changes = rung_changes(m, r, inputs);
		if (*changes)
			found = arena_printf(
				m->a, "image rung %s changed: %s", r->image->name, changes);
	}
	return found ? found : u->release ? "its release is another one" : "image changed";
}

static const char *port_change(struct make *m, const struct unit *u)
{
	for (size_t i = 0; i < u->service->ports.count; i++) {
		const struct port *p = &u->service->ports.items[i];
		const struct allocation *al =
			world_allocation(m->w, u->service->name, p->target, p->protocol);
		if (al && al->moved_from)
			return arena_printf(m->a, "port %d moved to %d: %s holds it",
				al->moved_from, al->published,
				al->holder ? al->holder : "another process");
	}
	return part_words[PART_PORTS].says;
}

/* The image of a service by itself: of a registry, by digest where it is locked. */
static const char *why_image(struct make *m, const struct unit *u, const struct container *c)
{
	const char *name = u->service->image_name;
	bool locked = name && !streq(locked_name(m, name), name);
	if (!u->rung && locked && c->image && !streq(c->image, u->image))
		return "image changed: devenv.lock";
	return image_change(m, u, c->inputs);
}

/* Behind "volume.KEY=" in the label: which of the engine's volumes serves it. */
static const char *volume_change(struct make *m, const struct unit *u, const char *inputs)
{
	for (size_t i = 0; i < u->service->mounts.count; i++) {
		const struct mount *mount = &u->service->mounts.items[i];
		const struct volume_record *r =
			mount->kind == MOUNT_VOLUME ? world_volume(m->w, mount->source) : NULL;
		const char *source = mount->source ? mount->source : "";
		if (mount->kind != MOUNT_VOLUME ||
			!differs(inputs, arena_printf(m->a, "volume.%s", source),
				r ? volume_digest(m->a, r) : ""))
			continue;
		if (r && r->branch)
			return arena_printf(m->a, "the branch is %s now: its own data serve as %s",
				r->branch, mount->source);
		return arena_printf(m->a, "other data serves as volume %s now", mount->source);
	}
	return part_words[PART_MOUNTS].says;
}

const char *why_changed(struct make *m, const struct unit *u, const struct container *c)
{
	struct strs reasons = { 0 };
	for (size_t i = 0; c->inputs && i < PARTS; i++) {
		if (!differs(c->inputs, part_words[i].name, u->parts[i]))
			continue;
		const char *says = part_words[i].says;
		if (i == PART_IMAGE)
			says = why_image(m, u, c);
		if (i == PART_MOUNTS)
			says = volume_change(m, u, c->inputs);
		if (i == PART_PORTS)
			says = port_change(m, u);
		strs_add(m->a, &reasons, says);
	}
	return reasons.count ? strs_join(m->a, &reasons, "; ") : "configuration changed";
}

/* Labels of the containers that stand on a rung: the first that knows it. */
static const char *inputs_of_rung(struct make *m, const struct rung *r)
{
	const char *mark = arena_printf(m->a, "%s.dockerfile", r->image->name);
	for (size_t i = 0; i < m->w->containers.count; i++) {
		if (digest_of(m->w->containers.items[i].inputs, mark))
			return m->w->containers.items[i].inputs;
	}
	return NULL;
}

const char *why_build(struct make *m, const struct rung *r)
{
	const char *inputs = inputs_of_rung(m, r),
		   *changes = inputs ? rung_changes(m, r, inputs) : "";
	if (m->req->build && tag_known(m, r->tag))
		return "asked for";
	if (rung_moved(m, r))
		return rung_moved(m, r);
	if (streq(changes, rung_part_words[RUNG_FROM].says) && r->parent)
		return arena_printf(m->a, "stands on %s, which changed", r->parent->image->name);
	if (*changes)
		return arena_printf(m->a, "changed: %s", changes);
	return m->w->images_known ? "the engine does not have it" : "not built yet";
}
