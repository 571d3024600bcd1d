/*
 * Volumes as tar streams. Comes in: a volume's name and a descriptor. Goes out: its content, or it
 * has taken what the descriptor gave. Every carrier is removed again; does not look into the
 * stream.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "run/engine.h"
#include "volume_carrier.h"

struct pour { /* one stream, on its way through */
	int fd;
	int error; /* errno of fd; 0: none */
};

static bool pour_out(void *ctx, const char *data, size_t len)
{
	struct pour *p = ctx;
	if (fd_write(p->fd, data, len) == 0)
		return true;
	p->error = errno;
	return false;
}

static size_t pour_in(void *ctx, char *into, size_t size)
{
	struct pour *p = ctx;
	for (;;) {
		ssize_t n = read(p->fd, into, size);
		if (n >= 0)
			return (size_t)n;
		if (errno != EINTR)
			break;
	}
	p->error = errno;
	return HTTP_GIVE_UP;
}

static int pour(const struct volume_desk *d, struct engine_ask *ask, struct pour *p, struct err *e)
{
	ask->ctx = p;
	ask->patient = true;
	int rc = engine_await(d->engine, d->loop, ask, NULL, e);
	if (p->error) {
		errno = p->error;
		rc = err_errno(e, "the archive");
	}
	return rc;
}

/* The engine would make one that is mounted and not there. */
static int must_exist(const struct volume_desk *d, struct arena *a, const char *name, struct err *e)
{
	struct volume_seen seen;
	if (volume_look(d->engine, a, name, &seen, e))
		return -1;
	return seen.exists ? 0 : err_set(e, ERR_FAILED, "the engine has no such volume");
}

/* The carrier goes whatever happened; what happened first is told. */
static int with_carrier(const struct volume_desk *d, const char *name, struct engine_ask *ask,
	const char *path_fmt, struct pour *p, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct carrier c;
	struct err late = ERR_INIT;
	int rc = must_exist(d, &a, name, e);
	rc = rc ? rc : carrier_open(d, name, &c, e);
	if (!rc) {
		ask->path = arena_printf(&a, "/containers/%s/archive?path=%s", c.id, path_fmt);
		rc = pour(d, ask, p, e);
		if (carrier_close(d, &c, &late) && !rc) {
			*e = late;
			rc = -1;
		}
	}
	arena_release(&a);
	return rc ? err_wrap(e, "volume %s", name) : 0;
}

static int export_by(const struct volume_desk *d, const char *name, struct pour *p, struct err *e)
{
	struct engine_ask ask = { .data = pour_out };
	return with_carrier(d, name, &ask, "/" VOLUME_ROOT, p, e);
}

int volume_export(const struct volume_desk *d, const char *name, int fd, struct err *e)
{
	return export_by(d, name, &(struct pour){ .fd = fd }, e);
}

int volume_import(const struct volume_desk *d, const char *name, int fd, struct err *e)
{
	struct pour p = { .fd = fd };
	struct engine_ask ask = { .method = "PUT", .produce = pour_in };
	return with_carrier(d, name, &ask, "/", &p, e);
}

/* ---- clone: one connection to the engine gives, another takes ---- */

struct giver {
	const struct volume_desk *desk;
	const char *name;
	struct pour pour;
	int rc;
	struct err error;
};

/* Nothing of the other thread's: an engine's connection belongs to one. Who takes and gives up
 * ends this one, too, by closing its end. */
static void *give(void *ctx)
{
	struct giver *g = ctx;
	struct volume_desk own = *g->desk;
	own.loop = NULL;
	own.engine = engine_open(&g->error);
	g->rc = own.engine ? export_by(&own, g->name, &g->pour, &g->error) : -1;
	engine_close(own.engine);
	close(g->pour.fd);
	return NULL;
}

/* Signals are for the thread that has the loop. */
static int start_quietly(pthread_t *t, void *(*run)(void *), void *ctx)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(t, NULL, run, ctx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int volume_clone(const struct volume_desk *d, const char *from, const char *to, struct err *e)
{
	int ends[2];
	pthread_t thread;
	struct giver g = { .desk = d, .name = from };
	if (http_load(d->engine->http, e)) /* once, before there are two threads */
		return -1;
	if (pipe2(ends, O_CLOEXEC))
		return err_errno(e, "pipe");
	signal(SIGPIPE, SIG_IGN);
	g.pour.fd = ends[1];
	errno = start_quietly(&thread, give, &g);
	if (errno) {
		close(ends[0]);
		close(ends[1]);
		return err_errno(e, "a thread");
	}
	int rc = volume_import(d, to, ends[0], e);
	close(ends[0]);
	pthread_join(thread, NULL);
	if (g.rc && !(rc && g.pour.error == EPIPE)) { /* the cause, where both failed */
		*e = g.error;
		rc = -1;
	}
	return rc;
}
