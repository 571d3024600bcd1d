/*
 * Brings our own log files up to date from the engine. Comes in: containers. Goes out: appended
 * files, each run of a container behind a separator. Takes only what is newer than the last line
 * kept; one drain at a time per workspace.
 */
#include "base/os.h"
#include "run/logs/log_file.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

/*
 * A long log comes as fast as the engine can write, a few KiB at a time. Once FLOOD lines have
 * come, what comes is let gather for GATHER_MS: a tenth of the system calls, and no time is lost,
 * as the socket holds more than that.
 */
enum { LOCK_WAIT_MS = 5000, FLOOD = 20000, GATHER_MS = 3 };

/* The engine notes the start a moment after the process may have spoken. */
#define START_SLACK_NS (200 * 1000000LL)

struct drain {
	const struct container *container;
	struct log_file file;
	struct log_stream *stream;
	int64_t newer_than; /* what is older is there already */
	int64_t due_ns;     /* lines from here on belong to the container's present run */
	size_t lines;       /* that came */
	char run[120];      /* separator to come before its first line; "" none */
	struct err error;   /* of writing */
	bool failed;
};

static void add(struct drain *d, int64_t time_ns, char kind, const char *text, size_t len)
{
	if (!d->failed && log_file_add(&d->file, time_ns, kind, text, len, &d->error))
		d->failed = true;
}

static void on_line(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	struct drain *d = ctx;
	(void)service, (void)number;
	d->lines++;
	if (time_ns <= d->newer_than)
		return;
	if (d->run[0] && time_ns >= d->due_ns) {
		add(d, time_ns, '-', d->run, strlen(d->run));
		d->run[0] = '\0';
	}
	add(d, time_ns, s == STREAM_STDERR ? 'e' : 'o', line, len);
}

/* "2026-11-21T05:42:55.12Z": the engine drops trailing zeros of the fraction. */
static int64_t engine_time(const char *at)
{
	char stamp[STAMP_LEN + 1] = "0000-00-00T00:00:00.000000000Z";
	size_t len = at ? strlen(at) : 0;
	if (len < 20 || len > STAMP_LEN || at[len - 1] != 'Z')
		return 0;
	memcpy(stamp, at, len - 1);
	int64_t ns = stamp_read(stamp, STAMP_LEN);
	return ns > 0 ? ns : 0;
}

/* Which run of which container this is; a separator is due when it is not the last one kept. */
static int note_run(struct engine *g, struct drain *d, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct node *n = NULL;
	int rc = engine_get(g, &a, &n, e, "/containers/%s/json", d->container->id);
	if (!rc) {
		const char *at = node_text(node_path(n, "State.StartedAt"));
		snprintf(d->run, sizeof(d->run), "container %.12s started %.40s", d->container->id,
			at ? at : "");
		/* All that a new container says is new. */
		bool same = strncmp(d->run, d->file.run, strlen("container ") + 12) == 0;
		d->due_ns = same ? engine_time(at) - START_SLACK_NS : 0;
		if (streq(d->run, d->file.run))
			d->run[0] = '\0';
	}
	arena_release(&a);
	return rc;
}

static int begin(struct engine *g, const char *dir, struct drain *d, struct err *e)
{
	if (log_file_open(&d->file, dir, d->container->service, d->container->number, e))
		return -1;
	d->newer_than = d->file.last_ns;
	if (note_run(g, d, e))
		return -1;
	struct log_stream_request r = {
		.container = d->container,
		.since_ns = d->newer_than,
		.known = true,
		.tail = -1,
		.fn = on_line,
		.ctx = d,
	};
	d->stream = log_stream_begin(g, &r, e);
	return d->stream ? 0 : -1;
}

static int end(struct drain *d, struct err *e)
{
	int rc = log_stream_finish(d->stream, e);
	if (d->failed)
		*e = d->error;
	return d->failed ? -1 : rc;
}

static bool pending(const struct drain *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].stream && !log_stream_done(list[i].stream))
			return true;
	return false;
}

static bool flooded(const struct drain *list, size_t count)
{
	size_t lines = 0;
	for (size_t i = 0; i < count; i++)
		lines += list[i].lines;
	return lines > FLOOD;
}

/* All at once; one that fails does not keep the others. The first error is told. */
static int drain_all(
	struct engine *g, const char *dir, struct drain *list, size_t count, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < count; i++) {
		struct err one = ERR_INIT;
		if (begin(g, dir, &list[i], &one) && !rc) {
			rc = -1;
			*e = one;
		}
	}
	while (pending(list, count)) {
		engine_turn(g, NULL, 500);
		if (flooded(list, count))
			poll(NULL, 0, GATHER_MS);
	}
	for (size_t i = 0; i < count; i++) {
		struct err one = ERR_INIT;
		int failed = list[i].stream ? end(&list[i], &one) : 0;
		failed |= log_file_close(&list[i].file, &one);
		if (failed && !rc) {
			rc = -1;
			*e = one;
		}
		log_stream_free(list[i].stream);
	}
	return rc;
}

int logs_drain(struct engine *g, const struct places *pl, const struct container *const *containers,
	size_t count, struct err *e)
{
	char path[4096 + 300];
	struct lock lock = { .fd = -1 };
	if (!count)
		return 0;
	snprintf(path, sizeof(path), "%s/.lock", pl->logs);
	if (dir_make(pl->logs, 0755, e) || lock_take(&lock, path, LOCK_WAIT_MS, e))
		return -1;
	struct drain *list = xcalloc(count, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		list[i].container = containers[i];
		list[i].file.fd = -1;
	}
	int rc = drain_all(g, pl->logs, list, count, e);
	xfree(list);
	lock_drop(&lock);
	return rc;
}
