/*
 * `ci:` in, the last stage, deadlines and reports out. The stages of modules are the modules' own.
 */
#include "decode.h"

#include <string.h>

#include "model/ci.h"

enum { MINUTE = 60 * 1000 };

static void e2e_read(struct decode *c, const struct node *n)
{
	struct ci *ci = &c->p->ci;
	if (!n)
		return;
	const char *service = text_at(n, "service");
	ci->e2e_place = n->place;
	ci->e2e = node_is_scalar(n) ? node_text(n) : text_at(n, "run");
	ci->e2e_service = project_service(c->p, service);
	if (service && !ci->e2e_service)
		say_unknown(c, node_get(n, "service")->place, "ci.e2e.service", "service", service,
			node_get(c->tree, "services"));
}

static void timeouts_read(struct decode *c, const struct node *n)
{
	static const int64_t minutes[CI_STAGES] = { [CI_BUILD] = 60,
		[CI_COMPILE] = 30,
		[CI_LINT] = 30,
		[CI_TEST] = 30,
		[CI_UP] = 15,
		[CI_E2E] = 30 };
	struct ci *ci = &c->p->ci;
	ci->timeout = duration(node_get(n, "all"), 120 * MINUTE);
	for (enum ci_stage k = 0; k < CI_STAGES; k++)
		ci->timeouts[k] = duration(node_get(n, ci_stage_name(k)), minutes[k] * MINUTE);
}

static void secret_known(struct decode *c, const struct node *n, const char *key)
{
	const char *name = text_at(n, key);
	if (name && !project_secret(c->p, name))
		say_unknown(c, node_get(n, key)->place, path_of(c, "ci.report", key), "secret",
			name, node_get(c->tree, "secrets"));
}

static void url_known(struct decode *c, const struct node *n, const char *key)
{
	const char *url = text_at(n, key);
	if (url && !starts_with(url, "http://") && !starts_with(url, "https://"))
		say(c, SEV_ERROR, node_get(n, key)->place, path_of(c, "ci.report", key),
			"\"%s\" is not a URL", url)
			->hint = "it begins with https:// or http://";
}

static void report_read(struct decode *c, const struct node *n)
{
	static const struct slot slots[] = {
		{ "webhook", SLOT_TEXT, offsetof(struct ci_report, webhook) },
		{ "sign", SLOT_TEXT, offsetof(struct ci_report, sign) },
		{ "github", SLOT_TEXT, offsetof(struct ci_report, github) },
		{ "gitlab", SLOT_TEXT, offsetof(struct ci_report, gitlab) },
		{ "url", SLOT_TEXT, offsetof(struct ci_report, url) },
		{ "token", SLOT_TEXT, offsetof(struct ci_report, token) },
		{ "name", SLOT_TEXT, offsetof(struct ci_report, name) },
	};
	struct ci_report *r = &c->p->ci.report;
	*r = (struct ci_report){ .name = "devenv" };
	if (!n)
		return;
	slots_read(c, n, slots, countof(slots), r);
	r->place = n->place;
	secret_known(c, n, "sign");
	secret_known(c, n, "token");
	url_known(c, n, "webhook");
	url_known(c, n, "url");
	if (r->github && (!strchr(r->github, '/') || strspn(r->github, "/.")))
		say(c, SEV_ERROR, node_get(n, "github")->place, "ci.report.github",
			"\"%s\" is no repository", r->github)
			->hint = "write owner/name";
	if (r->github && r->gitlab)
		say(c, SEV_ERROR, node_get(n, "gitlab")->place, "ci.report.gitlab",
			"a status goes to one Git host");
}

void decode_ci(struct decode *c)
{
	const struct node *n = node_get(c->tree, "ci");
	e2e_read(c, node_get(n, "e2e"));
	timeouts_read(c, node_get(n, "timeouts"));
	c->p->ci.keep_going = streq(text_at(n, "fail"), "keep-going");
	report_read(c, node_get(n, "report"));
}
