/*
 * The Dockerfile of a production image, in three stages: `build` and `tree` make what it persists
 * (release_stages.c), and the image itself: a layer of dependencies and one of what was built, each
 * the same for the same tree. For the classic builder and BuildKit alike: both keep owners and
 * times from one stage to the next.
 */
#include "release_parts.h"

#include <string.h>

#include "base/os.h"

/* Here a secret comes from its env file; elsewhere nothing but the image brings variables. */
static void refuse_secret(struct writer *w, const struct service *s, const struct var *v)
{
	if (!w->m->req || w->m->req->goal != GOAL_BUILD)
		return;
	complain(w->m, v->place, "the secret in %s of %s would stay in its production image",
		v->name, s->name)
		->hint = "give it as a file: secrets: under the service, and a variable that names "
			 "/run/secrets/NAME";
}

/* NULL: it is no part of the image. */
static const char *variable(struct writer *w, const struct service *s, const struct var *v)
{
	const char *value = plan_expand(w->m->a, w->m->p, w->m->w, s, v->value, v->place, w->m->d);
	if (!value || !docker_plain(w, v->name, "_.-", "variable"))
		return NULL;
	if (!holds_secret(value))
		return value;
	refuse_secret(w, s, v);
	return NULL;
}

static void write_environment(struct writer *w, const struct service *s)
{
	bool any = false;
	for (size_t i = 0; i < s->environment.count; i++) {
		const struct var *v = &s->environment.items[i];
		const char *value = variable(w, s, v);
		if (!value)
			continue;
		buf_addf(&w->out, "%s%s=", any ? " " : "ENV ", v->name);
		docker_quoted(w, value, v->place);
		any = true;
	}
	buf_adds(&w->out, any ? "\n" : "");
}

static void write_labels(struct writer *w, const struct unit *u)
{
	struct strs labels = { 0 };
	release_labels(w->m, u, &labels);
	buf_adds(&w->out, "LABEL");
	for (size_t i = 0; i < labels.count; i++) {
		const char *equals = strchr(labels.items[i], '=');
		buf_addf(&w->out, " %.*s=", (int)(equals - labels.items[i]), labels.items[i]);
		docker_quoted(w, equals + 1, u->service->place);
	}
	buf_addc(&w->out, '\n');
}

static void write_ports(struct writer *w, const struct service *s)
{
	for (size_t i = 0; i < s->ports.count; i++) {
		const struct port *p = &s->ports.items[i];
		buf_addf(&w->out, "%s %d/%s", i ? "" : "EXPOSE", p->target, p->protocol);
	}
	buf_adds(&w->out, s->ports.count ? "\n" : "");
}

static void write_health(struct writer *w, const struct service *s)
{
	enum { INTERVAL_MS = 10000, TIMEOUT_MS = 5000, START_MS = 30000, RETRIES = 3 };
	const struct check *c = &s->check;
	struct strs argv = { 0 };
	health_words(w->m, s, &argv);
	if (!argv.count)
		return;
	buf_addf(&w->out,
		"HEALTHCHECK --interval=%lldms --timeout=%lldms --start-period=%lldms"
		" --retries=%d CMD ",
		(long long)(c->interval_ms ? c->interval_ms : INTERVAL_MS),
		(long long)(c->timeout_ms ? c->timeout_ms : TIMEOUT_MS),
		(long long)(c->start_period_ms ? c->start_period_ms : START_MS),
		c->retries ? c->retries : RETRIES);
	docker_words(w, argv.items, argv.count);
	buf_addc(&w->out, '\n');
}

/* A list is argv; one line is split as Compose splits it. */
static void argv_of(
	struct writer *w, const struct service *s, const struct node *n, struct strs *out)
{
	const struct node *item;
	const char *line = n && node_is_scalar(n) ? node_text(n) : NULL, *why = NULL;
	size_t count = 0;
	char **words = line ? split_words(w->m->a, line, &count, &why) : NULL;
	if (why)
		complain(w->m, n->place, "%s: %s", line, why);
	for (size_t i = 0; words && i < count; i++)
		strs_add(w->m->a, out, words[i]);
	node_each_item(n, i, item) strs_add(w->m->a, out, node_text(item) ? node_text(item) : "");
	for (size_t i = 0; i < out->count; i++) {
		out->items[i] =
			plan_expand(w->m->a, w->m->p, w->m->w, s, out->items[i], n->place, w->m->d);
		if (holds_secret(out->items[i]))
			complain(w->m, n->place,
				"the secret in a command of %s would stay in its production image",
				s->name)
				->hint = "let the command read it from a file: secrets: under the "
					 "service";
	}
}

static void write_argv(
	struct writer *w, const struct service *s, const char *word, const struct node *n)
{
	struct strs argv = { 0 };
	if (!n || n->kind == NODE_NULL)
		return;
	argv_of(w, s, n, &argv);
	buf_addf(&w->out, "%s ", word);
	if (argv.count)
		docker_words(w, argv.items, argv.count);
	else
		buf_adds(&w->out, "[]");
	buf_addc(&w->out, '\n');
}

static void write_image(struct writer *w, const struct unit *u)
{
	const struct service *s = u->service;
	const char *user = release_user(w->m, u);
	buf_addf(&w->out, "FROM %s\nUSER root\n", release_ground(w, s));
	if (release_dependencies(w, s))
		buf_adds(&w->out, "COPY --from=tree [\"" RELEASE_DEPS "/\", \"/\"]\n");
	write_labels(w, u); /* a builder that remembers the copy does not look at times: these do */
	buf_adds(&w->out, "COPY --from=tree [\"" RELEASE_TREE "/\", \"/\"]\n");
	write_environment(w, s);
	docker_path(w, "WORKDIR", s->working_dir);
	write_ports(w, s);
	if (user && docker_plain(w, user, "_-.:", "user"))
		buf_addf(&w->out, "USER %s\n", user);
	write_health(w, s);
	if (s->stop_signal && docker_plain(w, s->stop_signal, "+-", "signal"))
		buf_addf(&w->out, "STOPSIGNAL %s\n", s->stop_signal);
	write_argv(w, s, "ENTRYPOINT", s->entrypoint);
	write_argv(w, s, "CMD", s->command);
}

char *release_text(struct make *m, const struct unit *u)
{
	struct writer w = { m, u->rung, BUF_INIT };
	write_build_stage(&w, u);
	write_tree_stage(&w, u);
	write_image(&w, u);
	char *text = arena_strdup(m->a, buf_str(&w.out));
	buf_release(&w.out);
	return text;
}
