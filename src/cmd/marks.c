/*
 * What data volumes know of secrets, held against what the keyring has. Comes in: the plan's
 * volumes, marks of values, those that were remembered or stand on the volumes. Goes out: a refusal
 * before a server is started on data that was initialised under another secret, or the marks as
 * they are now.
 *
 * Remembered is what a server was told last; the label of a volume, which cannot change, is what it
 * was made with and counts where nothing is remembered. Both lost, nothing can be told (FAULTS D05:
 * a lost keyring is refused by itself).
 */
#include "run/secrets/marks.h"

#include "cmd/lifecycle.h"

static bool is_chosen(const struct context *c, const struct service *s)
{
	for (size_t i = 0; i < c->plan.chosen.count; i++)
		if (c->plan.chosen.items[i].service == s)
			return true;
	return false;
}

static int know_volumes(struct context *c)
{
	if (c->world.volumes_known || !c->engine)
		return 0;
	return engine_volumes(c->engine, &c->arena, c->project.workspace, &c->world, &c->error)
		       ? fail(c)
		       : 0;
}

static bool is_there(const struct context *c, const struct remembered *r)
{
	return r->known->external || strs_has(&c->world.volumes, r->volume);
}

static const struct volume_mark *known_mark(const struct context *c, const struct remembered *r)
{
	const struct volume_mark *m = volume_mark_find(&c->world.marks, r->volume, r->secret->name);
	return m ? m : volume_mark_find(&c->world.labels, r->volume, r->secret->name);
}

bool mark_agrees(const struct volume_mark *m, const struct seen_secret *now)
{
	return strs_has(&m->marks, now->mark) ||
	       (now->previous_mark && strs_has(&m->marks, now->previous_mark));
}

static int refuse(struct context *c, const struct remembered *r)
{
	const char *name = r->secret->name;
	err_set(&c->error, ERR_FAILED,
		"the data of %s (volume %s) was initialised with another value of the secret %s "
		"than the keyring has: it would not let anybody in",
		r->service->name, r->volume, name);
	err_hint(&c->error,
		"`devenv secrets rotate %s` tells %s of a new value from inside of it; or put the "
		"old value back with `devenv secrets set %s`, or %s/keyring.json from a backup; or "
		"drop the data with `devenv reset %s`",
		name, r->service->name, name, c->places.state, r->known->name);
	c->error.place = r->secret->place;
	return fail(c);
}

int check_marks(struct context *c)
{
	for (size_t i = 0; i < c->plan.remembered.count; i++) {
		const struct remembered *r = &c->plan.remembered.items[i];
		const struct seen_secret *now = world_secret(&c->world, r->secret->name);
		const struct volume_mark *m = known_mark(c, r);
		if (!is_chosen(c, r->service) || !now || !now->mark || !m || mark_agrees(m, now))
			continue;
		int status = know_volumes(c);
		if (status)
			return status;
		if (is_there(c, r))
			return refuse(c, r);
	}
	return 0;
}

/* One mark, or two. */
static void remember(
	struct context *c, const struct remembered *r, const char *mark, const char *or_mark)
{
	struct volume_mark *m = volume_mark_find(&c->world.marks, r->volume, r->secret->name);
	if (!m) {
		m = list_push(&c->arena, &c->world.marks);
		*m = (struct volume_mark){ .volume = r->volume, .secret = r->secret->name };
	}
	m->marks = (struct strs){ 0 };
	strs_add(&c->arena, &m->marks, mark);
	if (or_mark)
		strs_add(&c->arena, &m->marks, or_mark);
}

static int save(struct context *c)
{
	return marks_save(&c->places, &c->world.marks, &c->error) ? fail(c) : 0;
}

static bool is_ready(const struct context *c, const struct service *s)
{
	const struct container *k = world_container(&c->world, s->name);
	return k && k->state == UNIT_RUNNING && world_seen_ready(&c->world, k);
}

static bool is_remembered(
	const struct context *c, const struct remembered *r, const struct seen_secret *now)
{
	const struct volume_mark *m = volume_mark_find(&c->world.marks, r->volume, r->secret->name);
	return m && m->marks.count == (now->previous_mark ? 2U : 1U) &&
	       strs_has(&m->marks, now->mark);
}

int note_marks(struct context *c)
{
	bool any = false;
	for (size_t i = 0; i < c->plan.remembered.count; i++) {
		const struct remembered *r = &c->plan.remembered.items[i];
		const struct seen_secret *now = world_secret(&c->world, r->secret->name);
		if (!now || !now->mark || is_remembered(c, r, now) || !is_ready(c, r->service))
			continue;
		remember(c, r, now->mark, now->previous_mark);
		any = true;
	}
	return any ? save(c) : 0;
}

static int mark_all(struct context *c, const struct secret *s, bool either)
{
	const struct seen_secret *now = world_secret(&c->world, s->name);
	for (size_t i = 0; now && now->mark && i < c->plan.remembered.count; i++)
		if (c->plan.remembered.items[i].secret == s)
			remember(c, &c->plan.remembered.items[i], now->mark,
				either ? now->previous_mark : NULL);
	return save(c);
}

int expect_mark(struct context *c, const struct secret *s)
{
	return mark_all(c, s, true);
}

int settle_mark(struct context *c, const struct secret *s)
{
	return mark_all(c, s, false);
}

int knows_secret(struct context *c, const struct secret *s, bool *does)
{
	int status = know_volumes(c);
	*does = false;
	for (size_t i = 0; !status && i < c->plan.remembered.count; i++) {
		const struct remembered *r = &c->plan.remembered.items[i];
		*does = *does || (r->secret == s && is_there(c, r));
	}
	return status;
}
