/*
 * Images of registries that rungs and services stand on. Comes in: what the engine has under their
 * names, and what images and containers were made from. Goes out: what means another image now, and
 * pulls. A digest never moves: what devenv.lock has by digest is not asked for.
 */
#include <string.h>

#include "parts.h"
#include "planner/lock.h"

enum { PULL_MS = 60 * 60 * 1000 };

/* ---- what is used ---- */

static void add_use(struct arena *a, registry_uses *out, const char *name, struct place at)
{
	if (!name || strchr(name, '@') || streq(name, "scratch"))
		return;
	for (size_t i = 0; i < out->count; i++)
		if (streq(out->items[i].name, name))
			return;
	*list_push(a, out) = (struct registry_use){ name, at };
}

void registry_of(struct arena *a, const struct project *p, registry_uses *out)
{
	for (size_t i = 0; i < p->images.count; i++) {
		const struct image *k = &p->images.items[i];
		if (k->used && !k->parent)
			add_use(a, out, k->from, k->place);
	}
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		if (s->release && !p->dev && !s->release->image)
			add_use(a, out, s->release->from, s->release->place);
		if (s->where == RUN_CONTAINER && !s->left_out && !s->image && !s->build)
			add_use(a, out, s->image_name, s->place);
	}
}

void plan_registry(struct arena *a, const struct project *p, struct strs *names)
{
	registry_uses uses = { 0 };
	registry_of(a, p, &uses);
	for (size_t i = 0; i < uses.count; i++)
		strs_add(a, names, uses.items[i].name);
	strs_sort(names);
}

/* ---- what moves ---- */

const char *plan_moving(const struct world *w, const char *name)
{
	const struct locked_image *l = locked_image(w->locked, name);
	bool still = !name || strchr(name, '@') || streq(name, "scratch") || (l && !l->local);
	return still ? NULL : name;
}

static const char *moving_base(const struct make *m, const struct rung *r)
{
	while (r && r->parent)
		r = r->parent;
	return r ? plan_moving(m->w, r->image->from) : NULL;
}

static void add_name(struct arena *a, struct strs *names, const char *name)
{
	if (name && !strs_has(names, name))
		strs_add(a, names, name);
}

void plan_bases(struct arena *a, const struct project *p, const struct world *w, struct strs *names)
{
	for (size_t i = 0; i < p->images.count; i++) {
		const struct image *k = &p->images.items[i];
		if (k->used && !k->parent)
			add_name(a, names, plan_moving(w, k->from));
	}
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		if (s->release && !p->dev && !s->release->image)
			add_name(a, names, plan_moving(w, s->release->from));
	}
}

/* The engine tells the id of a container's image where its name means another, or none, by now. */
static bool unnamed(const struct container *c)
{
	return !c->host && !c->one_off && c->image && starts_with(c->image, "sha256:");
}

bool plan_unnamed(
	struct arena *a, const struct project *p, const struct world *w, struct strs *names)
{
	bool any = false;
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *c = &w->containers.items[i];
		const struct service *s = unnamed(c) ? project_service(p, c->service) : NULL;
		any |= s != NULL;
		if (s && !s->image && !s->build)
			add_name(a, names, plan_moving(w, s->image_name));
	}
	return any;
}

void rung_notes(struct make *m, struct rung *r)
{
	r->build->on_rung = r->parent != NULL;
	if (!r->parent)
		r->build->on = plan_moving(m->w, r->image->from);
	else if (r->image->dockerfile) /* it may stand on anything */
		r->build->on = r->parent->tag;
}

static const char *base_moved(struct make *m, const char *base, const char *label)
{
	const struct seen_image *now = base ? world_image(m->w, base) : NULL;
	if (!now || !now->id || !label || !*label || streq(label, now->id))
		return NULL;
	return arena_printf(m->a, "base image %s is another one now", base);
}

const char *rung_moved(struct make *m, const struct rung *r)
{
	const struct seen_image *seen = world_image(m->w, r->tag);
	return seen && seen->id ? base_moved(m, moving_base(m, r), seen->base) : NULL;
}

/* Of what its containers run: a release stands on another rung than its module, or on none. */
static const char *unit_base(const struct make *m, const struct unit *u)
{
	const struct release *k = u->release ? u->service->release : NULL;
	if (!k)
		return moving_base(m, u->rung);
	return k->image ? moving_base(m, rung_of(m, k->image)) : plan_moving(m->w, k->from);
}

const char *release_moved(struct make *m, const struct unit *u)
{
	const struct seen_image *seen = world_image(m->w, u->release->tag);
	const char *why = rung_moved(m, u->rung); /* its build runs there */
	return why || !seen ? why : base_moved(m, unit_base(m, u), seen->base);
}

const char *image_moved(struct make *m, const struct unit *u, const struct container *c)
{
	const char *why = base_moved(m, unit_base(m, u), c->base);
	const struct seen_image *now = why || !unnamed(c) ? NULL : world_image(m->w, u->image);
	if (!now || !now->id || streq(now->id, c->image))
		return why;
	if (u->release)
		return "its production image was built anew";
	return u->rung ? arena_printf(m->a, "image rung %s was built anew", u->rung->image->name)
		       : arena_printf(m->a, "image %s is another one now", u->image);
}

/* ---- bringing it ---- */

/* One that is only looked for anew may stay as it is. */
static struct step *plan_pull(struct make *m, const char *name, struct place at)
{
	const char *ref = locked_name(m, name);
	const struct seen_image *seen = world_image(m->w, ref);
	bool there = seen && seen->id;
	if (there && !m->req->pull)
		return NULL;
	struct step *s = exec_step(m, arena_printf(m->a, "pull %s", name), name, at, PULL_MS, "%s",
		there ? "a newer one is looked for" : "the engine does not have it");
	step_words(m, s, (const char *const[]){ "docker", "pull", ref, NULL });
	s->soft = there;
	return s;
}

void plan_pulls(struct make *m)
{
	registry_uses uses = { 0 };
	registry_of(m->a, m->p, &uses);
	for (size_t i = 0; i < uses.count; i++)
		if (!m->req->images.count || strs_has(&m->req->images, uses.items[i].name))
			plan_pull(m, uses.items[i].name, uses.items[i].place);
}

struct step *base_pull(struct make *m, const struct rung *r)
{
	const struct image *k = r->image;
	struct step *s = k->from ? plan_find(m->plan, STEP_EXEC, k->from) : NULL;
	if (s || !k->from || k->parent || !world_image(m->w, r->from))
		return s;
	return plan_pull(m, k->from, k->place);
}
