/*
 * Whose data serve, for volumes that are per branch. Comes in: the map of the world. Goes out: a
 * line each, and JSON.
 */
#include "view/view.h"

static const struct volume_record *shown(const struct volume *v, const struct world *w)
{
	const struct volume_record *r = v->per_branch ? world_volume(w, v->name) : NULL;
	return r && r->branch ? r : NULL;
}

void view_branches(struct buf *out, const struct project *p, const struct world *w)
{
	const char *now = w->checkout.branch;
	for (size_t i = 0; i < p->volumes.count; i++) {
		const struct volume_record *r = shown(&p->volumes.items[i], w);
		if (!r)
			continue;
		buf_adds(out, "volume ");
		view_clean(out, r->key);
		buf_adds(out, " has the data of branch ");
		view_clean(out, r->branch);
		if (now && !streq(now, r->branch)) {
			buf_adds(out, " (the branch is ");
			view_clean(out, now);
			buf_adds(out, " now: `devenv up` switches)");
		}
		buf_addc(out, '\n');
	}
}

struct node *view_branches_json(struct arena *a, const struct project *p, const struct world *w)
{
	struct place no = { 0 };
	struct node *list = node_list(a, no);
	for (size_t i = 0; i < p->volumes.count; i++) {
		const struct volume_record *r = shown(&p->volumes.items[i], w);
		struct node *n = node_map(a, no);
		if (!r)
			continue;
		map_put(a, n, "volume", no, node_str(a, r->key, no));
		map_put(a, n, "branch", no, node_str(a, r->branch, no));
		map_put(a, n, "engine_volume", no, node_str(a, r->engine, no));
		list_add(a, list, n);
	}
	return list;
}
