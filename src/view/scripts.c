/*
 * Scripts of the tools container. Comes in: their names and first comments. Goes out: a line for
 * each, or JSON.
 */
#include <string.h>

#include "view/view.h"

/* "wait-for HOST:PORT...: waits until ..." has the usage in front; other comments are help alone.
 */
static const char *usage_end(const struct tool_script *s)
{
	size_t len = strlen(s->name);
	bool named = starts_with(s->help, s->name) && (s->help[len] == ' ' || s->help[len] == ':');
	return named ? strstr(s->help + len, ": ") : NULL;
}

void view_scripts(struct buf *out, struct arena *a, const struct tool_scripts *l, struct style st)
{
	static const char *const head[] = { "SCRIPT", "OF", "HELP" };
	struct table *t = table_new(a, head, countof(head));
	for (size_t i = 0; i < l->count; i++) {
		const struct tool_script *s = &l->items[i];
		const char *end = usage_end(s);
		const char *usage =
			end ? arena_strndup(a, s->help, (size_t)(end - s->help)) : s->name;
		table_row(t, (const char *const[]){ usage, s->project ? "project" : "devenv",
				     end ? end + 2 : s->help });
	}
	table_write(out, t, st);
}

struct node *view_scripts_json(struct arena *a, const struct tool_scripts *l)
{
	struct place no = { 0 };
	struct node *list = node_list(a, no);
	for (size_t i = 0; i < l->count; i++) {
		const struct tool_script *s = &l->items[i];
		struct node *n = node_map(a, no);
		map_put(a, n, "script", no, node_str(a, s->name, no));
		map_put(a, n, "project", no, node_bool(a, s->project, no));
		map_put(a, n, "help", no, node_str(a, s->help, no));
		list_add(a, list, n);
	}
	return list;
}
