/*
 * The graph of services as a tree, Mermaid, dot or JSON. Edges point from a service to what it
 * needs; routes come from outside.
 */
#include <ctype.h>
#include <string.h>

#include "doc/json.h"
#include "view/view.h"

static const char *const condition_words[] = {
	[COND_STARTED] = "started",
	[COND_HEALTHY] = "healthy",
	[COND_COMPLETED] = "completed",
};

static bool has_dependents(const struct project *p, const struct service *s)
{
	for (size_t i = 0; i < p->services.count; i++)
		for (size_t k = 0; k < p->services.items[i].needs.count; k++)
			if (p->services.items[i].needs.items[k].service == s)
				return true;
	return false;
}

struct tree {
	struct buf *out;
	struct style style;
	const struct project *project;
	bool *shown; /* by order of the service in the project */
};

static void label(struct tree *t, const struct service *s)
{
	text_clean(t->out, s->name, strlen(s->name), false);
	if (s->image)
		buf_addf(t->out, " [%s]", s->image->name);
	else if (s->image_name) {
		buf_adds(t->out, " [");
		text_clean(t->out, s->image_name, strlen(s->image_name), false);
		buf_addc(t->out, ']');
	}
	if (s->kind == KIND_JOB)
		buf_adds(t->out, " (job)");
	if (s->where == RUN_HOST)
		buf_adds(t->out, " (on the host)");
	if (s->left_out)
		buf_adds(t->out, " (left out)");
}

/* Depth is bounded by the number of services: the graph has no cycles. */
static void branch(struct tree *t, const struct service *s, struct buf *indent)
{
	bool u = t->style.unicode;
	size_t at = (size_t)(s - t->project->services.items);
	label(t, s);
	if (t->shown[at] && s->needs.count) {
		buf_adds(t->out, " ...\n");
		return;
	}
	buf_addc(t->out, '\n');
	t->shown[at] = true;
	for (size_t i = 0; i < s->needs.count; i++) {
		bool last = i + 1 == s->needs.count;
		size_t len = indent->len;
		buf_adds(t->out, buf_str(indent));
		buf_adds(t->out, u ? last ? "└─ " : "├─ " : last ? "`- " : "|- ");
		buf_adds(indent, last ? "   " : u ? "│  " : "|  ");
		if (s->needs.items[i].condition != COND_STARTED)
			buf_addf(t->out, "%s: ", condition_words[s->needs.items[i].condition]);
		branch(t, s->needs.items[i].service, indent);
		buf_truncate(indent, len);
	}
}

static void ascii(struct buf *out, struct arena *a, const struct project *p, struct style st)
{
	cleanup_buf struct buf indent = BUF_INIT;
	struct tree t = { out, st, p, arena_array(a, bool, p->services.count + 1) };
	for (size_t i = 0; i < p->routes.count; i++) {
		const struct route *r = &p->routes.items[i];
		buf_adds(out, "https://");
		view_clean(out, r->host);
		view_clean(out, r->path);
		buf_addf(out, " -> %s%s%s:%d\n", r->via_name ? r->via_name : "",
			r->via_name ? " -> " : "", r->to_name, r->port);
	}
	if (p->routes.count)
		buf_addc(out, '\n');
	for (size_t i = 0; i < p->services.count; i++)
		if (!has_dependents(p, &p->services.items[i]))
			branch(&t, &p->services.items[i], &indent);
}

/* Mermaid and dot identifiers: letters, digits and _ only. */
static void ident(struct buf *out, const char *s)
{
	buf_adds(out, "s_");
	for (; *s; s++)
		buf_addc(out, isalnum((unsigned char)*s) ? *s : '_');
}

/* Text inside of Mermaid's double quotes, which know entities but no backslash. */
static void quoted(struct buf *out, const char *s)
{
	for (size_t n; *s; s += n) {
		n = strcspn(s, "\"");
		text_clean(out, s, n, false);
		if (s[n] == '"') {
			buf_adds(out, "#quot;");
			n++;
		}
	}
}

static void mermaid(struct buf *out, const struct project *p)
{
	buf_adds(out, "graph TD\n");
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		buf_adds(out, "  ");
		ident(out, s->name);
		buf_addf(out, s->kind == KIND_JOB ? "([\"%s\"])\n" : "[\"%s\"]\n", s->name);
	}
	for (size_t i = 0; i < p->services.count; i++)
		for (size_t k = 0; k < p->services.items[i].needs.count; k++) {
			const struct need *n = &p->services.items[i].needs.items[k];
			buf_adds(out, "  ");
			ident(out, p->services.items[i].name);
			buf_addf(out, " -->|%s| ", condition_words[n->condition]);
			ident(out, n->name);
			buf_addc(out, '\n');
		}
	for (size_t i = 0; i < p->routes.count; i++) {
		const struct route *r = &p->routes.items[i];
		buf_addf(out, "  r%zu{{\"", i);
		quoted(out, r->host);
		quoted(out, r->path);
		buf_adds(out, "\"}} --> ");
		if (r->via_name) {
			ident(out, r->via_name);
			buf_addf(out, "\n  ");
			ident(out, r->via_name);
			buf_adds(out, " -.-> ");
		}
		ident(out, r->to_name);
		buf_addc(out, '\n');
	}
}

static void dot(struct buf *out, const struct project *p)
{
	buf_adds(out, "digraph devenv {\n  rankdir=LR;\n  node [shape=box];\n");
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		buf_adds(out, "  ");
		ident(out, s->name);
		buf_addf(out, " [label=\"%s\"%s];\n", s->name,
			s->kind == KIND_JOB ? ", style=rounded" : "");
		for (size_t k = 0; k < s->needs.count; k++) {
			buf_adds(out, "  ");
			ident(out, s->name);
			buf_adds(out, " -> ");
			ident(out, s->needs.items[k].name);
			buf_addf(out, " [label=\"%s\"];\n",
				condition_words[s->needs.items[k].condition]);
		}
	}
	buf_adds(out, "}\n");
}

static struct node *service_json(struct arena *a, const struct service *s)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no), *needs = node_list(a, no);
	map_put(a, n, "service", no, node_str(a, s->name, no));
	map_put(a, n, "kind", no, node_str(a, s->kind == KIND_JOB ? "job" : "service", no));
	map_put(a, n, "where", no, node_str(a, s->where == RUN_HOST ? "host" : "container", no));
	if (s->image || s->image_name)
		map_put(a, n, "image", no,
			node_str(a, s->image ? s->image->name : s->image_name, no));
	for (size_t i = 0; i < s->needs.count; i++) {
		struct node *need = node_map(a, no);
		map_put(a, need, "service", no, node_str(a, s->needs.items[i].name, no));
		map_put(a, need, "condition", no,
			node_str(a, condition_words[s->needs.items[i].condition], no));
		list_add(a, needs, need);
	}
	map_put(a, n, "needs", no, needs);
	return n;
}

static void json(struct buf *out, struct arena *a, const struct project *p)
{
	struct place no = { 0 };
	struct node *top = node_map(a, no), *services = node_list(a, no),
		    *routes = node_list(a, no);
	map_put(a, top, "version", no, node_int(a, 1, no));
	for (size_t i = 0; i < p->services.count; i++)
		list_add(a, services, service_json(a, &p->services.items[i]));
	for (size_t i = 0; i < p->routes.count; i++) {
		const struct route *r = &p->routes.items[i];
		struct node *n = node_map(a, no);
		map_put(a, n, "host", no, node_str(a, r->host, no));
		map_put(a, n, "path", no, node_str(a, r->path, no));
		map_put(a, n, "to", no, node_str(a, r->to_name, no));
		map_put(a, n, "port", no, node_int(a, r->port, no));
		if (r->via_name)
			map_put(a, n, "via", no, node_str(a, r->via_name, no));
		list_add(a, routes, n);
	}
	map_put(a, top, "services", no, services);
	map_put(a, top, "routes", no, routes);
	json_write(out, top, 2);
	buf_addc(out, '\n');
}

void view_graph(struct buf *out, struct arena *a, const struct project *p, enum graph_format f,
	struct style st)
{
	switch (f) {
	case GRAPH_ASCII:
		ascii(out, a, p, st);
		break;
	case GRAPH_MERMAID:
		mermaid(out, p);
		break;
	case GRAPH_DOT:
		dot(out, p);
		break;
	case GRAPH_JSON:
		json(out, a, p);
		break;
	}
}
