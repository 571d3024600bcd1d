/*
 * Units as a table and as JSON. Comes in: project and world. Goes out: one line a service with its
 * state in a word, health, ports.
 */
#include <stdlib.h>
#include <string.h>

#include "view/view.h"

/* The word for a service: what it is, judged by its first container. */
const char *view_container_word(const struct service *s, const struct container *k)
{
	static const char *const health[] = {
		[HEALTH_STARTING] = "starting",
		[HEALTH_HEALTHY] = "healthy",
		[HEALTH_UNHEALTHY] = "unhealthy",
	};
	if (!k)
		return "absent";
	if (k->state == UNIT_RUNNING && k->health != HEALTH_NONE)
		return health[k->health];
	if (k->state == UNIT_EXITED && s && s->kind == KIND_JOB && service_success(s, k->exit_code))
		return "done";
	if (k->host && k->state == UNIT_DEAD)
		return "given up";
	return unit_state_name(k->state);
}

/* The engine asks at its own slow interval: until it has, what `up` saw counts. */
const char *view_unit_word(const struct service *s, const struct world *w)
{
	const struct container *k = world_container(w, s->name);
	const char *word = view_container_word(s, k);
	bool open = streq(word, "running") || streq(word, "starting");
	return open && k && world_seen_ready(w, k) ? "ready" : word;
}

static const char *uptime(struct arena *a, int64_t t)
{
	if (t < 120)
		return arena_printf(a, "up %d s", (int)t);
	if (t < 7200)
		return arena_printf(a, "up %d min", (int)(t / 60));
	return t < 172800 ? arena_printf(a, "up %d h", (int)(t / 3600))
			  : arena_printf(a, "up %d d", (int)(t / 86400));
}

/* Copies of a host service are told apart by the supervisor, not by a table of containers. */
static const char *copies_word(struct arena *a, const struct service *s, const struct world *w)
{
	int running = 0;
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *c = &w->containers.items[i];
		running += c->host && c->state == UNIT_RUNNING && streq(c->service, s->name);
	}
	return s->replicas > 1 ? arena_printf(a, "%d of %d copies", running, s->replicas) : NULL;
}

static const char *process_detail(
	struct arena *a, const struct service *s, const struct container *k, const struct world *w)
{
	struct strs words = { 0 };
	const char *copies = copies_word(a, s, w);
	if (k->state == UNIT_EXITED && (k->exit_code || s->kind != KIND_JOB))
		strs_add(a, &words, arena_printf(a, "exit status %d", k->exit_code));
	if (k->state == UNIT_RUNNING && k->uptime_s >= 0)
		strs_add(a, &words, uptime(a, k->uptime_s));
	if (k->pid)
		strs_add(a, &words, arena_printf(a, "pid %ld", (long)k->pid));
	if (k->restarts)
		strs_add(a, &words,
			arena_printf(a, "%u restart%s", k->restarts, k->restarts == 1 ? "" : "s"));
	if (k->note)
		strs_add(a, &words, k->note);
	if (copies)
		strs_add(a, &words, copies);
	return strs_join(a, &words, ", ");
}

static const char *detail_of(
	struct arena *a, const struct service *s, const struct container *k, const struct world *w)
{
	if (!k && s->left_out)
		return "cannot run on the host";
	if (!k)
		return s->profiles.count
			       ? arena_printf(a, "profile %s", strs_join(a, &s->profiles, ", "))
			       : "";
	if (k->host)
		return process_detail(a, s, k, w);
	if (k->state == UNIT_EXITED && (k->exit_code || s->kind != KIND_JOB))
		return arena_printf(a, "exit status %d", k->exit_code);
	return k->uptime_s < 0 || k->state != UNIT_RUNNING ? "" : uptime(a, k->uptime_s);
}

/* The engine gives ports in no order; each look shows them alike. */
static int by_target(const void *a, const void *b)
{
	const struct seen_port *x = a, *y = b;
	return (x->target > y->target) - (x->target < y->target);
}

const char *view_ports(struct arena *a, const struct container *k, bool address)
{
	struct strs all = { 0 };
	if (!k || !k->ports.count)
		return "";
	struct seen_port *ports = arena_copy(a, k->ports.items, k->ports.count * sizeof(*ports));
	qsort(ports, k->ports.count, sizeof(*ports), by_target);
	for (size_t i = 0; i < k->ports.count; i++) {
		const struct seen_port *p = &ports[i];
		if (p->published && !(p->host_ip && strchr(p->host_ip, ':')))
			strs_add(a, &all,
				arena_printf(a, "%s%s%d->%d%s",
					address && p->host_ip ? p->host_ip : "", address ? ":" : "",
					p->published, p->target,
					streq(p->protocol, "udp") ? "/udp" : ""));
	}
	return strs_join(a, &all, " ");
}

static bool asked_for(const struct strs *only, const char *service)
{
	return !only->count || strs_has(only, service);
}

/* Services without a container that a profile holds back are left out, unless they are named. */
static bool shown(const struct service *s, const struct container *k, const struct strs *only)
{
	return asked_for(only, s->name) && (k || only->count || !s->profiles.count);
}

void view_status(struct buf *out, const struct project *p, const struct world *w,
	const struct strs *only, struct style st)
{
	static const char *const head[] = { "SERVICE", "STATE", "", "PORTS" };
	struct arena a = ARENA_INIT;
	struct table *t = table_new(&a, head, countof(head));
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		const struct container *k = world_container(w, s->name);
		if (shown(s, k, only))
			table_row(t, (const char *[]){ s->name, view_unit_word(s, w),
					     detail_of(&a, s, k, w), view_ports(&a, k, true) });
	}
	for (size_t i = 0; i < w->containers.count; i++) {
		const struct container *k = &w->containers.items[i];
		if (!k->one_off && asked_for(only, k->service) && !project_service(p, k->service))
			table_row(t, (const char *[]){ k->service, view_container_word(NULL, k),
					     "no longer configured", "" });
	}
	table_write(out, t, st);
	if (!only->count)
		view_volumes(out, p, w);
	arena_release(&a);
}

static void process_json(struct arena *a, struct node *n, const struct container *k)
{
	struct place no = { 0 };
	map_put(a, n, "pid", no, node_int(a, k->pid, no));
	map_put(a, n, "restarts", no, node_int(a, k->restarts, no));
	if (k->note)
		map_put(a, n, "note", no, node_str(a, k->note, no));
}

static struct node *container_json(struct arena *a, const struct container *k)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no), *ports = node_list(a, no);
	map_put(a, n, "id", no, node_str(a, k->id ? k->id : "", no));
	map_put(a, n, "name", no, node_str(a, k->name ? k->name : "", no));
	map_put(a, n, "number", no, node_int(a, k->number, no));
	map_put(a, n, "state", no, node_str(a, unit_state_name(k->state), no));
	map_put(a, n, "where", no, node_str(a, k->host ? "host" : "container", no));
	map_put(a, n, "exit_code", no, node_int(a, k->exit_code, no));
	if (k->host)
		process_json(a, n, k);
	for (size_t i = 0; i < k->ports.count; i++) {
		const struct seen_port *sp = &k->ports.items[i];
		struct node *port = node_map(a, no);
		map_put(a, port, "target", no, node_int(a, sp->target, no));
		map_put(a, port, "published", no, node_int(a, sp->published, no));
		map_put(a, port, "protocol", no,
			node_str(a, sp->protocol ? sp->protocol : "tcp", no));
		map_put(a, port, "host_ip", no, node_str(a, sp->host_ip ? sp->host_ip : "", no));
		list_add(a, ports, port);
	}
	map_put(a, n, "ports", no, ports);
	return n;
}

struct node *view_status_json(
	struct arena *a, const struct project *p, const struct world *w, const struct strs *only)
{
	struct place no = { 0 };
	struct node *top = node_map(a, no), *list = node_list(a, no);
	map_put(a, top, "version", no, node_int(a, 1, no));
	map_put(a, top, "project", no, node_str(a, p->name, no));
	map_put(a, top, "workspace", no, node_str(a, p->workspace, no));
	for (size_t i = 0; i < p->services.count; i++) {
		const struct service *s = &p->services.items[i];
		if (!asked_for(only, s->name))
			continue;
		struct node *n = node_map(a, no), *copies = node_list(a, no);
		map_put(a, n, "service", no, node_str(a, s->name, no));
		map_put(a, n, "state", no, node_str(a, view_unit_word(s, w), no));
		map_put(a, n, "kind", no, node_str(a, s->kind == KIND_JOB ? "job" : "service", no));
		for (size_t k = 0; k < w->containers.count; k++)
			if (streq(w->containers.items[k].service, s->name) &&
				!w->containers.items[k].one_off)
				list_add(a, copies, container_json(a, &w->containers.items[k]));
		map_put(a, n, "containers", no, copies);
		list_add(a, list, n);
	}
	map_put(a, top, "services", no, list);
	struct node *volumes = view_volumes_json(a, p, w);
	if (node_count(volumes))
		map_put(a, top, "volumes", no, volumes);
	if (w->halted.services.count)
		map_put(a, top, "halted", no, view_halted_json(a, w));
	map_put(a, top, "agent", no, view_agent_json(a, &w->agent));
	return top;
}
