/*
 * What the data in a snapshot know of secrets. Comes in: marks of the volume and the keyring's
 * values when it is taken; the snapshot's word when it is brought back. Goes out: that word; the
 * new volume's marks, and a refusal before anything is touched where its server would let nobody in
 * (FAULTS D05).
 */
#include <stdio.h>

#include "cmd/data.h"
#include "cmd/lifecycle.h"
#include "run/secrets/marks.h"

enum { ROUNDS = 100 * 1000, SALT_BYTES = 16 };

/* ---- into a snapshot ---- */

static int new_salt(struct context *c, const char **salt)
{
	unsigned char raw[SALT_BYTES];
	char *hex = arena_alloc(&c->arena, 2 * SALT_BYTES + 1);
	if (random_bytes(raw, sizeof(raw), &c->error))
		return -1;
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(hex + 2 * i, 3, "%02x", raw[i]);
	*salt = hex;
	return 0;
}

static int add_proof(struct context *c, struct snapshot_secret *s, const char *mark, bool previous)
{
	char hex[65];
	if (!mark || !strs_has(&s->marks, mark))
		return 0;
	int rc = vault_proof(c->vault, s->name, previous, s->salt, (int)s->rounds, hex, &c->error);
	if (!rc)
		strs_add(&c->arena, &s->proofs, arena_strdup(&c->arena, hex));
	return rc < 0 ? -1 : 0;
}

static int note_one(struct context *c, const struct volume_mark *m, struct snapshot_part *part)
{
	const struct seen_secret *now = world_secret(&c->world, m->secret);
	struct snapshot_secret s = {
		.name = m->secret,
		.machine = marks_machine(&c->arena, &c->places),
		.marks = m->marks,
		.rounds = ROUNDS,
	};
	if (new_salt(c, &s.salt) || (now && (add_proof(c, &s, now->mark, false) ||
						    add_proof(c, &s, now->previous_mark, true))))
		return fail(c);
	*list_push(&c->arena, &part->secrets) = s;
	return 0;
}

/* What is remembered counts, or else the label. */
int data_note_marks(struct context *c, const char *engine, struct snapshot_part *part)
{
	const struct volume_marks *lists[] = { &c->world.marks, &c->world.labels };
	int status = 0;
	for (size_t k = 0; k < countof(lists); k++)
		for (size_t i = 0; !status && i < lists[k]->count; i++) {
			const struct volume_mark *m = &lists[k]->items[i];
			bool newer = k && volume_mark_find(lists[0], engine, m->secret);
			if (streq(m->volume, engine) && !newer)
				status = note_one(c, m, part);
		}
	return status;
}

/* ---- out of it ---- */

/* 1: its value, or the one before, is what the data know; 0: neither; -1 with an error. */
static int is_proved(struct context *c, const struct snapshot_secret *s)
{
	for (int previous = 0; previous < 2; previous++) {
		char hex[65];
		int rc = vault_proof(
			c->vault, s->name, previous, s->salt, (int)s->rounds, hex, &c->error);
		if (rc < 0)
			return -1;
		if (!rc && strs_has(&s->proofs, hex))
			return 1;
	}
	return 0;
}

/* Marks of this machine stand for themselves. Another's agree with none of ours, so that they stand
 * for "some other value"; where that is not so, or cannot be told, nothing is remembered. */
static int recall_one(struct context *c, const struct snapshot_secret *s, const char *engine)
{
	bool ours = streq(s->machine, marks_machine(&c->arena, &c->places));
	int proved = ours || !s->proofs.count ? 0 : is_proved(c, s);
	if (proved < 0)
		return -1;
	if (ours || (s->proofs.count && !proved))
		*list_push(&c->arena, &c->world.marks) = (struct volume_mark){
			.volume = engine, .secret = s->name, .marks = s->marks
		};
	return 0;
}

int data_recall_marks(struct context *c, const struct snapshot_part *part, const char *engine)
{
	for (size_t i = 0; i < part->secrets.count; i++)
		if (recall_one(c, &part->secrets.items[i], engine))
			return -1;
	return part->secrets.count ? marks_save(&c->places, &c->world.marks, &c->error) : 0;
}

static int refuse(struct context *c, const struct remembered *r, const struct snapshot *s)
{
	const char *name = r->secret->name;
	err_set(&c->error, ERR_FAILED,
		"the data of %s in snapshot %s know another value of the secret %s than the "
		"keyring has: %s would not let anybody in",
		r->known->name, s->name, name, r->service->name);
	err_hint(&c->error,
		"nothing was touched; put the value of that time back with `devenv secrets set "
		"%s`, or `devenv restore --force` it all the same and let `devenv secrets rotate "
		"%s` tell %s of a new value from inside of it",
		name, name, r->service->name);
	c->error.place = r->secret->place;
	return fail(c);
}

int data_check_marks(struct context *c, const struct snapshot *s, const struct data_volumes *v)
{
	for (size_t i = 0; i < c->plan.remembered.count; i++) {
		const struct remembered *r = &c->plan.remembered.items[i];
		const struct seen_secret *now = world_secret(&c->world, r->secret->name);
		for (size_t k = 0; k < v->count; k++) {
			const struct volume_mark *m =
				v->items[k].volume == r->known
					? volume_mark_find(&c->world.marks, v->items[k].next,
						  r->secret->name)
					: NULL;
			if (m && now && now->mark && !mark_agrees(m, now))
				return refuse(c, r, s);
		}
	}
	return 0;
}
