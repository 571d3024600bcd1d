/*
 * Services as written in, linked and sorted out: who needs whom, what comes first, which of them
 * are jobs, which rungs are used. Cycles of depends_on are shown with their path.
 */
#include "decode.h"

struct linking {
	struct decode *c;
	struct map index; /* name -> number in the order written, from 1 */
};

static void needs_edges(struct linking *l, struct graph *g, struct service *s, size_t from)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->needs.count; i++) {
		struct need *need = &s->needs.items[i];
		void *to = map_get(&l->index, need->name);
		if (to) {
			struct edge *e = list_push(l->c->a, &g->edges);
			*e = (struct edge){ from, (size_t)(uintptr_t)to - 1, need->place };
			s->needs.items[kept++] = *need;
		} else if (need->required) {
			say_unknown(l->c, need->place,
				arena_printf(l->c->a, "services.%s.depends_on", s->name), "service",
				need->name, node_get(l->c->tree, "services"));
		} else {
			say(l->c, SEV_WARNING, need->place,
				arena_printf(l->c->a, "services.%s.depends_on", s->name),
				"there is no service \"%s\"; it is not required", need->name);
		}
	}
	s->needs.count = kept;
}

static void cycle_found(void *ctx, const size_t *path, size_t len, const struct edge *closing)
{
	struct decode *c = ctx;
	const struct service *s = c->p->services.items;
	struct diag *d = say(c, SEV_ERROR, closing->place,
		arena_printf(c->a, "services.%s.depends_on", s[closing->from].name),
		"services wait for each other in a cycle: %s",
		cycle_text(c->a, s, sizeof(*s), path, len));
	d->hint = "one of them must start without the other";
}

static void sort(struct decode *c, const size_t *order)
{
	struct project *p = c->p;
	struct service *sorted = arena_array(c->a, struct service, p->services.count + 1);
	for (size_t i = 0; i < p->services.count; i++) {
		sorted[i] = p->services.items[order[i]];
		sorted[i].order = (unsigned)i;
	}
	p->services.items = sorted;
	names_index(c->a, &p->service_names, sorted, p->services.count, sizeof(*sorted));
}

/* The items are ours; project_service() gives them out as const. */
static struct service *mutable_service(struct project *p, const char *name)
{
	const struct service *s = project_service(p, name);
	return s ? &p->services.items[s->order] : NULL;
}

static void link_needs(struct project *p)
{
	for (size_t i = 0; i < p->services.count; i++) {
		struct service *s = &p->services.items[i];
		for (size_t k = 0; k < s->needs.count; k++) {
			struct need *need = &s->needs.items[k];
			struct service *to = mutable_service(p, need->name);
			need->service = to;
			if (need->condition == COND_COMPLETED && !to->restart_policy &&
				!node_get(to->node, "kind"))
				to->kind = KIND_JOB;
		}
	}
}

static void use(struct project *p, const struct image *image)
{
	for (; image && !image->used; image = image->parent)
		p->images.items[image - p->images.items].used = 1;
}

/* What a release stands on is needed where releases are made. */
static void mark_used(struct project *p)
{
	if (p->tools)
		return;
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		if (s->where == RUN_CONTAINER && !s->left_out)
			use(p, s->image);
		if (s->release && !p->dev)
			use(p, s->release->image);
	}
}

void resolve_services(struct decode *c)
{
	struct project *p = c->p;
	struct linking l = { .c = c, .index = MAP_INIT };
	struct graph g = { .nodes = p->services.count };
	for (size_t i = 0; i < p->services.count; i++)
		map_set(&l.index, p->services.items[i].name, (void *)(uintptr_t)(i + 1));
	for (size_t i = 0; i < p->services.count; i++)
		needs_edges(&l, &g, &p->services.items[i], i);
	map_release(&l.index);
	sort(c, graph_order(c->a, &g, cycle_found, c));
	link_needs(p);
	mark_used(p);
}
