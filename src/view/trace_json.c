/*
 * A trace for programs: JSON of devenv's own shape (version 1) and the HTTP archive that browsers
 * read. Comes in: a judged trace. Goes out: trees; credentials in headers do not get into them.
 */
#include "view/trace.h"

#include <stdio.h>
#include <time.h>

static const struct place no_place = { 0 };

static void put(struct arena *a, struct node *map, const char *key, struct node *value)
{
	map_put(a, map, key, no_place, value);
}

static void put_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (text)
		view_clean(&b, text);
	put(a, map, key,
		text ? node_str(a, arena_strdup(a, buf_str(&b)), no_place)
		     : node_null(a, no_place));
}

static void put_number(struct arena *a, struct node *map, const char *key, int64_t n)
{
	put(a, map, key, node_int(a, n, no_place));
}

static void put_known(struct arena *a, struct node *map, const char *key, bool known, int64_t n)
{
	put(a, map, key, known ? node_int(a, n, no_place) : node_null(a, no_place));
}

static struct node *stage_json(struct arena *a, const struct trace *t, enum trace_stage s)
{
	static const char *const states[] = {
		[TRACE_GOOD] = "good", [TRACE_BAD] = "bad", [TRACE_UNKNOWN] = "unknown"
	};
	const struct trace_row *row = &t->rows[s];
	struct node *n = node_map(a, no_place);
	put_text(a, n, "stage", trace_stage_name(s));
	put_text(a, n, "state", states[row->mark]);
	put_text(a, n, "where", row->where);
	put_text(a, n, "says", row->says);
	put_known(a, n, "status", row->status != 0, row->status);
	put_known(a, n, "bytes", row->bytes >= 0, row->bytes);
	put_known(a, n, "us", row->us >= 0, row->us);
	return n;
}

static struct node *times_json(struct arena *a, const struct trace_answer *x)
{
	struct node *n = node_map(a, no_place);
	if (!x->sent)
		return node_null(a, no_place);
	put_number(a, n, "name_us", x->name_us);
	put_number(a, n, "connect_us", x->connect_us);
	put_number(a, n, "tls_us", x->tls_us);
	put_number(a, n, "first_byte_us", x->first_us);
	put_number(a, n, "total_us", x->total_us);
	return n;
}

static struct node *place_json(struct arena *a, const struct place *at)
{
	struct node *n = node_map(a, no_place);
	if (!at->file || !at->line)
		return node_null(a, no_place);
	put_text(a, n, "file", at->file);
	put_number(a, n, "line", at->line);
	put_number(a, n, "column", at->col);
	return n;
}

static struct node *differences_json(struct arena *a, const struct trace *t)
{
	struct node *list = node_list(a, no_place);
	for (size_t i = 0; i < t->differences.count; i++) {
		const struct trace_difference *d = &t->differences.items[i];
		struct node *n = node_map(a, no_place);
		put_text(a, n, "what", d->what);
		put_text(a, n, "route", view_header_value(d->what, d->route));
		put_text(a, n, "service", view_header_value(d->what, d->service));
		list_add(a, list, n);
	}
	return list;
}

static struct node *hops_json(struct arena *a, const struct trace *t)
{
	struct node *list = node_list(a, no_place);
	for (size_t i = 0; i < t->seen.hops.count; i++) {
		struct node *n = node_map(a, no_place);
		put_text(a, n, "url", t->seen.hops.items[i].url);
		put_number(a, n, "status", t->seen.hops.items[i].status);
		list_add(a, list, n);
	}
	return list;
}

static struct node *lines_json(struct arena *a, const struct trace *t)
{
	struct node *list = node_list(a, no_place);
	for (size_t i = 0; i < t->seen.lines.count; i++) {
		struct node *n = node_map(a, no_place);
		put_text(a, n, "service", t->seen.lines.items[i].service);
		put_text(a, n, "line", t->seen.lines.items[i].text);
		list_add(a, list, n);
	}
	return list;
}

struct node *view_trace_json(struct arena *a, const struct trace *t)
{
	bool good = t->cause == CAUSE_NONE;
	struct node *n = node_map(a, no_place), *stages = node_list(a, no_place);
	for (size_t i = 0; i < TRACE_STAGES; i++)
		list_add(a, stages, stage_json(a, t, (enum trace_stage)i));
	put_number(a, n, "version", 1);
	put_text(a, n, "id", t->plan.id);
	put_text(a, n, "method", t->plan.method);
	put_text(a, n, "url", t->plan.url);
	put_text(a, n, "from", trace_stage_name(t->plan.from));
	put(a, n, "stages", stages);
	put_text(a, n, "cause", trace_cause_name(t->cause));
	put_text(a, n, "stage", good ? NULL : trace_stage_name(t->stage));
	put_text(a, n, "text", t->text);
	put_text(a, n, "hint", t->hint);
	put(a, n, "place", place_json(a, &t->place));
	put(a, n, "route_times", times_json(a, &t->seen.route));
	put(a, n, "service_times", times_json(a, &t->seen.service));
	put(a, n, "redirects", hops_json(a, t));
	put(a, n, "differences", differences_json(a, t));
	put(a, n, "log", lines_json(a, t));
	return n;
}

/* ---- HAR ---- */

static void put_ms(struct arena *a, struct node *map, const char *key, int64_t us)
{
	char text[40];
	double ms = us < 0 ? -1 : (double)us / 1000;
	snprintf(text, sizeof(text), "%.3f", ms);
	put(a, map, key, node_float(a, ms, arena_strdup(a, text), no_place));
}

static struct node *headers_har(struct arena *a, const trace_headers *h)
{
	struct node *list = node_list(a, no_place);
	for (size_t i = 0; i < h->count; i++) {
		struct node *n = node_map(a, no_place);
		put_text(a, n, "name", h->items[i].name);
		put_text(a, n, "value", view_header_value(h->items[i].name, h->items[i].value));
		list_add(a, list, n);
	}
	return list;
}

static void put_unused(struct arena *a, struct node *n)
{
	put(a, n, "cookies", node_list(a, no_place));
	put_number(a, n, "headersSize", -1);
	put_text(a, n, "httpVersion", "HTTP/1.1");
}

static struct node *request_har(
	struct arena *a, const struct trace_plan *p, const char *url, const trace_headers *h)
{
	struct node *n = node_map(a, no_place), *data = node_map(a, no_place);
	const char *type = trace_header(h, "Content-Type");
	put_text(a, n, "method", p->method);
	put_text(a, n, "url", url);
	put(a, n, "headers", headers_har(a, h));
	put(a, n, "queryString", node_list(a, no_place));
	put_unused(a, n);
	put_number(a, n, "bodySize", p->data ? (int64_t)p->data_len : 0);
	if (!p->data || !utf8_valid(p->data, p->data_len, NULL))
		return n;
	put_text(a, data, "mimeType", type ? type : "");
	put(a, data, "text", node_strn(a, p->data, p->data_len, no_place));
	put(a, n, "postData", data);
	return n;
}

static struct node *response_har(struct arena *a, const struct trace_answer *x)
{
	struct node *n = node_map(a, no_place), *content = node_map(a, no_place);
	const char *type = trace_header(&x->headers, "Content-Type");
	const char *to = trace_header(&x->headers, "Location");
	put_number(a, n, "status", x->status);
	put_text(a, n, "statusText", "");
	put(a, n, "headers", headers_har(a, &x->headers));
	put_unused(a, n);
	put_number(a, n, "bodySize", (int64_t)x->body_len);
	put_text(a, n, "redirectURL", to ? to : "");
	put_number(a, content, "size", (int64_t)x->body_len);
	put_text(a, content, "mimeType", type ? type : "application/octet-stream");
	if (x->body_len && utf8_valid(x->body, x->body_len, NULL))
		put(a, content, "text", node_strn(a, x->body, x->body_len, no_place));
	put(a, n, "content", content);
	return n;
}

static struct node *timings_har(struct arena *a, const struct trace_answer *x)
{
	struct node *n = node_map(a, no_place);
	int64_t ready = x->tls_us ? x->tls_us : x->connect_us;
	put_ms(a, n, "blocked", -1);
	put_ms(a, n, "dns", x->name_us);
	/* The archive counts TLS within connect. */
	put_ms(a, n, "connect", x->connect_us ? ready - x->name_us : -1);
	put_ms(a, n, "ssl", x->tls_us ? x->tls_us - x->connect_us : -1);
	put_ms(a, n, "send", 0);
	put_ms(a, n, "wait", x->first_us ? x->first_us - ready : 0);
	put_ms(a, n, "receive", x->first_us ? x->total_us - x->first_us : 0);
	return n;
}

static const char *stamp(struct arena *a, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char text[40];
	if (!gmtime_r(&s, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		return "1970-01-01T00:00:00.000Z";
	return arena_printf(a, "%s.%03dZ", text, (int)(ms % 1000));
}

static void add_entry(struct arena *a, struct node *list, const struct trace_plan *p,
	const char *url, const trace_headers *h, const struct trace_answer *x, int64_t ms,
	const char *comment)
{
	struct node *n = node_map(a, no_place);
	if (!x->status)
		return;
	put_text(a, n, "startedDateTime", stamp(a, ms));
	put_ms(a, n, "time", x->total_us);
	put(a, n, "request", request_har(a, p, url, h));
	put(a, n, "response", response_har(a, x));
	put(a, n, "cache", node_map(a, no_place));
	put(a, n, "timings", timings_har(a, x));
	put_text(a, n, "serverIPAddress", x->address ? x->address : "");
	put_text(a, n, "comment", comment);
	list_add(a, list, n);
}

struct node *view_trace_har(
	struct arena *a, const struct trace *t, const char *version, int64_t began_ms)
{
	struct node *top = node_map(a, no_place), *log = node_map(a, no_place);
	struct node *creator = node_map(a, no_place), *entries = node_list(a, no_place);
	const struct trace_plan *p = &t->plan;
	put_text(a, creator, "name", "devenv");
	put_text(a, creator, "version", version);
	add_entry(
		a, entries, p, p->url, &p->headers, &t->seen.route, began_ms, "through the route");
	if (p->addresses.count)
		add_entry(a, entries, p,
			arena_printf(
				a, "http://%s:%d%s", p->addresses.items[0], p->to_port, p->to_path),
			&p->to_headers, &t->seen.service, began_ms + t->seen.route.total_us / 1000,
			"at the service");
	put_text(a, log, "version", "1.2");
	put(a, log, "creator", creator);
	put(a, log, "entries", entries);
	put(a, top, "log", log);
	return top;
}
