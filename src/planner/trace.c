/*
 * What is to be sent where to follow one request. Comes in: the project, the containers as seen,
 * what was typed. Goes out: a plan of one request at each stage of its route. Sends nothing.
 */
#include "planner/trace.h"

#include <stdlib.h>
#include <string.h>

#include "parts.h"

enum { ID_MAX = 128, HTTPS = 443, HTTP = 80 };

struct target { /* a URL in parts */
	const char *scheme, *host, *path;
	int port; /* 0: none was written */
};

static const struct port *tcp_port(const struct service *s, int target)
{
	for (size_t i = 0; s && i < s->ports.count; i++) {
		if (s->ports.items[i].target == target && streq(s->ports.items[i].protocol, "tcp"))
			return &s->ports.items[i];
	}
	return NULL;
}

static int port_of(const struct world *w, const struct service *s, int target)
{
	const struct port *p = tcp_port(s, target);
	return p ? published_port(w, s, p) : 0;
}

/* ---- the target ---- */

static int bad_target(struct err *e, const char *text)
{
	err_set(e, ERR_USAGE, "\"%s\" is neither a path nor a URL", text);
	err_hint(e, "write /path, or http://HOST[:PORT]/path, or https://...");
	return -1;
}

/* Control characters and spaces would end the request's line. */
static bool sendable(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	}
	return true;
}

static const char *path_part(struct arena *a, const char *text)
{
	const char *path = arena_strndup(a, text, strcspn(text, "#"));
	return *path == '/' ? path : arena_printf(a, "/%s", path);
}

static int read_url(struct arena *a, const char *text, struct target *t, struct err *e)
{
	const char *sep = strstr(text, "://");
	int64_t port = 0;
	if (!sep || !sendable(text))
		return bad_target(e, text);
	t->scheme = arena_strndup(a, text, (size_t)(sep - text));
	const char *authority = sep + 3;
	size_t len = strcspn(authority, "/?#");
	char *host = arena_strndup(a, authority, len), *colon = strrchr(host, ':');
	if (colon && (!parse_int(colon + 1, &port) || port < 1 || port > 65535))
		return bad_target(e, text);
	if (colon)
		*colon = '\0';
	for (char *c = host; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
	if (!*host || strpbrk(host, "@[]") ||
		(!streq(t->scheme, "http") && !streq(t->scheme, "https")))
		return bad_target(e, text);
	t->host = host;
	t->port = (int)port;
	t->path = path_part(a, authority + len);
	return 0;
}

/* ---- who takes it ---- */

static bool names_host(const struct project *p, const struct service *via, const char *host)
{
	const char *ignored;
	const struct arena none = ARENA_INIT;
	struct arena a = none;
	bool known = false;
	for (size_t i = 0; i < p->routes.count && !known; i++)
		known = p->routes.items[i].via == via &&
			trace_match(&a, p, via, host, p->routes.items[i].path, &ignored);
	arena_release(&a);
	return known;
}

static const struct service *proxy_of(
	const struct project *p, const struct world *w, const struct target *t)
{
	for (size_t i = 0; i < p->routes.count; i++) {
		const struct service *via = p->routes.items[i].via;
		bool same_port = t->port && (t->port == port_of(w, via, HTTPS) ||
						    t->port == port_of(w, via, HTTP));
		if (same_port || (!t->port && names_host(p, via, t->host)))
			return via;
	}
	return NULL;
}

/* The proxy's own port for the scheme, as this machine reaches it. */
static int through_proxy(
	const struct world *w, const struct target *t, struct trace_plan *out, struct err *e)
{
	int want = streq(t->scheme, "https") ? HTTPS : HTTP;
	out->port = t->port ? t->port : port_of(w, out->via, want);
	if (out->port)
		return 0;
	err_set(e, ERR_FAILED, "%s publishes no port %d yet", out->via->name, want);
	err_hint(e, "`devenv up` gives it one");
	e->place = out->via->place;
	return -1;
}

static int straight(const struct project *p, const struct world *w, const struct target *t,
	struct trace_plan *out, struct err *e)
{
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		for (size_t k = 0; k < s->ports.count; k++) {
			const struct port *port = &s->ports.items[k];
			if (t->port && published_port(w, s, port) == t->port) {
				out->to = s;
				out->port = t->port;
				out->to_port = s->where == RUN_HOST ? t->port : port->target;
				out->place = port->place;
				out->to_scheme = t->scheme;
				return 0;
			}
		}
	}
	err_set(e, ERR_USAGE, "no route and no published port of this project is meant by %s%s",
		t->host, t->port ? " and its port" : "");
	err_hint(e, "`devenv open --print` and `devenv ports` list what is there");
	return -1;
}

/* The host whose routes take a path most closely; the first of equals. */
static const struct route *route_for(struct arena *a, const struct project *p, const char *path)
{
	const struct route *best = NULL;
	const char *plain = trace_path(a, path), *location;
	size_t longest = 0;
	for (size_t i = 0; plain && i < p->routes.count; i++) {
		const struct route *r = &p->routes.items[i];
		if (strchr(r->host, '*') || r->to->left_out)
			continue;
		const struct route *m = trace_match(a, p, r->via, r->host, plain, &location);
		if (m && (!best || strlen(m->path) > longest)) {
			best = m;
			longest = strlen(m->path);
		}
	}
	return best;
}

static int read_path(struct arena *a, const struct project *p, const struct world *w,
	const char *path, struct target *t, struct err *e)
{
	struct urls urls = { 0 };
	if (!sendable(path))
		return bad_target(e, path);
	const struct route *r = route_for(a, p, path);
	if (!r && p->routes.count)
		r = &p->routes.items[0];
	if (r) {
		bool tls = tcp_port(r->via, HTTPS) != NULL;
		*t = (struct target){ .scheme = tls ? "https" : "http", .host = r->host };
		t->path = path_part(a, path);
		return 0;
	}
	plan_urls(a, p, w, &urls);
	for (size_t i = 0; i < urls.count; i++) {
		if (starts_with(urls.items[i].url, "http") &&
			!read_url(a, urls.items[i].url, t, e)) {
			t->path = path_part(a, path);
			return 0;
		}
	}
	err_set(e, ERR_FAILED, "nothing of this project is published for HTTP");
	err_hint(e, "is it up? `devenv status` shows it; routes: give services a name");
	return -1;
}

/* ---- what is sent ---- */

static void put_header(struct arena *a, trace_headers *list, const char *name, const char *value)
{
	*list_push(a, list) = (struct trace_header){ name, value };
}

static bool good_id(const char *id)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._-";
	size_t len = id ? strlen(id) : 0;
	return len && len <= ID_MAX && strspn(id, plain) == len;
}

static const char *authority(struct arena *a, const struct trace_plan *p)
{
	int usual = streq(p->scheme, "https") ? HTTPS : HTTP;
	return p->port == usual ? p->host : arena_printf(a, "%s:%d", p->host, p->port);
}

static void fill_headers(struct arena *a, const struct trace_ask *ask, struct trace_plan *p)
{
	const char *own = trace_header(&ask->headers, "X-Request-Id");
	p->id = good_id(own) ? own : ask->id;
	for (size_t i = 0; i < ask->headers.count; i++) {
		const struct trace_header *h = &ask->headers.items[i];
		if (h->value != own)
			put_header(a, &p->headers, h->name, h->value);
	}
	put_header(a, &p->headers, "X-Request-Id", p->id);
	if (!trace_header(&ask->headers, "User-Agent"))
		put_header(a, &p->headers, "User-Agent", "devenv-trace");
	if (p->data && !trace_header(&ask->headers, "Content-Type"))
		put_header(a, &p->headers, "Content-Type", "application/x-www-form-urlencoded");
}

/* As the mappings of nginx.c hand it on. */
static void fill_handed_on(struct arena *a, struct trace_plan *p)
{
	if (!trace_header(&p->headers, "Host"))
		put_header(a, &p->to_headers, "Host", authority(a, p));
	for (size_t i = 0; i < p->headers.count; i++)
		put_header(a, &p->to_headers, p->headers.items[i].name, p->headers.items[i].value);
	if (!p->via)
		return;
	put_header(a, &p->to_headers, "X-Forwarded-Host", authority(a, p));
	put_header(a, &p->to_headers, "X-Forwarded-Proto", p->scheme);
	put_header(a, &p->to_headers, "X-Forwarded-Port", arena_printf(a, "%d", p->port));
	put_header(a, &p->to_headers, "X-Forwarded-For", "127.0.0.1");
	put_header(a, &p->to_headers, "X-Real-IP", "127.0.0.1");
	if (p->route && p->route->strip && !streq(p->route->path, "/"))
		put_header(a, &p->to_headers, "X-Forwarded-Prefix", p->route->path);
}

/* ---- where it listens, and what it needs ---- */

static bool runs(const struct container *c)
{
	return c->state == UNIT_RUNNING || c->state == UNIT_STARTING;
}

static void addresses_of(
	struct arena *a, const struct world *w, const struct service *s, struct strs *out)
{
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *c = &w->containers.items[i];
		const char *ip = c->host ? "127.0.0.1" : c->ip;
		if (!c->one_off && streq(c->service, s->name) && runs(c) && ip &&
			c->host == (s->where == RUN_HOST))
			strs_add(a, out, ip);
	}
}

static int port_here(const struct world *w, const struct service *s, int target)
{
	const struct port *p = tcp_port(s, target);
	return s->where == RUN_HOST && p ? host_port(w, s, p, 1) : target;
}

static bool listed(const struct trace_plan *p, const struct service *s)
{
	for (size_t i = 0; i < p->needs.count; i++) {
		if (p->needs.items[i].service == s)
			return true;
	}
	return s == p->to;
}

/* Where its check asks, else its only port: of several nobody knows which matters. 0: nowhere. */
static int need_port(const struct service *s)
{
	if (s->check.port)
		return s->check.port;
	return s->ports.count == 1 && streq(s->ports.items[0].protocol, "tcp")
		       ? s->ports.items[0].target
		       : 0;
}

static void add_needs(
	struct arena *a, const struct world *w, const struct service *s, struct trace_plan *p)
{
	for (size_t i = 0; i < s->needs.count; i++) {
		const struct need *n = &s->needs.items[i];
		struct strs where = { 0 };
		if (!n->service || listed(p, n->service))
			continue;
		addresses_of(a, w, n->service, &where);
		int port = need_port(n->service);
		*list_push(a, &p->needs) = (struct trace_need){
			.service = n->service,
			.place = n->place,
			.address = port && where.count ? where.items[0] : NULL,
			.port = port ? port_here(w, n->service, port) : 0,
		};
		add_needs(a, w, n->service, p);
	}
}

static void follow_route(
	struct arena *a, const struct project *p, const struct world *w, struct trace_plan *out)
{
	const char *plain = trace_path(a, out->path);
	out->route = plain ? trace_match(a, p, out->via, out->host, plain, &out->location) : NULL;
	if (!out->route)
		return;
	const struct route *r = out->route;
	const struct node *to = node_get(r->node, "to");
	out->to = r->to;
	out->place = to && to->place.file ? to->place : r->place;
	out->to_port = port_here(w, r->to, r->port);
	out->upstream = arena_printf(
		a, "%s:%d", r->to->where == RUN_HOST ? host_gateway : r->to->name, out->to_port);
	out->to_path = trace_upstream_path(a, r, out->path, r->strip);
	const char *other = trace_upstream_path(a, r, out->path, !r->strip);
	out->other_path = streq(other, out->to_path) ? NULL : other;
}

int trace_make(struct arena *a, const struct project *p, const struct world *w,
	const struct trace_ask *ask, struct trace_plan *out, struct err *e)
{
	struct target t = { 0 };
	*out = (struct trace_plan){ .from = ask->from, .timeout_ms = ask->timeout_ms };
	if (*ask->target == '/' ? read_path(a, p, w, ask->target, &t, e)
				: read_url(a, ask->target, &t, e))
		return -1;
	out->method = ask->method ? ask->method : ask->data ? "POST" : "GET";
	out->data = ask->data;
	out->data_len = ask->data_len;
	out->scheme = t.scheme;
	out->host = t.host;
	out->path = out->to_path = t.path;
	out->to_scheme = "http";
	out->via = proxy_of(p, w, &t);
	if (out->via ? through_proxy(w, &t, out, e) : straight(p, w, &t, out, e))
		return -1;
	out->by_name = ask->from == TRACE_NAME;
	out->url = arena_printf(a, "%s://%s%s", out->scheme, authority(a, out), out->path);
	if (out->via)
		follow_route(a, p, w, out);
	fill_headers(a, ask, out);
	fill_handed_on(a, out);
	if (out->to) {
		addresses_of(a, w, out->to, &out->addresses);
		out->published = out->to->where == RUN_HOST ? 0 : port_of(w, out->to, out->to_port);
		add_needs(a, w, out->to, out);
	}
	return 0;
}

/* ---- all of them ---- */

static const char *health_path(struct arena *a, const struct route *r)
{
	const struct check *c = &r->to->check;
	size_t len = strlen(r->path);
	const char *base =
		arena_strndup(a, r->path, len && r->path[len - 1] == '/' ? len - 1 : len);
	if (c->kind != CHECK_HTTP || !c->path || *c->path != '/')
		return r->path;
	if (c->port && c->port != r->port)
		return r->path;
	if (r->strip || !*base)
		return arena_printf(a, "%s%s", base, c->path);
	return starts_with(c->path, base) ? c->path : r->path;
}

void trace_all(struct arena *a, const struct project *p, const struct world *w, struct strs *urls)
{
	for (size_t i = 0; i < p->routes.count; i++) {
		const struct route *r = &p->routes.items[i];
		bool tls = tcp_port(r->via, HTTPS) != NULL;
		int port = port_of(w, r->via, tls ? HTTPS : HTTP);
		if (strchr(r->host, '*') || r->via->left_out || r->to->left_out)
			continue;
		strs_add(a, urls,
			arena_printf(a, "%s://%s%s%s", tls ? "https" : "http", r->host,
				port ? arena_printf(a, ":%d", port) : "", health_path(a, r)));
	}
}
