/*
 * Readiness of host services: looks through whoever runs them, and the checks that need no
 * container: a command beside the service, a line of its log file, its own word. Comes in: units
 * that wait. Goes out: what was seen of them.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/logs/log_file.h"
#include "run/ready_probe.h"

enum {
	LOOK_FAST_MS = 5,
	LOOK_FAST_TIMES = 20,
	LOOK_SLOW_MS = 50,
	EXEC_TRY_MS = 10000,
	LOG_READ_MAX = 1 << 20,
	OUTPUT_MAX = 4096,
};

/* ---- looking ---- */

int64_t readiness_next_host_look(const struct readiness *rd)
{
	return rd->host_look + (rd->host_looks < LOOK_FAST_TIMES ? LOOK_FAST_MS : LOOK_SLOW_MS);
}

static const struct container *copy_of_unit(const struct world *w, const struct ready_unit *u)
{
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *c = &w->containers.items[i];
		if (c->host && c->number == u->number && streq(c->service, u->service->name))
			return c;
	}
	return NULL;
}

void readiness_look_at_hosts(struct readiness *rd)
{
	struct err e = ERR_INIT;
	struct world w = { 0 };
	struct hosts *h = rd->pf->hosts;
	if (now_ms() < readiness_next_host_look(rd))
		return;
	rd->host_look = now_ms();
	rd->host_looks++;
	arena_release(&rd->host_arena);
	if (!h)
		err_set(&e, ERR_FAILED, "no agent runs: its host services are down");
	if (!h || h->ops->look(h, &rd->host_arena, &w, &e)) {
		units_failed(rd, true, &e);
		return;
	}
	for (struct ready_unit *u = rd->units; u; u = u->next)
		if (u->host && u->verdict == GOES_ON)
			unit_seen(u, copy_of_unit(&w, u));
}

/* ---- its log file ---- */

/* The lines of its present run: what comes behind the last separator. */
static void each_line(
	struct ready_unit *u, void (*fn)(void *ctx, const struct log_line *l), void *ctx)
{
	char path[4096 + 300];
	cleanup_buf struct buf text = BUF_INIT;
	log_file_name(
		path, sizeof(path), u->owner->pf->places->logs, u->service->name, u->number, 0);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	off_t from = size > LOG_READ_MAX ? size - LOG_READ_MAX : 0;
	buf_reserve(&text, (size_t)(size - from) + 1);
	ssize_t n = fd < 0 ? -1 : pread(fd, text.data, (size_t)(size - from), from);
	if (fd >= 0)
		close(fd);
	const char *begin = text.data, *end = text.data + (n > 0 ? n : 0);
	struct log_line l;
	for (const char *at = begin, *nl; (nl = memchr(at, '\n', (size_t)(end - at))); at = nl + 1)
		if (log_line_read(at, (size_t)(nl - at), &l) && l.kind == '-')
			begin = nl + 1;
	for (const char *at = begin, *nl; (nl = memchr(at, '\n', (size_t)(end - at))); at = nl + 1)
		if (log_line_read(at, (size_t)(nl - at), &l))
			fn(ctx, &l);
}

static void keep_last(void *ctx, const struct log_line *l)
{
	tail_add(ctx, l->text, l->len);
}

/* What it said last may not be in its file yet. */
static bool keep_output(struct ready_unit *u, struct tail *t)
{
	struct hosts *h = u->owner->pf->hosts;
	struct arena a = ARENA_INIT;
	const char *text = h && h->ops->output && u->id[0] ? h->ops->output(h, &a, u->id) : NULL;
	for (const char *at = text, *nl; at && *at; at = nl ? nl + 1 : NULL) {
		nl = strchr(at, '\n');
		tail_add(t, at, nl ? (size_t)(nl - at) : strlen(at));
	}
	arena_release(&a);
	return t->count > 0;
}

void host_unit_log(struct ready_unit *u)
{
	struct tail *t = xcalloc(1, sizeof(*t));
	if (!keep_output(u, t))
		each_line(u, keep_last, t);
	if (t->count)
		tail_error(t, &u->error);
	xfree(t);
}

static void match_line(void *ctx, const struct log_line *l)
{
	struct ready_unit *u = ctx;
	char text[4096];
	size_t n = l->len < sizeof(text) - 1 ? l->len : sizeof(text) - 1;
	if (u->line_seen)
		return;
	memcpy(text, l->text, n);
	text[n] = '\0';
	u->line_seen = regexec(&u->regex, text, 0, NULL, 0) == 0;
}

static enum probe_answer log_begin(struct ready_unit *u)
{
	const char *regex = u->service->check.regex;
	unit_awaits(u, "a log line like %s", regex);
	if (!u->regex_ready && regcomp(&u->regex, regex, REG_EXTENDED | REG_NOSUB)) {
		unit_last(u, "the expression is not valid");
		return PROBE_NO;
	}
	u->regex_ready = true;
	u->line_seen = false;
	each_line(u, match_line, u);
	if (!u->line_seen)
		unit_last(u, "no such line came");
	return u->line_seen ? PROBE_YES : PROBE_NO;
}

const struct probe_ops probe_host_log = { log_begin, NULL, NULL, 50 };

/* ---- a command beside it: its directory, its environment ---- */

static void keep_line(void *ctx, const char *line, size_t len)
{
	struct buf *b = ctx;
	if (b->len < OUTPUT_MAX)
		buf_addf(b, "%s%.*s", b->len ? " " : "", (int)(len < 500 ? len : 500), line);
}

static bool prepare_spawn(struct ready_unit *u, struct err *e)
{
	const struct strs *argv = &u->service->check.argv;
	struct hosts *h = u->owner->pf->hosts;
	struct host_launch l;
	struct strs list = { 0 };
	arena_release(&u->arena);
	buf_truncate(&u->output, 0);
	if (!h->ops->launched) {
		err_set(e, ERR_FAILED, "its environment is not known");
		return false;
	}
	if (h->ops->launched(h, &u->arena, u->id, &l, e))
		return false;
	for (size_t i = 0; i < argv->count; i++)
		strs_add(&u->arena, &list, argv->items[i]);
	strs_add(&u->arena, &list, NULL);
	u->spawn = (struct spawn){ .argv = list.items,
		.dir = l.spec->dir,
		.env = l.env,
		.line = keep_line,
		.ctx = &u->output };
	return true;
}

static enum probe_answer exec_begin(struct ready_unit *u)
{
	const struct strs *argv = &u->service->check.argv;
	struct err e = ERR_INIT;
	unit_awaits(u, "success of %s", argv->count ? argv->items[argv->count - 1] : "its check");
	u->child = prepare_spawn(u, &e) ? child_start(u->owner->pf->loop, &u->spawn, &e) : NULL;
	if (!u->child)
		unit_last(u, "%.180s", e.text);
	return u->child ? PROBE_PENDING : PROBE_NO;
}

static enum probe_answer exec_poll(struct ready_unit *u)
{
	int64_t limit = u->service->check.timeout_ms;
	if (!child_done(u->child)) {
		if (now_ms() - u->probe_began < (limit > 0 ? limit : EXEC_TRY_MS))
			return PROBE_PENDING;
		unit_last(u, "the check did not end in time");
		return PROBE_NO;
	}
	int status = child_status(u->child);
	if (status == 0)
		return PROBE_YES;
	unit_last(u, "status %d%s%.150s", status, u->output.len ? ": " : "", buf_str(&u->output));
	return PROBE_NO;
}

static void exec_end(struct ready_unit *u)
{
	child_free(u->child);
	u->child = NULL;
}

const struct probe_ops probe_host_exec = { exec_begin, exec_poll, exec_end, 100 };

/* ---- sd_notify(3) ---- */

static enum probe_answer notify_begin(struct ready_unit *u)
{
	unit_awaits(u, "READY=1 on $NOTIFY_SOCKET");
	return u->notified ? PROBE_YES : PROBE_NO;
}

const struct probe_ops probe_notify = { notify_begin, NULL, NULL, LOOK_FAST_MS };
