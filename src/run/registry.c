/*
 * The workspaces of this machine. Comes in: the state directory, which is the registry (one
 * directory per workspace, with a small file that says what it is of). Goes out: a list; whose
 * folder is gone is told apart. Nothing of another workspace is ever changed but by
 * registry_forget().
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/files/places.h"
#include "run/registry.h"

enum { ENTRY_MAX = 1 << 16 };

int registry_note(const struct places *pl, const struct project *p, struct err *e)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	bool changed;
	buf_adds(&text, "{\n  \"version\": 1,\n  \"name\": ");
	json_string(&text, p->name, strlen(p->name));
	buf_adds(&text, ",\n  \"dir\": ");
	json_string(&text, p->dir, strlen(p->dir));
	buf_adds(&text, "\n}\n");
	int rc = dir_make(pl->state, 0700, e);
	if (!rc)
		rc = file_update(path_join(&a, pl->state, "workspace.json"), text.data, text.len,
			0600, &changed, e);
	arena_release(&a);
	return rc;
}

static void list_one(
	struct arena *a, const char *root, const char *id, struct workspace_entries *out)
{
	struct err ignored = ERR_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = arena_printf(a, "%s/%s/workspace.json", root, id);
	if (!file_exists(path) || file_read(path, ENTRY_MAX, &text, &ignored))
		return;
	const struct node *n = json_read(a, buf_str(&text), text.len, path, &ignored);
	const char *name = node_text(node_get(n, "name")), *dir = node_text(node_get(n, "dir"));
	if (name && dir)
		*list_push(a, out) = (struct workspace_entry){ arena_strdup(a, id), name, dir,
			!dir_exists(dir) };
}

static int by_id(const void *a, const void *b)
{
	const struct workspace_entry *x = a, *y = b;
	return strcmp(x->id, y->id);
}

int registry_list(struct arena *a, struct workspace_entries *out, struct err *e)
{
	const char *root = xdg_dir(a, XDG_STATE);
	struct dirent *entry;
	if (!root)
		return err_set(
			e, ERR_FAILED, "neither HOME nor XDG_STATE_HOME is an absolute path");
	DIR *d = opendir(root);
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			list_one(a, root, entry->d_name, out);
	if (d)
		closedir(d);
	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), by_id);
	return 0;
}

int registry_forget(const char *workspace, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *root = xdg_dir(&a, XDG_STATE);
	int rc = 0;
	if (!root || !*workspace || *workspace == '.' || strchr(workspace, '/'))
		rc = err_set(e, ERR_FAILED, "no workspace has the name %s", workspace);
	else
		rc = tree_remove(arena_printf(&a, "%s/%s", root, workspace), e);
	arena_release(&a);
	return rc;
}
