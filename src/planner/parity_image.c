/*
 * Which image a service runs, and what that contains, as facts. Comes in: project, world, what was
 * read from images. Goes out: facts by path, owners by name; ids that development maps to the
 * developer's say so. Reads nothing itself.
 */
#include <stdlib.h>
#include <string.h>

#include "parity_parts.h"
#include "parts.h"

#include "base/os.h"

/* ---- which image, and what of it matters ---- */

static void add_dir(struct arena *a, struct strs *dirs, const char *path)
{
	if (!path || *path != '/' || streq(path, "/"))
		return;
	path = path_normal(a, path);
	if (!strs_has(dirs, path))
		strs_add(a, dirs, path);
}

static void dirs_of(struct arena *a, const struct service *s, struct strs *dirs)
{
	for (size_t i = 0; i < s->mounts.count; i++)
		add_dir(a, dirs, s->mounts.items[i].target);
	for (size_t i = 0; s->release && i < s->release->artifacts.count; i++)
		add_dir(a, dirs, s->release->artifacts.items[i].target);
	strs_sort(dirs);
}

static void image_of(struct make *m, struct unit *u, struct parity_image *out)
{
	const struct service *s = u->service;
	out->service = s;
	out->name = s->image ? s->image->name : s->image_name;
	dirs_of(m->a, s, &out->dirs);
	if (s->working_dir && *s->working_dir == '/' && s->working_dir[1])
		out->tree = path_normal(m->a, s->working_dir);
	if (s->where == RUN_HOST)
		out->why = "it runs on the host";
	else if (u->rung)
		out->reference = u->release ? u->release->tag : u->rung->tag;
	else if (s->build)
		out->why = "Compose builds it, under one name for every environment";
	else
		out->reference = locked_name(m, s->image_name);
	out->built = u->rung != NULL;
	out->release = u->release != NULL;
}

void parity_images(
	struct arena *a, const struct project *p, const struct world *w, struct parity_images *out)
{
	struct diags unheard = DIAGS_INIT(a);
	struct make m;
	make_init(&m, a, p, w, &unheard);
	rungs_make(&m);
	releases_make(&m);
	for (size_t i = 0; i < p->services.count; i++)
		image_of(&m, &m.units[i], list_push(a, out));
	make_release(&m);
}

/* ---- what it contains ---- */

struct reader {
	struct arena *a;
	const struct parity_image *image;
	const struct project *project;
	const char *path;         /* "services.NAME.image" */
	const struct image *user; /* the rung whose user is mapped; NULL: none is */
	const char *uid, *gid;    /* mapped to */
	struct map users, groups; /* id -> name */
	struct facts *out;
};

static void note_name(struct reader *r, struct map *names, const char *name, const char *id)
{
	id = arena_strndup(r->a, id, strcspn(id, ":"));
	if (!map_has(names, id))
		map_set(names, id, (void *)name);
}

/* Where an id is mapped to one that has a name already, it goes by that. */
static void note_names(struct reader *r, bool mapped)
{
	const struct image_facts *f = r->image->facts;
	for (size_t i = 0; i < f->items.count; i++) {
		const struct image_fact *x = &f->items.items[i];
		if (mapped != (r->user && streq(x->name, r->user->user)))
			continue;
		if (streq(x->group, "users"))
			note_name(r, &r->users, x->name, x->value);
		else if (streq(x->group, "groups"))
			note_name(r, &r->groups, x->name, x->value);
	}
}

static const char *name_of(const struct map *names, const char *id)
{
	const char *name = map_get(names, id);
	return name ? name : id;
}

/* "0755 1000:1000 more" with names; as declared: the developer's ids stand for the rung's user. */
static const char *with_names(struct reader *r, const char *value, bool declared)
{
	size_t mode = strcspn(value, " ");
	if (*value == '-' || !value[mode]) /* a link */
		return value;
	const char *uid = value + mode + 1, *gid = strchr(uid, ':');
	if (!gid)
		return value;
	const char *rest = gid + 1 + strcspn(gid + 1, " ");
	uid = arena_strndup(r->a, uid, (size_t)(gid - uid));
	gid = arena_strndup(r->a, gid + 1, (size_t)(rest - gid - 1));
	bool own_uid = declared && streq(uid, r->uid), own_gid = declared && streq(gid, r->gid);
	return arena_printf(r->a, "%.*s %s:%s%s", (int)mode, value,
		own_uid ? r->user->user : name_of(&r->users, uid),
		own_gid ? r->user->user : name_of(&r->groups, gid), rest);
}

static bool is_persisted(const struct reader *r, const char *path)
{
	const struct service *s = r->image->service;
	const struct release *release = s->release;
	const char *dir = s->working_dir ? s->working_dir : "/";
	for (size_t i = 0; i < release->artifacts.count; i++) {
		const char *target = release->artifacts.items[i].target;
		if (path_inside(target, path) || path_inside(path, target))
			return true;
	}
	const char *into = release->code->deps.into;
	return release->dependencies && into &&
	       path_inside(path_normal(r->a, path_join(r->a, dir, into)), path);
}

static void read_owned(struct reader *r, const struct image_fact *x, struct fact *f)
{
	f->value = with_names(r, x->value, false);
	if (r->user) {
		f->instead = with_names(r, x->value, true);
		f->because = streq(f->instead, f->value)
				     ? NULL
				     : arena_printf(r->a, "dev maps %s to your ids", r->user->user);
	}
	if (!f->because && r->image->release && is_persisted(r, x->name)) {
		f->instead = NULL;
		f->because = "the release persists it; dev mirrors the sources";
	}
}

static void read_id(struct reader *r, const struct image_fact *x, struct fact *f)
{
	bool group = streq(x->group, "groups");
	if (!r->user || !streq(x->name, r->user->user))
		return;
	const char *mapped = group ? r->gid : arena_printf(r->a, "%s:%s", r->uid, r->gid);
	const char *declared =
		group ? arena_printf(r->a, "%ld", (long)r->user->gid)
		      : arena_printf(r->a, "%ld:%ld", (long)r->user->uid, (long)r->user->gid);
	if (!streq(x->value, mapped) || streq(mapped, declared))
		return;
	f->instead = declared;
	f->because = arena_printf(r->a, "dev maps %s to your ids", r->user->user);
}

static bool has_variable(const struct service *s, const char *name)
{
	for (size_t i = 0; i < s->environment.count; i++) {
		if (streq(s->environment.items[i].name, name))
			return true;
	}
	return false;
}

static bool has_port(struct reader *r, const char *name)
{
	const struct service *s = r->image->service;
	for (size_t i = 0; i < s->ports.count; i++) {
		const struct port *p = &s->ports.items[i];
		if (streq(arena_printf(r->a, "%d/%s", p->target, p->protocol), name))
			return true;
	}
	return false;
}

static bool is_passed(struct reader *r, const struct image_fact *x)
{
	const struct service *s = r->image->service;
	const struct {
		const char *group;
		bool passed;
	} all[] = {
		{ "environment", x->name && has_variable(s, x->name) },
		{ "ports", x->name && has_port(r, x->name) },
		{ "command", s->command != NULL },
		{ "entrypoint", s->entrypoint != NULL },
		{ "working_dir", s->working_dir != NULL },
		{ "healthcheck", s->check.kind != CHECK_NONE },
		{ "stop_signal", s->stop_signal != NULL },
		{ "user", s->user != NULL },
	};
	for (size_t i = 0; i < countof(all); i++) {
		if (streq(all[i].group, x->group))
			return all[i].passed;
	}
	return false;
}

/* What Compose passes in development is compared as configuration; here it is part of the image. */
static void read_release(struct reader *r, const struct image_fact *x, struct fact *f)
{
	bool label =
		streq(x->group, "labels") &&
		(starts_with(x->name, "org.opencontainers.image.") ||
			streq(x->name, "devenv.release") || streq(x->name, "devenv.environment") ||
			streq(x->name, "devenv.dirty"));
	if (label)
		f->because = "the release says what it was built from";
	else if (is_passed(r, x))
		f->because = "the release holds what Compose passes in dev";
	else
		return;
	f->instead = fact_any;
}

static const struct {
	const char *group;
	void (*read)(struct reader *r, const struct image_fact *x, struct fact *f);
} readers[] = {
	{ "users", read_id },
	{ "groups", read_id },
	{ "directories", read_owned },
	{ "files", read_owned },
};

static void read_one(struct reader *r, const struct image_fact *x)
{
	const char *path = path_key(r->a, r->path, x->group);
	struct fact *f = fact_add(r->a, r->out, x->name ? path_key(r->a, path, x->name) : path,
		x->value, (struct place){ 0 });
	for (size_t i = 0; i < countof(readers); i++) {
		if (streq(readers[i].group, x->group))
			readers[i].read(r, x, f);
	}
	if (r->image->release && !f->because)
		read_release(r, x, f);
}

/* The nearest rung that has a user, where this environment maps it. */
static const struct image *mapped_user(const struct parity_side *side, const struct image *i)
{
	bool mapped = side->project->dev && i && i->user && !streq(i->user, "root");
	return mapped && !i->dockerfile ? i : NULL;
}

void facts_of_image(struct arena *a, const struct parity_side *side, const struct parity_image *i,
	struct facts *out)
{
	struct reader r = { .a = a, .image = i, .project = side->project, .out = out };
	r.path = path_key(a, path_key(a, "services", i->service->name), "image");
	r.user = i->built ? mapped_user(side, i->service->image) : NULL;
	r.uid = arena_printf(a, "%ld", (long)side->world->uid);
	r.gid = arena_printf(a, "%ld", (long)side->world->gid);
	note_names(&r, false);
	note_names(&r, true);
	for (size_t k = 0; k < i->facts->items.count; k++)
		read_one(&r, &i->facts->items.items[k]);
	map_release(&r.users);
	map_release(&r.groups);
}
