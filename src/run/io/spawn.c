/*
 * Children with argv. Comes in: what to run, with which streams and for how long. Goes out: exit
 * status, output, lines. Every child leads its own session (except interactive ones), so that a
 * signal reaches all of it; pipes are drained always. Knows nothing of plans.
 */
#include "run/io/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/map.h"
#include "run/io/lines.h"
#include "run/io/loop.h"

extern char **environ;

enum {
	LINGER_MS = 300
}; /* how long a pipe may stay silent after its child has gone (orphans hold it) */

struct pipe_end {
	uv_pipe_t pipe;
	struct child *child;
	struct buf *capture;
	struct lines lines;
	bool open;
};

struct child {
	struct loop *loop;
	uv_process_t process;
	uv_timer_t timeout, linger;
	uv_pipe_t input;
	uv_write_t write;
	struct pipe_end ends[2]; /* stdout, stderr */
	char read_buffer[65536];
	bool own_group, exited, timed_out, terminated, freed, input_open;
	int status;
	int handles; /* that are not closed yet */
	struct arena arena;
};

static void on_closed(uv_handle_t *h)
{
	struct child *c = h->data;
	if (--c->handles == 0 && c->freed) {
		arena_release(&c->arena);
		xfree(c);
	}
}

static void close_once(uv_handle_t *h)
{
	if (!uv_is_closing(h))
		uv_close(h, on_closed);
}

static void end_close(struct pipe_end *end)
{
	if (!end->open)
		return;
	end->open = false;
	if (end->lines.fn)
		lines_end(&end->lines);
	close_once((uv_handle_t *)&end->pipe);
	loop_stir(end->child->loop);
}

static void signal_group(struct child *c, int signum)
{
	if (c->own_group)
		kill(-c->process.pid, signum);
	else if (!c->exited)
		kill(c->process.pid, signum);
}

static void on_linger(uv_timer_t *t)
{
	struct child *c = t->data;
	end_close(&c->ends[0]);
	end_close(&c->ends[1]);
}

static void on_exit_cb(uv_process_t *p, int64_t status, int signum)
{
	struct child *c = p->data;
	c->exited = true;
	if (c->freed) {
		close_once((uv_handle_t *)p);
		return;
	}
	c->status = signum ? 128 + signum : (int)status;
	uv_timer_stop(&c->timeout);
	if (c->terminated) /* its group may hold survivors that ignored TERM */
		signal_group(c, SIGKILL);
	uv_timer_start(&c->linger, on_linger, LINGER_MS, 0);
	loop_stir(c->loop);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
	(void)hint;
	struct pipe_end *end = (struct pipe_end *)(void *)h;
	*out = uv_buf_init(end->child->read_buffer, sizeof(end->child->read_buffer));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct pipe_end *end = (struct pipe_end *)(void *)s;
	if (n < 0) {
		end_close(end);
		return;
	}
	if (n == 0)
		return;
	loop_stir(end->child->loop);
	if (end->child->exited)
		uv_timer_start(&end->child->linger, on_linger, LINGER_MS, 0);
	if (end->capture)
		buf_add(end->capture, b->base, (size_t)n);
	if (end->lines.fn)
		lines_feed(&end->lines, b->base, (size_t)n);
}

static void on_kill(uv_timer_t *t)
{
	signal_group(t->data, SIGKILL);
}

void child_signal(struct child *c, int signum)
{
	if (c->exited)
		return;
	signal_group(c, signum);
	if (!c->terminated)
		uv_timer_start(&c->timeout, on_kill, CHILD_GRACE_MS, 0);
	c->terminated = true;
	if (signum == SIGKILL)
		uv_timer_stop(&c->timeout);
}

static void on_timeout(uv_timer_t *t)
{
	struct child *c = t->data;
	c->timed_out = true;
	child_signal(c, SIGTERM);
}

static void on_written(uv_write_t *w, int status)
{
	(void)status; /* a child that did not read all tells by its exit status */
	struct child *c = w->data;
	close_once((uv_handle_t *)&c->input);
}

static void init_handles(struct child *c)
{
	uv_loop_t *uv = loop_uv(c->loop);
	uv_timer_init(uv, &c->timeout);
	uv_timer_init(uv, &c->linger);
	uv_pipe_init(uv, &c->input, 0);
	c->timeout.data = c->linger.data = c->input.data = c->process.data = c->write.data = c;
	for (int i = 0; i < 2; i++) {
		uv_pipe_init(uv, &c->ends[i].pipe, 0);
		c->ends[i].pipe.data = c;
		c->ends[i].child = c;
	}
	c->handles = 6; /* two timers, three pipes, the process */
}

static void choose_streams(struct child *c, const struct spawn *s, uv_stdio_container_t io[3])
{
	if (s->interactive) {
		for (int i = 0; i < 3; i++)
			io[i] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = i };
		return;
	}
	io[0].flags = UV_IGNORE;
	if (s->input) {
		io[0].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
		io[0].data.stream = (uv_stream_t *)&c->input;
	}
	for (int i = 0; i < 2; i++) {
		io[i + 1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
		io[i + 1].data.stream = (uv_stream_t *)&c->ends[i].pipe;
		c->ends[i].capture = i && s->err ? s->err : s->out;
		c->ends[i].lines = (struct lines){ .fn = s->line, .ctx = s->ctx };
	}
}

static void begin_streams(struct child *c, const struct spawn *s)
{
	if (s->interactive)
		return;
	for (int i = 0; i < 2; i++) {
		c->ends[i].open = true;
		uv_read_start((uv_stream_t *)&c->ends[i].pipe, on_alloc, on_read);
	}
	if (s->input) {
		uv_buf_t b = uv_buf_init(s->input->data, (unsigned)s->input->len);
		uv_write(&c->write, (uv_stream_t *)&c->input, &b, 1, on_written);
	}
}

static int explain(const struct spawn *s, int rc, struct err *e)
{
	const char *name = s->argv[0];
	if (rc == UV_ENOENT && s->dir && access(s->dir, F_OK) != 0)
		return err_set(
			e, ERR_FAILED, "cannot run %s: the directory %s is gone", name, s->dir);
	if (rc == UV_ENOENT) {
		err_set(e, ERR_FAILED, "cannot run %s: it is not installed", name);
		err_hint(e, "install %s, or put its directory into PATH", name);
		return -1;
	}
	return err_set(e, ERR_FAILED, "cannot run %s: %s", name, uv_strerror(rc));
}

struct child *child_start(struct loop *l, const struct spawn *s, struct err *e)
{
	struct child *c = xcalloc(1, sizeof(*c));
	c->loop = l;
	init_handles(c);
	c->own_group = !s->interactive;
	uv_stdio_container_t io[3] = { 0 };
	choose_streams(c, s, io);
	uv_process_options_t o = {
		.exit_cb = on_exit_cb,
		.file = s->argv[0],
		.args = (char **)(uintptr_t)s->argv,
		.env = s->env ? (char **)(uintptr_t)s->env : clean_environment(&c->arena, NULL),
		.cwd = s->dir,
		.flags = s->interactive ? 0 : UV_PROCESS_DETACHED,
		.stdio_count = 3,
		.stdio = io,
	};
	int rc = uv_spawn(loop_uv(l), &c->process, &o);
	if (rc) {
		c->exited = true;
		child_free(c);
		explain(s, rc, e);
		return NULL;
	}
	begin_streams(c, s);
	if (s->timeout_ms > 0)
		uv_timer_start(&c->timeout, on_timeout, (uint64_t)s->timeout_ms, 0);
	return c;
}

bool child_done(const struct child *c)
{
	return c->exited && !c->ends[0].open && !c->ends[1].open;
}

bool child_timed_out(const struct child *c)
{
	return c->timed_out;
}

int child_status(const struct child *c)
{
	return c->status;
}

void child_free(struct child *c)
{
	if (!c)
		return;
	if (!c->exited)
		signal_group(c, SIGKILL);
	c->freed = true;
	for (int i = 0; i < 2; i++) {
		c->ends[i].lines.fn = NULL;
		buf_release(&c->ends[i].lines.rest);
		close_once((uv_handle_t *)&c->ends[i].pipe);
	}
	close_once((uv_handle_t *)&c->input);
	close_once((uv_handle_t *)&c->timeout);
	close_once((uv_handle_t *)&c->linger);
	if (c->exited) /* else its end is awaited: no zombie stays */
		close_once((uv_handle_t *)&c->process);
}

/* An interactive child shares our terminal, which signals it; others are told by us. */
static void pass_interrupts(struct child *c, const struct spawn *s, int *seen, int now, int signum)
{
	if (now == *seen)
		return;
	*seen = now;
	if (s->interactive && signum == SIGINT && isatty(STDIN_FILENO))
		return;
	child_signal(c, s->interactive ? signum : now > 1 ? SIGKILL : SIGTERM);
}

int spawn_run(struct loop *l, const struct spawn *s, int *status, struct err *e)
{
	struct child *c = child_start(l, s, e);
	if (!c)
		return -1;
	int before = loop_interrupts(l), seen = before;
	while (!child_done(c)) {
		loop_turn(l, 1000);
		pass_interrupts(c, s, &seen, loop_interrupts(l), loop_signal(l));
	}
	*status = child_status(c);
	bool late = child_timed_out(c);
	child_free(c);
	loop_turn(l, 0);
	if (late)
		return err_set(e, ERR_FAILED, "%s did not end within %lld s", s->argv[0],
			(long long)(s->timeout_ms / 1000));
	if (seen != before && !s->interactive)
		return err_set(e, ERR_FAILED, "interrupted");
	return 0;
}

/* Names that would change what docker, Compose or BuildKit do with what we tell them. */
static bool unwanted(const char *entry)
{
	static const char *const names[] = { "COMPOSE_", "DOCKER_DEFAULT_PLATFORM=",
		"BUILDKIT_PROGRESS=", "DOCKER_CLI_HINTS=", "BUILDKIT_COLORS=" };
	for (size_t i = 0; i < countof(names); i++)
		if (starts_with(entry, names[i]))
			return true;
	return false;
}

static void environment_set(struct arena *a, struct map *m, const char *entry)
{
	const char *eq = strchr(entry, '=');
	if (eq)
		map_set(m, arena_strndup(a, entry, (size_t)(eq - entry)), arena_strdup(a, entry));
}

/* Only absolute folders: programs are never looked for where somebody else's checkout may be. */
static const char *absolute_path(struct arena *a, const char *list)
{
	struct strs kept = { 0 };
	for (const char *s = list; *s;) {
		size_t n = strcspn(s, ":");
		if (*s == '/')
			strs_add(a, &kept, arena_strndup(a, s, n));
		s += n + (s[n] == ':');
	}
	return kept.count ? strs_join(a, &kept, ":") : "/usr/bin:/bin";
}

char **clean_environment(struct arena *a, const struct strs *extra)
{
	cleanup_map struct map m = MAP_INIT;
	for (char **p = environ; *p; p++)
		if (!unwanted(*p))
			environment_set(a, &m, *p);
	const char *path = getenv("PATH");
	if (path)
		environment_set(a, &m, arena_printf(a, "PATH=%s", absolute_path(a, path)));
	environment_set(a, &m, "DOCKER_CLI_HINTS=false");
	environment_set(a, &m, "BUILDKIT_PROGRESS=plain");
	for (size_t i = 0; extra && i < extra->count; i++)
		environment_set(a, &m, extra->items[i]);
	char **env = arena_array(a, char *, m.count + 1);
	for (size_t i = 0; i < m.count; i++)
		env[i] = m.entries[i].value;
	return env;
}
