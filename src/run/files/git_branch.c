/*
 * Branches by git's files. Comes in: a directory of a checkout. Goes out: the branch that it is on
 * and its ancestors among branches, as their reflogs begin: "branch: Created from main", or from
 * HEAD, which was what the checkout moved from.
 */
#include "run/files/git_branch.h"

#include <string.h>
#include <sys/stat.h>

#include "base/os.h"

enum { SMALL_MAX = 4096, LOG_MAX = 16 << 20, REFS_MAX = 64 << 20, PARENTS_MAX = 16 };

struct repository {
	const char *own;    /* the checkout's part: HEAD and its log */
	const char *common; /* refs and their logs */
};

/* What follows `word` on a file's first line; NULL: nothing. */
static const char *first_line(struct arena *a, const char *file, const char *word)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	if (file_read(file, SMALL_MAX, &text, &e) || !starts_with(buf_str(&text), word))
		return NULL;
	const char *value = buf_str(&text) + strlen(word);
	return arena_strndup(a, value, strcspn(value, "\n"));
}

static const char *dot_git(struct arena *a, const char *dir)
{
	struct stat st;
	const char *at = path_real(a, dir);
	while (at) {
		const char *git = path_join(a, at, ".git");
		if (!stat(git, &st))
			return git;
		at = streq(at, "/") ? NULL : path_dir(a, at);
	}
	return NULL;
}

static bool open_repository(struct arena *a, const char *dir, struct repository *r)
{
	const char *git = dot_git(a, dir);
	if (!git)
		return false;
	const char *link = dir_exists(git) ? NULL : first_line(a, git, "gitdir: ");
	r->own = link ? path_join(a, path_dir(a, git), link) : git;
	const char *shared = first_line(a, path_join(a, r->own, "commondir"), "");
	r->common = shared ? path_join(a, r->own, shared) : r->own;
	return true;
}

/* Other kinds of reference stores leave a HEAD that names no branch. */
static const char *name_of(struct arena *a, const struct repository *r)
{
	const char *name = first_line(a, path_join(a, r->own, "HEAD"), "ref: refs/heads/");
	return name && *name && *name != '.' ? name : NULL;
}

/* The message of a reflog's line. */
static const char *message_of(const char *line, size_t len)
{
	const char *tab = memchr(line, '\t', len);
	return tab ? tab + 1 : NULL;
}

/* "checkout: moving from P to NAME", the first one that came to NAME: P. */
static const char *moved_from(struct arena *a, const char *log, const char *name)
{
	static const char says[] = "checkout: moving from ";
	const char *end = arena_printf(a, " to %s", name);
	for (const char *line = log; *line;) {
		size_t len = strcspn(line, "\n");
		const char *message = message_of(line, len);
		if (message && starts_with(message, says)) {
			const char *from = message + strlen(says);
			char *text = arena_strndup(a, from, len - (size_t)(from - line));
			if (ends_with(text, end)) {
				text[strlen(text) - strlen(end)] = '\0';
				return text;
			}
		}
		line += len + (line[len] == '\n');
	}
	return NULL;
}

static const char *without(const char *text, const char *prefix)
{
	return starts_with(text, prefix) ? text + strlen(prefix) : text;
}

/* A branch's parent, by the beginning of its log, else by that of the checkout; NULL: unknown. */
static const char *parent_of(
	struct arena *a, const struct repository *r, const char *log, const char *name)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	const char *file = path_join(a, r->common, arena_printf(a, "logs/refs/heads/%s", name));
	const char *message = NULL, *says = "branch: Created from ";
	if (!file_read(file, LOG_MAX, &text, &e))
		message = message_of(buf_str(&text), strcspn(buf_str(&text), "\n"));
	if (!message)
		return moved_from(a, log, name);
	if (!starts_with(message, says))
		return NULL;
	const char *from = message + strlen(says);
	from = arena_strndup(a, from, strcspn(from, "\n"));
	if (streq(from, "HEAD"))
		return moved_from(a, log, name);
	return without(without(from, "refs/"), "heads/");
}

/* "origin/next" is followed as "next", which may have data here. */
static const char *local_name(struct arena *a, const struct repository *r, const char *name)
{
	const char *remote = without(name, "remotes/"), *slash = strchr(remote, '/');
	const char *log = path_join(a, r->common, arena_printf(a, "logs/refs/heads/%s", name));
	return slash && slash[1] && !file_exists(log) ? slash + 1 : name;
}

void git_branch_look(struct arena *a, const char *dir, struct checkout *out)
{
	cleanup_buf struct buf log = BUF_INIT;
	struct repository r;
	struct err e = ERR_INIT;
	*out = (struct checkout){ .repository = open_repository(a, dir, &r) };
	out->branch = out->repository ? name_of(a, &r) : NULL;
	if (!out->branch)
		return;
	if (file_read(path_join(a, r.own, "logs/HEAD"), LOG_MAX, &log, &e))
		buf_truncate(&log, 0);
	const char *at = out->branch;
	while (at && out->parents.count < PARENTS_MAX) {
		at = parent_of(a, &r, buf_str(&log), at);
		at = at ? local_name(a, &r, at) : NULL;
		if (at && (streq(at, out->branch) || strs_has(&out->parents, at)))
			break;
		if (at)
			strs_add(a, &out->parents, at);
	}
}

const char *git_branch_name(struct arena *a, const char *dir)
{
	struct repository r;
	return open_repository(a, dir, &r) ? name_of(a, &r) : NULL;
}

/* "HASH refs/heads/NAME" among the packed ones. */
static bool is_packed(const char *text, const char *ref)
{
	size_t len = strlen(ref);
	for (const char *at = strstr(text, ref); at; at = strstr(at + 1, ref))
		if (at > text && at[-1] == ' ' && (at[len] == '\n' || !at[len]))
			return true;
	return false;
}

bool git_branch_exists(struct arena *a, const char *dir, const char *name)
{
	cleanup_buf struct buf packed = BUF_INIT;
	struct repository r;
	struct err e = ERR_INIT;
	if (!open_repository(a, dir, &r) || streq(name_of(a, &r), name) ||
		dir_exists(path_join(a, r.common, "reftable")))
		return true;
	const char *ref = arena_printf(a, "refs/heads/%s", name);
	if (file_exists(path_join(a, r.common, ref)))
		return true;
	const char *file = path_join(a, r.common, "packed-refs");
	if (file_read(file, REFS_MAX, &packed, &e))
		return file_exists(file);
	return is_packed(buf_str(&packed), ref);
}
