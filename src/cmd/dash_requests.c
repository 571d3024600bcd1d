/*
 * How many requests services get. Comes in: access lines of the proxies that routes lead through,
 * as they are written. Goes out: counts for the proxy and for the service that its route leads to.
 * In a flood lines are passed over, as everywhere in the dashboard: the count is of those that were
 * seen.
 */
#include <string.h>
#include <time.h>

#include "base/map.h"
#include "dash_parts.h"
#include "doc/proxy_line.h"
#include "planner/trace.h"

enum { PROXIES = 4, SAMPLE_MS = 2000, STAMP = sizeof("2026-01-31T10:00:00") - 1 };

struct proxy {
	struct dash_requests *owner;
	const struct service *service; /* of the project that is shown */
	struct log_feed *feed;
};

struct dash_requests {
	struct dash *dash;
	const struct context *read; /* whose configuration the proxies are of */
	struct proxy proxies[PROXIES];
	size_t count;
	char begun[STAMP + 1]; /* older lines are of the past */
	int64_t next;
	struct map counts; /* name of a service -> number as a pointer */
};

static void count(struct dash_requests *r, const struct service *s)
{
	uintptr_t n = s ? (uintptr_t)map_get(&r->counts, s->name) : 0;
	if (s)
		map_set(&r->counts, s->name, (void *)(n + 1));
}

static void on_line(void *ctx, bool error, const char *line, size_t len)
{
	struct proxy *p = ctx;
	struct span host, uri, at;
	struct arena a = ARENA_INIT;
	const char *location;
	(void)error;
	if (!line_field(line, len, "time", &at) || at.len < STAMP ||
		strncmp(at.at, p->owner->begun, STAMP) < 0 ||
		!line_field(line, len, "host", &host) || !line_field(line, len, "uri", &uri))
		return;
	const char *name = arena_strndup(&a, host.at, host.len);
	const char *path = trace_path(&a, arena_strndup(&a, uri.at, uri.len));
	const struct route *route = path ? trace_match(&a, &p->owner->dash->context->project,
						   p->service, name, path, &location)
					 : NULL;
	count(p->owner, p->service);
	count(p->owner, route ? route->to : NULL);
	arena_release(&a);
}

static void on_skipped(void *ctx)
{
	(void)ctx;
}

static void drop(struct dash_requests *r)
{
	for (size_t i = 0; i < r->count; i++)
		log_feed_free(r->proxies[i].feed);
	r->count = 0;
	map_release(&r->counts);
}

static bool known(const struct dash_requests *r, const struct service *s)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->proxies[i].service == s)
			return true;
	return false;
}

/* nginx's $time_iso8601 in a container, whose clock says UTC unless somebody set it otherwise. */
static void begin(struct dash_requests *r)
{
	static const struct log_feed_ops ops = { .line = on_line, .skipped = on_skipped };
	const struct context *c = r->dash->context;
	time_t now = (time_t)(clock_ms() / 1000);
	struct tm tm;
	drop(r);
	r->read = r->dash->read;
	if (gmtime_r(&now, &tm))
		strftime(r->begun, sizeof(r->begun), "%Y-%m-%dT%H:%M:%S", &tm);
	for (size_t i = 0; i < c->project.routes.count && r->count < PROXIES; i++) {
		const struct service *via = c->project.routes.items[i].via;
		struct proxy *p = &r->proxies[r->count];
		if (!via || known(r, via))
			continue;
		*p = (struct proxy){ .owner = r, .service = via };
		p->feed = log_feed_new(c->engine, c->places.logs, &ops, p);
		log_feed_service(p->feed, via->name);
		r->count++;
	}
}

/* Rounded up: a single one is seen. */
static int a_second(const struct dash_requests *r, const char *name)
{
	int n = (int)(uintptr_t)map_get(&r->counts, name);
	return (n * 1000 + SAMPLE_MS - 1) / SAMPLE_MS;
}

void dash_requests_turn(struct dash *d, int64_t now_ms)
{
	struct dash_requests *r = d->requests;
	if (!r) {
		r = d->requests = xcalloc(1, sizeof(*r));
		r->dash = d;
		begin(r);
	}
	if (r->read != d->read)
		begin(r);
	for (size_t i = 0; i < r->count; i++)
		log_feed_turn(r->proxies[i].feed, &d->now, now_ms);
	if (!r->count || now_ms < r->next)
		return;
	r->next = now_ms + SAMPLE_MS;
	const struct project *p = &d->context->project;
	for (size_t i = 0; i < p->services.count; i++) {
		const char *name = p->services.items[i].name;
		dashboard_requests(&d->view, name, a_second(r, name));
	}
	map_release(&r->counts);
	r->counts = (struct map)MAP_INIT;
}

void dash_requests_close(struct dash *d)
{
	if (!d->requests)
		return;
	drop(d->requests);
	xfree(d->requests);
	d->requests = NULL;
}
