/*
 * A new devenv.lock from what images hold. Comes in: the packages of built rungs and of what they
 * stand on, the engine's digests, and what is kept of the old lock. Goes out: values; and what
 * differs between two locks.
 */
#include <string.h>

#include "parts.h"
#include "planner/lock.h"

/* ---- which packages came with the declared ones ---- */

struct closure {
	struct arena *a;
	const struct packages *all; /* of the image */
	struct map reached, providers;
	struct strs queue;
};

/* The names of "libc6 (>= 2.36) | libc, tini:any", one after the other; false at the end. */
static bool next_name(const char **at, char *name, size_t size)
{
	const char *s = *at + strspn(*at, " ,|\n\t");
	size_t len = strcspn(s, " ,|(:\n\t"), kept = len < size ? len : size - 1;
	memcpy(name, s, kept);
	name[kept] = '\0';
	s += len;
	if (*s == ':')
		s += strcspn(s, " ,|(\n\t");
	s += strspn(s, " \n\t");
	if (*s == '(') {
		s += strcspn(s, ")");
		s += *s == ')';
	}
	*at = s;
	return kept != 0;
}

static void reach(struct closure *c, const char *name)
{
	const struct deb_package *p = package_find(c->all, name);
	if (!p)
		p = map_get(&c->providers, name);
	if (!p || map_has(&c->reached, p->name))
		return;
	map_set(&c->reached, p->name, (void *)p);
	strs_add(c->a, &c->queue, p->name);
}

static void note_providers(struct closure *c)
{
	char name[200];
	for (size_t i = 0; i < c->all->count; i++) {
		const struct deb_package *p = &c->all->items[i];
		const char *at = p->provides;
		while (at && next_name(&at, name, sizeof(name)))
			map_set(&c->providers, arena_strdup(c->a, name), (void *)p);
	}
}

/* "python3=3.11*", "tini/bookworm" and "libc6:i386" begin with a name. */
static void reach_declared(struct closure *c, const struct strs *words)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];
		size_t len = strcspn(word, "=/");
		reach(c, arena_strndup(c->a, word, len));
	}
}

static void close_over(struct closure *c, const struct strs *words)
{
	char name[200];
	note_providers(c);
	reach_declared(c, words);
	for (size_t i = 0; i < c->queue.count; i++) {
		const struct deb_package *p = map_get(&c->reached, c->queue.items[i]);
		const char *at = p->needs;
		while (at && next_name(&at, name, sizeof(name)))
			reach(c, name);
	}
}

/* What the rung has that is not already so in what it stands on. */
static void own_packages(struct arena *a, const struct packages *all, const struct packages *below,
	const struct strs *words, struct locked_rung *out)
{
	struct closure c = { .a = a, .all = all };
	close_over(&c, words);
	for (size_t i = 0; i < all->count; i++) {
		const struct deb_package *p = &all->items[i];
		const struct deb_package *before = below ? package_find(below, p->name) : NULL;
		if (before && streq(before->version, p->version))
			continue;
		*list_push(a, map_has(&c.reached, p->name) ? &out->packages : &out->others) = *p;
	}
	map_release(&c.reached);
	map_release(&c.providers);
}

/* ---- the whole ---- */

static void resolve_rung(
	struct make *m, const struct rung *r, const struct map *contents, struct lockfile *out)
{
	const struct image *i = r->image;
	const struct packages *all = map_get(contents, i->name),
			      *below = map_get(contents, r->parent ? r->parent->image->name
							 : i->from ? i->from
								   : "");
	struct strs words = { 0 };
	if (!all)
		return;
	struct locked_rung *l = list_push(m->a, &out->rungs);
	*l = (struct locked_rung){ .name = i->name, .inputs = rung_inputs(m->a, m->p, m->w, i) };
	rung_packages(m, r, &words);
	own_packages(m->a, all, below, &words, l);
}

static void keep_others(struct make *m, struct lockfile *out)
{
	const struct lockfile *old = m->w->locked;
	for (size_t i = 0; old && i < old->rungs.count; i++)
		if (!locked_rung(out, old->rungs.items[i].name))
			*list_push(m->a, &out->rungs) = old->rungs.items[i];
	for (size_t i = 0; old && i < old->images.count; i++)
		if (!locked_image(out, old->images.items[i].name))
			*list_push(m->a, &out->images) = old->images.items[i];
}

static void resolve_image(struct make *m, const char *name, struct lockfile *out)
{
	const struct seen_image *seen = world_image(m->w, name);
	if (locked_image(m->w->locked, name) || !seen || !seen->id)
		return;
	*list_push(m->a, &out->images) = (struct locked_image){
		.name = name,
		.digest = seen->digest ? seen->digest : seen->id,
		.local = !seen->digest,
	};
}

void lock_resolve(struct arena *a, const struct project *p, const struct world *w,
	const struct strs *rungs, const struct map *contents, struct lockfile *out)
{
	struct diags unheard = DIAGS_INIT(a);
	struct strs names = { 0 };
	struct make m;
	make_init(&m, a, p, w, &unheard);
	*out = (struct lockfile){ 0 };
	plan_registry(a, p, &names);
	for (size_t i = 0; i < names.count; i++)
		resolve_image(&m, names.items[i], out);
	for (size_t i = 0; i < p->images.count; i++)
		if (strs_has(rungs, p->images.items[i].name))
			resolve_rung(&m, &m.rungs[i], contents, out);
	keep_others(&m, out);
	lockfile_sort(out);
	make_release(&m);
}

void lock_prune(struct arena *a, const struct project *p, struct lockfile *l)
{
	struct strs names = { 0 };
	size_t kept = 0;
	plan_registry(a, p, &names);
	for (size_t i = 0; i < l->rungs.count; i++)
		if (project_image(p, l->rungs.items[i].name))
			l->rungs.items[kept++] = l->rungs.items[i];
	l->rungs.count = kept;
	kept = 0;
	for (size_t i = 0; i < l->images.count; i++)
		if (strs_has(&names, l->images.items[i].name))
			l->images.items[kept++] = l->images.items[i];
	l->images.count = kept;
}

/* ---- what differs ---- */

static void add_change(struct arena *a, struct lock_changes *out, const char *part,
	const char *name, const char *old, const char *now)
{
	if (!streq(old, now))
		*list_push(a, out) = (struct lock_change){ part, name, old, now };
}

static const char *image_text(struct arena *a, const struct locked_image *i)
{
	return i ? arena_printf(a, "%s%.19s", i->local ? "local " : "", i->digest) : NULL;
}

static void compare_packages(struct arena *a, const char *part, const struct packages *old,
	const struct packages *now, struct lock_changes *out)
{
	size_t i = 0, k = 0;
	while (i < old->count || k < now->count) {
		const struct deb_package *o = i < old->count ? &old->items[i] : NULL,
					 *n = k < now->count ? &now->items[k] : NULL;
		int order = !o ? 1 : !n ? -1 : strcmp(o->name, n->name);
		add_change(a, out, part, order <= 0 ? o->name : n->name,
			order <= 0 ? o->version : NULL, order >= 0 ? n->version : NULL);
		i += order <= 0;
		k += order >= 0;
	}
}

static const char *rung_text(struct arena *a, const struct locked_rung *l)
{
	size_t count = l ? l->packages.count + l->others.count : 0;
	return l ? arena_printf(a, "%zu package%s", count, count == 1 ? "" : "s") : NULL;
}

static void compare_rung(struct arena *a, const struct locked_rung *old,
	const struct locked_rung *now, struct lock_changes *out)
{
	if (!old || !now) {
		add_change(a, out, old ? old->name : now->name, "", rung_text(a, old),
			rung_text(a, now));
		return;
	}
	add_change(a, out, now->name, "", streq(old->inputs, now->inputs) ? NULL : "stale",
		streq(old->inputs, now->inputs) ? NULL : rung_text(a, now));
	compare_packages(a, now->name, &old->packages, &now->packages, out);
	compare_packages(a, now->name, &old->others, &now->others, out);
}

void lock_compare(struct arena *a, const struct lockfile *old, const struct lockfile *now,
	struct lock_changes *out)
{
	for (size_t i = 0; i < now->images.count; i++) {
		const struct locked_image *n = &now->images.items[i],
					  *o = locked_image(old, n->name);
		if (!o || o->local != n->local || !streq(o->digest, n->digest))
			add_change(a, out, "", n->name, image_text(a, o), image_text(a, n));
	}
	for (size_t i = 0; i < old->images.count; i++)
		if (!locked_image(now, old->images.items[i].name))
			add_change(a, out, "", old->images.items[i].name,
				image_text(a, &old->images.items[i]), NULL);
	for (size_t i = 0; i < now->rungs.count; i++)
		compare_rung(
			a, locked_rung(old, now->rungs.items[i].name), &now->rungs.items[i], out);
	for (size_t i = 0; i < old->rungs.count; i++)
		if (!locked_rung(now, old->rungs.items[i].name))
			compare_rung(a, &old->rungs.items[i], NULL, out);
}
