/*
 * Data per branch. Comes in: the checkout's branch, which volume of the engine has which branch's
 * data. Goes out: which one is to serve now, the copy that a new branch begins with, and the steps
 * that make it: nobody uses the original while it is copied.
 */
#include "parts.h"

#include <string.h>

#include "base/hash.h"

enum { BRANCH_HEX = 8, CLONE_MS = 6 * 60 * 60 * 1000 };

static struct volume_record *record_of(struct world *w, const char *key, const char *branch)
{
	for (size_t i = 0; i < w->volume_map.count; i++) {
		struct volume_record *r = &w->volume_map.items[i];
		if (streq(r->key, key) && streq(r->branch, branch))
			return r;
	}
	return NULL;
}

/* "shop-1a2b3c4d_data.feature-x-9f8e7d6c": two branches never share one. */
static const char *branch_volume(
	struct arena *a, const struct project *p, const char *key, const char *branch)
{
	char hex[HASH_HEX + 1];
	hash_hex(branch, strlen(branch), hex);
	return arena_printf(
		a, "%s_%s.%s-%.*s", p->workspace, key, project_slug(a, branch), BRANCH_HEX, hex);
}

static const char *if_seen(const struct world *w, const char *volume)
{
	const struct unfilled *f = volume ? world_unfilled(w, volume) : NULL;
	bool whole = !f || !f->from;
	return volume && whole && strs_has(&w->volumes, volume) ? volume : NULL;
}

/* Whose data a new branch begins with: its parents', the one's that served last, the workspace's
 * own. */
static const char *source_of(
	struct arena *a, const struct project *p, struct world *w, const struct volume *v)
{
	const char *found = NULL;
	for (size_t i = 0; !found && i < w->checkout.parents.count; i++) {
		const struct volume_record *r = record_of(w, v->name, w->checkout.parents.items[i]);
		found = r ? if_seen(w, r->engine) : NULL;
	}
	return found ? found : if_seen(w, plan_volume_name(a, p, w, v));
}

static void serve(struct world *w, struct volume_record *chosen)
{
	for (size_t i = 0; i < w->volume_map.count; i++) {
		struct volume_record *r = &w->volume_map.items[i];
		if (streq(r->key, chosen->key))
			r->serves = r == chosen;
	}
}

static void serve_new(
	struct arena *a, const struct project *p, struct world *w, const struct volume *v)
{
	const char *from = source_of(a, p, w, v);
	const char *volume = branch_volume(a, p, v->name, w->checkout.branch);
	struct volume_record *r = list_push(a, &w->volume_map);
	*r = (struct volume_record){
		.key = v->name, .branch = w->checkout.branch, .engine = volume
	};
	/* There already, and whole: the map was lost, not the data. */
	bool there = strs_has(&w->volumes, volume) && !world_unfilled(w, volume);
	if (from && !there)
		*list_push(a, &w->unfilled) = (struct unfilled){ volume, from };
	serve(w, r);
}

static bool follows(const struct volume *v, const struct world *w)
{
	return v->per_branch && !v->external && w->checkout.branch;
}

enum branch_verdict plan_branches(struct arena *a, const struct project *p, struct world *w)
{
	enum branch_verdict verdict = BRANCHES_STAY;
	for (size_t i = 0; i < p->volumes.count; i++) {
		const struct volume *v = &p->volumes.items[i];
		const struct volume_record *now = world_volume(w, v->name);
		if (!follows(v, w) || (now && streq(now->branch, w->checkout.branch)))
			continue;
		struct volume_record *r = record_of(w, v->name, w->checkout.branch);
		if (!r && !w->volumes_known)
			return BRANCHES_ASK;
		if (r)
			serve(w, r);
		else
			serve_new(a, p, w, v);
		verdict = BRANCHES_SWITCH;
	}
	return verdict;
}

/* ---- what is said ---- */

void note_branches(struct make *m)
{
	for (size_t i = 0; i < m->p->volumes.count; i++) {
		const struct volume *v = &m->p->volumes.items[i];
		const struct volume_record *r = world_volume(m->w, v->name);
		if (!v->per_branch || v->external || m->w->checkout.branch)
			continue;
		const char *why = m->w->checkout.repository ? "no branch is checked out"
							    : "there is no git repository here";
		strs_add(m->a, &m->plan->notes,
			r && r->branch
				? arena_printf(m->a, "%s: volume %s keeps the data of branch %s",
					  why, v->name, r->branch)
				: arena_printf(m->a, "%s: volume %s has the workspace's own data",
					  why, v->name));
	}
}

/* ---- the copy ---- */

static bool mounts(const struct service *s, const char *key)
{
	for (size_t i = 0; i < s->mounts.count; i++)
		if (s->mounts.items[i].kind == MOUNT_VOLUME &&
			streq(s->mounts.items[i].source, key))
			return true;
	return false;
}

static bool is_wanted(const struct make *m, const char *key)
{
	for (size_t i = 0; i < m->p->services.count; i++)
		if (m->units[i].fate == FATE_CREATE && mounts(m->units[i].service, key))
			return true;
	return false;
}

/* Images are there by then: the pause is as short as can be. */
static struct step *stop_user(struct make *m, struct unit *u, const char *key, struct step *after)
{
	const struct container *c = own_container(m, u);
	if (!c || c->host || c->state != UNIT_RUNNING || !mounts(u->service, key))
		return NULL;
	struct step *s = plan_find(m->plan, STEP_STOP, u->service->name);
	if (s)
		return s;
	s = plan_add(m->plan, STEP_STOP, u->service->name, u->service->place,
		"volume %s is copied for branch %s", key, m->w->checkout.branch);
	s->service = u->service;
	plan_need(m->plan, s, after);
	plan_need(m->plan, s, m->built);
	for (size_t i = 0; i < m->plan->steps.count; i++)
		if (m->plan->steps.items[i]->kind == STEP_BUILD)
			plan_need(m->plan, s, m->plan->steps.items[i]);
	return s;
}

/* It uses the original and is no part of this run. */
static void start_bystander(struct make *m, struct unit *u, struct step *clone)
{
	if (u->fate != FATE_KEEP || plan_find(m->plan, STEP_START, u->service->name))
		return;
	struct step *s = plan_add(m->plan, STEP_START, u->service->name, u->service->place,
		"it was stopped for the copy");
	s->service = u->service;
	plan_need(m->plan, s, clone);
}

static const char *branch_of(const struct make *m, const char *key, const char *volume)
{
	for (size_t i = 0; i < m->w->volume_map.count; i++) {
		const struct volume_record *r = &m->w->volume_map.items[i];
		if (streq(r->key, key) && streq(r->engine, volume) && r->branch)
			return arena_printf(m->a, "of branch %s", r->branch);
	}
	return "of the workspace";
}

static const char *clone_id(struct make *m, const char *key)
{
	return arena_printf(m->a, "copy %s", key);
}

static void plan_clone(struct make *m, const struct volume *v, const char *from, const char *to,
	struct step *after)
{
	struct step_list stops = { 0 };
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct step *stop = stop_user(m, &m->units[i], v->name, after);
		if (stop)
			*list_push(m->a, &stops) = stop;
	}
	struct step *s = exec_step(m, clone_id(m, v->name), v->name, v->place, CLONE_MS,
		"the branch is %s now: it begins with the data %s", m->w->checkout.branch,
		branch_of(m, v->name, from));
	s->self = true;
	for (size_t i = 0; i < m->req->self.count; i++)
		step_word(m, s, m->req->self.items[i]);
	step_words(m, s, (const char *const[]){ "__copy", v->name, from, to, NULL });
	plan_need(m->plan, s, after);
	for (size_t i = 0; i < stops.count; i++)
		plan_need(m->plan, s, stops.items[i]);
	for (size_t i = 0; i < m->p->services.count; i++)
		if (plan_find(m->plan, STEP_STOP, m->units[i].service->name) &&
			mounts(m->units[i].service, v->name))
			start_bystander(m, &m->units[i], s);
}

void plan_clones(struct make *m, struct step *after)
{
	for (size_t i = 0; i < m->p->volumes.count; i++) {
		const struct volume *v = &m->p->volumes.items[i];
		const struct volume_record *r = v->per_branch ? world_volume(m->w, v->name) : NULL;
		const struct unfilled *f = r ? world_unfilled(m->w, r->engine) : NULL;
		if (f && f->from && is_wanted(m, v->name))
			plan_clone(m, v, f->from, f->volume, after);
	}
}

static struct step *clone_of(struct make *m, const char *key)
{
	const char *id = clone_id(m, key);
	for (size_t i = 0; i < m->plan->steps.count; i++)
		if (m->plan->steps.items[i]->self && streq(m->plan->steps.items[i]->id, id))
			return m->plan->steps.items[i];
	return NULL;
}

void await_clones(struct make *m, struct step *s, const struct service *service)
{
	for (size_t i = 0; i < service->mounts.count; i++) {
		const struct mount *mount = &service->mounts.items[i];
		if (mount->kind == MOUNT_VOLUME && mount->source)
			plan_need(m->plan, s, clone_of(m, mount->source));
	}
}
