/*
 * Requests of a trace. Comes in: the plan. Goes out: answers with their times, the certificate that
 * was shown, the way that redirects lead. Each request has a connection of its own and an end.
 */
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "run/secrets/authority.h"
#include "run/secrets/certificate_facts.h"
#include "run/trace/trace.h"

enum { HOPS_MAX = 10, BODY_MAX = 16 * 1024 * 1024 };

struct shot { /* one request */
	const char *url, *connect_to;
	const trace_headers *headers;
	bool unverified, bodyless;
};

static const char *const *lines_of(struct arena *a, const trace_headers *h)
{
	const char **lines = arena_array(a, const char *, h->count + 1);
	for (size_t i = 0; i < h->count; i++) /* libcurl's way of an empty value is a semicolon */
		lines[i] = *h->items[i].value
				   ? arena_printf(a, "%s: %s", h->items[i].name, h->items[i].value)
				   : arena_printf(a, "%s;", h->items[i].name);
	return lines;
}

static void read_headers(struct arena *a, const struct buf *head, trace_headers *out)
{
	const char *line = strchr(buf_str(head), '\n');
	while (line && *++line) {
		size_t len = strcspn(line, "\r\n"), name = strcspn(line, ":\r\n");
		if (name < len) {
			const char *v = line + name + 1;
			v += strspn(v, " \t");
			*list_push(a, out) = (struct trace_header){ arena_strndup(a, line, name),
				arena_strndup(a, v, (size_t)(line + len - v)) };
		}
		line = strchr(line, '\n');
	}
}

static enum trace_failure failure_of(const struct http_answer *ans, const struct http_detail *d)
{
	static const enum trace_failure failures[] = {
		[HTTP_FAULT_NONE] = TRACE_ANSWERED,
		[HTTP_FAULT_NAME] = TRACE_NO_NAME,
		[HTTP_FAULT_CONNECT] = TRACE_NO_CONNECTION,
		[HTTP_FAULT_CERTIFICATE] = TRACE_BAD_CERTIFICATE,
		[HTTP_FAULT_TLS] = TRACE_NO_TLS,
		[HTTP_FAULT_TIME] = TRACE_SILENT,
		[HTTP_FAULT_ANSWER] = TRACE_BROKEN,
	};
	/* A stream goes on for ever, and answered all the same. */
	if (d->cut || (d->fault == HTTP_FAULT_TIME && ans->status && ans->status < 400))
		return TRACE_ANSWERED;
	return failures[d->fault];
}

static void note_answer(struct arena *a, const struct http_answer *ans, const struct http_detail *d,
	struct trace_answer *out)
{
	*out = (struct trace_answer){
		.sent = true,
		.failure = failure_of(ans, d),
		.why = arena_strdup(a, ans->why),
		.refused = d->refused,
		.status = ans->status,
		.address = d->address[0] ? arena_strdup(a, d->address) : NULL,
		.port = d->port,
		.name_us = d->name_us,
		.connect_us = d->connect_us,
		.tls_us = d->tls_us,
		.first_us = d->first_us,
		.total_us = d->total_us,
		.body = arena_strndup(a, buf_str(&ans->body), ans->body.len),
		.body_len = ans->body.len,
	};
	read_headers(a, &d->head, &out->headers);
}

static void note_certificate(struct tracer *x, const struct buf *pem)
{
	struct err ignored = ERR_INIT;
	struct certificate_facts facts;
	struct authority au;
	struct trace_certificate *c = &x->seen->certificate;
	if (!pem->len || c->known || certificate_facts(x->arena, x->places, pem, &facts, &ignored))
		return;
	c->known = true;
	c->names = facts.hosts;
	c->not_before = facts.not_before;
	c->not_after = facts.not_after;
	if (!authority_read(x->arena, x->places, &au, &ignored)) {
		c->ours = certificate_issued(x->places, pem, &au.pem);
		authority_release(&au);
	}
}

static const char *ca_file(struct tracer *x)
{
	const char *path = path_join(x->arena, x->places->data, "ca/ca.crt");
	return file_exists(path) ? path : NULL;
}

static void send_one(struct tracer *x, const struct shot *s, struct trace_answer *out)
{
	const struct trace_plan *p = x->plan;
	struct http_detail d = { .fault = HTTP_FAULT_NONE };
	struct http_request r = {
		.method = p->method,
		.url = s->url,
		.body = s->bodyless ? NULL : p->data,
		.body_len = s->bodyless ? 0 : p->data_len,
		.total_ms = p->timeout_ms,
		.max_body = BODY_MAX,
		.any_certificate = s->unverified,
		.ca_file = s->unverified ? NULL : ca_file(x),
		.headers = lines_of(x->arena, s->headers),
		.connect_to = s->connect_to,
		.detail = &d,
	};
	int before = loop_interrupts(x->loop);
	struct http_call *c = http_start(x->http, &r);
	while (!http_done(c) && loop_interrupts(x->loop) == before)
		http_turn(x->http, x->loop, 1000);
	note_answer(x->arena, http_answer(c), &d, out);
	if (starts_with(s->url, "https:"))
		note_certificate(x, &d.certificate);
	http_call_free(c);
	buf_release(&d.head);
	buf_release(&d.certificate);
}

/* ---- the requests ---- */

/* Where the name is jumped over, its published address stands for it. */
static const char *jump(const struct trace_plan *p)
{
	return p->by_name ? NULL : "::127.0.0.1:";
}

static void send_route(struct tracer *x, bool unverified)
{
	const struct trace_plan *p = x->plan;
	struct shot s = { p->url, jump(p), &p->headers, unverified, false };
	if (unverified && x->seen->route.sent)
		x->seen->verified = x->seen->route;
	send_one(x, &s, &x->seen->route);
}

static void send_published(struct tracer *x)
{
	const struct trace_plan *p = x->plan;
	struct shot s = { .headers = &p->to_headers, .unverified = true };
	s.url = arena_printf(
		x->arena, "%s://127.0.0.1:%d%s", p->to_scheme, p->published, p->to_path);
	send_one(x, &s, &x->seen->service);
}

static void send_service(struct tracer *x, const char *scheme, const char *path,
	const trace_headers *headers, struct trace_answer *out)
{
	const struct trace_plan *p = x->plan;
	struct shot s = { .headers = headers, .unverified = true };
	s.url = arena_printf(
		x->arena, "%s://%s:%d%s", scheme, p->addresses.items[0], p->to_port, path);
	send_one(x, &s, out);
}

static bool names_host(const char *name)
{
	return streq(name, "Host") || streq(name, "host") || streq(name, "X-Forwarded-Host");
}

static trace_headers as_localhost(struct arena *a, const trace_headers *h)
{
	trace_headers out = { 0 };
	for (size_t i = 0; i < h->count; i++)
		*list_push(a, &out) = (struct trace_header){ h->items[i].name,
			names_host(h->items[i].name) ? "localhost" : h->items[i].value };
	return out;
}

void tracer_send(struct tracer *x, enum trace_probe probe)
{
	const struct trace_plan *p = x->plan;
	struct trace_seen *s = x->seen;
	trace_headers other;
	switch (probe) {
	case TRACE_SEND_ROUTE:
	case TRACE_SEND_UNVERIFIED:
		send_route(x, probe == TRACE_SEND_UNVERIFIED);
		break;
	case TRACE_SEND_SERVICE:
		send_service(x, p->to_scheme, p->to_path, &p->to_headers, &s->service);
		break;
	case TRACE_SEND_PUBLISHED:
		send_published(x);
		break;
	case TRACE_SERVICE_TLS:
		send_service(x, "https", p->to_path, &p->to_headers, &s->tls);
		break;
	case TRACE_SERVICE_HOST:
		other = as_localhost(x->arena, &p->to_headers);
		send_service(x, p->to_scheme, p->to_path, &other, &s->other_host);
		break;
	case TRACE_SERVICE_PATH:
		send_service(x, p->to_scheme, p->other_path, &p->to_headers, &s->other_path);
		break;
	default:
		bug("no request: %d", (int)probe);
	}
}

/* ---- redirects ---- */

static bool is_http(const char *url)
{
	return starts_with(url, "http://") || starts_with(url, "https://");
}

/* Of a path from base as far as what `to` replaces. */
static size_t kept_of(const char *base, size_t root, const char *to)
{
	size_t end = root + strcspn(base + root, "?#");
	if (*to == '/')
		return root;
	if (*to == '?' || !*to)
		return end;
	while (end > root && base[end - 1] != '/')
		end--;
	return end;
}

const char *tracer_target(struct arena *a, const char *base, const char *location)
{
	size_t authority = (size_t)(strstr(base, "://") + 3 - base);
	size_t root = authority + strcspn(base + authority, "/?#");
	const char *to = arena_strndup(a, location, strcspn(location, "#"));
	if (is_http(to))
		return to;
	if (to[strcspn(to, ":/?")] == ':')
		return NULL;
	if (starts_with(to, "//"))
		return arena_printf(a, "%.*s%s", (int)authority - 2, base, to);
	size_t kept = kept_of(base, root, to);
	bool bare = kept == root && *to != '/';
	return arena_printf(a, "%.*s%s%s", (int)kept, base, bare ? "/" : "", to);
}

static bool visited(const struct trace_seen *s, const char *url)
{
	for (size_t i = 0; i < s->hops.count; i++) {
		if (streq(s->hops.items[i].url, url))
			return true;
	}
	return false;
}

static bool same_host(const struct trace_plan *p, const char *url)
{
	const char *authority = strstr(url, "://") + 3;
	size_t len = strcspn(authority, ":/?#");
	return strlen(p->host) == len && strncmp(authority, p->host, len) == 0;
}

/* Only on the traced host: where else it leads is nobody's business here. */
void tracer_follow(struct tracer *x)
{
	const struct trace_plan *p = x->plan;
	struct trace_seen *s = x->seen;
	struct trace_answer now = s->route;
	const char *url = p->url, *to;
	int before = loop_interrupts(x->loop);
	while (loop_interrupts(x->loop) == before && now.status >= 300 && now.status < 400 &&
		(to = trace_header(&now.headers, "Location"))) {
		*list_push(x->arena, &s->hops) = (struct trace_hop){ url, now.status };
		url = tracer_target(x->arena, url, to);
		if (!url || !same_host(p, url))
			return;
		s->loop = visited(s, url) || s->hops.count > HOPS_MAX;
		if (s->loop)
			return;
		struct shot next = { url, jump(p), &p->headers, true, true };
		send_one(x, &next, &now);
	}
	*list_push(x->arena, &s->hops) = (struct trace_hop){ url, now.status };
}
