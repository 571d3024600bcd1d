/*
 * Relays for host services that containers reach. Comes in: what is started and stopped. Goes out:
 * a listener on the gateway's address for each port, made once the service itself listens: before,
 * it would take the port from one that listens on all addresses.
 */
#include "run/host/relays.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/os.h"
#include "run/host/relay.h"

enum { TRY_MS = 20, TRY_LATE_MS = 500, LATE_MS = 30000 };

struct wanted {
	struct wanted *next;
	char id[300], address[64];
	int port;
	int64_t since, next_try;
	bool settled; /* there is a relay, or there can be none */
	struct relay *relay;
};

struct relays {
	struct loop *loop;
	void (*note)(void *ctx, const char *text);
	void *ctx;
	struct wanted *items;
};

struct relays *relays_new(struct loop *l, void (*note)(void *ctx, const char *text), void *ctx)
{
	struct relays *r = xcalloc(1, sizeof(*r));
	*r = (struct relays){ .loop = l, .note = note, .ctx = ctx };
	return r;
}

void relays_stop(struct relays *r, const char *id)
{
	for (struct wanted **at = &r->items; *at;) {
		struct wanted *w = *at;
		if (id && !streq(w->id, id)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		relay_free(w->relay);
		xfree(w);
	}
}

void relays_start(struct relays *r, const char *id, const struct host_launch *what)
{
	relays_stop(r, id);
	for (size_t i = 0; what->gateway && i < what->spec->ports.count; i++) {
		const struct host_port *p = &what->spec->ports.items[i];
		if (!p->published || !streq(p->protocol, "tcp") ||
			strlen(id) >= sizeof(r->items->id) ||
			strlen(what->gateway) >= sizeof(r->items->address))
			continue;
		struct wanted *w = xcalloc(1, sizeof(*w));
		memcpy(w->id, id, strlen(id) + 1);
		memcpy(w->address, what->gateway, strlen(what->gateway) + 1);
		w->port = p->published;
		w->since = w->next_try = now_ms();
		w->next = r->items;
		r->items = w;
	}
}

/* On the loopback a connection is there at once or refused at once. */
static bool listens(int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	yes = yes || (fd >= 0 && errno == EINPROGRESS &&
			     getpeername(fd, (struct sockaddr *)&peer, &size) == 0);
	if (fd >= 0)
		close(fd);
	return yes;
}

static void try_one(struct relays *r, struct wanted *w)
{
	struct err e = ERR_INIT;
	if (!listens(w->port)) {
		w->next_try = now_ms() + (now_ms() - w->since < LATE_MS ? TRY_MS : TRY_LATE_MS);
		return;
	}
	w->settled = true;
	w->relay = relay_new(r->loop, w->address, w->port, &e);
	if (!w->relay && e.code)
		r->note(r->ctx, e.text);
}

void relays_turn(struct relays *r)
{
	for (struct wanted *w = r->items; w; w = w->next)
		if (!w->settled && now_ms() >= w->next_try)
			try_one(r, w);
}

int relays_timeout(const struct relays *r, int max_ms)
{
	int64_t now = now_ms(), at = now + max_ms;
	for (const struct wanted *w = r->items; w; w = w->next)
		if (!w->settled && w->next_try < at)
			at = w->next_try;
	return at > now ? (int)(at - now) : 0;
}

void relays_free(struct relays *r)
{
	if (r)
		relays_stop(r, NULL);
	xfree(r);
}
