/*
 * The first two stages of a production image. `build`: the module's own rung, where dependencies
 * are installed from what they are locked by, then the sources come and the release is built.
 * `tree`: what is persisted, at its place, with the owner and times that it is to have; directories
 * that the image has already are there as it has them.
 */
#include "release_parts.h"

#include <string.h>

#include "base/os.h"

#define OUT "/.devenv-release"
/* The time of what is installed must not follow the commit: 1980, before which ZIP knows none. */
#define INSTALL_TIME "315532800"

/* The working directory, its owner. */
static const char place_script[] = "mkdir -p \"$2\"\n"
				   "chown \"$1\" \"$2\"";

static const char install_script[] = "rm -rf -- \"$1\"\n"
				     "exec /bin/sh -ec \"$2\"";

/* With lock files and manifests alone; one that wants more is left to the next script. */
static const char early_script[] =
	"rm -rf -- \"$1\"\n"
	"if /bin/sh -ec \"$2\"; then exit 0; fi\n"
	"echo 'this takes more than lock files and manifests: again, with all sources' >&2\n"
	"rm -rf -- \"$1\"\n"
	": >/tmp/.devenv-install";

static const char late_script[] = "[ -e /tmp/.devenv-install ] || exit 0\n"
				  "rm /tmp/.devenv-install\n"
				  "exec /bin/sh -ec \"$2\"";

/*
 * Each path under its number; of one that begins with ? it is fine that it is not there, and one
 * that begins with ! holds the dependencies, which are the first: they are not taken twice.
 */
static const char collect_script[] =
	"mkdir " OUT "\n"
	"n=0 deps=${1#\\?}\n"
	"for said in \"$@\"; do\n"
	"  n=$((n + 1)) path=${said#[?!]}\n"
	"  if [ -e \"$path\" ]; then cp -aH -- \"$path\" " OUT "/$n\n"
	"  elif [ \"$said\" = \"?$path\" ]; then continue\n"
	"  else echo \"the release's build did not make $path\" >&2; exit 1; fi\n"
	"  if [ \"$said\" = \"!$path\" ]; then rm -rf -- \"" OUT "/$n${deps#\"${path%/}\"}\"; fi\n"
	"done";

/* Arguments: the tree, time, owner, working directory, number of the first, then the targets in
 * order of their numbers. */
static const char tree_script[] =
	"tree=$1 time=@$2 owner=$3 work=$(readlink -m -- \"$4\") n=$5; shift 5\n"
	"known=$tree.known\n"
	"mkdir \"$tree\"; : >\"$known\"\n"
	"above() {\n"
	"  if [ \"$1\" != / ] && [ ! -d \"$tree$1\" ]; then\n"
	"    above \"$(dirname -- \"$1\")\"; mkdir \"$tree$1\"\n"
	"    if [ -d \"$1\" ]; then printf '%s\\n' \"$1\" >>\"$known\"; fi\n"
	"  fi\n"
	"}\n"
	"above \"$work\"\n"
	"chown -h \"$owner\" \"$tree$work\"\n"
	"for target in \"$@\"; do\n"
	"  from=" OUT "/$n; n=$((n + 1))\n"
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

const char *release_dependencies(const struct writer *w, const struct service *s)
{
	return s->release->code->deps.install && s->release->dependencies
		       ? dependencies_dir(w->m, s)
		       : NULL;
}

const char *release_ground(const struct writer *w, const struct service *s)
{
	const struct rung *r = rung_of(w->m, s->release->image);
	return r ? r->tag : locked_name(w->m, s->release->from);
}

void docker_path(struct writer *w, const char *word, const char *path)
{
	if (docker_plain(w, path, "/_.-+@", "path that a Dockerfile can name"))
		buf_addf(&w->out, "%s %s\n", word, path);
}

static const char *owner_words(struct writer *w, const struct unit *u)
{
	struct owner o = release_owner(w->m, u);
	return arena_printf(w->m->a, "%ld:%ld", (long)o.uid, (long)o.gid);
}

static const char *commit_time(const struct writer *w)
{
	return arena_printf(w->m->a, "%lld", (long long)w->m->w->source.time);
}

static void run(struct writer *w, const char *script, const char *const *words)
{
	struct strs args = { 0 };
	for (; *words; words++)
		strs_add(w->m->a, &args, *words);
	docker_run(w, script, &args);
}

/* ---- build ---- */

/* What the command line says is done as the module's user, as in development. */
static void as_user(struct writer *w, const struct unit *u)
{
	if (release_owner(w->m, u).uid)
		buf_addf(&w->out, "USER %s\n", release_user(w->m, u));
}

static void as_root(struct writer *w, const struct unit *u)
{
	if (release_owner(w->m, u).uid)
		buf_adds(&w->out, "USER root\n");
}

static void set_time(struct writer *w, const char *time)
{
	buf_addf(&w->out, "ENV SOURCE_DATE_EPOCH=%s\n", time);
}

static void install(struct writer *w, const struct unit *u, const char *script)
{
	const struct service *s = u->service;
	run(w, script,
		(const char *const[]){ "install", dependencies_dir(w->m, s),
			s->release->code->deps.install, NULL });
}

/* What it reads is there first: other sources change every day. */
static void write_early_install(struct writer *w, const struct unit *u)
{
	docker_copy(w, owner_words(w, u), "manifests/",
		arena_printf(w->m->a, "%s/", u->service->working_dir));
	as_user(w, u);
	install(w, u, early_script);
	as_root(w, u);
}

static void write_work(struct writer *w, const struct unit *u, bool early)
{
	const struct release *r = u->service->release;
	as_user(w, u);
	if (r->code->deps.install)
		install(w, u, early ? late_script : install_script);
	set_time(w, commit_time(w));
	if (r->build)
		docker_run(w, r->build, NULL);
	as_root(w, u);
}

/* Does the artifact bring the dependencies to just where they are brought anyway? */
static bool brings(struct writer *w, const struct artifact *x, const char *deps)
{
	if (!deps || !path_inside(x->source, deps) || streq(x->source, deps))
		return false;
	const char *rest = deps + strlen(x->source);
	return streq(path_normal(w->m->a, arena_printf(w->m->a, "%s/%s", x->target, rest)), deps);
}

static void write_collect(struct writer *w, const struct service *s)
{
	struct strs paths = { 0 };
	const char *deps = release_dependencies(w, s);
	strs_add(w->m->a, &paths, "collect");
	if (deps)
		strs_add(w->m->a, &paths, arena_printf(w->m->a, "?%s", deps));
	for (size_t i = 0; i < s->release->artifacts.count; i++) {
		const struct artifact *x = &s->release->artifacts.items[i];
		strs_add(w->m->a, &paths,
			brings(w, x, deps) ? arena_printf(w->m->a, "!%s", x->source) : x->source);
	}
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

void write_build_stage(struct writer *w, const struct unit *u)
{
	const struct service *s = u->service;
	const char *owner = owner_words(w, u);
	bool early = u->release->files.count > 1; /* the sources, and what the install reads */
	buf_addf(&w->out, "FROM %s AS build\nUSER root\n", u->rung->tag);
	if (u->rung->certificates)
		write_trust(w);
	run(w, place_script, (const char *const[]){ "place", owner, s->working_dir, NULL });
	docker_path(w, "WORKDIR", s->working_dir);
	if (s->release->code->deps.install)
		set_time(w, INSTALL_TIME);
	if (early)
		write_early_install(w, u);
	docker_copy(w, owner, "source/", arena_printf(w->m->a, "%s/", s->working_dir));
	write_work(w, u, early);
	write_collect(w, s);
}

/* ---- tree ---- */

/* What is collected under the numbers from `first` on. */
static void put_tree(struct writer *w, const struct unit *u, const char *tree, const char *time,
	const char *first, const struct strs *targets)
{
	struct strs args = { 0 };
	const char *const head[] = { "tree", tree, time, owner_words(w, u), u->service->working_dir,
		first };
	for (size_t i = 0; i < countof(head); i++)
		strs_add(w->m->a, &args, head[i]);
	for (size_t i = 0; i < targets->count; i++)
		strs_add(w->m->a, &args, targets->items[i]);
	docker_run(w, tree_script, &args);
}

void write_tree_stage(struct writer *w, const struct unit *u)
{
	const struct service *s = u->service;
	const char *deps = release_dependencies(w, s);
	struct strs installed = { 0 }, built = { 0 };
	if (docker_plain(w, release_ground(w, s), "._-/:@", "image to stand on"))
		buf_addf(&w->out, "FROM %s AS tree\nUSER root\n", release_ground(w, s));
	buf_adds(&w->out, "COPY --from=build [\"" OUT "\", \"" OUT "\"]\n");
	if (deps) {
		strs_add(w->m->a, &installed, deps);
		put_tree(w, u, RELEASE_DEPS, INSTALL_TIME, "1", &installed);
	}
	for (size_t i = 0; i < s->release->artifacts.count; i++)
		strs_add(w->m->a, &built, s->release->artifacts.items[i].target);
	put_tree(w, u, RELEASE_TREE, commit_time(w), deps ? "2" : "1", &built);
}
