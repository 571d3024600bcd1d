/*
 * The Docker Engine's API: single calls. Comes in: paths and bodies. Goes out: answers, or errors
 * that name the engine and the remedy. Negotiates the API version and notices an engine that has
 * gone silent; does not know what the answers mean.
 */
#include "run/engine/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "doc/json.h"

struct engine_call {
	struct engine *engine;
	struct http_call *http;
	bool patient;
};

/* Splits host into what libcurl needs. */
static int place_engine(struct engine *g, struct err *e)
{
	if (starts_with(g->host, "unix://")) {
		const char *path = g->host + strlen("unix://");
		if (strlen(path) >= sizeof(g->socket))
			return err_set(
				e, ERR_ENGINE, "the engine's socket path is too long: %s", path);
		memcpy(g->socket, path, strlen(path) + 1);
		snprintf(g->base, sizeof(g->base), "http://localhost");
	} else {
		snprintf(g->base, sizeof(g->base), "http://%s", g->host + strlen("tcp://"));
	}
	return 0;
}

struct engine *engine_open(struct err *e)
{
	struct engine *g = xcalloc(1, sizeof(*g));
	if (engine_find_host(g->host, sizeof(g->host), e) || place_engine(g, e) ||
		engine_check_socket(g, e))
		goto fail;
	g->http = http_new(g->socket[0] ? g->socket : NULL);
	return g;
fail:
	engine_close(g);
	return NULL;
}

void engine_close(struct engine *g)
{
	if (!g)
		return;
	http_free(g->http);
	xfree(g);
}

const char *engine_host(const struct engine *g)
{
	return g->host;
}

/* "1.41" -> 41; 0 when it is no version of API 1. */
static int minor_of(const char *version)
{
	if (!version || !starts_with(version, "1."))
		return 0;
	long n = strtol(version + 2, NULL, 10);
	return n > 0 && n < 10000 ? (int)n : 0;
}

void engine_note_version(struct engine *g, const char *header)
{
	int minor = minor_of(header);
	if (!minor)
		return;
	if (minor > API_CEILING)
		minor = API_CEILING;
	snprintf(g->api, sizeof(g->api), "1.%d", minor);
}

static int too_old(const struct engine *g, const char *version, struct err *e)
{
	err_set(e, ERR_ENGINE, "the engine at %s speaks API %s; devenv needs 1.%d or newer",
		g->host, version, API_FLOOR);
	err_hint(e, "update Docker to 20.10 or newer");
	return -1;
}

static int check_floor(const struct engine *g, struct err *e)
{
	return minor_of(g->api) < API_FLOOR ? too_old(g, g->api, e) : 0;
}

int engine_negotiate(struct engine *g, struct err *e)
{
	struct arena a = ARENA_INIT;
	if (g->api[0])
		return check_floor(g, e);
	struct node *n = NULL;
	int rc = engine_version(g, &a, &n, e);
	if (!rc && !g->api[0])
		engine_note_version(g, node_text(node_get(n, "ApiVersion")));
	if (!rc && !g->api[0])
		rc = err_set(e, ERR_ENGINE,
			"what answers at %s is not a Docker Engine: it names no API version",
			g->host);
	arena_release(&a);
	return rc ? rc : check_floor(g, e);
}

static struct engine_call *begin(struct engine *g, const struct engine_ask *ask)
{
	cleanup_buf struct buf url = BUF_INIT;
	buf_adds(&url, g->base);
	if (!ask->unversioned)
		buf_addf(&url, "/v%s", g->api);
	buf_adds(&url, ask->path);
	struct http_request r = {
		.method = ask->method,
		.url = url.data,
		.body = ask->body,
		.body_len = ask->body_len ? ask->body_len
			    : ask->body   ? strlen(ask->body)
					  : 0,
		.answer_ms = ask->patient ? 0 : ENGINE_ANSWER_MS,
		.idle_ms = ask->patient ? 0 : ENGINE_ANSWER_MS,
		.produce = ask->produce,
		.data = ask->data,
		.ctx = ask->ctx,
	};
	struct engine_call *c = xcalloc(1, sizeof(*c));
	c->engine = g;
	c->patient = ask->patient;
	if (c->patient && g->patient++ == 0) {
		g->heard = now_ms();
		g->pulse_ms = PULSE_MS;
	}
	c->http = http_start(g->http, &r);
	return c;
}

struct engine_call *engine_begin(struct engine *g, const struct engine_ask *ask, struct err *e)
{
	if (!ask->unversioned && engine_negotiate(g, e))
		return NULL;
	return begin(g, ask);
}

bool engine_done(const struct engine_call *c)
{
	return http_done(c->http) || (c->patient && c->engine->lost);
}

const struct http_answer *engine_answer(const struct engine_call *c)
{
	return http_answer(c->http);
}

void engine_call_free(struct engine_call *c)
{
	if (!c)
		return;
	if (c->patient && --c->engine->patient == 0)
		c->engine->lost = false;
	http_call_free(c->http);
	xfree(c);
}

static int silent(const struct engine *g, struct err *e)
{
	err_set(e, ERR_ENGINE, "the engine at %s does not answer (waited %d s)", g->host,
		ENGINE_ANSWER_MS / 1000);
	err_hint(e,
		"it hangs or is overloaded: look at `journalctl -u docker`, restart it if need be");
	return -1;
}

static int explain_failure(const struct engine *g, const struct http_answer *ans, struct err *e)
{
	switch (ans->failure) {
	case HTTP_NO_CONNECTION:
		if (engine_check_socket(g, e))
			return -1;
		return err_set(
			e, ERR_ENGINE, "the engine at %s cannot be reached: %s", g->host, ans->why);
	case HTTP_TIMEOUT:
		return silent(g, e);
	case HTTP_LIBRARY:
		err_set(e, ERR_FAILED, "%s", ans->why);
		err_hint(e, "install it (apt-get install libcurl4), then run this again");
		return -1;
	default:
		err_set(e, ERR_ENGINE, "the engine at %s sent a broken answer: %s", g->host,
			ans->why);
		err_hint(e, "is it a Docker Engine? was it stopped meanwhile?");
		return -1;
	}
}

/* What the engine says in its body: {"message": "..."} or plain text. */
static void said(const struct http_answer *ans, struct arena *a, const char **out)
{
	struct err ignored = ERR_INIT;
	const char *text = buf_str(&ans->body);
	struct node *n =
		*text == '{' ? json_read(a, text, ans->body.len, "the engine's answer", &ignored)
			     : NULL;
	const char *message = node_text(node_get(n, "message"));
	*out = message ? message : arena_strndup(a, text, strnlen(text, 300));
}

static int explain_status(const struct engine *g, const struct http_answer *ans, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *message = "";
	said(ans, &a, &message);
	int s = ans->status;
	if (s >= 300 && s < 400)
		err_set(e, ERR_ENGINE, "the engine at %s redirects (%d): that is not followed",
			g->host, s);
	else if (s == 401 || s == 407)
		err_set(e, ERR_ENGINE, "the engine at %s wants credentials (%d): devenv sends none",
			g->host, s);
	else if (*message)
		err_set(e, ERR_FAILED, "the engine says: %s", message);
	else
		err_set(e, ERR_FAILED, "the engine answered with status %d", s);
	if ((s >= 300 && s < 400) || s == 401 || s == 407)
		err_hint(e, "DOCKER_HOST or the docker context seems to name something else than a "
			    "Docker Engine");
	arena_release(&a);
	return -1;
}

int engine_finish(struct engine_call *c, struct err *e)
{
	const struct http_answer *ans = http_answer(c->http);
	if (!http_done(c->http))
		return err_set(e, ERR_ENGINE, "%s", c->engine->why);
	if (ans->failure)
		return explain_failure(c->engine, ans, e);
	if (ans->status >= 300 && ans->status != 304)
		return explain_status(c->engine, ans, e);
	return 0;
}

/* "client version 1.41 is too old. Minimum supported API version is 1.44, ..." */
static bool refused_version(struct engine *g, const struct http_answer *ans)
{
	static const char mark[] = "inimum supported API version is ";
	const char *at = ans->status == 400 ? strstr(buf_str(&ans->body), mark) : NULL;
	int minor = at ? minor_of(at + sizeof(mark) - 1) : 0;
	if (!minor || minor > API_CEILING || minor <= minor_of(g->api))
		return false;
	snprintf(g->api, sizeof(g->api), "1.%d", minor);
	return true;
}

int engine_request(
	struct engine *g, const struct engine_ask *ask, struct engine_call **out, struct err *e)
{
	for (int tries = 0;; tries++) {
		*out = NULL;
		if (!ask->unversioned && engine_negotiate(g, e))
			return -1;
		struct engine_call *c = begin(g, ask);
		*out = c;
		while (!engine_done(c))
			engine_turn(g, NULL, 1000);
		if (tries == 0 && !ask->unversioned && refused_version(g, engine_answer(c))) {
			engine_call_free(c);
			continue;
		}
		if (engine_finish(c, e) == 0)
			return 0;
		engine_call_free(c);
		*out = NULL;
		return -1;
	}
}

int engine_await(struct engine *g, struct loop *loop, const struct engine_ask *ask,
	struct engine_call **out, struct err *e)
{
	struct engine_call *c = engine_begin(g, ask, e);
	if (!c)
		return -1;
	while (!engine_done(c) && !(loop && loop_signal(loop)))
		engine_turn(g, loop, 1000);
	int rc = engine_done(c) ? engine_finish(c, e) : err_set(e, ERR_FAILED, "interrupted");
	if (!rc && out)
		*out = c;
	else
		engine_call_free(c);
	return rc;
}

int engine_order(struct engine *g, const char *method, struct err *e, const char *path_fmt, ...)
{
	cleanup_buf struct buf path = BUF_INIT;
	va_list ap;
	va_start(ap, path_fmt);
	buf_addvf(&path, path_fmt, ap);
	va_end(ap);
	struct engine_ask ask = { .method = method, .path = path.data, .patient = true };
	struct engine_call *c = NULL;
	int rc = engine_request(g, &ask, &c, e);
	engine_call_free(c);
	return rc;
}

static int get(struct engine *g, struct arena *a, const char *path, bool unversioned,
	struct node **out, struct err *e)
{
	struct engine_ask ask = { .path = path, .unversioned = unversioned };
	struct engine_call *c = NULL;
	if (engine_request(g, &ask, &c, e))
		return -1;
	const struct http_answer *ans = engine_answer(c);
	if (!g->api[0])
		engine_note_version(g, ans->api_version);
	*out = json_read(a, buf_str(&ans->body), ans->body.len, "the engine's answer", e);
	if (!*out)
		e->code = ERR_ENGINE;
	engine_call_free(c);
	return *out ? 0 : -1;
}

int engine_get(struct engine *g, struct arena *a, struct node **out, struct err *e,
	const char *path_fmt, ...)
{
	va_list ap;
	va_start(ap, path_fmt);
	const char *path = arena_vprintf(a, path_fmt, ap);
	va_end(ap);
	return get(g, a, path, false, out, e);
}

int engine_find(struct engine *g, struct arena *a, struct node **out, struct err *e,
	const char *path_fmt, ...)
{
	va_list ap;
	va_start(ap, path_fmt);
	struct engine_ask ask = { .path = arena_vprintf(a, path_fmt, ap) };
	va_end(ap);
	*out = NULL;
	if (engine_negotiate(g, e))
		return -1;
	struct engine_call *c = begin(g, &ask);
	while (!engine_done(c))
		engine_turn(g, NULL, 1000);
	bool absent = engine_answer(c)->status == 404;
	int rc = absent ? 0 : engine_finish(c, e);
	if (!rc && !absent) {
		const struct http_answer *ans = engine_answer(c);
		*out = json_read(a, buf_str(&ans->body), ans->body.len, "the engine's answer", e);
		rc = *out ? 0 : -1;
	}
	engine_call_free(c);
	return rc;
}

int engine_version(struct engine *g, struct arena *a, struct node **out, struct err *e)
{
	return get(g, a, "/version", true, out, e);
}

static void start_ping(struct engine *g)
{
	cleanup_buf struct buf url = BUF_INIT;
	buf_addf(&url, "%s/_ping", g->base);
	struct http_request r = { .url = url.data, .total_ms = PING_MS };
	g->ping = http_start(g->http, &r);
}

static void end_ping(struct engine *g)
{
	const struct http_answer *ans = http_answer(g->ping);
	if (ans->failure) {
		struct err e = ERR_INIT;
		explain_failure(g, ans, &e);
		snprintf(g->why, sizeof(g->why), "%.255s", e.text);
		g->lost = true;
	}
	g->heard = now_ms();
	if (g->pulse_ms < PULSE_MAX_MS)
		g->pulse_ms *= 2;
	http_call_free(g->ping);
	g->ping = NULL;
}

/* A patient call gets no answer for a while: is the engine still there? */
static void check_pulse(struct engine *g)
{
	if (g->ping && http_done(g->ping))
		end_ping(g);
	if (!g->ping && g->patient && !g->lost && now_ms() - g->heard >= g->pulse_ms)
		start_ping(g);
}

void engine_turn(struct engine *g, struct loop *l, int max_ms)
{
	http_turn(g ? g->http : NULL, l, max_ms);
	if (g)
		check_pulse(g);
}
