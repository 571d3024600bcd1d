/*
 * Who is told how a `devenv ci` came out: a webhook, the commit status of a Git host. Comes in: the
 * run so far. Goes out: a warning at most; no run fails for a report. Tokens come from secrets or
 * the environment and are shown to nobody.
 */
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "ci_parts.h"
#include "doc/json.h"
#include "run/io/http.h"
#include "run/io/post.h"
#include "view/ci.h"

enum { BEGIN_MS = 3000, END_MS = 15000, HURRY_MS = 3000, DESCRIPTION_MAX = 140 };

enum outcome { RUNNING, PASSED, FAILED, CANCELLED };

static const struct place nowhere;

static enum outcome outcome_of(const struct ci_cmd *x, bool over)
{
	if (!over)
		return RUNNING;
	return x->run.status > 128 && x->run.trouble ? CANCELLED : x->run.status ? FAILED : PASSED;
}

/* ---- secrets ---- */

/* A value without the newline that files end with. */
static bool secret(struct ci_cmd *x, const char *name, struct buf *out)
{
	struct err e = ERR_INIT;
	if (!x->c->vault || vault_get(x->c->vault, name, out, &e)) {
		note(x->c, "warning: no report: secret %s cannot be had%s%s", name,
			e.text[0] ? ": " : "", e.text);
		return false;
	}
	while (buf_ends_with(out, "\n") || buf_ends_with(out, "\r"))
		buf_truncate(out, out->len - 1);
	return true;
}

/* A line break in it would be another header. */
static bool token(struct ci_cmd *x, const char *variable, struct buf *out)
{
	const struct ci_report *r = &x->c->project.ci.report;
	const char *own = r->token ? NULL : getenv(variable);
	if (r->token && !secret(x, r->token, out))
		return false;
	if (own)
		buf_adds(out, own);
	if (out->len && !strpbrk(buf_str(out), "\r\n"))
		return true;
	note(x->c, "warning: no commit status: there is no token in %s",
		r->token ? r->token : variable);
	return false;
}

/* ---- what is sent ---- */

static void put(struct arena *a, struct node *n, const char *key, const char *value)
{
	map_put(a, n, key, nowhere, node_str(a, value, nowhere));
}

static void send(struct ci_cmd *x, struct post *p, struct buf *body, enum outcome o)
{
	struct err e = ERR_INIT;
	struct context *c = x->c;
	p->body = buf_str(body);
	p->len = body->len;
	p->total_ms = o == RUNNING ? BEGIN_MS : o == CANCELLED ? HURRY_MS : END_MS;
	if (post_patiently(c->loop, p, &e))
		note(c, "warning: a report could not be sent: %s", e.text);
}

static void sign(struct arena *a, struct post *p, const struct buf *key, const struct buf *body)
{
	unsigned char mac[SHA256_SIZE];
	char *line = arena_printf(a, "X-Devenv-Signature: sha256=%0*d", 2 * SHA256_SIZE, 0);
	char *hex = strchr(line, '=') + 1;
	static const char digits[] = "0123456789abcdef";
	sha256_keyed(buf_str(key), key->len, buf_str(body), body->len, mac);
	for (size_t i = 0; i < sizeof(mac); i++) {
		hex[2 * i] = digits[mac[i] >> 4];
		hex[2 * i + 1] = digits[mac[i] & 15];
	}
	strs_add(a, &p->headers, line);
}

static void tell_webhook(struct ci_cmd *x, enum outcome o)
{
	static const char *const words[] = { "running", "passed", "failed", "cancelled" };
	const struct ci_report *r = &x->c->project.ci.report;
	struct arena *a = &x->c->arena;
	cleanup_buf struct buf body = BUF_INIT, key = BUF_INIT;
	struct post p = { .url = r->webhook };
	json_write(&body, view_ci_json(a, &x->run, words[o]), 0);
	if (r->sign && !secret(x, r->sign, &key))
		return;
	if (r->sign)
		sign(a, &p, &key, &body);
	strs_add(a, &p.headers, "X-Devenv-Event: ci");
	send(x, &p, &body, o);
}

/* One line that fits where Git hosts show it. */
static const char *description(struct ci_cmd *x, enum outcome o)
{
	struct arena *a = &x->c->arena;
	const struct ci_result *cause = ci_first_cause(&x->run);
	cleanup_buf struct buf b = BUF_INIT;
	char time[16];
	format_duration(time, x->run.took_ms);
	if (o == RUNNING)
		buf_adds(&b, "running");
	else if (cause)
		buf_addf(&b, "%s of %s failed after %s", ci_stage_name(cause->stage), cause->unit,
			time);
	else
		buf_addf(&b, "%s after %s",
			o == PASSED      ? "passed"
			: x->run.trouble ? x->run.trouble
					 : "failed",
			time);
	size_t len = b.len;
	while (len > DESCRIPTION_MAX || (len < b.len && (b.data[len] & 0xc0) == 0x80))
		len--;
	cleanup_buf struct buf clean = BUF_INIT;
	text_clean(&clean, buf_str(&b), len, false);
	return arena_strndup(a, buf_str(&clean), clean.len);
}

struct git_host {
	const char *variable, *base, *header; /* of the token */
	const char *states[4];                /* by outcome */
	const char *name_key;
};

static const struct git_host github = { "GITHUB_TOKEN", "https://api.github.com",
	"Authorization: Bearer ", { "pending", "success", "failure", "error" }, "context" };
static const struct git_host gitlab = { "GITLAB_TOKEN", "https://gitlab.com/api/v4",
	"PRIVATE-TOKEN: ", { "running", "success", "failed", "canceled" }, "name" };

static const char *status_url(struct ci_cmd *x, const struct git_host *g)
{
	const struct ci_report *r = &x->c->project.ci.report;
	const char *base = r->url ? r->url : g->base;
	cleanup_buf struct buf b = BUF_INIT;
	buf_add(&b, base, strlen(base));
	while (buf_ends_with(&b, "/"))
		buf_truncate(&b, b.len - 1);
	buf_adds(&b, g == &github ? "/repos/" : "/projects/");
	if (g == &github) {
		const char *slash = strchr(r->github, '/');
		url_escape(&b, arena_strndup(&x->c->arena, r->github, (size_t)(slash - r->github)));
		buf_addc(&b, '/');
		url_escape(&b, slash + 1);
	} else {
		url_escape(&b, r->gitlab);
	}
	buf_addf(&b, "/statuses/%s", x->run.commit);
	return arena_strndup(&x->c->arena, buf_str(&b), b.len);
}

static void tell_git_host(struct ci_cmd *x, const struct git_host *g, enum outcome o)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf body = BUF_INIT, word = BUF_INIT;
	if (!x->run.commit) {
		note(x->c, "warning: no commit status: there is no commit");
		return;
	}
	if (!token(x, g->variable, &word))
		return;
	struct node *n = node_map(&a, nowhere);
	struct post p = { .url = status_url(x, g) };
	put(&a, n, "state", g->states[o]);
	put(&a, n, "description", description(x, o));
	put(&a, n, g->name_key, x->c->project.ci.report.name);
	json_write(&body, n, 0);
	strs_add(&a, &p.headers, "Accept: application/json");
	strs_add(&a, &p.headers, arena_printf(&a, "%s%s", g->header, buf_str(&word)));
	send(x, &p, &body, o);
	arena_release(&a);
}

/* ---- when ---- */

static bool has_reports(const struct ci_report *r)
{
	return r->webhook || r->github || r->gitlab;
}

/* Secrets are opened for the first report; those of services are made later. */
static void open_vault(struct ci_cmd *x)
{
	struct context *c = x->c;
	struct err e = ERR_INIT;
	if (!c->vault)
		c->vault = vault_open(&c->places, true, &e);
	if (c->vault)
		vault_ensure(c->vault, c->loop, &c->project, &e);
}

int ci_report(struct ci_cmd *x, bool over)
{
	const struct ci_report *r = &x->c->project.ci.report;
	int status = over || !has_reports(r) ? 0 : ask_trust(x->c);
	if (status || !has_reports(r))
		return status;
	enum outcome o = outcome_of(x, over);
	if (!over)
		open_vault(x);
	if (r->webhook)
		tell_webhook(x, o);
	if (r->github)
		tell_git_host(x, &github, o);
	if (r->gitlab)
		tell_git_host(x, &gitlab, o);
	return 0;
}
