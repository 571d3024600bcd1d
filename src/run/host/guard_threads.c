/*
 * Children that come to be beside each other. Comes in: prepared starts. Goes out: the same, run.
 * Who bears a child waits until its program runs, and on a busy machine that is long: others are
 * born meanwhile. One start alone needs no thread: who awaits it runs it.
 */
#include <pthread.h>
#include <signal.h>

#include "guard_start.h"

struct guard_threads { /* heap */
	struct guard *guard;
	pthread_mutex_t lock;
	pthread_cond_t more, done;
	struct guard_start *first; /* the queue */
	bool ending;
	pthread_t threads[GUARD_LANES - 1];
	size_t count;
};

/* ---- under the lock ---- */

static void put_last(struct guard_threads *t, struct guard_start *s)
{
	struct guard_start **at = &t->first;
	while (*at)
		at = &(*at)->next;
	*at = s;
}

static bool take(struct guard_threads *t, const struct guard_start *s)
{
	for (struct guard_start **at = &t->first; *at; at = &(*at)->next) {
		if (*at != s)
			continue;
		*at = s->next;
		return true;
	}
	return false;
}

static void run(struct guard_threads *t, const struct guard_lane *lane, struct guard_start *s)
{
	pthread_mutex_unlock(&t->lock);
	guard_start_run(t->guard, lane, s);
	pthread_mutex_lock(&t->lock);
	s->done = true;
	pthread_cond_broadcast(&t->done);
}

/* ---- the threads ---- */

struct seat { /* heap: what a thread begins with */
	struct guard_threads *owner;
	const struct guard_lane *lane;
};

static void *work(void *ctx)
{
	struct seat seat = *(struct seat *)ctx;
	struct guard_threads *t = seat.owner;
	xfree(ctx);
	pthread_mutex_lock(&t->lock);
	while (!t->ending) {
		struct guard_start *s = t->first;
		if (s && take(t, s))
			run(t, seat.lane, s);
		else
			pthread_cond_wait(&t->more, &t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* Without one more, what there is does the work. */
static void add_thread(struct guard_threads *t)
{
	struct seat *seat = xcalloc(1, sizeof(*seat));
	sigset_t all, before;
	*seat = (struct seat){ t, &t->guard->lanes[t->count + 1] };
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&t->threads[t->count], NULL, work, seat))
		xfree(seat);
	else
		t->count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static struct guard_threads *threads_of(struct guard *g)
{
	if (g->threads)
		return g->threads;
	struct guard_threads *t = xcalloc(1, sizeof(*t));
	t->guard = g;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->more, NULL);
	pthread_cond_init(&t->done, NULL);
	g->threads = t;
	return t;
}

void guard_threads_add(struct guard *g, struct guard_start *s)
{
	struct guard_threads *t = threads_of(g);
	pthread_mutex_lock(&t->lock);
	if (t->first && t->count < countof(t->threads))
		add_thread(t);
	put_last(t, s);
	pthread_cond_signal(&t->more);
	pthread_mutex_unlock(&t->lock);
}

void guard_threads_await(struct guard *g, struct guard_start *s)
{
	struct guard_threads *t = g->threads;
	pthread_mutex_lock(&t->lock);
	if (take(t, s))
		run(t, &g->lanes[0], s);
	while (!s->done)
		pthread_cond_wait(&t->done, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

void guard_threads_free(struct guard *g)
{
	struct guard_threads *t = g->threads;
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->ending = true;
	pthread_cond_broadcast(&t->more);
	pthread_mutex_unlock(&t->lock);
	for (size_t i = 0; i < t->count; i++)
		pthread_join(t->threads[i], NULL);
	pthread_cond_destroy(&t->done);
	pthread_cond_destroy(&t->more);
	pthread_mutex_destroy(&t->lock);
	xfree(t);
	g->threads = NULL;
}
