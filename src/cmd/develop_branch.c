/*
 * Another branch under a loop that goes on: what runs has the data of the branch that it was
 * started on, and that is said, once. The loop never switches data by itself: it could not ask, and
 * whoever looks into another branch for a moment wants the stack left alone.
 */
#include "cmd/develop_parts.h"
#include "run/files/git_branch.h"
#include "run/data/volume_map.h"

/* A volume that has the data of another branch; NULL: none. */
static const struct volume_record *left_behind(
	const struct project *p, const struct world *w, const char *now)
{
	for (size_t i = 0; i < p->volumes.count; i++) {
		const struct volume *v = &p->volumes.items[i];
		const struct volume_record *r = v->per_branch ? world_volume(w, v->name) : NULL;
		if (r && r->branch && !streq(r->branch, now))
			return r;
	}
	return NULL;
}

static bool any_per_branch(const struct project *p)
{
	for (size_t i = 0; i < p->volumes.count; i++)
		if (p->volumes.items[i].per_branch)
			return true;
	return false;
}

void branch_look(struct develop_loop *d)
{
	struct arena a = ARENA_INIT;
	struct world w = { .now = 0 };
	struct err unknown = ERR_INIT;
	if (!any_per_branch(&d->c->project))
		return;
	const char *now = git_branch_name(&a, d->c->project.dir);
	const struct volume_record *r = NULL;
	if (now && !volume_map_load(&a, &d->c->places, &w, &unknown))
		r = left_behind(&d->c->project, &w, now);
	if (!r)
		d->branch_told = NULL;
	if (r && !streq(d->branch_told, now)) {
		d->branch_told = arena_strdup(&d->arena, now);
		develop_note(d,
			"the branch is %s now, volume %s keeps the data of branch %s: `devenv up` "
			"switches",
			now, r->key, r->branch);
	}
	arena_release(&a);
}
