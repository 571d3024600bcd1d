/*
 * What `cache save` takes along: images and the volumes that workspaces share. Comes in: project
 * and world. Goes out: names. Data is no cache: no data volume is among them.
 */
#include "planner/carry.h"

#include <stdlib.h>
#include <string.h>

#include "parts.h"

/* The engine lists an image under a tag, whether somebody wrote one or not. */
static void add_image(struct arena *a, struct strs *images, const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL;
	if (name && !strchr(slash ? slash : name, ':') && !strchr(name, '@'))
		name = arena_printf(a, "%s:latest", name);
	if (name && !strs_has(images, name))
		strs_add(a, images, name);
}

static void add_volume(struct arena *a, struct carried *out, const struct shared *s)
{
	for (size_t i = 0; i < out->volumes.count; i++) {
		if (streq(out->volumes.items[i].name, s->name))
			return;
	}
	*list_push(a, &out->volumes) = (struct carried_volume){ s->name, s->kind };
}

static void add_unit(struct make *m, struct unit *u, struct carried *out)
{
	const struct service *s = u->service;
	if (s->where != RUN_CONTAINER || s->left_out)
		return;
	u->image = u->rung ? u->rung->tag : s->image_name;
	if (!s->build)
		add_image(m->a, &out->images, u->release ? u->release->tag : u->image);
	shared_volumes(m, u);
	hash_end(m, u);
	for (size_t i = 0; i < u->shared.count; i++)
		add_volume(m->a, out, &u->shared.items[i]);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct carried_volume *)a)->name, ((const struct carried_volume *)b)->name);
}

void plan_carried(
	struct arena *a, const struct project *p, const struct world *w, struct carried *out)
{
	struct diags unheard = DIAGS_INIT(a);
	struct make m;
	make_init(&m, a, p, w, &unheard);
	rungs_make(&m);
	releases_make(&m);
	for (size_t i = 0; i < p->images.count; i++)
		add_image(a, &out->images, m.rungs[i].tag);
	for (size_t i = 0; i < p->services.count; i++)
		add_unit(&m, &m.units[i], out);
	make_release(&m);
	strs_sort(&out->images);
	if (out->volumes.count)
		qsort(out->volumes.items, out->volumes.count, sizeof(*out->volumes.items), by_name);
}
