/*
 * Help and the manual's command part, written from the command table so that they cannot drift.
 */
#include <ctype.h>
#include <string.h>

#include "cmd/opt.h"
#include "view/view.h"

static const char *const groups[][2] = {
	{ "daily", "Every day" },
	{ "inside", "Inside the environment" },
	{ "configuration", "Configuration" },
	{ "data", "Images, data, secrets and certificates" },
	{ "care", "Care" },
};

void help_overview(struct buf *out)
{
	buf_adds(out, "Usage: devenv [OPTION...] COMMAND [ARGUMENT...]\n\n"
		      "From clone to a running environment: `devenv up`.\n");
	for (size_t g = 0; g < countof(groups); g++) {
		buf_addf(out, "\n%s\n", groups[g][1]);
		for (size_t i = 0; commands[i]; i++)
			if (streq(commands[i]->group, groups[g][0]))
				buf_addf(out, "  %-11s %s\n", commands[i]->name, commands[i]->help);
	}
	buf_adds(out, "\nOptions of every command\n");
	for (const struct opt *o = global_opts; o->name; o++) {
		cleanup_buf struct buf left = BUF_INIT;
		buf_addf(&left, "%s%c%s--%s%s%s", o->letter ? "-" : "  ",
			o->letter ? o->letter : ' ', o->letter ? ", " : " ", o->name,
			o->value ? " " : "", o->value ? o->value : "");
		buf_addf(out, "  %-26s %s\n", buf_str(&left), o->help);
	}
	buf_adds(out, "\n`devenv help COMMAND` tells all about one; so do `man devenv` and `man "
		      "devenv.yml`.\n");
}

static void option_line(struct buf *out, const struct opt *o)
{
	cleanup_buf struct buf left = BUF_INIT;
	if (o->letter)
		buf_addf(&left, "-%c, ", o->letter);
	else
		buf_adds(&left, "    ");
	buf_addf(&left, "--%s", o->name);
	if (o->value)
		buf_addf(&left, o->optional_value ? "[=%s]" : " %s", o->value);
	buf_addf(out, "  %-26s %s\n", buf_str(&left), o->help);
}

void help_command(struct buf *out, const struct cmd *c)
{
	buf_addf(out, "Usage: devenv %s%s%s%s\n\n%c%s.\n", c->name, c->opts ? " [OPTION...]" : "",
		c->args ? " " : "", c->args ? c->args : "", toupper((unsigned char)c->help[0]),
		c->help + 1);
	if (c->alias)
		buf_addf(out, "Also called: %s\n", c->alias);
	if (c->detail)
		buf_addf(out, "\n%s\n", c->detail);
	if (c->opts && c->opts->name)
		buf_adds(out, "\nOptions\n");
	for (const struct opt *o = c->opts; o && o->name; o++)
		option_line(out, o);
	buf_adds(out, "\n`devenv help` lists the options of every command.\n");
}

static void mdoc_option(struct buf *out, const struct opt *o)
{
	buf_adds(out, ".It ");
	if (o->letter)
		buf_addf(out, "Fl %c , ", o->letter);
	buf_addf(out, "Fl \\-%s", o->name);
	if (o->value)
		buf_addf(out, " Ar %s", o->value);
	buf_addc(out, '\n');
	view_mdoc(out, o->help);
	buf_adds(out, ".\n");
}

static void mdoc_options(struct buf *out, const struct opt *opts)
{
	if (!opts || !opts->name)
		return;
	buf_adds(out, ".Bl -tag -width Ds -compact\n");
	for (const struct opt *o = opts; o->name; o++)
		mdoc_option(out, o);
	buf_adds(out, ".El\n");
}

static void mdoc_detail(struct buf *out, const char *detail)
{
	while (detail && *detail) {
		const char *end = strstr(detail, "\n\n");
		size_t len = end ? (size_t)(end - detail) : strlen(detail);
		cleanup_buf struct buf para = BUF_INIT;
		buf_add(&para, detail, len);
		buf_adds(out, ".Pp\n");
		view_mdoc(out, buf_str(&para));
		buf_addc(out, '\n');
		detail = end ? end + 2 : NULL;
	}
}

static void mdoc_command(struct buf *out, const struct cmd *c)
{
	buf_addf(out, ".It Cm %s", c->name);
	if (c->opts && c->opts->name)
		buf_adds(out, " Op Ar option ...");
	if (c->args) {
		buf_adds(out, " Ar ");
		view_mdoc(out, c->args);
	}
	buf_addf(out, "\n%c", toupper((unsigned char)c->help[0]));
	view_mdoc(out, c->help + 1);
	buf_adds(out, ".\n");
	if (c->alias)
		buf_addf(out, "Also called\n.Cm %s .\n", c->alias);
	mdoc_detail(out, c->detail);
	mdoc_options(out, c->opts);
}

void help_mdoc(struct buf *out)
{
	buf_adds(out, ".Sh OPTIONS\nThese may stand before or behind the command.\n");
	mdoc_options(out, global_opts);
	buf_adds(out, ".Sh COMMANDS\n");
	for (size_t g = 0; g < countof(groups); g++) {
		buf_addf(out, ".Ss %s\n.Bl -tag -width Ds\n", groups[g][1]);
		for (size_t i = 0; commands[i]; i++)
			if (streq(commands[i]->group, groups[g][0]))
				mdoc_command(out, commands[i]);
		buf_adds(out, ".El\n");
	}
}
