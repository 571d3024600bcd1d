/*
 * Consent. Comes in: a project, its files, what it wants outside of its containers. Goes out:
 * whether the developer agreed to exactly this, kept in the workspace's state, never in the
 * checkout. Path, owner and every file that can cause execution go into the hash: one changed byte
 * asks again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/os.h"
#include "run/dangers.h"
#include "run/secrets/private.h"

enum { FILE_MAX = 16 << 20, CONSENT_MAX = 1 << 20 };

static void hash_file(struct hasher *h, const char *path)
{
	struct err why = ERR_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	hasher_str(h, path);
	if (file_read(path, FILE_MAX, &text, &why))
		hasher_str(h, why.text); /* that it cannot be read is a state too */
	else
		hasher_field(h, buf_str(&text), text.len);
}

static void add_file(struct arena *a, const struct project *p, const char *path, struct strs *out)
{
	const char *whole = path ? path_normal(a, path_join(a, p->dir, path)) : NULL;
	if (whole && file_exists(whole) && !strs_has(out, whole))
		strs_add(a, out, whole);
}

/*
 * Scripts of the checkout that a command line names: "./check --all" runs one. What it writes is
 * not run, and what lies elsewhere (/usr/bin/make) is not the checkout's to change.
 */
static void add_words(struct arena *a, const struct project *p, const char *line, struct strs *out)
{
	static const char breaks[] = " \t\n;&|()<>\"'`$={}";
	bool written = false;
	for (const char *s = line; s && *s;) {
		size_t n = strcspn(s, breaks);
		const char *path = path_join(a, p->dir, arena_strndup(a, s, n));
		if (n && !written && path_inside(p->dir, path_normal(a, path)))
			add_file(a, p, path, out);
		s += n;
		written = *s == '>' || (written && !n && (*s == ' ' || *s == '\t'));
		s += *s != '\0';
	}
}

static void add_build(struct arena *a, const struct project *p, const char *context,
	const char *file, struct strs *out)
{
	add_file(a, p, file && context ? path_join(a, context, file) : file, out);
	add_file(a, p, file, out);
}

static void add_env_files(
	struct arena *a, const struct project *p, const struct node *list, struct strs *out)
{
	const struct node *item;
	add_file(a, p, node_text(list), out);
	node_each_item(list, i, item)
	{
		add_file(a, p,
			node_text(item) ? node_text(item) : node_text(node_get(item, "path")), out);
	}
}

/* Sources of a module on the host change all day: they are what the developer works on. */
static bool is_source(const struct danger *d, const char *path)
{
	return d->service && d->service->develop && path_inside(d->service->develop->source, path);
}

static void add_commands(
	struct arena *a, const struct project *p, const struct dangers *list, struct strs *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *colon = strstr(list->items[i].what, ": ");
		struct strs named = { 0 };
		add_words(a, p, colon ? colon + 2 : NULL, &named);
		for (size_t k = 0; k < named.count; k++) {
			if (!is_source(&list->items[i], named.items[k]))
				add_file(a, p, named.items[k], out);
		}
	}
}

/* Everything that is named and may run: Dockerfiles, image files, env files, scripts of host
 * commands. */
static void closure(
	struct arena *a, const struct project *p, const struct dangers *list, struct strs *out)
{
	for (size_t i = 0; i < p->images.count; i++) {
		const struct image *m = &p->images.items[i];
		add_build(a, p, m->context, m->dockerfile, out);
		for (size_t k = 0; k < m->files.count; k++)
			if (!m->files.items[k].template)
				add_file(a, p, m->files.items[k].source, out);
	}
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		const struct node *b = s->build;
		const char *context =
			node_text(b) ? node_text(b) : node_text(node_get(b, "context"));
		const char *file = node_text(node_get(b, "dockerfile"));
		if (b)
			add_build(a, p, context ? context : ".", file ? file : "Dockerfile", out);
		add_env_files(a, p, node_get(s->node, "env_file"), out);
	}
	add_commands(a, p, list, out);
}

static void all_files(struct arena *a, const struct project *p, const struct strs *files,
	const struct dangers *list, struct strs *all)
{
	for (size_t i = 0; i < files->count; i++)
		add_file(a, p, files->items[i], all);
	closure(a, p, list, all);
	strs_sort(all);
}

void trust_files(struct arena *a, const struct project *p, const struct strs *files,
	const struct dangers *list, struct strs *lines)
{
	struct strs all = { 0 };
	all_files(a, p, files, list, &all);
	for (size_t i = 0; i < all.count; i++) {
		char hex[65];
		struct hasher *h = hasher_new();
		hash_file(h, all.items[i]);
		hasher_end(h, hex);
		strs_add(a, lines, arena_printf(a, "file %.32s %s", hex, all.items[i]));
	}
}

int trust_hash(struct arena *a, const struct project *p, const struct strs *files,
	const struct dangers *list, char hex[65], struct err *e)
{
	struct strs all = { 0 };
	struct stat st;
	if (stat(p->dir, &st))
		return err_errno(e, "%s", p->dir);
	all_files(a, p, files, list, &all);
	struct hasher *h = hasher_new();
	hasher_str(h, "devenv trust 1");
	hasher_str(h, p->dir);
	hasher_str(h, arena_printf(a, "%ld", (long)st.st_uid));
	for (size_t i = 0; i < all.count; i++)
		hash_file(h, all.items[i]);
	for (size_t i = 0; i < list->count; i++)
		hasher_str(h, list->items[i].what);
	hasher_end(h, hex);
	return 0;
}

/* ---- the consent file: the hash, what was agreed to, the files it rests on, a line each ---- */

static const char *consent_path(struct arena *a, const struct places *pl, const char *workspace)
{
	return path_join(a, path_join(a, path_dir(a, pl->state), workspace), "consent");
}

static char *consent_read(struct arena *a, const struct places *pl, const char *workspace)
{
	struct err ignored = ERR_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = consent_path(a, pl, workspace);
	if (private_check(path, "consent", &ignored) ||
		file_read(path, CONSENT_MAX, &text, &ignored))
		return NULL;
	return text.len > HASH_HEX && text.data[HASH_HEX] == '\n' ? arena_strdup(a, text.data)
								  : NULL;
}

bool trust_given(const struct places *pl, const char *workspace, const char *hex)
{
	struct arena a = ARENA_INIT;
	const char *text = consent_read(&a, pl, workspace);
	bool given = text && !memcmp(text, hex, HASH_HEX);
	arena_release(&a);
	return given;
}

const char *trust_before(struct arena *a, const struct places *pl, const char *workspace)
{
	const char *text = consent_read(a, pl, workspace);
	return text ? text + HASH_HEX + 1 : NULL;
}

int trust_give(const struct places *pl, const char *workspace, const char *hex,
	const struct dangers *list, const struct strs *lines, struct err *e)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = consent_path(&a, pl, workspace);
	buf_addf(&text, "%s\n", hex);
	for (size_t i = 0; i < list->count; i++)
		buf_addf(&text, "%s\n", list->items[i].what);
	for (size_t i = 0; i < lines->count; i++)
		buf_addf(&text, "%s\n", lines->items[i]);
	int rc = dir_make(path_dir(&a, path), 0700, e);
	if (!rc)
		rc = file_write(path, text.data, text.len, 0600, true, e);
	arena_release(&a);
	return rc;
}

/* ---- whose configuration it is ---- */

static bool may_own(uid_t owner)
{
	const char *caller = geteuid() ? NULL : getenv("SUDO_UID");
	int64_t id;
	return owner == geteuid() || owner == 0 ||
	       (caller && parse_int(caller, &id) && (uid_t)id == owner);
}

static int check_owner(const char *path, bool dir, struct err *e)
{
	struct stat st;
	if (stat(path, &st))
		return errno == ENOENT ? 0 : err_errno(e, "%s", path);
	if (!may_own(st.st_uid)) {
		err_set(e, ERR_CONSENT, "%s belongs to uid %ld, not to you", path, (long)st.st_uid);
		err_hint(e, "chown it if it is yours; who owns it decides what runs here");
		return -1;
	}
	if ((st.st_mode & S_IWOTH) && !(dir && (st.st_mode & S_ISVTX))) {
		err_set(e, ERR_CONSENT, "%s can be written by everybody (mode %04o)", path,
			(unsigned)(st.st_mode & 07777));
		err_hint(e, "chmod o-w %s", path);
		return -1;
	}
	return 0;
}

int trust_owner_check(const struct strs *files, struct err *e)
{
	struct arena a = ARENA_INIT;
	int rc = 0;
	for (size_t i = 0; !rc && i < files->count; i++) {
		const char *real = path_real(&a, files->items[i]);
		if (!real)
			continue;
		rc = check_owner(real, false, e);
		if (!rc)
			rc = check_owner(path_dir(&a, real), true, e);
	}
	arena_release(&a);
	return rc;
}
