/*
 * The last stage of `devenv ci`: the project's own end-to-end command. Comes in: project and the
 * world with everything up. Goes out: one step, or none.
 */
#include "parts.h"

static void in_container(struct make *m, struct step *s, const struct service *in)
{
	const struct container *c = world_container(m->w, in->name);
	if (c && c->state == UNIT_RUNNING) {
		compose_words(m, s, false);
		step_words(m, s, (const char *const[]){ "exec", "-T", in->name, "/bin/sh", NULL });
		return;
	}
	const char *name = arena_printf(m->a, "%s-e2e-%s", m->p->workspace, in->name);
	compose_run_words(m, s);
	step_words(m, s,
		(const char *const[]){ "--name", name, "--entrypoint", "/bin/sh", in->name, NULL });
}

static void plan_command(struct make *m)
{
	const struct ci *ci = &m->p->ci;
	const struct service *in = ci->e2e_service;
	const char *line = plan_expand(m->a, m->p, m->w, in, ci->e2e, ci->e2e_place, m->d);
	if (line && holds_secret(line))
		complain(m, ci->e2e_place,
			"a secret in the command of e2e would be visible to everyone")
			->hint = "read it from a file under /run/secrets, in a service";
	struct step *s =
		exec_step(m, "e2e", in ? in->name : NULL, ci->e2e_place, 0, "the last stage");
	s->service = in;
	strs_add(m->a, &s->env, arena_printf(m->a, MARK_WORKSPACE "=%s", m->p->workspace));
	if (in && in->where == RUN_HOST) {
		s->dir = in->on_host->working_dir;
		host_public_environment(m, in, &s->env);
	}
	if (in && in->where == RUN_CONTAINER)
		in_container(m, s, in);
	else
		step_word(m, s, "/bin/sh");
	step_words(m, s, (const char *const[]){ "-c", line ? line : "", NULL });
}

int plan_e2e(struct arena *a, const struct project *p, const struct world *w, struct plan *out,
	struct diags *d)
{
	struct make m;
	make_begin(&m, a, p, w, &make_nothing, out, d);
	if (p->ci.e2e)
		plan_command(&m);
	return make_end(&m);
}
