/*
 * logs: history from devenv's own files, which outlive containers, and what comes while following.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "doc/json.h"

struct logs_opts {
	bool follow, times, no_prefix;
	const char *tail, *since, *until, *grep;
};

#define LOGS(field) offsetof(struct logs_opts, field)
static const struct opt logs_options[] = {
	{ "follow", 'f', OPT_FLAG, NULL, "go on with what is being written", NULL, COMPLETE_NONE,
		LOGS(follow), false },
	{ "tail", 'n', OPT_TEXT, "LINES",
		"only the last lines of each service (\"all\": everything)", NULL, COMPLETE_NONE,
		LOGS(tail), false },
	{ "timestamps", 't', OPT_FLAG, NULL, "show the time of each line", NULL, COMPLETE_NONE,
		LOGS(times), false },
	{ "since", 0, OPT_TEXT, "TIME",
		"from a time (2026-01-31T10:00:00) or so long ago (10m, 2h)", NULL, COMPLETE_NONE,
		LOGS(since), false },
	{ "until", 0, OPT_TEXT, "TIME", "up to a time or so long ago", NULL, COMPLETE_NONE,
		LOGS(until), false },
	{ "grep", 'g', OPT_TEXT, "REGEX", "only lines that match (POSIX extended)", NULL,
		COMPLETE_NONE, LOGS(grep), false },
	{ "no-log-prefix", 0, OPT_FLAG, NULL, "leave the service's name out", NULL, COMPLETE_NONE,
		LOGS(no_prefix), false },
	{ 0 },
};

struct log_printer log_printer_of(struct context *c, bool times)
{
	struct log_printer p = { .context = c, .style = { .style = c->out, .times = times } };
	for (size_t i = 0; i < c->project.services.count; i++) {
		int width = (int)text_width(c->project.services.items[i].name);
		p.style.prefix_width = width > p.style.prefix_width ? width : p.style.prefix_width;
	}
	return p;
}

static void print_json(struct log_printer *p, const char *service, int number, enum stream s,
	int64_t time_ns, const char *line, size_t len);

void log_format(struct log_printer *p, const char *service, int number, enum stream s,
	int64_t time_ns, const char *line, size_t len)
{
	struct context *c = p->context;
	const struct service *known = project_service(&c->project, service);
	int colour = known ? (int)(known - c->project.services.items) : 0;
	cleanup_buf struct buf clear = BUF_INIT;
	if (c->vault) { /* the second line of defence: secrets are not shown even when a service
			   prints them */
		buf_add(&clear, line, len);
		vault_redact(c->vault, &clear);
		line = buf_str(&clear);
		len = clear.len;
	}
	buf_truncate(&p->out, 0);
	if (c->g.json)
		print_json(p, service, number, s, time_ns, line, len);
	else
		view_log_line(&p->out, &p->style, service, number, colour, time_ns, line, len);
}

void log_print(void *printer, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	struct log_printer *p = printer;
	log_format(p, service, number, s, time_ns, line, len);
	emit(&p->out);
	if (p->follow)
		fflush(stdout);
}

static bool parse_time(const char *s, int64_t *ns)
{
	struct tm tm = { .tm_isdst = -1 };
	int64_t ms;
	if (parse_duration(s, &ms)) {
		*ns = (clock_ms() - ms) * 1000000;
		return true;
	}
	const char *end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	end = end ? end : strptime(s, "%Y-%m-%d", &tm);
	if (!end || (*end && !streq(end, "Z")))
		return false;
	*ns = (int64_t)(*end ? timegm(&tm) : mktime(&tm)) * 1000000000;
	return true;
}

static int fill_query(struct context *c, const struct logs_opts *o, struct log_query *q)
{
	int64_t tail = -1;
	if (o->tail && !streq(o->tail, "all") && (!parse_int(o->tail, &tail) || tail < 0))
		return fail_with(c, ERR_USAGE,
			"--tail takes a number of lines or \"all\", not \"%s\"", o->tail);
	if (o->since && !parse_time(o->since, &q->since_ns))
		return fail_with(
			c, ERR_USAGE, "--since takes a time or a duration, not \"%s\"", o->since);
	if (o->until && !parse_time(o->until, &q->until_ns))
		return fail_with(
			c, ERR_USAGE, "--until takes a time or a duration, not \"%s\"", o->until);
	q->tail = (int)tail;
	q->grep = o->grep;
	q->follow = o->follow;
	return 0;
}

/* The engine is asked when it answers; the files alone are enough for what is past. */
static void look_if_possible(struct context *c)
{
	struct err quiet = ERR_INIT;
	c->engine = c->engine ? c->engine : engine_open(&quiet);
	if (c->engine &&
		engine_look(c->engine, &c->arena, c->project.workspace, &c->world, &quiet)) {
		engine_close(c->engine);
		c->engine = NULL;
	}
}

static int run_logs(struct context *c, const void *opts, const struct strs *args)
{
	const struct logs_opts *o = opts;
	struct log_query q = { .services = *args };
	int status = open_places(c);
	if (!status)
		status = check_services(c, args);
	if (!status)
		status = fill_query(c, o, &q);
	if (status)
		return status;
	struct err quiet = ERR_INIT;
	c->vault = vault_open(&c->places, false, &quiet);
	if (c->vault)
		vault_fingerprints(c->vault, &c->arena, &c->project, &c->world);
	look_if_possible(c);
	c->loop = loop_new();
	struct log_printer p = log_printer_of(c, o->times);
	p.style.no_prefix = o->no_prefix;
	p.follow = o->follow;
	int bad =
		logs_read(c->engine, c->loop, &c->places, &c->world, &q, log_print, &p, &c->error);
	buf_release(&p.out);
	if (loop_signal(c->loop))
		return o->follow ? 0 : 128 + loop_signal(c->loop);
	return bad ? fail(c) : 0;
}

static void print_json(struct log_printer *p, const char *service, int number, enum stream s,
	int64_t time_ns, const char *line, size_t len)
{
	struct arena a = ARENA_INIT;
	struct place no = { 0 };
	struct node *n = node_map(&a, no);
	cleanup_buf struct buf text = BUF_INIT;
	text_clean(&text, line, len, false);
	map_put(&a, n, "version", no, node_int(&a, 1, no));
	map_put(&a, n, "service", no, node_str(&a, service, no));
	map_put(&a, n, "number", no, node_int(&a, number, no));
	map_put(&a, n, "stream", no, node_str(&a, s == STREAM_STDERR ? "stderr" : "stdout", no));
	map_put(&a, n, "time_ns", no, node_int(&a, time_ns, no));
	map_put(&a, n, "line", no, node_strn(&a, buf_str(&text), text.len, no));
	json_write(&p->out, n, 0);
	buf_addc(&p->out, '\n');
	arena_release(&a);
}

const struct cmd cmd_logs = {
	.name = "logs",
	.group = "daily",
	.args = "[SVC...]",
	.help = "show logs, also of containers that are gone",
	.detail = "devenv keeps one log file per service in .devenv/logs, with a separator per "
		  "container, so that\n"
		  "history survives restarts and recreation. Control characters are shown, not "
		  "obeyed.",
	.opts = logs_options,
	.opts_size = sizeof(struct logs_opts),
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_logs,
};
