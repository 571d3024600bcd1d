/*
 * The engine's objects of a workspace into the world. Comes in: JSON lists. Goes out: containers,
 * images, volumes, networks in the caller's arena. Tolerates fields it does not know, refuses
 * wrong types; never changes anything.
 */
#include "run/engine/call.h"

#include <stdlib.h>
#include <string.h>

#include "doc/json.h"
#include "run/secrets/marks.h"

static int wrong(struct err *e, const char *what, const char *wanted, const struct node *n)
{
	return err_set(e, ERR_ENGINE,
		"the engine's answer is not understood: %s should be %s, got %s", what, wanted,
		n ? node_kind_name(n->kind) : "nothing");
}

/* Optional text; absent and null are NULL. */
static int text_of(const struct node *n, const char *key, const char **out, struct err *e)
{
	const struct node *v = node_get(n, key);
	*out = NULL;
	if (!v || v->kind == NODE_NULL)
		return 0;
	if (v->kind != NODE_STR)
		return wrong(e, key, "a string", v);
	*out = v->text;
	return 0;
}

static int number_of(const struct node *n, const char *key, int64_t *out, struct err *e)
{
	const struct node *v = node_get(n, key);
	*out = 0;
	if (!v || v->kind == NODE_NULL)
		return 0;
	if (v->kind != NODE_INT)
		return wrong(e, key, "a whole number", v);
	*out = v->integer;
	return 0;
}

/* Optional list or map; absent and null are NULL. */
static int part_of(const struct node *n, const char *key, enum node_kind kind,
	const struct node **out, struct err *e)
{
	const struct node *v = node_get(n, key);
	*out = NULL;
	if (!v || v->kind == NODE_NULL)
		return 0;
	if (v->kind != kind)
		return wrong(e, key, node_kind_name(kind), v);
	*out = v;
	return 0;
}

static enum unit_state state_of(const char *name)
{
	static const struct {
		const char *name;
		enum unit_state state;
	} states[] = {
		{ "created", UNIT_CREATED }, { "running", UNIT_RUNNING },
		{ "restarting", UNIT_RESTARTING }, { "paused", UNIT_PAUSED },
		{ "removing", UNIT_REMOVING }, { "exited", UNIT_EXITED }, { "dead", UNIT_DEAD },
		{ "stopped", UNIT_EXITED }, { "configured", UNIT_CREATED }, /* Podman's words */
	};
	for (size_t i = 0; i < countof(states); i++)
		if (streq(states[i].name, name))
			return states[i].state;
	return UNIT_ABSENT;
}

/* The least a rounded duration can mean, in seconds: "3 minutes" 180, "5 hours" 4.5 h. */
static int64_t least_seconds(const char *s)
{
	static const struct {
		const char *words;
		int64_t seconds;
	} fixed[] = { { "Less than a second", 0 }, { "About a minute", 60 },
		{ "About an hour", 3600 } };
	static const struct {
		const char *unit;
		int64_t seconds, slack;
	} units[] = { { "second", 1, 0 }, { "minute", 60, 0 }, { "hour", 3600, 1800 },
		{ "day", 86400, 0 }, { "week", 7 * 86400, 0 }, { "month", 30 * 86400, 0 },
		{ "year", 365 * 86400, 0 } };
	for (size_t i = 0; i < countof(fixed); i++)
		if (starts_with(s, fixed[i].words))
			return fixed[i].seconds;
	char *end = NULL;
	long n = strtol(s, &end, 10);
	if (end == s || *end != ' ' || n < 0 || n > 1000000)
		return -1;
	for (size_t i = 0; i < countof(units); i++)
		if (starts_with(end + 1, units[i].unit))
			return n * units[i].seconds - units[i].slack;
	return -1;
}

static enum health health_of(const char *status)
{
	if (strstr(status, "(healthy)"))
		return HEALTH_HEALTHY;
	if (strstr(status, "(unhealthy)"))
		return HEALTH_UNHEALTHY;
	return strstr(status, "(health: starting)") || strstr(status, "(starting)")
		       ? HEALTH_STARTING
		       : HEALTH_NONE;
}

void status_read(const char *status, struct container *c)
{
	static const char *const with_code[] = { "Exited (", "Restarting (" };
	c->uptime_s = -1;
	c->health = HEALTH_NONE;
	if (!status)
		return;
	for (size_t i = 0; i < countof(with_code); i++)
		if (starts_with(status, with_code[i]))
			c->exit_code = (int)strtol(status + strlen(with_code[i]), NULL, 10);
	if (starts_with(status, "Up ")) {
		c->uptime_s = least_seconds(status + 3);
		c->health = health_of(status);
	}
}

static int read_labels(const struct node *n, struct container *c, struct err *e)
{
	const struct node *labels = NULL;
	const char *number = NULL, *one_off = NULL, *own = NULL;
	if (part_of(n, "Labels", NODE_MAP, &labels, e) ||
		text_of(labels, "com.docker.compose.service", &c->service, e) ||
		text_of(labels, "devenv.service", &own, e) ||
		text_of(labels, "devenv.workspace", &c->workspace, e) ||
		text_of(labels, "devenv.root", &c->root, e) ||
		text_of(labels, "devenv.hash", &c->hash, e) ||
		text_of(labels, "devenv.inputs", &c->inputs, e) ||
		text_of(labels, "devenv.base", &c->base, e) ||
		text_of(labels, "com.docker.compose.container-number", &number, e) ||
		text_of(labels, "com.docker.compose.oneoff", &one_off, e))
		return -1;
	if (!c->service)
		c->service = own ? own : c->name;
	c->number = number ? (int)strtol(number, NULL, 10) : 1;
	c->one_off = streq(one_off, "True");
	return 0;
}

static int read_name(const struct node *n, struct container *c, struct err *e)
{
	const struct node *names = NULL, *name = NULL;
	if (part_of(n, "Names", NODE_LIST, &names, e))
		return -1;
	c->name = c->id;
	if (!node_count(names))
		return 0;
	name = names->list.items[0];
	if (name->kind != NODE_STR)
		return wrong(e, "Names", "a list of strings", name);
	c->name = name->text[0] == '/' ? name->text + 1 : name->text;
	return 0;
}

static int read_port(const struct node *n, struct seen_port *p, struct err *e)
{
	int64_t target = 0, published = 0;
	if (n->kind != NODE_MAP)
		return wrong(e, "Ports", "a list of mappings", n);
	if (number_of(n, "PrivatePort", &target, e) || number_of(n, "PublicPort", &published, e) ||
		text_of(n, "Type", &p->protocol, e) || text_of(n, "IP", &p->host_ip, e))
		return -1;
	if (target < 0 || target > 65535 || published < 0 || published > 65535)
		return err_set(e, ERR_ENGINE,
			"the engine's answer is not understood: a port out of range");
	p->target = (int)target;
	p->published = (int)published;
	if (!p->protocol)
		p->protocol = "tcp";
	return 0;
}

static int read_ports(const struct node *n, struct arena *a, struct container *c, struct err *e)
{
	const struct node *ports = NULL;
	struct node *item;
	if (part_of(n, "Ports", NODE_LIST, &ports, e))
		return -1;
	node_each_item(ports, i, item)
	{
		if (read_port(item, list_push(a, &c->ports), e))
			return -1;
	}
	return 0;
}

/* The address on the workspace's own network, else on the first that has one. */
static int read_ip(const struct node *n, struct container *c, struct err *e)
{
	const struct node *settings = NULL, *networks = NULL;
	const struct node_pair *pair;
	if (part_of(n, "NetworkSettings", NODE_MAP, &settings, e) ||
		part_of(settings, "Networks", NODE_MAP, &networks, e))
		return -1;
	node_each_pair(networks, i, pair)
	{
		const char *ip = NULL;
		if (pair->value->kind != NODE_MAP)
			continue;
		if (text_of(pair->value, "IPAddress", &ip, e))
			return -1;
		if (ip && *ip && (!c->ip || (c->workspace && starts_with(pair->key, c->workspace))))
			c->ip = ip;
	}
	return 0;
}

static int read_container(const struct node *n, struct arena *a, struct container *c, struct err *e)
{
	const char *state = NULL, *status = NULL;
	if (n->kind != NODE_MAP)
		return wrong(e, "a container", "a mapping", n);
	if (text_of(n, "Id", &c->id, e) || text_of(n, "Image", &c->image, e) ||
		text_of(n, "State", &state, e) || text_of(n, "Status", &status, e) ||
		number_of(n, "Created", &c->created, e))
		return -1;
	if (!c->id || !state)
		return wrong(e, c->id ? "State" : "Id", "a string", NULL);
	c->state = state_of(state);
	status_read(status, c);
	return read_name(n, c, e) || read_labels(n, c, e) || read_ports(n, a, c, e) ||
			       read_ip(n, c, e)
		       ? -1
		       : 0;
}

/* An answer that must be a list (or NULL for none), or a map holding one under key. */
static int read_list(struct arena *a, const struct http_answer *ans, const char *key,
	const struct node **list, struct err *e)
{
	const struct node *n =
		json_read(a, buf_str(&ans->body), ans->body.len, "the engine's answer", e);
	if (!n) {
		e->code = ERR_ENGINE;
		return -1;
	}
	if (key) {
		if (n->kind != NODE_MAP)
			return wrong(e, "the whole", "a mapping", n);
		return part_of(n, key, NODE_LIST, list, e);
	}
	if (n->kind != NODE_LIST)
		return wrong(e, "the whole", "a list", n);
	*list = n;
	return 0;
}

/*
 * Compose counts on when it makes copies beside others: 3 and 4 are the first and the second, once
 * 1 and 2 are gone.
 */
static int rank_of(const struct world *w, const struct container *c)
{
	int rank = 1;
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *other = &w->containers.items[i];
		rank += !other->one_off && other->number < c->number &&
			streq(other->service, c->service);
	}
	return rank;
}

static void count_copies(struct arena *a, struct world *w)
{
	int *ranks = arena_array(a, int, w->containers.count + 1);
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *c = &w->containers.items[i];
		ranks[i] = c->one_off || c->number < 2 ? c->number : rank_of(w, c);
	}
	for (size_t i = 0; i < w->containers.count; i++)
		w->containers.items[i].number = ranks[i];
}

int engine_read_containers(struct engine *g, struct arena *a, const struct http_answer *ans,
	struct world *w, struct err *e)
{
	const struct node *list = NULL;
	struct node *item;
	if (read_list(a, ans, NULL, &list, e))
		return -1;
	struct world fresh = { 0 };
	node_each_item(list, i, item)
	{
		if (read_container(item, a, list_push(a, &fresh.containers), e))
			return -1;
	}
	count_copies(a, &fresh);
	memcpy(&w->containers, &fresh.containers, sizeof(w->containers));
	w->engine = true;
	if (g->api[0])
		w->api_version = arena_strdup(a, g->api);
	return 0;
}

/* Behind path filters={"KEY":["value"]}, escaped. */
static char *filtered(struct arena *a, const char *path, const char *key, const char *value)
{
	cleanup_buf struct buf b = BUF_INIT, json = BUF_INIT;
	buf_addf(&json, "{\"%s\":[", key);
	json_string(&json, value, strlen(value));
	buf_adds(&json, "]}");
	buf_addf(&b, "%sfilters=", path);
	url_escape(&b, json.data);
	return arena_strdup(a, b.data);
}

static const char *workspace_label(struct arena *a, const char *workspace)
{
	return workspace ? arena_printf(a, "devenv.workspace=%s", workspace) : "devenv.workspace";
}

char *engine_look_path(struct arena *a, const char *workspace)
{
	return filtered(a, "/containers/json?all=1&", "label", workspace_label(a, workspace));
}

/* Older engines than the floor are refused here, by the header of the answer. */
static int look(
	struct engine *g, struct arena *a, const char *workspace, struct world *w, struct err *e)
{
	bool known = g->api[0] != '\0';
	struct engine_ask ask = { .path = engine_look_path(a, workspace), .unversioned = !known };
	struct engine_call *c = NULL;
	if (engine_request(g, &ask, &c, e))
		return -1;
	const struct http_answer *ans = engine_answer(c);
	if (!known)
		engine_note_version(g, ans->api_version);
	int rc = g->api[0] ? engine_negotiate(g, e) : 0;
	if (!rc)
		rc = engine_read_containers(g, a, ans, w, e);
	engine_call_free(c);
	return rc;
}

int engine_look(
	struct engine *g, struct arena *a, const char *workspace, struct world *w, struct err *e)
{
	return look(g, a, workspace, w, e);
}

int engine_all(struct engine *g, struct arena *a, struct world *w, struct err *e)
{
	return look(g, a, NULL, w, e);
}

static int ask_list(struct engine *g, struct arena *a, const char *path, const char *key,
	const struct node **list, struct err *e)
{
	struct engine_ask ask = { .path = path };
	struct engine_call *c = NULL;
	if (engine_request(g, &ask, &c, e))
		return -1;
	int rc = read_list(a, engine_answer(c), key, list, e);
	engine_call_free(c);
	return rc;
}

static int names_of(const struct node *list, struct arena *a, struct strs *out,
	struct volume_marks *marks, struct err *e)
{
	struct node *item;
	node_each_item(list, i, item)
	{
		const char *name = NULL;
		if (item->kind != NODE_MAP)
			return wrong(e, "an entry", "a mapping", item);
		if (text_of(item, "Name", &name, e))
			return -1;
		if (!name || strs_has(out, name))
			continue;
		strs_add(a, out, name);
		if (marks)
			marks_parse(a, name,
				node_text(node_get(node_get(item, "Labels"), marks_label)), marks);
	}
	return 0;
}

/* Adds the names of what carries a label to out, and what they know of secrets to marks. */
static int look_names(struct engine *g, struct arena *a, const char *path, const char *key,
	const char *label, struct strs *out, struct volume_marks *marks, struct err *e)
{
	const struct node *list = NULL;
	if (ask_list(g, a, filtered(a, path, "label", label), key, &list, e))
		return -1;
	return names_of(list, a, out, marks, e);
}

/* What Compose made for the workspace, and what carries our own label. */
static int look_workspace(struct engine *g, struct arena *a, const char *path, const char *key,
	const char *workspace, struct strs *out, struct volume_marks *marks, struct err *e)
{
	*out = (struct strs){ 0 };
	if (look_names(g, a, path, key, arena_printf(a, "com.docker.compose.project=%s", workspace),
		    out, marks, e) ||
		look_names(g, a, path, key, workspace_label(a, workspace), out, marks, e))
		return -1;
	strs_sort(out);
	return 0;
}

int engine_volumes(
	struct engine *g, struct arena *a, const char *workspace, struct world *w, struct err *e)
{
	w->labels = (struct volume_marks){ 0 };
	if (look_workspace(g, a, "/volumes?", "Volumes", workspace, &w->volumes, &w->labels, e) ||
		look_names(g, a, "/volumes?", "Volumes", "devenv.shared", &w->volumes, NULL, e))
		return -1;
	w->volumes_known = true;
	return 0;
}

int engine_networks(
	struct engine *g, struct arena *a, const char *workspace, struct world *w, struct err *e)
{
	return look_workspace(g, a, "/networks?", NULL, workspace, &w->networks, NULL, e);
}
