/*
 * What a service says about its life as a process: `host:`, `restart` and `success_exit_codes` in,
 * how it runs on the host and what follows its end out. `run: host` is `host:` with the service's
 * own command; with --host all that can run on the host do.
 */
#include "decode.h"

#include <string.h>

static const struct word restart_words[] = { { "no", RESTART_NO }, { "false", RESTART_NO },
	{ "", RESTART_NO }, { "always", RESTART_ALWAYS },
	{ "unless-stopped", RESTART_UNLESS_STOPPED }, { "on-failure", RESTART_ON_FAILURE },
	{ NULL, -1 } };

static const struct word condition_words[] = { { "none", RESTART_NO },
	{ "on-failure", RESTART_ON_FAILURE }, { NULL, RESTART_ALWAYS } };

enum { TRIES_MAX = 1000000 };

/* A cluster's policy, which Compose heeds too: any unless it says otherwise. */
static void deploy_restart(struct service *s)
{
	const struct node *policy = node_get(node_get(s->node, "deploy"), "restart_policy");
	int64_t tries;
	if (!policy)
		return;
	s->restart = meaning(condition_words, text_at(policy, "condition"));
	if (integer(node_get(policy, "max_attempts"), &tries) && tries >= 0 && tries <= TRIES_MAX)
		s->restart_max = (int)tries;
}

/* A policy by its word; -1: there is none such. */
static int policy_read(struct service *s, const char *text)
{
	static const char counted[] = "on-failure:";
	int64_t tries;
	if (!starts_with(text, counted))
		return meaning(restart_words, text);
	if (!parse_int(text + strlen(counted), &tries) || tries < 0 || tries > TRIES_MAX)
		return -1;
	s->restart_max = (int)tries;
	return RESTART_ON_FAILURE;
}

void decode_restart(struct decode *c, struct service *s, const char *path)
{
	const char *text = text_at(s->node, "restart");
	int policy = text ? policy_read(s, text) : RESTART_NO;
	if (!text)
		deploy_restart(s);
	else if (policy >= 0)
		s->restart = policy;
	if (policy < 0) {
		struct diag *d = say(c, SEV_ERROR, node_get(s->node, "restart")->place,
			path_of(c, path, "restart"), "\"%s\" is not a restart policy", text);
		d->hint = "one of no, always, unless-stopped, on-failure, on-failure:N";
	}
	s->restart_policy = s->restart != RESTART_NO;
}

/* `command: null` in a higher layer takes a command away. */
static bool has_value(const struct node *n)
{
	return n && n->kind != NODE_NULL && (n->kind != NODE_LIST || node_count(n)) &&
	       !(n->kind == NODE_STR && !n->text[strspn(n->text, " \t\n")]);
}

static const char *host_dir(struct decode *c, const struct service *s, const struct node *n)
{
	const char *own = text_at(n, "working_dir");
	if (!own && s->where == RUN_HOST)
		own = s->working_dir;
	if (own)
		return project_path(c, own);
	return s->develop ? s->develop->source : project_path(c, ".");
}

static struct host_run *host_read(
	struct decode *c, const struct service *s, const struct node *n, const char *path)
{
	const struct node *command = node_get(n, "command");
	if (!has_value(command))
		command = has_value(s->command) ? s->command : NULL;
	if (!command && !has_value(s->entrypoint)) {
		struct diag *d = say(c, SEV_ERROR, n ? n->place : s->place, path,
			n ? "host: of %s needs a command"
			  : "%s runs on the host and needs a command",
			s->name);
		d->hint = n ? "the command line as it is typed on this machine: "
			      "host: { command: ... }"
			    : "command: as it is typed on this machine";
		return NULL;
	}
	struct host_run *h = arena_new(c->a, struct host_run);
	h->command = command;
	h->working_dir = host_dir(c, s, n);
	h->place = n ? n->place : command ? command->place : s->place;
	vars_read(c, node_get(n, "environment"), &h->environment);
	return h;
}

void decode_host(struct decode *c, struct service *s, const char *path)
{
	const struct node *n = node_get(s->node, "host");
	if (n && n->kind != NODE_MAP)
		n = NULL;
	if (n || s->where == RUN_HOST)
		s->on_host = host_read(c, s, n, n ? path_of(c, path, "host") : path);
	if (!c->req->host)
		return;
	s->left_out = !s->on_host;
	if (s->on_host)
		s->where = RUN_HOST;
}
