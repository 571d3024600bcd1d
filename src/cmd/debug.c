/*
 * debug: a container of tools beside the running ones. Its image is built when it is wanted for the
 * first time; it goes with the command. Takes no turn with other commands: who waits for a start
 * that hangs wants to look into it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/embed.h"
#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "doc/yaml.h"
#include "planner/debug.h"
#include "run/apply.h"
#include "run/engine/exec.h"
#include "run/tools.h"

struct debug_opts {
	bool list, root, no_tty;
	const char *user, *workdir;
	struct strs caps, env;
	int index;
};

#define DEBUG(field) offsetof(struct debug_opts, field)
static const struct opt debug_options[] = {
	{ "list", 0, OPT_FLAG, NULL, "list the scripts on its PATH, and start nothing", NULL,
		COMPLETE_NONE, DEBUG(list), false },
	{ "cap", 0, OPT_LIST, "CAPABILITY",
		"give it this capability, as root, e.g. NET_RAW or SYS_PTRACE; repeatable", NULL,
		COMPLETE_NONE, DEBUG(caps), false },
	{ "root", 0, OPT_FLAG, NULL, "as root rather than as the user of SVC", NULL, COMPLETE_NONE,
		DEBUG(root), false },
	{ "user", 'u', OPT_TEXT, "USER", "as this user: a number, or a name of the image", NULL,
		COMPLETE_NONE, DEBUG(user), false },
	{ "workdir", 'w', OPT_TEXT, "DIR", "in this directory of the container", NULL,
		COMPLETE_NONE, DEBUG(workdir), false },
	{ "environment", 'e', OPT_LIST, "NAME=VALUE", "set a variable; repeatable", NULL,
		COMPLETE_NONE, DEBUG(env), false },
	{ "no-tty", 'T', OPT_FLAG, NULL, "without a terminal", NULL, COMPLETE_NONE, DEBUG(no_tty),
		false },
	{ "index", 0, OPT_INT, "N", "which copy of a service with several", NULL, COMPLETE_NONE,
		DEBUG(index), false },
	{ 0 },
};

/* ---- the image ---- */

/* Below the project's own images, for it may stand on them. */
static void add_rung(struct context *c)
{
	static const char path[] = "debug/image.yml";
	const struct embedded *f = embed_find(path);
	struct place at = { .layer = "template debug" };
	struct node *tree = c->config.tree, *images = node_get(tree, "images");
	if (!images || images->kind != NODE_MAP) {
		images = node_map(&c->arena, at);
		map_put(&c->arena, tree, "images", at, images);
	}
	if (node_get(images, TOOLS_RUNG))
		return;
	struct node *rung = yaml_read(&c->arena, (const char *)f->data, f->size,
		"templates/debug/image.yml", at.layer, &c->diags, NULL);
	map_put(&c->arena, images, TOOLS_RUNG, rung->place, rung);
}

static int load_for_tools(struct context *c)
{
	if (load_config(c))
		return c->error.code ? (int)c->error.code : report(c);
	c->tools = true;
	add_rung(c);
	return load_project(c);
}

/* Building runs what the project says, with files that it names: that needs consent, as for `up`.
 */
static int bring_image(struct context *c)
{
	struct prepare p = {
		.request = { .goal = GOAL_TOOLS, .no_hooks = true, .timeout_ms = -1 },
		.engine = true,
	};
	int status = need_engine(c); /* a project of this host alone has none open */
	status = status ? status : prepare(c, &p);
	if (!status && c->g.dry_run)
		return show_plan(c);
	if (status || !c->plan.steps.count)
		return status;
	status = ask_trust(c);
	return status ? status : carry_out(c);
}

int bring_tools(struct context *c)
{
	int status = load_for_tools(c);
	status = status ? status : look(c);
	return status ? status : bring_image(c);
}

/* ---- scripts ---- */

static int find_scripts(struct context *c, struct tools_files *out)
{
	const struct debug *g = &c->project.debug;
	const char *dir = g->tools, *real = path_real(&c->arena, dir);
	const char *top = path_real(&c->arena, c->project.dir);
	bool there = dir_exists(dir);
	if (!there && g->tools_own) {
		err_set(&c->error, ERR_CONFIG, "there is no directory %s", dir);
		c->error.place = g->place;
		return fail(c);
	}
	if (there && (!real || !top || !path_inside(top, real))) {
		err_set(&c->error, ERR_CONFIG,
			"%s leads out of the project: scripts from elsewhere are not copied", dir);
		c->error.place = g->place;
		return fail(c);
	}
	return tools_files(&c->arena, there ? real : NULL, out, &c->error) ? fail(c) : 0;
}

static int list_scripts(struct context *c)
{
	struct tools_files files;
	cleanup_buf struct buf out = BUF_INIT;
	int status = load_project(c);
	status = status ? status : find_scripts(c, &files);
	if (status)
		return status;
	if (c->g.json) {
		emit_node(view_scripts_json(&c->arena, &files.scripts));
		return 0;
	}
	view_scripts(&out, &c->arena, &files.scripts, c->out);
	emit(&out);
	return 0;
}

/* ---- what it joins ---- */

static void tell_host(struct context *c, const struct container *k)
{
	note(c,
		"note: %s runs on this machine (pid %ld): its processes and files are here, for "
		"your "
		"own tools. This container reaches it as other services do, at "
		"host.docker.internal",
		k->service, (long)k->pid);
}

static void tell_withheld(struct context *c, const struct joined *j, const struct tools_spec *spec)
{
	for (size_t i = 0; i < j->withheld.count; i++)
		note(c, "note: %s is not mounted: it leads to the engine's socket",
			j->withheld.items[i]);
	for (size_t i = 0; i < spec->left_out.count; i++)
		note(c, "note: %s is not mounted, the tools are there; it is /proc/1/root%s",
			spec->left_out.items[i], spec->left_out.items[i]);
}

static int look_at_goal(
	struct context *c, const struct debug_opts *o, struct tools_request *r, struct joined *j)
{
	const struct container *k = r->service ? running_copy(c, r->service->name, o->index) : NULL;
	if (r->service && !k)
		return c->error.code;
	if (need_engine(c))
		return c->error.code;
	if (k && k->host)
		tell_host(c, k);
	if (k && !k->host) {
		r->joined = j;
		return joined_look(c->engine, &c->arena, k->id, j, &c->error) ? fail(c) : 0;
	}
	return engine_networks(c->engine, &c->arena, c->project.workspace, &c->world, &c->error)
		       ? fail(c)
		       : 0;
}

/* What the project trusts; NULL before the first `up`. */
static const char *bundle_of(struct context *c)
{
	const char *path = path_join(&c->arena, c->places.generated, "trust/ca-bundle.crt");
	return file_exists(path) ? path : NULL;
}

static int plan_container(struct context *c, const struct debug_opts *o, struct tools_request *r,
	struct tools_spec *spec)
{
	struct joined j = { 0 };
	int status = look_at_goal(c, o, r, &j);
	if (status)
		return status;
	r->bundle = bundle_of(c) != NULL;
	if (tools_make(&c->arena, &c->project, &c->world, r, spec, &c->diags))
		return report(c);
	tell_withheld(c, &j, spec);
	return 0;
}

/* ---- the session ---- */

/* What the shell there does first: files that their clients take from their owner alone. */
static const char settle[] = "(umask 077; for f in " TOOLS_CLIENTS "/*; do [ ! -f \"$f\" ] || "
			     "cp \"$f\" \"$HOME/.${f##*/}\"; done) 2>/dev/null; ";

/* A password that nobody has made yet is none: nothing runs that would ask for it. */
static void send_clients(
	struct context *c, const struct tools_spec *spec, struct tools_files *files)
{
	struct err quiet = ERR_INIT;
	c->vault = c->vault ? c->vault : vault_open(&c->places, false, &quiet);
	for (size_t i = 0; i < spec->files.count; i++) {
		const struct out_file *f = &spec->files.items[i];
		cleanup_buf struct buf text = BUF_INIT;
		struct err e = ERR_INIT;
		if (apply_content(&c->arena, f, &c->plan, c->vault, &text, &e))
			continue;
		*list_push(&c->arena, &files->files.files) = (struct context_file){
			.path = arena_printf(&c->arena, "%s/%s", TOOLS_CLIENTS + 1, f->path),
			.data = arena_strndup(&c->arena, buf_str(&text), text.len),
			.len = text.len,
			.mode = f->mode,
		};
	}
	if (bundle_of(c))
		*list_push(&c->arena, &files->files.files) =
			(struct context_file){ .path = &TOOLS_BUNDLE[1], .source = bundle_of(c) };
}

static const char *const *words_of(struct context *c, const struct strs *command)
{
	static const char shell[] = "if command -v bash >/dev/null; then exec bash --norc; fi; "
				    "exec sh";
	struct strs l = { 0 };
	const char *path = arena_printf(&c->arena, "%sPATH=%s:$PATH; export PATH; %s", settle,
		tools_path, command->count ? "exec \"$@\"" : shell);
	const char *head[] = { "/bin/sh", "-c", path, "debug" };
	for (size_t i = 0; i < countof(head); i++)
		strs_add(&c->arena, &l, head[i]);
	for (size_t i = 0; i < command->count; i++)
		strs_add(&c->arena, &l, command->items[i]);
	strs_add(&c->arena, &l, NULL);
	return l.items;
}

static struct strs session_environment(
	struct context *c, const struct debug_opts *o, const struct tools_request *r, bool tty)
{
	struct strs env = { 0 };
	const char *term = getenv("TERM");
	strs_add(&c->arena, &env,
		arena_printf(&c->arena, "PS1=debug %s \\w \\$ ",
			r->service ? r->service->name : c->project.name));
	if (tty && term && *term)
		strs_add(&c->arena, &env, arena_printf(&c->arena, "TERM=%s", term));
	for (size_t i = 0; i < o->env.count; i++)
		strs_add(&c->arena, &env, o->env.items[i]);
	return env;
}

/* What a newcomer at the prompt cannot guess. */
static void greet(struct context *c, const struct tools_request *r, const struct tools_spec *spec)
{
	const char *caps = strs_join(&c->arena, &spec->cap_add, ", ");
	note(c, "%s%s; capabilities: %s; scripts: devenv debug --list",
		r->service ? r->service->name : c->project.name,
		r->joined ? ": its network, processes and volumes, its files below /proc/1/root"
			  : ": its network",
		r->joined && !spec->cap_drop.count ? "the engine's usual ones"
		: *caps                            ? caps
						   : "none (--cap)");
}

static int run_inside(struct context *c, const struct debug_opts *o, const struct tools_request *r,
	const struct strs *command, const struct tools *t)
{
	bool tty = !o->no_tty && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct strs env = session_environment(c, o, r, tty);
	struct exec_request x = {
		.container = tools_id(t),
		.argv = words_of(c, command),
		.dir = o->workdir,
		.env = &env,
		.tty = tty,
		.stdin_open = true,
		.lifeline = tools_lifeline(t),
	};
	int status = 0;
	if (loop_signal(c->loop))
		return 128 + loop_signal(c->loop);
	return engine_exec(c->engine, c->loop, &x, &status, &c->error) ? fail(c) : status;
}

static int session(struct context *c, const struct debug_opts *o, const struct tools_request *r,
	const struct tools_spec *spec, const struct strs *command)
{
	struct tools_files files;
	int status = find_scripts(c, &files);
	if (status)
		return status;
	send_clients(c, spec, &files);
	c->loop = c->loop ? c->loop : loop_new();
	struct tools *t = tools_open(c->engine, spec, &files, &c->error);
	if (!t)
		return fail(c);
	if (!command->count && isatty(STDERR_FILENO))
		greet(c, r, spec);
	status = run_inside(c, o, r, command, t);
	return tools_close(t, &c->error) ? fail(c) : status;
}

/* [SVC] [-- COMMAND...] */
static int split(
	struct context *c, const struct strs *args, const char **service, struct strs *command)
{
	size_t i = 0;
	if (i < args->count && !streq(args->items[i], "--"))
		*service = args->items[i++];
	if (i < args->count && !streq(args->items[i], "--")) {
		err_set(&c->error, ERR_USAGE, "debug takes one service, and a command behind --");
		err_hint(&c->error, "devenv debug %s -- %s", *service, args->items[i]);
		return fail(c);
	}
	for (i++; i < args->count; i++)
		strs_add(&c->arena, command, args->items[i]);
	return 0;
}

static int run_debug(struct context *c, const void *opts, const struct strs *args)
{
	const struct debug_opts *o = opts;
	struct tools_request r = {
		.caps = o->caps,
		.user = o->user,
		.root = o->root,
		.unique = arena_printf(&c->arena, "%ld", (long)getpid()),
		.version = DEVENV_VERSION,
	};
	const char *service = NULL;
	struct strs command = { 0 };
	struct tools_spec spec;
	if (o->list)
		return list_scripts(c);
	int status = split(c, args, &service, &command);
	status = status ? status : load_for_tools(c);
	if (!status && service && !(r.service = named_service(c, service)))
		status = ERR_USAGE;
	status = status ? status : look(c);
	status = status ? status : bring_image(c);
	if (status || c->g.dry_run)
		return status;
	status = plan_container(c, o, &r, &spec);
	return status ? status : session(c, o, &r, &spec, &command);
}

const struct cmd cmd_debug = {
	.name = "debug",
	.group = "inside",
	.args = "[SVC] [-- COMMAND [ARG...]]",
	.help = "tools in a container of their own that joins the running ones; a shell, or "
		"COMMAND",
	.detail =
		"With SVC it is in that service's network and among its processes, has its volumes "
		"and "
		"is its user;\n"
		"the service's image needs neither a shell nor tools, and its files are below "
		"/proc/1/root.\n"
		"Without SVC it is in the project's network.\n"
		"\n"
		"It has the capabilities that the service has, and those asked for with --cap. It "
		"never has the\n"
		"engine's socket. It is removed when the command ends, and when devenv is killed.\n"
		"\n"
		"Scripts of devenv's own and those of the project (debug/, or debug.tools in "
		"devenv.yml) are on its\n"
		"PATH. Its image is built on first use; debug.image names another.",
	.opts = debug_options,
	.opts_size = sizeof(struct debug_opts),
	.max_args = -1,
	.dashes = true,
	.complete = COMPLETE_SERVICE,
	.run = run_debug,
};
