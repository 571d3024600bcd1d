/*
 * Texts that others write, read for a trace: what a network namespace listens on, and lines of a
 * proxy's log. Comes in: raw text, hostile or not. Goes out: facts; what is not understood is
 * skipped.
 */
#include "planner/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc/proxy_line.h"

enum { TCP_LISTEN = 0x0A };

/* The engine's name server in every container: 127.0.0.11. */
static const char engine_names[] = "0B00007F";

static bool is_loopback(const char *address)
{
	static const char v6[] = "00000000000000000000000001000000";
	static const char mapped[] = "0000000000000000FFFF0000";
	size_t len = strlen(address);
	if (len == 8)
		return streq(address + 6, "7F");
	return streq(address, v6) || (starts_with(address, mapped) && streq(address + 30, "7F"));
}

static void listener(struct arena *a, const char *line, struct trace_seen *out)
{
	char address[33], dot;
	unsigned slot, port, peer_port, state;
	char peer[33];
	if (sscanf(line, " %u%c %32[0-9A-Fa-f]:%x %32[0-9A-Fa-f]:%x %x", &slot, &dot, address,
		    &port, peer, &peer_port, &state) != 7)
		return;
	if (state == TCP_LISTEN && !streq(address, engine_names))
		*list_push(a, &out->listeners) =
			(struct trace_listener){ .loopback = is_loopback(address),
				.port = (int)port };
}

static void read_sockets(struct arena *a, struct trace_seen *s)
{
	for (const char *line = s->sockets; line && *line;) {
		size_t len = strcspn(line, "\n");
		listener(a, arena_strndup(a, line, len), s);
		line += len + (line[len] == '\n');
	}
}

/* NULL when it is not there. */
static const char *field(struct arena *a, const char *line, const char *key)
{
	struct span s;
	return line_field(line, strlen(line), key, &s) ? arena_strndup(a, s.at, s.len) : NULL;
}

/* Of several tries the last: "10.0.0.2:80, 10.0.0.3:80". */
static const char *last_of(const char *list)
{
	const char *comma = list ? strrchr(list, ',') : NULL;
	list = comma ? comma + 1 + strspn(comma + 1, " ") : list;
	return list && *list && !streq(list, "-") ? list : NULL;
}

/* upstream: "http://172.18.0.3:8000/x" of nginx's error log. */
static const char *error_upstream(struct arena *a, const char *line)
{
	static const char mark[] = "upstream: \"";
	const char *at = strstr(line, mark), *sep = at ? strstr(at, "://") : NULL;
	return sep ? arena_strndup(a, sep + 3, strcspn(sep + 3, "/\"")) : NULL;
}

/* Error lines carry no id, but the connection that the access line tells, too; where a log of
 * another format does not, the request's first line has to do. */
static bool about(const struct trace_plan *p, struct arena *a, const struct proxy_access *known,
	const char *line)
{
	if (known)
		return proxy_error_of(known, line, strlen(line));
	return strstr(line, arena_printf(a, "request: \"%s %s ", p->method, p->path)) != NULL;
}

static void read_proxied(struct arena *a, const char *line, struct trace_proxied *out)
{
	int64_t status;
	const char *v = last_of(field(a, line, "upstream"));
	out->found = true;
	out->upstream = v ? v : out->upstream;
	v = field(a, line, "status");
	out->status = v && parse_int(v, &status) ? (int)status : out->status;
}

static bool carries_id(const struct trace_plan *p, const char *line)
{
	return line_has_id(line, strlen(line), p->id, strlen(p->id));
}

/* Is this line of the proxy's about the request? Then notes what it says. */
static bool read_proxy_line(struct arena *a, const struct trace_plan *p,
	const struct proxy_access *known, const char *line, struct trace_proxied *out)
{
	if (carries_id(p, line)) {
		read_proxied(a, line, out);
		return true;
	}
	if (!about(p, a, known, line))
		return false;
	const char *v = error_upstream(a, line);
	out->error = line;
	out->upstream = v && !out->upstream ? v : out->upstream;
	return true;
}

static bool of_proxy(const struct trace_plan *p, const struct trace_line *l)
{
	return p->via && streq(l->service, p->via->name);
}

/* The request as the proxy's access line has it; false: there is none, or it names no connection.
 */
static bool find_access(
	const struct trace_plan *p, const struct trace_seen *s, struct proxy_access *out)
{
	for (size_t i = 0; i < s->lines.count; i++) {
		const struct trace_line *l = &s->lines.items[i];
		if (of_proxy(p, l) && carries_id(p, l->text) &&
			proxy_access_read(out, l->text, strlen(l->text)))
			return true;
	}
	return false;
}

static void read_lines(struct arena *a, const struct trace_plan *p, struct trace_seen *s)
{
	size_t kept = 0;
	struct proxy_access access;
	const struct proxy_access *known = find_access(p, s, &access) ? &access : NULL;
	for (size_t i = 0; i < s->lines.count; i++) {
		struct trace_line l = s->lines.items[i];
		if (of_proxy(p, &l) ? read_proxy_line(a, p, known, l.text, &s->proxied)
				    : carries_id(p, l.text))
			s->lines.items[kept++] = l;
	}
	s->lines.count = kept;
}

void trace_digest(
	struct arena *a, const struct trace_plan *p, enum trace_probe probe, struct trace_seen *s)
{
	if (probe == TRACE_LISTEN)
		read_sockets(a, s);
	if (probe == TRACE_READ_LOGS)
		read_lines(a, p, s);
}
