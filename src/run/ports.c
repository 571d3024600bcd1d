/*
 * Published ports. Comes in: what services ask for, what was given before, what is taken now. Goes
 * out: a port for each, the same one as last time where that is possible. A lock of the machine is
 * held while something new is chosen, so that two workspaces never choose the same.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/map.h"
#include "base/os.h"
#include "run/engine/engine.h"
#include "run/ports.h"
#include "run/engine/published.h"
#include "run/records.h"
#include "run/registry.h"

enum { FIRST = 20000, COUNT = 10000, LOCK_WAIT_MS = 5000 };

struct allocator {
	struct arena *a;
	const struct places *places;
	const char *workspace;
	bool strict;
	struct engine *engine;
	const struct world *world;
	const struct port_request *requests;
	size_t request_count;
	struct allocations before, given, others;
	struct published_ports published; /* by containers of anybody */
	bool looked;                      /* at others and at published */
	struct lock lock;
};

static bool bind_one(int type, const char *ip, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int yes = 1;
	if (inet_pton(AF_INET, ip, &to.sin_addr) != 1)
		return true;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return true;
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	bool taken = bind(fd, (struct sockaddr *)&to, sizeof(to)) && errno == EADDRINUSE;
	close(fd);
	return !taken;
}

static bool host_free(const char *protocol, const char *ip, int port)
{
	int type = streq(protocol, "udp") ? SOCK_DGRAM : SOCK_STREAM;
	return bind_one(type, "127.0.0.1", port) && bind_one(type, "0.0.0.0", port) &&
	       (!ip || bind_one(type, ip, port));
}

static bool asked(const struct allocator *x, const char *service)
{
	for (size_t i = 0; i < x->request_count; i++)
		if (streq(x->requests[i].service, service))
			return true;
	return false;
}

static bool container_holds(const struct container *c, int port, const char *protocol)
{
	if (c->state != UNIT_RUNNING && c->state != UNIT_RESTARTING && c->state != UNIT_PAUSED)
		return false;
	for (size_t i = 0; i < c->ports.count; i++)
		if (c->ports.items[i].published == port &&
			streq(c->ports.items[i].protocol, protocol))
			return true;
	return false;
}

/* Copies of a host service beyond the first have ports of their own, under "SERVICE.N". */
static bool serves(const struct container *c, const char *owner)
{
	char copy[200];
	if (!c->host || c->number <= 1)
		return streq(c->service, owner);
	snprintf(copy, sizeof(copy), "%s.%d", c->service, c->number);
	return streq(copy, owner);
}

/* A running container of this service, or of one that this run gives its ports anew. */
static bool ours(const struct allocator *x, const char *service, int port, const char *protocol)
{
	for (size_t i = 0; x->world && i < x->world->containers.count; i++) {
		const struct container *c = &x->world->containers.items[i];
		if (container_holds(c, port, protocol) &&
			(serves(c, service) || asked(x, c->service)))
			return true;
	}
	return false;
}

static bool listed(const struct allocations *l, int port, const char *protocol)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].published == port && streq(l->items[i].protocol, protocol))
			return true;
	return false;
}

static const struct published_port *published(
	const struct published_ports *l, int port, const char *protocol)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].port == port && streq(l->items[i].protocol, protocol))
			return &l->items[i];
	return NULL;
}

/* What others hold or remember; read once, under the lock. */
static int look(struct allocator *x, struct err *e)
{
	struct err ignored = ERR_INIT;
	struct workspace_entries list = { 0 };
	const char *root = path_dir(x->a, x->places->state);
	if (x->looked)
		return 0;
	if (dir_make(root, 0700, e) ||
		lock_take(&x->lock, path_join(x->a, root, ".ports.lock"), LOCK_WAIT_MS, e))
		return -1;
	if (registry_list(x->a, &list, e))
		return -1;
	for (size_t i = 0; i < list.count; i++)
		if (!list.items[i].gone && !streq(list.items[i].id, x->workspace))
			allocations_load(x->a, path_join(x->a, root, list.items[i].id), &x->others);
	if (x->engine && engine_published(x->engine, x->a, &x->published, &ignored))
		x->published.count = 0;
	x->looked = true;
	return 0;
}

static bool usable(const struct allocator *x, const struct port_request *r, int port)
{
	if (listed(&x->given, port, r->protocol))
		return false;
	if (ours(x, r->service, port, r->protocol))
		return true;
	return !published(&x->published, port, r->protocol) &&
	       host_free(r->protocol, r->host_ip, port);
}

static const struct allocation *remembered(const struct allocator *x, const struct port_request *r)
{
	for (size_t i = 0; i < x->before.count; i++) {
		const struct allocation *p = &x->before.items[i];
		if (p->target == r->target && streq(p->service, r->service) &&
			streq(p->protocol, r->protocol))
			return p;
	}
	return NULL;
}

/* The port that our own running container has already, when that is what is asked for. */
static const struct allocation *settled(const struct allocator *x, const struct port_request *r)
{
	const struct allocation *p = remembered(x, r);
	if (!p || listed(&x->given, p->published, r->protocol))
		return NULL;
	if (r->wanted && p->published != r->wanted && p->moved_from != r->wanted)
		return NULL;
	for (size_t i = 0; x->world && i < x->world->containers.count; i++) {
		const struct container *c = &x->world->containers.items[i];
		if (serves(c, r->service) && container_holds(c, p->published, r->protocol))
			return p;
	}
	return NULL;
}

/* Where the search starts depends on names alone: the same on every machine that has it free. */
static int choose(const struct allocator *x, const struct port_request *r)
{
	const char *key =
		arena_printf(x->a, "%s/%s/%d/%s", x->workspace, r->service, r->target, r->protocol);
	uint64_t start = hash_bytes(key, strlen(key)) % COUNT;
	for (uint64_t i = 0; i < COUNT; i++) {
		int port = FIRST + (int)((start + i) % COUNT);
		if (!listed(&x->others, port, r->protocol) &&
			!listed(&x->before, port, r->protocol) && usable(x, r, port))
			return port;
	}
	return 0;
}

static const char *holder(const struct allocator *x, const struct port_request *r, int port)
{
	for (size_t i = 0; i < x->given.count; i++)
		if (x->given.items[i].published == port &&
			streq(x->given.items[i].protocol, r->protocol))
			return arena_printf(x->a, "service %s", x->given.items[i].service);
	return port_holder(x->a, x->engine, port, r->protocol);
}

static int taken(const struct allocator *x, const struct port_request *r, int port, struct err *e)
{
	const char *who = holder(x, r, port);
	err_set(e, ERR_FAILED, "port %d of %s is taken%s%s", port, r->service, who ? " by " : "",
		who ? who : "");
	err_hint(e, "end what holds it, or publish another port in devenv.local.yml");
	e->place = r->place;
	return -1;
}

static int allocate_one(struct allocator *x, const struct port_request *r, struct err *e)
{
	const struct allocation *old = settled(x, r);
	if (old) {
		*list_push(x->a, &x->given) = *old;
		return 0;
	}
	old = remembered(x, r);
	struct allocation new = {
		.service = r->service, .target = r->target, .protocol = r->protocol
	};
	int first = r->wanted ? r->wanted : old ? old->published : 0;
	if (look(x, e))
		return -1;
	if (first && usable(x, r, first)) {
		new.published = first;
	} else if (first) {
		if (x->strict)
			return taken(x, r, first, e);
		new.moved_from = first;
		new.holder = holder(x, r, first);
		bool back = old && old->published != first && usable(x, r, old->published);
		new.published = back ? old->published : choose(x, r);
	} else {
		new.published = choose(x, r);
	}
	if (!new.published)
		return err_set(e, ERR_FAILED, "no port between %d and %d is free for %s", FIRST,
			FIRST + COUNT - 1, r->service);
	*list_push(x->a, &x->given) = new;
	return 0;
}

/* Ports of services that are not in this run stay remembered. */
static void keep_rest(struct allocator *x)
{
	size_t given = x->given.count;
	for (size_t i = 0; i < x->before.count; i++) {
		const struct allocation *p = &x->before.items[i];
		bool again = false;
		for (size_t k = 0; k < given && !again; k++) {
			const struct allocation *g = &x->given.items[k];
			again = (g->published == p->published ||
					(g->target == p->target &&
						streq(g->service, p->service))) &&
				streq(g->protocol, p->protocol);
		}
		if (!again)
			*list_push(x->a, &x->given) = *p;
	}
}

/* An automatic port that moved has moved: that is said once. One that was asked for is still
 * missed. */
static int save(const struct allocator *x, struct err *e)
{
	struct allocations kept = { 0 };
	for (size_t i = 0; i < x->given.count; i++) {
		struct allocation *p = list_push(x->a, &kept);
		*p = x->given.items[i];
		if (i < x->request_count && !x->requests[i].wanted)
			p->moved_from = 0;
	}
	return allocations_save(x->places, &kept, e);
}

int ports_allocate(struct arena *a, const struct places *pl, const char *workspace,
	const struct port_request *req, size_t count, bool strict, struct engine *g,
	struct world *w, struct err *e)
{
	struct allocator x = { .a = a,
		.places = pl,
		.workspace = workspace,
		.strict = strict,
		.engine = g,
		.world = w,
		.requests = req,
		.request_count = count,
		.lock = { -1 } };
	int rc = 0;
	allocations_load(a, pl->state, &x.before);
	for (size_t i = 0; !rc && i < count; i++)
		rc = allocate_one(&x, &req[i], e);
	if (!rc) {
		keep_rest(&x);
		rc = save(&x, e);
	}
	lock_drop(&x.lock);
	if (rc)
		return -1;
	w->allocations.items = x.given.items;
	w->allocations.count = x.given.count;
	w->allocations.cap = x.given.cap;
	return 0;
}
