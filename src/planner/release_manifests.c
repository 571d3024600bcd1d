/*
 * Which files the install of a release reads: its lock files, and the manifests that package
 * managers look for beside them. Comes in: the module. Goes out: paths below its sources. These go
 * into the build before all other sources, so that a changed source installs nothing anew.
 */
#include "parts.h"

#include "base/os.h"

/* Those that hold no credentials: what may hold some is used when it is among the sources. */
static const char *const manifests[] = { "Cargo.lock", "Cargo.toml", "Gemfile", "Gemfile.lock",
	"Pipfile", "Pipfile.lock", "composer.json", "composer.lock", "constraints.txt", "go.mod",
	"go.sum", "mix.exs", "mix.lock", "npm-shrinkwrap.json", "package-lock.json", "package.json",
	"pnpm-lock.yaml", "pnpm-workspace.yaml", "poetry.lock", "pom.xml", "pyproject.toml",
	"requirements.txt", "setup.cfg", "uv.lock", "yarn.lock" };

static void add_once(struct arena *a, struct strs *out, const char *path)
{
	if (!strs_has(out, path))
		strs_add(a, out, path);
}

void release_manifests(
	struct arena *a, const struct project *p, const struct service *s, struct strs *out)
{
	const struct develop *code = s->release->code;
	for (size_t i = 0; code->deps.install && i < code->deps.lock.count; i++) {
		const char *lock = path_normal(a, path_join(a, p->dir, code->deps.lock.items[i]));
		if (!path_inside(code->source, lock) || streq(code->source, lock))
			continue;
		add_once(a, out, lock);
		for (size_t k = 0; k < countof(manifests); k++)
			add_once(a, out, path_join(a, path_dir(a, lock), manifests[k]));
	}
}
