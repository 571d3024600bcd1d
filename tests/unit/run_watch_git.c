/*
 * Room run, the watcher's ignore rules. Oracle: `git check-ignore`, for every path of repositories
 * with nasty rules, made at random from a fixed seed and by hand, and of this one.
 */
#include <errno.h>

#include "../../src/run/watch/watch_parts.h"
#include "watch_test.h"

static int attach_nothing(void *ctx, struct watch_spot *s, const char *path, enum watch_where where)
{
	(void)ctx, (void)s, (void)where;
	return access(path, X_OK) ? errno : 0;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void no_change(void *ctx, const struct watch_change *c)
{
	(void)ctx, (void)c;
}

static void no_note(void *ctx, const char *text)
{
	(void)ctx, (void)text;
}

static struct watch_tree *tree_of(struct home *h, const char *dir)
{
	static const struct watch_tree_ops ops = {
		.change = no_change, .all = nothing, .note = no_note, .attach = attach_nothing
	};
	struct watch_tree *t = watch_tree_new(
		&(struct watch_rule_set){ .path = dir, .git = true }, dir, &ops, NULL, &h->e);
	assert_non_null(t);
	t->own.count = 0; /* what git knows nothing of */
	return t;
}

/* The path's directory was left out, or the path is. */
static bool ours(struct watch_tree *t, const char *path, bool directory)
{
	char part[4096];
	struct watch_node *n = t->top;
	const char *at = path;
	for (const char *slash; n && (slash = strchr(at, '/')); at = slash + 1) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - at), at);
		n = spot_find(t, n, part);
	}
	return !n || left_out(t, n, path, directory);
}

static void split_nul(struct home *h, const char *file, struct strs *out)
{
	struct buf text = BUF_INIT;
	assert_int_equal(file_read(file, 1 << 26, &text, &h->e), 0);
	for (size_t i = 0; i < text.len; i += strlen(text.data + i) + 1)
		strs_add(&h->a, out, arena_strdup(&h->a, text.data + i));
	buf_release(&text);
}

/* For the one who reads of the failure: which rule it was, and all that there are. */
static void explain(struct scene *s, const char *dir, const char *path)
{
	sh(s, arena_printf(&s->h->a,
		      "cd '%s'; { git check-ignore -v --no-index -- '%s' || :; "
		      "find . -name "
		      ".gitignore "
		      "-exec sh -c 'echo \"== $1\"; cat -A \"$1\"' - {} \\;; git ls-files; } >&2",
		      dir, path));
}

/* What git tracks is not ignored, nor a directory with such a file in it. (Asked without --no-index
 * git would take a path for a pattern here.) */
static void take_tracked(struct home *h, struct map *ignored)
{
	struct strs tracked = { 0 };
	split_nul(h, in_home(h, "tracked"), &tracked);
	for (size_t i = 0; i < tracked.count; i++)
		for (char *path = arena_strdup(&h->a, tracked.items[i]), *slash; path;) {
			map_remove(ignored, path);
			slash = strrchr(path, '/');
			path = slash ? arena_strndup(&h->a, path, (size_t)(slash - path)) : NULL;
		}
}

/* How many paths were compared. */
static size_t compare_with_git(struct home *h, const char *dir)
{
	struct scene s = { .h = h };
	struct strs all = { 0 }, theirs = { 0 };
	struct map ignored = MAP_INIT;
	sh(&s, arena_printf(&h->a,
		       "d=%s; cd '%s'; find . -mindepth 1 \\( -name .git -o -name .devenv \\) "
		       "-prune "
		       "-o -printf '%%y%%P\\0' >$d/all; git ls-files -z >$d/tracked; sed -z s/^.// "
		       "$d/all | "
		       "git check-ignore -z --stdin --no-index >$d/ignored || [ $? = 1 ]",
		       h->dir, dir));
	split_nul(h, in_home(h, "all"), &all);
	split_nul(h, in_home(h, "ignored"), &theirs);
	for (size_t i = 0; i < theirs.count; i++)
		map_set(&ignored, theirs.items[i], h);
	take_tracked(h, &ignored);
	struct watch_tree *t = tree_of(h, dir);
	for (size_t i = 0; i < all.count; i++) {
		const char *path = all.items[i] + 1;
		bool theirs_say = map_has(&ignored, path);
		if (ours(t, path, all.items[i][0] == 'd') != theirs_say) {
			explain(&s, dir, path);
			fail_msg("%s: git says %s", path, theirs_say ? "ignored" : "not ignored");
		}
	}
	watch_tree_free(t);
	map_release(&ignored);
	return all.count;
}

static unsigned seed;

static unsigned any(unsigned n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

#define pick(list) list[any(countof(list))]

static const char *const parts[] = { "a", "b", "ab", "a.o", "b.c", "abc", "x", "#h", "!n", "sp ",
	"a b", "[x]", "st*r", "\\w", "é", "q?", "-", "]" };

static void random_pattern(struct buf *out)
{
	static const char *const bits[] = { "a", "b", "c", ".o", "x", "*", "?", "**", "[ab]",
		"[!a]", "[a-c]", "[^b-]", "[]a]", "[[:alpha:]]", "[[:punct:]x]", "\\*", "\\?",
		"\\a", "/", "/", "**/", "/**", " ", "\\ ", "é", "#", "!", "[", "]", "\\\\", "[\\]]",
		"[a-", "-", "*.", "[[:nope:]]", "[/]", "[a/b]" };
	if (!any(3))
		buf_addc(out, '!');
	if (!any(3))
		buf_addc(out, '/');
	if (any(2))
		buf_adds(out, pick(parts));
	for (unsigned n = any(4); n--;)
		buf_adds(out, pick(bits));
	if (!any(4))
		buf_adds(out, any(3) ? "/" : pick(bits));
	if (!any(8))
		buf_adds(out, any(2) ? "  " : "\r");
	buf_addc(out, '\n');
}

static void put_ignores(struct home *h, const char *dir)
{
	struct buf text = BUF_INIT;
	if (!any(8))
		buf_adds(&text, "\xef\xbb\xbf");
	for (unsigned n = 1 + any(5); n--;)
		random_pattern(&text);
	if (!any(4) && text.len)
		buf_truncate(&text, text.len - 1);
	put_file(h, path_join(&h->a, dir, ".gitignore"), buf_str(&text));
	buf_release(&text);
}

static void fill(struct home *h, const char *dir, int depth)
{
	if (any(3) == 0 || depth == 0)
		put_ignores(h, dir);
	for (unsigned n = 3 + any(5); n--;) {
		const char *path = path_join(&h->a, dir, pick(parts));
		struct stat st;
		if (!lstat(path, &st))
			continue;
		if (depth < 3 && any(2)) {
			mkdir(path, 0755);
			fill(h, path, depth + 1);
		} else {
			put_file(h, path, "x");
		}
	}
}

#ifndef ROUNDS
#define ROUNDS 40
#endif

static void as_git_says_at_random(void **state)
{
	struct home *h = *state;
	struct scene s = { .h = h };
	size_t compared = 0;
	for (seed = 1; seed < ROUNDS;) {
		unsigned round = seed;
		sh(&s, "rm -rf r; mkdir r; cd r; git -c init.defaultBranch=main init -q");
		seed *= 7919;
		fill(h, in_project(h, "r"), 0);
		if (any(2))
			sh(&s, "cd r; find . -type f -not -path './.git/*' | sort | awk 'NR%7==3' "
			       "| "
			       "git --literal-pathspecs add -f --pathspec-from-file=-");
		compared += compare_with_git(h, in_project(h, "r"));
		seed = round + 1;
	}
	assert_true(compared > ROUNDS * 10);
}

static void as_git_says_of_this_repository(void **state)
{
	struct home *h = *state;
	struct scene s = { .h = h };
	char here[4096];
	assert_non_null(getcwd(here, sizeof(here)));
	if (!file_exists(path_join(&h->a, here, ".gitignore")))
		skip();
	sh(&s, arena_printf(&h->a,
		       "cp -r '%s/tests' '%s/.gitignore' .; git init -q; git add -A; "
		       "mkdir build; echo >build/x; echo >tests/x.o",
		       here, here));
	assert_true(compare_with_git(h, h->project.dir) > 100);
}

/* The index in each of its forms, and a work tree whose repository is elsewhere. */
static void as_git_says_in_every_form(void **state)
{
	static const char *const forms[] = { "git init -q", "git init -q --object-format=sha256",
		"git init -q; git config index.version 2",
		"git init -q; git config index.version 4",
		"git init -q; git config core.splitIndex true",
		"git init -q; git config index.sparse true",
		"git init -q main; cd main; git config user.name t; git config user.email t@t; git "
		"commit -q --allow-empty -m one; git worktree add -q ../r 2>/dev/null; echo '*.x' "
		">>.git/info/exclude; cd ../r" };
	struct home *h = *state;
	struct scene s = { .h = h };
	for (size_t i = 0; i < countof(forms); i++) {
		sh(&s, arena_printf(&h->a,
			       "rm -rf r main; %s %s; mkdir -p a/b/c d e/f/g; echo "
			       "'a/\n*.o\n/e/*\n!/e/f' "
			       ">.gitignore; for f in a/b/c/kept.o a/b/t d/x.o d/y.c e/f/g/z "
			       "e/q.x r.x; do echo >$f; done; git add -f a/b/c/kept.o d/x.o; git "
			       "add -A; "
			       "echo >a/b/late; echo >d/late.o; git update-index --add d/late.o; "
			       "echo >a/later; echo >a/b/c/later",
			       i + 1 < countof(forms) ? "mkdir r; cd r;" : "", forms[i]));
		assert_true(compare_with_git(h, in_project(h, "r")) > 15);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(as_git_says_at_random),
		test(as_git_says_in_every_form),
		test(as_git_says_of_this_repository),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
