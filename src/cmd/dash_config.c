/*
 * The configuration while the dashboard runs. Comes in: how its files look. Goes out: a changed one
 * read anew, so that units come and go; one that is broken is said, and the one before stays.
 */
#include <string.h>
#include <sys/stat.h>

#include "dash_parts.h"

enum { LOOK_MS = 1000 };

static uint64_t mixed(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * 1099511628211u;
}

static uint64_t looks(uint64_t sum, const char *path)
{
	struct stat st;
	if (stat(path, &st))
		return mixed(sum, 1);
	sum = mixed(sum, (uint64_t)st.st_ino);
	sum = mixed(sum, (uint64_t)st.st_size);
	sum = mixed(sum, (uint64_t)st.st_mtim.tv_sec);
	return mixed(sum, (uint64_t)st.st_mtim.tv_nsec);
}

/* The folder, too: a devenv.local.yml may be made. */
static uint64_t look_at_files(const struct dash *d)
{
	const struct context *c = d->read ? d->read : d->context;
	uint64_t sum = looks(14695981039346656037u, d->context->project.dir);
	for (size_t i = 0; i < c->config.files.count; i++)
		sum = looks(sum, c->config.files.items[i]);
	return sum;
}

static void drop(struct context *c)
{
	if (!c)
		return;
	context_release(c);
	xfree(c);
}

static struct context *read_anew(const struct dash *d)
{
	const struct context *c = d->context;
	struct context *fresh = xcalloc(1, sizeof(*fresh));
	fresh->g = c->g;
	fresh->cmd = c->cmd;
	fresh->lock.fd = fresh->summoned = -1;
	fresh->diags.arena = &fresh->arena;
	fresh->host = c->host;
	fresh->sought = true; /* the agent has said where services run */
	load_project_quietly(fresh);
	return fresh;
}

static const struct diag *first_error(const struct context *c)
{
	for (size_t i = 0; i < c->diags.count; i++)
		if (c->diags.items[i].severity == SEV_ERROR)
			return &c->diags.items[i];
	return NULL;
}

/* What is wrong with it, where it cannot be shown. */
static bool refused(struct dash *d, const struct context *fresh)
{
	const struct diag *g = first_error(fresh);
	bool renamed = !fresh->error.code && !g &&
		       !streq(fresh->project.workspace, d->context->project.workspace);
	if (fresh->error.code)
		dashboard_say(&d->view, "%s", fresh->error.text);
	else if (g)
		dashboard_say(&d->view, "%s:%d: %s", g->place.file ? g->place.file : "",
			g->place.line, g->message);
	else if (renamed)
		dashboard_say(&d->view, "the project has another name now: start dash again");
	return fresh->error.code || g || renamed;
}

void dash_config_open(struct dash *d)
{
	d->files = look_at_files(d);
}

bool dash_config_turn(struct dash *d, int64_t now_ms)
{
	if (now_ms < d->next_files)
		return false;
	d->next_files = now_ms + LOOK_MS;
	uint64_t files = look_at_files(d);
	if (files == d->files)
		return false;
	d->files = files;
	struct context *fresh = read_anew(d);
	if (refused(d, fresh)) {
		drop(fresh);
		return false;
	}
	/* What is shown may still point into the one before: that goes with the next change. */
	drop(d->before);
	d->before = d->read;
	d->read = fresh;
	d->context->project = fresh->project;
	d->files = look_at_files(d);
	return true;
}

void dash_config_close(struct dash *d)
{
	drop(d->before);
	drop(d->read);
	d->before = d->read = NULL;
}
