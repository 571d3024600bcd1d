/*
 * Which stage is to blame, and why. Comes in: a plan and what was seen of it. Goes out: the first
 * cause of a list, from the outermost stage inwards; each reads facts only and guesses nothing that
 * was not looked at.
 */
#include "trace_parts.h"

#include <string.h>

struct judge {
	struct arena *a;
	const struct project *p;
	const struct world *w;
	int64_t now;
	struct trace *t;
};

static bool blame(struct judge *j, enum trace_stage stage, enum trace_cause cause,
	struct place place, const char *text)
{
	j->t->stage = stage;
	j->t->cause = cause;
	j->t->place = place;
	j->t->text = text;
	return true;
}

static bool blame_hint(struct judge *j, const char *hint)
{
	j->t->hint = hint;
	return true;
}

static bool answer_bad(const struct trace_answer *x)
{
	return x->sent && (x->failure || x->status >= 400);
}

/* Did what came in from outside fail? Where nothing was sent that way, the service's own answer
 * counts. */
static bool bad(const struct judge *j)
{
	const struct trace_seen *s = &j->t->seen;
	return s->route.sent ? answer_bad(&s->route) : answer_bad(&s->service) || !s->service.sent;
}

/* The line of the command where there is one: it says where a service listens. */
static struct place command_place(const struct service *s)
{
	return s->command && s->command->place.file ? s->command->place : s->place;
}

/* ---- from outside to the proxy ---- */

static bool judge_name(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	if (j->t->seen.route.failure != TRACE_NO_NAME)
		return false;
	blame(j, TRACE_NAME, CAUSE_NAME, p->place,
		arena_printf(j->a, "%s does not resolve on this machine", p->host));
	return blame_hint(j, "use a name below .localhost, or add it to /etc/hosts as 127.0.0.1");
}

static bool judge_tcp(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct service *s = p->via ? p->via : p->to;
	if (j->t->seen.route.failure != TRACE_NO_CONNECTION)
		return false;
	if (!p->via && p->addresses.count)
		return false;
	blame(j, TRACE_TCP, p->via ? CAUSE_PROXY_DOWN : CAUSE_SERVICE_DOWN, s->place,
		arena_printf(j->a, "%s does not accept connections: it is %s", s->name,
			trace_state(j->a, j->w, s)));
	return blame_hint(
		j, arena_printf(j->a, "`devenv up -d %s`; `devenv logs %s`", s->name, s->name));
}

static bool certificate_names(const struct trace_certificate *c, const char *host)
{
	for (size_t i = 0; i < c->names.count; i++) {
		const char *name = c->names.items[i], *dot = strchr(host, '.');
		if (streq(name, host) || (starts_with(name, "*.") && dot && streq(name + 1, dot)))
			return true;
	}
	return false;
}

static bool judge_tls(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	const struct trace_certificate *c = &s->certificate;
	enum trace_failure f = s->verified.sent ? s->verified.failure : s->route.failure;
	if (f == TRACE_NO_TLS) {
		blame(j, TRACE_TLS, CAUSE_TLS, p->place,
			arena_printf(j->a, "no TLS is spoken there: %s", s->route.why));
		return blame_hint(j, "try the same with http://; has the proxy a port 443?");
	}
	if (f != TRACE_BAD_CERTIFICATE)
		return false;
	if (c->known && j->now > c->not_after) {
		blame(j, TRACE_TLS, CAUSE_EXPIRED, p->place,
			arena_printf(j->a, "the certificate expired on %s",
				trace_day(j->a, c->not_after)));
	} else if (c->known && !certificate_names(c, p->host)) {
		blame(j, TRACE_TLS, CAUSE_CERTIFICATE_NAME, p->place,
			arena_printf(j->a, "the certificate is for %s, not for %s",
				strs_join(j->a, &c->names, ", "), p->host));
	} else {
		blame(j, TRACE_TLS, CAUSE_AUTHORITY, p->place,
			arena_printf(j->a, "the certificate is not believed: %s", s->verified.why));
	}
	return blame_hint(j, p->via ? "`devenv up` issues the certificate anew and tells the proxy"
				    : "its certificate is its own affair: --from proxy skips it");
}

/* ---- the proxy's mapping ---- */

static bool judge_route(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	if (!p->via || p->route || !bad(j))
		return false;
	blame(j, TRACE_PROXY, CAUSE_NO_ROUTE, p->via->place,
		arena_printf(j->a, "no route of %s takes %s%s", p->via->name, p->host, p->path));
	return blame_hint(j, "`devenv open --print` lists the routes; add one under routes:");
}

static bool judge_limit(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	if (s->service.status == 413)
		return blame(j, TRACE_SERVICE, CAUSE_BODY_LIMIT, p->to->place,
			arena_printf(j->a, "%s itself refuses a body of %zu bytes", p->to->name,
				p->data_len));
	if (s->route.status != 413 || !p->via)
		return false;
	blame(j, TRACE_PROXY, CAUSE_BODY_LIMIT, p->via->place,
		arena_printf(j->a, "%s refuses a body of %zu bytes before %s sees it", p->via->name,
			p->data_len, p->to ? p->to->name : "anything"));
	return blame_hint(j, "client_max_body_size of its nginx.conf is the limit");
}

static bool judge_unmapped(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	if (!p->route || s->route.status != 404 || !s->proxied.found || s->proxied.upstream)
		return false;
	blame(j, TRACE_PROXY, CAUSE_MAPPING, p->place,
		arena_printf(j->a, "%s has no mapping for %s%s, though a route says it",
			p->via->name, p->host, p->path));
	return blame_hint(j, "`devenv up` writes the mappings and has the proxy read them");
}

/* ---- the upstream ---- */

static bool judge_down(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	if (!p->to || p->addresses.count || !bad(j) || p->from > TRACE_SERVICE)
		return false;
	enum trace_stage stage =
		p->via && p->from <= TRACE_UPSTREAM ? TRACE_UPSTREAM : TRACE_CONNECT;
	blame(j, stage, CAUSE_SERVICE_DOWN, p->to->place,
		arena_printf(j->a, "%s is %s", p->to->name, trace_state(j->a, j->w, p->to)));
	return blame_hint(j, arena_printf(j->a, "`devenv up -d %s`; `devenv logs %s`", p->to->name,
				     p->to->name));
}

static const struct container *holder_of(const struct judge *j, const char *ip)
{
	for (size_t i = 0; i < j->w->containers.count; i++) {
		const struct container *c = &j->w->containers.items[i];
		if (c->state == UNIT_RUNNING && streq(c->ip, ip))
			return c;
	}
	return NULL;
}

static bool stale(struct judge *j, const char *ip)
{
	const struct trace_plan *p = &j->t->plan;
	blame(j, TRACE_UPSTREAM, CAUSE_STALE_UPSTREAM, p->via->place,
		arena_printf(j->a, "%s still goes to %s; %s is at %s now", p->via->name, ip,
			p->to->name, strs_join(j->a, &p->addresses, ", ")));
	return blame_hint(j, arena_printf(j->a,
				     "`devenv restart %s`; its nginx.conf should look names up "
				     "again: resolver 127.0.0.11 and a variable in proxy_pass",
				     p->via->name));
}

/* An address belongs to whoever has it now; a port that no route of this one names says more. */
static bool judge_address(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const char *used = trace_upstream(&j->t->seen), *colon = used ? strrchr(used, ':') : NULL;
	int64_t port = 0;
	if (!p->route || !p->via || !colon || p->to->where == RUN_HOST || !p->addresses.count ||
		!parse_int(colon + 1, &port))
		return false;
	const char *ip = arena_strndup(j->a, used, (size_t)(colon - used));
	if (!(*ip >= '0' && *ip <= '9'))
		return false;
	bool known = strs_has(&p->addresses, ip);
	const struct container *other = known ? NULL : holder_of(j, ip);
	if (port == p->to_port)
		return known ? false : stale(j, ip);
	blame(j, TRACE_PROXY, CAUSE_MAPPING, p->place,
		arena_printf(j->a, "%s sends it to %s (%s), not to %s", p->via->name, used,
			other   ? other->service
			: known ? p->to->name
				: "nobody of this project",
			p->upstream));
	return blame_hint(j, "`devenv up` writes the mappings and has the proxy read them");
}

/* ---- TCP to it ---- */

static const struct trace_listener *listener(const struct trace_seen *s, int port)
{
	const struct trace_listener *found = NULL;
	for (size_t i = 0; i < s->listeners.count; i++) {
		const struct trace_listener *l = &s->listeners.items[i];
		if (l->port == port && (!found || found->loopback))
			found = l;
	}
	return found;
}

static const char *ports_of(struct arena *a, const struct trace_seen *s)
{
	struct strs list = { 0 };
	for (size_t i = 0; i < s->listeners.count; i++) {
		const char *port = arena_printf(a, "%d", s->listeners.items[i].port);
		if (!strs_has(&list, port))
			strs_add(a, &list, port);
	}
	return strs_join(a, &list, ", ");
}

static bool judge_listeners(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	const struct trace_listener *l = listener(s, p->to_port);
	const char *name = p->to->name;
	if (l && l->loopback) {
		blame(j, TRACE_CONNECT, CAUSE_LOOPBACK, command_place(p->to),
			arena_printf(j->a,
				"%s listens on 127.0.0.1:%d only: nobody else can reach it", name,
				p->to_port));
		return blame_hint(j, "have it listen on 0.0.0.0 (--host, --bind, HOST=)");
	}
	if (!l && s->listeners.count) {
		blame(j, TRACE_CONNECT, CAUSE_WRONG_PORT, p->place,
			arena_printf(j->a, "%s does not listen on %d, but on %s", name, p->to_port,
				ports_of(j->a, s)));
		return blame_hint(j, "name that port here, or have the service listen on this one");
	}
	if (!l) {
		blame(j, TRACE_CONNECT, CAUSE_NOT_LISTENING, command_place(p->to),
			arena_printf(j->a, "%s runs, but listens on no port", name));
		return blame_hint(
			j, arena_printf(j->a, "does it still start? `devenv logs %s`", name));
	}
	return false;
}

static bool judge_connect(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	if (s->service.failure != TRACE_NO_CONNECTION || !bad(j))
		return false;
	if (s->sockets && judge_listeners(j))
		return true;
	bool host = p->to->where == RUN_HOST; /* nothing is in between */
	return blame(j, TRACE_CONNECT, host ? CAUSE_NOT_LISTENING : CAUSE_UNREACHABLE, p->place,
		arena_printf(j->a, "%s cannot be reached on port %d: %s", p->to->name, p->to_port,
			s->service.why));
}

/* ---- the service ---- */

static bool judge_needs(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_answer *x = &j->t->seen.service;
	if (p->from < TRACE_NEEDS &&
		!(x->status >= 500 || x->failure == TRACE_SILENT || x->failure == TRACE_BROKEN))
		return false;
	for (size_t i = 0; i < p->needs.count; i++) {
		const struct service *s = p->needs.items[i].service;
		if (trace_need_good(p, &j->t->seen, j->w, i))
			continue;
		blame(j, TRACE_NEEDS, CAUSE_DEPENDENCY_DOWN, p->needs.items[i].place,
			arena_printf(j->a, "%s needs %s, which is %s", p->to->name, s->name,
				trace_need_says(j->a, p, &j->t->seen, j->w, i)));
		return blame_hint(j, arena_printf(j->a, "`devenv up -d %s`; `devenv logs %s`",
					     s->name, s->name));
	}
	return false;
}

static bool judge_protocol(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	bool broken = s->service.failure == TRACE_BROKEN;
	if (s->tls.sent && s->tls.tls_us > 0 &&
		(broken || s->service.failure == TRACE_SILENT || s->service.status == 400)) {
		blame(j, TRACE_SERVICE, CAUSE_UPSTREAM_TLS, p->place,
			arena_printf(j->a, "%s speaks TLS on port %d; the route sends plain HTTP",
				p->to->name, p->to_port));
		return blame_hint(j, "have it speak HTTP there: the proxy does TLS for it");
	}
	if (broken && s->service.status)
		return blame(j, TRACE_SERVICE, CAUSE_SERVICE_ERROR, p->to->place,
			arena_printf(
				j->a, "%s breaks its answer off: %s", p->to->name, s->service.why));
	return broken && blame(j, TRACE_SERVICE, CAUSE_NOT_HTTP, p->place,
				 arena_printf(j->a, "what %s answers on port %d is no HTTP: %s",
					 p->to->name, p->to_port, s->service.why));
}

static bool is_stream(const struct trace_answer *x)
{
	const char *type = trace_header(&x->headers, "Content-Type");
	return type && starts_with(type, "text/event-stream");
}

static bool judge_time(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	char limit[16];
	format_duration(limit, p->timeout_ms);
	if (s->service.failure == TRACE_SILENT && !s->service.status) {
		blame(j, TRACE_SERVICE, CAUSE_TIMEOUT, p->to->place,
			arena_printf(j->a, "%s took the request and did not answer within %s",
				p->to->name, limit));
		return blame_hint(j, "--timeout SECONDS waits longer");
	}
	if (s->route.status != 504 && (s->route.failure != TRACE_SILENT || s->route.status))
		return false;
	blame(j, TRACE_PROXY, CAUSE_TIMEOUT, p->via ? p->via->place : p->place,
		arena_printf(j->a, "no answer through %s in time",
			p->via ? p->via->name : "the published port"));
	return blame_hint(j, is_stream(&s->service)
				     ? "it holds streams back: answer with X-Accel-Buffering: no"
				     : NULL);
}

static bool judge_loop(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	if (!s->loop)
		return false;
	bool own = s->service.status >= 300 && s->service.status < 400;
	const char *to = trace_header(&s->route.headers, "Location");
	const struct service *who = own || !p->via ? p->to : p->via;
	blame(j, own ? TRACE_SERVICE : TRACE_PROXY, CAUSE_REDIRECT_LOOP,
		who ? who->place : p->place,
		arena_printf(j->a, "%s redirects in a circle: %s", who ? who->name : p->host, to));
	return blame_hint(j, own ? "does it heed X-Forwarded-Proto and X-Forwarded-Prefix?" : NULL);
}

static bool judge_host(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	const char *host = trace_header(&p->to_headers, "Host");
	if (!s->other_host.sent || s->other_host.failure || s->other_host.status >= 400)
		return false;
	blame(j, TRACE_SERVICE, CAUSE_HOST, command_place(p->to),
		arena_printf(j->a, "%s refuses the name %s: %d, but %d as localhost", p->to->name,
			host ? host : p->host, s->service.status, s->other_host.status));
	return blame_hint(j, "allow that name in the service (ALLOWED_HOSTS, allowedHosts, "
			     "server_name)");
}

static bool judge_path(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	if (!s->other_path.sent || s->other_path.failure || s->other_path.status >= 400)
		return false;
	blame(j, TRACE_PROXY, CAUSE_MAPPING, p->route->place,
		arena_printf(j->a, "%s does not know %s, but %s", p->to->name, p->to_path,
			p->other_path));
	return blame_hint(j, p->route->strip ? "leave out `strip: true`"
					     : "`strip: true` takes the route's path off");
}

static bool judge_service(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	if (s->service.status < 500)
		return false;
	blame(j, TRACE_SERVICE, CAUSE_SERVICE_ERROR, p->to->place,
		arena_printf(j->a, "%s itself answers %d", p->to->name, s->service.status));
	return blame_hint(j, arena_printf(j->a, "`devenv logs %s`", p->to->name));
}

/* What remains: the service answers here, and not there. */
static bool judge_rest(struct judge *j)
{
	const struct trace_plan *p = &j->t->plan;
	const struct trace_seen *s = &j->t->seen;
	if (!s->route.sent || (s->route.status < 500 && !s->route.failure))
		return false;
	if (p->via && p->to && p->to->where == RUN_HOST && s->service.status) {
		blame(j, TRACE_UPSTREAM, CAUSE_LOOPBACK, command_place(p->to),
			arena_printf(j->a,
				"%s answers on this host, but containers cannot reach it there",
				p->to->name));
		return blame_hint(j, "`devenv up` relays to it; or have it listen on 0.0.0.0");
	}
	const char *why =
		s->route.failure ? s->route.why : arena_printf(j->a, "%d", s->route.status);
	return blame(j, p->via ? TRACE_PROXY : TRACE_TCP, CAUSE_PROXY_ERROR,
		p->via ? p->via->place : p->place,
		arena_printf(j->a, "%s answers %s, though %s answers %d",
			p->via ? p->via->name : "the published port", why,
			p->to ? p->to->name : "nobody", s->service.status));
}

static bool (*const judges[])(struct judge *) = {
	judge_name,
	judge_tcp,
	judge_tls,
	judge_route,
	judge_limit,
	judge_unmapped,
	judge_down,
	judge_address,
	judge_connect,
	judge_needs,
	judge_protocol,
	judge_time,
	judge_loop,
	judge_host,
	judge_path,
	judge_service,
	judge_rest,
};

void trace_judge(struct arena *a, const struct project *p, const struct world *w, int64_t now,
	struct trace *t)
{
	struct judge j = { a, p, w, now, t };
	trace_rows(a, w, t);
	trace_compare(a, t);
	for (size_t i = 0; i < countof(judges); i++) {
		if (judges[i](&j)) {
			t->rows[t->stage].mark = TRACE_BAD;
			return;
		}
	}
}
