/*
 * Dependencies of a module on the host: installed into its own directory before it starts, unless
 * what they are made of is what they were installed from. A few trees of other lock files are kept,
 * so that a branch that comes back needs no install.
 */
#include "parts.h"

#include "base/hash.h"
#include "base/os.h"

enum { INSTALL_MS = 30 * 60 * 1000 };

/*
 * Arguments: directory, digest of lock files and line, the line, where trees of other digests are
 * kept. Two services may share one. What git ignores is no file of the developer's: it is moved
 * aside and comes back with its lock files, whole, and when the install fails. All else is
 * installed upon.
 */
static const char script[] =
	"into=$1 digest=$2 line=$3 kept=$4\n"
	"mark=$into/.devenv-complete\n"
	"mkdir -p -- \"$into\" \"$kept\"\n"
	"exec 9>>\"$kept/lock\"\n"
	"if command -v flock >/dev/null; then flock 9; fi\n"
	"was=$(cat \"$mark\" 2>/dev/null) || was=\n"
	"if [ \"$was\" = \"$digest\" ]; then exit 0; fi\n"
	"case $was in *[!0-9a-f]*) was= ;; esac\n"
	"aside=\n"
	"if git check-ignore -q -- \"$into/\" 2>/dev/null &&\n"
	"  { [ -n \"$was\" ] || [ -d \"$kept/$digest\" ]; }; then\n"
	"  aside=$kept/${was:-unfinished}\n"
	"  rm -rf -- \"$aside\"\n"
	"  mv -- \"$into\" \"$aside\"\n"
	"  touch -- \"$aside\"\n"
	"fi\n"
	"if [ -n \"$aside\" ] && [ -d \"$kept/$digest\" ]; then\n"
	"  mv -- \"$kept/$digest\" \"$into\"\n"
	"  exit 0\n"
	"fi\n"
	"mkdir -p -- \"$into\"\n"
	"rm -f -- \"$mark\"\n"
	"if /bin/sh -ec \"$line\" 9>&-; then\n"
	"  printf %s \"$digest\" >\"$mark\"\n"
	"elif status=$? && [ -n \"$aside\" ]; then\n"
	"  rm -rf -- \"$into\"\n"
	"  mv -- \"$aside\" \"$into\"\n"
	"  exit $status\n"
	"else\n"
	"  exit $status\n"
	"fi\n"
	"cd -- \"$kept\"\n"
	"for old in $(ls -t | grep -v '^lock$' | tail -n +4); do rm -rf -- \"$old\"; done\n";

static const char *digest_of(struct make *m, const struct dependencies *deps, const char *dir)
{
	char hex[HASH_HEX + 1];
	struct hasher *h = hasher_new();
	hasher_str(h, deps->install);
	hasher_str(h, dir);
	for (size_t i = 0; i < deps->lock.count; i++) {
		hasher_str(h, deps->lock.items[i]);
		hasher_str(h, world_input(m->w, path_join(m->a, m->p->dir, deps->lock.items[i])));
	}
	hasher_end(h, hex);
	return arena_strdup(m->a, hex);
}

/* On the same file system, so that moving there is a rename. */
static const char *kept_trees(struct make *m, const char *into)
{
	char hex[HASH_HEX + 1];
	struct hasher *h = hasher_new();
	hasher_str(h, into);
	hasher_end(h, hex);
	return arena_printf(m->a, "%s/.devenv/dependencies/%.*s", m->p->dir, VOLUME_HEX, hex);
}

void host_public_environment(struct make *m, const struct service *s, struct strs *env)
{
	const vars *lists[] = { &s->environment, &s->on_host->environment };
	const char *bundle = generated_path(m, "trust/ca-bundle.crt");
	for (const struct trust_variable *v = trust_variables; v->name; v++)
		strs_add(m->a, env, arena_printf(m->a, "%s=%s", v->name, bundle));
	for (size_t i = 0; i < countof(lists); i++) {
		for (size_t k = 0; k < lists[i]->count; k++) {
			const struct var *v = &lists[i]->items[k];
			const char *value = expand_for_copy(m, s, 1, v->value, v->place);
			if (value && !holds_secret(value))
				strs_add(m->a, env, arena_printf(m->a, "%s=%s", v->name, value));
		}
	}
}

struct step *plan_host_install(struct make *m, struct unit *u, struct step *after)
{
	const struct service *s = u->service;
	const struct dependencies *deps = s->develop ? &s->develop->deps : NULL;
	if (!deps || !deps->install)
		return NULL;
	const char *dir = s->on_host->working_dir;
	struct step *step = exec_step(m, arena_printf(m->a, "install %s", s->name), s->name,
		deps->place, INSTALL_MS, "dependencies of %s, unless complete",
		strs_join(m->a, &deps->lock, ", "));
	const char *into = path_normal(m->a, path_join(m->a, dir, deps->into));
	const char *const words[] = { "/bin/sh", "-ec", script, "install", into,
		digest_of(m, deps, dir), deps->install, kept_trees(m, into), NULL };
	step_words(m, step, words);
	step->dir = dir;
	host_public_environment(m, s, &step->env);
	plan_need(m->plan, step, after);
	return step;
}
