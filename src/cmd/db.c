/*
 * db: the data of a database into a file and back, and its client. What these are the service says
 * (client, dump, load), as a rule by its template.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/data.h"
#include "cmd/dumps.h"
#include "cmd/lifecycle.h"
#include "run/io/detach.h"
#include "run/data/initial.h"

struct db_opts {
	const char *output;
	int index;
	bool no_snapshot;
};

static const struct opt db_options[] = {
	{ "output", 'o', OPT_TEXT, "FILE", "dump into FILE; .gz and .zst are compressed", NULL,
		COMPLETE_FILE, offsetof(struct db_opts, output), false },
	{ "index", 0, OPT_INT, "N", "which copy of a service with several", NULL, COMPLETE_NONE,
		offsetof(struct db_opts, index), false },
	{ "no-snapshot", 0, OPT_FLAG, NULL, "load: do not keep a snapshot of the data before", NULL,
		COMPLETE_NONE, offsetof(struct db_opts, no_snapshot), false },
	{ 0 },
};

struct asked { /* by the command line */
	const struct db_opts *opts;
	const struct service *service;
	const char *file; /* as written; NULL: none */
};

static bool is_database(const struct service *s)
{
	return !s->left_out && (s->dump.count || s->load.command.count);
}

/* The one that the project has; NULL after an error. */
static const struct service *only_database(struct context *c, const char *verb)
{
	struct strs names = { 0 };
	const struct service *found = NULL;
	for (size_t i = 0; i < c->project.services.count; i++) {
		if (!is_database(&c->project.services.items[i]))
			continue;
		found = &c->project.services.items[i];
		strs_add(&c->arena, &names, found->name);
	}
	if (names.count == 1)
		return found;
	if (names.count)
		err_set(&c->error, ERR_USAGE, "which database? devenv db %s %s", verb,
			strs_join(&c->arena, &names, "|"));
	else
		err_set(&c->error, ERR_FAILED, "this project has no database");
	if (!names.count)
		err_hint(&c->error,
			"a service is one by its template (postgres, mariadb, redis) or "
			"by `dump:` and `load:`");
	fail(c);
	return NULL;
}

static const struct service *database_or_none(struct context *c, const char *name)
{
	const struct service *s = project_service(&c->project, name);
	return s && is_database(s) ? s : NULL;
}

/* [SVC], and for load [SVC] [FILE]: a single word is a file unless a database bears that name. */
static int read_words(struct context *c, const struct strs *args, bool takes_file, struct asked *a)
{
	const char *first = args->count > 1 ? args->items[1] : NULL;
	bool file_alone = takes_file && first && args->count == 2 && !database_or_none(c, first);
	if (args->count > (takes_file ? 3 : 2))
		return fail_with(c, ERR_USAGE, "too many arguments: devenv db %s [SVC]%s",
			args->items[0], takes_file ? " [FILE]" : "");
	a->file = file_alone ? first : args->count == 3 ? args->items[2] : NULL;
	a->service =
		first && !file_alone ? named_service(c, first) : only_database(c, args->items[0]);
	return a->service ? 0 : c->error.code ? (int)c->error.code : ERR_USAGE;
}

static const struct container *container_of(struct context *c, const struct asked *a)
{
	const struct container *k = running_copy(c, a->service->name, a->opts->index);
	if (!k || !k->host)
		return k;
	fail_with(c, ERR_FAILED, "%s runs on this host: use its own programs there",
		a->service->name);
	return NULL;
}

/* "-" and none: a standard stream, NULL. */
static const char *path_of(struct context *c, const char *file)
{
	if (!file || streq(file, "-"))
		return NULL;
	const char *here = path_real(&c->arena, c->g.dir ? c->g.dir : ".");
	return path_join(&c->arena, here ? here : "", file);
}

static int names_none(struct context *c, const struct service *s, const char *what)
{
	err_set(&c->error, ERR_FAILED, "%s names no way to %s its data", s->name, what);
	err_hint(&c->error, "say it in the configuration: services.%s.%s", s->name, what);
	c->error.place = s->place;
	return fail(c);
}

static int run_dump(struct context *c, const struct asked *a)
{
	const char *file = a->opts->output;
	if (!a->service->dump.count)
		return names_none(c, a->service, "dump");
	if (!file && isatty(STDOUT_FILENO)) {
		err_set(&c->error, ERR_USAGE, "a dump is not written to a terminal");
		err_hint(&c->error, "name a file (-o FILE), or say -o - to see it all the same");
		return fail(c);
	}
	const struct container *k = container_of(c, a);
	if (!k)
		return c->error.code;
	int status = dump_data(c, a->service, k, path_of(c, file));
	if (!status && path_of(c, file))
		note(c, "%s is in %s", a->service->name, file);
	return status;
}

/* Its data as they are, at rest: it stops for that and starts again. */
static int keep_data(struct context *c, const struct service *s)
{
	struct data_volumes used = { 0 }, v = { 0 };
	struct strs none = { 0 }, services = { 0 }, stopped = { 0 };
	strs_add(&c->arena, &services, s->name);
	int status = data_open(c, &none, false);
	status = status ? status : data_of_services(c, &services, &used);
	for (size_t i = 0; i < used.count; i++)
		if (used.items[i].exists)
			*list_push(&c->arena, &v) = used.items[i];
	if (!status && !v.count)
		note(c, "note: %s has no data volume here: no snapshot is kept of its data",
			s->name);
	if (status || !v.count)
		return status;
	status = data_stop_users(c, &v, "db load", &stopped);
	status = status ? status : data_safety(c, &v, "load");
	int started = data_start_users(c, &stopped);
	return status ? status : started;
}

static int find_dump(struct context *c, const char *file)
{
	if (!file || !access(file, R_OK))
		return 0;
	err_errno(&c->error, "%s", file);
	return fail(c);
}

static int run_load(struct context *c, const struct asked *a)
{
	if (!a->service->load.command.count)
		return names_none(c, a->service, "load");
	if (!path_of(c, a->file) && isatty(STDIN_FILENO))
		return fail_with(c, ERR_USAGE, "which dump? devenv db load %s FILE, or < FILE",
			a->service->name);
	const struct container *k = container_of(c, a);
	if (!k)
		return c->error.code;
	const char *file = path_of(c, a->file);
	int status = find_dump(c, file);
	if (!status && !a->opts->no_snapshot && !c->project.run)
		status = keep_data(c, a->service);
	k = status ? NULL : container_of(c, a);
	if (!k)
		return status ? status : (int)c->error.code;
	status = load_data(c, a->service, k, file, file ? a->file : "standard input");
	if (!status)
		note(c, "%s has the data of %s", a->service->name,
			file ? a->file : "standard input");
	return status;
}

static int run_client(struct context *c, const struct asked *a)
{
	struct strs argv = { 0 };
	const struct service *s = a->service;
	int status = 0;
	if (!s->client.count)
		return fail_with(c, ERR_FAILED,
			"%s names no client (its template, or `client:`, would)", s->name);
	const struct container *k = container_of(c, a);
	if (!k)
		return c->error.code;
	for (size_t i = 0; i < s->client.count; i++)
		strs_add(&c->arena, &argv, s->client.items[i]);
	strs_add(&c->arena, &argv, NULL);
	struct exec_request r = { .container = k->id,
		.argv = argv.items,
		.tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
		.stdin_open = true };
	c->loop = c->loop ? c->loop : loop_new();
	return engine_exec(c->engine, c->loop, &r, &status, &c->error) ? fail(c) : status;
}

static const struct verb {
	const char *name;
	int (*run)(struct context *c, const struct asked *a);
	bool takes_file;
} verbs[] = {
	{ "dump", run_dump, false },
	{ "load", run_load, true },
	{ "shell", run_client, false },
};

static const char *const verb_names[] = { "dump", "load", "shell", NULL };

static int run_db(struct context *c, const void *opts, const struct strs *args)
{
	struct asked a = { .opts = opts };
	const struct verb *v = NULL;
	for (size_t i = 0; i < countof(verbs); i++)
		v = streq(verbs[i].name, args->items[0]) ? &verbs[i] : v;
	if (!v)
		return wrong_verb(c, args->items[0]);
	int status = look(c);
	status = status ? status : read_words(c, args, v->takes_file, &a);
	return status ? status : v->run(c, &a);
}

/* What a new volume begins with; `up` asks for it as a step of its own. */
static int run_initial(struct context *c, const void *opts, const struct strs *args)
{
	const char *volume = args->items[1], *file = args->items[2];
	const struct container *k;
	(void)opts;
	int status = look(c);
	const struct service *s = status ? NULL : named_service(c, args->items[0]);
	if (!s || !(k = running_copy(c, s->name, 1)))
		return status ? status : (int)c->error.code;
	own_name();
	status = load_data(c, s, k, file, path_base(file));
	if (!status && initial_end(&c->places, volume, &c->error))
		return fail(c);
	return status;
}

const struct cmd cmd_load_initial = {
	.name = "__load",
	.args = "SVC VOLUME FILE",
	.help = "load the dump that a new volume begins with",
	.min_args = 3,
	.max_args = 3,
	.run = run_initial,
};

const struct cmd cmd_db = {
	.name = "db",
	.group = "data",
	.args = "dump [SVC] [-o FILE] | load [SVC] [FILE] | shell [SVC]",
	.help = "a database's data into a file and back, and its client",
	.detail =
		"SVC may be left out where just one service is a database: one whose template, or "
		"whose own `dump:`\n"
		"and `load:`, say how. It must be running.\n\n"
		"dump writes to standard output, or to FILE, which appears when the dump is whole. "
		"load reads FILE,\n"
		"or standard input without one and with -; compressed ones (gzip, zstd) are "
		"unpacked. PostgreSQL\n"
		"loads in one transaction and Redis swaps all data at once: after a failed load "
		"they are as before.\n"
		"MariaDB cannot take back what changes tables. Before a load the database stops "
		"for a moment: what\n"
		"its volumes hold is kept as an automatic snapshot, unless there is "
		"--no-snapshot.\n\n"
		"shell starts the database's own client (psql, mariadb, redis-cli).",
	.opts = db_options,
	.opts_size = sizeof(struct db_opts),
	.min_args = 1,
	.max_args = 3,
	.complete = COMPLETE_SERVICE,
	.verbs = verb_names,
	.run = run_db,
};
