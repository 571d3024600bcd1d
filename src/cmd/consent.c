/*
 * Consent to what a checkout does outside of its containers. Comes in: the project. Goes out: yes
 * or no, after everything was listed, and what has changed since the last yes. No answer of the
 * checkout's own (a file, its .env) counts.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/context.h"
#include "run/trust.h"

/* Whether `line`, which may be several, is there as whole lines; text NULL: nothing was agreed to.
 */
static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);
	for (const char *at = text; at && (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

static void list_danger(const struct danger *d, bool is_new)
{
	cleanup_buf struct buf b = BUF_INIT;
	buf_addf(&b, "  %s", d->loud ? "! " : "- ");
	view_clean(&b, d->what);
	if (d->place.file) {
		buf_adds(&b, "  (");
		view_clean(&b, d->place.file);
		buf_addf(&b, ":%d)", d->place.line);
	}
	fprintf(stderr, "%s%s\n", buf_str(&b), is_new ? "  new since you last agreed" : "");
}

static void list_file(struct context *c, const char *line)
{
	cleanup_buf struct buf b = BUF_INIT;
	const char *path = strchr(line + strlen("file "), ' ') + 1;
	size_t root = strlen(c->project.dir);
	if (starts_with(path, c->project.dir) && path[root] == '/')
		path += root + 1;
	view_clean(&b, path);
	fprintf(stderr, "  - %s has changed since you last agreed\n", buf_str(&b));
}

/* Runs of a checkout come and go; what was agreed to for one holds for the next. */
static const char *consent_holder(struct context *c)
{
	const struct project *p = &c->project;
	if (!p->run || places_hold(&c->places, p))
		return p->workspace;
	return arena_printf(&c->arena, "%s-ci", workspace_id(&c->arena, p->name, p->dir));
}

static void list_all(struct context *c, const struct dangers *list, const struct strs *files)
{
	cleanup_buf struct buf name = BUF_INIT;
	const char *before = trust_before(&c->arena, &c->places, consent_holder(c));
	view_clean(&name, c->project.name);
	fprintf(stderr, "%s wants to reach outside of its containers:\n", buf_str(&name));
	for (size_t i = 0; i < list->count; i++)
		list_danger(&list->items[i], before && !has_line(before, list->items[i].what));
	for (size_t i = 0; before && i < files->count; i++)
		if (!has_line(before, files->items[i]))
			list_file(c, files->items[i]);
}

static int ask(struct context *c)
{
	bool yes = c->g.yes;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		err_set(&c->error, ERR_CONSENT, "this checkout is not trusted yet to do that");
		err_hint(&c->error, "look at it, then run the command again with --trust");
		return fail(c);
	}
	c->g.yes = false; /* -y is about this run's questions, never about trust */
	int status = consent(c, "Do you trust this checkout to do that?");
	c->g.yes = yes;
	return status;
}

/* What only --host would run needs no consent as long as nobody asks for it. */
static bool any_now(const struct project *p, const struct dangers *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (p->host || !list->items[i].with_host)
			return true;
	return false;
}

int ask_trust(struct context *c)
{
	struct dangers list = { 0 };
	struct strs files = { 0 };
	char hex[65];
	trust_list(&c->arena, &c->project, &list);
	if (!any_now(&c->project, &list))
		return 0;
	if (trust_hash(&c->arena, &c->project, &c->config.files, &list, hex, &c->error))
		return fail(c);
	if (trust_given(&c->places, consent_holder(c), hex))
		return 0;
	trust_files(&c->arena, &c->project, &c->config.files, &list, &files);
	list_all(c, &list, &files);
	int status = c->g.trust ? 0 : ask(c);
	if (status)
		return status;
	return trust_give(&c->places, consent_holder(c), hex, &list, &files, &c->error) ? fail(c)
											: 0;
}
