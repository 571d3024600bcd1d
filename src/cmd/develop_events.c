/*
 * What the performer tells of a run, as states of the modules that take part. Comes in: events of
 * steps. Goes out: states, and output kept to a bound. Decides nothing.
 */
#include <string.h>

#include "cmd/develop_parts.h"

static void set_state(struct module *m, enum stage_kind k, enum stage_state s)
{
	m->state.stages[k].state = s;
	module_tell(m);
}

void run_keep_output(struct module *m, enum stage_kind k, const char *line, size_t len)
{
	struct buf *out = &m->output[k];
	buf_add(out, line, len);
	buf_addc(out, '\n');
	if (out->len > STAGE_OUTPUT_MAX) { /* whole lines of the end, and not at every line */
		const char *cut = memchr(out->data + out->len / 2, '\n', out->len - out->len / 2);
		buf_consume(out, cut ? (size_t)(cut - out->data) + 1 : out->len / 2);
	}
}

static bool is_of(const struct step *s, const struct module *m)
{
	if (m->service == s->service)
		return true;
	return s->kind == STEP_STAGE && s->service &&
	       stage_is_common(s->service, m->service, (enum stage_kind)s->stage);
}

static enum stage_kind stage_of(const struct step *s)
{
	return s->kind == STEP_STAGE ? (enum stage_kind)s->stage : STAGE_SUCCESS;
}

static void on_start(struct module *m, const struct step *s)
{
	enum stage_kind k = stage_of(s);
	if (m->state.stages[k].state == STAGE_RUNNING) /* ready, behind restart */
		return;
	m->began[k] = now_ms();
	set_state(m, k, STAGE_RUNNING);
}

static void on_end(struct module *m, enum stage_kind k, int status, enum stage_state state)
{
	m->state.stages[k].duration_ms = now_ms() - m->began[k];
	m->state.stages[k].status = status;
	set_state(m, k, state);
}

/* The step that ends "what follows": the last one that is about the module itself. */
static bool ends_success(const struct plan *p, const struct step *s)
{
	return s->kind == STEP_READY || !plan_find(p, STEP_READY, s->unit);
}

static void on_done(struct group *g, struct module *m, const struct step *s)
{
	enum stage_kind k = stage_of(s);
	if (k != STAGE_SUCCESS || ends_success(&g->run->plan, s))
		on_end(m, k, 0, STAGE_PASSED);
}

static void on_failed(struct group *g, struct module *m, const struct event *ev)
{
	enum stage_kind k = stage_of(ev->step);
	bool cancelled = g->turn.phase == TURN_CANCELLED;
	int status = ev->step->kind == STEP_STAGE ? ev->step->status : 1;
	if (!cancelled && (status == -1 || k == STAGE_SUCCESS))
		run_keep_output(m, k, ev->error->text, strlen(ev->error->text));
	on_end(m, k, status,
		cancelled        ? STAGE_CANCELLED
		: ev->step->soft ? STAGE_WARNED
				 : STAGE_FAILED);
}

static void on_output(struct module *m, enum stage_kind k, const char *text)
{
	struct develop_loop *d = m->loop;
	cleanup_buf struct buf safe = BUF_INIT;
	buf_adds(&safe, text);
	if (d->c->vault)
		vault_redact(d->c->vault, &safe);
	run_keep_output(m, k, buf_str(&safe), safe.len);
	d->ops->output(d->ctx, m->service->name, k, buf_str(&safe), safe.len);
}

static void on_skipped(struct group *g, struct module *m, enum stage_kind k)
{
	set_state(m, k, g->turn.phase == TURN_CANCELLED ? STAGE_CANCELLED : STAGE_SKIPPED);
}

static void tell_module(struct group *g, struct module *m, const struct event *ev)
{
	switch (ev->kind) {
	case EV_START:
		on_start(m, ev->step);
		break;
	case EV_OUTPUT:
		on_output(m, stage_of(ev->step), ev->text);
		break;
	case EV_DONE:
		on_done(g, m, ev->step);
		break;
	case EV_FAILED:
		on_failed(g, m, ev);
		break;
	case EV_SKIPPED:
		on_skipped(g, m, stage_of(ev->step));
		break;
	default:
		break;
	}
}

/* Steps under way that restart or tell somebody something. */
static void count_telling(struct stage_run *r, const struct event *ev)
{
	if (ev->step->kind == STEP_READY)
		return;
	r->telling += ev->kind == EV_START;
	r->telling -= ev->kind == EV_DONE || ev->kind == EV_FAILED;
}

/* Of modules in this run: their states. Of those who follow: only what went wrong. */
void run_event(void *ctx, const struct event *ev)
{
	struct group *g = ctx;
	bool ours = false;
	if (!ev->step)
		return;
	count_telling(g->run, ev);
	each_member(g, m)
	{
		if (!is_of(ev->step, m))
			continue;
		ours = true;
		tell_module(g, m, ev);
	}
	if (!ours && ev->kind == EV_FAILED)
		develop_note(g->loop, "%s", ev->error->text);
}
