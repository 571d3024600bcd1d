/*
 * What nginx does with a path under the mappings of nginx.c. Comes in: routes and the path as it
 * was sent. Goes out: the location that takes it and what the upstream gets. Knows no service's
 * state.
 */
#include "planner/trace.h"

#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes %XX up to the query; false for what nginx answers with 400. */
static bool decode(struct buf *out, const char *path)
{
	for (const char *s = path; *s && *s != '?' && *s != '#'; s++) {
		if (*s != '%') {
			buf_addc(out, *s);
			continue;
		}
		int high = hex_digit(s[1]), low = high < 0 ? -1 : hex_digit(s[2]);
		if (low < 0 || high * 16 + low == 0)
			return false;
		buf_addc(out, (char)(high * 16 + low));
		s += 2;
	}
	return true;
}

static void drop_last(struct buf *out)
{
	size_t n = out->len - 1; /* it ends in a slash */
	while (n && out->data[n - 1] != '/')
		n--;
	buf_truncate(out, n);
}

/* Dots and double slashes; false: it leads out of the root. */
static bool straighten(struct buf *out, const char *path)
{
	buf_addc(out, '/');
	for (const char *s = path + 1; *s;) {
		size_t len = strcspn(s, "/");
		bool last = !s[len];
		if (len == 2 && strncmp(s, "..", 2) == 0) {
			if (out->len == 1)
				return false;
			drop_last(out);
		} else if (len && !(len == 1 && *s == '.')) {
			buf_add(out, s, len);
			if (!last)
				buf_addc(out, '/');
		}
		s += len + !last;
	}
	return true;
}

const char *trace_path(struct arena *a, const char *path)
{
	cleanup_buf struct buf plain = BUF_INIT, out = BUF_INIT;
	if (*path != '/' || !decode(&plain, path) || !straighten(&out, buf_str(&plain)))
		return NULL;
	return arena_strdup(a, buf_str(&out));
}

/* nginx prefers the exact name, then the longest with a star in front. 0: it is not meant. */
static size_t host_rank(const char *pattern, const char *host)
{
	if (streq(pattern, host))
		return SIZE_MAX;
	return starts_with(pattern, "*.") && ends_with(host, pattern + 1) &&
			       strlen(host) > strlen(pattern + 1)
		       ? strlen(pattern)
		       : 0;
}

static size_t best_rank(const struct project *p, const struct service *via, const char *host)
{
	size_t best = 0;
	for (size_t i = 0; i < p->routes.count; i++) {
		const struct route *r = &p->routes.items[i];
		size_t rank = r->via == via ? host_rank(r->host, host) : 0;
		best = rank > best ? rank : best;
	}
	return best;
}

/* A route's path without slashes at its end: "" of "/". */
static const char *base_of(struct arena *a, const struct route *r)
{
	size_t len = strlen(r->path);
	while (len && r->path[len - 1] == '/')
		len--;
	return arena_strndup(a, r->path, len);
}

static bool takes(const char *base, const char *path)
{
	size_t len = strlen(base);
	return strncmp(path, base, len) == 0 && (path[len] == '/' || !path[len]);
}

const struct route *trace_match(struct arena *a, const struct project *p, const struct service *via,
	const char *host, const char *path, const char **location)
{
	const struct route *best = NULL;
	size_t rank = best_rank(p, via, host), longest = 0;
	for (size_t i = 0; rank && i < p->routes.count; i++) {
		const struct route *r = &p->routes.items[i];
		const char *base = base_of(a, r);
		if (r->via != via || host_rank(r->host, host) != rank || !takes(base, path) ||
			(best && strlen(base) <= longest))
			continue;
		best = r;
		longest = strlen(base);
		*location = streq(base, path) ? arena_printf(a, "= %s", base)
					      : arena_printf(a, "%s/", base);
	}
	return best;
}

/* What nginx writes after a rewrite, from the decoded path. */
static void escape(struct buf *out, const char *path)
{
	for (const unsigned char *s = (const unsigned char *)path; *s; s++) {
		if (*s <= 0x20 || *s >= 0x7f || strchr("\"#%<>?\\^`{|}", *s))
			buf_addf(out, "%%%02X", *s);
		else
			buf_addc(out, (char)*s);
	}
}

const char *trace_upstream_path(
	struct arena *a, const struct route *r, const char *path, bool strip)
{
	cleanup_buf struct buf out = BUF_INIT;
	const char *base = base_of(a, r), *plain = trace_path(a, path), *query = strchr(path, '?');
	if (!strip || !*base || !plain || !takes(base, plain))
		return path;
	buf_addc(&out, '/');
	if (plain[strlen(base)])
		escape(&out, plain + strlen(base) + 1);
	buf_adds(&out, query ? query : "");
	return arena_strdup(a, buf_str(&out));
}
