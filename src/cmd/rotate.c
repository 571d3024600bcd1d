/*
 * Rotation: a secret gets another value, and all who have it follow. The new value is saved beside
 * the old one; the service of on_rotate, which remembers it, is told; those who read it are brought
 * along in order of dependency, one after the other; only then the old value is dropped. Refused by
 * any of them, all go back to the old one. Killed anywhere in between, both are still in the
 * keyring, and the next `up` or `rotate` goes on from there.
 */
#include <stdio.h>

#include "cmd/agent_client.h"
#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "run/apply.h"
#include "run/engine/exec.h"
#include "run/host/hosts.h"

enum { FOLLOW_MS = 60 * 1000 };

enum told { TOLD, REFUSED, UNKNOWN }; /* UNKNOWN: nobody can say what it has now */

static const char *part(const struct secret *s, const char *key)
{
	return node_text(node_get(s->on_rotate, key));
}

static const struct container *consumer(struct context *c, const struct secret *s)
{
	const struct container *k =
		s->on_rotate ? world_container(&c->world, part(s, "service")) : NULL;
	return k && k->state == UNIT_RUNNING && !k->host ? k : NULL;
}

/* ---- files ---- */

static int plan_files(struct context *c)
{
	struct plan_request all = { .goal = GOAL_GENERATE, .timeout_ms = -1 };
	int status = see_secrets(c, true);
	return status ? status : make_plan(c, &all);
}

/* A running container sees a change of its secrets at once. */
static int write_all(struct context *c)
{
	struct applied done = { 0 };
	if (apply_files(&c->arena, &c->plan, &c->places, c->vault, false, &done, &c->error))
		return fail(c);
	return 0;
}

/*
 * The consumer's alone: the others still read the value that the consumer takes, until it takes the
 * other one.
 */
static int write_consumers(struct context *c, const struct secret *s)
{
	const char *dir = arena_printf(&c->arena, "secrets/%s/", part(s, "service"));
	for (size_t i = 0; i < c->plan.files.count; i++) {
		const struct out_file *f = &c->plan.files.items[i];
		struct buf content = BUF_INIT;
		bool changed = false;
		if (!starts_with(f->path, dir) || !streq(f->name, s->name))
			continue;
		int bad = apply_content(&c->arena, f, &c->plan, c->vault, &content, &c->error);
		if (!bad)
			bad = file_update(path_join(&c->arena, c->places.generated, f->path),
				buf_str(&content), content.len, f->mode, &changed, &c->error);
		buf_wipe(&content);
		if (bad)
			return fail(c);
	}
	return 0;
}

/* ---- the consumer ---- */

static enum told run_on_rotate(struct context *c, const struct secret *s)
{
	const struct container *k = consumer(c, s);
	cleanup_buf struct buf out = BUF_INIT;
	const char *argv[] = { "/bin/sh", "-c", part(s, "run"), NULL };
	int status = 0;
	if (!k) {
		err_set(&c->error, ERR_FAILED, "%s does not run any more", part(s, "service"));
		return UNKNOWN;
	}
	struct exec_request r = { .container = k->id, .argv = argv };
	if (engine_exec_capture(c->engine, &r, &out, &status, FOLLOW_MS, &c->error))
		return UNKNOWN;
	if (!status)
		return TOLD;
	err_set(&c->error, ERR_FAILED, "on_rotate of %s ended with status %d in %s\n%s", s->name,
		status, k->service, buf_str(&out));
	c->error.place = s->place;
	return REFUSED;
}

/* Gives the consumer the value that the keyring has. Not 0: the exit status, which was explained.
 */
static int tell(struct context *c, const struct secret *s, enum told *how)
{
	int status = plan_files(c);
	*how = TOLD;
	status = status ? status : expect_mark(c, s);
	if (!status && consumer(c, s))
		status = write_consumers(c, s);
	if (!status && consumer(c, s))
		*how = run_on_rotate(c, s);
	if (!status && *how == TOLD)
		status = write_all(c);
	return status;
}

/* ---- those who read it ---- */

static bool has_it(const struct service *s, const struct secret *x)
{
	return reads_secret(s, x) || holds_secret_value(s, x);
}

/* What does not run finds the new value when it is started; a job's work is done again only when
 * its container holds the old one. */
static bool is_there(struct context *c, const struct service *s)
{
	const struct container *k = world_container(&c->world, s->name);
	return k && (k->state == UNIT_RUNNING || s->kind == KIND_JOB);
}

static int start_anew(struct context *c, const struct service *s)
{
	struct plan_request only = {
		.goal = GOAL_UP, .no_deps = true, .no_hooks = true, .timeout_ms = -1
	};
	strs_add(&c->arena, &only.services, s->name);
	int status = make_plan(c, &only);
	if (!status && c->plan.steps.count)
		status = carry_out(c);
	return status ? status : look_again(c);
}

static int signal_all(struct context *c, const struct service *s)
{
	for (size_t i = 0; i < c->world.containers.count; i++) {
		const struct container *k = &c->world.containers.items[i];
		bool its = !k->one_off && streq(k->service, s->name) && k->state == UNIT_RUNNING;
		int bad = 0;
		if (its && k->host)
			bad = c->hosts->ops->signal(c->hosts, k->id, "HUP", &c->error);
		else if (its)
			bad = engine_kill(c->engine, k->id, "HUP", &c->error);
		if (bad)
			return fail(c);
	}
	return 0;
}

/* In order of dependency, one after the other. *failed: who did not come up with it. */
static int bring_along(struct context *c, const struct secret *x, const struct service **failed)
{
	for (size_t i = 0; i < c->project.services.count; i++) {
		const struct service *s = &c->project.services.items[i];
		enum on_restart how = secret_answer(&c->project, s, x);
		if (how == FOLLOW_IGNORE || !has_it(s, x) || !is_there(c, s))
			continue;
		int status = how == FOLLOW_RELOAD ? signal_all(c, s) : start_anew(c, s);
		if (status) {
			*failed = s;
			return status;
		}
	}
	return 0;
}

/* ---- there, and back ---- */

static int settle(struct context *c, const struct secret *s)
{
	int status = see_secrets(c, true);
	if (!status && vault_settle(c->vault, s->name, true, &c->error))
		return fail(c);
	return status ? status : settle_mark(c, s);
}

static int swap(struct context *c, const struct secret *s)
{
	return vault_swap(c->vault, s->name, &c->error) ? fail(c) : 0;
}

/* The server has the new value for sure and does not take the old one again. */
static int stay(struct context *c, const struct secret *s)
{
	enum told how;
	int status = swap(c, s);
	status = status ? status : tell(c, s, &how);
	status = status ? status : settle(c, s);
	if (status)
		return status;
	return fail_with(c, ERR_FAILED,
		"the new value of %s stays: %s did not take the old one back", s->name,
		part(s, "service"));
}

/*
 * Back to the old value, everywhere. taken: the consumer had taken the new one. Whoever refuses the
 * old one as well never took the new one; where that cannot be known both values are kept.
 */
static int take_back(struct context *c, const struct secret *s, bool taken, struct err why)
{
	enum told how = TOLD;
	const struct service *failed = NULL;
	int status = swap(c, s);
	status = status ? status : tell(c, s, &how);
	if (status)
		return status;
	if (how == REFUSED && taken)
		return stay(c, s);
	if (how == UNKNOWN) {
		c->error = why;
		err_hint(&c->error, "both values of %s are kept; `devenv up` goes on from here",
			s->name);
		return fail(c);
	}
	if (how == REFUSED)
		status = write_all(c);
	status = status ? status : bring_along(c, s, &failed);
	int settled = settle(c, s);
	c->error = why;
	err_hint(&c->error, "the old value of %s stays", s->name);
	return status ? status : settled ? settled : fail(c);
}

/* From a new value that is saved to one that all have. */
static int follow(struct context *c, const struct secret *s)
{
	enum told how;
	const struct service *failed = NULL;
	int status = tell(c, s, &how);
	if (status)
		return status;
	if (how != TOLD)
		return take_back(c, s, false, c->error);
	status = bring_along(c, s, &failed);
	if (!status)
		return settle(c, s);
	if (loop_signal(c->loop))
		return status; /* it was said; the next `up` goes on */
	struct err why = ERR_INIT;
	err_set(&why, ERR_FAILED, "%s did not come up with the new value of %s", failed->name,
		s->name);
	why.place = s->place;
	note(c, "note: %s; going back to the old one", why.text);
	return take_back(c, s, true, why);
}

/* Data that was made under the old value must be told of the new one; where none is, nobody must.
 */
static int wake_consumer(struct context *c, const struct secret *s)
{
	const char *name = part(s, "service");
	bool data = false;
	int status = consumer(c, s) ? 0 : knows_secret(c, s, &data);
	if (status || !data)
		return status;
	note(c, "note: %s is started: it must run to be told", name);
	struct plan_request only = { .goal = GOAL_UP, .no_hooks = true, .timeout_ms = -1 };
	strs_add(&c->arena, &only.services, name);
	status = make_plan(c, &only);
	status = status ? status : carry_out(c);
	status = status ? status : look_again(c);
	if (status || consumer(c, s))
		return status;
	err_set(&c->error, ERR_FAILED, "%s must run to follow a new value of %s", name, s->name);
	c->error.place = s->place;
	return fail(c);
}

static int change(struct context *c, const struct secret *s, const struct buf *value)
{
	int bad = value ? vault_offer(c->vault, s->name, buf_str(value), value->len, &c->error)
			: vault_rotate(c->vault, s, &c->error);
	return bad ? fail(c) : 0;
}

/* Without an engine nothing runs, unless on the host. */
static bool can_look(struct context *c)
{
	struct err quiet = ERR_INIT;
	if (!c->engine && project_runs(&c->project, RUN_CONTAINER))
		c->engine = engine_open(&quiet);
	return c->engine || project_runs(&c->project, RUN_HOST);
}

static bool unsettled(struct context *c, const struct secret *s)
{
	struct buf old = BUF_INIT;
	bool is = c->vault && vault_previous(c->vault, s->name, &old);
	buf_wipe(&old);
	return is;
}

static int finish(struct context *c, const struct secret *s)
{
	note(c, "note: %s has a new value that not all have yet; finishing it", s->name);
	int status = s->on_rotate ? wake_consumer(c, s) : 0;
	return status ? status : follow(c, s);
}

/*
 * A third value would push one of two out of the keyring, and that may be the one that the server
 * has.
 */
static int make_ready(struct context *c, const struct secret *s)
{
	if (unsettled(c, s))
		return finish(c, s);
	return s->on_rotate ? wake_consumer(c, s) : 0;
}

int rotate_secret(
	struct context *c, const struct secret *s, const struct buf *value, bool *followed)
{
	struct prepare p = { .request = { .goal = GOAL_GENERATE, .timeout_ms = -1 },
		.engine = true,
		.write = true,
		.new_values = true };
	*followed = s->on_rotate || can_look(c);
	if (!*followed) {
		int bad = change(c, s, value);
		return bad ? bad : vault_settle(c->vault, s->name, true, &c->error) ? fail(c) : 0;
	}
	int status = prepare(c, &p);
	status = status ? status : make_ready(c, s);
	status = status ? status : change(c, s, value);
	return status ? status : follow(c, s);
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
		status = finish(c, s);
	}
	return status;
}
