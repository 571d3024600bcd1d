/*
 * The table of commands and the program's way through one of them. The table is the one source of
 * parsing, help, completion and the manual.
 */
#include "cmd/cmd.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/opt.h"

#define GLOBAL(field) offsetof(struct globals, field)

static const char *const ansi_modes[] = { "auto", "always", "never", NULL };
static const char *const progress_modes[] = { "auto", "tty", "plain", "json", "quiet", NULL };

const struct opt global_opts[] = {
	{ "directory", 'C', OPT_TEXT, "DIR", "run as if started in DIR", NULL, COMPLETE_DIR,
		GLOBAL(dir), false },
	{ "file", 'f', OPT_LIST, "FILE",
		"read FILE instead of the usual files; repeatable, later ones win", NULL,
		COMPLETE_FILE, GLOBAL(files), false },
	{ "env", 0, OPT_TEXT, "NAME", "environment: dev (the default), ci, prod or any other name",
		NULL, COMPLETE_NONE, GLOBAL(environment), false },
	{ "project", 'p', OPT_TEXT, "NAME", "project name instead of the configured one", NULL,
		COMPLETE_NONE, GLOBAL(project), false },
	{ "profile", 0, OPT_LIST, "NAME", "include services of a profile; repeatable", NULL,
		COMPLETE_NONE, GLOBAL(profiles), false },
	{ "set", 0, OPT_LIST, "KEY=VALUE",
		"override one value: --set services.api.environment.DEBUG=1", NULL, COMPLETE_NONE,
		GLOBAL(sets), false },
	{ "json", 0, OPT_FLAG, NULL, "results as JSON on standard output", NULL, COMPLETE_NONE,
		GLOBAL(json), false },
	{ "ansi", 0, OPT_CHOICE, "WHEN", "colours: auto, always or never", ansi_modes,
		COMPLETE_CHOICE, GLOBAL(ansi), false },
	{ "progress", 0, OPT_CHOICE, "HOW", "progress: auto, tty, plain, json or quiet",
		progress_modes, COMPLETE_CHOICE, GLOBAL(progress), false },
	{ "quiet", 'q', OPT_FLAG, NULL, "print nothing but errors and results", NULL, COMPLETE_NONE,
		GLOBAL(quiet), false },
	{ "yes", 'y', OPT_FLAG, NULL, "answer yes to every question", NULL, COMPLETE_NONE,
		GLOBAL(yes), false },
	{ "trust", 0, OPT_FLAG, NULL,
		"consent to what the configuration does outside its containers", NULL,
		COMPLETE_NONE, GLOBAL(trust), false },
	{ "frozen", 0, OPT_FLAG, NULL, "refuse whatever devenv.lock does not say", NULL,
		COMPLETE_NONE, GLOBAL(frozen), false },
	{ "dry-run", 0, OPT_FLAG, NULL, "print what would be done, and do nothing", NULL,
		COMPLETE_NONE, GLOBAL(dry_run), false },
	{ "version", 0, OPT_FLAG, NULL, "print the version", NULL, COMPLETE_NONE, GLOBAL(version),
		false },
	{ 0 },
};

/* In the order they are shown. */
const struct cmd *const commands[] = {
	&cmd_up,
	&cmd_down,
	&cmd_stop,
	&cmd_restart,
	&cmd_recreate,
	&cmd_status,
	&cmd_logs,
	&cmd_events,
	&cmd_watch,
	&cmd_dash,
	&cmd_compile,
	&cmd_lint,
	&cmd_test,
	&cmd_wait,
	&cmd_ports,
	&cmd_open,
	&cmd_shell,
	&cmd_exec,
	&cmd_run,
	&cmd_attach,
	&cmd_tmux,
	&cmd_trace,
	&cmd_debug,
	&cmd_init,
	&cmd_config,
	&cmd_plan,
	&cmd_generate,
	&cmd_graph,
	&cmd_diff,
	&cmd_build,
	&cmd_lock,
	&cmd_fetch,
	&cmd_ci,
	&cmd_cache,
	&cmd_snapshot,
	&cmd_restore,
	&cmd_reset,
	&cmd_db,
	&cmd_secrets,
	&cmd_certs,
	&cmd_doctor,
	&cmd_ls,
	&cmd_clean,
	&cmd_help,
	&cmd_completion,
	&cmd_complete_words,
	&cmd_agent,
	&cmd_session,
	&cmd_load_initial,
	&cmd_copy_volume,
	NULL,
};

static int usage_error(struct context *c)
{
	c->error.code = ERR_USAGE;
	return fail(c);
}

static int show_version(void)
{
	puts("devenv " DEVENV_VERSION);
	return 0;
}

int unknown_command(struct context *c, const char *word)
{
	if (streq(word, "version"))
		return show_version();
	const char *instead = habit_word(word);
	struct strs all = { 0 }, begun = { 0 };
	for (size_t i = 0; commands[i]; i++)
		if (commands[i]->name[0] != '_')
			strs_add(&c->arena, &all, commands[i]->name);
	for (size_t i = 0; i < c->project.commands.count; i++)
		strs_add(&c->arena, &all, c->project.commands.items[i].name);
	for (size_t i = 0; *word && i < all.count; i++)
		if (starts_with(all.items[i], word))
			strs_add(&c->arena, &begun, all.items[i]);
	err_set(&c->error, ERR_USAGE,
		begun.count > 1 ? "\"%s\" may be several commands" : "there is no command \"%s\"",
		word);
	const char *near = nearest_name(word, all.items, all.count);
	if (instead)
		err_hint(&c->error, "%s", instead);
	else if (begun.count > 1)
		err_hint(&c->error, "one of %s", strs_join(&c->arena, &begun, ", "));
	else if (near)
		err_hint(&c->error, "did you mean `devenv %s`?", near);
	else
		err_hint(&c->error, "`devenv help` lists all commands");
	return usage_error(c);
}

int wrong_verb(struct context *c, const char *word)
{
	const struct cmd *cmd = c->cmd;
	size_t count = 0;
	bool known = false;
	while (cmd->verbs[count])
		known |= streq(cmd->verbs[count++], word);
	const char *near = nearest_name(word, cmd->verbs, count);
	err_set(&c->error, ERR_USAGE,
		known ? "`devenv %s %s` takes other arguments" : "there is no `devenv %s %s`",
		cmd->name, word);
	if (near && !known)
		err_hint(&c->error, "did you mean `devenv %s %s`?", cmd->name, near);
	else
		err_hint(&c->error, "usage: devenv %s %s", cmd->name, cmd->args);
	return fail(c);
}

static int show_help(const struct cmd *cmd)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (cmd)
		help_command(&b, cmd);
	else
		help_overview(&b);
	return emit(&b) ? 0 : ERR_FAILED;
}

static int dispatch(struct context *c, struct parsed *p)
{
	if (c->g.version)
		return show_version();
	if (p->cmd && p->help)
		return show_help(p->cmd);
	if (!p->word)
		return show_help(NULL) ? ERR_FAILED : p->help ? 0 : ERR_USAGE;
	c->cmd = p->cmd;
	if (p->cmd)
		return p->cmd->run(c, p->opts, &p->args);
	int status;
	return project_command_run(c, p->word, &p->args, &status) ? status
								  : unknown_command(c, p->word);
}

/* A reader that has gone wants no more; anything else that did not take it all is told. */
static int end_output(struct context *c, int status)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR))
		return status;
	err_set(&c->error, ERR_FAILED, "standard output did not take all that was to be written");
	err_hint(&c->error, "is the disk full (`df -h`)?");
	return fail(c);
}

int cmd_main(int argc, char **argv)
{
	struct context c = { .lock = { .fd = -1 }, .summoned = -1, .began_ms = clock_ms() };
	struct parsed p = { 0 };
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); /* a core file could hold secrets */
	c.diags.arena = &c.arena;
	int bad = opt_parse(&c.arena, argc, argv, &c.g, &p, &c.error);
	c.out = style_of(stdout, c.g.ansi);
	c.err = style_of(stderr, c.g.ansi);
	int status = bad ? fail(&c) : dispatch(&c, &p);
	status = end_output(&c, status);
	context_release(&c);
	return status;
}
