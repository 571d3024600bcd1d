/*
 * The one user of libgit2, loaded on first use. Comes in: a directory. Goes out: branch, commit,
 * ignored or not. A repository that libgit2 will not open (another owner's, a broken one) gives no
 * facts and no failure: nothing of devenv depends on git being there.
 */
#include <git2.h>
#include <string.h>
#include <unistd.h>

#include "base/lib.h"
#include "base/os.h"
#include "run/files/context.h"
#include "run/files/git.h"

#define SYMBOLS(X)                                                                                 \
	X(git_buf_dispose)                                                                         \
	X(git_commit_free)                                                                         \
	X(git_commit_lookup)                                                                       \
	X(git_commit_time)                                                                         \
	X(git_config_free)                                                                         \
	X(git_config_get_string_buf)                                                               \
	X(git_describe_commit)                                                                     \
	X(git_describe_format)                                                                     \
	X(git_describe_format_options_init)                                                        \
	X(git_describe_options_init)                                                               \
	X(git_describe_result_free)                                                                \
	X(git_ignore_path_is_ignored)                                                              \
	X(git_index_find_prefix)                                                                   \
	X(git_index_free)                                                                          \
	X(git_index_get_bypath)                                                                    \
	X(git_libgit2_init)                                                                        \
	X(git_oid_tostr)                                                                           \
	X(git_reference_free)                                                                      \
	X(git_reference_lookup)                                                                    \
	X(git_reference_name_to_id)                                                                \
	X(git_reference_symbolic_target)                                                           \
	X(git_repository_config)                                                                   \
	X(git_repository_free)                                                                     \
	X(git_repository_index)                                                                    \
	X(git_repository_is_worktree)                                                              \
	X(git_repository_open_ext)                                                                 \
	X(git_repository_workdir)                                                                  \
	X(git_status_foreach)

#define DECLARE(f) static __typeof__(f) *lib_##f;
SYMBOLS(DECLARE)
#undef DECLARE

static int load(struct err *e)
{
	static const char *const names[] = { "libgit2.so.1.5", "libgit2.so.1.9", "libgit2.so.1.8",
		"libgit2.so.1.7", "libgit2.so.1.6", "libgit2.so.1.4", "libgit2.so.1.3",
		"libgit2.so.1.1", "libgit2.so", "libgit2.dylib", NULL };
#define ENTRY(f) { #f, (void **)&lib_##f, false },
	static const struct lib_symbol symbols[] = { SYMBOLS(ENTRY) };
#undef ENTRY
	static bool loaded;
	if (!loaded && lib_open(names, symbols, countof(symbols), e))
		return -1;
	if (!loaded)
		lib_git_libgit2_init();
	loaded = true;
	return 0;
}

static git_repository *repository(const char *dir)
{
	git_repository *r = NULL;
	return lib_git_repository_open_ext(&r, dir, 0, NULL) ? NULL : r;
}

int git_look(struct arena *a, const char *dir, struct git_facts *out, struct err *e)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_reference *head = NULL;
	git_oid id;
	*out = (struct git_facts){ 0 };
	if (load(e))
		return -1;
	git_repository *r = repository(dir);
	if (!r)
		return 0;
	out->worktree = lib_git_repository_is_worktree(r) == 1;
	if (!lib_git_reference_lookup(&head, r, "HEAD")) {
		const char *name =
			lib_git_reference_symbolic_target(head); /* of an unborn branch too */
		if (name && starts_with(name, "refs/heads/"))
			out->branch = arena_strdup(a, name + strlen("refs/heads/"));
		lib_git_reference_free(head);
	}
	if (!lib_git_reference_name_to_id(&id, r, "HEAD"))
		out->commit = arena_strdup(a, lib_git_oid_tostr(hex, sizeof(hex), &id));
	lib_git_repository_free(r);
	return 0;
}

/* Where no folder up to the root has a .git there is no work tree, and no need to load the library.
 */
static bool in_work_tree(const char *dir)
{
	struct arena a = ARENA_INIT;
	const char *at = path_real(&a, dir);
	bool found = false;
	while (at && !found) {
		found = !access(path_join(&a, at, ".git"), F_OK);
		at = streq(at, "/") ? NULL : path_dir(&a, at);
	}
	arena_release(&a);
	return found;
}

/* The last tag before it with the distance, or its beginning, as `git describe --tags --always`. */
static const char *describe(struct arena *a, git_commit *commit)
{
	git_describe_options how;
	git_describe_format_options shape;
	git_describe_result *found = NULL;
	git_buf text = { NULL, 0, 0 };
	char *out = NULL;
	lib_git_describe_options_init(&how, GIT_DESCRIBE_OPTIONS_VERSION);
	lib_git_describe_format_options_init(&shape, GIT_DESCRIBE_FORMAT_OPTIONS_VERSION);
	how.describe_strategy = GIT_DESCRIBE_TAGS;
	how.show_commit_oid_as_fallback = 1;
	shape.abbreviated_size = 12;
	if (!lib_git_describe_commit(&found, (git_object *)commit, &how) &&
		!lib_git_describe_format(&text, found, &shape)) {
		out = arena_strdup(a, text.ptr);
		lib_git_buf_dispose(&text);
	}
	if (found)
		lib_git_describe_result_free(found);
	return out;
}

/* "https://user:token@host/x" without what is before the sign; other forms have no password. */
static const char *without_user(struct arena *a, const char *url)
{
	const char *host = strstr(url, "://");
	if (!host)
		return arena_strdup(a, url);
	host += 3;
	const char *path = host + strcspn(host, "/"), *at = NULL;
	for (const char *s = host; s < path; s++)
		at = *s == '@' ? s : at;
	return at ? arena_printf(a, "%.*s%s", (int)(host - url), url, at + 1)
		  : arena_strdup(a, url);
}

/* As it is written: to apply `insteadOf` would name what only this machine knows. */
static const char *origin(struct arena *a, git_repository *r)
{
	git_config *config = NULL;
	git_buf url = { NULL, 0, 0 };
	const char *out = NULL;
	if (lib_git_repository_config(&config, r))
		return NULL;
	if (!lib_git_config_get_string_buf(&url, config, "remote.origin.url")) {
		out = without_user(a, url.ptr);
		lib_git_buf_dispose(&url);
	}
	lib_git_config_free(config);
	return out;
}

struct dirt {
	const char *prefix; /* of the project in the work tree, "" or with a slash at its end */
	bool found;
};

static int status_seen(const char *path, unsigned status, void *ctx)
{
	struct dirt *d = ctx;
	d->found |= status && !(status & GIT_STATUS_IGNORED) && starts_with(path, d->prefix);
	return d->found;
}

static bool is_dirty(struct arena *a, git_repository *r, const char *dir)
{
	const char *top = lib_git_repository_workdir(r), *real = path_real(a, dir);
	const char *root = top ? path_real(a, top) : NULL;
	struct dirt d = { "", false };
	if (root && real && path_inside(root, real) && real[strlen(root)])
		d.prefix =
			arena_printf(a, "%s/", real + strlen(root) + (real[strlen(root)] == '/'));
	lib_git_status_foreach(r, status_seen, &d);
	return d.found;
}

int git_source(struct arena *a, const char *dir, struct source_facts *out, struct err *e)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_commit *commit = NULL;
	git_oid id;
	*out = (struct source_facts){ .known = true };
	if (!in_work_tree(dir))
		return 0;
	if (load(e))
		return -1;
	git_repository *r = repository(dir);
	if (!r)
		return 0;
	if (!lib_git_reference_name_to_id(&id, r, "HEAD") &&
		!lib_git_commit_lookup(&commit, r, &id)) {
		out->commit = arena_strdup(a, lib_git_oid_tostr(hex, sizeof(hex), &id));
		out->time = lib_git_commit_time(commit);
		out->version = describe(a, commit);
		out->dirty = is_dirty(a, r, dir);
		lib_git_commit_free(commit);
	}
	out->url = origin(a, r);
	lib_git_repository_free(r);
	return 0;
}

struct git_ignores {
	struct arena arena;
	git_repository *repository;
	git_index *index;   /* NULL: none that can be read */
	const char *prefix; /* of the directory in the work tree, "" or with a slash at its end */
};

int git_ignores_open(const char *dir, struct git_ignores **out, struct err *e)
{
	*out = NULL;
	if (!in_work_tree(dir))
		return 0;
	if (load(e))
		return -1;
	git_repository *r = repository(dir);
	const char *top = r ? lib_git_repository_workdir(r) : NULL;
	struct git_ignores *g = xcalloc(1, sizeof(*g));
	const char *real = top ? path_real(&g->arena, dir) : NULL;
	const char *root = real ? path_real(&g->arena, top) : NULL;
	if (!root || !path_inside(root, real)) {
		if (r)
			lib_git_repository_free(r);
		arena_release(&g->arena);
		xfree(g);
		return 0;
	}
	const char *rest = real + strlen(root);
	g->repository = r;
	g->prefix = *rest ? arena_printf(&g->arena, "%s/", rest + (*rest == '/')) : "";
	if (lib_git_repository_index(&g->index, r))
		g->index = NULL;
	*out = g;
	return 0;
}

static bool tracked(const struct git_ignores *g, const char *path, bool directory)
{
	if (!g->index)
		return false;
	return directory ? !lib_git_index_find_prefix(NULL, g->index, path)
			 : lib_git_index_get_bypath(g->index, path, 0) != NULL;
}

bool git_ignores_match(struct git_ignores *g, const char *path, bool directory)
{
	struct arena a = ARENA_INIT;
	char *whole = arena_printf(&a, "%s%s%s", g->prefix, path, directory ? "/" : "");
	int ignored = 0;
	if (lib_git_ignore_path_is_ignored(&ignored, g->repository, whole))
		ignored = 0;
	bool out = ignored && !tracked(g, whole, directory);
	arena_release(&a);
	return out;
}

void git_ignores_close(struct git_ignores *g)
{
	if (!g)
		return;
	if (g->index)
		lib_git_index_free(g->index);
	lib_git_repository_free(g->repository);
	arena_release(&g->arena);
	xfree(g);
}

int git_ignored(const char *dir, const char *path, bool *ignored, struct err *e)
{
	struct git_ignores *g;
	*ignored = false;
	if (git_ignores_open(dir, &g, e))
		return -1;
	*ignored = !g || git_ignores_match(g, path, false);
	git_ignores_close(g);
	return 0;
}
