/*
 * Fields of what goes over the agent's socket. Comes in: values, or a map and a key. Goes out: the
 * other. What is not there or of another kind is nothing.
 */
#include "control_fields.h"

static const struct place nowhere;

void control_put_text(struct arena *a, struct node *n, const char *key, const char *s)
{
	if (s)
		map_put(a, n, key, nowhere, node_str(a, s, nowhere));
}

void control_put_int(struct arena *a, struct node *n, const char *key, int64_t v)
{
	map_put(a, n, key, nowhere, node_int(a, v, nowhere));
}

void control_put_true(struct arena *a, struct node *n, const char *key, bool v)
{
	if (v)
		map_put(a, n, key, nowhere, node_bool(a, true, nowhere));
}

const char *control_get_text(const struct node *n, const char *key)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_STR ? v->text : NULL;
}

int64_t control_get_int(const struct node *n, const char *key, int64_t fallback)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_INT ? v->integer : fallback;
}

bool control_get_true(const struct node *n, const char *key)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_BOOL && v->boolean;
}

void control_put_place(struct arena *a, struct node *n, struct place at)
{
	if (!at.file)
		return;
	control_put_text(a, n, "file", at.file);
	control_put_int(a, n, "line", at.line);
	control_put_int(a, n, "column", at.col);
}

struct place control_get_place(const struct node *n)
{
	return (struct place){ .file = control_get_text(n, "file"),
		.line = (int)control_get_int(n, "line", 0),
		.col = (int)control_get_int(n, "column", 0) };
}

void control_put_error(struct arena *a, struct node *n, const struct err *e)
{
	control_put_int(a, n, "code", e->code ? e->code : ERR_FAILED);
	control_put_text(a, n, "error", e->text);
	control_put_text(a, n, "hint", e->hint[0] ? e->hint : NULL);
	control_put_place(a, n, e->place);
}

void control_get_error(const struct node *n, struct err *e)
{
	const char *text = control_get_text(n, "error"), *hint = control_get_text(n, "hint");
	int64_t code = control_get_int(n, "code", 0);
	err_set(e, code > 0 && code <= ERR_BUSY ? (enum err_code)code : ERR_FAILED, "%s",
		text ? text : "the agent refused");
	if (hint)
		err_hint(e, "%s", hint);
	e->place = control_get_place(n);
}
