/*
 * Parsing by table. Comes in: argv and the option tables. Goes out: filled option structs and
 * arguments, or one usage error with the nearest known name. Knows no single command.
 */
#include "cmd/opt.h"

#include <string.h>

struct parser {
	struct arena *arena;
	char **argv;
	int argc, at;
	void *globals;
	struct parsed *out;
	struct err *error;
};

static bool hidden(const struct cmd *c)
{
	return c->name[0] == '_';
}

const struct cmd *cmd_find(const char *name)
{
	const struct cmd *found = NULL;
	int hits = 0;
	for (size_t i = 0; commands[i]; i++) {
		const struct cmd *c = commands[i];
		if (streq(c->name, name) || streq(c->alias, name))
			return c;
		if (*name && !hidden(c) && starts_with(c->name, name)) {
			found = c;
			hits++;
		}
	}
	return hits == 1 ? found : NULL;
}

static int usage(struct parser *p, const char *word, const char *near, const char *prefix)
{
	if (near)
		err_hint(p->error, "did you mean %s%s?", prefix, near);
	else
		err_hint(p->error, "see `devenv help%s%s`", p->out->cmd ? " " : "",
			p->out->cmd ? p->out->cmd->name : "");
	(void)word;
	return -1;
}

/* A long option by name or unique prefix. *ambiguous when several begin so. */
static const struct opt *long_in(const struct opt *opts, const char *name, size_t len, int *hits)
{
	const struct opt *found = NULL;
	for (const struct opt *o = opts; o && o->name; o++) {
		if (strncmp(o->name, name, len))
			continue;
		if (!o->name[len]) {
			*hits = 1;
			return o;
		}
		found = o;
		++*hits;
	}
	return *hits == 1 ? found : NULL;
}

static const struct opt *letter_in(const struct opt *opts, char letter)
{
	for (const struct opt *o = opts; o && o->name; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static bool is_choice(const struct opt *o, const char *value)
{
	for (size_t i = 0; o->choices && o->choices[i]; i++)
		if (streq(o->choices[i], value))
			return true;
	return !o->choices;
}

static int store(struct parser *p, const struct opt *o, void *base, const char *value)
{
	char *field = (char *)base + o->offset;
	int64_t number = 0;
	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)(void *)field = true;
		return 0;
	case OPT_INT:
		if (!parse_int(value, &number) || number < -1 || number > 1000000000) {
			err_set(p->error, ERR_USAGE, "--%s takes a whole number, not \"%s\"",
				o->name, value);
			return usage(p, value, NULL, "");
		}
		*(int *)(void *)field = (int)number;
		return 0;
	case OPT_LIST:
		strs_add(p->arena, (struct strs *)(void *)field, value);
		return 0;
	case OPT_CHOICE:
		if (!is_choice(o, value)) {
			struct strs all = { 0 };
			for (size_t i = 0; o->choices[i]; i++)
				strs_add(p->arena, &all, o->choices[i]);
			err_set(p->error, ERR_USAGE, "--%s takes one of %s, not \"%s\"", o->name,
				strs_join(p->arena, &all, ", "), value);
			return usage(p, value, nearest_name(value, all.items, all.count), "");
		}
		/* fallthrough */
	case OPT_TEXT:
		*(const char **)(void *)field = value;
		return 0;
	}
	bug("option kind %d", (int)o->kind);
}

/* An option of Compose's: refused with what to type instead. */
static int not_ours(struct parser *p, const struct habit *h, const char *dashes)
{
	char letter[2] = { h->letter, 0 };
	bool is_long = !h->letter || streq(dashes, "--");
	err_set(p->error, ERR_USAGE, "there is no option %s%s", dashes,
		is_long ? h->option : letter);
	err_hint(p->error, "%s", h->instead);
	return -1;
}

/* The value of o: attached, or the next word. NULL with an error when there is none. */
static const char *value_of(struct parser *p, const struct opt *o, const char *attached)
{
	if (attached)
		return attached;
	if (o->optional_value)
		return "";
	if (p->at < p->argc)
		return p->argv[p->at++];
	err_set(p->error, ERR_USAGE, "--%s needs a value (%s)", o->name, o->value);
	usage(p, NULL, NULL, "");
	return NULL;
}

static const char *nearest_option(struct parser *p, const char *name)
{
	const struct opt *tables[] = { p->out->cmd ? p->out->cmd->opts : NULL, global_opts };
	struct strs all = { 0 };
	for (size_t i = 0; i < countof(tables); i++)
		for (const struct opt *o = tables[i]; o && o->name; o++)
			strs_add(p->arena, &all, o->name);
	return nearest_name(name, all.items, all.count);
}

static int long_option(struct parser *p, const char *word)
{
	const char *name = word + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	int own_hits = 0, global_hits = 0;
	if (len == 4 && !strncmp(name, "help", 4)) {
		p->out->help = true;
		return 0;
	}
	void *base = p->out->opts;
	const struct opt *o = p->out->cmd ? long_in(p->out->cmd->opts, name, len, &own_hits) : NULL;
	const struct habit *h = o ? NULL : habit_option(p->out->cmd, name, len, 0);
	if (h && !h->as)
		return not_ours(p, h, "--");
	if (h && !*h->as)
		return 0;
	if (h) {
		name = h->as;
		len = strlen(name);
		o = p->out->cmd ? long_in(p->out->cmd->opts, name, len, &own_hits) : NULL;
	}
	if (!o && !own_hits) {
		base = p->globals;
		o = long_in(global_opts, name, len, &global_hits);
	}
	if (!o) {
		bool many = own_hits + global_hits > 1;
		err_set(p->error, ERR_USAGE,
			many ? "the option --%.*s is ambiguous" : "there is no option --%.*s",
			(int)len, name);
		return usage(p, word, nearest_option(p, arena_strndup(p->arena, name, len)), "--");
	}
	if (o->kind == OPT_FLAG && eq) {
		err_set(p->error, ERR_USAGE, "--%s takes no value", o->name);
		return usage(p, word, NULL, "");
	}
	const char *value = o->kind == OPT_FLAG ? "" : value_of(p, o, eq ? eq + 1 : NULL);
	return value ? store(p, o, base, value) : -1;
}

static int short_options(struct parser *p, const char *word)
{
	for (const char *s = word + 1; *s; s++) {
		const struct opt *o = p->out->cmd ? letter_in(p->out->cmd->opts, *s) : NULL;
		void *base = o ? p->out->opts : p->globals;
		if (!o && *s == 'h') {
			p->out->help = true;
			continue;
		}
		const struct habit *h = o ? NULL : habit_option(p->out->cmd, NULL, 0, *s);
		if (h && h->as)
			continue;
		if (h)
			return not_ours(p, h, "-");
		o = o ? o : letter_in(global_opts, *s);
		if (!o) {
			err_set(p->error, ERR_USAGE, "there is no option -%c", *s);
			return usage(p, word, NULL, "");
		}
		if (o->kind == OPT_FLAG) {
			store(p, o, base, "");
			continue;
		}
		const char *value = value_of(p, o, s[1] ? s + 1 : NULL);
		return value ? store(p, o, base, value) : -1;
	}
	return 0;
}

static void take_command(struct parser *p, const char *word)
{
	p->out->word = word;
	p->out->cmd = cmd_find(word);
	if (p->out->cmd && p->out->cmd->opts_size)
		p->out->opts = arena_alloc(p->arena, p->out->cmd->opts_size);
}

static void take_rest(struct parser *p)
{
	while (p->at < p->argc)
		strs_add(p->arena, &p->out->args, p->argv[p->at++]);
}

static int count_args(struct parser *p)
{
	const struct cmd *c = p->out->cmd;
	int n = (int)p->out->args.count;
	if (!c || p->out->help || (n >= c->min_args && (c->max_args < 0 || n <= c->max_args)))
		return 0;
	if (!c->max_args)
		err_set(p->error, ERR_USAGE, "%s takes no arguments", c->name);
	else
		err_set(p->error, ERR_USAGE,
			n < c->min_args ? "%s needs more arguments: devenv %s %s"
					: "%s takes fewer arguments: devenv %s %s",
			c->name, c->name, c->args ? c->args : "");
	return usage(p, c->name, NULL, "");
}

int opt_parse(
	struct arena *a, int argc, char **argv, void *globals, struct parsed *out, struct err *e)
{
	struct parser p = { a, argv, argc, 1, globals, out, e };
	while (p.at < p.argc) {
		const char *word = p.argv[p.at++];
		if (streq(word, "--")) {
			if (out->cmd && out->cmd->dashes)
				strs_add(a, &out->args, word);
			take_rest(&p);
		} else if (word[0] == '-' && word[1] == '-') {
			if (long_option(&p, word))
				return -1;
		} else if (word[0] == '-' && word[1]) {
			if (short_options(&p, word))
				return -1;
		} else if (!out->word) {
			take_command(&p, word);
			if (!out->cmd ||
				hidden(out->cmd)) /* completion reads unfinished lines itself */
				take_rest(&p);
		} else {
			strs_add(a, &out->args, word);
			if (out->cmd->passthrough) {
				if (p.at < p.argc && streq(p.argv[p.at], "--"))
					p.at++;
				take_rest(&p);
			}
		}
	}
	return count_args(&p);
}
