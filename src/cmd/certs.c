/*
 * certs: the local authority and this workspace's certificate; trusted by the machine's stores only
 * when asked to.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "run/secrets/certificate.h"

static const char *date_text(struct arena *a, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[32] = "";
	if (gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	return arena_strdup(a, text);
}

static int list(struct context *c)
{
	static const char *const head[] = { "CERTIFICATE", "NAMES", "UNTIL", "FINGERPRINT",
		"FILE" };
	struct certificate_info *all = NULL;
	size_t count = 0;
	int status = open_places(c);
	if (status)
		return status;
	if (certificate_list(&c->places, &c->arena, &all, &count, &c->error))
		return fail(c);
	struct table *t = table_new(&c->arena, head, countof(head));
	for (size_t i = 0; i < count; i++)
		table_row(t, (const char *[]){ all[i].what, all[i].names,
				     date_text(&c->arena, all[i].not_after), all[i].fingerprint,
				     all[i].path });
	if (!count)
		note(c, "No certificates yet: `devenv up` or `devenv generate` makes them.");
	cleanup_buf struct buf b = BUF_INIT;
	if (count)
		table_write(&b, t, c->out);
	return emit(&b) ? 0 : ERR_FAILED;
}

static void say(void *ctx, const struct event *ev)
{
	note(ctx, "%s", ev->error ? ev->error->text : ev->text ? ev->text : "");
}

static int trust(struct context *c, bool on)
{
	int status = open_places(c);
	if (status)
		return status;
	status = consent(
		c, on ? "Add devenv's local authority to this machine's trust stores?"
		      : "Remove devenv's local authority from this machine's trust stores?");
	if (status)
		return status;
	c->loop = loop_new();
	return authority_trust(&c->places, c->loop, on, say, c, &c->error) ? fail(c) : 0;
}

static int run_certs(struct context *c, const void *opts, const struct strs *args)
{
	(void)opts;
	const char *verb = args->count ? args->items[0] : "ls";
	if (streq(verb, "ls"))
		return list(c);
	if (streq(verb, "trust") || streq(verb, "untrust"))
		return trust(c, streq(verb, "trust"));
	return wrong_verb(c, verb);
}

static const char *const verbs[] = { "ls", "trust", "untrust", NULL };

const struct cmd cmd_certs = {
	.name = "certs",
	.group = "data",
	.args = "ls | trust | untrust",
	.help = "the local certificate authority and what it has signed",
	.detail = "The authority can sign only for .localhost, .test, .internal and loopback "
		  "addresses: a stolen key\n"
		  "speaks for nothing else. Containers trust it by themselves; `trust` adds it to "
		  "the stores of the\n"
		  "system, of NSS (Firefox, Chromium) and of Java, `untrust` takes it out again.",
	.max_args = 1,
	.verbs = verbs,
	.run = run_certs,
};
