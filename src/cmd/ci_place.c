/*
 * Where a `devenv ci` works: a workspace of its own, from a random id, which children are told by
 * DEVENV_RUN; the sources of the checkout, or an export of its last commit. Goes out: entered, and
 * left without a trace but for the report.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/agent_client.h"
#include "cmd/runs.h"
#include "ci_parts.h"
#include "run/files/git.h"
#include "run/registry.h"
#include "run/io/spawn.h"

enum { ID_BYTES = 4, GIT_MS = 10 * 60 * 1000, REPORTS_KEPT = 10, LEAVE_MS = 5 * 60 * 1000 };

/* ---- who it is ---- */

static int new_id(struct ci_cmd *x)
{
	struct context *c = x->c;
	unsigned char raw[ID_BYTES];
	char *hex = arena_alloc(&c->arena, 2 * ID_BYTES + 1);
	if (random_bytes(raw, sizeof(raw), &c->error))
		return fail(c);
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(hex + 2 * i, 3, "%02x", raw[i]);
	c->run = x->run.id = hex;
	setenv("DEVENV_RUN", hex, 1);
	return 0;
}

/* What it starts reads the same configuration. */
static void choose_environment(struct context *c)
{
	const char *named = getenv("DEVENV_ENV");
	c->implied = !c->g.environment && !(named && *named);
	if (!c->g.environment)
		c->g.environment = named && *named ? named : "ci";
	setenv("DEVENV_ENV", c->g.environment, 1);
}

/* ---- sources ---- */

static int git(struct ci_cmd *x, const char *const *argv, struct buf *out)
{
	struct context *c = x->c;
	struct err e = ERR_INIT;
	cleanup_buf struct buf err = BUF_INIT;
	int status = -1;
	c->loop = c->loop ? c->loop : loop_new();
	struct spawn s = {
		.argv = argv, .dir = c->root, .out = out, .err = &err, .timeout_ms = GIT_MS
	};
	if (spawn_run(c->loop, &s, &status, &e) || status)
		return err_set(&c->error, ERR_FAILED, "git %s: %s", argv[1],
			e.text[0] ? e.text : buf_str(&err));
	while (buf_ends_with(out, "\n"))
		buf_truncate(out, out->len - 1);
	return 0;
}

#define GIT(x, out, ...) git(x, (const char *const[]){ "git", __VA_ARGS__, NULL }, out)

static void look_at_commit(struct ci_cmd *x)
{
	struct context *c = x->c;
	struct git_facts facts = { 0 };
	struct err ignored = ERR_INIT;
	cleanup_buf struct buf changes = BUF_INIT;
	if (git_look(&c->arena, c->root, &facts, &ignored) || !facts.commit)
		return;
	x->run.commit = facts.commit;
	if (!x->o->commit && !GIT(x, &changes, "status", "--porcelain"))
		x->run.dirty = changes.len > 0;
	c->error = (struct err)ERR_INIT;
	if (x->run.dirty)
		note(c,
			"note: files differ from commit %.12s: they are tested as they are; "
			"--commit tests what was committed",
			x->run.commit);
}

/* Everything is read once more, from there. */
static int move_to(struct ci_cmd *x, const char *dir)
{
	struct context *c = x->c;
	c->g.dir = dir;
	c->config = (struct config){ 0 };
	c->have_project = c->have_places = false;
	c->places = (struct places){ 0 };
	return open_places(c);
}

/* A clone that borrows the objects: history and tags are there, and nothing is left in the
 * original. */
static int export_commit(struct ci_cmd *x)
{
	struct context *c = x->c;
	cleanup_buf struct buf top = BUF_INIT, none = BUF_INIT;
	if (!x->run.commit)
		return fail_with(
			c, ERR_FAILED, "--commit needs a commit, and %s has none", c->root);
	if (GIT(x, &top, "rev-parse", "--show-toplevel"))
		return fail(c);
	const char *root = path_real(&c->arena, buf_str(&top));
	const char *inner = root && path_inside(root, c->root) ? c->root + strlen(root) : "";
	const char *to = path_join(&c->arena, c->places.state, "sources");
	if (GIT(x, &none, "clone", "--quiet", "--shared", "--no-checkout", buf_str(&top), to) ||
		GIT(x, &none, "-C", to, "checkout", "--quiet", "--detach", x->run.commit))
		return fail(c);
	x->sources = to;
	return move_to(x, path_normal(&c->arena, arena_printf(&c->arena, "%s%s", to, inner)));
}

/* Whoever has committed a lock wants just that tested; without one there is nothing to hold to. */
static void hold_to_lock(struct ci_cmd *x)
{
	struct context *c = x->c;
	c->g.frozen |= c->world.locked && !x->o->no_frozen;
	c->project.frozen = c->g.frozen;
}

/* ---- the report ---- */

static void drop_old_reports(struct context *c, const char *dir)
{
	struct strs names = { 0 };
	struct err ignored = ERR_INIT;
	struct dirent *entry;
	DIR *d = opendir(dir);
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			strs_add(&c->arena, &names, arena_strdup(&c->arena, entry->d_name));
	if (d)
		closedir(d);
	strs_sort(&names);
	for (size_t i = 0; i + REPORTS_KEPT < names.count; i++)
		tree_remove(path_join(&c->arena, dir, names.items[i]), &ignored);
}

static int own_report(struct ci_cmd *x, const char *checkout)
{
	struct context *c = x->c;
	char stamp[32] = "";
	struct tm tm;
	time_t now = (time_t)(c->began_ms / 1000);
	if (gmtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	const char *dot = path_join(&c->arena, checkout, ".devenv");
	const char *ignore = path_join(&c->arena, dot, ".gitignore");
	if (dir_make(dot, 0755, &c->error) ||
		(!file_exists(ignore) && file_write(ignore, "*\n", 2, 0644, false, &c->error)))
		return fail(c);
	const char *all = path_join(&c->arena, dot, "ci");
	drop_old_reports(c, all);
	x->report = path_join(&c->arena, all, arena_printf(&c->arena, "%s-%s", stamp, x->run.id));
	return 0;
}

static int make_report(struct ci_cmd *x, const char *checkout)
{
	struct context *c = x->c;
	int status = 0;
	if (!x->o->report)
		status = own_report(x, checkout);
	else
		x->report = path_normal(
			&c->arena, path_join(&c->arena, path_real(&c->arena, "."), x->o->report));
	if (!status && dir_make(x->report, 0755, &c->error))
		status = fail(c);
	return status;
}

/* ---- in and out ---- */

static int take_place(struct ci_cmd *x)
{
	struct context *c = x->c;
	if (dir_make(c->places.state, 0700, &c->error) ||
		lock_take(
			&x->lock, path_join(&c->arena, c->places.state, RUN_LOCK), 0, &c->error) ||
		registry_note(&c->places, &c->project, &c->error))
		return fail(c);
	return 0;
}

int ci_enter(struct ci_cmd *x)
{
	struct context *c = x->c;
	int status = new_id(x);
	choose_environment(c);
	status = status ? status : open_places(c);
	if (status)
		return status;
	const char *checkout = c->root;
	c->loop = c->loop ? c->loop : loop_new();
	look_at_commit(x);
	lap(c, "git", true);
	status = take_place(x);
	if (!status && !c->engine && project_runs(&c->project, RUN_CONTAINER))
		status = open_engine(c);
	status = status ? status : runs_sweep(c, false);
	status = status ? status : make_report(x, checkout);
	if (!status && x->o->commit)
		status = export_commit(x);
	hold_to_lock(x);
	if (!status)
		c->places.logs = path_join(&c->arena, x->report, "containers");
	x->run.project = c->project.name;
	x->run.environment = c->environment;
	return status;
}

/* The usual way down runs the hooks and keeps the logs; nobody waits for data that is thrown away.
 */
static void go_down(struct ci_cmd *x)
{
	struct context *c = x->c;
	struct prepare p = {
		.request = { .goal = GOAL_DOWN, .volumes = true, .timeout_ms = 0 },
		.engine = true,
	};
	ci_look_anew(c);
	if (take_lock(c) || prepare(c, &p))
		return;
	if (c->plan.steps.count)
		carry_out(c);
	if (c->agent)
		end_agent(c);
}

int ci_leave(struct ci_cmd *x)
{
	struct context *c = x->c;
	int status = 0;
	if (x->lock.fd < 0)
		return 0;
	c->limits = (struct limits){ .until = now_ms() + LEAVE_MS };
	c->error = (struct err)ERR_INIT;
	loop_rearm(c->loop);
	if (x->o->keep) {
		const char *path = path_join(&c->arena, c->places.state, RUN_KEPT);
		file_write(path, "", 0, 0600, false, &c->error);
		note(c, "Kept: DEVENV_RUN=%s devenv --env %s status; `devenv clean` removes it.",
			x->run.id, c->environment);
	} else {
		go_down(x);
		lock_drop(&c->lock);
		loop_rearm(c->loop);
		status = run_remove(c, path_base(c->places.state));
	}
	lock_drop(&x->lock);
	return status;
}
