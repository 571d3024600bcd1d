/*
 * manifest.json to and from its list. Comes in: text that anybody may have edited. Goes out: names
 * below generated/ that are safe to look at. No file is touched here.
 */
#include "run/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "doc/json.h"
#include "run/files/tree.h"

void manifest_parse(struct arena *a, const struct buf *text, struct manifest *out)
{
	struct err ignored = ERR_INIT;
	struct node *root = json_read(a, buf_str(text), text->len, "manifest.json", &ignored), *n;
	node_each_item(node_get(root, "files"), i, n)
	{
		const char *path = node_text(node_get(n, "path"));
		const char *hash = node_text(node_get(n, "sha256"));
		const char *mode = node_text(node_get(n, "mode"));
		if (path && hash && mode && tree_path_ok(path))
			*list_push(a, &out->files) = (struct seen_file){ path, hash,
				(mode_t)strtoul(mode, NULL, 8) & 07777 };
	}
	node_each_item(node_get(root, "dirs"), i, n)
	{
		if (node_text(n) && tree_path_ok(node_text(n)))
			strs_add(a, &out->dirs, node_text(n));
	}
}

void manifest_text(const struct manifest *m, struct buf *out)
{
	buf_adds(out, "{\n  \"version\": 1,\n  \"files\": [");
	for (size_t i = 0; i < m->files.count; i++) {
		const struct seen_file *f = &m->files.items[i];
		buf_adds(out, i ? ",\n    {\"path\": " : "\n    {\"path\": ");
		json_string(out, f->path, strlen(f->path));
		buf_addf(out, ", \"sha256\": \"%s\", \"mode\": \"%04o\"}", f->hash,
			(unsigned)f->mode);
	}
	buf_adds(out, "\n  ],\n  \"dirs\": [");
	for (size_t i = 0; i < m->dirs.count; i++) {
		buf_adds(out, i ? ", " : "");
		json_string(out, m->dirs.items[i], strlen(m->dirs.items[i]));
	}
	buf_adds(out, "]\n}\n");
}
