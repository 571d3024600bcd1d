/*
 * status, ports, open, wait: what is there. These look and never touch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "run/perform.h"
#include "run/io/spawn.h"

static int run_status(struct context *c, const void *opts, const struct strs *args)
{
	(void)opts;
	int status = look(c);
	if (!status)
		status = check_services(c, args);
	if (status)
		return status;
	if (c->g.json) {
		emit_node(view_status_json(&c->arena, &c->project, &c->world, args));
		return 0;
	}
	if (c->engine_error.code)
		note(c, "note: no containers are shown: %s", c->engine_error.text);
	cleanup_buf struct buf b = BUF_INIT;
	view_status(&b, &c->project, &c->world, args, c->out);
	if (!args->count)
		view_agent(&b, &c->world.agent, clock_ms(), c->out);
	return emit(&b) ? 0 : ERR_FAILED;
}

/* `ports SVC PORT`, as Compose has it: where that port is, and nothing else. */
static int print_port(struct context *c, const char *service, const char *port)
{
	const struct container *k = world_container(&c->world, service);
	const struct service *s = named_service(c, service);
	const struct port *named = s ? service_port(s, port) : NULL;
	int64_t target = 0;
	if (!s)
		return ERR_USAGE;
	if (named)
		target = named->target;
	else
		parse_int(port, &target);
	for (size_t i = 0; k && i < k->ports.count; i++) {
		const struct seen_port *p = &k->ports.items[i];
		if (!p->published || p->target != target)
			continue;
		printf("%s:%d\n", p->host_ip ? p->host_ip : "127.0.0.1", p->published);
		return 0;
	}
	err_set(&c->error, ERR_FAILED, "%s publishes no port %s", service, port);
	err_hint(&c->error, "`devenv ports %s` lists what it publishes", service);
	return fail(c);
}

/* One row a published port: of the containers that run, else what is remembered. */
static int run_ports(struct context *c, const void *opts, const struct strs *args)
{
	static const char *const head[] = { "SERVICE", "PORT", "ADDRESS", "NAME" };
	(void)opts;
	int status = look(c);
	if (!status && args->count == 2 && !project_service(&c->project, args->items[1]))
		return print_port(c, args->items[0], args->items[1]);
	if (!status)
		status = check_services(c, args);
	if (status)
		return status;
	struct table *t = table_new(&c->arena, head, countof(head));
	struct node *list = node_list(&c->arena, (struct place){ 0 });
	struct place no = { 0 };
	for (size_t i = 0; i < c->project.services.count; i++) {
		const struct service *s = &c->project.services.items[i];
		const struct container *k = world_container(&c->world, s->name);
		if (!k || (args->count && !strs_has(args, s->name)))
			continue;
		for (size_t j = 0; j < k->ports.count; j++) {
			const struct seen_port *p = &k->ports.items[j];
			if (!p->published)
				continue;
			const struct port *named =
				service_port(s, arena_printf(&c->arena, "%d", p->target));
			const char *address = arena_printf(&c->arena, "%s:%d",
				p->host_ip ? p->host_ip : "127.0.0.1", p->published);
			table_row(
				t, (const char *[]){ s->name,
					   arena_printf(&c->arena, "%d/%s", p->target, p->protocol),
					   address, named && named->name ? named->name : "" });
			struct node *n = node_map(&c->arena, no);
			map_put(&c->arena, n, "service", no, node_str(&c->arena, s->name, no));
			map_put(&c->arena, n, "target", no, node_int(&c->arena, p->target, no));
			map_put(&c->arena, n, "address", no, node_str(&c->arena, address, no));
			list_add(&c->arena, list, n);
		}
	}
	if (c->g.json) {
		emit_node(list);
		return 0;
	}
	cleanup_buf struct buf b = BUF_INIT;
	table_write(&b, t, c->out);
	return emit(&b) ? 0 : ERR_FAILED;
}

struct open_opts {
	bool print;
};

static const struct opt open_options[] = {
	{ "print", 0, OPT_FLAG, NULL, "print the URLs instead of opening one", NULL, COMPLETE_NONE,
		offsetof(struct open_opts, print), false },
	{ 0 },
};

/* A proxy has the URLs of all that it leads to. */
static bool leads_to(const struct url *u, const char *service)
{
	return (u->service && streq(u->service->name, service)) ||
	       (u->via && streq(u->via->name, service));
}

static int run_open(struct context *c, const void *opts, const struct strs *args)
{
	const struct open_opts *o = opts;
	struct urls urls = { 0 };
	int status = look(c);
	if (!status)
		status = check_services(c, args);
	if (status)
		return status;
	plan_urls(&c->arena, &c->project, &c->world, &urls);
	const struct url *chosen = NULL;
	for (size_t i = 0; i < urls.count; i++) {
		if (args->count && !leads_to(&urls.items[i], args->items[0]))
			continue;
		chosen = chosen ? chosen : &urls.items[i];
		if (o->print)
			printf("%s\n", urls.items[i].url);
	}
	if (!chosen) {
		err_set(&c->error, ERR_FAILED, "%s has no URL",
			args->count ? args->items[0] : "this project");
		err_hint(&c->error, "`ports:` of a service and `routes:` give URLs, once it is up");
		return fail(c);
	}
	if (o->print)
		return 0;
	const char *opener = getenv("BROWSER");
	const char *argv[] = { opener && *opener ? opener : "xdg-open", chosen->url, NULL };
	struct spawn s = { .argv = argv, .timeout_ms = 10000 };
	int child = 0;
	c->loop = c->loop ? c->loop : loop_new();
	if (!spawn_run(c->loop, &s, &child, &c->error) && child)
		err_set(&c->error, ERR_FAILED, "%s could not open %s (exit status %d)", argv[0],
			chosen->url, child);
	if (!c->error.code)
		return 0;
	err_hint(&c->error, "set BROWSER, or use `devenv open --print`");
	return fail(c);
}

struct wait_opts {
	int timeout;
};

static const struct opt wait_options[] = {
	{ "timeout", 't', OPT_INT, "SECONDS", "give up after so long (default 60)", NULL,
		COMPLETE_NONE, offsetof(struct wait_opts, timeout), false },
	{ 0 },
};

/* service NULL: none at all. */
static int not_up(struct context *c, const char *service)
{
	err_set(&c->error, ERR_FAILED, "%s",
		service ? arena_printf(&c->arena, "%s is not up", service)
			: "nothing is up: there is nothing to wait for");
	err_hint(&c->error, "start it with `devenv up -d%s%s`", service ? " " : "",
		service ? service : "");
	return fail(c);
}

static int run_wait(struct context *c, const void *opts, const struct strs *args)
{
	const struct wait_opts *o = opts;
	int status = look(c);
	if (!status)
		status = check_services(c, args);
	if (status)
		return status;
	const struct service **list =
		arena_array(&c->arena, const struct service *, c->project.services.count + 1);
	size_t count = 0;
	for (size_t i = 0; i < c->project.services.count; i++) {
		const struct service *s = &c->project.services.items[i];
		if (args->count ? strs_has(args, s->name)
				: world_container(&c->world, s->name) != NULL)
			list[count++] = s;
	}
	for (size_t i = 0; i < args->count; i++)
		if (!world_container(&c->world, args->items[i]))
			return not_up(c, args->items[i]);
	if (!count)
		return not_up(c, NULL);
	c->loop = c->loop ? c->loop : loop_new();
	struct performer pf = {
		.loop = c->loop,
		.engine = c->engine,
		.places = &c->places,
		.world = &c->world,
		.hosts = c->hosts,
	};
	if (ready_wait(&pf, list, count, (o->timeout ? o->timeout : 60) * 1000LL, &c->error))
		return loop_signal(c->loop) ? 128 + loop_signal(c->loop) : fail(c);
	return 0;
}

const struct cmd cmd_status = {
	.name = "status",
	.alias = "ps",
	.group = "daily",
	.args = "[SVC...]",
	.help = "each service with its state, health, uptime and ports",
	.detail = "One engine request. \"ready\" is what `up` saw answer; \"healthy\" and "
		  "\"unhealthy\" are the engine's\n"
		  "own word; \"done\" is a job that exited 0.\n\n"
		  "Where the agent runs, a line says how it keeps host services (so that none "
		  "survives it) and what\n"
		  "it watches; then a line per module with the marks of its stages. A line each "
		  "names volumes that\n"
		  "others stand for (restored, reset, of a branch), and services that a command "
		  "about data stopped\n"
		  "and did not start again.",
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_status,
};

const struct cmd cmd_ports = {
	.name = "ports",
	.group = "daily",
	.args = "[SVC...] | SVC PORT",
	.help = "published ports and their addresses",
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_ports,
};

const struct cmd cmd_open = {
	.name = "open",
	.group = "daily",
	.args = "[SVC]",
	.help = "open a URL of the project in the browser",
	.opts = open_options,
	.opts_size = sizeof(struct open_opts),
	.max_args = 1,
	.complete = COMPLETE_SERVICE,
	.run = run_open,
};

const struct cmd cmd_wait = {
	.name = "wait",
	.group = "daily",
	.args = "[SVC...]",
	.help = "wait until services are ready and jobs are done",
	.opts = wait_options,
	.opts_size = sizeof(struct wait_opts),
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = run_wait,
};
