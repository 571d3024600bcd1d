/*
 * Ways of asking a unit from outside whether it is ready: HTTP, TCP, a command inside it, a line in
 * its log. Comes in: the unit as last seen. Goes out: yes, no with why, or not yet known. None of
 * them blocks; ready.c says when to ask.
 */
#include "run/ready_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run/io/demux.h"

enum {
	HTTP_TRY_MS = 2000,
	EXEC_TRY_MS = 10000,
	TCP_IP_MS = 300,
	TCP_TRY_MS = 1000,
	TCP_SETTLE_MS = 60
};

void unit_last(struct ready_unit *u, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(u->last, sizeof(u->last), fmt, ap);
	va_end(ap);
}

void unit_awaits(struct ready_unit *u, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(u->awaited, sizeof(u->awaited), fmt, ap);
	va_end(ap);
}

static int target_port(const struct service *s)
{
	if (s->check.port)
		return s->check.port;
	return s->ports.count ? s->ports.items[0].target : s->check.tls ? 443 : 80;
}

/* Is the container's own address worth asking? Only on an engine of this machine. */
static bool ip_usable(const struct ready_unit *u)
{
	return u->ip[0] && u->owner->pf->engine && u->owner->pf->engine->socket[0] && !u->ip_silent;
}

static int64_t try_ms(const struct ready_unit *u, int64_t fallback)
{
	return u->service->check.timeout_ms > 0 ? u->service->check.timeout_ms : fallback;
}

/* ---- HTTP ---- */

/* The engine's set is served while it is waited for; without one readiness has its own. */
static struct http *http_of(struct ready_unit *u)
{
	struct readiness *rd = u->owner;
	if (rd->pf->engine)
		return rd->pf->engine->http;
	if (!rd->http)
		rd->http = http_new(NULL);
	return rd->http;
}

static enum probe_answer http_begin(struct ready_unit *u)
{
	const struct check *c = &u->service->check;
	char url[1200];
	const char *path = c->path && c->path[0] == '/' ? c->path : "/";
	u->by_ip = !u->published;
	if (u->by_ip && !ip_usable(u)) {
		unit_last(u, "its port %d is not published", target_port(u->service));
		return PROBE_NO;
	}
	snprintf(url, sizeof(url), "%s://%s:%d%.1000s", c->tls ? "https" : "http",
		u->by_ip ? u->ip : "127.0.0.1", u->by_ip ? target_port(u->service) : u->published,
		path);
	if (c->status)
		unit_awaits(u, "status %d from %s", c->status, url);
	else
		unit_awaits(u, "an answer from %s", url);
	struct http_request r = {
		.url = url,
		.total_ms = try_ms(u, HTTP_TRY_MS),
		.any_certificate = true,
		.max_body = 1024 * 1024,
		.tcp = true,
	};
	u->http = http_start(http_of(u), &r);
	return PROBE_PENDING;
}

static enum probe_answer http_poll(struct ready_unit *u)
{
	const struct check *c = &u->service->check;
	if (!http_done(u->http))
		return PROBE_PENDING;
	const struct http_answer *ans = http_answer(u->http);
	if (ans->failure && !ans->status) {
		unit_last(u, "%.180s", ans->why);
		return PROBE_NO;
	}
	if (c->status ? ans->status == c->status : ans->status >= 200 && ans->status < 400)
		return PROBE_YES;
	unit_last(u, "status %d", ans->status);
	return PROBE_NO;
}

static void http_end(struct ready_unit *u)
{
	http_call_free(u->http);
	u->http = NULL;
}

static const struct probe_ops probe_http = { http_begin, http_poll, http_end, 100 };

/* ---- TCP: the container's own address first, for Docker's proxy accepts before the service does
 * ---- */

static int tcp_connect(const char *ip, int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	if (inet_pton(AF_INET, ip, &addr.sin_addr) != 1) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) &&
		errno != EINPROGRESS) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static enum probe_answer tcp_refused(struct ready_unit *u, int error)
{
	if (u->by_ip && (error == EHOSTUNREACH || error == ENETUNREACH))
		u->ip_silent = u->published != 0;
	unit_last(u, "%s", strerror(error));
	return PROBE_NO;
}

/* Does the peer hang up at once? Then only Docker's proxy accepted. */
static enum probe_answer tcp_settled(struct ready_unit *u)
{
	char byte;
	ssize_t n = recv(u->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		unit_last(u, "the connection is closed at once");
		return PROBE_NO;
	}
	if (u->by_ip || n > 0 || now_ms() - u->probe_began >= TCP_SETTLE_MS)
		return PROBE_YES;
	return PROBE_PENDING;
}

static enum probe_answer tcp_poll(struct ready_unit *u)
{
	struct pollfd p = { .fd = u->fd, .events = POLLOUT };
	int error = 0;
	socklen_t size = sizeof(error);
	if (poll(&p, 1, 0) <= 0) {
		if (now_ms() - u->probe_began < (u->by_ip && u->published ? TCP_IP_MS : TCP_TRY_MS))
			return PROBE_PENDING;
		if (u->by_ip)
			u->ip_silent = u->published != 0;
		return tcp_refused(u, ETIMEDOUT);
	}
	getsockopt(u->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error ? tcp_refused(u, error) : tcp_settled(u);
}

static enum probe_answer tcp_begin(struct ready_unit *u)
{
	int port = target_port(u->service);
	u->by_ip = ip_usable(u);
	if (!u->by_ip && !u->published) {
		unit_last(u, "its port %d is not published", port);
		return PROBE_NO;
	}
	unit_awaits(u, "a connection to %s:%d", u->by_ip ? u->ip : "127.0.0.1",
		u->by_ip ? port : u->published);
	u->fd = tcp_connect(u->by_ip ? u->ip : "127.0.0.1", u->by_ip ? port : u->published);
	return u->fd < 0 ? tcp_refused(u, errno) : tcp_poll(u);
}

static void tcp_end(struct ready_unit *u)
{
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}

static const struct probe_ops probe_tcp = { tcp_begin, tcp_poll, tcp_end, 100 };

/* ---- a command inside ---- */

static enum probe_answer exec_begin(struct ready_unit *u)
{
	const struct strs *argv = &u->service->check.argv;
	const char **list = xcalloc(argv->count + 1, sizeof(*list));
	memcpy(list, argv->items, argv->count * sizeof(*list));
	struct exec_request r = { .container = u->id, .argv = list };
	unit_awaits(u, "success of %s", argv->count ? argv->items[argv->count - 1] : "its check");
	u->exec = engine_run_begin(u->owner->pf->engine, &r);
	xfree(list);
	return PROBE_PENDING;
}

static enum probe_answer exec_poll(struct ready_unit *u)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int status = 0;
	if (!engine_run_done(u->exec)) {
		if (now_ms() - u->probe_began < try_ms(u, EXEC_TRY_MS))
			return PROBE_PENDING;
		unit_last(u, "the check did not end in time");
		return PROBE_NO;
	}
	if (engine_run_finish(u->exec, &out, &status, &e)) {
		unit_last(u, "%.180s", e.text);
		return PROBE_NO;
	}
	if (status == 0)
		return PROBE_YES;
	while (out.len && (out.data[out.len - 1] == '\n' || out.data[out.len - 1] == '\r'))
		buf_truncate(&out, out.len - 1);
	unit_last(u, "status %d%s%.150s", status, out.len ? ": " : "", buf_str(&out));
	return PROBE_NO;
}

static void exec_end(struct ready_unit *u)
{
	engine_run_free(u->exec);
	u->exec = NULL;
}

static const struct probe_ops probe_exec = { exec_begin, exec_poll, exec_end, 150 };

/* ---- a line in the log, of this run of the container ---- */

static void on_line(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	struct ready_unit *u = ctx;
	char text[4096];
	(void)service, (void)number, (void)s, (void)time_ns;
	size_t n = len < sizeof(text) - 1 ? len : sizeof(text) - 1;
	if (u->line_seen)
		return;
	memcpy(text, line, n);
	text[n] = '\0';
	u->line_seen = regexec(&u->regex, text, 0, NULL, 0) == 0;
}

/*
 * When the run before this one ended: its lines do not count. (What the engine calls StartedAt
 * comes after the first lines of a quick process.)
 */
static int64_t began_after(struct ready_unit *u)
{
	struct arena a = ARENA_INIT;
	struct node *n = NULL;
	struct err ignored = ERR_INIT;
	char stamp[STAMP_LEN + 1];
	int64_t ns = 0;
	if (engine_get(u->owner->pf->engine, &a, &n, &ignored, "/containers/%s/json", u->id) == 0) {
		const char *at = node_text(node_path(n, "State.FinishedAt"));
		size_t len = at ? strlen(at) : 0;
		/* The engine drops trailing zeros of the fraction. */
		memcpy(stamp, "0000-00-00T00:00:00.000000000Z", sizeof(stamp));
		if (len > 0 && len <= STAMP_LEN && at[len - 1] == 'Z')
			memcpy(stamp, at, len - 1);
		if (len == 20)
			stamp[19] = '.';
		ns = stamp_read(stamp, STAMP_LEN);
	}
	arena_release(&a);
	return ns > 0 ? ns : 0;
}

static enum probe_answer log_begin(struct ready_unit *u)
{
	struct err e = ERR_INIT;
	const char *regex = u->service->check.regex;
	unit_awaits(u, "a log line like %s", regex);
	if (!u->regex_ready && regcomp(&u->regex, regex, REG_EXTENDED | REG_NOSUB)) {
		unit_last(u, "the expression is not valid");
		return PROBE_NO;
	}
	u->regex_ready = true;
	struct container c = {
		.id = u->id, .name = u->name, .service = u->service->name, .number = 1
	};
	struct log_stream_request r = { .container = &c,
		.follow = true,
		.since_ns = began_after(u),
		.tail = -1,
		.fn = on_line,
		.ctx = u };
	u->log = log_stream_begin(u->owner->pf->engine, &r, &e);
	if (!u->log)
		unit_last(u, "%.180s", e.text);
	return u->log ? PROBE_PENDING : PROBE_NO;
}

static enum probe_answer log_poll(struct ready_unit *u)
{
	if (u->line_seen)
		return PROBE_YES;
	if (!log_stream_done(u->log))
		return PROBE_PENDING;
	unit_last(u, "no such line came");
	return PROBE_NO;
}

static void log_end(struct ready_unit *u)
{
	log_stream_free(u->log);
	u->log = NULL;
}

static const struct probe_ops probe_log = { log_begin, log_poll, log_end, 200 };

const struct probe_ops *const host_probe_kinds[] = {
	[CHECK_NONE] = NULL,
	[CHECK_HTTP] = &probe_http,
	[CHECK_TCP] = &probe_tcp,
	[CHECK_LOG] = &probe_host_log,
	[CHECK_EXEC] = &probe_host_exec,
	[CHECK_NOTIFY] = &probe_notify,
};

const struct probe_ops *const probe_kinds[] = {
	[CHECK_NONE] = NULL,
	[CHECK_HTTP] = &probe_http,
	[CHECK_TCP] = &probe_tcp,
	[CHECK_LOG] = &probe_log,
	[CHECK_EXEC] = &probe_exec,
	[CHECK_NOTIFY] = NULL, /* of host services only */
};
