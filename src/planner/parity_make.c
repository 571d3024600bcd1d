/*
 * Two environments compared. Comes in: the facts of both. Goes out: what is not the same, per
 * service, each with what expects or allows it. Does not know how facts come about.
 */
#include "planner/parity.h"

#include <stdlib.h>
#include <string.h>

#include "parity_parts.h"

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct fact *)a)->path, ((const struct fact *)b)->path);
}

static void sort_facts(struct facts *f)
{
	if (f->count)
		qsort(f->items, f->count, sizeof(*f->items), by_path);
}

const char fact_any[] = "*";

/* Does one side say that the other cannot but differ, and does it in just this way? */
static const char *expected(const struct fact *here, const struct fact *there)
{
	if (!here || !here->because)
		return NULL;
	bool so = here->instead == fact_any || streq(here->instead, there ? there->value : NULL);
	return so ? here->because : NULL;
}

static void differ(
	struct arena *a, const struct fact *l, const struct fact *r, struct differences *out)
{
	if (l && r && streq(l->value, r->value))
		return;
	const char *why = expected(l, r);
	*list_push(a, out) = (struct difference){
		.path = l ? l->path : r->path,
		.left = l ? l->value : NULL,
		.right = r ? r->value : NULL,
		.left_place = l ? l->place : (struct place){ 0 },
		.right_place = r ? r->place : (struct place){ 0 },
		.expected = why ? why : expected(r, l),
	};
}

void facts_compare(
	struct arena *a, struct facts *left, struct facts *right, struct differences *out)
{
	size_t l = 0, r = 0;
	sort_facts(left);
	sort_facts(right);
	while (l < left->count || r < right->count) {
		const struct fact *x = l < left->count ? &left->items[l] : NULL;
		const struct fact *y = r < right->count ? &right->items[r] : NULL;
		int order = !x ? 1 : !y ? -1 : strcmp(x->path, y->path);
		differ(a, order <= 0 ? x : NULL, order >= 0 ? y : NULL, out);
		l += order <= 0;
		r += order >= 0;
	}
}

/* ---- per service ---- */

struct comparison {
	struct arena *a;
	const struct parity_side *sides;
	struct parity *out;
	LIST_OF(const struct allowance *) allowances;
	bool *used; /* of the allowances */
};

static const struct parity_image *image_at(const struct parity_side *side, const char *service)
{
	for (size_t i = 0; side->images && i < side->images->count; i++) {
		if (streq(side->images->items[i].service->name, service))
			return &side->images->items[i];
	}
	return NULL;
}

static bool was_read(const struct parity_image *i)
{
	return i && i->facts && i->facts->id;
}

/* Why what an image contains was not compared, and what to type. */
static void note_image(
	struct comparison *c, size_t side, const struct parity_image *i, struct parity_group *g)
{
	const char *env = c->out->environments[side], *text;
	if (!i->reference)
		text = arena_printf(c->a, "%s: %s", env, i->why ? i->why : "it has no image");
	else if (i->built)
		text = arena_printf(c->a, "%s: %s %s is not built yet: `devenv build --env %s`",
			env, i->release ? "the production image of" : "image",
			i->release ? i->service->name : i->name, env);
	else
		text = arena_printf(c->a, "%s: the engine does not have %s: `docker pull %s`", env,
			i->reference, i->reference);
	if (!was_read(i))
		strs_add(c->a, &g->notes, text);
	c->out->unseen += i->reference && !was_read(i);
	for (size_t k = 0; was_read(i) && k < i->facts->unread.count; k++)
		strs_add(c->a, &g->notes,
			arena_printf(c->a, "%s: %s", env, i->facts->unread.items[k]));
}

static void compare_images(struct comparison *c, const char *service, struct parity_group *g)
{
	const struct parity_image *i[2];
	struct facts facts[2] = { { 0 } };
	for (size_t k = 0; k < 2; k++) {
		i[k] = image_at(&c->sides[k], service);
		g->images[k] = i[k] ? i[k]->name : NULL;
		if (i[k])
			note_image(c, k, i[k], g);
	}
	if (!was_read(i[0]) || !was_read(i[1]) || streq(i[0]->facts->id, i[1]->facts->id))
		return;
	for (size_t k = 0; k < 2; k++)
		facts_of_image(c->a, &c->sides[k], i[k], &facts[k]);
	facts_compare(c->a, &facts[0], &facts[1], &g->found);
}

/* The first service before this one that runs the same two images: the view says it once. */
static const char *same_before(struct comparison *c, const char *service)
{
	const struct parity_image *l = image_at(&c->sides[0], service),
				  *r = image_at(&c->sides[1], service);
	for (size_t i = 0; was_read(l) && was_read(r) && i < c->out->groups.count; i++) {
		const char *name = c->out->groups.items[i].name;
		const struct parity_image *x = name ? image_at(&c->sides[0], name) : NULL,
					  *y = name ? image_at(&c->sides[1], name) : NULL;
		if (was_read(x) && was_read(y) && streq(x->facts->id, l->facts->id) &&
			streq(y->facts->id, r->facts->id))
			return name;
	}
	return NULL;
}

/* One that only one side has is one difference, not as many as it has fields. */
static void compare_presence(
	struct comparison *c, const struct service *s[2], const char *name, struct parity_group *g)
{
	struct facts facts[2] = { { 0 } };
	for (size_t k = 0; k < 2; k++) {
		if (s[k])
			fact_add(c->a, &facts[k], path_key(c->a, "services", name), "there",
				s[k]->place);
	}
	facts_compare(c->a, &facts[0], &facts[1], &g->found);
}

static void judge(struct comparison *c, struct parity_group *g)
{
	for (size_t i = 0; i < g->found.count; i++) {
		struct difference *d = &g->found.items[i];
		for (size_t k = 0; k < c->allowances.count; k++) {
			const struct allowance *w = c->allowances.items[k];
			if (!parity_allows(c->a, w->pattern, d->path, g->images))
				continue;
			d->allowed = d->allowed ? d->allowed : w;
			c->used[k] = true;
		}
		*(d->allowed          ? &c->out->allowed
			: d->expected ? &c->out->expected
				      : &c->out->refused) += 1;
	}
}

static void compare_service(struct comparison *c, const char *name)
{
	const struct service *s[2];
	struct facts facts[2] = { { 0 } };
	struct parity_group g = { .name = name, .same_as = same_before(c, name) };
	for (size_t k = 0; k < 2; k++)
		s[k] = project_service(c->sides[k].project, name);
	if (!s[0] || !s[1]) {
		compare_presence(c, s, name, &g);
		g.configured = g.found.count;
	} else {
		for (size_t k = 0; k < 2; k++)
			facts_of_service(c->a, &c->sides[k], s[k], &facts[k]);
		facts_compare(c->a, &facts[0], &facts[1], &g.found);
		g.configured = g.found.count;
		compare_images(c, name, &g);
	}
	judge(c, &g);
	*list_push(c->a, &c->out->groups) = g;
}

static void compare_project(struct comparison *c)
{
	struct facts facts[2] = { { 0 } };
	struct parity_group g = { 0 };
	for (size_t k = 0; k < 2; k++)
		facts_of_project(c->a, c->sides[k].project, &facts[k]);
	facts_compare(c->a, &facts[0], &facts[1], &g.found);
	g.configured = g.found.count;
	judge(c, &g);
	if (g.found.count)
		*list_push(c->a, &c->out->groups) = g;
}

/* Both environments' own; a file that both read says it once. */
static void gather_allowances(struct comparison *c)
{
	for (size_t k = 0; k < 2; k++) {
		const struct project *p = c->sides[k].project;
		for (size_t i = 0; i < p->parity.count; i++) {
			const struct allowance *w = &p->parity.items[i];
			bool known = false;
			for (size_t n = 0; n < c->allowances.count; n++)
				known |= streq(c->allowances.items[n]->pattern, w->pattern);
			if (!known)
				*list_push(c->a, &c->allowances) = w;
		}
	}
	c->used = arena_array(c->a, bool, c->allowances.count + 1);
}

static void all_services(struct comparison *c, struct strs *names)
{
	for (size_t k = 0; k < 2; k++) {
		const struct project *p = c->sides[k].project;
		for (size_t i = 0; i < p->services.count; i++) {
			if (!strs_has(names, p->services.items[i].name))
				strs_add(c->a, names, p->services.items[i].name);
		}
	}
	strs_sort(names);
}

static bool compared_whole(const struct comparison *c)
{
	for (size_t i = 0; i < c->out->groups.count; i++) {
		if (c->out->groups.items[i].notes.count)
			return false;
	}
	return c->sides[0].images && c->sides[1].images;
}

/* What was not compared may be what a pattern is for. */
static void note_unused(struct comparison *c)
{
	bool whole = compared_whole(c);
	for (size_t i = 0; i < c->allowances.count; i++) {
		const struct allowance *w = c->allowances.items[i];
		if (!c->used[i] && (whole || !parity_is_content(c->a, w->pattern)))
			*list_push(c->a, &c->out->unused) = w;
	}
}

void parity_make(struct arena *a, const struct parity_side sides[2], const struct strs *services,
	struct parity *out)
{
	struct comparison c = { .a = a, .sides = sides, .out = out };
	struct strs names = { 0 };
	*out = (struct parity){ .environments = { sides[0].project->environment,
					sides[1].project->environment } };
	gather_allowances(&c);
	if (!services->count) {
		compare_project(&c);
		all_services(&c, &names);
	}
	const struct strs *wanted = services->count ? services : &names;
	for (size_t i = 0; i < wanted->count; i++)
		compare_service(&c, wanted->items[i]);
	if (!services->count)
		note_unused(&c);
}
