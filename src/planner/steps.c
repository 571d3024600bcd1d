/*
 * Steps that several goals share: subprocesses, the write, builds, hooks.
 */
#include "parts.h"

#include <string.h>

enum { HOOK_MS = 60 * 60 * 1000 };

struct step *exec_step(struct make *m, const char *id, const char *unit, struct place at,
	int64_t timeout_ms, const char *why_fmt, ...)
{
	va_list ap;
	va_start(ap, why_fmt);
	const char *why = arena_vprintf(m->a, why_fmt, ap);
	va_end(ap);
	struct step *s = plan_add(m->plan, STEP_EXEC, unit, at, "%s", why);
	s->id = id;
	s->dir = m->p->dir;
	s->timeout_ms = timeout_ms;
	return s;
}

void step_word(struct make *m, struct step *s, const char *word)
{
	strs_add(m->a, &s->argv, word);
}

void step_words(struct make *m, struct step *s, const char *const *words)
{
	for (; *words; words++)
		step_word(m, s, *words);
}

static void words_of(struct make *m, struct step *s, const char *file, const char *progress)
{
	const char *const words[] = { "docker", "compose", "-p", m->p->workspace, "-f",
		generated_path(m, file), "--project-directory", m->p->dir, "--env-file",
		"/dev/null", "--progress", progress, NULL };
	step_words(m, s, words);
}

void compose_words(struct make *m, struct step *s, bool heard)
{
	words_of(m, s, "compose.yml", heard ? "plain" : "quiet");
}

void compose_run_words(struct make *m, struct step *s)
{
	static const char *const run[] = { "run", "--rm", "--no-deps", "-T", NULL };
	words_of(m, s, plan_run_file(m->p), "quiet");
	step_words(m, s, run);
}

struct step *plan_write(struct make *m, const char *why)
{
	return plan_add(m->plan, STEP_WRITE, NULL, (struct place){ 0 }, "%s", why);
}

bool tag_known(const struct make *m, const char *tag)
{
	return m->w->images_known && world_has_image(m->w, tag);
}

struct step *build_step(const struct make *m, const struct rung *r)
{
	for (; r; r = r->parent) {
		struct step *s = plan_find(m->plan, STEP_BUILD, r->image->name);
		if (s)
			return s;
	}
	return NULL;
}

static void want_parents(struct make *m)
{
	for (size_t i = m->p->images.count; i-- > 0;) {
		struct rung *r = &m->rungs[i];
		if (r->wanted && r->parent)
			m->rungs[r->parent - m->rungs].wanted = true;
	}
}

/* Two rungs with the same content are one image. */
static bool planned_already(const struct make *m, const char *tag)
{
	for (size_t i = 0; i < m->plan->steps.count; i++) {
		const struct step *s = m->plan->steps.items[i];
		if (s->kind == STEP_BUILD && streq(s->build->tag, tag))
			return true;
	}
	return false;
}

static struct step *hook_step(struct make *m, const struct hook *h, size_t number)
{
	const struct service *in = h->host ? NULL : project_service(m->p, h->service);
	const char *command = plan_expand(m->a, m->p, m->w, in, h->command, h->place, m->d);
	if (holds_secret(command))
		complain(m, h->place, "a secret in a hook's command would be visible to everyone")
			->hint = "read it from a file under /run/secrets, in a service";
	struct step *s = exec_step(m, arena_printf(m->a, "hook %s %zu", h->event, number),
		h->service, h->place, HOOK_MS, "%s hook: %s", h->event, h->command);
	if (in && in->where == RUN_HOST) {
		s->dir = in->on_host->working_dir;
		host_public_environment(m, in, &s->env);
	} else if (!h->host) {
		compose_words(m, s, false);
		step_words(m, s, (const char *const[]){ "exec", "-T", h->service, NULL });
	}
	step_words(m, s, (const char *const[]){ "/bin/sh", "-c", command, NULL });
	return s;
}

static const struct container *container_of(const struct make *m, const char *service)
{
	const struct unit *u = unit_of(m, project_service(m->p, service));
	return u ? own_container(m, u) : NULL;
}

/* Before something starts or after it has gone there is nobody to run a hook in. */
static bool can_run(const struct make *m, const struct hook *h)
{
	const struct container *c = h->host ? NULL : container_of(m, h->service);
	if (h->host || streq(h->event, "post-up") || streq(h->event, "post-restart"))
		return true;
	return c && c->state == UNIT_RUNNING && starts_with(h->event, "pre-");
}

struct step *plan_hooks(struct make *m, const char *event, struct step *before)
{
	size_t number = 0;
	for (size_t i = 0; !m->req->no_hooks && i < m->p->hooks.count; i++) {
		const struct hook *h = &m->p->hooks.items[i];
		if (!streq(h->event, event))
			continue;
		number++;
		if (!can_run(m, h)) {
			strs_add(m->a, &m->plan->notes,
				arena_printf(m->a, "hook %s is left out: %s is not running", event,
					h->service));
			continue;
		}
		struct step *s = hook_step(m, h, number);
		plan_need(m->plan, s, before);
		before = s;
	}
	return before;
}

static bool lacks(struct make *m, const struct rung *r)
{
	return r->wanted &&
	       (!tag_known(m, r->tag) || m->req->build || r->forced || rung_moved(m, r));
}

static bool lacks_any(struct make *m)
{
	for (size_t i = 0; i < m->p->images.count; i++) {
		if (lacks(m, &m->rungs[i]))
			return true;
	}
	for (size_t i = 0; i < m->p->services.count; i++) {
		if (lacks_release(m, &m->units[i]))
			return true;
	}
	return false;
}

static void plan_image(struct make *m, const struct rung *r, struct step *after)
{
	const char *why = why_build(m, r);
	struct step *on = r->parent ? build_step(m, r->parent) : base_pull(m, r);
	struct step *s = plan_add(m->plan, STEP_BUILD, r->image->name, r->image->place, "%s", why);
	s->build = r->build;
	s->timeout_ms = r->build->timeout_ms;
	plan_need(m->plan, s, after);
	plan_need(m->plan, s, on);
}

struct step *plan_images(struct make *m, struct step *after)
{
	want_parents(m);
	if (!lacks_any(m))
		return NULL;
	after = plan_hooks(m, "pre-build", after);
	size_t first = m->plan->steps.count;
	for (size_t i = 0; i < m->p->images.count; i++) {
		if (lacks(m, &m->rungs[i]) && !planned_already(m, m->rungs[i].tag))
			plan_image(m, &m->rungs[i], after);
	}
	plan_releases(m, after);
	size_t last = m->plan->steps.count;
	struct step *hook = plan_hooks(m, "post-build", NULL);
	for (size_t i = first; hook && i < last; i++)
		plan_need(m->plan, m->plan->steps.items[last], m->plan->steps.items[i]);
	return hook;
}

static void await_all(struct make *m, struct step *s, const struct step_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		plan_need(m->plan, s, l->items[i]);
}

void await_needs(struct make *m, struct step *s, const struct service *service)
{
	for (size_t i = 0; i < service->needs.count; i++) {
		const struct need *n = &service->needs.items[i];
		const struct unit *u = unit_of(m, n->service);
		plan_need(m->plan, s, n->condition == COND_STARTED ? u->start : u->ready);
		await_all(m, s, &u->loads);
		await_all(m, s, &u->gates);
	}
}

void pass_gates(struct make *m, struct unit *u)
{
	struct step all = { .id = NULL }; /* needs of which duplicates are left out */
	if (u->start || u->ready)
		return;
	await_needs(m, &all, u->service);
	u->gates = (struct step_list){ all.needs.items, all.needs.count, all.needs.cap };
}
