/*
 * What a trace looks at beside its requests: sockets, logs, names and connections of containers.
 * Comes in: the plan, the engine. Goes out: raw text and facts. Where the engine does not help,
 * nothing is noted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/os.h"
#include "doc/record.h"
#include "run/engine/call.h"
#include "run/logs/log_file.h"
#include "run/trace/trace.h"

enum {
	CONNECT_MS = 500,
	EXEC_MS = 3000,
	LOG_WAIT_MS = 300, /* until the proxy has written its line, and the engine has it */
	LOG_PAUSE_MS = 10,
	LOG_TAIL = 200,
	PROC_MAX = 1 << 20,
};

static const struct container *running(const struct tracer *x, const struct service *s)
{
	const struct container *c = s ? world_container(x->world, s->name) : NULL;
	return c && !c->host && c->state == UNIT_RUNNING && x->engine ? c : NULL;
}

static bool exec_in(
	struct tracer *x, const struct container *c, const char *const *argv, struct buf *out)
{
	struct exec_request r = { .container = c->id, .argv = argv };
	struct err ignored = ERR_INIT;
	int status = -1;
	return !engine_exec_capture(x->engine, &r, out, &status, EXEC_MS, &ignored) && !status;
}

/* ---- sockets ---- */

static bool proc_text(struct tracer *x, int64_t pid, const char *name, struct buf *out)
{
	struct err ignored = ERR_INIT;
	return !file_read(arena_printf(x->arena, "/proc/%lld/%s", (long long)pid, name), PROC_MAX,
		out, &ignored);
}

/* An image without `cat`: by the process, when that is one of this machine. */
static bool by_proc(struct tracer *x, const struct container *c, struct buf *out)
{
	struct node *n = NULL;
	struct err ignored = ERR_INIT;
	cleanup_buf struct buf group = BUF_INIT;
	if (engine_get(x->engine, x->arena, &n, &ignored, "/containers/%s/json", c->id))
		return false;
	const struct node *pid = node_path(n, "State.Pid");
	if (!pid || pid->kind != NODE_INT || pid->integer <= 0 ||
		!proc_text(x, pid->integer, "cgroup", &group) || !strstr(buf_str(&group), c->id))
		return false;
	bool any = proc_text(x, pid->integer, "net/tcp", out);
	return proc_text(x, pid->integer, "net/tcp6", out) || any;
}

void tracer_listen(struct tracer *x)
{
	static const char *const v4[] = { "cat", "/proc/net/tcp", NULL };
	static const char *const v6[] = { "cat", "/proc/net/tcp6", NULL };
	const struct container *c = running(x, x->plan->to);
	cleanup_buf struct buf text = BUF_INIT;
	if (!c)
		return;
	bool known = exec_in(x, c, v4, &text);
	if (known) /* there is none where IPv6 is off */
		exec_in(x, c, v6, &text);
	else
		known = by_proc(x, c, &text);
	x->seen->sockets = known ? arena_strndup(x->arena, buf_str(&text), text.len) : NULL;
}

/* ---- the upstream's name ---- */

void tracer_resolve(struct tracer *x)
{
	const struct trace_plan *p = x->plan;
	const struct container *c = running(x, p->via);
	const char *colon = strrchr(p->upstream, ':');
	const char *name = arena_strndup(x->arena, p->upstream, (size_t)(colon - p->upstream));
	const char *const argv[] = { "getent", "hosts", name, NULL };
	cleanup_buf struct buf out = BUF_INIT;
	if (!c || !exec_in(x, c, argv, &out))
		return;
	for (const char *line = buf_str(&out); *line;) {
		size_t len = strcspn(line, "\n"), ip = strcspn(line, " \t\n");
		if (ip)
			strs_add(x->arena, &x->seen->resolved,
				arena_printf(x->arena, "%.*s%s", (int)ip, line, colon));
		line += len + (line[len] == '\n');
	}
}

/* ---- dependencies: all at once ---- */

static int begin_connect(const struct trace_need *n)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)n->port) };
	if (!n->address || inet_pton(AF_INET, n->address, &to.sin_addr) != 1)
		return -1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool connected(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);
	return !getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) && !error;
}

void tracer_try_needs(struct tracer *x)
{
	const struct trace_plan *p = x->plan;
	size_t count = p->needs.count, open = 0;
	struct pollfd *fds = arena_array(x->arena, struct pollfd, count);
	x->seen->reached = arena_array(x->arena, bool, count);
	for (size_t i = 0; i < count; i++) {
		fds[i] = (struct pollfd){ begin_connect(&p->needs.items[i]), POLLOUT, 0 };
		open += fds[i].fd >= 0;
	}
	for (int64_t end = now_ms() + CONNECT_MS, left; open && (left = end - now_ms()) > 0;) {
		if (poll(fds, count, (int)left) < 0 && errno != EINTR)
			break;
		for (size_t i = 0; i < count; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			x->seen->reached[i] = connected(fds[i].fd);
			close(fds[i].fd);
			fds[i].fd = -1;
			open--;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (fds[i].fd >= 0)
			close(fds[i].fd);
	}
}

/* ---- logs ---- */

static void on_line(void *ctx, const char *service, int number, enum stream stream, int64_t time_ns,
	const char *line, size_t len)
{
	struct tracer *x = ctx;
	(void)number, (void)stream, (void)time_ns;
	*list_push(x->arena, &x->seen->lines) =
		(struct trace_line){ arena_strdup(x->arena, service),
			arena_strndup(x->arena, line, len) };
}

static bool proxy_wrote(const struct tracer *x)
{
	const struct trace_plan *p = x->plan;
	for (size_t i = 0; i < x->seen->lines.count; i++) {
		const struct trace_line *l = &x->seen->lines.items[i];
		if (streq(l->service, p->via->name) &&
			line_has_id(l->text, strlen(l->text), p->id, strlen(p->id)))
			return true;
	}
	return false;
}

/* An engine elsewhere may have another time of day. */
static int64_t begin_of(const struct tracer *x)
{
	return x->engine->socket[0] ? x->began_ms * 1000000 : 0;
}

static void read_containers(struct tracer *x, const struct container *const *list, size_t count)
{
	struct err ignored = ERR_INIT;
	struct log_request r = {
		.containers = list, .count = count, .since_ns = begin_of(x), .tail = LOG_TAIL
	};
	x->seen->lines.count = 0;
	engine_logs(x->engine, x->loop, &r, on_line, x, &ignored);
}

static void read_host(struct tracer *x)
{
	struct err ignored = ERR_INIT;
	struct log_query q = { .tail = LOG_TAIL, .since_ns = x->began_ms * 1000000 };
	strs_add(x->arena, &q.services, x->plan->to->name);
	logs_read(NULL, x->loop, x->places, x->world, &q, on_line, x, &ignored);
}

void tracer_logs(struct tracer *x)
{
	const struct trace_plan *p = x->plan;
	const struct container *list[2];
	size_t count = 0;
	const struct container *via = x->seen->route.address ? running(x, p->via) : NULL;
	const struct container *to = running(x, p->to);
	if (via)
		list[count++] = via;
	if (to)
		list[count++] = to;
	int64_t end = now_ms() + LOG_WAIT_MS;
	while (count) {
		read_containers(x, list, count);
		if (!via || proxy_wrote(x) || now_ms() >= end)
			break;
		loop_turn(x->loop, LOG_PAUSE_MS);
	}
	if (p->to && p->to->where == RUN_HOST)
		read_host(x);
}
