/*
 * The Dockerfile of a production image, in three stages. `build`: the module's own rung with its
 * sources, where dependencies are installed and the release is built. `tree`: what is persisted, at
 * its place, with the owner and times that it is to have; directories that the image has already
 * are there as it has them. And the image itself: one layer, which is the same for the same tree.
 * For the classic builder and BuildKit alike: both keep owners and times from one stage to the
 * next.
 */
#include "writer.h"

#include <string.h>

#include "base/os.h"

#define OUT "/.devenv-release"

/* The working directory, its owner. */
static const char place_script[] = "mkdir -p \"$2\"\n"
				   "chown \"$1\" \"$2\"";

/* Dependencies that lie among the sources are nobody's: they are installed by their lock. */
static const char install_script[] = "rm -rf -- \"$1\"\n"
				     "exec /bin/sh -ec \"$2\"";

/* Each path under its number; of one that begins with ? it is fine that it is not there. */
static const char collect_script[] =
	"mkdir " OUT "\n"
	"n=0\n"
	"for path in \"$@\"; do\n"
	"  n=$((n + 1)) path=${path#\\?}\n"
	"  if [ -e \"$path\" ]; then cp -aH -- \"$path\" " OUT "/$n\n"
	"  elif [ \"$path\" = \"$1\" ] && [ \"${1#\\?}\" != \"$1\" ]; then :\n"
	"  else echo \"the release's build did not make $path\" >&2; exit 1; fi\n"
	"done";

/* Arguments: time, owner, working directory, then the targets in order of their numbers. */
static const char tree_script[] =
	"time=@$1 owner=$2 work=$(readlink -m -- \"$3\"); shift 3\n"
	"tree=/.devenv-tree known=/.devenv-known\n"
	"mkdir \"$tree\"; : >\"$known\"\n"
	"above() {\n"
	"  if [ \"$1\" != / ] && [ ! -d \"$tree$1\" ]; then\n"
	"    above \"$(dirname -- \"$1\")\"; mkdir \"$tree$1\"\n"
	"    if [ -d \"$1\" ]; then printf '%s\\n' \"$1\" >>\"$known\"; fi\n"
	"  fi\n"
	"}\n"
	"above \"$work\"\n"
	"chown -h \"$owner\" \"$tree$work\"\n"
	"n=0\n"
	"for target in \"$@\"; do\n"
	"  n=$((n + 1)) from=" OUT "/$n\n"
	"  [ -e \"$from\" ] || continue\n"
	"  target=$(readlink -m -- \"$target\")\n"
	"  chown -hR \"$owner\" \"$from\"\n"
	"  above \"$(dirname -- \"$target\")\"\n"
	"  if [ -d \"$from\" ]; then above \"$target\"; cp -a -- \"$from/.\" \"$tree$target/\"\n"
	"  else rm -rf -- \"$tree$target\"; cp -a -- \"$from\" \"$tree$target\"; fi\n"
	"done\n"
	"find \"$tree\" -exec touch -h -d \"$time\" {} +\n"
	"while IFS= read -r dir; do\n"
	"  chown --reference=\"$dir\" \"$tree$dir\"; chmod --reference=\"$dir\" \"$tree$dir\"\n"
	"  touch -r \"$dir\" \"$tree$dir\"\n"
	"done <\"$known\"";

static const char *dependencies(const struct writer *w, const struct service *s)
{
	return s->release->code->deps.install && s->release->dependencies
		       ? dependencies_dir(w->m, s)
		       : NULL;
}

static const char *owner_words(struct writer *w, const struct unit *u)
{
	struct owner o = release_owner(w->m, u);
	return arena_printf(w->m->a, "%ld:%ld", (long)o.uid, (long)o.gid);
}

static void path_line(struct writer *w, const char *word, const char *path)
{
	if (docker_plain(w, path, "/_.-+@", "path that a Dockerfile can name"))
		buf_addf(&w->out, "%s %s\n", word, path);
}

static void run(struct writer *w, const char *script, const char *const *words)
{
	struct strs args = { 0 };
	for (; *words; words++)
		strs_add(w->m->a, &args, *words);
	docker_run(w, script, &args);
}

/* What the command line says is done as the module's user, as in development. */
static void write_work(struct writer *w, const struct unit *u)
{
	const struct service *s = u->service;
	const struct dependencies *deps = &s->release->code->deps;
	struct owner o = release_owner(w->m, u);
	if (o.uid)
		buf_addf(&w->out, "USER %s\n", release_user(w->m, u));
	if (deps->install)
		run(w, install_script,
			(const char *const[]){
				"install", dependencies_dir(w->m, s), deps->install, NULL });
	if (s->release->build)
		docker_run(w, s->release->build, NULL);
	if (o.uid)
		buf_adds(&w->out, "USER root\n");
}

static void write_collect(struct writer *w, const struct service *s)
{
	struct strs paths = { 0 };
	const char *deps = dependencies(w, s);
	strs_add(w->m->a, &paths, "collect");
	if (deps)
		strs_add(w->m->a, &paths, arena_printf(w->m->a, "?%s", deps));
	for (size_t i = 0; i < s->release->artifacts.count; i++)
		strs_add(w->m->a, &paths, s->release->artifacts.items[i].source);
	docker_run(w, collect_script, &paths);
}

/* Of this stage only. One instruction: each is a step of the builder's. */
static void write_trust(struct writer *w)
{
	buf_adds(&w->out, "ENV");
	for (const struct trust_variable *v = trust_variables; v->name; v++)
		buf_addf(&w->out, " %s=%s", v->name, host_bundle_in_image);
	buf_addc(&w->out, '\n');
}

static void write_build(struct writer *w, const struct unit *u)
{
	const struct service *s = u->service;
	const char *owner = owner_words(w, u);
	buf_addf(&w->out, "FROM %s AS build\nUSER root\n", u->rung->tag);
	if (u->rung->certificates)
		write_trust(w);
	run(w, place_script, (const char *const[]){ "place", owner, s->working_dir, NULL });
	docker_copy(w, owner, "source/", arena_printf(w->m->a, "%s/", s->working_dir));
	path_line(w, "WORKDIR", s->working_dir);
	buf_addf(&w->out, "ENV SOURCE_DATE_EPOCH=%lld\n", (long long)w->m->w->source.time);
	write_work(w, u);
	write_collect(w, s);
}

static const char *ground(const struct writer *w, const struct service *s)
{
	const struct rung *r = rung_of(w->m, s->release->image);
	return r ? r->tag : locked_name(w->m, s->release->from);
}

static void write_tree(struct writer *w, const struct unit *u)
{
	const struct service *s = u->service;
	struct strs args = { 0 };
	const char *const head[] = { "tree",
		arena_printf(w->m->a, "%lld", (long long)w->m->w->source.time), owner_words(w, u),
		s->working_dir };
	if (docker_plain(w, ground(w, s), "._-/:@", "image to stand on"))
		buf_addf(&w->out, "FROM %s AS tree\nUSER root\n", ground(w, s));
	buf_adds(&w->out, "COPY --from=build [\"" OUT "\", \"" OUT "\"]\n");
	for (size_t i = 0; i < countof(head); i++)
		strs_add(w->m->a, &args, head[i]);
	if (dependencies(w, s))
		strs_add(w->m->a, &args, dependencies(w, s));
	for (size_t i = 0; i < s->release->artifacts.count; i++)
		strs_add(w->m->a, &args, s->release->artifacts.items[i].target);
	docker_run(w, tree_script, &args);
}

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
	buf_addf(&w->out, "FROM %s\nUSER root\n", ground(w, s));
	buf_adds(&w->out, "COPY --from=tree [\"/.devenv-tree/\", \"/\"]\n");
	write_labels(w, u);
	write_environment(w, s);
	path_line(w, "WORKDIR", s->working_dir);
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
	write_build(&w, u);
	write_tree(&w, u);
	write_image(&w, u);
	char *text = arena_strdup(m->a, buf_str(&w.out));
	buf_release(&w.out);
	return text;
}
