/*
 * Production images of modules: what is built from what, named by the hash of all that goes in:
 * both rungs, the sources, the commit. Comes in: services with a release. Goes out: builds and
 * steps.
 */
#include "parts.h"

#include <string.h>

#include "base/hash.h"
#include "base/os.h"
#include "planner/lock.h"

enum { RELEASE_MS = 60 * 60 * 1000 };

struct owner release_owner(const struct make *m, const struct unit *u)
{
	return owner_of(m, u->service);
}

/* By its name where the image that it stands on has it, else by its numbers. */
const char *release_user(struct make *m, const struct unit *u)
{
	const struct service *s = u->service;
	const struct image *on = s->release->image, *own = s->image;
	struct owner o = release_owner(m, u);
	if (s->user)
		return s->user;
	if (!o.uid)
		return NULL;
	if (on && own->user && streq(on->user, own->user))
		return own->user;
	return arena_printf(m->a, "%ld:%ld", (long)o.uid, (long)o.gid);
}

static bool user_fine(struct make *m, const struct unit *u)
{
	const struct service *s = u->service;
	struct owner o = release_owner(m, u);
	if (o.known && (o.uid || s->user))
		return true;
	complain(m, s->release->place,
		o.known ? "the production image of %s would run as root"
			: "nobody knows as whom %s runs",
		s->name)
		->hint =
		o.known ? "give a rung below it a user: { name: app, uid: 1000, gid: 1000 }"
			: "say user: UID:GID under the service, in numbers";
	return false;
}

static const char *tag_of(struct make *m, const struct unit *u)
{
	const struct build *b = u->release;
	char hex[HASH_HEX + 1];
	struct hasher *h = hasher_new();
	hasher_str(h, b->dockerfile);
	for (size_t i = 0; i < b->files.count; i++)
		hasher_str(h, world_input(m->w, b->files.items[i].source));
	hasher_end(h, hex);
	return arena_printf(m->a, "devenv/release-%s:%.*s",
		image_repository(m->a, u->service->name), TAG_HEX, hex);
}

static void build_args(struct make *m, struct build *b)
{
	static const char *const proxies[] = { "http_proxy", "https_proxy", "no_proxy",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY" };
	for (size_t i = 0; i < countof(proxies); i++)
		strs_add(m->a, &b->args, proxies[i]);
}

/* Below the sources; NULL: not there, or the sources themselves. */
static const char *below(const struct service *s, const char *path)
{
	const char *source = s->release->code->source;
	bool inside = path_inside(source, path) && !streq(source, path);
	return inside ? path + strlen(source) + !ends_with(source, "/") : NULL;
}

/* Dependencies that lie among the sources are nobody's: they are installed by their lock. */
static const char *own_dependencies(struct make *m, const struct service *s)
{
	const char *dir = path_normal(m->a, s->working_dir);
	const char *into = s->release->code->deps.install ? dependencies_dir(m, s) : NULL;
	bool inside = into && path_inside(dir, into) && !streq(dir, into);
	return inside ? into + strlen(dir) + !ends_with(dir, "/") : NULL;
}

/* The sources, and in front of them what the install reads. */
static void add_files(struct make *m, const struct service *s, struct build *b)
{
	struct strs manifests = { 0 };
	*list_push(m->a, &b->files) = (struct context_file){
		.path = "source",
		.source = s->release->code->source,
		.without = own_dependencies(m, s),
	};
	release_manifests(m->a, m->p, s, &manifests);
	for (size_t i = 0; i < manifests.count; i++) {
		const char *path = manifests.items[i];
		if (world_input(m->w, path))
			*list_push(m->a, &b->files) = (struct context_file){
				.path = arena_printf(m->a, "manifests/%s", below(s, path)),
				.source = path,
			};
	}
}

static void release_make(struct make *m, struct unit *u)
{
	const struct service *s = u->service;
	struct build *b = arena_new(m->a, struct build);
	if (!user_fine(m, u))
		return;
	b->timeout_ms = RELEASE_MS;
	b->dockerfile_path = "Dockerfile";
	add_files(m, s, b);
	build_args(m, b);
	b->no_cache = m->req && m->req->no_cache;
	u->release = b;
	b->dockerfile = release_text(m, u);
	b->on = s->release->image ? NULL : plan_moving(m->w, s->release->from);
	b->tag = tag_of(m, u);
}

/* plan_tags() chooses nothing: it asks about all. */
void releases_make(struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (u->service->release && u->rung && !m->p->dev &&
			(u->chosen || u->present || (!m->req && m->w->source.known)))
			release_make(m, u);
	}
}

static const char *release_step(struct make *m, const struct unit *u)
{
	return arena_printf(m->a, "release %s", u->service->name);
}

bool lacks_release(struct make *m, const struct unit *u)
{
	return u->wanted && u->release &&
	       (!tag_known(m, u->release->tag) || m->req->build || m->req->no_cache ||
		       release_moved(m, u));
}

static void plan_release(struct make *m, struct unit *u, struct step *after)
{
	const struct service *s = u->service;
	const char *moved = release_moved(m, u);
	struct step *b = plan_add(m->plan, STEP_BUILD, release_step(m, u), s->release->place, "%s",
		moved                           ? moved
		: tag_known(m, u->release->tag) ? "asked for"
		: m->w->images_known            ? "the engine does not have it"
						: "not built yet");
	b->build = u->release;
	b->timeout_ms = u->release->timeout_ms;
	plan_need(m->plan, b, after);
	plan_need(m->plan, b, build_step(m, u->rung));
	plan_need(m->plan, b, build_step(m, rung_of(m, s->release->image)));
}

void plan_releases(struct make *m, struct step *after)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		if (lacks_release(m, &m->units[i]))
			plan_release(m, &m->units[i], after);
	}
}

void want_image(struct make *m, struct unit *u)
{
	u->wanted = true;
	if (u->release && !lacks_release(m, u))
		return;
	if (u->rung)
		m->rungs[u->rung - m->rungs].wanted = true;
	if (u->release && u->service->release->image)
		rung_of(m, u->service->release->image)->wanted = true;
}

struct step *image_step(struct make *m, const struct unit *u)
{
	return u->release ? plan_find(m->plan, STEP_BUILD, release_step(m, u))
			  : build_step(m, u->rung);
}

void names_note(struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (!u->chosen || !u->rung || m->p->dev)
			continue;
		if (u->service->develop && !u->service->release)
			strs_add(m->a, &m->plan->notes,
				arena_printf(m->a,
					"%s has no `release:`: its image holds none of its code",
					u->service->name));
		*list_push(m->a, &m->plan->named) = (struct named){
			.tag = u->release ? u->release->tag : u->rung->tag,
			.name = release_name(m, u->service),
			.service = u->service,
		};
	}
}
