/*
 * Steps that are a child process: builds and subprocesses. Comes in: argv, context. Goes out:
 * progress read from the child's lines, its last lines as the error. Does not know the graph.
 */
#include "run/job.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/files/archive.h"
#include "run/engine/contents.h"
#include "run/io/detach.h"
#include "run/engine/pull.h"

struct child_state {
	struct child *child;
	struct buf input;
	struct spawn spawn;
	struct tail tail;
	char progress[200]; /* the last step of a build */
	double fraction;    /* of it */
	struct pull pull;
	int stops;           /* interrupts passed on */
	struct buf unlocked; /* of a build: what the mirror has no longer as it is locked */
};

void tail_add(struct tail *t, const char *line, size_t len)
{
	static const char *const noise[] = { "DEPRECATED: The legacy builder",
		"            Install the buildx", "            BuildKit is currently",
		"            environment-variable.",
		"            https://docs.docker.com/go/buildx/" };
	char *slot = t->lines[t->next];
	size_t n = len < TAIL_WIDTH - 1 ? len : TAIL_WIDTH - 1;
	if (!len)
		return;
	memcpy(slot, line, n);
	slot[n] = '\0';
	nul_to_space(slot, n);
	for (size_t i = 0; i < countof(noise); i++)
		if (starts_with(slot, noise[i]))
			return;
	t->next = (t->next + 1) % TAIL_LINES;
	if (t->count < TAIL_LINES)
		t->count++;
}

const char *tail_line(const struct tail *t, size_t i)
{
	return t->lines[(t->next + TAIL_LINES - t->count + i) % TAIL_LINES];
}

void tail_text(const struct tail *t, struct buf *out)
{
	for (size_t i = 0; i < t->count; i++)
		buf_addf(out, "%s\n", tail_line(t, i));
}

bool hint_full_disk(struct err *e)
{
	if (!strcasestr(e->text, "no space left on device"))
		return false;
	err_hint(e, "a disk is full, the engine's as a rule (`df -h`, `docker system df`); "
		    "`devenv clean` takes away what nothing uses");
	return true;
}

void tail_error(const struct tail *t, struct err *e)
{
	size_t used = strlen(e->text), first = t->count;
	size_t room = sizeof(e->text) > used + 100 ? sizeof(e->text) - used - 100 : 0;
	for (size_t i = t->count; i-- > 0;) {
		size_t len = strlen(tail_line(t, i)) + 1;
		if (len > room)
			break;
		room -= len;
		first = i;
	}
	for (size_t i = first; i < t->count; i++) {
		int n = snprintf(e->text + used, sizeof(e->text) - used, "\n%s", tail_line(t, i));
		used += n > 0 ? (size_t)n : 0;
	}
	hint_full_disk(e);
}

static bool is_compose(const struct step *s)
{
	return s->argv.count > 1 && streq(path_base(s->argv.items[0]), "docker") &&
	       streq(s->argv.items[1], "compose");
}

static bool is_pull(const struct step *s)
{
	return s->argv.count > 1 && streq(path_base(s->argv.items[0]), "docker") &&
	       streq(s->argv.items[1], "pull");
}

/*
 * Compose outlives a devenv that is killed and goes on making things: it keeps the workspace's
 * lock, so that the next devenv does not make the same at the same time.
 */
static enum verdict run_child(struct job *j, void (*line)(void *, const char *, size_t))
{
	struct child_state *st = j->state;
	st->spawn.line = line;
	st->spawn.ctx = j;
	st->spawn.env = job_environment(j);
	lock_inherit(j->run->pf->lock, is_compose(j->step));
	st->child = child_start(j->run->pf->loop, &st->spawn, &j->error);
	lock_inherit(j->run->pf->lock, false);
	return st->child ? GOES_ON : BROKE;
}

static void child_stop(struct job *j, int times)
{
	struct child_state *st = j->state;
	st->stops = times;
	child_signal(st->child, times > 1 ? SIGKILL : j->step->interactive ? SIGINT : SIGTERM);
}

static void child_end(struct job *j)
{
	struct child_state *st = j->state;
	child_free(st->child);
	buf_release(&st->input);
	buf_release(&st->unlocked);
	xfree(st);
	j->state = NULL;
}

/* What the child came to, in words; GOES_ON while it runs. */
static enum verdict child_verdict(struct job *j)
{
	struct child_state *st = j->state;
	if (!child_done(st->child))
		return GOES_ON;
	int status = child_status(st->child);
	j->step->status = child_timed_out(st->child) ? -1 : status;
	if (st->stops)
		err_set(&j->error, ERR_FAILED, "interrupted");
	else if (child_timed_out(st->child))
		err_set(&j->error, ERR_FAILED, "did not end within %lld s%s%s",
			(long long)(st->spawn.timeout_ms / 1000),
			st->progress[0] ? "; it was at " : "", st->progress);
	else if (status > 128)
		err_set(&j->error, ERR_FAILED, "was ended by signal %d (%s)", status - 128,
			strsignal(status - 128));
	else if (status)
		err_set(&j->error, ERR_FAILED, "ended with status %d", status);
	else
		return SUCCEEDED;
	return BROKE;
}

/* ---- builds ---- */

/* "Step 3/7 : RUN x" and "#5 [base 2/4] RUN x" -> text "3/7 RUN x", fraction done. */
static bool build_progress(const char *line, char *text, size_t size, double *fraction)
{
	int at = 0, of = 0, end = 0;
	const char *rest = NULL;
	if (sscanf(line, "Step %d/%d : %n", &at, &of, &end) == 2 && end) {
		rest = line + end;
	} else if (line[0] == '#') {
		const char *open = strchr(line, '['), *close = open ? strchr(open, ']') : NULL;
		const char *slash = close ? memchr(open, '/', (size_t)(close - open)) : NULL;
		const char *from = slash;
		while (from && from > open + 1 && from[-1] >= '0' && from[-1] <= '9')
			from--;
		if (!slash || sscanf(from, "%d/%d", &at, &of) != 2)
			return false;
		rest = close + (close[1] == ' ' ? 2 : 1);
	}
	if (!rest || at < 1 || of < at)
		return false;
	snprintf(text, size, "%d/%d %.150s", at, of, rest);
	*fraction = (double)(at - 1) / of;
	return true;
}

/* Layers that come in: what else is written of them is of no use to anybody. */
static bool pulls(struct job *j, const char *line, size_t len)
{
	struct child_state *st = j->state;
	char text[200], both[420];
	double fraction = -1;
	if (!pull_line(&st->pull, line, len, text, sizeof(text), &fraction))
		return false;
	snprintf(both, sizeof(both), "%s%s%s", st->progress, st->progress[0] && text[0] ? ": " : "",
		text);
	/* A build counts its own steps. */
	job_say(j, EV_PROGRESS, both, st->progress[0] ? st->fraction : text[0] ? fraction : -1);
	return true;
}

/*
 * "devenv.lock: tini is locked at 1.0, the mirror has 1.1": said by the rung's own script. BuildKit
 * puts "#5 0.42 " in front.
 */
static bool unlocked_line(struct job *j, const char *line)
{
	static const char mark[] = "devenv.lock: ";
	struct child_state *st = j->state;
	if (*line == '#')
		line += strcspn(line, " ") + 1, line += strspn(line, "0123456789. ");
	if (!starts_with(line, mark))
		return false;
	buf_addf(&st->unlocked, "%s%s", st->unlocked.len ? "; " : "", line + strlen(mark));
	if (j->step->build->near)
		job_say(j, EV_NOTE, line, -1);
	return true;
}

static void explain_unlocked(struct job *j)
{
	const struct build *b = j->step->build;
	struct child_state *st = j->state;
	err_set(&j->error, ERR_FAILED, "devenv.lock names what the mirror no longer has: %.700s",
		buf_str(&st->unlocked));
	err_hint(&j->error,
		"`devenv lock --update %s` takes what it has now; a mirror that keeps all versions "
		"(snapshot.debian.org) in the base image keeps the lock",
		b->image ? b->image->name : "");
}

static void build_line(void *ctx, const char *line, size_t len)
{
	struct job *j = ctx;
	struct child_state *st = j->state;
	char text[TAIL_WIDTH], progress[sizeof(st->progress)];
	double fraction = -1;
	size_t n = len < sizeof(text) - 1 ? len : sizeof(text) - 1;
	memcpy(text, line, n);
	text[n] = '\0';
	if (pulls(j, line, len))
		return;
	unlocked_line(j, text);
	tail_add(&st->tail, line, len);
	if (build_progress(text, progress, sizeof(progress), &fraction)) {
		memcpy(st->progress, progress, sizeof(progress));
		st->fraction = fraction;
		job_say(j, EV_PROGRESS, progress, fraction);
	}
	job_say_n(j, EV_OUTPUT, line, len, fraction);
}

static void build_words(struct arena *a, const struct build *b, struct strs *v)
{
	const char *const head[] = { "docker", "build", "--force-rm", "-t", b->tag };
	for (size_t i = 0; i < countof(head); i++)
		strs_add(a, v, head[i]);
	if (b->no_cache)
		strs_add(a, v, "--no-cache");
	if (b->pull)
		strs_add(a, v, "--pull");
	for (size_t i = 0; i < b->labels.count; i++) {
		strs_add(a, v, "--label");
		strs_add(a, v, b->labels.items[i]);
	}
	for (size_t i = 0; i < b->args.count; i++) {
		strs_add(a, v, "--build-arg");
		strs_add(a, v, b->args.items[i]);
	}
	if (b->image && b->image->target) {
		strs_add(a, v, "--target");
		strs_add(a, v, b->image->target);
	}
	strs_add(a, v, "-f");
	strs_add(a, v, b->dockerfile_path ? b->dockerfile_path : "Dockerfile");
}

/*
 * Which image it is built on, for who asks later whether that still is so. One that is not known is
 * noted as such: a label of the same name may come along with what it stands on.
 */
static int note_base(struct job *j, const struct build *b, struct strs *argv)
{
	struct seen_image on;
	if (!b->on)
		return 0;
	if (engine_image(j->run->pf->engine, &j->run->arena, b->on, &on, &j->error))
		return -1;
	const char *base = b->on_rung ? on.base : on.id;
	strs_add(&j->run->arena, argv, "--label");
	strs_add(&j->run->arena, argv,
		arena_printf(&j->run->arena, "devenv.base=%s", base ? base : ""));
	return 0;
}

static enum verdict build_start(struct job *j)
{
	const struct build *b = j->step->build;
	struct child_state *st = xcalloc(1, sizeof(*st));
	struct strs argv = { 0 };
	j->state = st;
	build_words(&j->run->arena, b, &argv);
	if (note_base(j, b, &argv) || context_pack(&j->run->arena, b, &st->input, &j->error))
		return BROKE;
	strs_add(&j->run->arena, &argv, "-");
	strs_add(&j->run->arena, &argv, NULL);
	st->spawn = (struct spawn){
		.argv = argv.items,
		.input = &st->input,
		.timeout_ms = j->step->timeout_ms ? j->step->timeout_ms : b->timeout_ms,
	};
	return run_child(j, build_line);
}

static enum verdict build_tick(struct job *j)
{
	struct child_state *st = j->state;
	const struct build *b = j->step->build;
	enum verdict v = child_verdict(j);
	if (v == SUCCEEDED)
		world_note_image(j->run->plan->arena, j->run->pf->world,
			&(struct seen_image){ .name = b->tag, .id = "built" });
	if (v != BROKE)
		return v;
	if (!st->stops && st->unlocked.len && !b->near)
		explain_unlocked(j);
	else if (!st->stops)
		tail_error(&st->tail, &j->error);
	if (b->image)
		j->error.place = b->image->place;
	return BROKE;
}

const struct step_ops ops_build = { build_start, build_tick, child_stop, child_end };

/* ---- subprocesses ---- */

static void exec_line(void *ctx, const char *line, size_t len)
{
	struct job *j = ctx;
	struct child_state *st = j->state;
	if ((is_compose(j->step) || is_pull(j->step)) && pulls(j, line, len))
		return;
	tail_add(&st->tail, line, len);
	job_say_n(j, EV_OUTPUT, line, len, -1);
}

static enum verdict exec_start(struct job *j)
{
	const struct step *s = j->step;
	struct child_state *st = xcalloc(1, sizeof(*st));
	struct strs argv = { 0 };
	j->state = st;
	for (size_t i = 0; i < s->argv.count; i++)
		strs_add(&j->run->arena, &argv, s->argv.items[i]);
	strs_add(&j->run->arena, &argv, NULL);
	if (s->self)
		argv.items[0] = own_program();
	st->spawn = (struct spawn){ .argv = argv.items,
		.dir = s->dir,
		.interactive = s->interactive,
		.timeout_ms = s->timeout_ms };
	if (s->containers.count) /* Compose replaces these */
		job_keep_logs(j, &s->containers);
	j->run->containers_stale = true;
	return run_child(j, s->interactive ? NULL : exec_line);
}

static enum verdict exec_tick(struct job *j)
{
	struct child_state *st = j->state;
	enum verdict v = child_verdict(j);
	if (v != BROKE || st->stops)
		goto out;
	if (is_compose(j->step))
		compose_explain(j, &st->tail);
	else
		tail_error(&st->tail, &j->error);
	if (is_pull(j->step) && !j->error.hint[0])
		err_hint(&j->error,
			"is its name right, and does its registry answer? A private one needs "
			"`docker login`; `devenv fetch` brings all images while there is a "
			"network");
out:
	if (v == BROKE)
		err_wrap(&j->error, "%s", j->step->id ? j->step->id : j->step->argv.items[0]);
	return v;
}

const struct step_ops ops_exec = { exec_start, exec_tick, child_stop, child_end };
