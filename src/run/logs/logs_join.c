/*
 * A proxy's error lines and the request that they are about. Comes in: access lines with the wanted
 * id. Goes out: whether an error line is of one of them, by connection, time and request.
 */
#include <string.h>

#include "run/logs/log_file.h"

/* Error lines have whole seconds, and come before the access line or with it. */
#define BEFORE_NS (1000 * 1000000LL)
#define AFTER_NS (200 * 1000000LL)

static struct span copied(struct arena *a, struct span s)
{
	return (struct span){ arena_strndup(a, s.len ? s.at : "", s.len), s.len };
}

void log_join_note(
	struct log_filter *f, const char *service, int64_t time_ns, const char *text, size_t len)
{
	struct proxy_access x;
	if (!proxy_access_read(&x, text, len))
		return;
	struct log_access *a = list_push(&f->arena, &f->accesses);
	a->service = arena_strdup(&f->arena, service);
	a->from_ns = time_ns - x.took_ns - BEFORE_NS;
	a->until_ns = time_ns + AFTER_NS;
	a->request = x;
	a->request.method = copied(&f->arena, x.method);
	a->request.uri = copied(&f->arena, x.uri);
}

bool log_join_has(const struct log_filter *f, const char *service, int64_t time_ns,
	const char *text, size_t len)
{
	for (size_t i = 0; i < f->accesses.count; i++) {
		const struct log_access *a = &f->accesses.items[i];
		if (time_ns >= a->from_ns && time_ns <= a->until_ns && streq(a->service, service) &&
			proxy_error_of(&a->request, text, len))
			return true;
	}
	return false;
}

void log_waiting_keep(
	struct log_waiting *w, enum stream stream, int64_t time_ns, const char *text, size_t len)
{
	if (len > LOG_WAITING_BYTES || proxy_error_connection(text, len) < 0)
		return;
	size_t at = w->next++ % LOG_WAITING;
	xfree(w->lines[at].text);
	w->lines[at].text = xmalloc(len + 1);
	memcpy(w->lines[at].text, text, len);
	w->lines[at].text[len] = '\0';
	w->lines[at].len = len;
	w->lines[at].time_ns = time_ns;
	w->lines[at].stream = stream;
}

void log_waiting_give(struct log_waiting *w, const struct log_filter *f, const char *service,
	int number, log_fn *fn, void *ctx)
{
	for (size_t i = 0; i < LOG_WAITING; i++) {
		size_t at = (w->next + i) % LOG_WAITING; /* the oldest first */
		char *text = w->lines[at].text;
		if (!text ||
			!log_join_has(f, service, w->lines[at].time_ns, text, w->lines[at].len))
			continue;
		fn(ctx, service, number, w->lines[at].stream, w->lines[at].time_ns, text,
			w->lines[at].len);
		xfree(text);
		w->lines[at].text = NULL;
	}
}

void log_waiting_release(struct log_waiting *w)
{
	for (size_t i = 0; i < LOG_WAITING; i++)
		xfree(w->lines[i].text);
}
