/*
 * A plan as text and as JSON: each step with its why and the line of the configuration that asked.
 */
#include <string.h>

#include "base/text.h"
#include "doc/json.h"
#include "view/view.h"

enum { ID_LEAST = 24, ID_MOST = 48 };

static int id_width(const struct plan *p)
{
	size_t width = ID_LEAST;
	for (size_t i = 0; i < p->steps.count; i++) {
		size_t len = text_width(p->steps.items[i]->id);
		width = len > width && len <= ID_MOST ? len : width;
	}
	return (int)width;
}

static void step_line(struct buf *out, const struct step *s, int width, struct style st)
{
	view_colour(out, st, "1");
	cleanup_buf struct buf id = BUF_INIT;
	view_clean(&id, s->id);
	buf_addf(out, "%-*s", width, buf_str(&id));
	view_colour(out, st, "0");
	buf_addc(out, ' ');
	view_clean(out, s->why ? s->why : "");
	if (s->place.file && s->place.line) {
		view_colour(out, st, "2");
		buf_adds(out, "  (");
		view_clean(out, s->place.file);
		buf_addf(out, ":%d)", s->place.line);
		view_colour(out, st, "0");
	}
	buf_addc(out, '\n');
}

void view_plan(struct buf *out, const struct plan *p, struct style st)
{
	int width = id_width(p);
	for (size_t i = 0; i < p->steps.count; i++)
		step_line(out, p->steps.items[i], width, st);
	for (size_t i = 0; i < p->notes.count; i++) {
		buf_adds(out, "note: ");
		view_clean(out, p->notes.items[i]);
		buf_addc(out, '\n');
	}
	if (!p->steps.count)
		buf_adds(out, "Nothing to do: everything is as configured.\n");
}

static struct node *strs_json(struct arena *a, const struct strs *l)
{
	struct place no = { 0 };
	struct node *n = node_list(a, no);
	for (size_t i = 0; i < l->count; i++)
		list_add(a, n, node_str(a, l->items[i], no));
	return n;
}

/* Of variables the names alone: values may hold secrets. */
static struct node *spec_json(struct arena *a, const struct host_spec *h)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no), *ports = node_list(a, no), *env = node_list(a, no);
	map_put(a, n, "copy", no, node_int(a, h->number, no));
	map_put(a, n, "argv", no, strs_json(a, &h->argv));
	map_put(a, n, "dir", no, node_str(a, h->dir ? h->dir : "", no));
	for (size_t i = 0; i < h->ports.count; i++) {
		struct node *port = node_map(a, no);
		map_put(a, port, "target", no, node_int(a, h->ports.items[i].target, no));
		map_put(a, port, "published", no, node_int(a, h->ports.items[i].published, no));
		list_add(a, ports, port);
	}
	map_put(a, n, "ports", no, ports);
	for (size_t i = 0; i < h->env.count; i++)
		list_add(a, env, node_str(a, h->env.items[i].name, no));
	map_put(a, n, "environment", no, env);
	return n;
}

static struct node *specs_json(struct arena *a, const struct step *s)
{
	struct node *list = node_list(a, (struct place){ 0 });
	for (size_t i = 0; i < s->hosts.count; i++)
		list_add(a, list, spec_json(a, s->hosts.items[i]));
	return list;
}

static struct node *step_json(struct arena *a, const struct step *s)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no), *needs = node_list(a, no);
	map_put(a, n, "id", no, node_str(a, s->id, no));
	map_put(a, n, "kind", no, node_str(a, step_kind_name(s->kind), no));
	if (s->unit)
		map_put(a, n, "unit", no, node_str(a, s->unit, no));
	map_put(a, n, "why", no, node_str(a, s->why ? s->why : "", no));
	if (s->place.file) {
		map_put(a, n, "file", no, node_str(a, s->place.file, no));
		map_put(a, n, "line", no, node_int(a, s->place.line, no));
		map_put(a, n, "column", no, node_int(a, s->place.col, no));
	}
	for (size_t i = 0; i < s->needs.count; i++)
		list_add(a, needs, node_str(a, s->needs.items[i]->id, no));
	map_put(a, n, "needs", no, needs);
	if (s->argv.count)
		map_put(a, n, "argv", no, strs_json(a, &s->argv));
	if (s->hosts.count)
		map_put(a, n, "hosts", no, specs_json(a, s));
	return n;
}

struct node *view_plan_json(struct arena *a, const struct plan *p)
{
	struct place no = { 0 };
	struct node *top = node_map(a, no), *steps = node_list(a, no);
	map_put(a, top, "version", no, node_int(a, 1, no));
	for (size_t i = 0; i < p->steps.count; i++)
		list_add(a, steps, step_json(a, p->steps.items[i]));
	map_put(a, top, "steps", no, steps);
	map_put(a, top, "notes", no, strs_json(a, &p->notes));
	return top;
}
