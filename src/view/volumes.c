/*
 * What volumes stand for, where a name does not say it all, and who waits to be started again.
 * Comes in: the map of the world. Goes out: a line each, and JSON.
 */
#include "view/view.h"

static void branch_line(struct buf *out, const struct volume_record *r, const char *now)
{
	buf_adds(out, " has the data of branch ");
	view_clean(out, r->branch);
	if (now && !streq(now, r->branch)) {
		buf_adds(out, " (the branch is ");
		view_clean(out, now);
		buf_adds(out, " now: `devenv up` switches)");
	}
}

static void volume_line(
	struct buf *out, const struct volume *v, const struct volume_record *r, const char *now)
{
	buf_adds(out, "volume ");
	view_clean(out, r->key);
	if (v->per_branch && r->branch)
		branch_line(out, r, now);
	else
		buf_adds(out, " was put in the place of another");
	buf_adds(out, ": ");
	view_clean(out, r->engine);
	if (r->before) {
		buf_adds(out, "; the one before is kept until its users are ready: ");
		view_clean(out, r->before);
	}
	buf_addc(out, '\n');
}

static bool is_up(const struct container *k)
{
	return k && k->state != UNIT_EXITED && k->state != UNIT_CREATED && k->state != UNIT_DEAD;
}

static void halted_lines(struct buf *out, const struct project *p, const struct world *w)
{
	const struct halted *h = &w->halted;
	for (size_t i = 0; i < h->services.count; i++) {
		const char *name = h->services.items[i];
		if (!project_service(p, name) || is_up(world_container(w, name)))
			continue;
		view_clean(out, name);
		buf_adds(out, " is stopped for `devenv ");
		view_clean(out, h->by ? h->by : "restore");
		buf_adds(out, "`; where that runs no more, `devenv up -d ");
		view_clean(out, name);
		buf_adds(out, "` starts it again\n");
	}
}

void view_volumes(struct buf *out, const struct project *p, const struct world *w)
{
	for (size_t i = 0; i < p->volumes.count; i++) {
		const struct volume_record *r = world_volume(w, p->volumes.items[i].name);
		if (r)
			volume_line(out, &p->volumes.items[i], r, w->checkout.branch);
	}
	halted_lines(out, p, w);
}

struct node *view_volumes_json(struct arena *a, const struct project *p, const struct world *w)
{
	struct place no = { 0 };
	struct node *list = node_list(a, no);
	for (size_t i = 0; i < p->volumes.count; i++) {
		const struct volume_record *r = world_volume(w, p->volumes.items[i].name);
		struct node *n = node_map(a, no);
		if (!r)
			continue;
		map_put(a, n, "volume", no, node_str(a, r->key, no));
		if (r->branch)
			map_put(a, n, "branch", no, node_str(a, r->branch, no));
		map_put(a, n, "engine_volume", no, node_str(a, r->engine, no));
		if (r->before)
			map_put(a, n, "before", no, node_str(a, r->before, no));
		list_add(a, list, n);
	}
	return list;
}

struct node *view_halted_json(struct arena *a, const struct world *w)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no), *list = node_list(a, no);
	for (size_t i = 0; i < w->halted.services.count; i++)
		list_add(a, list, node_str(a, w->halted.services.items[i], no));
	map_put(a, n, "by", no, node_str(a, w->halted.by ? w->halted.by : "", no));
	map_put(a, n, "services", no, list);
	return n;
}
