/*
 * trace: one request at each stage of its route, or the health of all routes. Comes in: what was
 * typed. Goes out: the stages, the first to blame with its cause, or the same as JSON or HAR;
 * status 1 where one is to blame.
 */
#include "planner/trace.h"

#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/traces.h"
#include "cmd/lifecycle.h"
#include "doc/json.h"
#include "run/trace/trace.h"
#include "view/trace.h"

enum { TIMEOUT_S = 10, TIMEOUT_MAX_S = 3600, ID_BYTES = 16, DATA_MAX = 256 << 20 };

struct trace_opts {
	bool all, watch;
	int every;
	const char *from, *data, *har;
	struct strs headers;
	int timeout;
};

static const char *const stages[] = { "name", "tcp", "tls", "proxy", "upstream", "connect",
	"service", "needs", NULL };

#define TRACE(field) offsetof(struct trace_opts, field)
static const struct opt trace_options[] = {
	{ "from", 0, OPT_CHOICE, "STAGE",
		"jump in there: name, tcp, tls, proxy, upstream, connect, service or needs", stages,
		COMPLETE_CHOICE, TRACE(from), false },
	{ "header", 'H', OPT_LIST, "HEADER", "send this header, too: \"Name: value\"; repeatable",
		NULL, COMPLETE_NONE, TRACE(headers), false },
	{ "data", 'd', OPT_TEXT, "DATA", "send this body (@FILE: that file's)", NULL, COMPLETE_FILE,
		TRACE(data), false },
	{ "timeout", 't', OPT_INT, "SECONDS", "give up on each request after so long (default 10)",
		NULL, COMPLETE_NONE, TRACE(timeout), false },
	{ "all", 0, OPT_FLAG, NULL, "walk the health path of every route, as a table", NULL,
		COMPLETE_NONE, TRACE(all), false },
	{ "watch", 'w', OPT_FLAG, NULL, "show it again on each Enter", NULL, COMPLETE_NONE,
		TRACE(watch), false },
	{ "every", 0, OPT_INT, "SECONDS", "show it again each so many seconds, and on each Enter",
		NULL, COMPLETE_NONE, TRACE(every), false },
	{ "har", 0, OPT_TEXT, "FILE", "write the requests and answers as an HTTP archive, too",
		NULL, COMPLETE_FILE, TRACE(har), false },
	{ 0 },
};

/* ---- what was typed ---- */

static enum trace_stage stage_of(const char *name)
{
	for (size_t i = 0; name && i < TRACE_STAGES; i++) {
		if (streq(name, trace_stage_name((enum trace_stage)i)))
			return (enum trace_stage)i;
	}
	return TRACE_NAME;
}

static bool is_token(const char *s, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789!#$%&'*+-.^_`|~";
	return len && strspn(s, letters) >= len;
}

static bool has_control(const char *s)
{
	for (; *s; s++) {
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
			return true;
	}
	return false;
}

static int read_header(struct context *c, const char *line, trace_headers *out)
{
	size_t name = strcspn(line, ":");
	if (!line[name] || !is_token(line, name) || has_control(line))
		return fail_with(
			c, ERR_USAGE, "\"%s\" is not a header: write \"Name: value\"", line);
	const char *value = line + name + 1;
	*list_push(&c->arena, out) = (struct trace_header){ arena_strndup(&c->arena, line, name),
		value + strspn(value, " \t") };
	return 0;
}

static int read_data(struct context *c, const char *data, struct trace_ask *ask)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (data[0] != '@') {
		ask->data = data;
		ask->data_len = strlen(data);
		return 0;
	}
	if (file_read(data + 1, DATA_MAX, &text, &c->error))
		return fail(c);
	ask->data = arena_strndup(&c->arena, buf_str(&text), text.len);
	ask->data_len = text.len;
	return 0;
}

static int new_id(struct context *c, const char **out)
{
	unsigned char raw[ID_BYTES];
	char *hex = arena_alloc(&c->arena, 2 * ID_BYTES + 1);
	if (random_bytes(raw, sizeof(raw), &c->error))
		return fail(c);
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(hex + 2 * i, 3, "%02x", raw[i]);
	*out = hex;
	return 0;
}

static const char *upper(struct arena *a, const char *word)
{
	char *copy = arena_strdup(a, word);
	for (char *s = copy; *s; s++)
		*s = *s >= 'a' && *s <= 'z' ? (char)(*s + 'A' - 'a') : *s;
	return copy;
}

static int fill_ask(struct context *c, const struct trace_opts *o, const struct strs *args,
	struct trace_ask *ask)
{
	int status = 0, seconds = o->timeout ? o->timeout : TIMEOUT_S;
	if (seconds < 1 || seconds > TIMEOUT_MAX_S)
		return fail_with(c, ERR_USAGE, "--timeout takes 1 to %d seconds", TIMEOUT_MAX_S);
	ask->timeout_ms = seconds * 1000LL;
	ask->from = stage_of(o->from);
	if (args->count == 2)
		ask->method = upper(&c->arena, args->items[0]);
	if (args->count == 2 && !is_token(ask->method, strlen(ask->method)))
		return fail_with(c, ERR_USAGE, "\"%s\" is not an HTTP method", ask->method);
	ask->target = args->count ? args->items[args->count - 1] : NULL;
	for (size_t i = 0; i < o->headers.count && !status; i++)
		status = read_header(c, o->headers.items[i], &ask->headers);
	return status || !o->data ? status : read_data(c, o->data, ask);
}

static int check_words(struct context *c, const struct trace_opts *o, const struct strs *args)
{
	bool more = args->count || o->data || o->har || o->from;
	if (o->all && more)
		return fail_with(c, ERR_USAGE, "--all takes no path, --data, --from and --har");
	if (!o->all && !args->count)
		return fail_with(c, ERR_USAGE,
			"which request? `devenv trace /path`, or --all for every route");
	return 0;
}

/* ---- one trace ---- */

static int follow(struct context *c, struct trace *t)
{
	struct tracer x = {
		.arena = &c->arena,
		.engine = c->engine_error.code ? NULL : c->engine,
		.loop = c->loop,
		.places = &c->places,
		.world = &c->world,
		.plan = &t->plan,
		.seen = &t->seen,
		.began_ms = clock_ms(),
	};
	int rc = tracer_begin(&x, &c->error);
	for (enum trace_probe probe;
		!rc && (probe = trace_next(&t->plan, &t->seen)) < TRACE_PROBES;) {
		rc = tracer_probe(&x, probe, &c->error);
		trace_digest(&c->arena, &t->plan, probe, &t->seen);
	}
	tracer_end(&x);
	if (rc)
		return loop_signal(c->loop) ? 128 + loop_signal(c->loop) : fail(c);
	trace_judge(&c->arena, &c->project, &c->world, clock_ms() / 1000, t);
	return 0;
}

static int trace_one(struct context *c, struct trace_ask *ask, struct trace *t)
{
	int status = new_id(c, &ask->id);
	if (status)
		return status;
	if (trace_make(&c->arena, &c->project, &c->world, ask, &t->plan, &c->error))
		return fail(c);
	return follow(c, t);
}

/* ---- what is shown ---- */

static int show(struct context *c, struct buf *text)
{
	if (c->vault)
		vault_redact(c->vault, text);
	return emit(text) ? 0 : ERR_FAILED;
}

static int show_json(struct context *c, const struct node *n)
{
	cleanup_buf struct buf b = BUF_INIT;
	json_write(&b, n, 2);
	buf_addc(&b, '\n');
	return show(c, &b);
}

static int write_har(struct context *c, const char *path, const struct trace *t)
{
	cleanup_buf struct buf b = BUF_INIT;
	json_write(&b, view_trace_har(&c->arena, t, DEVENV_VERSION, c->began_ms), 2);
	buf_addc(&b, '\n');
	if (c->vault)
		vault_redact(c->vault, &b);
	return file_write(path, b.data, b.len, 0600, false, &c->error) ? fail(c) : 0;
}

/* Did what may change something arrive twice? */
static bool trace_repeated(const struct trace *t)
{
	return t->seen.route.address && t->seen.service.address && !trace_safe(&t->plan);
}

static int run_one(struct context *c, const struct trace_opts *o, struct trace_ask *ask)
{
	struct trace *t = arena_new(&c->arena, struct trace);
	cleanup_buf struct buf b = BUF_INIT;
	int status = trace_one(c, ask, t);
	if (!status && trace_repeated(t))
		note(c,
			"note: %s was sent twice, through the route and at the service; "
			"--from service sends it once",
			t->plan.method);
	if (!status && o->har)
		status = write_har(c, o->har, t);
	if (status)
		return status;
	if (c->g.json) {
		status = show_json(c, view_trace_json(&c->arena, t));
	} else {
		view_trace(&b, &c->arena, t, c->out);
		status = show(c, &b);
	}
	return status ? status : t->cause == CAUSE_NONE ? 0 : ERR_FAILED;
}

static int show_all(struct context *c, const struct trace *const *list, size_t count)
{
	struct place no = { 0 };
	cleanup_buf struct buf b = BUF_INIT;
	if (!c->g.json) {
		view_traces(&b, &c->arena, list, count, c->out);
		return show(c, &b);
	}
	struct node *n = node_map(&c->arena, no), *traces = node_list(&c->arena, no);
	for (size_t i = 0; i < count; i++)
		list_add(&c->arena, traces, view_trace_json(&c->arena, list[i]));
	map_put(&c->arena, n, "version", no, node_int(&c->arena, 1, no));
	map_put(&c->arena, n, "traces", no, traces);
	return show_json(c, n);
}

int trace_routes(struct context *c, struct trace_ask *ask, struct traced *out)
{
	struct strs urls = { 0 };
	int status = 0;
	c->loop = c->loop ? c->loop : loop_new();
	trace_all(&c->arena, &c->project, &c->world, &urls);
	for (size_t i = 0; i < urls.count && !status; i++) {
		struct trace *t = arena_new(&c->arena, struct trace);
		ask->target = urls.items[i];
		status = trace_one(c, ask, t);
		*list_push(&c->arena, out) = t;
	}
	return status;
}

static int run_all(struct context *c, struct trace_ask *ask)
{
	struct traced all = { 0 };
	int worst = 0, status = trace_routes(c, ask, &all);
	if (!status && !all.count)
		return fail_with(c, ERR_FAILED, "this project has no routes");
	for (size_t i = 0; i < all.count; i++)
		worst = all.items[i]->cause == CAUSE_NONE ? worst : ERR_FAILED;
	status = status ? status : show_all(c, all.items, all.count);
	return status ? status : worst;
}

/* ---- again and again ---- */

static void add(struct context *c, struct strs *words, const char *option, const char *value)
{
	if (!value)
		return;
	strs_add(&c->arena, words, option);
	strs_add(&c->arena, words, value);
}

/* What was typed, but for the repeating. */
static struct strs words_of(struct context *c, const struct trace_opts *o, const struct strs *args)
{
	struct strs words = { 0 };
	if (c->g.json)
		strs_add(&c->arena, &words, "--json");
	add(c, &words, "--ansi", c->g.ansi);
	strs_add(&c->arena, &words, "trace");
	if (o->all)
		strs_add(&c->arena, &words, "--all");
	add(c, &words, "--from", o->from);
	for (size_t i = 0; i < o->headers.count; i++)
		add(c, &words, "--header", o->headers.items[i]);
	add(c, &words, "--data", o->data);
	if (o->timeout)
		add(c, &words, "--timeout", arena_printf(&c->arena, "%d", o->timeout));
	add(c, &words, "--har", o->har);
	strs_add(&c->arena, &words, "--");
	for (size_t i = 0; i < args->count; i++)
		strs_add(&c->arena, &words, args->items[i]);
	return words;
}

static int repeat(struct context *c, const struct trace_opts *o, const struct strs *args)
{
	struct strs words = words_of(c, o, args);
	if (o->every < 0)
		return fail_with(c, ERR_USAGE, "--every takes a number of seconds from 1 on");
	load_config(c); /* for its folder; what is wrong with it is said each time */
	if (!c->root || c->error.code)
		return c->error.code;
	return run_again(c, &words, o->every);
}

static int run_trace(struct context *c, const void *opts, const struct strs *args)
{
	const struct trace_opts *o = opts;
	struct trace_ask ask = { 0 };
	struct err quiet = ERR_INIT;
	int status = check_words(c, o, args);
	status = status ? status : fill_ask(c, o, args, &ask);
	if (!status && (o->watch || o->every))
		return repeat(c, o, args);
	status = status ? status : look(c);
	if (status)
		return status;
	if (c->engine_error.code)
		note(c, "note: containers are not looked at: %s", c->engine_error.text);
	c->loop = c->loop ? c->loop : loop_new();
	c->vault = c->vault ? c->vault : vault_open(&c->places, false, &quiet);
	if (c->vault)
		vault_fingerprints(c->vault, &c->arena, &c->project, &c->world);
	return o->all ? run_all(c, &ask) : run_one(c, o, &ask);
}

const struct cmd cmd_trace = {
	.name = "trace",
	.group = "inside",
	.args = "[METHOD] PATH|URL",
	.help = "one request at each stage of its route: where it fails, and why",
	.detail = "The request is sent through the route and straight at the service, under one "
		  "X-Request-Id, and each stage\n"
		  "is looked at from outside inwards: name, tcp, tls, proxy (which location), "
		  "upstream (as the proxy\n"
		  "resolved it), connect, service, needs (what it depends on). The first one that "
		  "is to blame is shown\n"
		  "with its likely cause, the line that asked for it and the log lines of the "
		  "request. A request that\n"
		  "changes something therefore arrives twice; --from service sends it once.\n\n"
		  "A PATH goes to the host whose routes take it most closely. The status is 0 when "
		  "no stage is to\n"
		  "blame, 1 when one is. An answer below 500 that the service itself gives is "
		  "its own affair.",
	.opts = trace_options,
	.opts_size = sizeof(struct trace_opts),
	.max_args = 2,
	.run = run_trace,
};
