/*
 * A graph in, an order out: what is needed first, otherwise as numbered. Cycles are told with
 * their path. No recursion: a chain may be as long as the input.
 */
#include "decode.h"

struct walk {
	const struct graph *g;
	size_t *first;  /* first[n]..first[n + 1]: the edges of n */
	size_t *cursor; /* next edge of n to follow */
	size_t *stack, depth;
	size_t *order, done;
	unsigned char *colour;
	cycle_fn *fn;
	void *ctx;
};

enum { WHITE, GREY, BLACK };

static void edges_index(struct walk *w, struct arena *a)
{
	const struct graph *g = w->g;
	w->first = arena_array(a, size_t, g->nodes + 1);
	w->cursor = arena_array(a, size_t, g->nodes + 1);
	for (size_t e = 0; e < g->edges.count; e++)
		w->first[g->edges.items[e].from + 1]++;
	for (size_t n = 0; n < g->nodes; n++) {
		w->first[n + 1] += w->first[n];
		w->cursor[n] = w->first[n];
	}
}

static void enter(struct walk *w, size_t n)
{
	w->colour[n] = GREY;
	w->stack[w->depth++] = n;
}

static void follow(struct walk *w, const struct edge *e)
{
	if (w->colour[e->to] == WHITE) {
		enter(w, e->to);
	} else if (w->colour[e->to] == GREY) {
		size_t start = w->depth;
		while (w->stack[start - 1] != e->to)
			start--;
		w->fn(w->ctx, w->stack + start - 1, w->depth - start + 1, e);
	}
}

static void visit(struct walk *w, size_t root)
{
	if (w->colour[root] == WHITE)
		enter(w, root);
	while (w->depth) {
		size_t n = w->stack[w->depth - 1];
		if (w->cursor[n] < w->first[n + 1]) {
			follow(w, &w->g->edges.items[w->cursor[n]++]);
			continue;
		}
		w->colour[n] = BLACK;
		w->order[w->done++] = n;
		w->depth--;
	}
}

size_t *graph_order(struct arena *a, const struct graph *g, cycle_fn *fn, void *ctx)
{
	struct walk w = { .g = g, .fn = fn, .ctx = ctx };
	edges_index(&w, a);
	w.stack = arena_array(a, size_t, g->nodes + 1);
	w.order = arena_array(a, size_t, g->nodes + 1);
	w.colour = arena_array(a, unsigned char, g->nodes + 1);
	for (size_t n = 0; n < g->nodes; n++)
		visit(&w, n);
	return w.order;
}

const char *cycle_text(
	struct arena *a, const void *items, size_t size, const size_t *path, size_t len)
{
	enum { SHOWN = 12 };
	struct strs words = { 0 };
	for (size_t i = 0; i <= len && i < SHOWN; i++)
		strs_add(a, &words,
			*(const char *const *)((const char *)items + size * path[i % len]));
	if (len >= SHOWN) {
		if (len > SHOWN)
			strs_add(a, &words, arena_printf(a, "(%zu more)", len - SHOWN));
		strs_add(a, &words, words.items[0]);
	}
	return strs_join(a, &words, " -> ");
}
