/*
 * Host services in a plan: their specs, when each copy is started and why, what stands in whose
 * environment, and that nothing of them reaches Compose.
 */
#include "planner_host.h"

static const char mixed[] =
	"secrets: { pw: { generate: password } }\n"
	"images: { base: { user: app } }\n"
	"services:\n"
	"  db: { image: \"postgres:17\", ports: { pg: { target: 5432, published: auto } } }\n"
	"  web: { run: host, command: \"./serve --port $PORT\", ports: { http: { target: 8000, "
	"published: auto } },\n"
	"    depends_on: { db: {} }, secrets: [pw], stop_signal: SIGINT, restart: "
	"\"on-failure:3\",\n"
	"    environment: { DB: \"pg://u:${secret.pw}@${service.db.host}:${service.db.port}/x\",\n"
	"      PW_FILE: /run/secrets/pw, PLAIN: \"$${secret.pw}\" } }\n"
	"  api: { image: base, command: x, depends_on: { web: { condition: service_healthy } },\n"
	"    environment: { WEB: \"${service.web.url}\" } }\n";

static void open_mixed(struct bench *b)
{
	bench_open(b, mixed);
	allocate(b, "db", 5432, 25432);
	allocate(b, "web", 8000, 28000);
}

/* All that was planned runs. */
static void settle(struct bench *b)
{
	bench_images(b);
	b->world.volumes_known = true;
	for (size_t i = 0; i < b->plan.chosen.count; i++) {
		const struct chosen *c = &b->plan.chosen.items[i];
		if (c->service->where == RUN_CONTAINER)
			bench_container(b, c);
		else
			for (size_t k = 0; k < bench_step(b, arena_printf(&b->arena, "start %s",
								     c->service->name))
						       ->hosts.count;
				k++)
				run(b, spec_of(b, c->service->name, k));
	}
}

static void first_start(void **state)
{
	struct bench b;
	(void)state;
	open_mixed(&b);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b),
		"write\nbuild base\ncreate containers\nstart db\nready db\nstart web\nready web\n"
		"start api\nready api");
	assert_true(bench_needs(&b, "start web", "start db"));
	assert_true(bench_needs(&b, "start web", "write"));
	assert_true(bench_needs(&b, "start api", "ready web"));
	assert_false(bench_needs(&b, "start web", "create containers"));
	assert_string_equal(bench_why(&b, "start web"), "process absent");
	const struct step *create = bench_step(&b, "create containers");
	assert_null(strstr(strs_join(&b.arena, &create->argv, " "), "web"));
	assert_null(bench_get(&b, "services.web.image"));
	assert_null(node_path(bench_compose(&b), "services.web"));
	bench_close(&b);
}

static void spec(void **state)
{
	struct bench b;
	(void)state;
	open_mixed(&b);
	bench_plan(&b);
	const struct host_spec *s = spec_of(&b, "web", 0);
	assert_string_equal(strs_join(&b.arena, &s->argv, "|"), "sh|-c|exec ./serve --port $PORT");
	assert_string_equal(s->dir, "/srv/shop");
	assert_string_equal(s->stop_signal, "INT");
	assert_int_equal(s->restart, RESTART_ON_FAILURE);
	assert_int_equal(s->restart_max, 3);
	assert_int_equal(s->number, 1);
	assert_int_equal(s->ports.items[0].published, 28000);
	assert_string_equal(variable(&b, s, "PORT"), "28000");
	assert_string_equal(variable(&b, s, "PORT_HTTP"), "28000");
	assert_string_equal(variable(&b, s, "DB"), "pg://u:<pw:url>@127.0.0.1:25432/x");
	assert_string_equal(
		variable(&b, s, "PW_FILE"), "/srv/shop/.devenv/generated/secrets/web/pw");
	assert_string_equal(
		variable(&b, s, "DEVENV_SECRETS"), "/srv/shop/.devenv/generated/secrets/web");
	assert_string_equal(variable(&b, s, "PLAIN"), "${secret.pw}");
	assert_string_equal(variable(&b, s, "DEVENV_SERVICE"), "web");
	assert_string_equal(variable(&b, s, "DEVENV_WORKSPACE"), b.project.workspace);
	assert_string_equal(variable(&b, s, "SSL_CERT_FILE"),
		"/srv/shop/.devenv/generated/trust/ca-bundle.crt");
	assert_non_null(bench_out(&b, "secrets/web/pw"));
	bench_close(&b);
}

static void containers_reach_it(void **state)
{
	struct bench b;
	(void)state;
	open_mixed(&b);
	bench_plan(&b);
	assert_string_equal(
		bench_get(&b, "services.api.environment.WEB"), "http://host.docker.internal:28000");
	assert_string_equal(
		bench_get(&b, "services.api.extra_hosts[0]"), "host.docker.internal:host-gateway");
	assert_null(bench_get(&b, "services.db.extra_hosts[0]"));
	bench_close(&b);
}

static void routes_reach_it(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "services:\n"
		       "  web: { run: host, command: x, ports: { http: { target: 8000 } } }\n"
		       "  edge: { image: nginx, ports: { https: { target: 443 } } }\n"
		       "routes: [{ host: a.localhost, path: /, to: web, via: edge }]\n");
	allocate(&b, "web", 8000, 28000);
	bench_plan(&b);
	const char *text = bench_file(&b, "nginx/edge/routes.conf");
	assert_non_null(strstr(text, "proxy_pass http://host.docker.internal:28000;"));
	assert_string_equal(
		bench_get(&b, "services.edge.extra_hosts[0]"), "host.docker.internal:host-gateway");
	bench_close(&b);
}

/* One line of the configuration, and what the plan says of it. */
static const struct {
	const char *from, *to, *why;
} changes[] = {
	{ "PLAIN: ", "OTHER: ", "environment changed" },
	{ "./serve", "./other", "command changed" },
	{ "${secret.pw}@", "@", "environment changed; a secret changed" },
	{ "SIGINT", "SIGTERM", "configuration changed" },
	{ "target: 8000, ", "target: 8001, ", "environment changed; ports changed" },
};

static const char *replace(struct bench *b, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	assert_non_null(at);
	return arena_printf(&b->arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void changes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(changes); i++) {
		struct bench b;
		open_mixed(&b);
		*list_push(&b.arena, &b.world.secrets) =
			(struct seen_secret){ .name = "pw", .fingerprint = "f1" };
		bench_plan(&b);
		settle(&b);
		bench_plan(&b);
		assert_string_equal(bench_steps(&b), "");
		bench_change(&b, replace(&b, mixed, changes[i].from, changes[i].to));
		b.request.services.count = 0;
		strs_add(&b.arena, &b.request.services, "web");
		b.request.no_deps = true;
		bench_plan(&b);
		const char *why = bench_why(&b, "start web");
		if (i + 1 < countof(changes)) {
			assert_string_equal(why, changes[i].why);
			assert_string_equal(bench_steps(&b), "write\nstart web\nready web");
		} else {
			assert_non_null(strstr(why, "ports changed"));
		}
		bench_close(&b);
	}
}

static const struct {
	enum unit_state state;
	int status;
	const char *note, *steps, *why;
} fates[] = {
	{ UNIT_RUNNING, 0, NULL, "", NULL },
	{ UNIT_EXITED, 3, NULL, "write\nstart web\nready web", "it has stopped with status 3" },
	{ UNIT_DEAD, 1, "given up after 5 restarts", "write\nstart web\nready web",
		"given up after 5 restarts" },
	{ UNIT_RESTARTING, 1, NULL, "write\nready web", NULL },
	{ UNIT_STARTING, 0, NULL, "", NULL },
	{ UNIT_ABSENT, 0, NULL, "write\nstart web\nready web", "process absent" },
};

static void each_fate(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fates); i++) {
		struct bench b;
		open_mixed(&b);
		bench_plan(&b);
		settle(&b);
		struct container *web = bench_seen(&b, "web");
		web->state = fates[i].state;
		web->exit_code = fates[i].status;
		web->note = fates[i].note;
		bench_plan(&b);
		assert_string_equal(bench_steps(&b), fates[i].steps);
		if (fates[i].why)
			assert_string_equal(bench_why(&b, "start web"), fates[i].why);
		bench_close(&b);
	}
}

static const char copies[] =
	"services:\n"
	"  web: { run: host, command: [serve, \"${service.web.port}\"], scale: 3,\n"
	"    ports: { http: { target: 80, published: auto } } }\n";

static void each_copy_by_itself(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, copies);
	allocate(&b, "web", 80, 20080);
	allocate(&b, "web.2", 80, 20081);
	allocate(&b, "web.3", 80, 20082);
	bench_plan(&b);
	assert_int_equal(bench_step(&b, "start web")->hosts.count, 3);
	assert_string_equal(strs_join(&b.arena, &spec_of(&b, "web", 2)->argv, " "), "serve 20082");
	assert_string_equal(variable(&b, spec_of(&b, "web", 1), "PORT"), "20081");
	settle(&b);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	b.world.containers.items[1].state = UNIT_EXITED;
	b.world.containers.items[1].exit_code = 9;
	bench_plan(&b);
	assert_int_equal(bench_step(&b, "start web")->hosts.count, 1);
	assert_int_equal(spec_of(&b, "web", 0)->number, 2);
	assert_string_equal(bench_why(&b, "start web"), "copy 2: it has stopped with status 9");
	b.world.containers.items[1].state = UNIT_RUNNING;
	bench_change(&b, replace(&b, copies, "scale: 3", "scale: 1"));
	bench_plan(&b);
	assert_string_equal(bench_steps(&b),
		"write\nstop host:web.2\nremove host:web.2\nstop host:web.3\nremove host:web.3");
	assert_string_equal(bench_why(&b, "stop host:web.2"), "web has 1 copy now");
	bench_close(&b);
}

static void wishes(void **state)
{
	struct bench b;
	struct port_wishes w = { 0 };
	(void)state;
	bench_open(&b,
		"services:\n"
		"  a: { run: host, command: x, scale: 2, ports: { http: { target: 80 } } }\n"
		"  b: { run: host, command: x, ports: { x: { target: 1, published: 91 } } }\n"
		"  c: { image: x, ports: { x: { target: 2 } } }\n");
	plan_ports(&b.arena, &b.project, &b.request, &w);
	assert_int_equal(w.count, 3);
	assert_string_equal(w.items[0].owner, "a");
	assert_int_equal(w.items[0].wanted, 80);
	assert_string_equal(w.items[1].owner, "a.2");
	assert_int_equal(w.items[1].wanted, 0);
	assert_int_equal(w.items[2].wanted, 91);
	bench_close(&b);
}

static void jobs(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "services: { seed: { run: host, kind: job, command: x, "
		       "success_exit_codes: [3] } }\n");
	bench_plan(&b);
	assert_true(spec_of(&b, "seed", 0)->job);
	settle(&b);
	struct container *seed = bench_seen(&b, "seed");
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	seed->exit_code = 3;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	seed->exit_code = 1;
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "start seed"), "it has stopped with status 1");
	seed->exit_code = 0;
	b.world.records.count = 0;
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "start seed"), "its success was not seen");
	bench_close(&b);
}

/* A service that is gone, and one that went from a container to the host. */
static void what_was_elsewhere(void **state)
{
	struct bench b;
	(void)state;
	open_mixed(&b);
	bench_plan(&b);
	settle(&b);
	run(&b, &(struct host_spec){ .service = "old", .number = 1, .hash = "x" });
	struct container *web = bench_seen(&b, "web");
	web->host = false;
	web->id = "c0ffee";
	web->name = "shop-web-1";
	bench_plan(&b);
	assert_string_equal(bench_steps(&b),
		"write\nstop host:old.1\nremove host:old.1\nstop shop-web-1\nremove shop-web-1\n"
		"start web\nready web");
	assert_string_equal(bench_why(&b, "stop shop-web-1"), "web runs on the host now");
	assert_string_equal(
		bench_why(&b, "stop host:old.1"), "the configuration has no service old");
	assert_true(bench_needs(&b, "start web", "remove shop-web-1"));
	bench_close(&b);
}

static void only_processes(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, copies);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\nstart web\nready web");
	assert_null(bench_out(&b, "compose.yml"));
	settle(&b);
	b.world.volumes_known = b.world.images_known = false;
	b.request.goal = GOAL_DOWN;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "stop web\nremove web");
	assert_string_equal(bench_step(&b, "stop web")->containers.items[0], "host:web.1");
	b.request.goal = GOAL_RESTART;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "stop web\nstart web\nready web");
	assert_string_equal(bench_step(&b, "start web")->containers.items[0], "host:web.1");
	bench_close(&b);
}

static void stops_in_order_across_kinds(void **state)
{
	struct bench b;
	(void)state;
	open_mixed(&b);
	bench_plan(&b);
	settle(&b);
	b.request.goal = GOAL_STOP;
	bench_plan(&b);
	assert_true(bench_needs(&b, "stop web", "stop api"));
	assert_true(bench_needs(&b, "stop db", "stop web"));
	bench_close(&b);
}

static void followers(void **state)
{
	struct bench b;
	(void)state;
	const char *yaml =
		"services:\n"
		"  a: { run: host, command: x }\n"
		"  b: { run: host, command: x, depends_on: { a: { on_restart: reload } } }\n"
		"  c: { run: host, command: x, depends_on: { a: { on_restart: restart } } }\n";
	bench_open(&b, yaml);
	bench_plan(&b);
	settle(&b);
	bench_seen(&b, "a")->state = UNIT_EXITED;
	bench_plan(&b);
	assert_string_equal(
		bench_steps(&b), "write\nstart a\nready a\nreload b\nreload c\nready c");
	assert_string_equal(bench_step(&b, "reload b")->signal, "HUP");
	assert_int_equal(bench_step(&b, "reload b")->argv.count, 0);
	assert_null(bench_step(&b, "reload c")->signal);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(first_start), cmocka_unit_test(spec),
		cmocka_unit_test(containers_reach_it), cmocka_unit_test(routes_reach_it),
		cmocka_unit_test(changes_are_named), cmocka_unit_test(each_fate),
		cmocka_unit_test(each_copy_by_itself), cmocka_unit_test(wishes),
		cmocka_unit_test(jobs), cmocka_unit_test(what_was_elsewhere),
		cmocka_unit_test(only_processes), cmocka_unit_test(stops_in_order_across_kinds),
		cmocka_unit_test(followers) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
