/*
 * Nouns on the agent's wire: units and modules as JSON and back. Comes in: a value or a tree. Goes
 * out: the other. What the other side does not say becomes zero; its strings are borrowed from the
 * tree.
 */
#include "run/control/control.h"

#include "control_fields.h"

static const struct place nowhere;

/* ---- units ---- */

static const char *const health_names[] = { "none", "starting", "healthy", "unhealthy" };

static size_t index_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (streq(names[i], name))
			return i;
	return 0;
}

static enum unit_state state_named(const char *name)
{
	for (int s = UNIT_ABSENT; s <= UNIT_DEAD; s++)
		if (streq(unit_state_name((enum unit_state)s), name))
			return (enum unit_state)s;
	return UNIT_ABSENT;
}

struct node *unit_to_node(struct arena *a, const struct container *u)
{
	struct node *n = node_map(a, nowhere), *ports = node_list(a, nowhere);
	control_put_text(a, n, "id", u->id);
	control_put_text(a, n, "name", u->name);
	control_put_text(a, n, "service", u->service);
	control_put_int(a, n, "number", u->number);
	control_put_text(a, n, "state", unit_state_name(u->state));
	control_put_text(a, n, "health", u->health ? health_names[u->health] : NULL);
	control_put_int(a, n, "exit_code", u->exit_code);
	control_put_int(a, n, "pid", u->pid);
	control_put_int(a, n, "restarts", u->restarts);
	control_put_text(a, n, "note", u->note);
	control_put_true(a, n, "notified", u->notified);
	control_put_text(a, n, "workspace", u->workspace);
	control_put_text(a, n, "root", u->root);
	control_put_text(a, n, "hash", u->hash);
	control_put_text(a, n, "inputs", u->inputs);
	control_put_text(a, n, "image", u->image);
	control_put_int(a, n, "uptime_s", u->uptime_s);
	control_put_int(a, n, "created", u->created);
	for (size_t i = 0; i < u->ports.count; i++) {
		const struct seen_port *p = &u->ports.items[i];
		struct node *m = node_map(a, nowhere);
		control_put_int(a, m, "target", p->target);
		control_put_int(a, m, "published", p->published);
		control_put_text(a, m, "protocol", p->protocol);
		control_put_text(a, m, "host_ip", p->host_ip);
		list_add(a, ports, m);
	}
	map_put(a, n, "ports", nowhere, ports);
	return n;
}

static void ports_from_node(struct arena *a, const struct node *list, struct container *out)
{
	struct node *m;
	node_each_item(list, i, m)
	{
		const char *protocol = control_get_text(m, "protocol");
		*list_push(a, &out->ports) = (struct seen_port){
			.target = (int)control_get_int(m, "target", 0),
			.published = (int)control_get_int(m, "published", 0),
			.protocol = protocol ? protocol : "tcp",
			.host_ip = control_get_text(m, "host_ip"),
		};
	}
}

static const char *text_or(const char *s, const char *fallback)
{
	return s ? s : fallback;
}

void unit_from_node(struct arena *a, const struct node *n, struct container *out)
{
	*out = (struct container){
		.host = true,
		.id = text_or(control_get_text(n, "id"), ""),
		.service = text_or(control_get_text(n, "service"), ""),
		.number = (int)control_get_int(n, "number", 1),
		.state = state_named(control_get_text(n, "state")),
		.health = (enum health)index_of(
			health_names, countof(health_names), control_get_text(n, "health")),
		.exit_code = (int)control_get_int(n, "exit_code", 0),
		.pid = (pid_t)control_get_int(n, "pid", 0),
		.restarts = (unsigned)control_get_int(n, "restarts", 0),
		.note = control_get_text(n, "note"),
		.notified = control_get_true(n, "notified"),
		.workspace = control_get_text(n, "workspace"),
		.root = control_get_text(n, "root"),
		.hash = control_get_text(n, "hash"),
		.inputs = control_get_text(n, "inputs"),
		.image = control_get_text(n, "image"),
		.uptime_s = control_get_int(n, "uptime_s", -1),
		.created = control_get_int(n, "created", 0),
	};
	out->name = text_or(control_get_text(n, "name"), out->id);
	ports_from_node(a, node_get(n, "ports"), out);
}

/* ---- modules ---- */

static enum stage_state stage_state_named(const char *name)
{
	for (int s = STAGE_ABSENT; s <= STAGE_CANCELLED; s++)
		if (streq(stage_state_name((enum stage_state)s), name))
			return (enum stage_state)s;
	return STAGE_ABSENT;
}

static struct node *stage_to_node(struct arena *a, const struct stage_result *s, bool output)
{
	struct node *n = node_map(a, nowhere);
	control_put_text(a, n, "state", stage_state_name(s->state));
	control_put_int(a, n, "status", s->status);
	control_put_int(a, n, "duration_ms", s->duration_ms);
	control_put_text(a, n, "command", s->command);
	control_put_text(a, n, "output", output ? s->output : NULL);
	control_put_place(a, n, s->place);
	return n;
}

static void stage_from_node(const struct node *n, struct stage_result *out)
{
	*out = (struct stage_result){
		.state = stage_state_named(control_get_text(n, "state")),
		.status = (int)control_get_int(n, "status", 0),
		.duration_ms = control_get_int(n, "duration_ms", 0),
		.command = control_get_text(n, "command"),
		.output = control_get_text(n, "output"),
		.place = control_get_place(n),
	};
}

struct node *module_to_node(struct arena *a, const struct module_state *m, bool output)
{
	struct node *n = node_map(a, nowhere), *stages = node_map(a, nowhere);
	control_put_text(a, n, "service", m->service);
	control_put_true(a, n, "running", m->running);
	control_put_true(a, n, "suspended", m->suspended);
	control_put_text(a, n, "why", m->why);
	control_put_text(a, n, "cause", m->cause);
	control_put_int(a, n, "more", m->more);
	control_put_int(a, n, "runs", m->runs);
	control_put_int(a, n, "began_ms", m->began_ms);
	control_put_int(a, n, "took_ms", m->took_ms);
	for (int k = 0; k < STAGES; k++)
		if (m->stages[k].state != STAGE_ABSENT)
			map_put(a, stages, stage_name((enum stage_kind)k), nowhere,
				stage_to_node(a, &m->stages[k], output));
	map_put(a, n, "stages", nowhere, stages);
	return n;
}

void module_from_node(struct arena *a, const struct node *n, struct module_state *out)
{
	const struct node *stages = node_get(n, "stages");
	(void)a;
	*out = (struct module_state){
		.service = text_or(control_get_text(n, "service"), ""),
		.running = control_get_true(n, "running"),
		.suspended = control_get_true(n, "suspended"),
		.why = control_get_text(n, "why"),
		.cause = control_get_text(n, "cause"),
		.more = (unsigned)control_get_int(n, "more", 0),
		.runs = (unsigned)control_get_int(n, "runs", 0),
		.began_ms = control_get_int(n, "began_ms", 0),
		.took_ms = control_get_int(n, "took_ms", 0),
	};
	for (int k = 0; k < STAGES; k++) {
		const struct node *s = node_get(stages, stage_name((enum stage_kind)k));
		if (s)
			stage_from_node(s, &out->stages[k]);
	}
}
