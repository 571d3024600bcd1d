/*
 * The stages of a trace as rows, and how the answer through the route differs from the service's
 * own. Comes in: a plan and what was seen. Goes out: words; who is to blame is trace_cause.c's.
 */
#include "trace_parts.h"

#include <string.h>
#include <strings.h>
#include <time.h>

const char *trace_day(struct arena *a, int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm;
	char text[32];
	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d", &tm))
		return "an unknown day";
	return arena_strdup(a, text);
}

const char *trace_state(struct arena *a, const struct world *w, const struct service *s)
{
	const struct container *c = world_container(w, s->name);
	if (!c)
		return "not there";
	if (c->state == UNIT_EXITED && s->kind == KIND_JOB && service_success(s, c->exit_code))
		return "done";
	if (c->state == UNIT_EXITED)
		return arena_printf(a, "stopped (exit status %d)", c->exit_code);
	if (c->state == UNIT_RUNNING && c->health == HEALTH_UNHEALTHY)
		return "unhealthy";
	return unit_state_name(c->state);
}

const char *trace_upstream(const struct trace_seen *s)
{
	if (s->proxied.upstream)
		return s->proxied.upstream;
	return s->resolved.count ? s->resolved.items[0] : NULL;
}

bool trace_need_good(
	const struct trace_plan *p, const struct trace_seen *s, const struct world *w, size_t need)
{
	const struct service *n = p->needs.items[need].service;
	const struct container *c = world_container(w, n->name);
	if (n->kind == KIND_JOB)
		return c && (c->state == UNIT_RUNNING ||
				    (c->state == UNIT_EXITED && service_success(n, c->exit_code)));
	bool up = c && (c->state == UNIT_RUNNING || c->state == UNIT_STARTING);
	if (!up || c->health == HEALTH_UNHEALTHY)
		return false;
	return !s->reached || !p->needs.items[need].address || s->reached[need];
}

const char *trace_need_says(struct arena *a, const struct trace_plan *p, const struct trace_seen *s,
	const struct world *w, size_t need)
{
	const struct trace_need *n = &p->needs.items[need];
	const char *state = trace_state(a, w, n->service);
	if (!s->reached || !n->address || s->reached[need])
		return state;
	return arena_printf(a, "%s, but refuses connections on port %d", state, n->port);
}

/* ---- rows ---- */

static int64_t since(int64_t end, int64_t start)
{
	return end > 0 ? end - start : -1;
}

static int64_t latest(const struct trace_answer *x)
{
	return x->tls_us ? x->tls_us : x->connect_us ? x->connect_us : x->name_us;
}

static void answered(struct arena *a, struct trace_row *row, const struct trace_answer *x)
{
	row->mark = x->failure || x->status >= 500 ? TRACE_BAD : TRACE_GOOD;
	row->status = x->status;
	row->bytes = x->status ? (int64_t)x->body_len : -1;
	row->us = since(x->total_us, latest(x));
	row->says = x->failure ? x->why : "";
	if (x->status >= 300 && x->status < 400 && trace_header(&x->headers, "Location"))
		row->says = arena_printf(a, "to %s", trace_header(&x->headers, "Location"));
}

static void row_outside(struct arena *a, const struct trace_plan *p, const struct trace_seen *s,
	struct trace_row *rows)
{
	const struct trace_answer *x = &s->route;
	bool named = x->address || x->failure == TRACE_NO_CONNECTION;
	struct trace_row *name = &rows[TRACE_NAME], *tcp = &rows[TRACE_TCP];
	name->where = p->host;
	tcp->where = arena_printf(a, "%s:%d", x->address ? x->address : p->host, p->port);
	if (!x->sent)
		return;
	if (p->by_name) {
		name->mark = named ? TRACE_GOOD : TRACE_BAD;
		name->says = x->address ? x->address : named ? "resolved" : x->why;
		name->us = since(x->name_us, 0);
	}
	if (x->address)
		*tcp = (struct trace_row){ TRACE_GOOD, tcp->where, "connected", 0, -1,
			since(x->connect_us, x->name_us) };
	else if (named)
		*tcp = (struct trace_row){ TRACE_BAD, tcp->where, x->why, 0, -1, -1 };
}

static void row_tls(struct arena *a, const struct trace_plan *p, const struct trace_seen *s,
	struct trace_row *row)
{
	const struct trace_answer *x = s->verified.sent ? &s->verified : &s->route;
	const struct trace_certificate *c = &s->certificate;
	row->where = p->host;
	if (!streq(p->scheme, "https")) {
		row->says = "plain HTTP";
		return;
	}
	if (!s->route.address)
		return;
	bool unchecked = p->from == TRACE_PROXY;
	bool bad = x->failure == TRACE_BAD_CERTIFICATE || x->failure == TRACE_NO_TLS;
	row->mark = bad ? TRACE_BAD : unchecked ? TRACE_UNKNOWN : TRACE_GOOD;
	row->us = since(s->route.tls_us, s->route.connect_us);
	row->says = bad         ? x->why
		    : unchecked ? "not verified"
		    : c->known  ? arena_printf(a, "valid until %s%s", trace_day(a, c->not_after),
                                         c->ours ? ", of the local authority" : "")
				: "verified";
}

static void row_proxy(struct arena *a, const struct trace_plan *p, const struct trace_seen *s,
	struct trace_row *row)
{
	if (!p->via)
		return;
	row->where = p->location ? arena_printf(a, "%s location %s", p->via->name, p->location)
				 : arena_printf(a, "%s, no location", p->via->name);
	if (s->route.sent && s->route.address)
		answered(a, row, &s->route);
}

static void row_upstream(struct arena *a, const struct trace_plan *p, const struct trace_seen *s,
	struct trace_row *row)
{
	const char *used = trace_upstream(s);
	row->where = p->via ? p->upstream : NULL;
	if (!row->where)
		return;
	if (used) {
		row->mark = TRACE_GOOD;
		row->says =
			arena_printf(a, "%s%s", used, s->proxied.upstream ? "" : ", asked for now");
	} else if (s->proxied.found) {
		row->mark =
			s->route.status == 413 || s->route.status < 400 ? TRACE_UNKNOWN : TRACE_BAD;
		row->says = row->mark == TRACE_BAD ? "no address" : "not asked for";
	} else if (p->addresses.count) {
		row->says = arena_printf(
			a, "%s by the engine's word", strs_join(a, &p->addresses, ", "));
	}
}

static void row_connect(struct arena *a, const struct trace_plan *p, const struct trace_seen *s,
	struct trace_row *row)
{
	const struct trace_answer *x = &s->service;
	if (!p->to)
		return;
	row->where = x->address ? arena_printf(a, "%s:%d", x->address, x->port)
		     : p->addresses.count
			     ? arena_printf(a, "%s:%d", p->addresses.items[0], p->to_port)
			     : arena_printf(a, "%s:%d", p->to->name, p->to_port);
	if (!p->addresses.count)
		row->says = "no address";
	if (!x->sent)
		return;
	bool bad = x->failure == TRACE_NO_CONNECTION || x->failure == TRACE_NO_NAME;
	row->mark = bad ? TRACE_BAD : TRACE_GOOD;
	row->says = bad ? x->why : "connected";
	row->us = bad ? -1 : since(x->connect_us, x->name_us);
}

static void row_service(struct arena *a, const struct world *w, const struct trace_plan *p,
	const struct trace_seen *s, struct trace_row *row)
{
	if (!p->to)
		return;
	row->where = streq(p->to_path, p->path) ? p->to->name
						: arena_printf(a, "%s %s", p->to->name, p->to_path);
	row->says = trace_state(a, w, p->to);
	if (s->service.address)
		answered(a, row, &s->service);
	else if (!p->addresses.count)
		row->mark = TRACE_BAD;
}

static void row_needs(struct arena *a, const struct world *w, const struct trace_plan *p,
	const struct trace_seen *s, struct trace_row *row)
{
	struct strs names = { 0 }, says = { 0 };
	if (!p->to)
		return;
	row->mark = p->needs.count ? TRACE_GOOD : TRACE_UNKNOWN;
	for (size_t i = 0; i < p->needs.count; i++) {
		const char *name = p->needs.items[i].service->name;
		strs_add(a, &names, name);
		strs_add(a, &says, arena_printf(a, "%s %s", name, trace_need_says(a, p, s, w, i)));
		if (!trace_need_good(p, s, w, i))
			row->mark = TRACE_BAD;
	}
	row->where = p->needs.count ? strs_join(a, &names, ", ") : NULL;
	row->says = p->needs.count ? strs_join(a, &says, ", ") : "";
}

void trace_rows(struct arena *a, const struct world *w, struct trace *t)
{
	const struct trace_plan *p = &t->plan;
	const struct trace_seen *s = &t->seen;
	for (size_t i = 0; i < TRACE_STAGES; i++)
		t->rows[i] = (struct trace_row){ TRACE_UNKNOWN, NULL, "", 0, -1, -1 };
	row_outside(a, p, s, t->rows);
	row_tls(a, p, s, &t->rows[TRACE_TLS]);
	row_proxy(a, p, s, &t->rows[TRACE_PROXY]);
	row_upstream(a, p, s, &t->rows[TRACE_UPSTREAM]);
	row_connect(a, p, s, &t->rows[TRACE_CONNECT]);
	row_service(a, w, p, s, &t->rows[TRACE_SERVICE]);
	row_needs(a, w, p, s, &t->rows[TRACE_NEEDS]);
}

/* ---- differences ---- */

/* Those of a single hop, or of a single answer. */
static bool is_incidental(const char *name)
{
	static const char *const names[] = { "Connection", "Keep-Alive", "Date",
		"Transfer-Encoding", "Content-Length", "Server", "Alt-Svc" };
	for (size_t i = 0; i < countof(names); i++) {
		if (strcasecmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static void differ(
	struct arena *a, struct trace *t, const char *what, const char *route, const char *service)
{
	if (!streq(route, service))
		*list_push(a, &t->differences) = (struct trace_difference){ what, route, service };
}

static bool same_body(const struct trace_answer *x, const struct trace_answer *y)
{
	return x->body_len == y->body_len &&
	       (!x->body_len || memcmp(x->body, y->body, x->body_len) == 0);
}

void trace_compare(struct arena *a, struct trace *t)
{
	const struct trace_answer *x = &t->seen.route, *y = &t->seen.service;
	if (!x->status || !y->status)
		return;
	if (x->status != y->status)
		differ(a, t, "status", arena_printf(a, "%d", x->status),
			arena_printf(a, "%d", y->status));
	for (size_t i = 0; i < x->headers.count; i++) {
		const struct trace_header *h = &x->headers.items[i];
		if (!is_incidental(h->name))
			differ(a, t, h->name, h->value, trace_header(&y->headers, h->name));
	}
	for (size_t i = 0; i < y->headers.count; i++) {
		const struct trace_header *h = &y->headers.items[i];
		if (!is_incidental(h->name) && !trace_header(&x->headers, h->name))
			differ(a, t, h->name, NULL, h->value);
	}
	if (!same_body(x, y))
		differ(a, t, "body", arena_printf(a, "%zu bytes", x->body_len),
			x->body_len == y->body_len ? arena_printf(a, "%zu other bytes", y->body_len)
						   : arena_printf(a, "%zu bytes", y->body_len));
}
