/*
 * Who was seen ready after a restart, for `status` and the next `up`. Comes in: a run that ends.
 * Goes out: records, written under the workspace's lock. A run whose restart took long has let
 * others in; what it saw is kept then, and written as soon as they have ended.
 */
#include "cmd/develop_parts.h"
#include "run/records.h"

static void remember(struct develop_loop *d)
{
	struct err ignored = ERR_INIT;
	records_note(&d->c->places, &d->seen.world, &ignored);
	arena_release(&d->seen.arena);
	d->seen = (struct seen_ready){ .retry = 0 };
}

static void try(struct develop_loop *d)
{
	struct err e = ERR_INIT;
	struct lock lock = { .fd = -1 };
	const char *path = path_join(&d->seen.arena, d->c->places.state, "lock");
	if (!lock_take(&lock, path, 0, &e))
		remember(d);
	else
		d->seen.retry = now_ms() + SEEN_RETRY_MS;
	lock_drop(&lock);
}

void seen_keep(struct group *g)
{
	struct develop_loop *d = g->loop;
	struct arena *a = &d->seen.arena;
	const struct world *w = &g->run->world;
	struct err ignored = ERR_INIT;
	if (g->run->lock.fd >= 0) {
		records_save(&d->c->places, w, &ignored);
		return;
	}
	for (size_t i = 0; i < w->records.count; i++) {
		const struct unit_record *r = &w->records.items[i];
		*list_push(a, &d->seen.world.records) = (struct unit_record){
			.service = arena_strdup(a, r->service),
			.container = r->container ? arena_strdup(a, r->container) : NULL,
			.ready_at = r->ready_at,
		};
	}
	try(d);
}

void seen_turn(struct develop_loop *d)
{
	if (d->seen.retry && now_ms() >= d->seen.retry)
		try(d);
}

void seen_free(struct develop_loop *d)
{
	if (d->seen.retry)
		try(d);
	arena_release(&d->seen.arena);
}
