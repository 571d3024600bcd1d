/*
 * A few blocks between two threads. Comes in: bytes in pieces of any size. Goes out: the same, in
 * pieces of its own. Knows nothing of what they are.
 */
#include "run/io/conduit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/arena.h"
#include "run/io/http.h"

enum { BLOCKS = 4, BLOCK = 512 * 1024 };

struct conduit {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	size_t first, full;    /* blocks that are whole, the one that is being taken included */
	bool ended, cut, left; /* the giver is done, has failed; the taker has gone */
	size_t filled;         /* the giver's: bytes of the block behind those */
	size_t held, at;       /* the taker's: bytes of the first one, and where pulling is */
	size_t length[BLOCKS];
	char data[BLOCKS][BLOCK];
};

static size_t next_block(const struct conduit *c)
{
	return (c->first + c->full) % BLOCKS;
}

/* Under the lock. */
static void pass_block(struct conduit *c)
{
	c->length[next_block(c)] = c->filled;
	c->filled = 0;
	c->full++;
	pthread_cond_signal(&c->moved);
}

/* The block that is to be filled; NULL: nobody takes it. */
static char *room(struct conduit *c)
{
	char *block = NULL;
	pthread_mutex_lock(&c->lock);
	if (c->filled == BLOCK)
		pass_block(c);
	while (c->full == BLOCKS && !c->left)
		pthread_cond_wait(&c->moved, &c->lock);
	if (!c->left)
		block = c->data[next_block(c)];
	pthread_mutex_unlock(&c->lock);
	return block;
}

bool conduit_put(void *conduit, const char *data, size_t len)
{
	struct conduit *c = conduit;
	while (len) {
		char *block = room(c);
		if (!block)
			return false;
		size_t n = len < BLOCK - c->filled ? len : BLOCK - c->filled;
		memcpy(block + c->filled, data, n);
		c->filled += n;
		data += n;
		len -= n;
	}
	return true;
}

ssize_t conduit_take(struct conduit *c, const char **data)
{
	pthread_mutex_lock(&c->lock);
	if (c->held) {
		c->first = (c->first + 1) % BLOCKS;
		c->full--;
		pthread_cond_signal(&c->moved);
	}
	while (!c->full && !c->ended)
		pthread_cond_wait(&c->moved, &c->lock);
	*data = c->data[c->first];
	c->held = c->full ? c->length[c->first] : 0;
	bool cut = !c->full && c->cut;
	pthread_mutex_unlock(&c->lock);
	return cut ? -1 : (ssize_t)c->held;
}

size_t conduit_pull(void *conduit, char *into, size_t size)
{
	struct conduit *c = conduit;
	const char *data;
	if (c->at == c->held) {
		c->at = 0;
		if (conduit_take(c, &data) < 0)
			return HTTP_GIVE_UP;
	}
	size_t n = c->held - c->at < size ? c->held - c->at : size;
	memcpy(into, c->data[c->first] + c->at, n);
	c->at += n;
	return n;
}

/* ---- the two sides ---- */

struct half {
	const struct conduit_side *side;
	struct conduit *conduit;
	bool gives, first; /* first: to fail */
	int rc;
	struct err error;
};

static void give_up(struct half *h)
{
	struct conduit *c = h->conduit;
	pthread_mutex_lock(&c->lock);
	h->first = h->rc && !c->cut && !c->left;
	if (h->gives && !h->rc && c->filled && !c->left)
		pass_block(c);
	c->ended |= h->gives;
	c->cut |= h->gives && h->rc;
	c->left |= !h->gives;
	pthread_cond_signal(&c->moved);
	pthread_mutex_unlock(&c->lock);
}

static void *run_half(void *ctx)
{
	struct half *h = ctx;
	h->rc = h->side->run(h->side->ctx, h->conduit, &h->error);
	give_up(h);
	return NULL;
}

/* Signals are for the thread that has the loop. */
static int start_quietly(pthread_t *t, struct half *h)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(t, NULL, run_half, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int conduit_run(const struct conduit_side *here, const struct conduit_side *there, bool gives_here,
	struct err *e)
{
	pthread_t thread;
	struct conduit *c = xmalloc(sizeof(*c));
	memset(c, 0,
		offsetof(struct conduit, data)); /* the blocks are touched as they are needed */
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->moved, NULL);
	struct half near = { .side = here, .conduit = c, .gives = gives_here, .error = ERR_INIT };
	struct half far = { .side = there, .conduit = c, .gives = !gives_here, .error = ERR_INIT };
	errno = start_quietly(&thread, &far);
	if (errno) {
		xfree(c);
		return err_errno(e, "a thread");
	}
	run_half(&near);
	pthread_join(thread, NULL);
	pthread_cond_destroy(&c->moved);
	pthread_mutex_destroy(&c->lock);
	xfree(c);
	if (near.rc && (near.first || !far.rc))
		*e = near.error;
	else if (far.rc)
		*e = far.error;
	return near.rc || far.rc ? -1 : 0;
}
