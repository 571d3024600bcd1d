/*
 * help and completion: the table of commands, for people and for shells.
 */
#include <stdio.h>
#include <string.h>

#include "base/embed.h"
#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/opt.h"
#include "model/schema.h"

/* The comment that heads a service template says what it reads and keeps. */
static bool help_template(struct context *c, struct buf *out, const char *name)
{
	const struct embedded *f =
		embed_find(arena_printf(&c->arena, "services/%s/template.yml", name));
	const char *line = f ? (const char *)f->data : NULL;
	const char *end = line ? line + f->size : NULL;
	while (line && line < end && *line == '#') {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		if (!stop)
			break;
		const char *text = line + (line[1] == ' ' ? 2 : 1);
		buf_add(out, text, (size_t)(stop + 1 - text));
		line = stop + 1;
	}
	return f;
}

static int run_help(struct context *c, const void *opts, const struct strs *args)
{
	(void)opts;
	cleanup_buf struct buf b = BUF_INIT;
	if (!args->count) {
		help_overview(&b);
	} else if (streq(args->items[0], "mdoc")) {
		help_mdoc(&b);
	} else if (streq(args->items[0], "mdoc-fields")) {
		view_manual(&b, &schema_devenv);
	} else {
		const struct cmd *cmd = cmd_find(args->items[0]);
		if (cmd)
			help_command(&b, cmd);
		else if (!help_template(c, &b, args->items[0]))
			return unknown_command(c, args->items[0]);
	}
	return emit(&b) ? 0 : ERR_FAILED;
}

static const char *const shells[] = { "bash", "zsh", "fish", NULL };

static int run_completion(struct context *c, const void *opts, const struct strs *args)
{
	(void)opts;
	for (size_t i = 0; shells[i]; i++) {
		const struct embedded *f =
			embed_find(arena_printf(&c->arena, "completion/devenv.%s", shells[i]));
		if (f && streq(args->items[0], shells[i]))
			return fwrite(f->data, 1, f->size, stdout) == f->size ? 0 : ERR_FAILED;
	}
	return fail_with(c, ERR_USAGE, "completion is there for bash, zsh and fish, not for \"%s\"",
		args->items[0]);
}

/* A word that would have to be shown otherwise than it is typed is not offered. */
static void offer(const char *word, const char *help)
{
	cleanup_buf struct buf clean = BUF_INIT;
	text_clean(&clean, word, strlen(word), false);
	if (!streq(buf_str(&clean), word) || strpbrk(word, "\t\n"))
		return;
	if (help) {
		buf_addc(&clean, '\t');
		text_clean(&clean, help, strcspn(help, "\n"), false);
	}
	puts(buf_str(&clean));
}

static void offer_options(const struct opt *o)
{
	char word[64];
	for (; o && o->name; o++) {
		snprintf(word, sizeof(word), "--%s", o->name);
		offer(word, o->help);
	}
}

/* Names of a section of the configuration; silent when it cannot be read. */
static void offer_section(struct context *c, const char *section)
{
	const struct node_pair *pair;
	if (load_config(c) && !c->config.tree)
		return;
	const struct node *map = node_get(c->config.tree, section);
	node_each_pair(map, i, pair)
	{
		const char *help = node_text(node_get(pair->value, "description"));
		offer(pair->key, help);
	}
}

static const char *const sections[] = {
	[COMPLETE_SERVICE] = "services",
	[COMPLETE_IMAGE] = "images",
	[COMPLETE_VOLUME] = "volumes",
	[COMPLETE_SECRET] = "secrets",
	[COMPLETE_COMMAND] = "commands",
	[COMPLETE_LAYOUT] = "layouts",
};

static void offer_kind(struct context *c, enum complete kind, const char *const *choices)
{
	for (size_t i = 0; choices && choices[i]; i++)
		offer(choices[i], NULL);
	if (kind < countof(sections) && sections[kind])
		offer_section(c, sections[kind]);
}

static const struct opt *option_named(const struct cmd *cmd, const char *word)
{
	const struct opt *tables[] = { cmd ? cmd->opts : NULL, global_opts };
	for (size_t t = 0; t < countof(tables); t++)
		for (const struct opt *o = tables[t]; o && o->name; o++)
			if ((starts_with(word, "--") && streq(word + 2, o->name)) ||
				(word[0] == '-' && word[1] && word[1] == o->letter && !word[2]))
				return o;
	return NULL;
}

/*
 * devenv __complete WORD...: the words typed so far behind "devenv", the last one incomplete.
 * Prints candidates, one a line, with a tab and a description where there is one.
 */
static int run_complete_words(struct context *c, const void *opts, const struct strs *args)
{
	const struct cmd *cmd = NULL;
	(void)opts;
	const char *last = args->count ? args->items[args->count - 1] : "";
	const struct opt *pending = NULL;
	size_t words = 0; /* behind the command */
	for (size_t i = 0; i + 1 < args->count; i++) {
		const char *w = args->items[i];
		const struct opt *o = w[0] == '-' ? option_named(cmd, w) : NULL;
		bool value = pending && pending->kind != OPT_FLAG;
		if (!value && w[0] != '-' && cmd)
			words++;
		else if (!value && w[0] != '-')
			cmd = cmd_find(w);
		pending = value ? NULL : o;
	}
	if (pending && pending->kind != OPT_FLAG) {
		offer_kind(c, pending->complete, pending->choices);
	} else if (last[0] == '-') {
		offer_options(cmd ? cmd->opts : NULL);
		offer_options(global_opts);
	} else if (cmd) {
		bool verb = cmd->verbs && !words;
		offer_kind(c, verb ? COMPLETE_NONE : cmd->complete, verb ? cmd->verbs : NULL);
	} else {
		for (size_t i = 0; commands[i]; i++)
			if (commands[i]->name[0] != '_')
				offer(commands[i]->name, commands[i]->help);
		offer_section(c, "commands");
	}
	return 0;
}

const struct cmd cmd_help = {
	.name = "help",
	.group = "care",
	.args = "[COMMAND|TEMPLATE]",
	.help = "all commands, or all about one; what a service template reads and keeps",
	.max_args = 1,
	.run = run_help,
};

const struct cmd cmd_completion = {
	.name = "completion",
	.group = "care",
	.args = "bash | zsh | fish",
	.help = "print the completion script of a shell",
	.detail =
		"`make install` puts all three where the shells look for them. For one session of "
		"bash:\n"
		". <(devenv completion bash)\n\n"
		"Services, volumes, secrets, layouts and the project's own commands are completed, "
		"too.",
	.verbs = shells,
	.min_args = 1,
	.max_args = 1,
	.run = run_completion,
};

const struct cmd cmd_complete_words = {
	.name = "__complete",
	.group = "",
	.help = "candidates for the completion scripts",
	.max_args = -1,
	.passthrough = true,
	.run = run_complete_words,
};
