/*
 * The agent as the other commands meet it: found by its socket, started when there is need of one,
 * joined, handed a newer configuration, ended. Decides nothing about what is to run.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "cmd/agent_client.h"
#include "cmd/lifecycle.h"
#include "doc/json.h"
#include "run/io/detach.h"
#include "run/host/supervise.h"

enum { JOIN_MS = 15000, RETRY_MS = 20, GO_MS = 30000 };

extern char **environ;
static const struct place nowhere;

struct node *agent_request(struct arena *a, const char *what)
{
	struct node *n = node_map(a, nowhere);
	map_put(a, n, "do", nowhere, node_str(a, what, nowhere));
	return n;
}

static bool is_true(const struct node *n, const char *key)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_BOOL && v->boolean;
}

void leave_agent(struct context *c)
{
	control_disconnect(c->agent);
	c->agent = NULL;
	c->hosts = NULL;
	c->agent_config = NULL;
	c->world.agent = (struct agent_seen){ 0 };
	size_t kept = 0;
	for (size_t i = 0; i < c->world.containers.count; i++)
		if (!c->world.containers.items[i].host)
			c->world.containers.items[kept++] = c->world.containers.items[i];
	c->world.containers.count = kept;
}

/* One question tells all that a command wants to know. 1: there, 0: none, -1: c->error. */
static int meet(struct context *c)
{
	c->error = (struct err)ERR_INIT;
	if (!c->agent)
		c->agent = control_connect(control_path(&c->arena, &c->places), &c->error);
	if (!c->agent)
		return c->error.code ? -1 : 0;
	struct node *seen =
		control_ask(c->agent, &c->arena, agent_request(&c->arena, "look"), &c->error);
	if (!seen || is_true(seen, "ending")) {
		bool goes = seen || control_gone(c->agent);
		leave_agent(c);
		return goes ? 0 : -1;
	}
	control_read_look(&c->arena, seen, &c->world);
	c->hosts = control_hosts(c->agent);
	c->agent_config = node_text(node_get(seen, "config"));
	c->agent_version = node_text(node_get(seen, "version"));
	c->host = c->host || is_true(seen, "host");
	return 1;
}

/* One of another version speaks another language; what it supervises is started anew. */
static int replace_stranger(struct context *c)
{
	if (!c->agent || !c->wants_agent || streq(c->agent_version, DEVENV_VERSION))
		return 0;
	note(c, "note: the agent is of devenv %s; it is replaced",
		c->agent_version ? c->agent_version : "?");
	int status = end_agent(c);
	return status ? status : join_agent(c);
}

int find_agent(struct context *c)
{
	if (c->sought)
		return 0;
	c->sought = true;
	if (c->summoned >= 0)
		return join_agent(c);
	int rc = meet(c);
	int status = rc < 0 ? fail(c) : replace_stranger(c);
	if (!status && !c->agent && c->wants_agent)
		status = join_agent(c);
	lap(c, "agent", true);
	return status;
}

/* An agent that does not answer is said where it matters. */
bool agent_runs_host(struct context *c)
{
	struct err ignored = ERR_INIT;
	struct control_client *agent =
		control_connect(control_path(&c->arena, &c->places), &ignored);
	struct node *n =
		agent ? control_ask(agent, &c->arena, agent_request(&c->arena, "hello"), &ignored)
		      : NULL;
	c->host = is_true(n, "host");
	control_disconnect(agent);
	return c->host;
}

/* ---- starting ---- */

/* The connection is kept for the first look. */
static bool somebody_listens(struct context *c)
{
	struct err e = ERR_INIT;
	c->agent = control_connect(control_path(&c->arena, &c->places), &e);
	return c->agent || e.code;
}

int summon_agent(struct context *c)
{
	if (c->agent || c->summoned >= 0 || somebody_listens(c))
		return 0;
	if (dir_make(c->places.state, 0700, &c->error))
		return fail(c);
	struct strs v = self_argv(c, "devenv");
	strs_add(&c->arena, &v, "__agent");
	strs_add(&c->arena, &v, NULL);
	char **argv = (char **)(uintptr_t)v.items;
	c->summoned =
		detached_start(argv, path_join(&c->arena, c->places.state, "agent.log"), &c->error);
	return c->summoned < 0 ? fail(c) : 0;
}

/* The first line that it says, or how it ended without one. */
static void hear(struct context *c, char *line, size_t size, int64_t until)
{
	size_t len = 0;
	while (len < size - 1 && !memchr(line, '\n', len)) {
		struct pollfd p = { .fd = c->summoned, .events = POLLIN };
		int64_t left = until - now_ms();
		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			break;
		ssize_t n = read(c->summoned, line + len, size - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	close(c->summoned);
	c->summoned = -1;
}

static int no_agent(struct context *c, const char *why)
{
	err_set(&c->error, ERR_FAILED, "starting the agent of this workspace: %s",
		*why ? why : "it ended without a word");
	err_hint(&c->error, "its log is %s/agent.log", c->places.state);
	return fail(c);
}

/* "busy": another one was quicker, or is on its way out: both end in one that listens. */
int join_agent(struct context *c)
{
	int64_t until = now_ms() + JOIN_MS;
	char said[600] = "";
	while (!c->hosts) {
		int rc = c->summoned < 0 ? meet(c) : 0;
		if (rc < 0)
			return fail(c);
		if (rc > 0)
			break;
		if (now_ms() >= until)
			return no_agent(c, *said ? said : "it takes too long");
		if (summon_agent(c))
			return c->error.code;
		if (c->summoned < 0) /* one listens, and is on its way out */
			snprintf(said, sizeof(said), "busy");
		else
			hear(c, said, sizeof(said), until);
		if (streq(said, "busy"))
			nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * 1000000 }, NULL);
		else if (!streq(said, "listening"))
			return no_agent(c, said);
	}
	c->sought = true;
	return 0;
}

/* ---- ending ---- */

int end_client(struct control_client *agent, struct arena *a, struct err *e)
{
	struct node *event;
	int64_t until = now_ms() + GO_MS;
	if (!control_ask(agent, a, agent_request(a, "end"), e) && !control_gone(agent))
		return -1;
	*e = (struct err)ERR_INIT;
	int more = 1;
	while (more >= 0 && now_ms() < until)
		more = control_next(agent, a, &event, 1000);
	if (more >= 0 || !control_await_exit(agent, until))
		return err_set(e, ERR_FAILED, "the agent (pid %ld) takes too long to end",
			(long)control_pid(agent));
	return 0;
}

int end_agent(struct context *c)
{
	if (!c->agent)
		return 0;
	if (end_client(c->agent, &c->arena, &c->error))
		return fail(c);
	leave_agent(c);
	return 0;
}

/*
 * Held while looking: an agent that starts meanwhile would find its own services killed. It looks
 * by itself, as the first thing it does.
 */
int reconcile_workspace(struct context *c, const struct places *pl, const char *workspace)
{
	struct lock lock = { .fd = -1 };
	struct err busy = ERR_INIT;
	const char *path = path_join(&c->arena, pl->state, "agent.lock");
	if (!file_exists(path) || lock_take(&lock, path, 0, &busy))
		return 0;
	struct strs ended = { 0 };
	int n = supervise_reconcile(pl, workspace, &ended, &c->arena, &c->error);
	lock_drop(&lock);
	for (size_t i = 0; i < ended.count; i++)
		note(c, "note: ended what a killed agent left: %s", ended.items[i]);
	return n < 0 ? fail(c) : 0;
}

int reconcile(struct context *c)
{
	return c->agent ? 0 : reconcile_workspace(c, &c->places, c->project.workspace);
}

/* ---- handing over ---- */

struct develop_switches switches_of(const struct project *p, const struct up_opts *o)
{
	return (struct develop_switches){
		.watch = o->watch || (p->up.watch && !o->no_watch),
		.lint = o->lint || p->up.lint == STAGE_ON_CHANGE,
		.test = o->test || p->up.test == STAGE_ON_CHANGE,
	};
}

bool wants_agent(const struct context *c, const struct up_opts *o)
{
	bool modules = false, hosts = false;
	for (size_t i = 0; i < c->project.services.count; i++) {
		hosts = hosts || c->project.services.items[i].where == RUN_HOST;
		modules = modules || c->project.services.items[i].develop;
	}
	return hosts || (modules && c->project.dev && switches_of(&c->project, o).watch);
}

/* The command line with which the agent brings everything up anew by itself. */
static struct strs same_up(struct context *c, const struct up_opts *o, const struct strs *services)
{
	struct arena *a = &c->arena;
	struct strs v = self_argv(c, "devenv");
	const struct {
		bool on;
		const char *word;
	} words[] = {
		{ true, "--progress=plain" },
		{ true, "up" },
		{ true, "-d" },
		{ o->no_deps, "--no-deps" },
		{ o->no_hooks, "--no-hooks" },
		{ o->strict_ports, "--strict-ports" },
		{ c->host, "--host" },
		{ o->watch, "--watch" },
		{ o->no_watch, "--no-watch" },
		{ o->lint, "--lint" },
		{ o->test, "--test" },
	};
	for (size_t i = 0; i < countof(words); i++)
		if (words[i].on)
			strs_add(a, &v, words[i].word);
	for (size_t i = 0; i < services->count; i++)
		strs_add(a, &v, services->items[i]);
	return v;
}

/* Of all that the agent goes by: the command line and the merged configuration. */
static const char *config_hash(struct context *c, const struct strs *argv)
{
	cleanup_buf struct buf tree = BUF_INIT;
	char hex[HASH_HEX + 1];
	struct hasher *h = hasher_new();
	for (size_t i = 0; i < argv->count; i++)
		hasher_str(h, argv->items[i]);
	json_write(&tree, c->config.tree, 0);
	hasher_field(h, tree.data, tree.len);
	hasher_end(h, hex);
	hex[32] = '\0';
	return arena_strdup(&c->arena, hex);
}

/* What is no UTF-8 cannot be said in JSON and stays behind. */
static struct node *texts(struct arena *a, const char *const *items, size_t count)
{
	struct node *list = node_list(a, nowhere);
	for (size_t i = 0; i < count; i++)
		if (utf8_valid(items[i], strlen(items[i]), NULL))
			list_add(a, list, node_str(a, items[i], nowhere));
	return list;
}

static size_t environ_count(void)
{
	size_t n = 0;
	while (environ && environ[n])
		n++;
	return n;
}

int adopt(struct context *c, const struct up_opts *o, const struct strs *services)
{
	struct arena *a = &c->arena;
	struct strs argv = same_up(c, o, services);
	const char *hash = config_hash(c, &argv);
	if (streq(c->agent_config, hash))
		return 0;
	struct node *n = agent_request(a, "adopt");
	map_put(a, n, "argv", nowhere, texts(a, argv.items, argv.count));
	map_put(a, n, "env", nowhere, texts(a, (const char *const *)environ, environ_count()));
	map_put(a, n, "config", nowhere, node_str(a, hash, nowhere));
	map_put(a, n, "host", nowhere, node_bool(a, c->host, nowhere));
	if (!control_ask(c->agent, a, n, &c->error))
		return fail(c);
	c->agent_config = hash;
	lap(c, "watching", true);
	return 0;
}

int own_agent(struct context *c, bool on)
{
	struct node *n = agent_request(&c->arena, "own");
	map_put(&c->arena, n, "on", nowhere, node_bool(&c->arena, on, nowhere));
	return control_ask(c->agent, &c->arena, n, &c->error) ? 0 : fail(c);
}
