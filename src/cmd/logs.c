/*
 * logs: history from devenv's own files, which outlive containers, and what comes while following.
 * Comes in: options. Goes out: a query; how lines look is the printer's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "run/logs/logs.h"

struct logs_opts {
	bool follow, times, no_prefix, ignore_case, all, raw;
	const char *tail, *since, *until, *grep, *level, *request;
};

#define LOGS(field) offsetof(struct logs_opts, field)
static const char *const level_words[] = { "trace", "debug", "info", "notice", "warn", "error",
	"fatal", NULL };

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
	{ "ignore-case", 'i', OPT_FLAG, NULL, "--grep does not tell A from a", NULL, COMPLETE_NONE,
		LOGS(ignore_case), false },
	{ "level", 0, OPT_CHOICE, "LEVEL",
		"only lines of this level and above: trace, debug, info, notice, warn, error, "
		"fatal",
		level_words, COMPLETE_CHOICE, LOGS(level), false },
	{ "request", 0, OPT_TEXT, "ID",
		"only lines that carry this request or trace id, of all services", NULL,
		COMPLETE_NONE, LOGS(request), false },
	{ "all", 0, OPT_FLAG, NULL,
		"everything there is: all lines of all services, and what `run` left behind", NULL,
		COMPLETE_NONE, LOGS(all), false },
	{ "raw", 0, OPT_FLAG, NULL, "leave JSON lines as they came", NULL, COMPLETE_NONE, LOGS(raw),
		false },
	{ "no-log-prefix", 0, OPT_FLAG, NULL, "leave the service's name out", NULL, COMPLETE_NONE,
		LOGS(no_prefix), false },
	{ 0 },
};

static int fill_query(struct context *c, const struct logs_opts *o, struct log_query *q)
{
	int64_t tail = -1;
	if (o->tail && !streq(o->tail, "all") && (!parse_int(o->tail, &tail) || tail < 0))
		return fail_with(c, ERR_USAGE,
			"--tail takes a number of lines or \"all\", not \"%s\"", o->tail);
	if (o->request && !*o->request)
		return fail_with(c, ERR_USAGE, "--request takes the id of a request");
	if (o->since && !parse_when(o->since, &q->since_ns))
		return fail_with(
			c, ERR_USAGE, "--since takes a time or a duration, not \"%s\"", o->since);
	if (o->until && !parse_when(o->until, &q->until_ns))
		return fail_with(
			c, ERR_USAGE, "--until takes a time or a duration, not \"%s\"", o->until);
	q->tail = (int)tail;
	q->grep = o->grep;
	q->ignore_case = o->ignore_case;
	q->level = o->level ? level_named(o->level, strlen(o->level)) : LEVEL_NONE;
	q->request = o->request;
	q->one_offs = o->all;
	q->pause = log_flush;
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
	p.style.raw = o->raw;
	int bad =
		logs_read(c->engine, c->loop, &c->places, &c->world, &q, log_print, &p, &c->error);
	log_printer_release(&p);
	if (!bad && !c->world.containers.count && !dir_exists(c->places.logs))
		note(c, "Nothing has run here yet: `devenv up` starts it.");
	if (loop_signal(c->loop))
		return o->follow ? 0 : 128 + loop_signal(c->loop);
	return bad ? fail(c) : 0;
}

const struct cmd cmd_logs = {
	.name = "logs",
	.group = "daily",
	.args = "[SVC...]",
	.help = "show logs, also of containers that are gone",
	.detail =
		"devenv keeps one log file per service in .devenv/logs, with a separator per "
		"container, so that\n"
		"history survives restarts and recreation. Control characters are shown, not "
		"obeyed.\n\n"
		"A line that is a JSON object is shown as its time, level, message and other "
		"fields; --raw leaves it\n"
		"as it came. --level knows the level of JSON (level, severity, lvl), of "
		"level=WORD and of the usual\n"
		"forms of text; lines that name none are left out, unless they go on with the one "
		"before (a traceback).\n"
		"--request finds the id in text and in fields alike, with the errors of nginx for "
		"it, and shows all\n"
		"services in order of time.\n\n"
		"With --json each line is an object: version, time, kind \"log\", service, "
		"number (0: of `run`), stream,\n"
		"time_ns, line, and level and message where the line names them.",
	.opts = logs_options,
	.opts_size = sizeof(struct logs_opts),
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_logs,
};
