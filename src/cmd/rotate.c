/*
 * Rotation of a secret whose consumer must follow (on_rotate): the new value is saved beside the
 * old one and put where the consumer reads it, the consumer is told, and only then the old one is
 * dropped. Killed anywhere in between, the next `up` or `rotate` goes on from there.
 */
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"

enum { FOLLOW_MS = 60 * 1000 };

static const char *part(const struct secret *s, const char *key)
{
	return node_text(node_get(s->on_rotate, key));
}

static const struct container *consumer(struct context *c, const struct secret *s)
{
	const struct container *k = world_container(&c->world, part(s, "service"));
	return k && k->state == UNIT_RUNNING ? k : NULL;
}

/* The files as the keyring has them now: a running container sees a change of its secrets at once.
 */
static int write_secrets(struct context *c)
{
	struct plan_request all = { .goal = GOAL_GENERATE, .timeout_ms = -1 };
	struct applied done = { 0 };
	int status = make_plan(c, &all);
	if (!status &&
		apply_files(&c->arena, &c->plan, &c->places, c->vault, false, &done, &c->error))
		status = fail(c);
	return status;
}

/* Runs on_rotate in its container. 0, or -1 with what it said. */
static int tell_consumer(struct context *c, const struct secret *s)
{
	const struct container *k = consumer(c, s);
	cleanup_buf struct buf out = BUF_INIT;
	const char *argv[] = { "/bin/sh", "-c", part(s, "run"), NULL };
	struct exec_request r = { .container = k->id, .argv = argv };
	int status = 0;
	if (engine_exec_capture(c->engine, &r, &out, &status, FOLLOW_MS, &c->error))
		return -1;
	if (!status)
		return 0;
	err_set(&c->error, ERR_FAILED, "on_rotate of %s ended with status %d in %s\n%s", s->name,
		status, k->service, buf_str(&out));
	c->error.place = s->place;
	return -1;
}

/* Back to the old value, everywhere; the consumer may have taken the new one before it failed. */
static int take_back(struct context *c, const struct secret *s)
{
	struct err why = c->error;
	if (vault_settle(c->vault, s->name, false, &c->error))
		return fail(c);
	int status = write_secrets(c);
	if (!status)
		tell_consumer(c, s);
	c->error = why;
	err_hint(&c->error, "the old value of %s stays", s->name);
	return fail(c);
}

/* From a new value that is saved to one that is followed. */
static int follow(struct context *c, const struct secret *s)
{
	int status = write_secrets(c);
	if (status)
		return status;
	if (tell_consumer(c, s))
		return take_back(c, s);
	return vault_settle(c->vault, s->name, true, &c->error) ? fail(c) : 0;
}

/* Data that was made under the old value must be told of the new one; where none is, nobody must.
 */
static int check_consumer(struct context *c, const struct secret *s)
{
	if (consumer(c, s))
		return 0;
	if (!c->world.volumes_known &&
		engine_volumes(c->engine, &c->arena, c->project.workspace, &c->world, &c->error))
		return fail(c);
	if (!c->world.volumes.count)
		return 0;
	err_set(&c->error, ERR_FAILED, "%s must run to follow a new value of %s",
		part(s, "service"), s->name);
	err_hint(&c->error, "start it with `devenv up -d %s`", part(s, "service"));
	c->error.place = s->place;
	return fail(c);
}

int rotate_secret(struct context *c, const struct secret *s)
{
	int status = 0;
	if (s->on_rotate) {
		struct prepare p = { .request = { .goal = GOAL_GENERATE, .timeout_ms = -1 },
			.engine = true,
			.write = true };
		status = prepare(c, &p);
		status = status ? status : check_consumer(c, s);
	}
	if (status)
		return status;
	if (vault_rotate(c->vault, s, &c->error))
		return fail(c);
	if (s->on_rotate && consumer(c, s))
		return follow(c, s);
	return vault_settle(c->vault, s->name, true, &c->error) ? fail(c) : 0;
}

static bool unsettled(struct context *c, const struct secret *s)
{
	struct buf old = BUF_INIT;
	bool is = c->vault && vault_previous(c->vault, s->name, &old);
	buf_wipe(&old);
	return is;
}

int finish_rotations(struct context *c, bool *any)
{
	int status = 0;
	*any = false;
	for (size_t i = 0; !status && i < c->project.secrets.count; i++) {
		const struct secret *s = &c->project.secrets.items[i];
		if (!unsettled(c, s))
			continue;
		*any = true;
		note(c, "note: the rotation of %s was interrupted; finishing it", s->name);
		if (!s->on_rotate) {
			status = vault_settle(c->vault, s->name, true, &c->error) ? fail(c) : 0;
			continue;
		}
		struct plan_request only = { .goal = GOAL_UP, .timeout_ms = -1 };
		strs_add(&c->arena, &only.services, part(s, "service"));
		status = make_plan(c, &only);
		if (!status && c->plan.steps.count)
			status = carry_out(c);
		status = status ? status : look_again(c);
		status = status ? status : follow(c, s);
	}
	return status;
}
