/*
 * Data volumes whose server remembers a secret: it takes the value that it was initialised with,
 * until on_rotate tells it of another. Comes in: the compose tree. Goes out: which volumes these
 * are, and steps that make them with a mark of the value, which Compose could not: what it writes
 * into its file must stay the same when the value changes.
 */
#include "parts.h"

enum { VOLUME_MS = 30 * 1000 };

static const struct node *volume_node(const struct make *m, const char *name)
{
	return node_get(node_get(m->compose, "volumes"), name);
}

static bool listed(const struct make *m, const struct secret *x, const char *volume)
{
	for (size_t i = 0; i < m->plan->remembered.count; i++) {
		const struct remembered *r = &m->plan->remembered.items[i];
		if (r->secret == x && streq(r->volume, volume))
			return true;
	}
	return false;
}

static void note_mounts(struct make *m, const struct secret *x, const struct service *s)
{
	for (size_t i = 0; i < s->mounts.count; i++) {
		const struct mount *mount = &s->mounts.items[i];
		const struct volume *v =
			mount->kind == MOUNT_VOLUME ? project_volume(m->p, mount->source) : NULL;
		const char *name = v ? node_text(node_get(volume_node(m, v->name), "name")) : NULL;
		if (name && v->kind == VOLUME_DATA && !listed(m, x, name))
			*list_push(m->a, &m->plan->remembered) =
				(struct remembered){ s, x, v, name };
	}
}

void note_remembered(struct make *m)
{
	for (size_t i = 0; i < m->p->secrets.count; i++) {
		const struct secret *x = &m->p->secrets.items[i];
		const struct service *s = secret_consumer(m->p, x);
		if (s && unit_of(m, s)->node)
			note_mounts(m, x, s);
	}
}

/* "db_password=MARK other=MARK"; "" when no value is known yet. */
static const char *marks_of(struct make *m, const char *volume)
{
	struct strs marks = { 0 };
	for (size_t i = 0; i < m->plan->remembered.count; i++) {
		const struct remembered *r = &m->plan->remembered.items[i];
		const struct seen_secret *seen = world_secret(m->w, r->secret->name);
		if (streq(r->volume, volume) && seen && seen->mark)
			strs_add(m->a, &marks,
				arena_printf(m->a, "%s=%s", r->secret->name, seen->mark));
	}
	return strs_join(m->a, &marks, " ");
}

static void label_word(struct make *m, struct step *s, const char *name, const char *value)
{
	step_word(m, s, "--label");
	step_word(m, s, arena_printf(m->a, "%s=%s", name, value ? value : ""));
}

/* In the compose file every $ is doubled. */
static const char *undoubled(struct make *m, const char *text)
{
	cleanup_buf struct buf out = BUF_INIT;
	for (const char *s = text; s && *s; s++) {
		buf_addc(&out, *s);
		s += s[0] == '$' && s[1] == '$';
	}
	return arena_strdup(m->a, buf_str(&out));
}

/* What Compose would write upon it, so that it takes it for its own; then ours. */
static void plan_volume(struct make *m, const struct remembered *r, const struct node *entry)
{
	const struct node_pair *pair;
	struct step *s = exec_step(m, arena_printf(m->a, "volume %s", r->volume), r->volume,
		r->known->place, VOLUME_MS, "data of %s, with a mark of %s", r->service->name,
		r->secret->name);
	step_words(m, s, (const char *const[]){ "docker", "volume", "create", NULL });
	label_word(m, s, "com.docker.compose.project", m->p->workspace);
	label_word(m, s, "com.docker.compose.volume", r->known->name);
	node_each_pair(node_get(entry, "labels"), i, pair)
	{
		label_word(m, s, pair->key, undoubled(m, node_text(pair->value)));
	}
	const char *marks = marks_of(m, r->volume);
	if (*marks)
		label_word(m, s, "devenv.secrets", marks);
	step_word(m, s, r->volume);
}

void plan_marked_volumes(struct make *m)
{
	for (size_t i = 0; i < m->plan->remembered.count; i++) {
		const struct remembered *r = &m->plan->remembered.items[i];
		const struct node *entry = volume_node(m, r->known->name);
		bool plain = !node_get(entry, "external") && !node_get(entry, "driver") &&
			     !node_get(entry, "driver_opts");
		bool there = m->w->volumes_known && strs_has(&m->w->volumes, r->volume);
		if (unit_of(m, r->service)->fate == FATE_CREATE && plain && !there &&
			!plan_find(m->plan, STEP_EXEC, r->volume))
			plan_volume(m, r, entry);
	}
}

void await_marked_volumes(struct make *m, struct step *s, const struct unit *u)
{
	for (size_t i = 0; i < m->plan->remembered.count; i++) {
		const struct remembered *r = &m->plan->remembered.items[i];
		if (r->service == u->service)
			plan_need(m->plan, s, plan_find(m->plan, STEP_EXEC, r->volume));
	}
}
